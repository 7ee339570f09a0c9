//! Block headers (FORMAT.md, 3).

use std::fmt;

use crate::{
    error::{Corruption, Error, Feature, Part},
    format::{TableKind, check::crc8},
};

/// Bytes of a block's header.
pub(crate) const HEADER_LEN: usize = 8;

/// Bytes of a block's payload check.
pub(crate) const CHECK_LEN: usize = 4;

/// Bytes that a block takes beside its payload: header and payload check.
pub const BLOCK_OVERHEAD: usize = HEADER_LEN + CHECK_LEN;

/// The kind of the skippable block that holds an index.
pub const INDEX_KIND: u16 = 0x8001;

const TAG_END: u8 = 0x40;
const TAG_SKIPPABLE: u8 = 0x41;

/// How a data block's payload is coded: its tag on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockMode {
    /// The raw bytes themselves.
    Stored,
    /// One byte, repeated.
    Fill,
    /// One state. With a dense table: the original coder's frame.
    SingleStream(TableKind),
    /// N states with words of their own. With a dense table: the original coder's frame.
    Interleaved(TableKind),
    /// Segments of 32 lanes.
    Lanes,
    /// Matches, and several sections.
    Lz,
    /// Huffman codes by node of the tree.
    Pivot,
    /// Byte planes of columns of records, in several sections.
    Planes,
    /// The same of differences from a base.
    PlanesOverBase,
}

impl BlockMode {
    /// All modes with their tags and names.
    pub const ALL: [(u8, Self, &'static str); 11] = [
        (0x01, Self::Stored, "stored"),
        (0x02, Self::Fill, "fill"),
        (0x03, Self::SingleStream(TableKind::Dense), "single"),
        (0x04, Self::Interleaved(TableKind::Dense), "interleaved"),
        (0x05, Self::SingleStream(TableKind::Compact), "single-compact"),
        (0x06, Self::Interleaved(TableKind::Compact), "interleaved-compact"),
        (0x07, Self::Lanes, "lanes"),
        (0x0A, Self::Lz, "lz"),
        (0x0B, Self::Pivot, "pivot"),
        (0x0D, Self::Planes, "planes"),
        (0x0E, Self::PlanesOverBase, "planes-base"),
    ];

    /// The mode's number on the wire.
    #[must_use]
    pub fn tag(self) -> u8 {
        match self {
            Self::Stored => 0x01,
            Self::Fill => 0x02,
            Self::SingleStream(TableKind::Dense) => 0x03,
            Self::Interleaved(TableKind::Dense) => 0x04,
            Self::SingleStream(TableKind::Compact) => 0x05,
            Self::Interleaved(TableKind::Compact) => 0x06,
            Self::Lanes => 0x07,
            Self::Lz => 0x0A,
            Self::Pivot => 0x0B,
            Self::Planes => 0x0D,
            Self::PlanesOverBase => 0x0E,
        }
    }

    fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == tag).map(|(_, mode, _)| *mode)
    }
}

impl fmt::Display for BlockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL.iter().find(|(_, mode, _)| mode == self).map_or("unknown", |(.., name)| name))
    }
}

/// The first 8 bytes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockHeader {
    /// A block of raw bytes.
    Data {
        /// How the payload is coded.
        mode: BlockMode,
        /// Raw bytes, 1..=16 MiB.
        raw_len: usize,
        /// Payload bytes, 1..=`raw_len`.
        payload_len: usize,
    },
    /// The end of the stream.
    End {
        /// Payload bytes, 20 or 28.
        payload_len: usize,
    },
    /// Application data, or the index.
    Skippable {
        /// Whose it is.
        kind: u16,
        /// Payload bytes.
        payload_len: u32,
    },
}

impl BlockHeader {
    /// Length in bytes.
    pub const LEN: usize = HEADER_LEN;

    /// Bytes between this header and the payload check.
    #[must_use]
    pub fn payload_len(&self) -> u64 {
        match *self {
            Self::Data { payload_len, .. } | Self::End { payload_len } => payload_len as u64,
            Self::Skippable { payload_len, .. } => payload_len.into(),
        }
    }

    /// Raw bytes of the block: 0 unless it is a data block.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        if let Self::Data { raw_len, .. } = *self { raw_len } else { 0 }
    }

    /// Reads a header; `part` and `offset` name the place in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] or [`Error::Unsupported`].
    pub fn parse(bytes: &[u8; Self::LEN], part: Part, offset: u64) -> Result<Self, Error> {
        let corrupt = |reason| Error::Corrupt { part, offset, reason };
        let corrupt_end = |reason| Error::Corrupt { part: Part::End, offset, reason };
        let [tag, a, b, c, d, e, f, stored] = *bytes;
        let computed = crc8(&bytes[..7]);
        if stored != computed {
            return Err(corrupt(Corruption::HeaderCheck { stored: stored.into(), computed: computed.into() }));
        }
        let first = u32::from_le_bytes([a, b, c, 0]) as usize;
        let payload_len = u32::from_le_bytes([d, e, f, 0]) as usize + 1;
        match tag {
            TAG_END if first != 0 => {
                Err(corrupt_end(Corruption::Field { field: "raw length - 1", found: first as u64 }))
            }
            TAG_END if !matches!(payload_len, 20 | 28) => Err(corrupt_end(length(payload_len, 20, 28))),
            TAG_END => Ok(Self::End { payload_len }),
            TAG_SKIPPABLE => {
                Ok(Self::Skippable { kind: u16::from_le_bytes([a, b]), payload_len: u32::from_le_bytes([c, d, e, f]) })
            }
            _ => {
                let Some(mode) = BlockMode::from_tag(tag) else {
                    return Err(Error::Unsupported { feature: Feature::Tag(tag), offset });
                };
                let raw_len = first + 1;
                let (min, max) = match mode {
                    BlockMode::Stored => (raw_len, raw_len),
                    BlockMode::Fill => (1, 1),
                    _ => (1, raw_len),
                };
                if !(min..=max).contains(&payload_len) {
                    return Err(corrupt(length(payload_len, min, max)));
                }
                Ok(Self::Data { mode, raw_len, payload_len })
            }
        }
    }

    /// The header as it stands on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        match *self {
            Self::Data { mode, raw_len, payload_len } => {
                bytes[0] = mode.tag();
                bytes[1..4].copy_from_slice(&(raw_len as u32 - 1).to_le_bytes()[..3]);
                bytes[4..7].copy_from_slice(&(payload_len as u32 - 1).to_le_bytes()[..3]);
            }
            Self::End { payload_len } => {
                bytes[0] = TAG_END;
                bytes[4..7].copy_from_slice(&(payload_len as u32 - 1).to_le_bytes()[..3]);
            }
            Self::Skippable { kind, payload_len } => {
                bytes[0] = TAG_SKIPPABLE;
                bytes[1..3].copy_from_slice(&kind.to_le_bytes());
                bytes[3..7].copy_from_slice(&payload_len.to_le_bytes());
            }
        }
        bytes[7] = crc8(&bytes[..7]);
        bytes
    }
}

fn length(found: usize, min: usize, max: usize) -> Corruption {
    Corruption::Length { found: found as u64, min: min as u64, max: max as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 1 << 24;

    fn headers() -> Vec<BlockHeader> {
        let mut headers = vec![
            BlockHeader::End { payload_len: 20 },
            BlockHeader::End { payload_len: 28 },
            BlockHeader::Skippable { kind: 0, payload_len: 0 },
            BlockHeader::Skippable { kind: INDEX_KIND, payload_len: u32::MAX },
            BlockHeader::Data { mode: BlockMode::Stored, raw_len: LARGEST, payload_len: LARGEST },
            BlockHeader::Data { mode: BlockMode::Fill, raw_len: LARGEST, payload_len: 1 },
        ];
        headers.extend(BlockMode::ALL[2..].iter().map(|&(_, mode, _)| BlockHeader::Data {
            mode,
            raw_len: 0x12_3456,
            payload_len: 0x6543,
        }));
        headers
    }

    #[test]
    fn what_is_written_is_parsed() {
        for header in headers() {
            assert_eq!(BlockHeader::parse(&header.to_bytes(), Part::Block(0), 0), Ok(header));
        }
    }

    #[test]
    fn up_to_three_flipped_bits_are_found_by_the_header_check() {
        let bytes = headers()[6].to_bytes();
        for first in 0..64 {
            for second in first..64 {
                for third in second..64 {
                    let mut damaged = u64::from_le_bytes(bytes);
                    damaged ^= 1 << first;
                    damaged ^= 1 << second;
                    damaged ^= 1 << third;
                    if damaged == u64::from_le_bytes(bytes) {
                        continue;
                    }
                    let error = BlockHeader::parse(&damaged.to_le_bytes(), Part::Block(1), 9).unwrap_err();
                    let reason = matches!(error, Error::Corrupt { reason: Corruption::HeaderCheck { .. }, .. });
                    assert!(reason, "bits {first}, {second}, {third}: {error}");
                }
            }
        }
    }

    #[test]
    fn tags_are_the_numbers_of_the_table() {
        for (tag, mode, name) in BlockMode::ALL {
            assert_eq!(mode.tag(), tag);
            assert_eq!(mode.to_string(), name);
        }
    }

    #[test]
    fn unknown_tags_are_unsupported_and_wrong_lengths_corrupt() {
        let mut bytes = headers()[6].to_bytes();
        for tag in (0..=255).filter(|tag| !matches!(tag, 1..=7 | 0x0A | 0x0B | 0x0D | 0x0E | 0x40 | 0x41)) {
            bytes[0] = tag;
            bytes[7] = crc8(&bytes[..7]);
            let error = BlockHeader::parse(&bytes, Part::Block(0), 8).unwrap_err();
            assert_eq!(error, Error::Unsupported { feature: Feature::Tag(tag), offset: 8 });
        }
        for (mode, raw_len, payload_len) in
            [(BlockMode::Stored, 9, 8), (BlockMode::Fill, 9, 2), (BlockMode::Lanes, 9, 10), (BlockMode::Stored, 9, 10)]
        {
            let bytes = BlockHeader::Data { mode, raw_len, payload_len }.to_bytes();
            let error = BlockHeader::parse(&bytes, Part::Block(0), 8).unwrap_err();
            assert!(matches!(error, Error::Corrupt { reason: Corruption::Length { .. }, .. }), "{error}");
        }
    }

    #[test]
    fn an_end_has_no_raw_length_and_one_of_two_payload_lengths() {
        let corrupt = |reason| Err(Error::Corrupt { part: Part::End, offset: 8, reason });
        for payload_len in [1, 19, 21, 27, 29] {
            let bytes = BlockHeader::End { payload_len }.to_bytes();
            let found = payload_len as u64;
            let reason = Corruption::Length { found, min: 20, max: 28 };
            assert_eq!(BlockHeader::parse(&bytes, Part::Block(0), 8), corrupt(reason));
        }
        let mut bytes = BlockHeader::End { payload_len: 20 }.to_bytes();
        bytes[1] = 3;
        bytes[7] = crc8(&bytes[..7]);
        let reason = Corruption::Field { field: "raw length - 1", found: 3 };
        assert_eq!(BlockHeader::parse(&bytes, Part::Block(0), 8), corrupt(reason));
    }
}
