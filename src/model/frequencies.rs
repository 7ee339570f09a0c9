//! A frequency table that is known to be valid.

use crate::error::Corruption;

/// 256 frequencies that sum to `1 << scale_bits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frequencies {
    of: [u16; 256],
    /// A bit for each symbol with a frequency: few of 256 symbols occur in a small block.
    present: [u64; 4],
    scale_bits: u8,
}

impl Frequencies {
    /// `scale_bits` is at most 15.
    #[expect(clippy::large_types_passed_by_value, reason = "it moves into the table")]
    pub(crate) fn new(of: [u16; 256], scale_bits: u8) -> Result<Self, Corruption> {
        let sum = of.iter().map(|&frequency| u32::from(frequency)).sum();
        let scale = 1 << scale_bits;
        if sum != scale {
            return Err(Corruption::FrequencySum { sum, scale });
        }
        let mut present = [0; 4];
        for (bits, of) in present.iter_mut().zip(of.as_chunks::<64>().0) {
            *bits = of.iter().rev().fold(0, |bits, &frequency| bits << 1 | u64::from(frequency > 0));
        }
        Ok(Self { of, present, scale_bits })
    }

    /// Each of `symbols` has the slots from its cumulative to the next one's, the last one those up
    /// to the scale. Both increase strictly, the cumulatives from 0 and below the scale, and there
    /// are as many, at least one.
    pub(crate) fn from_cumulatives(symbols: &[u16], cumulatives: &[u16], scale_bits: u8) -> Self {
        let (mut of, mut present) = ([0; 256], [0; 4]);
        // In a register: each symbol would wait for the one before it in memory.
        let (mut word, mut bits) = (0, 0_u64);
        let mut set = |symbol: u16, frequency: u16| {
            let symbol = usize::from(symbol) % 256;
            of[symbol] = frequency;
            if symbol / 64 != word {
                present[word] = bits;
                (word, bits) = (symbol / 64, 0);
            }
            bits |= 1 << (symbol % 64);
        };
        for (&symbol, pair) in symbols.iter().zip(cumulatives.windows(2)) {
            set(symbol, pair[1] - pair[0]);
        }
        if let (Some(&symbol), Some(&cumulative)) = (symbols.last(), cumulatives.last()) {
            set(symbol, (1 << scale_bits) - cumulative);
        }
        present[word] = bits;
        Self { of, present, scale_bits }
    }

    /// All slots for one symbol.
    pub(crate) fn single(symbol: u8, scale_bits: u8) -> Self {
        let mut of = [0; 256];
        of[usize::from(symbol)] = 1 << scale_bits;
        let mut present = [0; 4];
        present[usize::from(symbol) / 64] = 1 << (symbol % 64);
        Self { of, present, scale_bits }
    }

    /// The symbol that has all slots.
    pub(crate) fn only_symbol(&self) -> Option<u8> {
        let (first, frequency, _) = self.used().next()?;
        (frequency == self.scale()).then_some(first)
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
    #[cfg(test)]
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        self.of.iter().scan(0, |cumulative, &frequency| {
            let start = *cumulative;
            *cumulative += u32::from(frequency);
            Some((u32::from(frequency), start))
        })
    }

    /// (symbol, frequency, cumulative) of the symbols that have a frequency, in symbol order.
    pub(crate) fn used(&self) -> Used<'_> {
        Used { frequencies: self, next: 0, bits: 0, cumulative: 0 }
    }
}

/// See [`Frequencies::used`].
#[derive(Debug)]
pub(crate) struct Used<'a> {
    frequencies: &'a Frequencies,
    /// The word of `present` that follows `bits`.
    next: usize,
    bits: u64,
    cumulative: u32,
}

impl Iterator for Used<'_> {
    type Item = (u8, u32, u32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.bits == 0 {
            self.bits = *self.frequencies.present.get(self.next)?;
            self.next += 1;
        }
        let symbol = 64 * (self.next - 1) + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        let (frequency, cumulative) = (u32::from(self.frequencies.of[symbol]), self.cumulative);
        self.cumulative += frequency;
        Some((symbol as u8, frequency, cumulative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_used_symbols_are_those_with_a_frequency() {
        for symbols in [vec![0_u8], vec![255], vec![63, 64], vec![1, 62, 127, 128, 191, 192, 254], (0..=255).collect()]
        {
            let mut of = [0; 256];
            for &symbol in &symbols {
                of[usize::from(symbol)] = 1;
            }
            of[usize::from(symbols[0])] += 512 - symbols.len() as u16;
            let frequencies = Frequencies::new(of, 9).unwrap();
            let expected: Vec<_> = (0_u8..=255)
                .zip(frequencies.ranges())
                .map(|(symbol, (frequency, cumulative))| (symbol, frequency, cumulative))
                .filter(|&(_, frequency, _)| frequency > 0)
                .collect();
            assert_eq!(frequencies.used().collect::<Vec<_>>(), expected);
            assert_eq!(expected.len(), symbols.len());
        }
        assert_eq!(Frequencies::single(200, 12).used().collect::<Vec<_>>(), [(200, 4096, 0)]);
    }
}
