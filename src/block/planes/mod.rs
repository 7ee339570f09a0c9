//! Blocks of planes: which sections there are, in which order, and what they say of each other
//! (FORMAT.md, 19).

mod choose;
mod decode;
mod encode;
mod part;
mod sections;
#[cfg(test)]
mod tests;
mod tiles;

pub(super) use decode::{decode_over_base, decode_payload, scratch_len};
pub(super) use encode::{append, append_over_base};
pub(super) use part::decode_parts;

/// Gives back what the calling thread keeps from block to block.
pub(super) fn release() {
    encode::release();
    decode::release();
    part::release();
}
