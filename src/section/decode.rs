//! From payloads to symbols.

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
        let (found, expected) = (payload.len() as u64, descriptor.payload_len as u64);
        if found != expected || symbols.len() != descriptor.symbols {
            return Err(Corruption::Length { found, min: expected, max: expected }.into());
        }
        match (descriptor.form, payload) {
            (SectionForm::Fill, [symbol, ..]) => symbols.fill(*symbol),
            (SectionForm::Empty | SectionForm::Fill, _) => {}
            (SectionForm::Stored, _) => symbols.copy_from_slice(payload),
            (SectionForm::Pivot, _) => pivot::decode_payload(payload, symbols, self.kernel)?,
            (SectionForm::Lanes, _) => lanes::decode_payload(payload, Tail::InStates, symbols, self.kernel)?,
        }
        Ok(())
    }
}
