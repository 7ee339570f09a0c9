//! The encoder's view of a table: what coding each symbol takes.

use crate::model::Frequencies;

/// How one symbol goes into a state, without a division.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SymbolCode {
    reciprocal: u64,
    /// `frequency << (16 - scale_bits)`: with upper half at this or above, a state must give a word away first.
    limit: u32,
    /// `scale - frequency`.
    complement: u32,
    /// The cumulative, corrected for frequency 1.
    bias: u32,
}

impl SymbolCode {
    fn new(frequency: u32, cumulative: u32, scale_bits: u8) -> Self {
        let scale = 1 << scale_bits;
        // 2^64 / frequency rounded up has no room for frequency 1; rounded down it makes a quotient that is too small by one,
        // which the bias gives back.
        let (reciprocal, bias) = match frequency {
            1 => (u64::MAX, cumulative + scale - 1),
            _ => (u64::MAX / u64::from(frequency) + 1, cumulative),
        };
        Self { reciprocal, limit: frequency << (16 - scale_bits), complement: scale - frequency, bias }
    }

    /// Whether `state` must give its lower word away before [`SymbolCode::encode`].
    #[inline(always)]
    pub(crate) fn overflows(&self, state: u32) -> bool {
        state >> 16 >= self.limit
    }

    /// `((state / frequency) << scale_bits) + state % frequency + cumulative`.
    ///
    /// The quotient is exact for 32-bit states: the reciprocal is off by less than `frequency / 2^64`, and state times that is below `1 / frequency`.
    #[inline(always)]
    pub(crate) fn encode(&self, state: u32) -> u32 {
        let quotient = ((u128::from(state) * u128::from(self.reciprocal)) >> 64) as u32;
        state.wrapping_add(self.bias).wrapping_add(quotient.wrapping_mul(self.complement))
    }
}

/// A [`SymbolCode`] for each symbol.
#[derive(Debug)]
pub(crate) struct SymbolTable([SymbolCode; 256]);

impl SymbolTable {
    pub(crate) fn new(frequencies: &Frequencies) -> Self {
        let mut table = Self([SymbolCode::default(); 256]);
        for (symbol, frequency, cumulative) in frequencies.used() {
            table.0[usize::from(symbol)] = SymbolCode::new(frequency, cumulative, frequencies.scale_bits());
        }
        table
    }

    #[inline(always)]
    pub(crate) fn code(&self, symbol: u8) -> &SymbolCode {
        &self.0[usize::from(symbol)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_like_the_division_does() {
        for scale_bits in [9, 12, 14] {
            let scale = 1_u32 << scale_bits;
            for frequency in (1..=scale).filter(|f| f.is_power_of_two() || f % 37 == 1 || f + 3 > scale) {
                let cumulative = scale - frequency;
                let code = SymbolCode::new(frequency, cumulative, scale_bits);
                let limit = u64::from(frequency) << (32 - scale_bits);
                let top = (limit - 1) as u32;
                for state in [1 << 16, (1 << 16) + 1, 99_991, top / 2, top / frequency * frequency, top - 1, top] {
                    if u64::from(state) >= limit || state < 1 << 16 {
                        continue;
                    }
                    assert!(!code.overflows(state));
                    let expected = ((state / frequency) << scale_bits) + state % frequency + cumulative;
                    assert_eq!(code.encode(state), expected, "{state} with {frequency}/{scale}");
                }
                assert!(limit > u64::from(u32::MAX) || code.overflows(limit as u32));
            }
        }
    }
}
