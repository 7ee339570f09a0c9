//! What the benchmarks share: their data, and the codecs that stand beside ours.

pub mod adapters;
pub mod data;
#[cfg(feature = "gpu")]
pub mod device;
pub mod measure;
pub mod peers;
pub mod processor;
