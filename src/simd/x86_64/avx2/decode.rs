//! Decoding, two segments at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::mem;

use crate::{
    rans::segment::{GROUP, LANES, LaneSlots, QUAD, Segment},
    simd::shuffles::SPREAD,
};

/// Lanes in a vector.
const WIDTH: usize = 8;

/// Vectors that hold the states of a segment.
const VECTORS: usize = LANES / WIDTH;

/// Payload bytes that a group may read: a word for each of its symbols. A vector of words is read whole, but those behind the last word of a group
/// belong to lanes that could have taken one.
const GROUP_WORDS_LEN: usize = 2 * GROUP;

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it comes back.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn decode(payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) -> Option<usize> {
    for (index, pair) in segments.chunks_mut(2).enumerate() {
        if let [first, second] = pair {
            decode_side_by_side(payload, slots, [first, second]);
        }
        for (side, segment) in pair.iter_mut().enumerate() {
            decode_side_by_side(payload, slots, [segment]);
            if !segment.finish(payload, slots) {
                return Some(2 * index + side);
            }
        }
    }
    None
}

/// Takes groups off all segments as long as each has one left, and words for it are certain to be in the payload.
///
/// They need not be the segment's own words: one that is led beyond its last word is damaged, and its place in the payload shows that at the end.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_side_by_side<const N: usize>(payload: &[u8], slots: &LaneSlots, mut segments: [&mut Segment<'_>; N]) {
    let scale = Scale::new(slots);
    let mut states = [[_mm256_setzero_si256(); VECTORS]; N];
    for (states, segment) in states.iter_mut().zip(&segments) {
        *states = load_states(&segment.states);
    }
    loop {
        let ahead = |segment: &&mut Segment<'_>| {
            let behind = payload.len().saturating_sub(segment.words.start);
            segment.whole_groups().min(behind / GROUP_WORDS_LEN)
        };
        let run = segments.iter().map(ahead).min().unwrap_or(0);
        if run == 0 {
            break;
        }
        let raw = segments.each_mut().map(|segment| {
            let (raw, rest) = mem::take(&mut segment.raw).split_at_mut(run * GROUP);
            segment.raw = rest;
            raw.as_chunks_mut().0
        });
        let words = segments.each_ref().map(|segment| segment.words.start);
        // SAFETY: `ahead` left at least `run` times `GROUP_WORDS_LEN` bytes of the payload behind each place in `words`, and `raw` has `run` groups each.
        let words = unsafe { decode_run(payload, words, slots, &scale, &mut states, raw, run) };
        for (segment, start) in segments.iter_mut().zip(words) {
            segment.words.start = start;
        }
    }
    for (segment, states) in segments.iter_mut().zip(states) {
        segment.states = store_states(states);
    }
}

/// Decodes `run` groups of each segment; the places of the words that come next come back.
///
/// # Safety
///
/// Each of `raw` has `run` groups, and each of `words` leaves `run * GROUP_WORDS_LEN` bytes of `payload` behind it.
#[allow(clippy::needless_pass_by_value, reason = "it is a list of borrows")]
#[allow(clippy::needless_range_loop, reason = "segments, rounds and vectors index several arrays at a time")]
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn decode_run<const N: usize>(
    payload: &[u8],
    words: [usize; N],
    slots: &LaneSlots,
    scale: &Scale,
    states: &mut [[__m256i; VECTORS]; N],
    raw: [&mut [[u8; GROUP]]; N],
    run: usize,
) -> [usize; N] {
    let mut next = [payload.as_ptr(); N];
    for (next, start) in next.iter_mut().zip(words) {
        // SAFETY: the caller leaves bytes of the payload behind each place.
        *next = unsafe { next.add(start) };
    }
    let mut x = *states;
    for group in 0..run {
        let mut symbols = [[_mm256_setzero_si256(); QUAD]; N];
        for round in 0..QUAD {
            for segment in 0..N {
                let mut taken = [_mm256_setzero_si256(); VECTORS];
                for vector in 0..VECTORS {
                    taken[vector] = look_up(slots, scale, x[segment][vector]);
                }
                symbols[segment][round] = pack_symbols(taken);
                for vector in 0..VECTORS {
                    let advanced = advance(taken[vector], x[segment][vector], scale);
                    // SAFETY: a lane takes one word per round at most. Before a vector of a group, at least its eight lanes have not had their turn, so 16 of the `GROUP_WORDS_LEN` bytes that
                    // the caller promised for this group are still ahead.
                    (x[segment][vector], next[segment]) = unsafe { refill(advanced, next[segment]) };
                }
            }
        }
        for segment in 0..N {
            // SAFETY: `group` is below `run`, and the caller promised that each has `run` groups.
            *unsafe { raw[segment].get_unchecked_mut(group) } = quads(symbols[segment]);
        }
    }
    *states = x;
    next.map(|place| place.addr() - payload.as_ptr().addr())
}

/// The scale of a table, for vectors.
struct Scale {
    /// Keeps a state's slot. At most 4095 in each lane.
    mask: __m256i,
    bits: __m128i,
}

impl Scale {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new(slots: &LaneSlots) -> Self {
        let bits = i32::from(slots.scale_bits());
        assert!(bits <= 12, "a slot table has 4096 slots");
        Self { mask: _mm256_set1_epi32((1 << bits) - 1), bits: _mm_cvtsi32_si128(bits) }
    }
}

/// The slots that the states stand in.
///
/// Eight scalar loads: gathers take longer on every processor that was measured.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up(slots: &LaneSlots, scale: &Scale, states: __m256i) -> __m256i {
    let indices = _mm256_and_si256(states, scale.mask);
    let slots = slots.as_array();
    let slot = |index: i64| {
        // SAFETY: `Scale::new` checked that no lane of the mask is above 4095, the last index of the table.
        unsafe { *slots.get_unchecked(index as usize) }.cast_signed()
    };
    let quad = |pairs: __m128i| {
        let (a, b) = (_mm_cvtsi128_si64(pairs), _mm_extract_epi64::<1>(pairs));
        let two = _mm_insert_epi32::<1>(_mm_cvtsi32_si128(slot(a & 0xFFFF_FFFF)), slot(a >> 32));
        _mm_insert_epi32::<3>(_mm_insert_epi32::<2>(two, slot(b & 0xFFFF_FFFF)), slot(b >> 32))
    };
    _mm256_set_m128i(quad(_mm256_extracti128_si256::<1>(indices)), quad(_mm256_castsi256_si128(indices)))
}

/// The states after the symbols of `slots`, before words are taken: `frequency * (state >> bits) + offset`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn advance(slots: __m256i, states: __m256i, scale: &Scale) -> __m256i {
    let frequencies = _mm256_srli_epi32::<20>(slots);
    let offsets = _mm256_and_si256(_mm256_srli_epi32::<8>(slots), _mm256_set1_epi32(0xFFF));
    _mm256_add_epi32(_mm256_mullo_epi32(_mm256_srl_epi32(states, scale.bits), frequencies), offsets)
}

/// Gives each state below 2^16 a word from `next`, in lane order; the place behind those words comes back too.
///
/// # Safety
///
/// 16 bytes can be read from `next`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn refill(states: __m256i, next: *const u8) -> (__m256i, *const u8) {
    let low = _mm256_cmpeq_epi32(_mm256_srli_epi32::<16>(states), _mm256_setzero_si256());
    let lanes = _mm256_movemask_ps(_mm256_castsi256_ps(low)).cast_unsigned() as usize;
    // SAFETY: the caller promised 16 bytes; a mask of eight lanes is below 256; the count is at most 8, so the place is at most 16 bytes further.
    let (words, spread, next) = unsafe {
        let words = _mm_loadu_si128(next.cast());
        let spread = _mm_load_si128(SPREAD.0.as_ptr().add(lanes).cast());
        (words, spread, next.add(2 * lanes.count_ones() as usize))
    };
    let words = _mm256_cvtepu16_epi32(_mm_shuffle_epi8(words, spread));
    let refilled = _mm256_or_si256(_mm256_slli_epi32::<16>(states), words);
    (_mm256_blendv_epi8(states, refilled, low), next)
}

/// The symbols of one round in 32 bytes, in an order that [`quads`] undoes.
#[inline]
#[target_feature(enable = "avx2")]
fn pack_symbols(slots: [__m256i; VECTORS]) -> __m256i {
    let byte = _mm256_set1_epi32(0xFF);
    let low = _mm256_packus_epi32(_mm256_and_si256(slots[0], byte), _mm256_and_si256(slots[1], byte));
    let high = _mm256_packus_epi32(_mm256_and_si256(slots[2], byte), _mm256_and_si256(slots[3], byte));
    _mm256_packus_epi16(low, high)
}

/// Four rounds as the bytes of a group: each lane's four in a row.
///
/// Both packs work within halves of 16 bytes, and so do the unpacks: each vector of quads comes out with its lanes in order.
#[inline]
#[target_feature(enable = "avx2")]
fn quads([a, b, c, d]: [__m256i; QUAD]) -> [u8; GROUP] {
    let (low_ab, high_ab) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
    let (low_cd, high_cd) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
    let vectors = [
        _mm256_unpacklo_epi16(low_ab, low_cd),
        _mm256_unpackhi_epi16(low_ab, low_cd),
        _mm256_unpacklo_epi16(high_ab, high_cd),
        _mm256_unpackhi_epi16(high_ab, high_cd),
    ];
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(vectors) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_states(states: &[u32; LANES]) -> [__m256i; VECTORS] {
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(*states) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_states(states: [__m256i; VECTORS]) -> [u32; LANES] {
    // SAFETY: as above.
    unsafe { mem::transmute(states) }
}
