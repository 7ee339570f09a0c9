//! What coding costs, in fixed point so that every machine decides alike.

use crate::model::{Frequencies, Histogram};

/// Bits that symbols with these `counts` take when coded with `frequencies`, rounded up. Symbols
/// with frequency 0 must have count 0.
pub(crate) fn coded_bits(counts: &[u32; 256], frequencies: &Frequencies) -> u64 {
    let scale_log2 = u64::from(frequencies.scale_bits()) << FRACTION_BITS;
    let sum: u64 = frequencies
        .used()
        .map(|(symbol, frequency, _)| u64::from(counts[usize::from(symbol)]) * (scale_log2 - log2(frequency)))
        .sum();
    sum.div_ceil(1 << FRACTION_BITS)
}

/// Bits that symbols with these `counts`, below 2^28 in all, take at best, each for itself.
///
/// For fewer than 4096 symbols this is less than 2 more than the true value: each logarithm is at
/// most 2^-16 too small, and the sum is rounded up.
pub(crate) fn entropy_bits(counts: &[u32; 256]) -> u64 {
    let of = |count: u32| u64::from(count) * log2(count);
    // In short runs most counts are 0, and many of them stand together.
    let eights = counts.as_chunks::<8>().0.iter().filter(|eight| **eight != [0; 8]);
    let sum = of(counts.iter().sum()) - eights.flatten().map(|&count| of(count)).sum::<u64>();
    sum.div_ceil(1 << FRACTION_BITS)
}

/// No prefix code, and no frequencies, take fewer bits for symbols with these `counts`, fewer than
/// 4096 in all.
pub(crate) fn least_bits(counts: &[u32; 256]) -> u64 {
    entropy_bits(counts).saturating_sub(2)
}

/// Symbols with these `counts`, below 2^28 in all, never take more bits than this at best: as many
/// as if all that occur were equally frequent.
pub(crate) fn most_bits(counts: &[u32; 256]) -> u64 {
    let used = counts.iter().map(|&count| u32::from(count > 0)).sum();
    let total = counts.iter().sum::<u32>();
    (u64::from(total) * (log2(used) + 1)).div_ceil(1 << FRACTION_BITS)
}

/// About how many bytes `len` symbols, 2^24 at most, take at best, each for itself, by a sample of
/// them.
pub(crate) fn entropy_len(sample: &Histogram, len: usize) -> usize {
    (entropy_bits(sample.counts()) * len as u64 / (8 * u64::from(sample.total())).max(1)) as usize
}

/// What a symbol with this `count` of `total` takes at best, in 1/64 bit.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn price(count: u32, total: u32) -> i32 {
    (log2(total).saturating_sub(log2(count)) >> (FRACTION_BITS - 6)) as i32
}

const FRACTION_BITS: u32 = 16;

/// `log2(number)` with 16 fraction bits, rounded down.
fn log2(number: u32) -> u64 {
    // Numbers of 13 bits and more lose their lowest bits, which is less than 0.001 bits.
    let halvings = number.max(1).ilog2().saturating_sub(11);
    u64::from(LOG2[(number >> halvings) as usize]) + (u64::from(halvings) << FRACTION_BITS)
}

const LOG2: [u32; 4096] = {
    let mut table = [0; 4096];
    let mut number = 1_u32;
    while number < 4096 {
        let whole = number.ilog2();
        // Squaring the mantissa doubles its logarithm, so each carry past 2.0 is the next bit.
        let mut mantissa = (number as u64) << (31 - whole);
        let mut log = whole;
        let mut bit = 0;
        while bit < FRACTION_BITS {
            mantissa = (mantissa * mantissa) >> 31;
            log <<= 1;
            if mantissa >> 32 != 0 {
                mantissa >>= 1;
                log |= 1;
            }
            bit += 1;
        }
        table[number as usize] = log;
        number += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entropy_is_between_its_bounds() {
        for used in 1..=256 {
            for skew in [0, 1, 7] {
                let counts = std::array::from_fn(|symbol| if symbol < used { 1 + symbol as u32 % 5 * skew } else { 0 });
                let bits = entropy_bits(&counts);
                assert!(least_bits(&counts) <= bits && bits <= most_bits(&counts) + 2, "{used} symbols, {skew}");
            }
        }
    }

    #[test]
    fn agrees_with_floating_point() {
        for frequency in (1..=16384_u32).chain((0..1000).map(|i| i * 260_000 + 16385)) {
            let exact = f64::from(frequency).log2();
            let ours = log2(frequency) as f64 / 65536.0;
            assert!(ours <= exact + 1e-9 && exact - ours < 0.0008, "{frequency}: {ours} for {exact}");
        }
    }
}
