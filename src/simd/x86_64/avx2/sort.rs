//! Sorting the used symbols of a pivot table by their groups, eight at a time: a shuffle takes
//! those of one group out of all.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::{
    pivot::{ROWS, SYMBOLS_ROOM, symbols_of},
    simd::shuffles::PART,
};

/// With more groups it is faster to go through the symbols one after the other.
pub(super) const MOST_GROUPS: usize = 12;

/// Symbols that are compared at a time.
const WIDTH: usize = 32;

/// Symbols of one shuffle.
const SHUFFLED: usize = 8;

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn sort(used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
    let (list, len) = symbols_of(used);
    let (mut end, mut group) = (0, 0);
    for start in starts.iter_mut().skip(1) {
        let wanted = _mm256_set1_epi8(group);
        for at in (0..len).step_by(WIDTH) {
            // SAFETY: `at` is a multiple of `WIDTH` below `len`, which is at most 256, and `list`
            // has as many bytes. `end` is at most 256 as well, as no symbol is in two groups:
            // `symbols` has 8 bytes behind that. A shuffle has 16 bytes that can be read.
            unsafe {
                let found = _mm256_cmpeq_epi8(_mm256_loadu_si256(numbers.as_ptr().add(at).cast()), wanted);
                let found = _mm256_movemask_epi8(found).cast_unsigned();
                let found = if len - at < WIDTH { found & ((1 << (len - at)) - 1) } else { found };
                for (part, bits) in found.to_le_bytes().into_iter().enumerate() {
                    let listed = _mm_loadl_epi64(list.as_ptr().add(at + SHUFFLED * part).cast());
                    let taken = _mm_shuffle_epi8(listed, _mm_loadu_si128(PART.vector(bits).cast()));
                    _mm_storel_epi64(symbols.as_mut_ptr().add(end).cast(), taken);
                    end += bits.count_ones() as usize;
                }
            }
        }
        *start = end as u16;
        group += 1;
    }
}
