//! Blocks of planes: which sections there are, in which order, and what they say of each other
//! (FORMAT.md, 19).

mod choose;
mod decode;
mod encode;
mod part;
mod sections;
#[cfg(test)]
mod tests;

pub(super) use decode::{decode_payload, scratch_len};
pub(super) use encode::append;
pub(super) use part::decode_part;
