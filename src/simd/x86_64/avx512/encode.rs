//! Encoding, four or two segments at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::black_box, mem};

use super::{Bytes, PAIR, Words, from_bytes, from_words, opaque_one, unpack};
use crate::{
    model::Frequencies,
    rans::segment::{Encoding, GROUP, LANES, QUAD},
    simd::x86_64::avx2,
};

/// What coding each symbol takes.
#[derive(Debug)]
pub(in crate::simd) struct CodeTable {
    /// `None`: one symbol has all slots, and its limit does not fit into a word.
    side_by_side: Option<Tables>,
    /// For what is left of a segment, or a segment that is left.
    alone: avx2::CodeTable,
}

impl CodeTable {
    pub(in crate::simd) fn new(frequencies: &Frequencies) -> Self {
        let side_by_side = frequencies.only_symbol().is_none().then(|| Tables::new(frequencies));
        Self { side_by_side, alone: avx2::CodeTable::new(frequencies) }
    }
}

/// Codes all groups of all segments on top of what stands behind them.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,bmi2,popcnt")]
pub(in crate::simd) fn encode_groups(segments: &mut [Encoding<'_>], table: &CodeTable) {
    if let Some(tables) = &table.side_by_side {
        match tables.span {
            ..=64 => encode_pairs::<64>(segments, tables),
            65..=128 => encode_pairs::<128>(segments, tables),
            129.. => encode_pairs::<256>(segments, tables),
        }
    }
    for segment in segments {
        avx2::encode_groups(segment, &table.alone);
    }
}

/// Takes groups off four segments at a time, then off two. `SPAN` is 64, 128 or 256, and no less
/// than the span of the symbols.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn encode_pairs<const SPAN: usize>(segments: &mut [Encoding<'_>], tables: &Tables) {
    let pairs = segments.as_chunks_mut().0;
    for two in pairs.as_chunks_mut().0 {
        encode_side_by_side::<SPAN, 2>(two, tables);
    }
    for one in pairs.as_chunks_mut().0 {
        encode_side_by_side::<SPAN, 1>(one, tables);
    }
}

/// Codes groups as long as each segment has one left.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,bmi2,popcnt")]
fn encode_side_by_side<const SPAN: usize, const PAIRS: usize>(
    segments: &mut [[Encoding<'_>; PAIR]; PAIRS],
    tables: &Tables,
) {
    let mut run = usize::MAX;
    for segment in segments.as_flattened() {
        run = run.min(segment.groups.len());
    }
    if run == 0 {
        return;
    }
    let mut x = each!(PAIRS, |pair| each!(PAIR, |side| Words::load(&reversed(segments[pair][side].states))));
    let bottom = each!(PAIRS, |pair| each!(PAIR, |side| {
        let free = segments[pair][side].words.free();
        assert!(free.len() >= run * GROUP + LANES, "a word for each symbol and a vector more must have room");
        free.as_mut_ptr_range().end
    }));
    let groups = each!(PAIRS, |pair| each!(PAIR, |side| segments[pair][side].take_groups(run)));
    // SAFETY: `take_groups` gave `run` groups to each, and the assertion above counted the places
    // in `free`, which ends at `bottom`.
    let top = unsafe { encode_run::<SPAN, PAIRS>(tables, &mut x, groups, bottom, run) };
    for pair in 0..PAIRS {
        for side in 0..PAIR {
            let segment = &mut segments[pair][side];
            segment.states = reversed(x[pair][side].store());
            segment.words.push((bottom[pair][side].addr() - top[pair][side].addr()) / 2);
        }
    }
}

/// Codes `run` groups of each segment. The words land below each `top`; the new tops come back.
/// States are in the order of falling lanes.
///
/// # Safety
///
/// Each of `groups` has `run` groups. Below each `top` are a place for each of their symbols and
/// `LANES` more, which nobody else has.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,bmi2,popcnt")]
unsafe fn encode_run<const SPAN: usize, const PAIRS: usize>(
    tables: &Tables,
    states: &mut [[Words; PAIR]; PAIRS],
    groups: [[&[[u8; GROUP]]; PAIR]; PAIRS],
    mut top: [[*mut [u8; 2]; PAIR]; PAIRS],
    run: usize,
) -> [[*mut [u8; 2]; PAIR]; PAIRS] {
    let mut x = *states;
    let scale = Scale::new(tables);
    let first = _mm512_set1_epi8(tables.first.cast_signed());
    let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
    for group in (0..run).rev() {
        for (pair, groups) in groups.iter().enumerate() {
            // SAFETY: `group` is below `run`, and the caller promised that each has `run` groups.
            let pair_groups = each!(PAIR, |side| unsafe { groups[side].get_unchecked(group) });
            for (round, of_pair) in symbols.iter_mut().zip(rounds(pair_groups)) {
                round[pair] = if SPAN < 256 { _mm512_sub_epi8(of_pair, first) } else { of_pair };
            }
        }
        for round in symbols.iter().rev() {
            // SAFETY: each symbol moves the top down by one at most, so at least `LANES` places are
            // below it: the caller promised as many.
            unsafe { encode_round::<SPAN, PAIRS>(tables, &scale, &mut x, &mut top, round) };
        }
    }
    *states = x;
    top
}

/// Codes one symbol in each lane of all segments.
///
/// # Safety
///
/// `LANES` places can be written to below each `top`.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,popcnt")]
unsafe fn encode_round<const SPAN: usize, const PAIRS: usize>(
    tables: &Tables,
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    top: &mut [[*mut [u8; 2]; PAIR]; PAIRS],
    symbols: &[__m512i; PAIRS],
) {
    let lower = each!(PAIRS, |pair| tables.limit_lower.look_up::<SPAN>(symbols[pair]));
    let upper = each!(PAIRS, |pair| tables.limit_upper.look_up::<SPAN>(symbols[pair]));
    let limits = each!(PAIRS, |pair| unpack(lower[pair], upper[pair]));
    for pair in 0..PAIRS {
        for side in 0..PAIR {
            // SAFETY: the caller promised the places.
            (x[pair][side], top[pair][side]) =
                unsafe { give_words(x[pair][side], limits[pair][side], top[pair][side], scale) };
        }
    }
    let lower = each!(PAIRS, |pair| tables.reciprocal_lower.look_up::<SPAN>(symbols[pair]));
    let upper = each!(PAIRS, |pair| tables.reciprocal_upper.look_up::<SPAN>(symbols[pair]));
    let reciprocals = each!(PAIRS, |pair| unpack(lower[pair], upper[pair]));
    // The compiler must not know that it is the same in each round: what it would widen before the
    // loop is no operand of `vpmulhuw`, and it would multiply words of 32 bits.
    let slots = black_box(scale).slots;
    let divisors = each!(PAIRS, |pair| each!(PAIR, |side| Divisor {
        frequency: _mm512_mulhi_epu16(limits[pair][side], slots),
        reciprocal: reciprocals[pair][side],
        shift: limits[pair][side],
    }));
    let lower = each!(PAIRS, |pair| tables.cumulative_lower.look_up::<SPAN>(symbols[pair]));
    let upper = each!(PAIRS, |pair| tables.cumulative_upper.look_up::<SPAN>(symbols[pair]));
    let cumulatives = each!(PAIRS, |pair| unpack(lower[pair], upper[pair]));
    for side in 0..PAIR {
        let quotients = each!(PAIRS, |pair| divisors[pair][side].divide(x[pair][side], scale));
        for pair in 0..PAIRS {
            x[pair][side] = scale.encode(&quotients[pair], cumulatives[pair][side]);
        }
    }
}

/// Everything about a symbol, in bytes that are looked up by the symbol's distance from the first.
#[derive(Debug)]
struct Tables {
    /// The symbol behind the widest gap, of the circle of all 256 bytes.
    first: u8,
    /// Distances are below this.
    span: usize,
    /// The upper four bits of the lower byte of the limit, `frequency << (16 - scale_bits)`, which
    /// are all that is in it, and in the other four the shift of [`Divisor`]. A state with an upper
    /// half of the limit or more must give a word away.
    limit_lower: Bytes,
    limit_upper: Bytes,
    cumulative_lower: Bytes,
    cumulative_upper: Bytes,
    /// See [`Divisor`].
    reciprocal_lower: Bytes,
    reciprocal_upper: Bytes,
    scale_bits: u8,
}

impl Tables {
    /// No symbol has all slots.
    fn new(frequencies: &Frequencies) -> Self {
        let zero = || Bytes([0; 256]);
        let scale_bits = frequencies.scale_bits();
        let (first, span) = span(frequencies);
        // Longer tables are looked up by the symbol itself.
        let first = if span <= 128 { first } else { 0 };
        let mut tables = Self {
            first,
            span,
            limit_lower: zero(),
            limit_upper: zero(),
            cumulative_lower: zero(),
            cumulative_upper: zero(),
            reciprocal_lower: zero(),
            reciprocal_upper: zero(),
            scale_bits,
        };
        for (symbol, frequency, cumulative) in frequencies.used() {
            let symbol = usize::from(symbol.wrapping_sub(first));
            let limit = frequency << (16 - scale_bits);
            let (reciprocal, shift) = reciprocal(frequency);
            tables.limit_lower.0[symbol] = limit as u8 | shift;
            tables.limit_upper.0[symbol] = (limit >> 8) as u8;
            tables.cumulative_lower.0[symbol] = cumulative as u8;
            tables.cumulative_upper.0[symbol] = (cumulative >> 8) as u8;
            tables.reciprocal_lower.0[symbol] = reciprocal as u8;
            tables.reciprocal_upper.0[symbol] = (reciprocal >> 8) as u8;
        }
        tables
    }
}

/// The arc of the circle of all 256 bytes that has every symbol and leaves out the widest gap: its
/// first symbol, and its length.
fn span(frequencies: &Frequencies) -> (u8, usize) {
    let mut symbols = frequencies.used().map(|(symbol, ..)| symbol);
    let Some(lowest) = symbols.next() else { return (0, 256) };
    let (mut last, mut first, mut gap) = (lowest, lowest, 0);
    for symbol in symbols.chain([lowest]) {
        let between = symbol.wrapping_sub(last).wrapping_sub(1);
        if between > gap {
            (first, gap) = (symbol, between);
        }
        last = symbol;
    }
    (first, 256 - usize::from(gap))
}

/// `(2^32 - 1) / (frequency << shift) - 2^16`, and the `shift` that makes 16 bits of the frequency,
/// which is below 2^16 and not 0.
fn reciprocal(frequency: u32) -> (u16, u8) {
    let shift = frequency.leading_zeros() - 16;
    ((u32::MAX / (frequency << shift) - (1 << 16)) as u16, shift as u8)
}

/// What depends on the scale alone, for vectors.
struct Scale {
    /// Number of slots, the factor that a shift by `bits` is. The ports that multiply are free
    /// where those that shift are not.
    slots: __m512i,
    bits: __m512i,
    /// Keeps the limit of what [`Tables::limit_lower`] and [`Tables::limit_upper`] have.
    limit: __m512i,
    /// The compiler must not know it: it would compare twice instead of moving it by the mask.
    zero: __m512i,
    one: __m512i,
    two: __m512i,
}

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn new(tables: &Tables) -> Self {
        let one = opaque_one();
        Self {
            slots: _mm512_set1_epi16(1 << tables.scale_bits),
            bits: _mm512_set1_epi16(tables.scale_bits.into()),
            limit: _mm512_set1_epi16(0xFFF0_u16.cast_signed()),
            zero: black_box(_mm512_setzero_si512()),
            one,
            two: _mm512_add_epi16(one, one),
        }
    }

    /// `(quotient << bits) + cumulative + rest`.
    #[inline]
    #[target_feature(enable = "avx512vbmi2")]
    fn encode(&self, quotients: &Quotients, cumulatives: __m512i) -> Words {
        let slots = _mm512_add_epi16(cumulatives, quotients.rests);
        Words {
            upper: _mm512_shldv_epi16(quotients.upper, quotients.lower, self.bits),
            lower: _mm512_add_epi16(_mm512_mullo_epi16(quotients.lower, self.slots), slots),
        }
    }
}

/// Moves the lower word out of each state that has no room for its symbol, to the top of a stack
/// that grows down. The new top comes back too. The lowest four bits of `limits` are no part of
/// them.
///
/// # Safety
///
/// `LANES` places can be written to below `top`.
#[inline]
#[target_feature(enable = "avx512vbmi2,popcnt")]
unsafe fn give_words(state: Words, limits: __m512i, top: *mut [u8; 2], scale: &Scale) -> (Words, *mut [u8; 2]) {
    let gives = _mm512_cmpge_epu16_mask(state.upper, _mm512_and_si512(limits, scale.limit));
    // Lanes fall from the vector's start, so the words are at its start and the last lane's is the
    // first of them. Turned round they end at the top, in lane order.
    let words = _mm512_permutexvar_epi16(from_words(REVERSED), _mm512_maskz_compress_epi16(gives, state.lower));
    // SAFETY: the caller promised the places, and a mask of 32 lanes counts as many at most.
    let top = unsafe {
        _mm512_storeu_si512(top.sub(LANES).cast(), words);
        top.sub(gives.count_ones() as usize)
    };
    let lower = _mm512_mask_mov_epi16(state.lower, gives, state.upper);
    (Words { upper: _mm512_mask_mov_epi16(state.upper, gives, scale.zero), lower }, top)
}

/// A frequency to divide by.
#[derive(Clone, Copy)]
struct Divisor {
    frequency: __m512i,
    /// `(2^32 - 1) / (frequency << shift) - 2^16`.
    reciprocal: __m512i,
    /// Makes 16 bits of the frequency. In the lowest four bits; the others mean nothing.
    shift: __m512i,
}

/// What comes of a division: a quotient of 32 bits, and a rest below 2^12.
#[derive(Clone, Copy)]
struct Quotients {
    upper: __m512i,
    lower: __m512i,
    rests: __m512i,
}

impl Divisor {
    /// School division with digits of 16 bits. Both digits are guessed too small, the first by one
    /// at most, the second by three.
    #[inline]
    #[target_feature(enable = "avx512vbmi2")]
    fn divide(&self, state: Words, scale: &Scale) -> Quotients {
        let Self { frequency, reciprocal, shift } = *self;
        // 2^16 / frequency: the reciprocal with the leading bit that it has lost.
        let coarse = _mm512_shldv_epi16(scale.one, reciprocal, shift);
        let upper = _mm512_mulhi_epu16(state.upper, coarse);
        let rest = _mm512_sub_epi16(state.upper, _mm512_mullo_epi16(upper, frequency));
        let (upper, rest) = correct(upper, rest, scale.one, frequency);

        let shifted = _mm512_shldv_epi16(rest, state.lower, shift);
        let lower = _mm512_add_epi16(_mm512_mulhi_epu16(reciprocal, shifted), shifted);
        let rests = _mm512_sub_epi16(state.lower, _mm512_mullo_epi16(lower, frequency));
        let (lower, rests) = correct(lower, rests, scale.two, _mm512_add_epi16(frequency, frequency));
        let (lower, rests) = correct(lower, rests, scale.one, frequency);
        Quotients { upper, lower, rests }
    }
}

/// Moves `amount`, which is `step` times the divisor, from the rests to the quotients where it
/// fits.
#[inline]
#[target_feature(enable = "avx512bw")]
fn correct(quotients: __m512i, rests: __m512i, step: __m512i, amount: __m512i) -> (__m512i, __m512i) {
    let fits = _mm512_cmpge_epu16_mask(rests, amount);
    (_mm512_mask_add_epi16(quotients, fits, quotients, step), _mm512_mask_sub_epi16(rests, fits, rests, amount))
}

/// The bytes of each round of a group of both segments, lanes in falling order: in each 16 bytes
/// eight of the first segment and eight of the second.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn rounds(groups: [&[u8; GROUP]; PAIR]) -> [__m512i; QUAD] {
    let [first, second] = each!(PAIR, |side| {
        // SAFETY: both are 128 bytes, and every bit pattern is valid.
        let [lower, upper] = unsafe { mem::transmute::<[u8; GROUP], [__m512i; 2]>(*groups[side]) };
        each!(2, |half| _mm512_permutex2var_epi8(lower, from_bytes(ROUNDS[half]), upper))
    });
    [
        _mm512_unpacklo_epi64(first[0], second[0]),
        _mm512_unpackhi_epi64(first[0], second[0]),
        _mm512_unpacklo_epi64(first[1], second[1]),
        _mm512_unpackhi_epi64(first[1], second[1]),
    ]
}

/// Which bytes of a group make rounds 0 and 1, and 2 and 3: in each 16 bytes eight lanes of the
/// one, then of the other.
const ROUNDS: [[u8; GROUP / 2]; 2] = {
    let mut indices = [[0; GROUP / 2]; 2];
    let mut at = 0;
    while at < GROUP {
        let (vector, byte) = (at / (GROUP / 2), at % (GROUP / 2));
        let lane = LANES - 1 - (byte / 16 * 8 + byte % 8);
        let round = 2 * vector + byte % 16 / 8;
        indices[vector][byte] = (lane * QUAD + round) as u8;
        at += 1;
    }
    indices
};

/// Turns a vector of words round.
const REVERSED: [u16; LANES] = {
    let mut indices = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        indices[lane] = (LANES - 1 - lane) as u16;
        lane += 1;
    }
    indices
};

fn reversed(mut states: [u32; LANES]) -> [u32; LANES] {
    states.reverse();
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_leaves_out_the_widest_gap() {
        let cases: [(&[u8], _); 6] = [
            (&[7, 9], (7, 3)),
            (&[0, 255], (255, 2)),
            (&[0, 128], (128, 129)),
            (&[250, 3, 60], (250, 67)),
            (&[100, 101, 227], (100, 128)),
            (&[5], (5, 1)),
        ];
        for (symbols, expected) in cases {
            let mut of = [0; 256];
            for &symbol in symbols {
                of[usize::from(symbol)] = 1;
            }
            of[usize::from(symbols[0])] += 512 - symbols.len() as u16;
            assert_eq!(span(&Frequencies::new(of, 9).unwrap()), expected, "{symbols:?}");
        }
        assert_eq!(span(&Frequencies::new([2; 256], 9).unwrap()).1, 256);
    }

    /// What a round builds on, in numbers: the shift has the bits that a limit leaves free.
    #[test]
    fn a_shift_beside_the_limit_changes_no_frequency() {
        for bits in 9..=12 {
            for frequency in 1..1_u32 << bits {
                let (limit, (_, shift)) = (frequency << (16 - bits), reciprocal(frequency));
                assert!(limit.trailing_zeros() >= 4 && shift < 16, "{frequency}, {bits} bits");
                assert_eq!((limit | u32::from(shift)) << bits >> 16, frequency, "{bits} bits");
            }
        }
    }

    /// What [`Divisor::divide`] builds on, in numbers: it needs no processor of its kind.
    #[test]
    fn digits_are_guessed_too_small_by_one_and_three_at_most() {
        for frequency in 1..1 << 12 {
            let (reciprocal, shift) = reciprocal(frequency);
            let coarse = 1 << shift | u32::from(reciprocal) >> (16 - shift);
            assert!(coarse < 1 << 16, "{frequency}");
            // Guesses only grow with what is divided: the first number of a quotient has the
            // smallest one, the last the largest.
            for quotient in 0..(1 << 16) / frequency {
                let first = quotient * frequency;
                let guess = |upper: u32| (upper * coarse) >> 16;
                assert!(
                    quotient <= guess(first) + 1 && guess(first + frequency - 1) <= quotient,
                    "{first}, {frequency}"
                );
            }
            let beyond = frequency << shift;
            for shifted in (0..beyond).step_by(97).chain([beyond - 1]) {
                let guess = ((u32::from(reciprocal) * shifted) >> 16) + shifted;
                let least = shifted << (16 - shift);
                let most = least | ((1 << (16 - shift)) - 1);
                assert!(guess <= least / frequency && most / frequency <= guess + 3, "{shifted}, {frequency}");
            }
        }
    }
}
