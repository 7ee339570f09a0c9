//! AVX2: eight lanes per vector, four vectors per segment.
//!
//! The 32-bit states of 32 lanes are four registers, so two segments fill half of the register
//! file: while the states of one advance, the slots of the other are looked up. What AVX2
//! lacks is a way to spread words over those lanes that need one, and to close the gaps between
//! those that give one: `pshufb` does both, by a table of 256 shuffles.

mod decode;
mod encode;
mod exact;
pub(in crate::simd) mod lz;
mod pivot;
pub(in crate::simd) mod planes;
mod presence;
mod sort;

pub(in crate::simd) use decode::decode;
pub(in crate::simd) use encode::{CodeTable, encode_groups};
pub(in crate::simd) use pivot::PivotSteps;
pub(in crate::simd) use presence::first_outside;

/// Whether this processor has all that the kernels here use.
pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("popcnt")
}
