//! Sequences of a chunk on every processor: expanded one after the other, then the copy loop with
//! steps that are plain Rust.

use crate::{
    sequences::{Expanded, Output, Repeats, Sections},
    simd::lz_copy::{self, GROUP, Steps},
};

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together.
///
/// `inline(never)` keeps it apart, where `scripts/hot_loops.sh` looks at it.
#[inline(never)]
pub(super) fn execute(
    sections: &Sections<'_>,
    repeats: Repeats,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> Option<Repeats> {
    sections.expand(repeats, expanded).ok()?;
    // SAFETY: `Portable` needs no features.
    let fit = unsafe { lz_copy::choose!(Portable, sections, repeats.last(), expanded, output) };
    fit.then(|| sections.offsets.repeats(&expanded.code_offsets))
}

/// What the copy loop does without any instructions of its own.
#[derive(Debug)]
struct Portable;

impl Steps for Portable {
    #[inline(always)]
    unsafe fn sum(lengths: &[u8; GROUP]) -> usize {
        lengths.iter().map(|&length| u32::from(length)).sum::<u32>() as usize
    }

    #[inline(always)]
    unsafe fn range(offsets: &[u32; GROUP]) -> (u32, u32) {
        offsets.iter().fold((u32::MAX, 0), |(nearest, farthest), &offset| (nearest.min(offset), farthest.max(offset)))
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 16], period: usize) -> [u8; 16] {
        if period == 16 {
            return bytes;
        }
        let mut bits = 8 * period;
        let mut repeated = u128::from_le_bytes(bytes) & ((1 << bits) - 1);
        while bits < 128 {
            repeated |= repeated << bits;
            bits *= 2;
        }
        repeated.to_le_bytes()
    }

    #[inline(always)]
    unsafe fn add_repeated(mut bytes: [u8; 16], base: [u8; 16], period: usize) -> [u8; 16] {
        for place in 0..16 {
            let before = if place < period { base[place] } else { bytes[place - period] };
            bytes[place] = bytes[place].wrapping_add(before);
        }
        bytes
    }
}
