//! From payloads to symbols.

use std::ops::Range;

use crate::{
    error::{Corruption, PayloadError},
    format::section::{Descriptor, SectionForm},
    rans::segment::Tail,
    section::{lanes, pivot},
    simd::Kernel,
};

/// Decodes sections one after the other, with memory that is kept between them.
#[derive(Debug)]
pub(crate) struct Decoder {
    kernel: Kernel,
}

impl Decoder {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self { kernel }
    }

    /// Fills `symbols`, which has the length that the descriptor says, from the section's payload.
    /// They may have any value: whoever gives them a meaning verifies it.
    ///
    /// Every field of the payload is verified; after an error `symbols` may hold anything.
    pub(crate) fn decode(
        &mut self,
        descriptor: &Descriptor,
        payload: &[u8],
        symbols: &mut [u8],
    ) -> Result<(), PayloadError> {
        let all = 0..symbols.len();
        self.decode_part(descriptor, payload, symbols, &all)
    }

    /// [`decode`](Self::decode) of the symbols `wanted`; others may hold anything afterwards.
    pub(crate) fn decode_part(
        &mut self,
        descriptor: &Descriptor,
        payload: &[u8],
        symbols: &mut [u8],
        wanted: &Range<usize>,
    ) -> Result<(), PayloadError> {
        let (found, expected) = (payload.len() as u64, descriptor.payload_len as u64);
        if found != expected || symbols.len() != descriptor.symbols {
            return Err(Corruption::Length { found, min: expected, max: expected }.into());
        }
        match (descriptor.form, payload) {
            (SectionForm::Fill, [symbol, ..]) => symbols[wanted.clone()].fill(*symbol),
            (SectionForm::Empty | SectionForm::Fill, _) => {}
            (SectionForm::Stored, _) => symbols[wanted.clone()].copy_from_slice(&payload[wanted.clone()]),
            (SectionForm::Pivot, _) => pivot::decode_until(payload, symbols, wanted.end, self.kernel)?,
            (SectionForm::Lanes, _) => lanes::decode_part(payload, Tail::InStates, symbols, wanted, self.kernel)?,
        }
        Ok(())
    }
}
