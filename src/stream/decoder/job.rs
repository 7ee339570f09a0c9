//! A block on its way through an executor.

#[cfg(feature = "gpu")]
use crate::gpu;
use crate::{
    block::Coded,
    error::{Error, Part, PayloadError},
    format::BlockHeader,
    parallel::Job,
    simd::Kernel,
};

/// What the executor is given, and what it gives back.
#[derive(Debug)]
pub(super) struct DecodeJob {
    pub(super) header: BlockHeader,
    /// Payload and payload check, perhaps more.
    pub(super) body: Vec<u8>,
    /// Room for the raw bytes, perhaps more.
    pub(super) raw: Vec<u8>,
    pub(super) kernel: Kernel,
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) result: Result<(), Error>,
}

impl Job for DecodeJob {
    fn run(&mut self) {
        let raw = &mut self.raw[..self.header.raw_len()];
        let decoded = decode(Coded::new(self.header, &self.body), raw, self.kernel);
        self.result = decoded.map_err(|reason| reason.at(Part::Block(self.number), self.offset));
    }

    #[cfg(feature = "gpu")]
    fn item(&mut self) -> Option<gpu::Item<'_>> {
        let block = gpu::Block::new(Coded::new(self.header, &self.body))?;
        Some(gpu::Item { block, raw: &mut self.raw[..self.header.raw_len()], done: false })
    }
}

/// Verifies and decodes a block. `raw` has its raw length.
pub(super) fn decode(block: Coded<'_>, raw: &mut [u8], kernel: Kernel) -> Result<(), PayloadError> {
    block.verify()?.decode(raw, kernel)
}
