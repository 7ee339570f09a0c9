//! Decoding, eight or four segments at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::black_box, mem};

use super::{Bytes, PAIR, Words, from_bytes, opaque_one, unpack};
use crate::{
    rans::segment::{GROUP, LaneSlots, QUAD, Segment},
    simd::x86_64::{avx2, prefetch_ahead},
};

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn decode(payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) -> Option<usize> {
    if segments.len() >= 2 * PAIR
        && segments.iter().any(|segment| segment.whole_groups() > 0)
        && let Some(tables) = Tables::new(slots)
    {
        match tables.symbols {
            ..=64 => decode_groups::<64>(payload, &tables, segments),
            65..=128 => decode_groups::<128>(payload, &tables, segments),
            129.. => decode_groups::<256>(payload, &tables, segments),
        }
    }
    avx2::decode::<false>(payload, slots, segments)
}

/// Takes groups off eight segments at a time, then off four. `SYMBOLS` is 64, 128 or 256, and no
/// less than the symbols in use.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_groups<const SYMBOLS: usize>(payload: &[u8], tables: &Tables, segments: &mut [Segment<'_>]) {
    let pairs = segments.as_chunks_mut().0;
    for four in pairs.as_chunks_mut().0 {
        decode_side_by_side::<SYMBOLS, 4>(payload, tables, four);
    }
    for two in pairs.as_chunks_mut().0 {
        decode_side_by_side::<SYMBOLS, 2>(payload, tables, two);
    }
}

/// Takes groups off all segments as long as each has one ahead.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_side_by_side<const SYMBOLS: usize, const PAIRS: usize>(
    payload: &[u8],
    tables: &Tables,
    segments: &mut [[Segment<'_>; PAIR]; PAIRS],
) {
    let mut states = each!(PAIRS, |pair| each!(PAIR, |side| Words::load(&segments[pair][side].states)));
    loop {
        let mut run = usize::MAX;
        for segment in segments.as_flattened() {
            run = run.min(segment.groups_ahead(payload));
        }
        if run == 0 {
            break;
        }
        let words = each!(PAIRS, |pair| each!(PAIR, |side| segments[pair][side].words.start));
        let raw = each!(PAIRS, |pair| each!(PAIR, |side| segments[pair][side].take_groups(run).as_mut_ptr()));
        // SAFETY: `groups_ahead` left at least `run` times `GROUP_WORDS_LEN` bytes of the payload
        // behind each place in `words`, and `take_groups` gave `run` groups to each of `raw`.
        let words = unsafe { decode_run::<SYMBOLS, PAIRS>(payload, words, tables, &mut states, raw, run) };
        for (segment, start) in segments.as_flattened_mut().iter_mut().zip(words.as_flattened()) {
            segment.words.start = *start;
        }
    }
    for (segment, states) in segments.as_flattened_mut().iter_mut().zip(states.as_flattened()) {
        segment.states = states.store();
    }
}

/// Decodes `run` groups of each segment; the places of the words that come next come back.
///
/// # Safety
///
/// Each of `raw` is the first of `run` groups that nobody else has, and each of `words` leaves
/// `run * GROUP_WORDS_LEN` bytes of `payload` behind it.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run<const SYMBOLS: usize, const PAIRS: usize>(
    payload: &[u8],
    words: [[usize; PAIR]; PAIRS],
    tables: &Tables,
    states: &mut [[Words; PAIR]; PAIRS],
    raw: [[*mut [u8; GROUP]; PAIR]; PAIRS],
    run: usize,
) -> [[usize; PAIR]; PAIRS] {
    // SAFETY: the caller leaves bytes of the payload behind each place.
    let mut next = each!(PAIRS, |pair| each!(PAIR, |side| unsafe { payload.as_ptr().add(words[pair][side]) }));
    let mut x = *states;
    let scale = Scale::new(tables);
    let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
    for group in 0..run {
        for pair in 0..PAIRS {
            for side in 0..PAIR {
                prefetch_ahead(next[pair][side], raw[pair][side].wrapping_add(group));
            }
        }
        for round in &mut symbols {
            // SAFETY: a lane takes one word per round at most. Before a round of a group, its 32
            // lanes have not had their turn, so 64 of the `GROUP_WORDS_LEN` bytes that the caller
            // promised for this group are still ahead.
            *round = unsafe { decode_round::<SYMBOLS, PAIRS>(tables, &scale, &mut x, &mut next) };
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
    each!(PAIRS, |pair| each!(PAIR, |side| next[pair][side].addr() - payload.as_ptr().addr()))
}

/// Takes a symbol out of each lane of all segments.
///
/// # Safety
///
/// 64 bytes can be read from each of `next`.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize>(
    tables: &Tables,
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    next: &mut [[*const u8; PAIR]; PAIRS],
) -> [__m512i; PAIRS] {
    // Eight segments fill the registers. The compiler must not know that the tables stay the same:
    // it would keep parts of them, and move all else in and out.
    let tables = if PAIRS > 2 { black_box(tables) } else { tables };
    let buckets = each!(PAIRS, |pair| scale.buckets(&x[pair]));
    let preceding = each!(PAIRS, |pair| scale.preceding(&x[pair]));
    let starts = each!(PAIRS, |pair| tables.starts[0].look_up::<256>(buckets[pair]));
    let ranks = each!(PAIRS, |pair| _mm512_popcnt_epi8(_mm512_and_si512(starts[pair], preceding[pair][0])));
    let starts = each!(PAIRS, |pair| tables.starts[1].look_up::<256>(buckets[pair]));
    let more = each!(PAIRS, |pair| _mm512_popcnt_epi8(_mm512_and_si512(starts[pair], preceding[pair][1])));
    let first = each!(PAIRS, |pair| tables.first.look_up::<256>(buckets[pair]));
    let ids = each!(PAIRS, |pair| _mm512_add_epi8(first[pair], _mm512_add_epi8(ranks[pair], more[pair])));

    let mixed = each!(PAIRS, |pair| tables.mixed.look_up::<SYMBOLS>(ids[pair]));
    let upper = each!(PAIRS, |pair| tables.frequency_upper.look_up::<SYMBOLS>(ids[pair]));
    let frequencies = each!(PAIRS, |pair| unpack(
        _mm512_and_si512(mixed[pair], _mm512_set1_epi8(0xF0_u8.cast_signed())),
        upper[pair]
    ));
    let lower = each!(PAIRS, |pair| tables.cumulative_lower.look_up::<SYMBOLS>(ids[pair]));
    let cumulatives = each!(PAIRS, |pair| unpack(lower[pair], mixed[pair]));
    let advanced = each!(PAIRS, |pair| {
        each!(PAIR, |side| {
            // Above the scale a cumulative frequency has bits that mean nothing.
            let offsets = _mm512_sub_epi16(x[pair][side].lower, cumulatives[pair][side]);
            x[pair][side].advance(frequencies[pair][side], _mm512_and_si512(offsets, scale.mask), scale.mask, scale.one)
        })
    });
    for pair in 0..PAIRS {
        for side in 0..PAIR {
            // SAFETY: the caller promised 64 bytes.
            (x[pair][side], next[pair][side]) = unsafe { advanced[pair][side].refill(next[pair][side]) };
        }
    }
    each!(PAIRS, |pair| tables.symbol.look_up::<SYMBOLS>(ids[pair]))
}

/// From slots to symbols in two steps: a slot's bucket tells the id of the symbol that has the
/// bucket's first slot, and where in the bucket further symbols start. As many as start no later
/// than the slot, so many ids further is its symbol.
///
/// Ids are the ranks of the symbols that have slots. Everything else is looked up by id.
#[derive(Debug)]
struct Tables {
    /// For each of 256 buckets: a bit for each slot but the first where a symbol starts, slots 0 to
    /// 7 and 8 to 15.
    starts: [Bytes; 2],
    /// For each bucket: the id at its first slot.
    first: Bytes,
    /// The upper byte of `frequency << (16 - scale_bits)`.
    frequency_upper: Bytes,
    /// The upper four bits of the lower byte of `frequency << (16 - scale_bits)`, which are all
    /// that is in it, and the upper four of the cumulative frequency's twelve.
    mixed: Bytes,
    /// The lower byte of the cumulative frequency.
    cumulative_lower: Bytes,
    symbol: Bytes,
    /// Number of ids.
    symbols: usize,
    scale_bits: u8,
}

/// Buckets of a scale.
const BUCKETS: usize = 256;

impl Tables {
    /// `None`: one symbol has all slots, and `frequency << (16 - scale_bits)` does not fit into a
    /// word.
    fn new(slots: &LaneSlots) -> Option<Self> {
        let scale_bits = slots.scale_bits();
        let scale = 1_usize << scale_bits;
        let bucket_len = scale / BUCKETS;
        let zero = || Bytes([0; 256]);
        let mut tables = Self {
            starts: [zero(), zero()],
            first: zero(),
            frequency_upper: zero(),
            mixed: zero(),
            cumulative_lower: zero(),
            symbol: zero(),
            symbols: 0,
            scale_bits,
        };
        let (mut slot, mut bucket) = (0, 0);
        while slot < scale {
            // The first slot of a symbol: `frequency << 20 | 0 << 8 | symbol`.
            let code = slots.as_array()[slot];
            let frequency = (code >> 20) as usize;
            if frequency == scale {
                return None;
            }
            let id = tables.symbols;
            let scaled = frequency << (16 - scale_bits);
            tables.frequency_upper.0[id] = (scaled >> 8) as u8;
            tables.mixed.0[id] = (scaled & 0xF0 | slot >> 8) as u8;
            tables.cumulative_lower.0[id] = slot as u8;
            tables.symbol.0[id] = code as u8;
            if slot % bucket_len > 0 {
                let bit = slot % bucket_len;
                tables.starts[bit / 8].0[slot / bucket_len] |= 1 << (bit % 8);
            }
            slot += frequency;
            let end = slot.div_ceil(bucket_len);
            tables.first.0[bucket..end].fill(id as u8);
            bucket = end;
            tables.symbols += 1;
        }
        Some(tables)
    }
}

/// What depends on the scale alone, for vectors.
struct Scale {
    /// `vpmultishiftqb` control: the bucket of each word of 64 bits, twice.
    bucket_bits: __m512i,
    /// Keeps a state's slot within its bucket.
    bucket_mask: __m512i,
    /// Keeps a state's slot.
    mask: __m512i,
    one: __m512i,
}

/// For each byte the first bit of a word of its 64 bits: of the four words in turn.
const WORD_BITS: [u8; 64] = {
    let mut bits = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        bits[byte] = 16 * (byte as u8 % 4);
        byte += 1;
    }
    bits
};

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn new(tables: &Tables) -> Self {
        let bits = tables.scale_bits;
        Self {
            bucket_bits: _mm512_add_epi8(from_bytes(WORD_BITS), _mm512_set1_epi8((bits - 8).cast_signed())),
            bucket_mask: _mm512_set1_epi16((1 << (bits - 8)) - 1),
            mask: _mm512_set1_epi16((1 << bits) - 1),
            one: opaque_one(),
        }
    }

    /// The buckets of the slots that the states stand in.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    fn buckets(&self, states: &[Words; PAIR]) -> __m512i {
        let [first, second] = each!(PAIR, |side| {
            // Four words' buckets in each half of 64 bits.
            _mm512_castsi512_ps(_mm512_multishift_epi64_epi8(self.bucket_bits, states[side].lower))
        });
        // Of each 128 bits, one half of each 64: eight lanes of the first segment, eight of the
        // second.
        _mm512_castps_si512(_mm512_shuffle_ps::<0b10_00_10_00>(first, second))
    }

    /// Bits for the slots of a bucket up to and including the one that each state stands in: slots
    /// 0 to 7 and 8 to 15.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn preceding(&self, states: &[Words; PAIR]) -> [__m512i; 2] {
        let [first, second] = each!(PAIR, |side| _mm512_and_si512(states[side].lower, self.bucket_mask));
        let within = _mm512_packus_epi16(first, second);
        each!(2, |half| _mm512_shuffle_epi8(_mm512_broadcast_i32x4(from_16_bytes(PRECEDING[half])), within))
    }
}

/// For each slot of a bucket: bits for the slots up to it, 0 to 7 and 8 to 15.
const PRECEDING: [[u8; 16]; 2] = {
    let mut bits = [[0; 16]; 2];
    let mut slot = 0;
    while slot < 16 {
        let set = (2_u32 << slot) - 1;
        bits[0][slot] = set as u8;
        bits[1][slot] = (set >> 8) as u8;
        slot += 1;
    }
    bits
};

#[inline]
#[target_feature(enable = "avx512f")]
fn from_16_bytes(bytes: [u8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(bytes) }
}

/// Four rounds of a pair as groups of its two segments: each lane's four bytes in a row.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn quads([a, b, c, d]: [__m512i; QUAD]) -> [[u8; GROUP]; PAIR] {
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
