//! Pivot: a Huffman form whose bits are ordered by the nodes of the tree (FORMAT.md, 13).
//!
//! Each node of the tree has the decisions of all symbols of a chunk that pass through it, as one
//! bitmap. A decoder goes from the leaves to the root and merges what the two children of a node
//! gave, by its bitmap, 8 to 64 symbols at a time: there is no chain from one symbol to the next.
//! Symbols of about equal frequency are one leaf, a group whose symbols are packed numbers.
//!
//! The idea is that of PivCo-Huffman (M. Zukowski, 2026, arXiv:2606.05765). The wire format, the
//! choice of groups, the coded bitmaps and all code are our own.
//!
//! # A section
//!
//! [`Encoder::encode`] appends the payload of `n` symbols, 1..=2^24, and [`Decoder::decode`] fills
//! a slice of `n` symbols from it. Neither the number of symbols nor the payload's length is in the
//! payload: whoever frames it has both. Up to 32768 symbols are one chunk. More are cut into chunks
//! of one size, 32768 symbols here, which costs one byte: chunks need no lengths, because each is
//! as long as its nodes are.
//!
//! Both keep their memory from one section to the next, so keep them as well. Both take
//! [`Steps`], which `simd::pivot_steps` gives for each kernel: the bytes, and the errors, do not
//! depend on it.
//!
//! Symbols that a holder does not allow are found by a scan of what was decoded.

mod choose;
mod decode;
mod encode;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod kept;
mod levels;
mod payload;
mod portable;
mod runs;
mod sort;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use payload::{Decoder, Encoder, Setting};
pub(crate) use portable::Portable;
pub(crate) use steps::{SLACK, STRIDE, Steps, strides};
#[cfg(target_arch = "x86_64")]
pub(crate) use {
    portable::{COUNTS, MERGE, Merge, WIDTH},
    sort::symbols_of,
    table::ROWS,
    tree::SYMBOLS_ROOM,
};
