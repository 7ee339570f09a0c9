//! The loop over groups by tables for few symbols.
//!
//! Bytes of a pair stand in words, one for each lane: the lower byte is of one segment, the upper
//! byte of the other. So the ids of either are a shift away. From round to round the segments
//! change places: then the symbols of two rounds become words of one segment by a blend, and words
//! of the other by a shift. Unpacking would be one more shuffle each time, and processors have
//! fewest units for those.
//!
//! While one pair advances, the slots of the next are looked up: neither waits for the other. A
//! Zen 4 has no more than 64 vector operations at hand, less than two pairs take in a round.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::{arch::x86_64::*, hint::black_box, mem};

use super::{BUCKETS, FewTables};
use crate::{
    rans::segment::{GROUP, LANES, QUAD},
    simd::x86_64::{
        avx512::{
            Bytes, PAIR, Words, from_bytes, from_words, look_up_two, opaque, opaque_one,
            rounds::{Next, Places},
        },
        prefetch_ahead, prefetch_line_beyond,
    },
};

/// The upper bytes of words.
const UPPER: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// [`Rounds::decode_run`](super::Rounds::decode_run) of few symbols.
///
/// # Safety
///
/// As there.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(super) unsafe fn few_run<const PAIRS: usize, const TABLES: usize>(
    places: &Places<PAIRS>,
    tables: &[FewTables; TABLES],
    states: &mut [[Words; PAIR]; PAIRS],
) -> (Next<PAIRS>, usize) {
    let &Places { mut next, ref last, raw, run, beyond } = places;
    let mut x = *states;
    let scale = Scale::new(tables[0].scale_bits);
    let mut ahead = look_up(tables, &scale, &x, 0, false);
    let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
    let mut done = run;
    'groups: for group in 0..run {
        for pair in 0..PAIRS {
            for side in 0..PAIR {
                if next[pair][side] > last[pair][side] {
                    done = group;
                    break 'groups;
                }
                prefetch_ahead(next[pair][side], raw[pair][side].wrapping_add(group));
                // The words of a group take a line, four bits for each symbol at most.
                prefetch_line_beyond(next[pair][side], beyond);
            }
        }
        for [even, odd] in symbols.as_chunks_mut::<2>().0 {
            // SAFETY: no segment is behind its last place with words for a group, which was checked
            // above. A lane takes one word per round at most. Before a round of a group, its 32
            // lanes have not had their turn, so 64 of the `GROUP_WORDS_LEN` bytes are still ahead.
            unsafe {
                *even = decode_round::<false, _, _>(tables, &scale, &mut x, &mut next, &mut ahead);
                *odd = decode_round::<true, _, _>(tables, &scale, &mut x, &mut next, &mut ahead);
            }
        }
        // The compiler must not know that it is the same: it would keep eight places in memory.
        let group = black_box(group);
        for (pair, raw) in raw.iter().enumerate() {
            let quads = scale.quads(each!(QUAD, |round| symbols[round][pair]));
            for side in 0..PAIR {
                // SAFETY: `group` is below `run`, and the caller promised that each has `run`
                // groups.
                unsafe { raw[side].add(group).write(quads[side]) };
            }
        }
    }
    *states = x;
    (next, done)
}

/// Takes a symbol out of each lane of all segments. `ahead` is what was [looked up](look_up) for
/// the first pair, and will be for its next round. In an odd round, the symbols of the second
/// segment of a pair stand in the lower bytes, else in the upper ones.
///
/// # Safety
///
/// 64 bytes can be read from each of `next`.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,popcnt")]
pub(super) unsafe fn decode_round<const ODD: bool, const PAIRS: usize, const TABLES: usize>(
    tables: &[FewTables; TABLES],
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    next: &mut Next<PAIRS>,
    ahead: &mut __m512i,
) -> [__m512i; PAIRS] {
    let mut symbols = [_mm512_setzero_si512(); PAIRS];
    // A loop of so many instructions would not be unrolled.
    macro_rules! advance {
        ($($pair:literal)*) => {$(
            if $pair < PAIRS {
                // Eight segments fill the registers. The compiler must not know that the tables
                // stay the same from one pair to the next: it would keep parts of them, move all
                // else in and out, and give up the order in which the pairs stand here.
                // SAFETY: it is the same reference.
                let tables = if PAIRS > 2 { unsafe { &*opaque(tables) } } else { tables };
                let sums = *ahead;
                if $pair + 1 < PAIRS {
                    *ahead = look_up(tables, scale, x, $pair + 1, ODD);
                } else if PAIRS > 1 {
                    *ahead = look_up(tables, scale, x, 0, !ODD);
                }
                let sides = sides(ODD);
                let of = each!(PAIR, |at| its(tables, PAIRS, $pair, sides[at]));
                let ids = [_mm512_srli_epi16::<4>(sums), _mm512_srli_epi16::<12>(sums)];
                for at in 0..PAIR {
                    let state = &mut x[$pair][sides[at]];
                    let advanced = scale.advance(
                        *state,
                        _mm512_permutexvar_epi16(ids[at], from_words(of[at].frequencies)),
                        _mm512_permutexvar_epi16(ids[at], from_words(of[at].cumulatives)),
                    );
                    let next = &mut next[$pair][sides[at]];
                    // SAFETY: the caller promised 64 bytes.
                    (*state, *next) = unsafe { advanced.refill(*next) };
                    // It would count the words of two rounds together, and keep masks in memory.
                    *next = opaque(*next);
                }
                symbols[$pair] = if TABLES > PAIRS {
                    look_up_two::<UPPER>(each!(PAIR, |at| from_bytes(of[at].by_id)), ids[0])
                } else {
                    _mm512_permutexvar_epi8(ids[0], from_bytes(of[0].by_id))
                };
                if PAIRS == 1 {
                    *ahead = look_up(tables, scale, x, 0, !ODD);
                }
            }
        )*}
    }
    advance!(0 1 2 3);
    symbols
}

/// For each lane of both segments of a pair a byte with the id of its symbol in the upper four
/// bits.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2")]
pub(super) fn look_up<const PAIRS: usize, const TABLES: usize>(
    tables: &[FewTables; TABLES],
    scale: &Scale,
    x: &[[Words; PAIR]; PAIRS],
    pair: usize,
    odd: bool,
) -> __m512i {
    let [one, other] = sides(odd);
    let slots = scale.slots(x[pair][one], x[pair][other]);
    let [first, second] = [its(tables, PAIRS, pair, one), its(tables, PAIRS, pair, other)];
    // Each segment has tables of its own.
    let two = TABLES > PAIRS;
    let (bytes, last) = if two {
        let last = _mm512_set1_epi8(first.last.cast_signed());
        (
            Bytes::look_up_two::<BUCKETS, UPPER>([&first.buckets, &second.buckets], slots.buckets),
            _mm512_mask_set1_epi8(last, UPPER, second.last.cast_signed()),
        )
    } else {
        (first.buckets.look_up::<BUCKETS>(slots.buckets), _mm512_set1_epi8(first.last.cast_signed()))
    };
    let sums = _mm512_add_epi8(bytes, slots.within);
    let is_crowded = _mm512_cmpgt_epu8_mask(sums, last);
    let crowded = if two {
        look_up_two::<UPPER>([from_bytes(first.crowded), from_bytes(second.crowded)], sums)
    } else {
        _mm512_permutexvar_epi8(sums, from_bytes(first.crowded))
    };
    _mm512_mask_blend_epi8(is_crowded, sums, crowded)
}

/// Which segments of a pair have the lower bytes and the upper ones.
#[inline(always)]
fn sides(odd: bool) -> [usize; PAIR] {
    if odd { [1, 0] } else { [0, 1] }
}

/// The tables of a segment.
#[inline(always)]
fn its<const TABLES: usize>(tables: &[FewTables; TABLES], pairs: usize, pair: usize, side: usize) -> &FewTables {
    &tables[(PAIR * pair + side) * TABLES / (PAIR * pairs)]
}

/// The slots of a pair.
#[derive(Debug, Clone, Copy)]
struct Slots {
    buckets: __m512i,
    /// Which slots of their buckets they are: in bits 0 to 3, as a bucket of 16 slots would count
    /// them. The other bits are the lowest ones of the bucket. Below a scale of 12 bits, the lowest
    /// bits of the four are any, and change nothing.
    within: __m512i,
}

/// What is the same for all slots, for vectors.
#[derive(Debug)]
pub(super) struct Scale {
    /// `vpmultishiftqb` controls that make two bytes of each word: what of a slot is within its
    /// bucket and then the bucket, or the bucket first.
    slot_bits: [__m512i; PAIR],
    /// Keeps a state's slot.
    mask: __m512i,
    one: __m512i,
    /// [`QUADS`]. The compiler must not know them, as `frequency_bits` of the other
    /// [`Scale`](crate::simd::x86_64::avx512::rounds::Scale).
    quads: [__m512i; 2],
}

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn new(bits: u8) -> Self {
        let bucket_bits = _mm512_set1_epi8((bits - 8).cast_signed());
        Self {
            slot_bits: each!(PAIR, |side| _mm512_add_epi8(from_bytes(WORD_BITS[side]), bucket_bits)),
            mask: _mm512_set1_epi16((1 << bits) - 1),
            one: opaque_one(),
            quads: black_box(each!(2, |half| from_words(QUADS[half]))),
        }
    }

    /// The slots that the states stand in: those of `one` in lower bytes, those of `other` in upper
    /// ones.
    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2")]
    fn slots(&self, one: Words, other: Words) -> Slots {
        let one = _mm512_multishift_epi64_epi8(self.slot_bits[0], one.lower);
        let other = _mm512_multishift_epi64_epi8(self.slot_bits[1], other.lower);
        Slots { buckets: inner(one, other), within: outer(one, other) }
    }

    /// The states behind symbols, before they take words.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn advance(&self, state: Words, frequencies: __m512i, cumulatives: __m512i) -> Words {
        let offsets = _mm512_and_si512(_mm512_sub_epi16(state.lower, cumulatives), self.mask);
        state.advance(frequencies, offsets, self.mask, self.one)
    }

    /// Four rounds of a pair as groups of its two segments: each lane's four bytes in a row.
    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2")]
    fn quads(&self, [a, b, c, d]: [__m512i; QUAD]) -> [[u8; GROUP]; PAIR] {
        let pairs = [[outer(a, b), outer(c, d)], [inner(a, b), inner(c, d)]];
        each!(PAIR, |side| {
            let [ab, cd] = pairs[side];
            let halves = each!(2, |half| _mm512_permutex2var_epi16(ab, self.quads[half], cd));
            // SAFETY: both are 128 bytes, and every bit pattern is valid.
            unsafe { mem::transmute::<[__m512i; 2], [u8; GROUP]>(halves) }
        })
    }
}

/// The lower bytes of `one` and the upper bytes of `other`.
#[inline]
#[target_feature(enable = "avx512bw")]
fn outer(one: __m512i, other: __m512i) -> __m512i {
    _mm512_mask_blend_epi8(UPPER, one, other)
}

/// The upper bytes of `one` as lower ones, the lower bytes of `other` as upper ones.
#[inline]
#[target_feature(enable = "avx512vbmi2")]
fn inner(one: __m512i, other: __m512i) -> __m512i {
    _mm512_shldi_epi16::<8>(other, one)
}

/// For each byte the first bit that it is made of, in 64: in buckets of one slot. The bucket of
/// each word is the upper byte, or the lower one.
const WORD_BITS: [[u8; 64]; PAIR] = {
    let mut bits = [[0; 64]; PAIR];
    let mut at = 0;
    while at < 2 * 64 {
        let (upper, byte) = (at / 64, at % 64);
        let before = if byte % 2 == upper { 4 } else { 0 };
        bits[upper][byte] = (16 * (byte as u8 / 2 % 4)).wrapping_sub(before);
        at += 1;
    }
    bits
};

/// Where the words of a group's halves stand in two vectors: a word of the first two rounds, then
/// one of the others.
const QUADS: [[u16; LANES]; 2] = {
    let mut indices = [[0; LANES]; 2];
    let mut at = 0;
    while at < 2 * LANES {
        indices[at / LANES][at % LANES] = (at / 2 + at % 2 * LANES) as u16;
        at += 1;
    }
    indices
};
