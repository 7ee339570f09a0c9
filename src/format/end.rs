//! The end block (FORMAT.md, 2.2).

use crate::format::{BlockHeader, check::crc32c};

/// The totals of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndBlock {
    /// Raw bytes of all data blocks.
    pub raw_len: u64,
    /// Data and skippable blocks.
    pub blocks: u64,
    /// CRC-32C over the payload checks of all blocks.
    pub sequence_check: u32,
    /// XXH3-64 over the raw bytes, if the stream has one.
    pub content_check: Option<u64>,
}

impl EndBlock {
    /// Payload bytes of an end block with or without content check.
    #[must_use]
    pub fn payload_len(content_check: bool) -> usize {
        if content_check { 28 } else { 20 }
    }

    /// Reads a payload of 20 or 28 bytes; other lengths give `None`.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (raw_len, rest) = payload.split_first_chunk()?;
        let (blocks, rest) = rest.split_first_chunk()?;
        let (sequence_check, rest) = rest.split_first_chunk()?;
        let content_check = match rest.len() {
            0 => None,
            _ => Some(u64::from_le_bytes(rest.try_into().ok()?)),
        };
        Some(Self {
            raw_len: u64::from_le_bytes(*raw_len),
            blocks: u64::from_le_bytes(*blocks),
            sequence_check: u32::from_le_bytes(*sequence_check),
            content_check,
        })
    }

    /// Appends the whole block.
    pub fn write(&self, out: &mut Vec<u8>) {
        let header = BlockHeader::End { payload_len: Self::payload_len(self.content_check.is_some()) };
        let start = out.len();
        out.extend(header.to_bytes());
        out.extend(self.raw_len.to_le_bytes());
        out.extend(self.blocks.to_le_bytes());
        out.extend(self.sequence_check.to_le_bytes());
        out.extend(self.content_check.iter().flat_map(|check| check.to_le_bytes()));
        out.extend(crc32c(&out[start..]).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_parsed() {
        for content_check in [None, Some(7 << 60)] {
            let end = EndBlock { raw_len: 1 << 50, blocks: 12, sequence_check: 0xFEDC_BA98, content_check };
            let mut bytes = Vec::new();
            end.write(&mut bytes);
            let payload = &bytes[8..bytes.len() - 4];
            assert_eq!(payload.len(), EndBlock::payload_len(content_check.is_some()));
            assert_eq!(EndBlock::parse(payload), Some(end));
        }
        assert_eq!(EndBlock::parse(&[0; 19]), None);
        assert_eq!(EndBlock::parse(&[0; 21]), None);
    }
}
