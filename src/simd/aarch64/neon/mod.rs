//! NEON: four lanes per vector, eight vectors per segment.
//!
//! One segment's states fill eight of the 32 registers and the quads they decode another eight,
//! which leaves enough for look-ups and words. Vectors go in pairs, because a shuffle moves the
//! words of eight lanes: `tbl` does what `pshufb` does on x86, with the same table.

mod decode;
mod encode;
mod pivot;
mod presence;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

pub(in crate::simd) use decode::decode;
pub(in crate::simd) use encode::encode_groups;
pub(in crate::simd) use pivot::PivotSteps;
pub(in crate::simd) use presence::first_outside;

use crate::{
    rans::segment::LANES,
    simd::{
        four_lanes::{self, PAIR},
        shuffles::{Shuffles, WIDTH},
    },
};

/// The states of a segment, in lane order.
type States = four_lanes::States<uint32x4_t>;

/// Whether this processor has all that the kernels here use.
pub(in crate::simd) fn is_available() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}

#[inline]
#[target_feature(enable = "neon")]
fn load_states(states: &[u32; LANES]) -> States {
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(*states) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_states(states: States) -> [u32; LANES] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(states) }
}

/// A bit for each lane of two masks, the first lane's lowest. At most 255.
#[inline]
#[target_feature(enable = "neon")]
fn lanes_of(masks: [uint32x4_t; PAIR]) -> usize {
    const BITS: [u16; WIDTH] = [1, 2, 4, 8, 16, 32, 64, 128];
    let narrow = vcombine_u16(vmovn_u32(masks[0]), vmovn_u32(masks[1]));
    // SAFETY: the bits are a vector's 16 bytes.
    let bits = unsafe { vld1q_u16(BITS.as_ptr()) };
    usize::from(vaddvq_u16(vandq_u16(narrow, bits)) as u8)
}

/// Moves words as the table says for a set of lanes.
#[inline]
#[target_feature(enable = "neon")]
fn shuffle(words: uint8x16_t, table: &Shuffles<16>, lanes: usize) -> uint8x16_t {
    let control = &table.0[lanes & 0xFF];
    // SAFETY: a control is 16 bytes.
    vqtbl1q_u8(words, unsafe { vld1q_u8(control.as_ptr()) })
}
