//! One whole data block, for those who decode it elsewhere.

use crate::{
    block::{Coded, Resources},
    error::{Error, Part, PayloadError},
    format::{BlockHeader, BlockMode},
};

/// One whole coded block, as [`block::encode`](crate::block::encode) writes it. Its header was
/// verified, its payload not yet.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub(crate) coded: Coded<'a>,
    mode: BlockMode,
}

impl<'a> Block<'a> {
    /// Takes the one block that `coded` is.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Corrupt`], [`Error::Unsupported`] or [`Error::TrailingData`]
    /// when `coded` is not one whole data block.
    pub fn parse(coded: &'a [u8]) -> Result<Self, Error> {
        let no_data = Error::Truncated { offset: coded.len() as u64 };
        Self::new(Coded::parse(coded)?).ok_or(no_data)
    }

    /// Raw bytes of the block.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.coded.header().raw_len()
    }

    /// How its payload is coded.
    #[must_use]
    pub fn mode(&self) -> BlockMode {
        self.mode
    }

    /// Decodes it on the CPU to the start of `raw`; how many bytes that were comes back.
    ///
    /// # Errors
    ///
    /// [`Error::OutputTooSmall`]; [`Error::Corrupt`] when the check or the payload is damaged:
    /// `raw` may then hold anything.
    pub fn decode_into(&self, raw: &mut [u8]) -> Result<usize, Error> {
        let (needed, available) = (self.raw_len(), raw.len() as u64);
        let raw = raw.get_mut(..needed).ok_or(Error::OutputTooSmall { needed: needed as u64, available })?;
        self.decode(raw).map_err(|reason| Self::error(0, reason))?;
        Ok(needed)
    }

    /// `None`: it is no data block.
    pub(crate) fn new(coded: Coded<'a>) -> Option<Self> {
        match *coded.header() {
            BlockHeader::Data { mode, .. } => Some(Self { coded, mode }),
            _ => None,
        }
    }

    pub(crate) fn payload(&self) -> &'a [u8] {
        self.coded.unverified_payload()
    }

    /// Verifies and decodes it here, on the CPU. `raw` has its length.
    pub(crate) fn decode(&self, raw: &mut [u8]) -> Result<(), PayloadError> {
        self.coded.decode(raw.into(), &Resources::new(None, None))?;
        Ok(())
    }

    /// `reason` as an error of the block at `index`.
    pub(crate) fn error(index: usize, reason: PayloadError) -> Error {
        reason.at(Part::Block(index as u64), 0)
    }
}
