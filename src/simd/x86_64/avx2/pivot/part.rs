//! Parting ranks, eight at a time, and packing numbers.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::VECTOR;
use crate::{
    pivot::{SLACK, strides},
    simd::shuffles::{PART, PART_BOTH},
};

/// Symbols that a shuffle parts.
const WIDTH: usize = 8;

/// 32 ranks, eight at the start of each vector, and a bit for each of the first `len` that is from
/// `threshold` on.
///
/// # Safety
///
/// There are 32 bytes at `ranks`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn compare(ranks: *const u8, len: usize, threshold: __m256i) -> ([__m128i; VECTOR / WIDTH], u32) {
    // SAFETY: the caller knows the length.
    let ranks = unsafe { _mm256_loadu_si256(ranks.cast()) };
    let mut bits = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(ranks, threshold), ranks)).cast_unsigned();
    if len < VECTOR {
        bits &= (1 << len) - 1;
    }
    let halves = [_mm256_castsi256_si128(ranks), _mm256_extracti128_si256::<1>(ranks)];
    ([halves[0], _mm_srli_si128::<8>(halves[0]), halves[1], _mm_srli_si128::<8>(halves[1])], bits)
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) fn part(ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm256_set1_epi8(threshold.cast_signed());
    let (mut zeros, mut ones) = (0, 0);
    bitmap[len / 64 * 8..strides(len) / 8].fill(0);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`, and `zeros` and `ones` are at most
        // `at`, and grow by `VECTOR` at most: the lengths were asserted above. What is written to
        // `ranks` was read before.
        unsafe {
            let (eights, bits) = compare(ranks.as_ptr().add(at), len - at, threshold);
            bitmap.as_mut_ptr().add(at / 8).cast::<u32>().write_unaligned(bits);
            for (eight, bits) in eights.into_iter().zip(bits.to_le_bytes()) {
                let control = _mm_load_si128(PART_BOTH.vector(bits).cast());
                let parts = _mm_shuffle_epi8(eight, control);
                _mm_storel_epi64(ranks.as_mut_ptr().add(zeros).cast(), parts);
                _mm_storeh_pd(right.as_mut_ptr().add(ones).cast(), _mm_castsi128_pd(parts));
                let count = bits.count_ones() as usize;
                ones += count;
                zeros += WIDTH - count;
            }
        }
    }
    ones
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) fn part_single(ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm256_set1_epi8(threshold.cast_signed());
    let mut ones = 0;
    bitmap[len / 64 * 8..strides(len) / 8].fill(0);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: as in `part`.
        unsafe {
            let (eights, bits) = compare(ranks.as_ptr().add(at), len - at, threshold);
            bitmap.as_mut_ptr().add(at / 8).cast::<u32>().write_unaligned(bits);
            for (eight, bits) in eights.into_iter().zip(bits.to_le_bytes()) {
                let to_right = _mm_shuffle_epi8(eight, _mm_loadu_si128(PART.vector(bits).cast()));
                _mm_storel_epi64(right.as_mut_ptr().add(ones).cast(), to_right);
                ones += bits.count_ones() as usize;
            }
        }
    }
    ones
}

/// Which bytes of two 64-bit words with a number of `8 * BITS` bits each have these, in each half
/// of a vector.
const fn packed_bytes<const BITS: usize>() -> [u8; 16] {
    let mut places = [0x80; 16];
    let mut at = 0;
    while at < 2 * BITS {
        places[at] = (at / BITS * 8 + at % BITS) as u8;
        at += 1;
    }
    places
}

/// Packs 32 numbers of 1 to 7 bits: two become one of twice the bits, three times.
///
/// # Safety
///
/// There are `2 * BITS + 16` bytes at `packed`; those behind `4 * BITS` get anything.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn pack_32<const BITS: usize>(numbers: __m256i, packed: *mut u8) {
    let pairs = _mm256_maddubs_epi16(_mm256_set1_epi16((1 << (BITS + 8)) | 1), numbers);
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32((1 << (2 * BITS + 16)) | 1));
    // The lower one goes up to the other, then both go down.
    let gap = i32::from(32 - 4 * BITS as u8);
    let eights = _mm256_srl_epi64(_mm256_sllv_epi32(fours, _mm256_set1_epi64x(gap.into())), _mm_cvtsi32_si128(gap));
    // SAFETY: there are 16 bytes; the caller knows the length of the others.
    unsafe {
        let places = _mm_loadu_si128(const { packed_bytes::<BITS>() }.as_ptr().cast());
        let bytes = _mm256_shuffle_epi8(eights, _mm256_broadcastsi128_si256(places));
        _mm_storeu_si128(packed.cast(), _mm256_castsi256_si128(bytes));
        _mm_storeu_si128(packed.add(2 * BITS).cast(), _mm256_extracti128_si256::<1>(bytes));
    }
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) fn pack(ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
    match bits {
        1 => pack_bits::<1>(ranks, len, first, packed),
        2 => pack_bits::<2>(ranks, len, first, packed),
        3 => pack_bits::<3>(ranks, len, first, packed),
        4 => pack_bits::<4>(ranks, len, first, packed),
        5 => pack_bits::<5>(ranks, len, first, packed),
        6 => pack_bits::<6>(ranks, len, first, packed),
        7 => pack_bits::<7>(ranks, len, first, packed),
        _ => pack_bits::<8>(ranks, len, first, packed),
    }
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn pack_bits<const BITS: usize>(ranks: &[u8], len: usize, first: u8, packed: &mut [u8]) {
    assert!(ranks.len() >= strides(len) && packed.len() >= len * BITS / 8 + SLACK);
    let firsts = _mm256_set1_epi8(first.cast_signed());
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`: the lengths were asserted above. The
        // numbers begin at most `len * BITS / 8` bytes from the start, and what is written there,
        // 32 bytes at most, is less than `SLACK`.
        unsafe {
            let mut numbers = _mm256_sub_epi8(_mm256_loadu_si256(ranks.as_ptr().add(at).cast()), firsts);
            if len - at < VECTOR {
                numbers = _mm256_and_si256(numbers, first_bytes(len - at));
            }
            let packed = packed.as_mut_ptr().add(at / 8 * BITS);
            if BITS == 8 {
                _mm256_storeu_si256(packed.cast(), numbers);
            } else {
                pack_32::<BITS>(numbers, packed);
            }
        }
    }
}

/// All bits of the first `count` bytes, up to 32.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn first_bytes(count: usize) -> __m256i {
    let lower = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let places = _mm256_set_m128i(_mm_add_epi8(lower, _mm_set1_epi8(16)), lower);
    _mm256_cmpgt_epi8(_mm256_set1_epi8(count as i8), places)
}
