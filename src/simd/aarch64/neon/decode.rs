//! Decoding, a segment at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;
use std::mem;

use super::{PAIR, PAIRS, States, lanes_of, load_states, shuffle, store_states};
use crate::{
    rans::segment::{GROUP, LaneSlots, Segment},
    simd::shuffles::Shuffles,
};

static SPREAD: Shuffles<16> = Shuffles::spread();

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
#[target_feature(enable = "neon")]
pub(in crate::simd) fn decode(payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) -> Option<usize> {
    segments.iter_mut().position(|segment| {
        decode_groups(payload, slots, segment);
        !segment.finish(payload, slots)
    })
}

/// Takes groups off the segment as long as it has one ahead.
#[inline]
#[target_feature(enable = "neon")]
fn decode_groups(payload: &[u8], slots: &LaneSlots, segment: &mut Segment<'_>) {
    let scale = Scale::new(slots);
    let mut states = load_states(&segment.states);
    loop {
        let run = segment.groups_ahead(payload);
        if run == 0 {
            break;
        }
        let raw = segment.take_groups(run);
        // SAFETY: `groups_ahead` left as many times `GROUP_WORDS_LEN` bytes of the payload behind
        // the place of the words, and `raw` has `run` groups.
        segment.words.start = unsafe { decode_run(payload, segment.words.start, slots, &scale, &mut states, raw) };
    }
    segment.states = store_states(states);
}

/// Decodes `raw`; the place of the word that comes next comes back.
///
/// # Safety
///
/// `words` leaves `GROUP_WORDS_LEN` bytes of `payload` behind it for each group of `raw`.
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn decode_run(
    payload: &[u8],
    words: usize,
    slots: &LaneSlots,
    scale: &Scale,
    states: &mut States,
    raw: &mut [[u8; GROUP]],
) -> usize {
    // SAFETY: the caller leaves bytes of the payload behind this place.
    let mut next = unsafe { payload.as_ptr().add(words) };
    let mut x = *states;
    for group in raw {
        let mut quads = [[vdupq_n_u32(0); PAIR]; PAIRS];
        // SAFETY: the four rounds take a word for each symbol of the group at most, and the caller
        // promised `GROUP_WORDS_LEN` bytes for it.
        unsafe {
            next = decode_round::<0>(next, slots, scale, &mut x, &mut quads);
            next = decode_round::<1>(next, slots, scale, &mut x, &mut quads);
            next = decode_round::<2>(next, slots, scale, &mut x, &mut quads);
            next = decode_round::<3>(next, slots, scale, &mut x, &mut quads);
        }
        // SAFETY: both are 128 bytes, and every bit pattern is valid.
        *group = unsafe { mem::transmute::<States, [u8; GROUP]>(quads) };
    }
    *states = x;
    next.addr() - payload.as_ptr().addr()
}

/// A symbol of every lane, into byte `ROUND` of the quads; the place of the word that comes next
/// comes back.
///
/// # Safety
///
/// A word for each lane can be read from `next`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn decode_round<const ROUND: usize>(
    mut next: *const u8,
    slots: &LaneSlots,
    scale: &Scale,
    states: &mut States,
    quads: &mut States,
) -> *const u8 {
    for (states, quads) in states.iter_mut().zip(quads) {
        let taken = each!(PAIR, |vector| look_up(slots, scale, states[vector]));
        *quads = each!(PAIR, |vector| append_symbols::<ROUND>(quads[vector], taken[vector]));
        let advanced = each!(PAIR, |vector| advance(taken[vector], states[vector], scale));
        // SAFETY: a lane takes one word at most. Before a pair, at least its eight lanes have not
        // had their turn, so 16 of the bytes that the caller promised are still ahead.
        (*states, next) = unsafe { refill(advanced, next) };
    }
    next
}

/// The scale of a table, for vectors.
struct Scale {
    /// Keeps a state's slot. At most 4095 in each lane.
    mask: uint32x4_t,
    /// Shifts right by the scale's bits: a shift left by their negative.
    shift: int32x4_t,
}

impl Scale {
    #[inline]
    #[target_feature(enable = "neon")]
    fn new(slots: &LaneSlots) -> Self {
        let bits = slots.scale_bits();
        assert!(bits <= 12, "a slot table has 4096 slots");
        Self { mask: vdupq_n_u32((1 << bits) - 1), shift: vdupq_n_s32(-i32::from(bits)) }
    }
}

/// The slots that the states stand in.
#[inline]
#[target_feature(enable = "neon")]
fn look_up(slots: &LaneSlots, scale: &Scale, states: uint32x4_t) -> uint32x4_t {
    let indices = vreinterpretq_u64_u32(vandq_u32(states, scale.mask));
    let (low, high) = (vgetq_lane_u64::<0>(indices), vgetq_lane_u64::<1>(indices));
    let slots = slots.as_array();
    let slot = |index: u64| {
        // SAFETY: `Scale::new` checked that no lane of the mask is above 4095, the last index of
        // the table.
        unsafe { *slots.get_unchecked(index as usize) }
    };
    let first = vdupq_n_u32(slot(low & 0xFFFF_FFFF));
    let two = vsetq_lane_u32::<1>(slot(low >> 32), first);
    let three = vsetq_lane_u32::<2>(slot(high & 0xFFFF_FFFF), two);
    vsetq_lane_u32::<3>(slot(high >> 32), three)
}

/// Puts the symbols of `slots` into byte `ROUND` of the quads, whose lower bytes are kept.
#[inline]
#[target_feature(enable = "neon")]
fn append_symbols<const ROUND: usize>(quads: uint32x4_t, slots: uint32x4_t) -> uint32x4_t {
    match ROUND {
        0 => slots,
        1 => vsliq_n_u32::<8>(quads, slots),
        2 => vsliq_n_u32::<16>(quads, slots),
        _ => vsliq_n_u32::<24>(quads, slots),
    }
}

/// The states after the symbols of `slots`, before words are taken: `frequency * (state >> bits) +
/// offset`.
#[inline]
#[target_feature(enable = "neon")]
fn advance(slots: uint32x4_t, states: uint32x4_t, scale: &Scale) -> uint32x4_t {
    let frequencies = vshrq_n_u32::<20>(slots);
    let offsets = vandq_u32(vshrq_n_u32::<8>(slots), vdupq_n_u32(0xFFF));
    vmlaq_u32(offsets, vshlq_u32(states, scale.shift), frequencies)
}

/// Gives each state below 2^16 a word from `next`, in lane order; the place behind those words
/// comes back too.
///
/// # Safety
///
/// 16 bytes can be read from `next`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn refill(states: [uint32x4_t; PAIR], next: *const u8) -> ([uint32x4_t; PAIR], *const u8) {
    let low = each!(PAIR, |vector| vceqzq_u32(vshrq_n_u32::<16>(states[vector])));
    let lanes = lanes_of(low);
    // SAFETY: the caller promised 16 bytes; `lanes` has eight bits at most, so the place is at most
    // 16 bytes further.
    let (words, next) = unsafe { (vld1q_u8(next), next.add(2 * lanes.count_ones() as usize)) };
    let words = vreinterpretq_u16_u8(shuffle(words, &SPREAD, lanes));
    let words = [vmovl_u16(vget_low_u16(words)), vmovl_high_u16(words)];
    let refilled = each!(PAIR, |vector| {
        vbslq_u32(low[vector], vsliq_n_u32::<16>(words[vector], states[vector]), states[vector])
    });
    (refilled, next)
}
