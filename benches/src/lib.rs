//! What the benchmarks share.
//!
//! - `data`: the bytes that are coded. `peers`: every codec behind one shape, ours among them.
//! - `measure`: codecs take turns; out come sizes and speeds. `plot` draws them.
//! - `levels`: codecs that look for matches, and their page. `entropy`: coders of symbols alone.
//! - `adapters`: pairs of ways to do one thing. `processor`: whose page it is.
//!
//! The programs beside `src` each ask one question; their first lines say which.

pub mod adapters;
pub mod data;
#[cfg(feature = "gpu")]
pub mod device;
pub mod entropy;
pub mod levels;
pub mod measure;
pub mod peers;
pub mod plot;
pub mod processor;
