//! The encoder's view of a table: what coding each symbol takes.

use crate::model::Frequencies;

/// How one symbol goes into a state, without a division.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SymbolCode {
    /// `2^(32 + scale_bits) / frequency`, rounded up.
    reciprocal: u64,
    /// `frequency << (16 - scale_bits)`: with upper half at this or above, a state must give a word
    /// away first.
    limit: u32,
    /// `scale - frequency`.
    complement: u32,
    cumulative: u32,
}

impl SymbolCode {
    fn new(frequency: u32, cumulative: u32, scale_bits: u8) -> Self {
        Self {
            reciprocal: reciprocal(frequency, scale_bits),
            limit: frequency << (16 - scale_bits),
            complement: (1 << scale_bits) - frequency,
            cumulative,
        }
    }

    /// Whether `state` must give its lower word away before [`SymbolCode::encode`].
    #[inline(always)]
    pub(crate) fn overflows(&self, state: u32) -> bool {
        state >> 16 >= self.limit
    }

    /// `((state / frequency) << scale_bits) + state % frequency + cumulative`, for a state that
    /// does not [overflow](Self::overflows).
    ///
    /// Such a state is below `frequency << (32 - scale_bits)`. So the product is below 2^64, and
    /// the quotient is exact: the reciprocal is less than 1 too large, and the state times that,
    /// over `2^(32 + scale_bits)`, is below `frequency / 2^(2 * scale_bits)`, which is no more
    /// than `1 / frequency`.
    #[inline(always)]
    pub(crate) fn encode(&self, state: u32, scale_bits: u8) -> u32 {
        let quotient = (u64::from(state).wrapping_mul(self.reciprocal) >> (32 + scale_bits)) as u32;
        state.wrapping_add(self.cumulative).wrapping_add(quotient.wrapping_mul(self.complement))
    }
}

/// `2^(32 + scale_bits) / frequency`, rounded up.
///
/// `f64` divides in less time than whole numbers. What is divided is below 2^53. The quotient is
/// off by 2^-53 of itself at most, which is less than `2^(scale_bits - 20) / frequency`; and if it
/// is not whole, it is `1 / frequency` or more away from the next whole number.
fn reciprocal(frequency: u32, scale_bits: u8) -> u64 {
    let rounding_up = (1_i64 << (32 + scale_bits)) + i64::from(frequency - 1);
    (rounding_up as f64 / f64::from(frequency)) as i64 as u64
}

/// A [`SymbolCode`] for each symbol.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    codes: [SymbolCode; 256],
    scale_bits: u8,
}

impl SymbolTable {
    pub(crate) fn new(frequencies: &Frequencies) -> Self {
        let mut table = Self::empty(frequencies.scale_bits());
        table.fill(frequencies);
        table
    }

    /// Makes a table where it stays, and lends it: it is too large to be moved about for a few
    /// bytes.
    #[inline(always)]
    pub(crate) fn with<R>(frequencies: &Frequencies, work: impl FnOnce(&Self) -> R) -> R {
        let mut table = Self::empty(frequencies.scale_bits());
        table.fill(frequencies);
        work(&table)
    }

    fn empty(scale_bits: u8) -> Self {
        Self { codes: [SymbolCode::default(); 256], scale_bits }
    }

    fn fill(&mut self, frequencies: &Frequencies) {
        for (symbol, frequency, cumulative) in frequencies.used() {
            self.codes[usize::from(symbol)] = SymbolCode::new(frequency, cumulative, self.scale_bits);
        }
    }

    #[inline(always)]
    pub(crate) fn code(&self, symbol: u8) -> &SymbolCode {
        &self.codes[usize::from(symbol)]
    }

    #[inline(always)]
    pub(crate) fn scale_bits(&self) -> u8 {
        self.scale_bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_are_rounded_up() {
        for scale_bits in 1..=16 {
            for frequency in 1..=1 << scale_bits {
                let exact = (1_u64 << (32 + scale_bits)).div_ceil(frequency.into());
                assert_eq!(reciprocal(frequency, scale_bits), exact, "{frequency} of 2^{scale_bits}");
            }
        }
    }

    #[test]
    fn encodes_like_the_division_does() {
        for scale_bits in 9..=14 {
            let scale = 1_u32 << scale_bits;
            for frequency in (1..=scale).filter(|f| f.is_power_of_two() || f % 37 == 1 || f + 3 > scale) {
                let cumulative = scale - frequency;
                let code = SymbolCode::new(frequency, cumulative, scale_bits);
                let limit = u64::from(frequency) << (32 - scale_bits);
                let top = (limit - 1) as u32;
                let multiple = top / frequency * frequency;
                for state in [1 << 16, (1 << 16) + 1, 99_991, top / 2, multiple - 1, multiple, top - 1, top] {
                    if u64::from(state) >= limit || state < 1 << 16 {
                        continue;
                    }
                    assert!(!code.overflows(state));
                    let expected = ((state / frequency) << scale_bits) + state % frequency + cumulative;
                    assert_eq!(code.encode(state, scale_bits), expected, "{state} with {frequency}/{scale}");
                }
                assert!(limit > u64::from(u32::MAX) || code.overflows(limit as u32));
            }
        }
    }
}
