//! Which bytes occur.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use crate::model::{ByteSet, Chunk};

/// The index of the first chunk that has a byte which is not in `set`.
#[inline(never)]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn first_outside(set: &ByteSet, chunks: &[Chunk]) -> Option<usize> {
    let rows = load_rows(set);
    for (index, chunk) in chunks.iter().enumerate() {
        // SAFETY: a chunk is four vectors long.
        let uint8x16x4_t(a, b, c, d) = unsafe { vld1q_u8_x4(chunk.as_ptr()) };
        let (a, b, c, d) = (look_up(rows, a), look_up(rows, b), look_up(rows, c), look_up(rows, d));
        if vminvq_u8(vminq_u8(vminq_u8(a, b), vminq_u8(c, d))) == 0 {
            return Some(index);
        }
    }
    None
}

#[inline]
#[target_feature(enable = "neon")]
fn load_rows(set: &ByteSet) -> [uint8x16_t; 2] {
    let [low, high] = set.rows();
    // SAFETY: a row is 16 bytes.
    unsafe { [vld1q_u8(low.as_ptr()), vld1q_u8(high.as_ptr())] }
}

/// Not 0 where the set has the byte.
#[inline]
#[target_feature(enable = "neon")]
fn look_up(rows: [uint8x16_t; 2], bytes: uint8x16_t) -> uint8x16_t {
    // An index of 16 or more makes 0: each row answers for its half of all bytes.
    let within_row = vandq_u8(bytes, vdupq_n_u8(0x8F));
    let low = vqtbl1q_u8(rows[0], within_row);
    let high = vqtbl1q_u8(rows[1], veorq_u8(within_row, vdupq_n_u8(0x80)));
    let bit = vandq_u8(vshrq_n_u8::<4>(bytes), vdupq_n_u8(7));
    vandq_u8(vorrq_u8(low, high), vshlq_u8(vdupq_n_u8(1), vreinterpretq_s8_u8(bit)))
}
