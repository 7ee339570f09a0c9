//! Decoding, a segment at a time.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::wasm32::*;
use std::mem;

use crate::{
    model::Slots,
    rans::segment::{GROUP, LANES, LaneSlots},
    simd::{
        Segment,
        four_lanes::{self, PAIR},
        shuffles::Shuffles,
    },
};

static SPREAD: Shuffles<16> = Shuffles::spread();

/// The states of a segment, in lane order.
type States = four_lanes::States<v128>;

decoder! {
    features {}
    inline { #[inline(always)] }
}

#[inline(always)]
fn load_states(states: &[u32; LANES]) -> States {
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(*states) }
}

#[inline(always)]
fn store_states(states: States) -> [u32; LANES] {
    // SAFETY: as above.
    unsafe { mem::transmute(states) }
}

/// The scale of a table, for vectors.
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
fn look_up(slots: &LaneSlots, scale: &Scale, states: v128) -> v128 {
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
fn append_symbols<const ROUND: usize>(quads: v128, slots: v128) -> v128 {
    v128_or(quads, u32x4_shl(v128_and(slots, u32x4_splat(0xFF)), 8 * ROUND as u32))
}

/// The states after the symbols of `slots`, before words are taken: `frequency * (state >> bits) +
/// offset`.
#[inline(always)]
fn advance(slots: v128, states: v128, scale: &Scale) -> v128 {
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
