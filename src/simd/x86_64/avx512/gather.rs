//! Decoding by gathers from the slot table, four or two segments at a time: for processors whose
//! gathers are fast.
//!
//! A gather loads 16 slots of 32 bits, `frequency << 20 | offset << 8 | symbol`. One takes those of
//! the even lanes, the next those of the odd ones, and two blends make words of them in lane order:
//! the upper halves, with the frequencies, and the lower halves, with offsets and symbols.
//!
//! What is looked up for one segment is asked for when another has advanced, two segments later:
//! indices that are not ready would fill the processor's scheduler with gathers that wait.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::black_box, mem};

use super::{Words, opaque_one};
use crate::{
    model::Slots as _,
    rans::segment::{GROUP, LaneSlots, QUAD, Segment},
    simd::x86_64::{avx2, prefetch_ahead},
};

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn decode_gathering(
    payload: &[u8],
    slots: &LaneSlots,
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    // The frequency of one symbol that has all slots does not fit into a word.
    if slots.as_array()[0] >> 20 < 1 << slots.scale_bits() {
        if slots.scale_bits() == 12 {
            decode_groups::<true>(payload, slots, segments);
        } else {
            decode_groups::<false>(payload, slots, segments);
        }
    }
    avx2::decode_payload::<true>(payload, slots, segments)
}

/// Takes groups off four segments at a time, then off two. `TWELVE`: the scale has 12 bits.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_groups<const TWELVE: bool>(payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) {
    let (fours, rest) = segments.as_chunks_mut();
    for four in fours {
        decode_side_by_side::<TWELVE, 4>(payload, slots, four);
    }
    for two in rest.as_chunks_mut().0 {
        decode_side_by_side::<TWELVE, 2>(payload, slots, two);
    }
}

/// Takes groups off all segments as long as each has one ahead.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_side_by_side<const TWELVE: bool, const N: usize>(
    payload: &[u8],
    slots: &LaneSlots,
    segments: &mut [Segment<'_>; N],
) {
    let mut states = each!(N, |segment| Words::load(&segments[segment].states));
    loop {
        let mut run = usize::MAX;
        for segment in segments.iter() {
            run = run.min(segment.groups_ahead(payload));
        }
        if run == 0 {
            break;
        }
        let words = each!(N, |segment| segments[segment].words.start);
        let raw = each!(N, |segment| segments[segment].take_groups(run).as_mut_ptr());
        // SAFETY: `groups_ahead` left at least `run` times `GROUP_WORDS_LEN` bytes of the payload
        // behind each place in `words`, and `take_groups` gave `run` groups to each of `raw`.
        let words = unsafe { gather_run::<TWELVE, N>(payload, words, slots, &mut states, raw, run) };
        for (segment, start) in segments.iter_mut().zip(words) {
            segment.words.start = start;
        }
    }
    for (segment, states) in segments.iter_mut().zip(states) {
        segment.states = states.store();
    }
}

/// Decodes `run` groups of each segment; the places of the words that come next come back.
///
/// # Safety
///
/// Each of `raw` is the first of `run` groups that nobody else has, and each of `words` leaves
/// `run * GROUP_WORDS_LEN` bytes of `payload` behind it.
#[allow(clippy::needless_range_loop, reason = "rounds and segments index several arrays at a time")]
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn gather_run<const TWELVE: bool, const N: usize>(
    payload: &[u8],
    words: [usize; N],
    slots: &LaneSlots,
    states: &mut [Words; N],
    raw: [*mut [u8; GROUP]; N],
    run: usize,
) -> [usize; N] {
    // SAFETY: the caller leaves bytes of the payload behind each place.
    let mut next = each!(N, |segment| unsafe { payload.as_ptr().add(words[segment]) });
    let mut x = *states;
    let scale = Scale::new(slots);
    let late = N / 2;
    let mut taken = each!(N, |segment| scale.look_up(slots, x[segment].lower));
    for group in 0..run {
        for segment in 0..N {
            prefetch_ahead(next[segment], raw[segment].wrapping_add(group));
        }
        let mut symbols = [[_mm512_setzero_si512(); N]; QUAD];
        for round in 0..QUAD {
            for segment in 0..N {
                let Slots { frequencies, offsets, symbols: of_segment } = scale.separate::<TWELVE>(taken[segment]);
                symbols[round][segment] = of_segment;
                let advanced = x[segment].advance(frequencies, offsets, scale.mask, scale.one);
                // SAFETY: a lane takes one word per round at most. Before a round of a group, its
                // 32 lanes have not had their turn, so 64 of the bytes that the caller promised for
                // this group are still ahead.
                (x[segment], next[segment]) = unsafe { advanced.refill(next[segment]) };
                let before = (segment + N - late) % N;
                taken[before] = scale.look_up(slots, x[before].lower);
            }
        }
        for segment in 0..N {
            // SAFETY: `group` is below `run`, and the caller promised that each has `run` groups.
            unsafe { raw[segment].add(group).write(quads(each!(QUAD, |round| symbols[round][segment]))) };
        }
    }
    *states = x;
    each!(N, |segment| next[segment].addr() - payload.as_ptr().addr())
}

/// The slots of a segment's lanes, as gathered.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// Those of lanes 0, 2, 4 and so on.
    even: __m512i,
    odd: __m512i,
}

/// What slots hold, a word for each lane, in lane order.
struct Slots {
    /// Shifted left by `16 - bits`.
    frequencies: __m512i,
    offsets: __m512i,
    /// In the lower bytes. The upper ones mean nothing.
    symbols: __m512i,
}

/// What depends on the scale alone, for vectors.
struct Scale {
    /// Keeps a state's slot, in words.
    mask: __m512i,
    /// The same, in the lower half of 32 bits. At most 4095.
    index_mask: __m512i,
    /// Keeps the odd words. The compiler must not know it: it would make two shuffles of a blend.
    odd_words: __m512i,
    /// By how much the frequencies of a scale below 12 bits are shifted further.
    shift: __m128i,
    one: __m512i,
}

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn new(slots: &LaneSlots) -> Self {
        let bits = slots.scale_bits();
        assert!(bits <= 12, "a slot table has 4096 slots");
        Self {
            mask: _mm512_set1_epi16((1 << bits) - 1),
            index_mask: _mm512_set1_epi32((1 << bits) - 1),
            odd_words: black_box(_mm512_set1_epi32(0xFFFF_0000_u32.cast_signed())),
            shift: _mm_cvtsi32_si128(12 - i32::from(bits)),
            one: opaque_one(),
        }
    }

    /// Looks up the slots that states with these lower halves stand in.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn look_up(&self, slots: &LaneSlots, lower: __m512i) -> Taken {
        let slots = slots.as_array().as_ptr().cast::<i32>();
        let even = _mm512_and_si512(lower, self.index_mask);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(lower), self.index_mask);
        // SAFETY: `new` checked that no index is above 4095, the last one of the table, and a slot
        // is 32 bits.
        unsafe {
            Taken { even: _mm512_i32gather_epi32::<4>(even, slots), odd: _mm512_i32gather_epi32::<4>(odd, slots) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi2")]
    fn separate<const TWELVE: bool>(&self, Taken { even, odd }: Taken) -> Slots {
        // `frequency << 4 | offset >> 8` and `offset << 8 | symbol`.
        let upper = self.interleave(_mm512_srli_epi32::<16>(even), odd);
        let lower = self.interleave(even, _mm512_slli_epi32::<16>(odd));
        let frequencies = _mm512_and_si512(upper, _mm512_set1_epi16(0xFFF0_u16.cast_signed()));
        Slots {
            frequencies: if TWELVE { frequencies } else { _mm512_sll_epi16(frequencies, self.shift) },
            offsets: _mm512_and_si512(_mm512_shldi_epi16::<8>(upper, lower), self.mask),
            symbols: lower,
        }
    }

    /// The even words of `even` and the odd ones of `odd`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn interleave(&self, even: __m512i, odd: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0b1100_1010>(self.odd_words, odd, even)
    }
}

/// Four rounds, a word for each lane of which the lower byte counts, as the bytes of a group: each
/// lane's four in a row.
#[inline]
#[target_feature(enable = "avx512bw")]
fn quads([a, b, c, d]: [__m512i; QUAD]) -> [u8; GROUP] {
    const UPPER_BYTES: u64 = 0xAAAA_AAAA_AAAA_AAAA;
    let ab = _mm512_mask_blend_epi8(UPPER_BYTES, a, _mm512_slli_epi16::<8>(b));
    let cd = _mm512_mask_blend_epi8(UPPER_BYTES, c, _mm512_slli_epi16::<8>(d));
    // Within each 16 bytes, of eight lanes: the first four, and the others.
    let (low, high) = (_mm512_unpacklo_epi16(ab, cd), _mm512_unpackhi_epi16(ab, cd));
    let first = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
    let second = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute::<[__m512i; 2], [u8; GROUP]>([first, second]) }
}
