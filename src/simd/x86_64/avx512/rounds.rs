//! Tables of any form, the loop over groups by them, and what their rounds share.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::{arch::x86_64::*, hint::black_box, mem, ptr};

use super::{PAIR, Words, from_bytes, opaque_one};
use crate::{
    model::Frequencies,
    rans::segment::{GROUP, GROUP_WORDS_LEN, QUAD, Table},
    simd::{
        Segment,
        x86_64::{prefetch_ahead, prefetch_beyond},
    },
};

/// Where the words of segments stand that come next.
pub(super) type Next<const PAIRS: usize> = [[*const u8; PAIR]; PAIRS];

/// Tables that rounds are decoded by.
pub(super) trait Rounds: Table + Clone {
    const NONE: Self;

    /// Whether the loop looks before each group whether there are words for it. If not, it ends
    /// where there might be none, and begins anew some times towards the end of a payload. Which is
    /// faster depends on the registers that a round leaves.
    const LOOKS_FOR_WORDS: bool;

    /// The most segments that are worth decoding side by side: 8, 4 or 2.
    const ABREAST: usize = 8;

    /// Makes tables out of none. `false`: there are none of this form for such frequencies. Of one
    /// symbol that has all slots there need be none.
    fn fill(&mut self, frequencies: &Frequencies) -> bool;

    /// Number of symbols that have slots. 0: there are no tables.
    fn symbols(&self) -> usize;

    fn scale_bits(&self) -> u8;

    /// Takes a symbol, one of no more than `SYMBOLS`, out of each lane of all segments.
    ///
    /// # Safety
    ///
    /// This processor has all that the kernel is for, and 64 bytes can be read from each of `next`.
    unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        tables: &[Self; TABLES],
        scale: &Scale,
        states: &mut [[Words; PAIR]; PAIRS],
        next: &mut Next<PAIRS>,
    ) -> [__m512i; PAIRS];

    /// Decodes `run` groups of each segment, or fewer, where one has no words for more: how many
    /// comes back. There is a table for all segments, or one for each pair or half of them, or for
    /// each segment.
    ///
    /// # Safety
    ///
    /// This processor has all that the kernel is for. Each of `raw` is the first of `run` groups
    /// that nobody else has. `GROUP_WORDS_LEN` bytes can be read from each of `next` up to that of
    /// `last`, which is `run - 1` times as many behind it or more, unless the loop looks for words.
    #[inline(never)]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_run<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        places: &Places<PAIRS>,
        tables: &[Self; TABLES],
        states: &mut [[Words; PAIR]; PAIRS],
    ) -> (Next<PAIRS>, usize) {
        let &Places { mut next, ref last, raw, run, beyond } = places;
        let mut x = *states;
        let scale = Scale::new(tables[0].scale_bits());
        let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
        let mut done = run;
        'groups: for group in 0..run {
            for pair in 0..PAIRS {
                for side in 0..PAIR {
                    if Self::LOOKS_FOR_WORDS && next[pair][side] > last[pair][side] {
                        done = group;
                        break 'groups;
                    }
                    prefetch_ahead(next[pair][side], raw[pair][side].wrapping_add(group));
                    prefetch_beyond(next[pair][side], beyond);
                }
            }
            for round in &mut symbols {
                // SAFETY: no segment is behind its last place with words for a group: that was
                // checked above, or `run` groups cannot lead there. A lane takes one word per round
                // at most. Before a round of a group, its 32 lanes have not had their turn, so 64
                // of the `GROUP_WORDS_LEN` bytes are still ahead.
                *round = unsafe { Self::decode_round::<SYMBOLS, PAIRS, TABLES>(tables, &scale, &mut x, &mut next) };
            }
            for (pair, raw) in raw.iter().enumerate() {
                let quads = quads(each!(QUAD, |round| symbols[round][pair]));
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
}

/// Where segments of pairs stand.
pub(super) struct Places<const PAIRS: usize> {
    /// The words that each takes next.
    pub(super) next: Next<PAIRS>,
    /// The last place with words for a group.
    pub(super) last: Next<PAIRS>,
    /// Where the next group goes.
    pub(super) raw: [[*mut [u8; GROUP]; PAIR]; PAIRS],
    /// Groups that each has and words for: for all of them, or for the first where the loop looks
    /// for those of the others.
    pub(super) run: usize,
    /// So many bytes behind each place of `next`, the words stand that are decoded after all these.
    pub(super) beyond: usize,
}

impl<const PAIRS: usize> Places<PAIRS> {
    pub(super) fn nowhere(beyond: usize) -> Self {
        Self {
            next: [[ptr::null(); PAIR]; PAIRS],
            last: [[ptr::null(); PAIR]; PAIRS],
            raw: [[ptr::null_mut(); PAIR]; PAIRS],
            run: usize::MAX,
            beyond,
        }
    }

    pub(super) fn put(&mut self, place: usize, words: &[u8], segment: &mut Segment<'_>, looks_for_words: bool) {
        let certain = words.len() / GROUP_WORDS_LEN;
        let groups = segment.whole_groups().min(if looks_for_words && certain > 0 { usize::MAX } else { certain });
        self.next.as_flattened_mut()[place] = words.as_ptr();
        self.last.as_flattened_mut()[place] = words.as_ptr_range().end.wrapping_sub(GROUP_WORDS_LEN);
        self.raw.as_flattened_mut()[place] = segment.raw.as_mut_ptr().cast();
        self.run = self.run.min(groups);
    }
}

/// The slots of a pair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    pub(super) buckets: __m512i,
    /// Which slots of their buckets they are: in bits 0 to 3, as a bucket of 16 slots would count
    /// them, whatever its number. The other bits, and those below, mean nothing.
    pub(super) within: __m512i,
}

/// What is the same for all slots, for vectors.
#[derive(Debug)]
pub(super) struct Scale {
    /// Buckets have more than eight slots.
    pub(super) more_starts: bool,
    /// `vpmultishiftqb` control: the buckets of the words of 64 bits, then their slots from the
    /// fourth bit of a bucket on.
    slot_bits: __m512i,
    pub(super) preceding: Preceding,
    /// Keeps a state's slot.
    mask: __m512i,
    /// Keeps what of [`Tables::mixed`](super::tables::Tables) is of frequencies. The compiler must
    /// not know it: it would load it from among the program's constants in each round. Where that
    /// place is a multiple of 4 KiB away from one that a register has just been saved to, which is
    /// the case for one process in some twenty and then for all its life, a Zen 4 takes a fifth
    /// more time.
    pub(super) frequency_bits: __m512i,
    one: __m512i,
}

/// For each byte the first bit of a word of its 64 bits: of the four words in turn, and again, four
/// bits before.
const WORD_BITS: [u8; 64] = {
    let mut bits = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        bits[byte] = (16 * (byte as u8 % 4)).wrapping_sub(byte as u8 & 4);
        byte += 1;
    }
    bits
};

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn new(bits: u8) -> Self {
        Self {
            more_starts: bits > 11,
            slot_bits: _mm512_add_epi8(from_bytes(WORD_BITS), _mm512_set1_epi8((bits - 8).cast_signed())),
            preceding: PRECEDING[usize::from(bits - 8)],
            mask: _mm512_set1_epi16((1 << bits) - 1),
            frequency_bits: black_box(_mm512_set1_epi8(0xF0_u8.cast_signed())),
            one: opaque_one(),
        }
    }

    /// The slots that the states stand in.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    pub(super) fn slots(&self, states: &[Words; PAIR]) -> Slots {
        let [first, second] = each!(PAIR, |side| {
            // Four words' buckets in one half of 64 bits, the rests of their slots in the other.
            _mm512_castsi512_ps(_mm512_multishift_epi64_epi8(self.slot_bits, states[side].lower))
        });
        // Of each 128 bits, one half of each 64: eight lanes of the first segment, eight of the
        // second.
        Slots {
            buckets: _mm512_castps_si512(_mm512_shuffle_ps::<0b10_00_10_00>(first, second)),
            within: _mm512_castps_si512(_mm512_shuffle_ps::<0b11_01_11_01>(first, second)),
        }
    }

    /// The state behind a symbol, before it takes a word. Bits of `cumulatives` above the scale
    /// mean nothing.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn advance(&self, state: Words, frequencies: __m512i, cumulatives: __m512i) -> Words {
        let offsets = _mm512_and_si512(_mm512_sub_epi16(state.lower, cumulatives), self.mask);
        state.advance(frequencies, offsets, self.mask, self.one)
    }
}

/// For each slot of a bucket: bits for the slots up to it, 0 to 7 and 8 to 15. A slot is found by
/// its number in a bucket of 16, four times.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Preceding(pub(super) [[u8; 64]; 2]);

/// [`Preceding`] by the bits of a bucket. Those of a small one count in steps of its part of 16.
const PRECEDING: [Preceding; 5] = {
    let mut bits = [Preceding([[0; 64]; 2]); 5];
    let mut at = 0;
    while at < 5 * 64 {
        let (bucket_bits, within) = (at / 64, at % 64);
        let set = (2_u32 << ((within % 16) >> (4 - bucket_bits))) - 1;
        bits[bucket_bits].0[0][within] = set as u8;
        bits[bucket_bits].0[1][within] = (set >> 8) as u8;
        at += 1;
    }
    bits
};

/// Four rounds of a pair as groups of its two segments: each lane's four bytes in a row.
#[inline]
#[target_feature(enable = "avx512vbmi")]
pub(super) fn quads([a, b, c, d]: [__m512i; QUAD]) -> [[u8; GROUP]; PAIR] {
    // Eight lanes of two rounds in each 16 bytes, of one segment.
    let first = [_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d)];
    let second = [_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d)];
    let pairs = [first, second];
    each!(PAIR, |side| {
        let [ab, cd] = pairs[side];
        let halves = each!(2, |half| _mm512_permutex2var_epi8(ab, from_bytes(QUADS[half]), cd));
        // SAFETY: both are 128 bytes, and every bit pattern is valid.
        unsafe { mem::transmute::<[__m512i; 2], [u8; GROUP]>(halves) }
    })
}

/// Where each byte of a group's halves stands after the unpacking in [`quads`]: rounds 0 and 1 in
/// the first 64 bytes, 2 and 3 in the next.
const QUADS: [[u8; GROUP / 2]; 2] = {
    let mut indices = [[0; GROUP / 2]; 2];
    let mut at = 0;
    while at < GROUP {
        let (lane, round) = (at / QUAD, at % QUAD);
        indices[at / (GROUP / 2)][at % (GROUP / 2)] = (round / 2 * 64 + lane / 8 * 16 + round % 2 * 8 + lane % 8) as u8;
        at += 1;
    }
    indices
};
