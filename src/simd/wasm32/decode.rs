//! Decoding, a segment at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::wasm32::*;
use std::mem;

use crate::{
    rans::segment::{GROUP, LANES, LaneSlots, Segment},
    simd::shuffles::{Shuffles, WIDTH},
};

static SPREAD: Shuffles<16> = Shuffles::spread();

/// Vectors that share a shuffle.
const PAIR: usize = 2;

/// Pairs that hold the states of a segment.
const PAIRS: usize = LANES / WIDTH;

/// The states of a segment, in lane order.
type States = [[v128; PAIR]; PAIRS];

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
pub(in crate::simd) fn decode(payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) -> Option<usize> {
    segments.iter_mut().position(|segment| {
        decode_groups(payload, slots, segment);
        !segment.finish(payload, slots)
    })
}

/// Takes groups off the segment as long as it has one ahead.
fn decode_groups(payload: &[u8], slots: &LaneSlots, segment: &mut Segment<'_>) {
    let scale = Scale::new(slots);
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    let mut states = unsafe { mem::transmute::<[u32; LANES], States>(segment.states) };
    loop {
        let run = segment.groups_ahead(payload);
        if run == 0 {
            break;
        }
        let raw = segment.take_groups(run);
        // SAFETY: `groups_ahead` left as many times `GROUP_WORDS_LEN` bytes of the payload behind
        // the place of the words, and `raw` has `run` groups.
        segment.words.start = unsafe { decode_run(payload, segment.words.start, slots, scale, &mut states, raw) };
    }
    // SAFETY: as above.
    segment.states = unsafe { mem::transmute::<States, [u32; LANES]>(states) };
}

/// Decodes `raw`; the place of the word that comes next comes back.
///
/// # Safety
///
/// `words` leaves `GROUP_WORDS_LEN` bytes of `payload` behind it for each group of `raw`.
#[inline(never)]
unsafe fn decode_run(
    payload: &[u8],
    words: usize,
    slots: &LaneSlots,
    scale: Scale,
    states: &mut States,
    raw: &mut [[u8; GROUP]],
) -> usize {
    // SAFETY: the caller leaves bytes of the payload behind this place.
    let mut next = unsafe { payload.as_ptr().add(words) };
    let mut x = *states;
    for group in raw {
        let mut quads = [[u32x4_splat(0); PAIR]; PAIRS];
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
#[inline(always)]
unsafe fn decode_round<const ROUND: u32>(
    mut next: *const u8,
    slots: &LaneSlots,
    scale: Scale,
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
#[derive(Clone, Copy)]
struct Scale {
    /// Keeps a state's slot. At most 4095 in each lane.
    mask: v128,
    bits: u32,
}

impl Scale {
    fn new(slots: &LaneSlots) -> Self {
        let bits = u32::from(slots.scale_bits());
        assert!(bits <= 12, "a slot table has 4096 slots");
        Self { mask: u32x4_splat((1 << bits) - 1), bits }
    }
}

/// The slots that the states stand in.
#[inline(always)]
fn look_up(slots: &LaneSlots, scale: Scale, states: v128) -> v128 {
    let indices = v128_and(states, scale.mask);
    let slots = slots.as_array();
    let slot = |index: u32| {
        // SAFETY: `Scale::new` checked that no lane of the mask is above 4095, the last index of
        // the table.
        unsafe { *slots.get_unchecked(index as usize) }
    };
    u32x4(
        slot(u32x4_extract_lane::<0>(indices)),
        slot(u32x4_extract_lane::<1>(indices)),
        slot(u32x4_extract_lane::<2>(indices)),
        slot(u32x4_extract_lane::<3>(indices)),
    )
}

/// Puts the symbols of `slots` into byte `ROUND` of the quads, whose higher bytes are zero.
#[inline(always)]
fn append_symbols<const ROUND: u32>(quads: v128, slots: v128) -> v128 {
    v128_or(quads, u32x4_shl(v128_and(slots, u32x4_splat(0xFF)), 8 * ROUND))
}

/// The states after the symbols of `slots`, before words are taken: `frequency * (state >> bits) +
/// offset`.
#[inline(always)]
fn advance(slots: v128, states: v128, scale: Scale) -> v128 {
    let frequencies = u32x4_shr(slots, 20);
    let offsets = v128_and(u32x4_shr(slots, 8), u32x4_splat(0xFFF));
    i32x4_add(offsets, i32x4_mul(u32x4_shr(states, scale.bits), frequencies))
}

/// Gives each state below 2^16 a word from `next`, in lane order; the place behind those words
/// comes back too.
///
/// # Safety
///
/// 16 bytes can be read from `next`.
#[inline(always)]
unsafe fn refill(states: [v128; PAIR], next: *const u8) -> ([v128; PAIR], *const u8) {
    let low = each!(PAIR, |vector| i32x4_eq(u32x4_shr(states[vector], 16), u32x4_splat(0)));
    let lanes = i16x8_bitmask(i16x8_narrow_i32x4(low[0], low[1]));
    // SAFETY: the caller promised 16 bytes; `lanes` has eight bits, so the place is at most 16
    // bytes further. A control is 16 bytes.
    let (words, control, next) = unsafe {
        let control = SPREAD.0[usize::from(lanes)].as_ptr();
        (v128_load(next.cast()), v128_load(control.cast()), next.add(2 * lanes.count_ones() as usize))
    };
    let words = i8x16_swizzle(words, control);
    let words = [u32x4_extend_low_u16x8(words), u32x4_extend_high_u16x8(words)];
    let refilled = each!(PAIR, |vector| {
        v128_bitselect(v128_or(u32x4_shl(states[vector], 16), words[vector]), states[vector], low[vector])
    });
    (refilled, next)
}
