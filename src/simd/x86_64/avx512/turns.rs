//! States of several interleaved payloads, 16 to a vector: slots and words come by gathers.
//!
//! One turn is a chain of two gathers and a multiplication, some sixty clocks (Intel Xeon, Sapphire
//! Rapids or later); two vectors take it at a time, which is 32 symbols.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::{
    model::Slots,
    rans::abreast::{BLOCKS, CHAINS, Chains, STATES, Table},
};

/// States of a vector.
const WIDTH: usize = 16;

/// Vectors of states.
const VECTORS: usize = CHAINS / WIDTH;

/// Blocks whose states are in a vector.
const BLOCKS_EACH: usize = WIDTH / STATES;

/// Slots from a table to the next one.
const STRIDE: usize = size_of::<Table>() / size_of::<u32>();

/// Takes a turn for each place of `raw`, as [`Chains::decode`] does.
#[allow(clippy::needless_range_loop, reason = "turns and vectors index several arrays at a time")]
#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn decode_turns(chains: &mut Chains, raw: &mut [&mut [[u8; STATES]]; BLOCKS]) {
    const { assert!(size_of::<Table>().is_multiple_of(size_of::<u32>())) };
    // A closure would be a call here.
    let mut turns = raw[0].len();
    for raw in &*raw {
        turns = turns.min(raw.len());
    }
    // No state goes on by more than a word a turn: so much can be read at every place.
    let last = chains.words.len().checked_sub(2 * turns + Chains::BEYOND);
    assert!(i32::try_from(chains.words.len()).is_ok(), "places are 31 bits");
    for table in &chains.tables {
        assert!(1 << table.scale_bits() <= table.as_array().len(), "each slot of a scale is in its table");
    }
    for place in chains.places {
        assert!(last.is_some_and(|last| place as usize <= last), "each state has words for all turns");
    }
    let (words, slots) = (chains.words.as_ptr(), chains.tables.as_ptr().cast::<i32>());
    let firsts = each!(CHAINS, |chain| (STRIDE * (chain / STATES)) as u32);
    let bits = each!(CHAINS, |chain| u32::from(chains.tables[chain / STATES].scale_bits()));
    let first = each!(VECTORS, |vector| from_numbers(firsts.as_chunks().0[vector]));
    let shifts = each!(VECTORS, |vector| from_numbers(bits.as_chunks().0[vector]));
    let one = _mm512_set1_epi32(1);
    let masks = each!(VECTORS, |vector| _mm512_sub_epi32(_mm512_sllv_epi32(one, shifts[vector]), one));
    let mut states = each!(VECTORS, |vector| from_numbers(chains.states.as_chunks().0[vector]));
    let mut places = each!(VECTORS, |vector| from_numbers(chains.places.as_chunks().0[vector]));
    for turn in 0..turns {
        for vector in 0..VECTORS {
            let index = _mm512_add_epi32(_mm512_and_si512(states[vector], masks[vector]), first[vector]);
            // SAFETY: a slot is below its table's scale, which is at most its length, as was
            // asserted, and all tables stand one after the other, `STRIDE` apart, each with its
            // slots first (`repr(C)`). A place is at most `last` and two for each turn before, as
            // was asserted, too: four bytes can be read there.
            let (slot, word) = unsafe {
                let slot = _mm512_i32gather_epi32::<4>(index, slots);
                (slot, _mm512_i32gather_epi32::<1>(places[vector], words.cast()))
            };
            let frequency = _mm512_srli_epi32::<20>(slot);
            let offset = _mm512_and_si512(_mm512_srli_epi32::<8>(slot), _mm512_set1_epi32(0xFFF));
            let product = _mm512_mullo_epi32(frequency, _mm512_srlv_epi32(states[vector], shifts[vector]));
            let state = _mm512_add_epi32(product, offset);
            let low = _mm512_cmplt_epu32_mask(state, _mm512_set1_epi32(1 << 16));
            let word = _mm512_and_si512(word, _mm512_set1_epi32(0xFFFF));
            states[vector] = _mm512_mask_or_epi32(state, low, _mm512_slli_epi32::<16>(state), word);
            places[vector] = _mm512_mask_add_epi32(places[vector], low, places[vector], _mm512_set1_epi32(2));
            let symbols = to_symbols(_mm512_cvtepi32_epi8(slot));
            for (block, symbols) in symbols.into_iter().enumerate() {
                raw[BLOCKS_EACH * vector + block][turn] = symbols;
            }
        }
    }
    for vector in 0..VECTORS {
        chains.states.as_chunks_mut().0[vector] = to_numbers(states[vector]);
        chains.places.as_chunks_mut().0[vector] = to_numbers(places[vector]);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn from_numbers(numbers: [u32; WIDTH]) -> __m512i {
    // SAFETY: both are 64 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(numbers) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn to_numbers(vector: __m512i) -> [u32; WIDTH] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(vector) }
}

/// Those of each block.
#[inline]
#[target_feature(enable = "avx512f")]
fn to_symbols(vector: __m128i) -> [[u8; STATES]; BLOCKS_EACH] {
    // SAFETY: both are 16 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(vector) }
}
