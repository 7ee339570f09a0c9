//! Adapters over the standard library's I/O traits, and what needs no adapter: whole buffers, whole
//! files, what is left of a damaged file.
//!
//! Here bytes are moved between the state machines of [`stream`](crate::stream) and what is read,
//! written or sought. What the bytes mean is not known here; recovery and the list of blocks for
//! seeking alone parse headers.

pub mod outline;
pub mod read;
pub mod recover;
pub mod write;

mod append;
mod block_map;
mod duplex;
mod oneshot;
mod reindex;
mod retry;
mod seek;

pub use oneshot::{compress, compress_into, copy_decode, copy_encode, decompress, decompress_into};
