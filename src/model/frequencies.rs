//! A frequency table that is known to be valid.

use crate::error::Corruption;

/// 256 frequencies that sum to `1 << scale_bits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frequencies {
    of: [u16; 256],
    scale_bits: u8,
}

impl Frequencies {
    /// `scale_bits` is at most 15.
    #[expect(clippy::large_types_passed_by_value, reason = "it moves into the table")]
    pub(crate) fn new(of: [u16; 256], scale_bits: u8) -> Result<Self, Corruption> {
        let sum = of.iter().map(|&frequency| u32::from(frequency)).sum();
        let scale = 1 << scale_bits;
        if sum == scale { Ok(Self { of, scale_bits }) } else { Err(Corruption::FrequencySum { sum, scale }) }
    }

    /// All slots for one symbol.
    pub(crate) fn single(symbol: u8, scale_bits: u8) -> Self {
        let mut of = [0; 256];
        of[usize::from(symbol)] = 1 << scale_bits;
        Self { of, scale_bits }
    }

    /// The symbol that has all slots.
    pub(crate) fn only_symbol(&self) -> Option<u8> {
        let most = self.of.iter().position(|&frequency| u32::from(frequency) == self.scale())?;
        Some(most as u8)
    }

    pub(crate) fn scale_bits(&self) -> u8 {
        self.scale_bits
    }

    /// `1 << scale_bits`: what they sum to.
    pub(crate) fn scale(&self) -> u32 {
        1 << self.scale_bits
    }

    /// The frequencies in symbol order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &u16> {
        self.of.iter()
    }

    /// (frequency, cumulative) in symbol order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        self.of.iter().scan(0, |cumulative, &frequency| {
            let start = *cumulative;
            *cumulative += u32::from(frequency);
            Some((u32::from(frequency), start))
        })
    }
}
