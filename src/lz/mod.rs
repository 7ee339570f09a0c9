//! Matches: parts of a block that stand in it already are coded as a length and an offset
//! (FORMAT.md, 14). The window is the block.
//!
//! ```text
//!   raw ──matcher──▶ sequences ──streams──▶ five sections and raw bits per chunk ──▶ payload
//!   payload ──chunk──▶ sections ──expand──▶ lengths, offsets ──execute──▶ raw
//! ```
//!
//! This folder knows payloads and raw bytes. It knows no stream, no header and no check of a block.

mod chunk;
mod decode;
mod encode;
mod literals;
mod lz78;
mod lzss;
mod matcher;
mod streams;
#[cfg(test)]
mod tests;

pub(crate) use decode::{decode_payload, scratch_len};
pub(crate) use encode::{Settings, encode_payload, encode_without_matches};

/// Gives back what the calling thread keeps from block to block.
pub(crate) fn release() {
    encode::release();
    decode::release();
}
