//! Decoding, a segment at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use super::{States, lanes_of, load_states, shuffle, store_states};
use crate::{
    model::Slots,
    rans::segment::{GROUP, LANES, LaneSlots},
    simd::{Segment, four_lanes::PAIR, shuffles::Shuffles},
};

static SPREAD: Shuffles<16> = Shuffles::spread();

decoder! {
    features { #[target_feature(enable = "neon")] }
    inline { #[inline] }
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
