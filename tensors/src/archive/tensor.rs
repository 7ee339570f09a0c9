//! One tensor of an archive, its rows and its bytes.

use std::ops::Range;

use ranstream::format::{BlockHeader, BlockMode};

use super::Archive;
use crate::{TensorError, TensorErrorKind, TensorInfo};

/// A tensor of an [`Archive`].
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'a> {
    archive: &'a Archive<'a>,
    info: &'a TensorInfo,
}

/// Some bytes of a tensor, see [`Tensor::rows`] and [`Tensor::bytes`].
#[derive(Debug, Clone)]
pub struct Part<'a> {
    tensor: Tensor<'a>,
    /// Raw bytes of the file.
    range: Range<u64>,
}

/// Whether a device can decode a tensor, see [`Tensor::device_readable`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readable {
    /// All of it.
    Yes,
    /// These blocks are for the CPU: their positions in the file.
    Blockers(Vec<Range<u64>>),
}

impl<'a> Tensor<'a> {
    pub(super) fn new(archive: &'a Archive<'a>, info: &'a TensorInfo) -> Self {
        Self { archive, info }
    }

    /// What the header says about it.
    #[must_use]
    pub fn info(&self) -> &'a TensorInfo {
        self.info
    }

    /// Decodes all of it to `out`, which has its length.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::BufferLen`]; what the source reports, or blocks have against them. All
    /// blocks but those that an error names were decoded.
    pub fn decode_into(&self, out: &mut [u8]) -> Result<(), TensorError> {
        self.all().decode_into(out)
    }

    /// Rows of it: parts of the outermost dimension.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::NoRows`], [`TensorErrorKind::OutOfRange`].
    pub fn rows(&self, rows: Range<u64>) -> Result<Part<'a>, TensorError> {
        let Some(row_len) = self.info.row_len() else {
            return Err(TensorError::new(TensorErrorKind::NoRows).of_tensor(&self.info.name));
        };
        let len = self.info.shape.first().copied().unwrap_or(0);
        self.check(&rows, len)?;
        self.bytes(rows.start * row_len..rows.end * row_len)
    }

    /// Bytes of it, counted from its first.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::OutOfRange`].
    pub fn bytes(&self, bytes: Range<u64>) -> Result<Part<'a>, TensorError> {
        self.check(&bytes, self.info.len())?;
        let start = self.info.range.start;
        Ok(Part { tensor: *self, range: start + bytes.start..start + bytes.end })
    }

    /// The file's own bytes that are read to decode all of it. A block that it shares with
    /// neighbours counts whole.
    #[must_use]
    pub fn coded_len(&self) -> u64 {
        self.all().coded_ranges().iter().map(|range| range.end - range.start).sum()
    }

    /// Its share of the file's own bytes: of a block that holds other bytes as well, as much as its
    /// part of the raw bytes.
    #[must_use]
    pub fn coded_share(&self) -> f64 {
        let range = &self.info.range;
        if !self.archive.is_compressed() {
            return self.info.len() as f64;
        }
        let share = |block: &ranstream::outline::MappedBlock| {
            let raw_len = block.header.raw_len() as u64;
            let end = (block.raw_offset + raw_len).min(range.end);
            block.coded_len as f64 * (end - block.raw_offset.max(range.start)) as f64 / raw_len as f64
        };
        self.archive.content.blocks(range).map(|(_, block)| share(&block)).sum()
    }

    /// Whether a device can decode all of it: every block is lanes, stored or one byte repeated.
    #[must_use]
    pub fn device_readable(&self) -> Readable {
        let mut blockers: Vec<Range<u64>> = Vec::new();
        for (position, block) in self.archive.content.blocks(&self.info.range) {
            let BlockHeader::Data { mode, .. } = block.header else { continue };
            if !matches!(mode, BlockMode::Lanes | BlockMode::Stored | BlockMode::Fill) {
                let position = position as u64;
                match blockers.last_mut() {
                    Some(last) if last.end == position => last.end += 1,
                    _ => blockers.push(position..position + 1),
                }
            }
        }
        if blockers.is_empty() { Readable::Yes } else { Readable::Blockers(blockers) }
    }

    /// How many blocks it lies in, by the modes that they have.
    #[must_use]
    pub fn modes(&self) -> Vec<(BlockMode, u64)> {
        let mut modes: Vec<(BlockMode, u64)> = Vec::new();
        for (_, block) in self.archive.content.blocks(&self.info.range) {
            let BlockHeader::Data { mode, .. } = block.header else { continue };
            match modes.iter_mut().find(|(known, _)| *known == mode) {
                Some((_, count)) => *count += 1,
                None => modes.push((mode, 1)),
            }
        }
        modes
    }

    fn all(&self) -> Part<'a> {
        Part { tensor: *self, range: self.info.range.clone() }
    }

    fn check(&self, range: &Range<u64>, len: u64) -> Result<(), TensorError> {
        let (start, end) = (range.start, range.end);
        if start <= end && end <= len {
            return Ok(());
        }
        Err(TensorError::new(TensorErrorKind::OutOfRange { start, end, len }).of_tensor(&self.info.name))
    }
}

impl Part<'_> {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Decodes it to `out`, which has its length. Only the blocks that it lies in are read.
    ///
    /// # Errors
    ///
    /// As [`Tensor::decode_into`].
    pub fn decode_into(&self, out: &mut [u8]) -> Result<(), TensorError> {
        let name = &self.tensor.info.name;
        self.tensor.archive.decode_range(self.range.clone(), out, Some(name)).map_err(|error| error.of_tensor(name))
    }

    /// Where its bytes are among the raw bytes of the file.
    #[must_use]
    pub fn raw_range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The file's own bytes that are read for it.
    #[must_use]
    pub fn coded_ranges(&self) -> Vec<Range<u64>> {
        self.tensor.archive.content.coded_ranges(&self.range)
    }
}
