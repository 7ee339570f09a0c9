//! A frequency table that is known to be valid.

use crate::error::Corruption;

/// 256 frequencies that sum to `1 << scale_bits`: as the slots of those symbols that have some, for
/// few of 256 occur in a small block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frequencies {
    /// The symbols with a frequency in order, then zeros.
    symbols: [u16; 256],
    /// The first slot of each, then the scale, then zeros.
    cumulatives: [u16; 257],
    used: usize,
    scale_bits: u8,
}

impl Frequencies {
    /// Not valid yet: no symbol has a frequency.
    pub(crate) const NONE: Self = Self { symbols: [0; 256], cumulatives: [0; 257], used: 0, scale_bits: 0 };

    /// `scale_bits` is at most 15.
    #[expect(clippy::large_types_passed_by_value, reason = "callers have made it for this alone")]
    pub(crate) fn new(of: [u16; 256], scale_bits: u8) -> Result<Self, Corruption> {
        let sum = of.iter().map(|&frequency| u32::from(frequency)).sum();
        let scale = 1 << scale_bits;
        if sum != scale {
            return Err(Corruption::FrequencySum { sum, scale });
        }
        let symbols = (0..=255).filter(|&symbol| of[usize::from(symbol)] > 0);
        Ok(Self::of_symbols(symbols.map(|symbol| (symbol, of[usize::from(symbol)])), scale_bits))
    }

    /// Symbols in order with their frequencies, which sum to the scale.
    pub(crate) fn of_symbols(symbols: impl Iterator<Item = (u8, u16)>, scale_bits: u8) -> Self {
        let mut of = Self { scale_bits, ..Self::NONE };
        let mut cumulative = 0;
        for (symbol, frequency) in symbols {
            of.symbols[of.used % 256] = symbol.into();
            cumulative += frequency;
            of.used += 1;
            of.cumulatives[of.used] = cumulative;
        }
        debug_assert_eq!(u32::from(cumulative), of.scale());
        of
    }

    /// Makes it those of `used` symbols, one at least, whatever it was before: `read` fills as many
    /// places with the symbols, and as many with their first slots. Both increase strictly, the
    /// slots from 0 and below the scale; the other places are 0, and stay so.
    ///
    /// Where it stays: to move a table a few times takes a tenth of the time that reading it takes.
    #[inline(always)]
    pub(crate) fn read(&mut self, used: usize, scale_bits: u8, read: impl FnOnce(&mut [u16; 256], &mut [u16; 256])) {
        *self = Self { used, scale_bits, ..Self::NONE };
        if let Some(cumulatives) = self.cumulatives.first_chunk_mut() {
            read(&mut self.symbols, cumulatives);
        }
        self.cumulatives[used] = 1 << scale_bits;
    }

    /// All slots for one symbol.
    pub(crate) fn single(symbol: u8, scale_bits: u8) -> Self {
        Self::of_symbols([(symbol, 1 << scale_bits)].into_iter(), scale_bits)
    }

    /// The symbol that has all slots.
    pub(crate) fn only_symbol(&self) -> Option<u8> {
        (self.used == 1).then_some(self.symbols[0] as u8)
    }

    pub(crate) fn scale_bits(&self) -> u8 {
        self.scale_bits
    }

    /// `1 << scale_bits`: what they sum to.
    pub(crate) fn scale(&self) -> u32 {
        1 << self.scale_bits
    }

    /// The frequencies of all 256 symbols.
    pub(crate) fn all(&self) -> [u16; 256] {
        let mut all = [0; 256];
        for (symbol, frequency, _) in self.used() {
            all[usize::from(symbol)] = frequency as u16;
        }
        all
    }

    /// The symbols that have a frequency, in order, and their first slots.
    pub(crate) fn increasing(&self) -> (&[u16], &[u16]) {
        (&self.symbols[..self.used], &self.cumulatives[..self.used])
    }

    /// (frequency, cumulative) in symbol order.
    #[cfg(test)]
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        self.all().into_iter().scan(0, |cumulative, frequency| {
            let start = *cumulative;
            *cumulative += u32::from(frequency);
            Some((u32::from(frequency), start))
        })
    }

    /// (symbol, frequency, cumulative) of the symbols that have a frequency, in symbol order.
    #[inline]
    pub(crate) fn used(&self) -> impl Iterator<Item = (u8, u32, u32)> {
        let ends = &self.cumulatives[1..];
        self.symbols[..self.used]
            .iter()
            .zip(&self.cumulatives)
            .zip(ends)
            .map(|((&symbol, &start), &end)| (symbol as u8, u32::from(end - start), u32::from(start)))
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
