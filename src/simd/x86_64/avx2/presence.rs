//! Which bytes occur.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::model::{ByteSet, Chunk};

/// The index of the first chunk that has a byte which is not in `set`.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn first_outside(set: &ByteSet, chunks: &[Chunk]) -> Option<usize> {
    let rows = load_rows(set);
    for (index, chunk) in chunks.iter().enumerate() {
        let (low, high) = chunk.split_at(size_of::<__m256i>());
        // SAFETY: a chunk is two vectors long.
        let (low, high) =
            unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())) };
        let found = _mm256_min_epu8(look_up(rows, low), look_up(rows, high));
        let absent = _mm256_cmpeq_epi8(found, _mm256_setzero_si256());
        if _mm256_movemask_epi8(absent) != 0 {
            return Some(index);
        }
    }
    None
}

/// The set's rows, in both halves of a vector.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn load_rows(set: &ByteSet) -> [__m256i; 2] {
    let [low, high] = set.rows();
    // SAFETY: a row is 16 bytes.
    let rows = unsafe { [_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())] };
    [_mm256_broadcastsi128_si256(rows[0]), _mm256_broadcastsi128_si256(rows[1])]
}

/// Not 0 where the set has the byte.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up(rows: [__m256i; 2], bytes: __m256i) -> __m256i {
    // A control of 128 or more makes 0: each row answers for its half of all bytes.
    let low = _mm256_shuffle_epi8(rows[0], bytes);
    let high = _mm256_shuffle_epi8(rows[1], _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN)));
    let bits = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(7)));
    _mm256_and_si256(_mm256_or_si256(low, high), bit)
}
