//! Sequences of a chunk: tokens and offset codes become arrays 16 and 8 at a time, then the copy
//! loop takes over.
//!
//! There are no masks and no gathers: sums over lanes tell which byte, which bits or which offset
//! each lane takes, and a look-up brings them all.
//!
//! Not timed. Instructions for each token or code, with Rust 1.95: 3.5 for lengths, 9 for an
//! offset, 4 to spread it, and 22 to 44 to copy a sequence, by its width. Scalar code takes 14 to
//! 24, 37, 11, and some 80 with two calls of memcpy.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use super::{FIRST_QUAD, LANE, SECOND_QUAD, expand, load};
use crate::{
    sequences::{Expanded, HISTORY, Offsets, Output, REPEAT_CODES, ROOM, Repeats, Sections, Tokens, repeat},
    simd::{
        lz_copy::{self, GROUP, Steps},
        shuffles::{BACK, Controls, REPEAT},
    },
};

/// Tokens that become lengths at a time.
const TOKENS: usize = 16;

/// Offsets at a time.
const OFFSETS: usize = 8;

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together.
#[inline(never)]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn execute(
    sections: &Sections<'_>,
    repeats: Repeats,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> Option<Repeats> {
    let Sections { tokens, offsets, .. } = sections;
    expanded.begin(tokens.symbols.len(), repeats);
    let fit = lengths(tokens, &mut expanded.literal_lengths, &mut expanded.match_lengths)
        && decode_offsets(offsets, &mut expanded.code_offsets).is_some_and(|used| offsets.end_at(used))
        && spread(tokens, &expanded.code_offsets, &mut expanded.offsets) == offsets.codes.len()
        && copy(sections, repeats.last(), expanded, output);
    fit.then(|| offsets.repeats(&expanded.code_offsets))
}

#[inline(never)]
#[target_feature(enable = "neon")]
fn copy(sections: &Sections<'_>, last: u32, expanded: &mut Expanded, output: &mut Output<'_>) -> bool {
    // SAFETY: this function has the features that `Neon` needs.
    unsafe { lz_copy::choose!(Neon, sections, last, expanded, output) }
}

/// As [`Tokens::lengths`].
#[target_feature(enable = "neon")]
fn lengths(tokens: &Tokens<'_>, literals: &mut [u8], matches: &mut [u8]) -> bool {
    let count = tokens.symbols.len();
    assert!(literals.len() >= count + ROOM && matches.len() >= count + ROOM);
    let (literal_excess, match_excess) = (tokens.literal_excess, tokens.match_excess);
    let (most_literals, most_match) = (vdupq_n_u8(7), vdupq_n_u8(15));
    let (min_match, lane) = (vdupq_n_u8(tokens.min_match), load(&LANE));
    let [mut literals_used, mut matches_used] = [0, 0];
    let mut index = 0;
    while index < count {
        let live = vcltq_u8(lane, vdupq_n_u8((count - index).min(TOKENS) as u8));
        // SAFETY: 128 bytes of slack follow the tokens; the arrays have `ROOM` entries behind the
        // last one (asserted). The excess bytes used so far are no more than there are, checked
        // below, and have 128 bytes of slack.
        unsafe {
            let token = vld1q_u8(tokens.symbols.padded().as_ptr().add(index));
            let run = vshrq_n_u8::<5>(token);
            let length = vandq_u8(vshrq_n_u8::<1>(token), most_match);
            let runs = vandq_u8(vceqq_u8(run, most_literals), live);
            let lengths = vandq_u8(vceqq_u8(length, most_match), live);
            let (run_excess, runs) = expand(vld1q_u8(literal_excess.padded().as_ptr().add(literals_used)), runs);
            let (excess, lengths) = expand(vld1q_u8(match_excess.padded().as_ptr().add(matches_used)), lengths);
            literals_used += runs;
            matches_used += lengths;
            if literals_used > literal_excess.len() || matches_used > match_excess.len() {
                return false;
            }
            vst1q_u8(literals.as_mut_ptr().add(index), vqaddq_u8(run, run_excess));
            vst1q_u8(matches.as_mut_ptr().add(index), vqaddq_u8(vaddq_u8(length, min_match), excess));
        }
        index += TOKENS;
    }
    literals_used == literal_excess.len() && matches_used == match_excess.len()
}

/// As [`Offsets::decode`].
#[target_feature(enable = "neon")]
fn decode_offsets(offsets: &Offsets<'_>, decoded: &mut [u32]) -> Option<usize> {
    let (codes, count, bit_len) = (offsets.codes.padded(), offsets.codes.len(), 8 * offsets.bits.len());
    assert!(decoded.len() >= HISTORY + count + ROOM);
    let (one, seven, eight, repeat_codes) = (vdupq_n_u8(1), vdupq_n_u8(7), vdupq_n_u8(8), vdupq_n_u8(REPEAT_CODES));
    let (quads, lane) = ([load(&FIRST_QUAD), load(&SECOND_QUAD)], load(&LANE));
    let (mut index, mut at) = (0, 0);
    while index < count {
        let live = vcltq_u8(lane, vdupq_n_u8((count - index).min(OFFSETS) as u8));
        // SAFETY: 128 bytes of slack follow the codes.
        let code = unsafe { vld1q_u8(codes.as_ptr().add(index)) };
        let value = vqsubq_u8(code, one);
        let widths = vandq_u8(vqsubq_u8(vshrq_n_u8::<3>(value), one), live);
        let leading = vorrq_u8(vandq_u8(value, seven), vandq_u8(vcgeq_u8(value, eight), eight));
        let ends = prefix_sums(widths);
        let total = usize::from(vgetq_lane_u8::<7>(ends));
        if at + total > bit_len {
            return None;
        }
        let starts = vaddq_u8(vsubq_u8(ends, widths), vdupq_n_u8((at % 8) as u8));
        // SAFETY: `at` is inside the bit string, and 128 bytes of slack follow. 8 codes take 24
        // bytes of the 32 at most. The offsets have `ROOM` entries behind the last one (asserted).
        unsafe {
            let bytes = vld1q_u8_x2(offsets.bits.padded().as_ptr().add(at / 8));
            let place = decoded.as_mut_ptr().add(HISTORY + index);
            vst1q_u32(place, four_offsets(bytes, starts, leading, widths, quads[0]));
            vst1q_u32(place.add(OFFSETS / 2), four_offsets(bytes, starts, leading, widths, quads[1]));
        }
        at += total;
        // A one in each byte.
        let repeats = vandq_u8(vcltq_u8(code, repeat_codes), vandq_u8(live, one));
        let mut repeats = vgetq_lane_u64::<0>(vreinterpretq_u64_u8(repeats));
        while repeats != 0 {
            repeat(offsets.codes.as_slice(), decoded, index + repeats.trailing_zeros() as usize / 8);
            repeats &= repeats - 1;
        }
        index += OFFSETS;
    }
    Some(at)
}

/// The offsets of four lanes: `leading` and then the `widths` bits of `bytes` that begin at bit
/// `starts`. `quad` has each of the four lanes four times.
#[inline]
#[target_feature(enable = "neon")]
fn four_offsets(
    bytes: uint8x16x2_t,
    starts: uint8x16_t,
    leading: uint8x16_t,
    widths: uint8x16_t,
    quad: uint8x16_t,
) -> uint32x4_t {
    // A look-up makes four bytes of a lane. A shift counts by the lowest one only.
    let words = vreinterpretq_u32_u8(vqtbl2q_u8(bytes, four_bytes(vshrq_n_u8::<3>(starts), quad)));
    let down = vnegq_s8(vreinterpretq_s8_u8(vandq_u8(starts, vdupq_n_u8(7))));
    let down = vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s8(down), quad));
    let width = vreinterpretq_s32_u8(vqtbl1q_u8(widths, quad));
    let leading = vandq_u32(vreinterpretq_u32_u8(vqtbl1q_u8(leading, quad)), vdupq_n_u32(0xFF));
    let extra = vbicq_u32(vshlq_u32(words, down), vshlq_u32(vdupq_n_u32(u32::MAX), width));
    vorrq_u32(vshlq_u32(leading, width), extra)
}

/// The places of the four bytes from each lane of a quad on.
#[inline]
#[target_feature(enable = "neon")]
fn four_bytes(lanes: uint8x16_t, quad: uint8x16_t) -> uint8x16_t {
    vaddq_u8(vqtbl1q_u8(lanes, quad), vreinterpretq_u8_u32(vdupq_n_u32(0x0302_0100)))
}

/// The sum of each lane and all before it in its half. (In half a register, a compiler takes the
/// way through another one.)
#[inline]
#[target_feature(enable = "neon")]
fn prefix_sums(lanes: uint8x16_t) -> uint8x16_t {
    let sums = vaddq_u8(lanes, vreinterpretq_u8_u64(vshlq_n_u64::<8>(vreinterpretq_u64_u8(lanes))));
    let sums = vaddq_u8(sums, vreinterpretq_u8_u64(vshlq_n_u64::<16>(vreinterpretq_u64_u8(sums))));
    vaddq_u8(sums, vreinterpretq_u8_u64(vshlq_n_u64::<32>(vreinterpretq_u64_u8(sums))))
}

/// As [`spread`](crate::sequences::spread).
#[target_feature(enable = "neon")]
fn spread(tokens: &Tokens<'_>, offsets: &[u32], spread: &mut [u32]) -> usize {
    let count = tokens.symbols.len();
    assert!(offsets.len() >= HISTORY + count + ROOM && spread.len() >= count + ROOM);
    let (quads, lane, one) = ([load(&FIRST_QUAD), load(&SECOND_QUAD)], load(&LANE), vdupq_n_u8(1));
    let (mut index, mut used) = (0, 0);
    while index < count {
        let live = vcltq_u8(lane, vdupq_n_u8((count - index).min(OFFSETS) as u8));
        // SAFETY: 128 bytes of slack follow the tokens. `used` is at most `index`, and the arrays
        // have `ROOM` entries behind as many as there are tokens (asserted).
        unsafe {
            let token = vld1q_u8(tokens.symbols.padded().as_ptr().add(index));
            let ranks = prefix_sums(vandq_u8(vbicq_u8(one, token), live));
            // The four of the second quad may be up to the ninth offset.
            let next = vld1q_u8_x3(offsets.as_ptr().add(HISTORY - 1 + used).cast());
            let places = vshlq_n_u8::<2>(ranks);
            let first = vqtbl2q_u8(uint8x16x2_t(next.0, next.1), four_bytes(places, quads[0]));
            let second = vqtbl3q_u8(next, four_bytes(places, quads[1]));
            let place = spread.as_mut_ptr().add(index);
            vst1q_u32(place, vreinterpretq_u32_u8(first));
            vst1q_u32(place.add(OFFSETS / 2), vreinterpretq_u32_u8(second));
            used += usize::from(vgetq_lane_u8::<7>(ranks));
        }
        index += OFFSETS;
    }
    used
}

/// What the copy loop does with NEON.
#[derive(Debug)]
struct Neon;

/// 16 bytes by one of the tables.
///
/// # Safety
///
/// The processor has NEON.
#[inline(always)]
unsafe fn shuffle(bytes: uint8x16_t, controls: &Controls, index: usize) -> uint8x16_t {
    // SAFETY: the caller knows the processor. A control is 16 bytes.
    unsafe { vqtbl1q_u8(bytes, vld1q_u8(controls.0[index].as_ptr())) }
}

impl Steps for Neon {
    #[inline(always)]
    unsafe fn sum(lengths: &[u8; GROUP]) -> usize {
        // SAFETY: the caller knows the processor. A group is four vectors of lengths.
        unsafe {
            let uint8x16x4_t(a, b, c, d) = vld1q_u8_x4(lengths.as_ptr());
            let sums = vpadalq_u8(vpadalq_u8(vpadalq_u8(vpaddlq_u8(a), b), c), d);
            vaddlvq_u16(sums) as usize
        }
    }

    #[inline(always)]
    unsafe fn range(offsets: &[u32; GROUP]) -> (u32, u32) {
        // SAFETY: the caller knows the processor. A group is 16 vectors of offsets.
        unsafe {
            let first = vld1q_u32(offsets.as_ptr());
            let (mut nearest, mut farthest) = (first, first);
            let mut index = OFFSETS / 2;
            while index < GROUP {
                let offsets = vld1q_u32(offsets.as_ptr().add(index));
                nearest = vminq_u32(nearest, offsets);
                farthest = vmaxq_u32(farthest, offsets);
                index += OFFSETS / 2;
            }
            (vminvq_u32(nearest), vmaxvq_u32(farthest))
        }
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 16], period: usize) -> [u8; 16] {
        // SAFETY: the caller knows the processor. A vector is 16 bytes.
        unsafe { std::mem::transmute(shuffle(std::mem::transmute::<[u8; 16], uint8x16_t>(bytes), &REPEAT, period)) }
    }

    #[inline(always)]
    unsafe fn add_repeated(bytes: [u8; 16], base: [u8; 16], period: usize) -> [u8; 16] {
        // SAFETY: as above.
        unsafe {
            let mut sums = std::mem::transmute::<[u8; 16], uint8x16_t>(bytes);
            // Always all four: how many are needed is hard to foresee.
            sums = vaddq_u8(sums, shuffle(sums, &BACK, period));
            sums = vaddq_u8(sums, shuffle(sums, &BACK, (2 * period).min(16)));
            sums = vaddq_u8(sums, shuffle(sums, &BACK, (4 * period).min(16)));
            sums = vaddq_u8(sums, shuffle(sums, &BACK, (8 * period).min(16)));
            let base = shuffle(std::mem::transmute::<[u8; 16], uint8x16_t>(base), &REPEAT, period);
            std::mem::transmute(vaddq_u8(sums, base))
        }
    }
}
