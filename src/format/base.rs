//! What a stream says of the base that its blocks need (FORMAT.md, 19.8).

use crate::{
    error::Part,
    format::{BLOCK_OVERHEAD, BlockHeader, check::crc32c},
};

/// The kind of the skippable block that holds a [`BaseHint`].
pub const BASE_KIND: u16 = 0x8002;

/// What a stream says of the [`Base`](crate::Base) that its blocks are differences from, to help
/// people find it. Nothing is opened by its name, and each block verifies the bytes that it needs
/// by a check of its own.
///
/// ```
/// use ranstream::{RansWriter, format::BaseHint};
///
/// let hint = BaseHint::new(1_000_000, 0x1234, "model.safetensors");
/// let mut writer = RansWriter::new(Vec::new());
/// writer.write_base_hint(&hint)?;
/// let stream = writer.finish()?;
/// // Behind the header of the stream, which has 8 bytes.
/// let block = &stream[8..8 + hint.block_len()];
/// assert_eq!(BaseHint::from_block(block), Some(hint));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaseHint {
    /// Bytes of the base.
    pub len: u64,
    /// XXH3-64 of all of them.
    pub hash: u64,
    /// What it is called: at most 255 bytes.
    pub name: String,
}

/// Bytes of a payload without its name.
const FIXED_LEN: usize = 16;

impl BaseHint {
    /// The most bytes of a block.
    pub const MAX_BLOCK_LEN: usize = BLOCK_OVERHEAD + FIXED_LEN + Self::MAX_NAME_LEN;

    /// The most bytes of a name.
    pub const MAX_NAME_LEN: usize = 255;

    /// Of a longer name, the first characters are taken that have at most 255 bytes together.
    #[must_use]
    pub fn new(len: u64, hash: u64, name: &str) -> Self {
        let mut end = name.len().min(Self::MAX_NAME_LEN);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self { len, hash, name: name[..end].to_owned() }
    }

    /// Reads the block that `block` is, whose checks are verified. `None`: it is another or is
    /// damaged, or its name is no UTF-8.
    #[must_use]
    pub fn from_block(block: &[u8]) -> Option<Self> {
        let (body, check) = block.split_last_chunk()?;
        let (header, payload) = body.split_first_chunk()?;
        let header = BlockHeader::parse(header, Part::Block(0), 0).ok()?;
        let is_whole = header == BlockHeader::Skippable { kind: BASE_KIND, payload_len: payload.len() as u32 };
        if is_whole && crc32c(body) == u32::from_le_bytes(*check) { Self::parse(payload) } else { None }
    }

    /// Bytes of its block.
    #[must_use]
    pub fn block_len(&self) -> usize {
        BLOCK_OVERHEAD + FIXED_LEN + self.name.len()
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let (len, rest) = payload.split_first_chunk()?;
        let (hash, name) = rest.split_first_chunk()?;
        let name = str::from_utf8(name).ok().filter(|name| name.len() <= Self::MAX_NAME_LEN)?;
        Some(Self { len: u64::from_le_bytes(*len), hash: u64::from_le_bytes(*hash), name: name.to_owned() })
    }

    /// The payload of its block.
    pub(crate) fn to_payload(&self) -> Vec<u8> {
        [&self.len.to_le_bytes()[..], &self.hash.to_le_bytes(), self.name.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(BaseHint::new(1, 2, &"é".repeat(200)).name.len(), 254);
        assert_eq!(BaseHint::new(1, 2, &"e".repeat(300)).name.len(), 255);
    }

    #[test]
    fn what_is_no_hint_is_none() {
        let whole = BaseHint::new(3, 4, "a").to_payload();
        assert_eq!(BaseHint::parse(&whole[..16]), Some(BaseHint::new(3, 4, "")));
        assert_eq!(BaseHint::parse(&whole[..15]), None);
        assert_eq!(BaseHint::parse(&[&whole[..], &[0xFF]].concat()), None, "no UTF-8");
        assert_eq!(BaseHint::parse(&[0; 16 + 256]), None, "a longer name");
    }
}
