//! From payloads to symbols.

use std::ops::Range;

use crate::{
    error::{Corruption, PayloadError},
    format::section::{Descriptor, SectionForm},
    rans::segment::Tail,
    section::{lanes, pivot},
    simd::{self, Kernel},
};

/// A section, and room for its symbols.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) descriptor: Descriptor,
    pub(crate) payload: &'a [u8],
    pub(crate) symbols: &'a mut [u8],
}

impl Place<'_> {
    fn is_lanes(&self) -> bool {
        self.descriptor.form == SectionForm::Lanes
    }

    fn verify_lens(&self) -> Result<(), Corruption> {
        verify_lens(&self.descriptor, self.payload, self.symbols)
    }
}

fn verify_lens(descriptor: &Descriptor, payload: &[u8], symbols: &[u8]) -> Result<(), Corruption> {
    let (found, expected) = (payload.len() as u64, descriptor.payload_len as u64);
    if found != expected || symbols.len() != descriptor.symbols {
        return Err(Corruption::Length { found, min: expected, max: expected });
    }
    Ok(())
}

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

    /// [`decode`](Self::decode) of several, none of which needs another one's symbols. Neighbours
    /// that are lanes are decoded together, which takes less time. Of several that are damaged the
    /// first is reported.
    pub(crate) fn decode_all(&mut self, places: &mut [Place<'_>]) -> Result<(), PayloadError> {
        let together = simd::decodes_together(self.kernel);
        for run in places.chunk_by_mut(|one, next| together && one.is_lanes() && next.is_lanes()) {
            match run {
                [Place { descriptor, payload, symbols }] => self.decode(descriptor, payload, symbols)?,
                run => self.decode_lanes(run)?,
            }
        }
        Ok(())
    }

    /// [`decode_all`](Self::decode_all) of sections that are all lanes.
    fn decode_lanes(&mut self, places: &mut [Place<'_>]) -> Result<(), Corruption> {
        let mut jobs = Vec::with_capacity(places.len());
        let mut fault = Ok(());
        for place in places {
            fault = place.verify_lens();
            if fault.is_err() {
                break;
            }
            jobs.push(lanes::Job::new(place.payload, Tail::InStates, (&mut *place.symbols).into()));
        }
        lanes::decode_together(&mut jobs, self.kernel).map_err(|(_, reason)| reason)?;
        fault
    }

    /// [`decode`](Self::decode) of the symbols `wanted`; others may hold anything afterwards.
    pub(crate) fn decode_part(
        &mut self,
        descriptor: &Descriptor,
        payload: &[u8],
        symbols: &mut [u8],
        wanted: &Range<usize>,
    ) -> Result<(), PayloadError> {
        verify_lens(descriptor, payload, symbols)?;
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
