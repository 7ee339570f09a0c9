//! What coding a symbol takes where its reciprocal divides exactly: 64 bits, half of what
//! [`Code`](crate::simd::code_table::Code) has, and no correction behind the division.
//!
//! With `2^(s - 1) < f <= 2^s` and `r = 2^(31 + s) / f` rounded up, by `e / f` too large, the
//! quotient `x * r >> (31 + s)` of a state `x` is `x / f` as long as `x * e < 2^(31 + s)`: then
//! what it is too large by does not reach the next whole number, which a rest of `f - 1` is `1 / f`
//! away from. A state that has room for its symbol is below `f << (32 - bits)`. All frequencies up
//! to half of the scale meet that, and most of those above.

use crate::model::Frequencies;

/// A code for each symbol: from the lowest bit 32 of the reciprocal, 6 of the shift behind the
/// upper half of a product, 13 of what is added to the state, and at the top `bits` of `scale -
/// frequency`.
#[derive(Debug)]
pub(in crate::simd) struct Exact {
    pub(super) codes: [u64; 256],
    pub(super) scale_bits: u8,
}

/// Where the second and third fields of a code stand in its upper half.
pub(super) const SHIFT_MASK: i32 = 31;
pub(super) const ADDEND_AT: i32 = 6;
pub(super) const ADDEND_MASK: i32 = (1 << 13) - 1;

impl Exact {
    /// `None`: a symbol has so many slots that its reciprocal does not divide every state exactly.
    pub(super) fn new(frequencies: &Frequencies) -> Option<Self> {
        let scale_bits = frequencies.scale_bits();
        let scale = u64::from(frequencies.scale());
        let mut codes = [0; 256];
        for (symbol, frequency, cumulative) in frequencies.used() {
            let (reciprocal, shift) = reciprocal(frequency, scale_bits)?;
            // The quotient by 1 comes out one too small: what it lacks is added.
            let lacking = if frequency == 1 { scale - 1 } else { 0 };
            let addend = u64::from(cumulative) + lacking;
            let complement = scale - u64::from(frequency);
            codes[usize::from(symbol)] =
                u64::from(reciprocal) | u64::from(shift) << 32 | addend << 38 | complement << (64 - scale_bits);
        }
        Some(Self { codes, scale_bits })
    }
}

/// `r` and `s - 1`; for 1 the reciprocal that makes `x - 1`.
fn reciprocal(frequency: u32, scale_bits: u8) -> Option<(u32, u8)> {
    if frequency == 1 {
        return Some((u32::MAX, 0));
    }
    if frequency >> scale_bits > 0 {
        return None;
    }
    let (f, s) = (u64::from(frequency), 32 - (frequency - 1).leading_zeros());
    let r = (1_u64 << (31 + s)).div_ceil(f);
    let e = r * f - (1 << (31 + s));
    (f * e < 1 << (s + u32::from(scale_bits) - 1)).then_some((r as u32, s as u8 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last state of each quotient in `quotients`.
    fn check(frequency: u32, scale_bits: u8, quotients: impl Iterator<Item = u64>) -> bool {
        let Some((reciprocal, shift)) = reciprocal(frequency, scale_bits) else { return false };
        for quotient in quotients {
            let first = quotient * u64::from(frequency);
            for state in [first, first + u64::from(frequency) - 1] {
                let found = (state * u64::from(reciprocal)) >> 32 >> shift;
                let expected = if frequency == 1 { quotient.saturating_sub(1) } else { quotient };
                assert_eq!(found, expected, "{state} by {frequency} at {scale_bits} bits");
            }
        }
        true
    }

    #[test]
    fn quotients_are_exact_and_few_frequencies_are_refused() {
        for scale_bits in 9..=12 {
            let beyond = 1_u64 << (32 - scale_bits);
            // What a reciprocal is too large by grows with the state: the last quotients are the
            // hardest.
            let quotients = || (0..beyond).step_by(9973).chain(beyond - 50..beyond);
            let refused: Vec<u32> =
                (1..1 << scale_bits).filter(|&frequency| !check(frequency, scale_bits, quotients())).collect();
            assert!(refused.iter().all(|&frequency| frequency > 1 << (scale_bits - 1)), "{refused:?}");
            if scale_bits == 12 {
                assert_eq!((refused.len(), refused[0]), (383, 2964));
            }
            assert_eq!(reciprocal(1 << scale_bits, scale_bits), None);
        }
    }

    #[test]
    #[ignore = "half a minute in release: every quotient of every frequency"]
    fn every_quotient_is_exact() {
        for scale_bits in 9..=12 {
            for frequency in 1..1 << scale_bits {
                check(frequency, scale_bits, 0..1 << (32 - scale_bits));
            }
        }
    }
}
