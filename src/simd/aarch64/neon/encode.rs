//! Encoding.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use super::{lanes_of, load_states, shuffle, store_states};
use crate::{
    rans::segment::{Encoding, GROUP, LANES, QUAD},
    simd::{
        code_table::CodeTable,
        four_lanes::{PAIR, PAIRS},
        shuffles::{CLOSE_UP, WIDTH},
    },
};

/// Codes all groups of the segment on top of what stands behind them.
#[target_feature(enable = "neon")]
pub(in crate::simd) fn encode_groups(segment: &mut Encoding<'_>, table: &CodeTable) {
    let groups = segment.take_groups(segment.groups.len());
    let free = segment.words.free();
    assert!(free.len() >= groups.len() * GROUP + WIDTH, "a word for each symbol and a vector more must have room");
    let bottom = free.as_mut_ptr_range().end;
    // SAFETY: the assertion counted the places in `free`, which ends at `bottom`.
    let top = unsafe { encode_run(groups, table, &mut segment.states, bottom) };
    segment.words.push((bottom.addr() - top.addr()) / 2);
}

/// Codes `groups`; the words land below `top`, and the new top comes back.
///
/// # Safety
///
/// Below `top` are a place for each symbol of `groups` and `WIDTH` more, which nobody else has.
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn encode_run(
    groups: &[[u8; GROUP]],
    table: &CodeTable,
    states: &mut [u32; LANES],
    mut top: *mut [u8; 2],
) -> *mut [u8; 2] {
    let scale_bits = i32::from(table.scale_bits);
    let scale_shift = vdupq_n_s32(scale_bits);
    // A state with its upper bits, above the slots of a symbol, at the frequency or higher must
    // give a word away.
    let limit_shift = vdupq_n_s32(scale_bits - 32);
    let mut x = load_states(states);
    for group in groups.iter().rev() {
        for round in (0..QUAD).rev() {
            for pair in (0..PAIRS).rev() {
                let codes = each!(PAIR, |vector| look_up(table, group, PAIR * pair + vector, round));
                let (reduced, given, count) = give_words(x[pair], &codes, limit_shift);
                // SAFETY: each symbol moves `top` down by one at most, so at least `WIDTH` places
                // are below it: the caller promised as many.
                top = unsafe {
                    vst1q_u8(top.sub(WIDTH).cast(), given);
                    top.sub(count)
                };
                x[pair] = each!(PAIR, |vector| codes[vector].encode(reduced[vector], scale_shift));
            }
        }
    }
    *states = store_states(x);
    top
}

/// The codes of four lanes.
#[derive(Clone, Copy)]
struct Codes {
    frequencies: uint32x4_t,
    cumulatives: uint32x4_t,
    reciprocals: uint32x4_t,
    complements: uint32x4_t,
}

impl Codes {
    /// `((state / frequency) << scale_bits) + state % frequency + cumulative`.
    #[inline]
    #[target_feature(enable = "neon")]
    fn encode(&self, states: uint32x4_t, scale_shift: int32x4_t) -> uint32x4_t {
        let low = vmull_u32(vget_low_u32(states), vget_low_u32(self.reciprocals));
        let high = vmull_high_u32(states, self.reciprocals);
        let quotients = vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high));
        // The reciprocal is less than 1 too small and a state below 2^32, so the quotient is too
        // small by one at most. Then the rest is the frequency or more, and the sum lacks the scale
        // for the quotient less the frequency for the rest: the complement.
        let rests = vmlsq_u32(states, quotients, self.frequencies);
        let one_more = vandq_u32(vcgeq_u32(rests, self.frequencies), self.complements);
        let shifted = vaddq_u32(vshlq_u32(quotients, scale_shift), self.cumulatives);
        vaddq_u32(shifted, vaddq_u32(rests, one_more))
    }
}

/// The codes of the symbols in `round` of the four lanes of `vector`.
#[inline]
#[target_feature(enable = "neon")]
fn look_up(table: &CodeTable, group: &[u8; GROUP], vector: usize, round: usize) -> Codes {
    let quads = group.as_chunks::<QUAD>().0;
    let code = |lane: usize| {
        let code = &table.codes[usize::from(quads[LANES / PAIRS / PAIR * vector + lane][round])];
        // SAFETY: a code is four numbers of 32 bits.
        unsafe { vld1q_u32((&raw const *code).cast()) }
    };
    let (a, b, c, d) = (code(0), code(1), code(2), code(3));
    let (even_ab, odd_ab) = (vreinterpretq_u64_u32(vtrn1q_u32(a, b)), vreinterpretq_u64_u32(vtrn2q_u32(a, b)));
    let (even_cd, odd_cd) = (vreinterpretq_u64_u32(vtrn1q_u32(c, d)), vreinterpretq_u64_u32(vtrn2q_u32(c, d)));
    Codes {
        frequencies: vreinterpretq_u32_u64(vtrn1q_u64(even_ab, even_cd)),
        cumulatives: vreinterpretq_u32_u64(vtrn1q_u64(odd_ab, odd_cd)),
        reciprocals: vreinterpretq_u32_u64(vtrn2q_u64(even_ab, even_cd)),
        complements: vreinterpretq_u32_u64(vtrn2q_u64(odd_ab, odd_cd)),
    }
}

/// Moves the lower word out of each state that has no room for its symbol. The states, the words at
/// the end of a vector in lane order, and their number come back.
#[inline]
#[target_feature(enable = "neon")]
fn give_words(
    states: [uint32x4_t; PAIR],
    codes: &[Codes; PAIR],
    limit_shift: int32x4_t,
) -> ([uint32x4_t; PAIR], uint8x16_t, usize) {
    let gives = each!(PAIR, |vector| vcgeq_u32(vshlq_u32(states[vector], limit_shift), codes[vector].frequencies));
    let lanes = lanes_of(gives);
    let lower = vuzp1q_u16(vreinterpretq_u16_u32(states[0]), vreinterpretq_u16_u32(states[1]));
    let given = shuffle(vreinterpretq_u8_u16(lower), &CLOSE_UP, lanes);
    let reduced = each!(PAIR, |vector| vbslq_u32(gives[vector], vshrq_n_u32::<16>(states[vector]), states[vector]));
    (reduced, given, lanes.count_ones() as usize)
}
