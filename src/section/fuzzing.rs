//! A section alone, its descriptor before it, for the fuzz targets: not part of the crate's API.

use super::{Decoder, Encoder, Settings};
use crate::{
    error::{Error, Part},
    format::{
        fields::Fields,
        section::{Descriptor, SymbolCount},
    },
    simd::Kernel,
};

/// The most symbols that [`decode`] takes.
const MOST: usize = 1 << 20;

/// Descriptor and payload of `symbols`.
#[must_use]
pub fn encode(symbols: &[u8], segment_len: usize, kernel: Kernel) -> Vec<u8> {
    let settings = Settings { segment_len, ..Settings::new(kernel) };
    let (mut payload, mut section) = (Vec::new(), Vec::new());
    let descriptor = Encoder::new(settings).encode(symbols, &mut payload);
    descriptor.write(SymbolCount::AtMost(symbols.len()), &mut section);
    descriptor.write_payload(&payload, 0, &mut section);
    section
}

/// The symbols of a descriptor and its payload. Where they go is full of `fill` before.
///
/// # Errors
///
/// What is wrong with them.
pub fn decode(section: &[u8], kernel: Kernel, fill: u8) -> Result<Vec<u8>, Error> {
    let mut fields = Fields::new(section);
    let at = |error: crate::error::PayloadError| error.at(Part::Payload, 0);
    let descriptor = Descriptor::parse(&mut fields, SymbolCount::AtMost(MOST)).map_err(at)?;
    let payload = descriptor.parse_payload(&mut fields).map_err(at)?;
    let mut symbols = vec![fill; descriptor.symbols];
    Decoder::new(kernel).decode(&descriptor, payload, &mut symbols).map_err(at)?;
    Ok(symbols)
}
