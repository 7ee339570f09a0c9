//! The coder, in safe scalar Rust. Every other kernel is held against this one.
//!
//! # READ ME FIRST
//!
//! Three things about rANS surprise a newcomer.
//!
//! **It runs backwards.** The encoder is a stack: what it pushes last, the decoder pops first. So
//! encoders here walk from the last symbol to the first and write words from the end of a buffer to
//! its start; decoders walk forwards. An encoder's *final* states are where the decoder starts, and
//! the decoder must end where the encoder began. That is checked, and costs nothing.
//!
//! **A state is a number, not a bit buffer.** It is kept in `2^16 <= x < 2^32`. A symbol with a
//! share `frequency / scale` of the probability multiplies the state by about `scale / frequency`
//! when encoded and divides it by as much when decoded. When the state would leave its range,
//! exactly one 16-bit word moves out of it or into it ("renormalise").
//!
//! **Lanes are only turns.** One state is a chain: the next symbol needs the state that this one
//! leaves. Several states that take turns are as many chains at once. They differ in whose words
//! they read: in [`interleaved`] each lane has its own; in the `lanes` mode 32 lanes share one
//! stream, from which in each round those lanes that need a word take one, in lane order, which is
//! what vector units and GPUs do in one step.
//!
//! The formulas are in `FORMAT.md`, section 4. rANS is due to J. Duda, *Asymmetric numeral
//! systems*, 2013.

pub mod interleaved;
pub mod single;

pub(crate) mod abreast;
pub(crate) mod segment;
pub(crate) mod turns;
pub(crate) mod words;

use crate::{
    error::{Corruption, Error, Part},
    format::fields::Fields,
};

/// The smallest state between symbols, and where encoders start.
pub(crate) const LOWER_BOUND: u32 = 1 << 16;

/// A state as stored.
pub(crate) fn parse_state(fields: &mut Fields<'_>) -> Result<u32, Corruption> {
    let state = fields.u32("state")?;
    if state < LOWER_BOUND {
        return Err(Corruption::Field { field: "state", found: state.into() });
    }
    Ok(state)
}

/// A payload of the original coder stands alone: it has no block around it.
fn outside_a_stream(reason: Corruption) -> Error {
    Error::Corrupt { part: Part::Payload, offset: 0, reason }
}

/// Room for the raw bytes of a payload that stands alone. Their number comes from the caller, not
/// from the payload, but a caller may have read it somewhere.
fn reserve(raw_len: usize) -> Result<Vec<u8>, Error> {
    let mut raw = Vec::new();
    crate::limits::Limits::new().max_memory(usize::MAX).grow(&mut raw, raw_len, 0)?;
    Ok(raw)
}
