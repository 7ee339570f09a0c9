//! What a stream's end block is compared with.

use crate::{
    error::Corruption,
    format::{BlockHeader, EndBlock},
    simd::Crc32c,
};

/// Sums over the blocks of one stream, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    pub(crate) raw_len: u64,
    pub(crate) blocks: u64,
    /// The checks over all blocks so far; `None` when the first ones were not seen, because a
    /// reader jumped past them.
    checks: Option<Checks>,
}

#[derive(Debug, Clone)]
struct Checks {
    sequence: Crc32c,
    headers: Crc32c,
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self { raw_len: 0, blocks: 0, checks: Some(Checks { sequence: Crc32c::new(), headers: Crc32c::new() }) }
    }

    /// For a reader that starts behind `blocks` blocks of `raw_len` bytes.
    pub(crate) fn resumed(raw_len: u64, blocks: u64) -> Self {
        if blocks == 0 { Self::new() } else { Self { raw_len, blocks, checks: None } }
    }

    pub(crate) fn add(&mut self, header: &BlockHeader, payload_check: u32) {
        self.raw_len += header.raw_len() as u64;
        self.blocks += 1;
        if let Some(checks) = &mut self.checks {
            checks.sequence.update(&payload_check.to_le_bytes());
            checks.headers.update(&header.to_bytes());
        }
    }

    /// CRC-32C over the headers of all blocks, if all were seen.
    pub(crate) fn headers_check(&self) -> Option<u32> {
        self.checks.as_ref().map(|checks| checks.headers.value())
    }

    pub(crate) fn to_end_block(&self, content_check: Option<u64>) -> EndBlock {
        let sequence_check = self.checks.as_ref().map_or(0, |checks| checks.sequence.value());
        EndBlock { raw_len: self.raw_len, blocks: self.blocks, sequence_check, content_check }
    }

    /// Compares everything but the content check.
    pub(crate) fn verify(&self, end: &EndBlock) -> Result<(), Corruption> {
        if end.blocks != self.blocks {
            return Err(Corruption::Blocks { stored: end.blocks, actual: self.blocks });
        }
        if end.raw_len != self.raw_len {
            return Err(Corruption::RawLength { stored: end.raw_len, actual: self.raw_len });
        }
        if let Some(checks) = &self.checks {
            let (stored, computed) = (end.sequence_check, checks.sequence.value());
            if stored != computed {
                return Err(Corruption::Sequence { stored, computed });
            }
        }
        Ok(())
    }
}
