//! Steps of pivot chunks: 32 symbols at a time are merged or looked up, eight are parted.

mod look_up;
mod merge;
mod part;

use self::{
    look_up::{look_up, unpack, unpack_1, unpack_4},
    merge::{merge, merge_single},
    part::{pack, part, part_single},
};
use super::{is_available, sort};
use crate::pivot::{Portable, ROWS, SLACK, STRIDE, SYMBOLS_ROOM, Steps, strides};

/// There is one only where the processor has what the steps need.
#[derive(Debug)]
pub(in crate::simd) struct PivotSteps(());

impl PivotSteps {
    /// `None`: the processor lacks something.
    pub(in crate::simd) fn new() -> Option<&'static Self> {
        static STEPS: PivotSteps = PivotSteps(());
        is_available().then_some(&STEPS)
    }
}

impl Steps for PivotSteps {
    fn ones(&self, bitmap: &[u8]) -> usize {
        // SAFETY: the processor has the features: there is a `self`.
        unsafe { ones(bitmap) }
    }

    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge::<false>(out, len, bitmap, left, right) }
    }

    fn merge_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge::<true>(out, len, bitmap, left, right) }
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge_single::<false>(out, len, bitmap, symbol, right) }
    }

    fn merge_single_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge_single::<true>(out, len, bitmap, symbol, right) }
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        assert!(out.len() >= strides(len) && packed.len() >= len * usize::from(bits) / 8 + SLACK);
        let (out, packed) = (out.as_mut_ptr(), packed.as_ptr());
        // SAFETY: as above, and both are as long as was asserted.
        unsafe {
            match bits {
                1 => unpack_1(out, len, packed, table),
                2 => unpack::<2, 1>(out, len, packed, table),
                3 => unpack::<3, 1>(out, len, packed, table),
                4 => unpack_4(out, len, packed, table),
                5 => unpack::<5, 2>(out, len, packed, table),
                6 => unpack::<6, 4>(out, len, packed, table),
                7 => unpack::<7, 8>(out, len, packed, table),
                _ => look_up::<2>(out, len, packed, table),
            }
        }
    }

    fn rank(&self, symbols: &[u8], ranks: &[u8; 256], out: &mut [u8]) {
        assert!(out.len() >= strides(symbols.len()));
        let whole = symbols.len() / STRIDE * STRIDE;
        let mut last = [0; STRIDE];
        last[..symbols.len() - whole].copy_from_slice(&symbols[whole..]);
        // Text has few symbols in the upper half, or none.
        let look_up = if ranks[128..].iter().all(|&rank| rank == 0) { look_up::<1> } else { look_up::<2> };
        // SAFETY: as above; a look-up reads and writes as many bytes as there are symbols in whole
        // strides.
        unsafe {
            look_up(out.as_mut_ptr(), whole, symbols.as_ptr(), ranks);
            if whole < symbols.len() {
                look_up(out[whole..].as_mut_ptr(), STRIDE, last.as_ptr(), ranks);
            }
        }
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        // SAFETY: as above.
        unsafe { part(ranks, len, threshold, right, bitmap) }
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        // SAFETY: as above.
        unsafe { part_single(ranks, len, threshold, right, bitmap) }
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        // SAFETY: as above.
        unsafe { pack(ranks, len, first, bits, packed) }
    }

    fn sort(&self, used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
        if starts.len() > sort::MOST_GROUPS + 1 {
            return Portable.sort(used, numbers, starts, symbols);
        }
        // SAFETY: as above.
        unsafe { sort::sort(used, numbers, starts, symbols) }
    }
}

/// Symbols in a vector.
const VECTOR: usize = 32;

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn ones(bitmap: &[u8]) -> usize {
    let (words, rest) = bitmap.as_chunks();
    let mut count = 0;
    for word in words {
        count += u64::from_le_bytes(*word).count_ones() as usize;
    }
    for byte in rest {
        count += byte.count_ones() as usize;
    }
    count
}
