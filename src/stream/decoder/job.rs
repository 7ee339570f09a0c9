//! A block on its way through an executor.

#[cfg(feature = "gpu")]
use crate::gpu;
use crate::{
    block,
    error::{Corruption, Error, Part},
    format::{BlockHeader, CHECK_LEN, HEADER_LEN},
    parallel::Job,
    simd::Kernel,
    stream::split_check,
};

/// What the executor is given, and what it gives back.
#[derive(Debug)]
pub(super) struct DecodeJob {
    pub(super) header: BlockHeader,
    pub(super) bytes: [u8; HEADER_LEN],
    /// Payload and payload check at its start.
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
        let body = &self.body[..self.body_len()];
        let raw = &mut self.raw[..self.header.raw_len()];
        self.result = decode_body(&self.header, self.bytes, body, raw, self.kernel).map_err(|reason| Error::Corrupt {
            part: Part::Block(self.number),
            offset: self.offset,
            reason,
        });
    }

    #[cfg(feature = "gpu")]
    fn item(&mut self) -> Option<gpu::Item<'_>> {
        let (payload, check) = split_check(&self.body[..self.body_len()]);
        let block = gpu::Block::new(self.header, self.bytes, payload, check)?;
        Some(gpu::Item { block, raw: &mut self.raw[..self.header.raw_len()], done: false })
    }
}

impl DecodeJob {
    pub(super) fn body_len(&self) -> usize {
        self.header.payload_len() as usize + CHECK_LEN
    }
}

/// Verifies and decodes a block whose header was verified.
pub(super) fn decode_body(
    header: &BlockHeader,
    bytes: [u8; HEADER_LEN],
    body: &[u8],
    raw: &mut [u8],
    kernel: Kernel,
) -> Result<(), Corruption> {
    let (payload, stored) = split_check(body);
    block::verify(bytes, payload, stored)?;
    block::decode_payload(header, payload, raw, kernel)
}
