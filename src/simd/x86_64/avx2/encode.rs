//! Encoding.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::mem;

use super::exact::{ADDEND_AT, ADDEND_MASK, Exact, SHIFT_MASK};
use crate::{
    model::Frequencies,
    rans::segment::{Encoding, GROUP, LANES, QUAD},
    simd::{code_table, shuffles::CLOSE_UP},
};

/// Lanes in a vector.
const WIDTH: usize = 8;

/// Vectors that hold the states of a segment.
const VECTORS: usize = LANES / WIDTH;

/// What coding each symbol takes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it stands on the stack for one block")]
pub(in crate::simd) enum CodeTable {
    Exact(Exact),
    /// Where a reciprocal is not exact.
    Corrected(code_table::CodeTable),
}

impl CodeTable {
    pub(in crate::simd) fn new(frequencies: &Frequencies) -> Self {
        match Exact::new(frequencies) {
            Some(exact) => Self::Exact(exact),
            None => Self::Corrected(code_table::CodeTable::new(frequencies)),
        }
    }
}

/// Codes all groups of the segment on top of what stands behind them.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn encode_groups(segment: &mut Encoding<'_>, table: &CodeTable) {
    let groups = segment.take_groups(segment.groups.len());
    let free = segment.words.free();
    assert!(free.len() >= groups.len() * GROUP + WIDTH, "a word for each symbol and a vector more must have room");
    let bottom = free.as_mut_ptr_range().end;
    let states = &mut segment.states;
    // SAFETY: the assertion counted the places in `free`, which ends at `bottom`.
    let top = unsafe {
        match table {
            CodeTable::Exact(table) => exact_run(groups, table, states, bottom),
            CodeTable::Corrected(table) => encode_run(groups, table, states, bottom),
        }
    };
    segment.words.push((bottom.addr() - top.addr()) / 2);
}

/// Codes `groups`, by exact reciprocals; the words land below `top`, and the new top comes back.
///
/// # Safety
///
/// Below `top` are a place for each symbol of `groups` and `WIDTH` more, which nobody else has.
#[inline(never)]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn exact_run(
    groups: &[[u8; GROUP]],
    table: &Exact,
    states: &mut [u32; LANES],
    mut top: *mut [u8; 2],
) -> *mut [u8; 2] {
    let upper_bits = _mm_cvtsi32_si128(32 - i32::from(table.scale_bits));
    let last_slot = _mm256_set1_epi32((1 << table.scale_bits) - 1);
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    let mut x: [__m256i; VECTORS] = unsafe { mem::transmute(*states) };
    for group in groups.iter().rev() {
        for round in (0..QUAD).rev() {
            for vector in (0..VECTORS).rev() {
                let [even, odd] = look_up_exact(table, group, vector, round);
                // The upper halves of all codes, in the order of lanes.
                let upper = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
                let complements = _mm256_srl_epi32(upper, upper_bits);
                // The upper bits of a state at the frequency or higher: with its complement that
                // makes the scale or more.
                let reach = _mm256_add_epi32(_mm256_srl_epi32(x[vector], upper_bits), complements);
                let gives = _mm256_cmpgt_epi32(reach, last_slot);
                let (given, count) = words_of(x[vector], gives);
                // SAFETY: each symbol moves `top` down by one at most, so at least `WIDTH` places
                // are below it: the caller promised as many.
                top = unsafe {
                    _mm_storeu_si128(top.sub(WIDTH).cast(), given);
                    top.sub(count)
                };
                let state = _mm256_srlv_epi32(x[vector], _mm256_and_si256(gives, _mm256_set1_epi32(16)));
                let products = _mm256_blend_epi32::<0b1010_1010>(
                    _mm256_srli_epi64::<32>(_mm256_mul_epu32(state, even)),
                    _mm256_mul_epu32(_mm256_srli_epi64::<32>(state), odd),
                );
                let shifts = _mm256_and_si256(upper, _mm256_set1_epi32(SHIFT_MASK));
                let quotients = _mm256_srlv_epi32(products, shifts);
                let addends = _mm256_and_si256(_mm256_srli_epi32::<ADDEND_AT>(upper), _mm256_set1_epi32(ADDEND_MASK));
                // `quotient * scale + rest + cumulative`, without the rest: it is the state less
                // `quotient * frequency`.
                let sum = _mm256_add_epi32(state, addends);
                x[vector] = _mm256_add_epi32(sum, _mm256_mullo_epi32(quotients, complements));
            }
        }
    }
    // SAFETY: as above.
    *states = unsafe { mem::transmute::<[__m256i; VECTORS], [u32; LANES]>(x) };
    top
}

/// The codes of the symbols in `round` of the lanes of `vector`: of the even lanes, and of the odd
/// ones.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up_exact(table: &Exact, group: &[u8; GROUP], vector: usize, round: usize) -> [__m256i; 2] {
    let quads = group.as_chunks::<QUAD>().0;
    each!(2, |odd| {
        let code = |pair: usize| table.codes[usize::from(quads[WIDTH * vector + 2 * pair + odd][round])].cast_signed();
        _mm256_setr_epi64x(code(0), code(1), code(2), code(3))
    })
}

/// Codes `groups`; the words land below `top`, and the new top comes back.
///
/// # Safety
///
/// Below `top` are a place for each symbol of `groups` and `WIDTH` more, which nobody else has.
#[inline(never)]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn encode_run(
    groups: &[[u8; GROUP]],
    table: &code_table::CodeTable,
    states: &mut [u32; LANES],
    mut top: *mut [u8; 2],
) -> *mut [u8; 2] {
    // A state with its upper bits, above the slots of a symbol, at the frequency or higher must
    // give a word away.
    let scale_bits = _mm_cvtsi32_si128(table.scale_bits.into());
    let limit_bits = _mm_cvtsi32_si128(32 - i32::from(table.scale_bits));
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    let mut x: [__m256i; VECTORS] = unsafe { mem::transmute(*states) };
    for group in groups.iter().rev() {
        for round in (0..QUAD).rev() {
            for vector in (0..VECTORS).rev() {
                let codes = look_up(table, group, vector, round);
                let (reduced, given, count) = give_words(x[vector], codes.frequencies, limit_bits);
                // SAFETY: each symbol moves `top` down by one at most, so at least `WIDTH` places
                // are below it: the caller promised as many.
                top = unsafe {
                    _mm_storeu_si128(top.sub(WIDTH).cast(), given);
                    top.sub(count)
                };
                x[vector] = codes.encode(reduced, scale_bits);
            }
        }
    }
    // SAFETY: as above.
    *states = unsafe { mem::transmute::<[__m256i; VECTORS], [u32; LANES]>(x) };
    top
}

/// The [`Code`](code_table::Code)s of eight lanes.
struct Codes {
    frequencies: __m256i,
    cumulatives: __m256i,
    reciprocals: __m256i,
    complements: __m256i,
}

impl Codes {
    /// `((state / frequency) << scale_bits) + state % frequency + cumulative`.
    #[inline]
    #[target_feature(enable = "avx2,bmi2,popcnt")]
    fn encode(&self, states: __m256i, scale_bits: __m128i) -> __m256i {
        let even = _mm256_mul_epu32(states, self.reciprocals);
        let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(states), _mm256_srli_epi64::<32>(self.reciprocals));
        let quotients = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
        // The reciprocal is less than 1 too small and a state below 2^32, so the quotient is too
        // small by one at most. Then the rest is the frequency or more, and the sum lacks the scale
        // for the quotient less the frequency for the rest: the complement.
        let rests = _mm256_sub_epi32(states, _mm256_mullo_epi32(quotients, self.frequencies));
        let exact = _mm256_cmpgt_epi32(self.frequencies, rests);
        let one_more = _mm256_andnot_si256(exact, self.complements);
        let shifted = _mm256_add_epi32(_mm256_sll_epi32(quotients, scale_bits), self.cumulatives);
        _mm256_add_epi32(shifted, _mm256_add_epi32(rests, one_more))
    }
}

/// The codes of the symbols in `round` of the lanes of `vector`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up(table: &code_table::CodeTable, group: &[u8; GROUP], vector: usize, round: usize) -> Codes {
    let quads = group.as_chunks::<QUAD>().0;
    let code = |lane: usize| {
        let code = &table.codes[usize::from(quads[WIDTH * vector + lane][round])];
        // SAFETY: a code is 16 bytes, aligned to as many.
        unsafe { _mm_load_si128((&raw const *code).cast()) }
    };
    let halves = |lane: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(code(lane)), code(lane + 4));
    let (a, b, c, d) = (halves(0), halves(1), halves(2), halves(3));
    let (low_ab, high_ab) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (low_cd, high_cd) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    Codes {
        frequencies: _mm256_unpacklo_epi64(low_ab, low_cd),
        cumulatives: _mm256_unpackhi_epi64(low_ab, low_cd),
        reciprocals: _mm256_unpacklo_epi64(high_ab, high_cd),
        complements: _mm256_unpackhi_epi64(high_ab, high_cd),
    }
}

/// Moves the lower word out of each state that has no room for its symbol. The states, the words at
/// the end of a vector in lane order, and their number come back.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn give_words(states: __m256i, frequencies: __m256i, limit_bits: __m128i) -> (__m256i, __m128i, usize) {
    let keeps = _mm256_cmpgt_epi32(frequencies, _mm256_srl_epi32(states, limit_bits));
    let (given, count) = words_of(states, _mm256_xor_si256(keeps, _mm256_set1_epi32(-1)));
    (_mm256_blendv_epi8(_mm256_srli_epi32::<16>(states), states, keeps), given, count)
}

/// The lower words of those states that give one, at the end of a vector in lane order, and their
/// number.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn words_of(states: __m256i, gives: __m256i) -> (__m128i, usize) {
    let lanes = _mm256_movemask_ps(_mm256_castsi256_ps(gives)).cast_unsigned() as usize;
    let lower = _mm256_and_si256(states, _mm256_set1_epi32(0xFFFF));
    let lower = _mm_packus_epi32(_mm256_castsi256_si128(lower), _mm256_extracti128_si256::<1>(lower));
    // SAFETY: a mask of eight lanes is below 256, and a control is 16 bytes, aligned to as many.
    let close_up = unsafe { _mm_load_si128(CLOSE_UP.0.as_ptr().add(lanes).cast()) };
    (_mm_shuffle_epi8(lower, close_up), lanes.count_ones() as usize)
}
