//! NEON: four lanes per vector, eight vectors per segment.
//!
//! One segment's states fill eight of the 32 registers and the quads they decode another eight,
//! which leaves enough for look-ups and words. Vectors go in pairs, because a shuffle moves the
//! words of eight lanes: `tbl` does what `pshufb` does on x86, with the same table.
//!
//! Every processor of this architecture that Rust knows has NEON, so a compiler may put a kernel
//! into the function that chooses it. `inline(never)` keeps it apart, where
//! `scripts/hot_loops.sh` looks at it.

mod decode;
mod encode;
pub(in crate::simd) mod lz;
mod pivot;
pub(in crate::simd) mod planes;
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

/// The number of each lane.
const LANE: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The first four lanes, each four times.
const FIRST_QUAD: [u8; 16] = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3];

/// The four lanes behind those.
const SECOND_QUAD: [u8; 16] = [4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7];

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: a vector is 16 bytes.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// The next bytes at those places that have all bits set, in order, zero at the others, which have
/// none set; and how many places those are.
#[inline]
#[target_feature(enable = "neon")]
fn expand(next: uint8x16_t, places: uint8x16_t) -> (uint8x16_t, usize) {
    let none = vdupq_n_u8(0);
    // A place that counts is -1: the sums are negative, and their complements the ranks from 0 on.
    let sums = vaddq_u8(places, vextq_u8::<15>(none, places));
    let sums = vaddq_u8(sums, vextq_u8::<14>(none, sums));
    let sums = vaddq_u8(sums, vextq_u8::<12>(none, sums));
    let sums = vaddq_u8(sums, vextq_u8::<8>(none, sums));
    // An index of 16 or more makes 0.
    let ranks = vmvnq_u8(vandq_u8(sums, places));
    (vqtbl1q_u8(next, ranks), usize::from(vgetq_lane_u8::<15>(sums).wrapping_neg()))
}
