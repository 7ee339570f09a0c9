//! Merging two sides by a bitmap, 32 symbols at a time.
//!
//! The ones of a bitmap are counted up to each symbol, in registers: that is the place of the
//! symbol on the right side, and with the zeros that on the left side. Shuffles by a table, eight
//! symbols a byte of the bitmap, take half as long again (Zen 4), as each has three loads of its
//! own.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::VECTOR;
use crate::{
    pivot::{SLACK, STRIDE, strides},
    simd::x86_64::prefetch_output,
};

/// Which of 32 symbols come from the right side, and how many did up to each, itself among them,
/// since its half of the vector began.
#[derive(Clone, Copy)]
struct Counted {
    is_right: __m256i,
    ones: __m256i,
}

/// Counts the ones of the lower or the upper `HALF`, 0 or 1, of 64 bits, which are in each lane.
///
/// A multiplication sums bytes of 0 and 255 within each four: its factor is `0x01010101 / 255`
/// modulo `2^32`. Two shuffles pass on what a four, and an eight, has in all.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn count<const HALF: u8>(bits: __m256i) -> Counted {
    let byte = |index: u8| (u64::from(4 * HALF + index) * 0x0101_0101_0101_0101).cast_signed();
    let bytes = _mm256_shuffle_epi8(bits, _mm256_setr_epi64x(byte(0), byte(1), byte(2), byte(3)));
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let is_right = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
    let in_four = _mm256_mullo_epi32(is_right, _mm256_set1_epi32(0xFBFC_FDFF_u32.cast_signed()));
    // A place of -1 gives zero.
    let before_four = _mm_setr_epi32(-1, 0x0303_0303, -1, 0x0B0B_0B0B);
    let before_eight = _mm_set_epi64x(0x0707_0707_0707_0707, -1);
    let in_eight = _mm256_add_epi8(in_four, _mm256_shuffle_epi8(in_four, _mm256_broadcastsi128_si256(before_four)));
    let before_eight = _mm256_broadcastsi128_si256(before_eight);
    let ones = _mm256_add_epi8(in_eight, _mm256_shuffle_epi8(in_eight, before_eight));
    Counted { is_right, ones }
}

impl Counted {
    /// The next symbols of the right side; any bytes where a symbol is not from there. `ones` of
    /// them are for the first half.
    ///
    /// # Safety
    ///
    /// There are `16 + ones` bytes at `right`.
    #[inline]
    #[target_feature(enable = "avx2,bmi2,popcnt")]
    unsafe fn spread_right(self, right: *const u8, ones: usize) -> __m256i {
        // SAFETY: the caller knows the length.
        let symbols = unsafe { _mm256_loadu2_m128i(right.add(ones).cast(), right.cast()) };
        _mm256_shuffle_epi8(symbols, _mm256_add_epi8(self.ones, _mm256_set1_epi8(-1)))
    }

    /// The next symbols of the left side, as above.
    ///
    /// # Safety
    ///
    /// There are `32 - ones` bytes at `left`.
    #[inline]
    #[target_feature(enable = "avx2,bmi2,popcnt")]
    unsafe fn spread_left(self, left: *const u8, ones: usize) -> __m256i {
        // SAFETY: the caller knows the length; `ones` is 16 at most.
        let symbols = unsafe { _mm256_loadu2_m128i(left.add(16 - ones).cast(), left.cast()) };
        let places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm256_shuffle_epi8(symbols, _mm256_sub_epi8(_mm256_broadcastsi128_si256(places), self.ones))
    }
}

/// How many of 32 bits are 1, and of the first half of them.
///
/// # Safety
///
/// There are four bytes at `bitmap`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn ones_of_32(bitmap: *const u8) -> (usize, usize) {
    // SAFETY: the caller knows the length.
    let (all, half) = unsafe { (bitmap.cast::<u32>().read_unaligned(), bitmap.cast::<u16>().read_unaligned()) };
    (all.count_ones() as usize, half.count_ones() as usize)
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) fn merge<const AHEAD: bool>(out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8);
    assert!(left.len() >= len + SLACK && right.len() >= len + SLACK);
    let (mut lefts, mut rights) = (left.as_ptr(), right.as_ptr());
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            prefetch_output(out, at);
        }
        // SAFETY: `at` is a multiple of `STRIDE` below `len`. Both sides went on by `at` at most,
        // and go on by `STRIDE` at most: the lengths were asserted above.
        unsafe {
            let (out, bitmap) = (out.as_mut_ptr().add(at), bitmap.as_ptr().add(at / 8));
            let bits = _mm256_set1_epi64x(bitmap.cast::<i64>().read_unaligned());
            for (half, counted) in [count::<0>(bits), count::<1>(bits)].into_iter().enumerate() {
                let (ones, first) = ones_of_32(bitmap.add(4 * half));
                let merged = _mm256_blendv_epi8(
                    counted.spread_left(lefts, first),
                    counted.spread_right(rights, first),
                    counted.is_right,
                );
                _mm256_storeu_si256(out.add(VECTOR * half).cast(), merged);
                lefts = lefts.add(VECTOR - ones);
                rights = rights.add(ones);
            }
        }
    }
    rights.addr() - right.as_ptr().addr()
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) fn merge_single<const AHEAD: bool>(
    out: &mut [u8],
    len: usize,
    bitmap: &[u8],
    symbol: u8,
    right: &[u8],
) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let symbols = _mm256_set1_epi8(symbol.cast_signed());
    let mut rights = right.as_ptr();
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            prefetch_output(out, at);
        }
        // SAFETY: as in `merge`.
        unsafe {
            let (out, bitmap) = (out.as_mut_ptr().add(at), bitmap.as_ptr().add(at / 8));
            let bits = _mm256_set1_epi64x(bitmap.cast::<i64>().read_unaligned());
            for (half, counted) in [count::<0>(bits), count::<1>(bits)].into_iter().enumerate() {
                let (ones, first) = ones_of_32(bitmap.add(4 * half));
                let merged = _mm256_blendv_epi8(symbols, counted.spread_right(rights, first), counted.is_right);
                _mm256_storeu_si256(out.add(VECTOR * half).cast(), merged);
                rights = rights.add(ones);
            }
        }
    }
    rights.addr() - right.as_ptr().addr()
}
