//! WebAssembly's vectors of 128 bits: four lanes per vector, as with NEON.
//!
//! There is no asking at run time: a module with these instructions loads only where they are. So
//! the kernel is there if the crate was compiled with `-C target-feature=+simd128`.

mod decode;
mod pivot;

pub(super) use decode::decode;
pub(super) use pivot::PivotSteps;
