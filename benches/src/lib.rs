//! What the benchmarks share: their data, and the codecs that stand beside ours.

pub mod adapters;
pub mod data;
pub mod measure;
pub mod peers;
