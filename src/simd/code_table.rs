//! What kernels of short vectors load for each symbol they encode.

use crate::model::Frequencies;

/// What coding each symbol takes.
#[derive(Debug)]
pub(super) struct CodeTable {
    pub(super) codes: [Code; 256],
    pub(super) scale_bits: u8,
}

/// How one symbol goes into a state: what a lane loads, and a vector of lanes then transposes.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(16))]
pub(super) struct Code {
    pub(super) frequency: u32,
    pub(super) cumulative: u32,
    /// `2^32 / frequency` rounded down, or `2^32 - 1`: makes a quotient that is right or too small
    /// by one.
    pub(super) reciprocal: u32,
    /// `scale - frequency`.
    pub(super) complement: u32,
}

impl CodeTable {
    pub(super) fn new(frequencies: &Frequencies) -> Self {
        let mut table = Self { codes: [Code::default(); 256], scale_bits: frequencies.scale_bits() };
        for (symbol, frequency, cumulative) in frequencies.used() {
            let reciprocal = if frequency > 1 { ((1 << 32) / u64::from(frequency)) as u32 } else { u32::MAX };
            let complement = frequencies.scale() - frequency;
            table.codes[usize::from(symbol)] = Code { frequency, cumulative, reciprocal, complement };
        }
        table
    }
}
