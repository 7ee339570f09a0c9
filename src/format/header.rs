//! The stream header (FORMAT.md, 2.1).

use crate::{
    error::{Corruption, Error, Feature, Part},
    format::check::{crc8, crc32c},
};

/// The first four bytes of every stream. The first is not ASCII and has its top bit set, so that
/// text is never mistaken for a stream.
pub const MAGIC: [u8; 4] = [0x89, b'R', b'N', b'S'];

/// The version of the format that this crate writes, and the only one there is.
pub const VERSION: u8 = 1;

const FLAG_CONTENT_LENGTH: u8 = 1;
const FLAG_CONTENT_CHECK: u8 = 1 << 1;
const FLAG_INDEX: u8 = 1 << 2;
const FLAGS: u8 = FLAG_CONTENT_LENGTH | FLAG_CONTENT_CHECK | FLAG_INDEX;

const MAX_BLOCK_LOG2: u8 = 24;

/// What a stream says about itself before its first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHeader {
    /// No block of the stream has more than `1 << max_block_log2` raw bytes; 0..=24.
    pub max_block_log2: u8,
    /// Raw bytes of the stream, if it says so.
    pub content_length: Option<u64>,
    /// Whether the end block holds an XXH3-64 over the raw bytes.
    pub content_check: bool,
    /// Whether an index block follows the end block.
    pub index: bool,
}

impl StreamHeader {
    /// Length of the part that every stream has, in bytes. It tells how long the whole header is.
    pub const FIXED_LEN: usize = 8;

    /// Length of a header with content length, in bytes.
    pub const MAX_LEN: usize = 20;

    /// This header's length in bytes, 8 or 20.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        if self.content_length.is_some() { Self::MAX_LEN } else { Self::FIXED_LEN }
    }

    /// How long the header that begins with `fixed` is, in bytes. The bytes are verified.
    ///
    /// # Errors
    ///
    /// [`Error::NotAStream`], [`Error::Corrupt`] or [`Error::Unsupported`], with `offset` as the
    /// place.
    pub fn len_from(fixed: &[u8; Self::FIXED_LEN], offset: u64) -> Result<usize, Error> {
        if fixed[..4] != MAGIC {
            return Err(Error::NotAStream { found: fixed[..4].to_vec() });
        }
        let (stored, computed) = (fixed[7], crc8(&fixed[..7]));
        if stored != computed {
            return Err(corrupt(offset, Corruption::HeaderCheck { stored: stored.into(), computed: computed.into() }));
        }
        let [_, _, _, _, version, flags, max_block_log2, _] = *fixed;
        if version != VERSION {
            return Err(Error::Unsupported { feature: Feature::Version(version), offset });
        }
        if flags & !FLAGS != 0 {
            return Err(Error::Unsupported { feature: Feature::Flags(flags), offset });
        }
        if max_block_log2 > MAX_BLOCK_LOG2 {
            return Err(corrupt(offset, Corruption::Field { field: "largest block", found: max_block_log2.into() }));
        }
        Ok(if flags & FLAG_CONTENT_LENGTH == 0 { Self::FIXED_LEN } else { Self::MAX_LEN })
    }

    /// Reads a header from `bytes`, which hold [`StreamHeader::len_from`] bytes or more.
    ///
    /// # Errors
    ///
    /// As [`StreamHeader::len_from`], and [`Error::Truncated`] when `bytes` are too few.
    pub fn parse(bytes: &[u8], offset: u64) -> Result<Self, Error> {
        let truncated = Error::Truncated { offset: offset + bytes.len() as u64 };
        let fixed = bytes.first_chunk().ok_or_else(|| truncated.clone())?;
        let len = Self::len_from(fixed, offset)?;
        let header = bytes.get(..len).ok_or(truncated)?;
        let flags = fixed[5];
        let content_length = match header[Self::FIXED_LEN..].first_chunk::<8>() {
            None => None,
            Some(length) => {
                let (signed, check) = header.split_at(16);
                let stored = u32::from_le_bytes([check[0], check[1], check[2], check[3]]);
                let computed = crc32c(signed);
                if stored != computed {
                    return Err(corrupt(offset, Corruption::HeaderCheck { stored, computed }));
                }
                Some(u64::from_le_bytes(*length))
            }
        };
        Ok(Self {
            max_block_log2: fixed[6],
            content_length,
            content_check: flags & FLAG_CONTENT_CHECK != 0,
            index: flags & FLAG_INDEX != 0,
        })
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = flag(self.content_length.is_some(), FLAG_CONTENT_LENGTH)
            | flag(self.content_check, FLAG_CONTENT_CHECK)
            | flag(self.index, FLAG_INDEX);
        out.extend(MAGIC);
        out.extend([VERSION, flags, self.max_block_log2]);
        out.push(crc8(&out[start..]));
        if let Some(length) = self.content_length {
            out.extend(length.to_le_bytes());
            out.extend(crc32c(&out[start..]).to_le_bytes());
        }
    }
}

fn corrupt(offset: u64, reason: Corruption) -> Error {
    Error::Corrupt { part: Part::StreamHeader, offset, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: [StreamHeader; 2] = [
        StreamHeader { max_block_log2: 18, content_length: None, content_check: true, index: false },
        StreamHeader { max_block_log2: 24, content_length: Some(1 << 40), content_check: false, index: true },
    ];

    fn written(header: StreamHeader) -> Vec<u8> {
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        bytes
    }

    #[test]
    fn what_is_written_is_parsed() {
        for header in HEADERS {
            let bytes = written(header);
            assert_eq!(bytes.len(), header.encoded_len());
            assert_eq!(StreamHeader::parse(&bytes, 0), Ok(header));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_an_error() {
        for header in HEADERS {
            let bytes = written(header);
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let error = StreamHeader::parse(&damaged, 5).unwrap_err();
                assert!(
                    matches!(error, Error::NotAStream { .. } | Error::Corrupt { offset: 5, .. }),
                    "bit {bit}: {error}"
                );
            }
            for cut in 0..bytes.len() {
                assert_eq!(StreamHeader::parse(&bytes[..cut], 5), Err(Error::Truncated { offset: 5 + cut as u64 }));
            }
        }
    }

    #[test]
    fn what_is_unknown_is_named() {
        for (position, value, feature) in [(4, 2, Feature::Version(2)), (5, 0x12, Feature::Flags(0x12))] {
            let mut bytes = written(HEADERS[0]);
            bytes[position] = value;
            bytes[7] = crc8(&bytes[..7]);
            assert_eq!(StreamHeader::parse(&bytes, 0), Err(Error::Unsupported { feature, offset: 0 }));
        }
    }
}
