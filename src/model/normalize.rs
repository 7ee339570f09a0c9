//! Counts to frequencies that sum to a power of two.

use std::hint::select_unpredictable;

use crate::model::{Frequencies, Histogram};

/// The frequencies with the smallest coded size for the scale: the minimum of `-sum count *
/// log2(frequency)` over all frequencies of at least 1 for each present symbol that sum to `1 <<
/// scale_bits`.
///
/// The sum to minimise is separable and convex, so a solution is optimal if and only if no slot
/// gains by moving from one symbol to another. The start is the rounded solution of the continuous
/// problem; from there, slots move one by one to where they gain most.
///
/// Only additions, multiplications and divisions of `f64` are used, which IEEE 754 defines to the
/// bit: every machine gets the same table.
pub(crate) fn normalize(histogram: &Histogram, scale_bits: u8) -> Frequencies {
    if let Some(symbol) = histogram.only_symbol() {
        return Frequencies::single(symbol, scale_bits);
    }
    let mut shares = Shares::empty(1 << scale_bits);
    shares.round(histogram);
    while shares.sum < shares.scale {
        shares.give(shares.best_gain().0);
    }
    while shares.sum > shares.scale {
        shares.take(shares.least_loss().0);
    }
    loop {
        let (best, gain) = shares.best_gain();
        let (least, loss) = shares.least_loss();
        if gain <= loss * (1.0 + 1e-9) {
            break;
        }
        shares.give(best);
        shares.take(least);
    }
    let frequencies = shares.frequencies[..shares.used].iter().map(|&frequency| frequency as u16);
    Frequencies::of_symbols(shares.symbols.into_iter().zip(frequencies), scale_bits)
}

/// The original coder's normalisation, for byte-identical frames: shares rounded down, at least 1;
/// then slots are given or taken in the order of falling counts.
pub(crate) fn normalize_compat(histogram: &Histogram, scale_bits: u8) -> Frequencies {
    let scale = 1_u32 << scale_bits;
    let total = u64::from(histogram.total());
    let counts = histogram.counts();
    let mut of = [0_u16; 256];
    let mut order: Vec<u8> = (0..=255).filter(|&symbol| counts[usize::from(symbol)] > 0).collect();
    order.sort_by_key(|&symbol| std::cmp::Reverse(counts[usize::from(symbol)]));
    for &symbol in &order {
        let share = u64::from(counts[usize::from(symbol)]) << scale_bits;
        of[usize::from(symbol)] = (share / total).max(1) as u16;
    }
    let mut sum: u32 = of.iter().map(|&frequency| u32::from(frequency)).sum();
    while sum < scale {
        for &symbol in order.iter().take((scale - sum) as usize) {
            of[usize::from(symbol)] += 1;
            sum += 1;
        }
    }
    while sum > scale {
        for &symbol in &order {
            let frequency = &mut of[usize::from(symbol)];
            if sum > scale && *frequency > 1 {
                *frequency -= 1;
                sum -= 1;
            }
        }
    }
    Frequencies::new(of, scale_bits).unwrap_or_else(|_| unreachable!("the loops above end at the scale"))
}

/// The slots that the used symbols have so far, and what one more or one less is worth to each.
/// Only the first `used` places of the arrays count.
struct Shares {
    scale: u32,
    sum: u32,
    used: usize,
    symbols: [u8; 256],
    counts: [f64; 256],
    frequencies: [u32; 256],
    /// What one more slot saves.
    gains: Extreme<false>,
    /// What one slot less costs: infinity where it is the last one.
    losses: Extreme<true>,
}

impl Shares {
    fn empty(scale: u32) -> Self {
        Self {
            scale,
            sum: 0,
            used: 0,
            symbols: [0; 256],
            counts: [0.0; 256],
            frequencies: [0; 256],
            gains: Extreme::NONE,
            losses: Extreme::NONE,
        }
    }

    /// Each symbol's rounded share, at least 1. Symbols whose share is below one slot take more
    /// than it, so the others share what is left.
    fn round(&mut self, histogram: &Histogram) {
        let mut used = 0;
        for (symbol, &count) in histogram.counts().iter().enumerate() {
            // Written in any case, and overwritten unless it counts: which symbols occur cannot be
            // predicted.
            self.symbols[used % 256] = symbol as u8;
            self.counts[used % 256] = f64::from(count);
            used += usize::from(count > 0);
        }
        let slots_per_count = slots_per_count(&self.counts[..used], f64::from(histogram.total()), self.scale);
        let mut sum = 0;
        for (frequency, &count) in self.frequencies[..used].iter_mut().zip(&self.counts) {
            // Signed, as that takes one instruction where it has no sign.
            let rounded = (count * slots_per_count + 0.5) as i32 as u32;
            *frequency = select_unpredictable(rounded == 0, 1, rounded);
            sum += *frequency;
        }
        let worth = self.gains.values.iter_mut().zip(&mut self.losses.values);
        for ((gain, loss), (&frequency, &count)) in worth.zip(self.frequencies[..used].iter().zip(&self.counts)) {
            (*gain, *loss) = self::worth(count, frequency);
        }
        (self.used, self.sum) = (used, sum);
        self.gains.begin(used);
        self.losses.begin(used);
    }

    fn give(&mut self, index: usize) {
        self.sum += 1;
        self.frequencies[index] += 1;
        self.renew(index);
    }

    fn take(&mut self, index: usize) {
        self.sum -= 1;
        self.frequencies[index] -= 1;
        self.renew(index);
    }

    fn renew(&mut self, index: usize) {
        let (gain, loss) = worth(self.counts[index], self.frequencies[index]);
        self.gains.set(index, gain);
        self.losses.set(index, loss);
    }

    /// The symbol that gains most by one more slot, and what it gains.
    fn best_gain(&self) -> (usize, f64) {
        self.gains.first()
    }

    /// The symbol that loses least by one slot less, and what it loses.
    fn least_loss(&self) -> (usize, f64) {
        self.losses.first()
    }
}

/// Values whose columns of a row are compared side by side.
const ROW: usize = 16;

/// Values, and the most extreme one of each row of them: where few change, few are looked at again.
struct Extreme<const LEAST: bool> {
    values: [f64; 256],
    rows: [f64; 256 / ROW],
}

impl<const LEAST: bool> Extreme<LEAST> {
    /// What comes behind all values.
    const WORST: f64 = if LEAST { f64::INFINITY } else { f64::NEG_INFINITY };

    const NONE: Self = Self { values: [0.0; 256], rows: [Self::WORST; 256 / ROW] };

    /// Only the first `used` values count.
    fn begin(&mut self, used: usize) {
        self.values[used..used.next_multiple_of(ROW)].fill(Self::WORST);
        for (extreme, row) in self.rows.iter_mut().zip(self.values[..used.next_multiple_of(ROW)].as_chunks().0) {
            *extreme = Self::extreme(row);
        }
    }

    fn set(&mut self, index: usize, value: f64) {
        self.values[index] = value;
        let row = index / ROW;
        self.rows[row] = Self::extreme(&self.values.as_chunks().0[row]);
    }

    /// The first of the values that come before all others.
    #[expect(clippy::float_cmp, reason = "the one that is found is one of them")]
    fn first(&self) -> (usize, f64) {
        let extreme = Self::extreme(&self.rows);
        let position = |values: &[f64; ROW]| {
            let equal = values.iter().rev().fold(0_u32, |equal, &value| equal << 1 | u32::from(value == extreme));
            equal.trailing_zeros() as usize % ROW
        };
        let row = position(&self.rows);
        (ROW * row + position(&self.values.as_chunks().0[row]), extreme)
    }

    /// In columns that do not wait for each other.
    #[inline(always)]
    fn extreme(values: &[f64; ROW]) -> f64 {
        let first = |a: f64, b: f64| if (b < a) == LEAST { b } else { a };
        let (mut best, mut len) = (*values, ROW);
        while len > 1 {
            len /= 2;
            for column in 0..len {
                best[column] = first(best[column], best[column + len]);
            }
        }
        best[0]
    }
}

/// What one more slot saves, and what one less costs.
#[inline(always)]
fn worth(count: f64, frequency: u32) -> (f64, f64) {
    (count * log_step(frequency), count * log_step(frequency - 1))
}

fn slots_per_count(counts: &[f64], total: f64, scale: u32) -> f64 {
    let mut slots_per_count = f64::from(scale) / total;
    for _ in 0..3 {
        // Whole numbers below 2^53: the sums are exact in any order.
        let (mut smalls, mut small_counts) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        let (rows, rest) = counts.as_chunks::<COLUMNS>();
        for row in rows.iter().map(|row| &row[..]).chain([rest]) {
            for ((small, small_count), &count) in smalls.iter_mut().zip(&mut small_counts).zip(row) {
                let is_small = count * slots_per_count < 1.0;
                *small += if is_small { 1.0 } else { 0.0 };
                *small_count += if is_small { count } else { 0.0 };
            }
        }
        let (small, small_count) = (smalls.iter().sum::<f64>(), small_counts.iter().sum::<f64>());
        let (rest_slots, rest_count) = (f64::from(scale) - small, total - small_count);
        if rest_slots < 1.0 || rest_count < 1.0 {
            break;
        }
        slots_per_count = rest_slots / rest_count;
    }
    slots_per_count
}

/// Sums that do not wait for each other.
const COLUMNS: usize = 4;

/// `ln((f + 1) / f)`, infinity where `f` is 0.
#[inline(always)]
fn log_step(frequency: u32) -> f64 {
    LOG_STEPS.get(frequency as usize).copied().unwrap_or_else(|| log_step_by_series(frequency))
}

/// [`log_step`] of most frequencies that there are. Code for WebAssembly is to be small.
const LOG_STEPS: [f64; if cfg!(target_family = "wasm") { 64 } else { 512 }] = {
    let mut steps = [f64::INFINITY; _];
    let mut frequency = 1;
    while frequency < steps.len() {
        steps[frequency] = log_step_by_series(frequency as u32);
        frequency += 1;
    }
    steps
};

/// By the series in `1 / (2 f + 1)`; 3e-8 of itself off at f = 1, less above.
const fn log_step_by_series(frequency: u32) -> f64 {
    let z = 1.0 / (2 * frequency + 1) as f64;
    let z2 = z * z;
    2.0 * z
        * (1.0
            + z2 * (1.0 / 3.0
                + z2 * (1.0 / 5.0 + z2 * (1.0 / 7.0 + z2 * (1.0 / 9.0 + z2 * (1.0 / 11.0 + z2 * (1.0 / 13.0)))))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(counts: &[u32]) -> Histogram {
        let raw: Vec<u8> =
            (0..=255_u8).zip(counts).flat_map(|(symbol, &count)| std::iter::repeat_n(symbol, count as usize)).collect();
        Histogram::new(&raw)
    }

    fn cost(counts: &[u32], frequencies: &[u32]) -> f64 {
        -counts.iter().zip(frequencies).map(|(&c, &f)| f64::from(c) * f64::from(f).log2()).sum::<f64>()
    }

    /// Every way to cut `scale` into `parts` parts of at least 1.
    fn cheapest(counts: &[u32], scale: u32) -> f64 {
        fn go(counts: &[u32], scale: u32, chosen: &mut Vec<u32>, all: &[u32], best: &mut f64) {
            if counts.len() == 1 {
                chosen.push(scale);
                *best = best.min(cost(all, chosen));
                chosen.pop();
                return;
            }
            for first in 1..=scale - (counts.len() as u32 - 1) {
                chosen.push(first);
                go(&counts[1..], scale - first, chosen, all, best);
                chosen.pop();
            }
        }
        let mut best = f64::MAX;
        go(counts, scale, &mut Vec::new(), counts, &mut best);
        best
    }

    #[test]
    fn steps_that_are_looked_up_are_those_of_the_series() {
        for frequency in 1..=600 {
            let series = log_step_by_series(std::hint::black_box(frequency));
            assert_eq!(log_step(frequency).to_bits(), series.to_bits(), "{frequency}");
        }
    }

    #[test]
    fn of_equal_extremes_the_first_is_found() {
        for used in 1..=256 {
            let (mut most, mut least) = (Extreme::<false>::NONE, Extreme::<true>::NONE);
            for index in 0..used {
                (most.values[index], least.values[index]) = ((index % 37) as f64, -((index % 37) as f64));
            }
            most.begin(used);
            least.begin(used);
            let expected = (used - 1).min(36);
            assert_eq!(most.first(), (expected, expected as f64));
            assert_eq!(least.first(), (expected, -(expected as f64)));
            most.set(used - 1, 99.0);
            least.set(used - 1, -99.0);
            assert_eq!((most.first(), least.first()), ((used - 1, 99.0), (used - 1, -99.0)));
        }
    }

    #[test]
    fn is_the_exact_optimum_on_small_alphabets() {
        let cases: [&[u32]; 9] = [
            &[1, 1],
            &[1, 100_000],
            &[70, 30],
            &[1, 1, 1],
            &[5, 1, 9000],
            &[333, 333, 334],
            &[1, 60_000, 2],
            &[1, 2, 3000],
            &[9, 8, 7],
        ];
        for counts in cases {
            let histogram = histogram(counts);
            let ours: Vec<u32> =
                normalize(&histogram, 9).all().iter().take(counts.len()).map(|&f| u32::from(f)).collect();
            let (ours, best) = (cost(counts, &ours), cheapest(counts, 512));
            assert!(ours <= best + best.abs() * 1e-12, "{counts:?}: {ours} against {best}");
        }
    }

    #[test]
    fn no_slot_gains_by_moving() {
        let mut state = 7_u64;
        for round in 0..300_u32 {
            let counts: Vec<u32> = (0..2 + round % 255)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    1 + (state >> 33) as u32 % (1 + (1 << (round % 12)))
                })
                .collect();
            for scale_bits in [9, 10, 12, 14] {
                let frequencies = normalize(&histogram(&counts), scale_bits);
                let of: Vec<u32> = frequencies.all().iter().take(counts.len()).map(|&f| u32::from(f)).collect();
                assert!(of.iter().all(|&f| f > 0), "a present symbol was dropped");
                let gain = |i: usize| f64::from(counts[i]) * ((f64::from(of[i]) + 1.0) / f64::from(of[i])).ln();
                let loss = |i: usize| f64::from(counts[i]) * (f64::from(of[i]) / (f64::from(of[i]) - 1.0)).ln();
                let best = (0..of.len()).map(gain).fold(0.0, f64::max);
                let least = (0..of.len()).filter(|&i| of[i] > 1).map(loss).fold(f64::MAX, f64::min);
                assert!(best <= least * (1.0 + 1e-6), "{counts:?} at {scale_bits}: {best} {least}");
            }
        }
    }

    #[test]
    fn one_symbol_takes_the_whole_range() {
        for normalized in [normalize(&histogram(&[0, 0, 5]), 12), normalize_compat(&histogram(&[0, 0, 5]), 12)] {
            assert_eq!(normalized, Frequencies::single(2, 12));
        }
    }

    #[test]
    fn compat_gives_and_takes_in_the_order_of_falling_counts() {
        // floor: 3 * 512 / 7 = 219, 2 * 512 / 7 = 146 twice; one slot is short.
        let frequencies = normalize_compat(&histogram(&[2, 3, 2]), 9);
        assert_eq!(frequencies.all().iter().take(3).copied().collect::<Vec<_>>(), [146, 220, 146]);
        let mut many = vec![1; 200];
        many.push(1_000_000);
        let frequencies = normalize_compat(&histogram(&many), 9);
        assert_eq!(frequencies.all().iter().take(201).map(|&f| u32::from(f)).sum::<u32>(), 512);
        assert!(frequencies.all().iter().take(200).all(|&f| f == 1));
    }
}
