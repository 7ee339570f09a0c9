//! One entropy section: how a run of symbols is coded, and which kernel does it.
//!
//! Knows neither blocks nor streams. What several sections mean together is told by what they are
//! part of.

pub(crate) mod lanes;
pub(crate) mod sample;
