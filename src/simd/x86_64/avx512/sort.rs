//! Sorting the used symbols of a pivot table by their groups, 64 at a time: `vpcompressb` takes
//! those of one group out of all. There are few groups where time counts, in short sections.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::pivot::{ROWS, SYMBOLS_ROOM};

/// Symbols in a vector.
const WIDTH: usize = 64;

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
pub(super) fn sort(used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
    let mut list = [0_u8; 256 + WIDTH];
    let len = list_used(used, &mut list);
    let (mut end, mut group) = (0, 0);
    for start in starts.iter_mut().skip(1) {
        let wanted = _mm512_set1_epi8(group);
        for at in (0..len).step_by(WIDTH) {
            // SAFETY: `at` is a multiple of `WIDTH` below `len`, which is at most 256, and so is
            // `end`, as no symbol is in two groups: `list` and `symbols` have a vector behind that.
            unsafe {
                let found = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(numbers.as_ptr().add(at).cast()), wanted);
                let found = if len - at < WIDTH { found & ((1 << (len - at)) - 1) } else { found };
                let listed = _mm512_loadu_si512(list.as_ptr().add(at).cast());
                let taken = _mm512_mask_compress_epi8(listed, found, listed);
                _mm512_storeu_si512(symbols.as_mut_ptr().add(end).cast(), taken);
                end += found.count_ones() as usize;
            }
        }
        *start = end as u16;
        group += 1;
    }
}

/// The used symbols, in rising order; how many they are comes back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn list_used(used: &[u32; ROWS], list: &mut [u8; 256 + WIDTH]) -> usize {
    const FIRST: [u8; WIDTH] = {
        let mut places = [0; WIDTH];
        let mut at = 0;
        while at < WIDTH {
            places[at] = at as u8;
            at += 1;
        }
        places
    };
    // SAFETY: it has 64 bytes.
    let mut places = unsafe { _mm512_loadu_si512(FIRST.as_ptr().cast()) };
    let mut len = 0;
    for [low, high] in used.as_chunks().0 {
        let bits = u64::from(*low) | u64::from(*high) << 32;
        // SAFETY: `len` is at most 64 for each pair of rows before: `list` has a vector behind
        // that.
        unsafe {
            let listed = _mm512_mask_compress_epi8(places, bits, places);
            _mm512_storeu_si512(list.as_mut_ptr().add(len).cast(), listed);
        }
        len += bits.count_ones() as usize;
        places = _mm512_add_epi8(places, _mm512_set1_epi8(WIDTH as i8));
    }
    len
}
