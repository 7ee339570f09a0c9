//! A block on its way through an executor.

use crate::{
    block::{Coded, Resources},
    device::Item,
    error::{Error, Part},
    format::BlockHeader,
    parallel::Job,
    simd::Spare,
};

/// What the executor is given, and what it gives back.
#[derive(Debug)]
pub(super) struct DecodeJob {
    pub(super) header: BlockHeader,
    /// Payload and payload check, perhaps more.
    pub(super) body: Vec<u8>,
    /// Room for the raw bytes, perhaps more.
    pub(super) raw: Vec<u8>,
    pub(super) resources: Resources,
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) result: Result<(), Error>,
}

impl Job for DecodeJob {
    fn run(&mut self) {
        let raw = Spare::from(&mut self.raw[..self.header.raw_len()]);
        let decoded = Coded::new(self.header, &self.body).decode(raw, &self.resources);
        self.result = decoded.map(drop).map_err(|reason| reason.at(Part::Block(self.number), self.offset));
    }

    fn item(&mut self) -> Option<Item<'_>> {
        Some(Item { header: self.header, body: &self.body, raw: &mut self.raw[..self.header.raw_len()] })
    }
}
