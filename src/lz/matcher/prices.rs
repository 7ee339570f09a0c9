//! What the symbols of a chunk cost, in 1/64 bit.

use crate::{
    lz::literals::{are_differences_worth, difference},
    model::{entropy_bits, price},
    sequences::{
        ESCAPE, ESCAPE_LEN, MIN_MATCH, OffsetCode, Repeats, TOKEN_LITERALS, TOKEN_MATCH, excess_byte, offset_base,
    },
};

/// One bit.
const BIT: i32 = 64;

const ESCAPED: i32 = (8 * ESCAPE_LEN as u32).cast_signed() * BIT;

/// How often the symbols of a chunk came.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// As they stand, and as differences to the byte one last offset before.
    pub(super) literals: [[u32; 256]; 2],
    pub(super) tokens: [u32; 256],
    pub(super) offset_codes: [u32; 256],
    pub(super) literal_excess: [u32; 256],
    pub(super) match_excess: [u32; 256],
}

impl Default for Counts {
    fn default() -> Self {
        const NONE: [u32; 256] = [0; 256];
        Self { literals: [NONE; 2], tokens: NONE, offset_codes: NONE, literal_excess: NONE, match_excess: NONE }
    }
}

impl Counts {
    /// Whether literals take less as differences.
    pub(super) fn are_differences(&self) -> bool {
        let [plain, different] = &self.literals;
        are_differences_worth(plain, different)
    }

    /// About how many bits all of it takes.
    pub(super) fn bits(&self) -> u64 {
        let extra = |(code, &count): (u8, &u32)| u64::from(offset_base(code).0) * u64::from(count);
        let literals = &self.literals[usize::from(self.are_differences())];
        let sections = [literals, &self.tokens, &self.offset_codes, &self.literal_excess, &self.match_excess];
        sections.into_iter().map(entropy_bits).sum::<u64>() + (0..=255).zip(&self.offset_codes).map(extra).sum::<u64>()
    }

    /// Counts the literals of `raw` from `from` to `to`, in both forms.
    pub(super) fn count_literals(&mut self, raw: &[u8], from: usize, to: usize, last: usize) {
        for at in from..to {
            self.literals[0][usize::from(raw[at])] += 1;
            self.literals[1][usize::from(difference(raw, at, last))] += 1;
        }
    }

    /// Counts a match that follows so many literals and exceeds the shortest one by `length`.
    pub(super) fn count_match(&mut self, literals: usize, length: usize, offset: u32, repeats: &mut Repeats) {
        let (code, is_needed) = repeats.code(offset);
        let token = literals.min(TOKEN_LITERALS) << 5 | length.min(TOKEN_MATCH) << 1 | usize::from(!is_needed);
        self.tokens[token] += 1;
        if is_needed {
            self.offset_codes[usize::from(code.code)] += 1;
        }
        if literals >= TOKEN_LITERALS {
            self.literal_excess[usize::from(excess_byte(literals - TOKEN_LITERALS).0)] += 1;
        }
        if length >= TOKEN_MATCH {
            self.match_excess[usize::from(excess_byte(length - TOKEN_MATCH).0)] += 1;
        }
    }
}

/// Runs of more literals cost the same, and so do longer matches: they escape.
const RUNS: usize = TOKEN_LITERALS + 256;
pub(super) const LENGTHS: usize = MIN_MATCH + TOKEN_MATCH + 256;

/// What matches cost, by length; those of many lengths are taken at once, and the last ones mean
/// nothing.
pub(super) type Lengths = [i32; LENGTHS + ABREAST];

/// Lengths whose costs are compared at once.
pub(super) const ABREAST: usize = 8;

/// What each decision of a parser costs.
#[derive(Debug)]
pub(super) struct Prices {
    literals: [i32; 256],
    are_differences: bool,
    /// By token without its lengths: literals and whether the offset is the last one; then by
    /// length.
    matches: Vec<Lengths>,
    offset_codes: [i32; 256],
    /// What a run of so many literals costs as long as its match is not known, and what the match
    /// makes of that.
    runs: [i32; RUNS],
    ends: [i32; RUNS],
}

impl Prices {
    /// Those of a part that is like the one counted, in a payload whose matches have `min_match`
    /// bytes or more.
    pub(super) fn new(counts: &Counts, min_match: usize) -> Self {
        let literals = counts.literals.map(|counts| prices(&counts, 2));
        let are_differences = counts.are_differences();
        let tokens = prices(&counts.tokens, 6);
        let (literal_excess, match_excess) = (prices(&counts.literal_excess, 8), prices(&counts.match_excess, 8));
        let excess = |prices: &[i32; 256], excess: usize| match excess_byte(excess) {
            (byte, false) => prices[usize::from(byte)],
            (_, true) => prices[usize::from(ESCAPE)] + ESCAPED,
        };
        let mut matches = vec![[0; LENGTHS + ABREAST]; 16];
        for (kind, lengths) in matches.iter_mut().enumerate() {
            for (length, price) in (0..).zip(&mut lengths[min_match..LENGTHS]) {
                let token = (kind >> 1) << 5 | length.min(TOKEN_MATCH) << 1 | kind & 1;
                *price = tokens[token];
                if length >= TOKEN_MATCH {
                    *price += excess(&match_excess, length - TOKEN_MATCH);
                }
            }
        }
        // Each number of literals by itself, whatever the match.
        let mut of_runs = [0; 256];
        for (token, &count) in counts.tokens.iter().enumerate() {
            of_runs[token >> 5] += count;
        }
        let of_runs = prices(&of_runs, 6);
        let (mut runs, mut ends) = ([0; RUNS], [0; RUNS]);
        for (literals, (run, end)) in runs.iter_mut().zip(&mut ends).enumerate() {
            let excess = if literals < TOKEN_LITERALS { 0 } else { excess(&literal_excess, literals - TOKEN_LITERALS) };
            *run = of_runs[literals.min(TOKEN_LITERALS)] + excess - of_runs[0];
            *end = excess - *run;
        }
        Self {
            literals: literals[usize::from(are_differences)],
            are_differences,
            matches,
            offset_codes: prices(&counts.offset_codes, 6),
            runs,
            ends,
        }
    }

    /// What the literal at `at` costs, behind so many of its sequence.
    #[inline(always)]
    pub(super) fn literal(&self, raw: &[u8], at: usize, last: usize, before: usize) -> i32 {
        let byte = if self.are_differences { difference(raw, at, last) } else { raw[at] };
        let run = if before + 1 < RUNS { self.runs[before + 1] - self.runs[before] } else { 0 };
        self.literals[usize::from(byte)] + run
    }

    /// What the end of a run of `literals` costs, and what matches behind it do, by their length:
    /// with the last offset where `is_last`.
    #[inline(always)]
    pub(super) fn matches(&self, literals: usize, is_last: bool) -> (i32, &Lengths) {
        let kind = literals.min(TOKEN_LITERALS) << 1 | usize::from(is_last);
        (self.ends[literals.min(RUNS - 1)], &self.matches[kind])
    }

    /// What a code costs for one of the offsets used before, which is not the last one.
    #[inline(always)]
    pub(super) fn repeat(&self, index: usize) -> i32 {
        self.offset_codes[index - 1]
    }

    /// What another offset costs.
    #[inline(always)]
    pub(super) fn offset(&self, offset: u32) -> i32 {
        let OffsetCode { code, bits, .. } = OffsetCode::new(offset);
        self.offset_codes[usize::from(code)] + BIT * bits.cast_signed()
    }
}

/// The prices of symbols that came so often. None is free of a small count `floor`, in 1/32.
fn prices(counts: &[u32; 256], floor: u32) -> [i32; 256] {
    let weight = |count: u32| 32 * count + floor;
    let total = counts.iter().map(|&count| weight(count)).sum();
    counts.map(|count| price(weight(count), total).min(13 * BIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_often_is_cheap() {
        let mut counts = [0; 256];
        (counts[1], counts[2]) = (3000, 1000);
        let prices = prices(&counts, 2);
        assert!((26..=27).contains(&prices[1]), "0.415 bits: {}", prices[1]);
        assert!((127..=129).contains(&prices[2]), "2 bits: {}", prices[2]);
        assert_eq!(prices[0], 13 * BIT);
    }

    /// What is added for literals before their match is known is taken off when it is.
    #[test]
    fn a_run_costs_in_the_end_what_its_excess_does() {
        let raw: Vec<u8> = (0..400).map(|at| (at % 7) as u8).collect();
        let mut counts = Counts::default();
        counts.count_literals(&raw, 0, raw.len(), 1);
        let prices = Prices::new(&counts, MIN_MATCH);
        let (mut cost, mut alone) = (0, 0);
        for literals in 0..raw.len() {
            let (end, _) = prices.matches(literals, false);
            let excess = cost + end - alone;
            assert_eq!(excess == 0, literals < TOKEN_LITERALS, "{literals} literals: {excess}");
            assert_eq!(excess > ESCAPED, literals > TOKEN_LITERALS + 231, "{literals} literals: {excess}");
            cost += prices.literal(&raw, literals, 1, literals);
            alone += prices.literal(&raw, literals, 1, RUNS);
        }
    }

    #[test]
    fn a_match_costs_its_token_its_excess_and_its_offset() {
        let mut counts = Counts::default();
        let mut repeats = Repeats::START;
        // All four have one code, with 3 raw bits.
        for offset in [96, 96, 97, 97, 98, 98, 99, 99].repeat(1000) {
            counts.count_match(2, 6, offset, &mut repeats);
        }
        let prices = Prices::new(&counts, 3);
        let (_, new) = prices.matches(2, false);
        let (_, last) = prices.matches(2, true);
        // Half of the tokens each.
        assert!((64..66).contains(&new[9]) && (64..66).contains(&last[9]), "{} {}", new[9], last[9]);
        assert_eq!(prices.offset(100) / BIT, 3);
        assert!(new[8] > 8 * BIT && prices.repeat(1) > 5 * BIT, "what never came is dear");
    }
}
