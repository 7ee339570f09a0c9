//! The index block (FORMAT.md, 2.3).

use crate::format::{BLOCK_OVERHEAD, BlockHeader, CHECK_LEN, HEADER_LEN, INDEX_KIND, check::crc32c};

const FOOTER_MAGIC: [u8; 4] = *b"RNSI";

/// The last fields of an index: what a reader needs to find the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFooter {
    /// Coded bytes of the whole stream, from its magic to the end of its index block.
    pub stream_len: u64,
    /// Block headers listed in the index; 0 when the encoder kept no list.
    pub entries: u32,
}

impl IndexFooter {
    /// Bytes of the footer.
    pub const LEN: usize = 16;

    /// Bytes of the footer and the payload check behind it: the last bytes of an indexed stream.
    pub const TAIL_LEN: usize = Self::LEN + CHECK_LEN;

    /// Reads a footer; `None` when it is not one.
    #[must_use]
    pub fn parse(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let (stream_len, rest) = bytes.split_first_chunk()?;
        let (entries, magic) = rest.split_first_chunk()?;
        (magic == FOOTER_MAGIC)
            .then(|| Self { stream_len: u64::from_le_bytes(*stream_len), entries: u32::from_le_bytes(*entries) })
    }

    /// Payload bytes of the index block.
    #[must_use]
    pub fn payload_len(&self) -> u64 {
        u64::from(self.entries) * HEADER_LEN as u64 + Self::LEN as u64
    }

    /// Bytes of the index block.
    #[must_use]
    pub fn block_len(&self) -> u64 {
        self.payload_len() + BLOCK_OVERHEAD as u64
    }

    /// Appends the index block for the block headers `entries` of a stream that has `before` coded
    /// bytes up to here.
    pub(crate) fn write_block(entries: &[[u8; HEADER_LEN]], before: u64, out: &mut Vec<u8>) {
        let mut footer = Self { stream_len: 0, entries: entries.len() as u32 };
        footer.stream_len = before + footer.block_len();
        let start = out.len();
        out.extend(BlockHeader::Skippable { kind: INDEX_KIND, payload_len: footer.payload_len() as u32 }.to_bytes());
        out.extend(entries.as_flattened());
        out.extend(footer.stream_len.to_le_bytes());
        out.extend(footer.entries.to_le_bytes());
        out.extend(FOOTER_MAGIC);
        out.extend(crc32c(&out[start..]).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_is_found_at_the_tail() {
        let mut bytes = Vec::new();
        IndexFooter::write_block(&[[1; 8], [2; 8], [3; 8]], 1000, &mut bytes);
        let tail = bytes.last_chunk::<{ IndexFooter::TAIL_LEN }>().unwrap();
        let footer = IndexFooter::parse(tail.first_chunk().unwrap()).unwrap();
        assert_eq!(footer, IndexFooter { stream_len: 1000 + bytes.len() as u64, entries: 3 });
        assert_eq!(footer.block_len(), bytes.len() as u64);
        assert_eq!(IndexFooter::parse(&[0; 16]), None);
    }
}
