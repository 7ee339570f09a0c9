//! One entropy section: a run of symbols becomes a payload in whichever form is best, and back
//! (FORMAT.md, 12).
//!
//! Here forms are chosen and coded, by whatever kernel the machine has. What the sections of a
//! block mean together belongs to `block`, and their bytes to `format::section`.

mod decode;
mod encode;

pub(crate) mod lanes;
pub(crate) mod pivot;
pub(crate) mod sample;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub(crate) use decode::{Decoder, Place};
pub(crate) use encode::{Encoder, Settings, scale_bits_for};
