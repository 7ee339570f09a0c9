//! A coded block, as the GPU side takes it.

use crate::{
    block,
    error::{Corruption, Error, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, BlockMode, CHECK_LEN, HEADER_LEN},
    simd::Kernel,
};

/// One whole coded block, as [`block::encode`](crate::block::encode) writes it. Its header was
/// verified, its payload not yet.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub(super) header: BlockHeader,
    pub(super) bytes: [u8; HEADER_LEN],
    pub(super) payload: &'a [u8],
    pub(super) check: u32,
}

impl<'a> Block<'a> {
    /// Takes the one block that `coded` is.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Corrupt`], [`Error::Unsupported`] or [`Error::TrailingData`]
    /// when `coded` is not one whole data block.
    pub fn parse(coded: &'a [u8]) -> Result<Self, Error> {
        let (header, bytes) = block::parse_header(coded)?;
        let end = HEADER_LEN + header.payload_len() as usize;
        let Some((&check, rest)) = coded.get(end..).and_then(|rest| rest.split_first_chunk()) else {
            return Err(Error::Truncated { offset: coded.len() as u64 });
        };
        if !rest.is_empty() {
            return Err(Error::TrailingData { offset: (end + CHECK_LEN) as u64 });
        }
        Ok(Self { header, bytes: *bytes, payload: &coded[HEADER_LEN..end], check: u32::from_le_bytes(check) })
    }

    /// Raw bytes of the block.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.header.raw_len()
    }

    /// How its payload is coded.
    #[must_use]
    pub fn mode(&self) -> BlockMode {
        match self.header {
            BlockHeader::Data { mode, .. } => mode,
            _ => unreachable!("only headers of data blocks come here"),
        }
    }

    pub(super) fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The block of a payload whose header was verified. `None`: it is no data block.
    pub(crate) fn new(header: BlockHeader, bytes: [u8; HEADER_LEN], payload: &'a [u8], check: u32) -> Option<Self> {
        matches!(header, BlockHeader::Data { .. }).then_some(Self { header, bytes, payload, check })
    }

    /// Bytes of header, payload and check.
    pub(crate) fn coded_len(&self) -> usize {
        self.payload.len() + BLOCK_OVERHEAD
    }

    /// Verifies and decodes it here, on the CPU. `raw` has its length.
    pub(super) fn decode(&self, raw: &mut [u8]) -> Result<(), Corruption> {
        block::verify(self.bytes, self.payload, self.check)?;
        block::decode_payload(&self.header, self.payload, raw, Kernel::or_default(None))
    }

    /// `reason` as an error of the block at `index`.
    pub(super) fn corrupt(index: usize, reason: Corruption) -> Error {
        Error::Corrupt { part: Part::Block(index as u64), offset: 0, reason }
    }
}
