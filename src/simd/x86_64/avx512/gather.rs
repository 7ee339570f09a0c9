//! Slots of 32 bits, looked up by gathers: for processors whose gathers are fast.
//!
//! A gather loads 16 slots of 32 bits, `frequency << 20 | offset << 8 | symbol`. One takes those of
//! the even lanes, the next those of the odd ones, and two blends make words of them in lane order:
//! the upper halves, with the frequencies, and the lower halves, with offsets and symbols.
//!
//! What is looked up for one segment is asked for when another has advanced, half of all segments
//! later: indices that are not ready would fill the processor's scheduler with gathers that wait.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::black_box, mem};

use super::{
    PAIR, Words, opaque_one, opaque_two,
    rounds::{self, Next, Places, Rounds},
};
use crate::{
    model::{Frequencies, Slots as _},
    rans::segment::{GROUP, LaneSlots, QUAD, Table},
    simd::x86_64::{prefetch_ahead, prefetch_beyond},
};

/// A table of slots.
#[derive(Debug, Clone)]
pub(super) struct GatherTables {
    slots: LaneSlots,
    symbols: usize,
}

impl Rounds for GatherTables {
    const NONE: Self = Self { slots: LaneSlots::EMPTY, symbols: 0 };

    const LOOKS_FOR_WORDS: bool = true;

    const ABREAST: usize = 4;

    /// The frequency of one symbol that has all slots does not fit into a word.
    fn fill(&mut self, frequencies: &Frequencies) -> bool {
        if frequencies.only_symbol().is_none() {
            self.slots.fill(frequencies);
            self.symbols = frequencies.used().count();
        }
        true
    }

    fn symbols(&self) -> usize {
        self.symbols
    }

    fn scale_bits(&self) -> u8 {
        self.slots.scale_bits()
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        tables: &[Self; TABLES],
        _: &rounds::Scale,
        x: &mut [[Words; PAIR]; PAIRS],
        next: &mut Next<PAIRS>,
    ) -> [__m512i; PAIRS] {
        let scale = Scale::new(&tables[0].slots);
        each!(PAIRS, |pair| {
            let symbols = each!(PAIR, |side| {
                let slots = &tables[(PAIR * pair + side) * TABLES / (PAIR * PAIRS)].slots;
                let taken = scale.separate::<false>(scale.look_up(slots, x[pair][side].lower));
                let advanced = x[pair][side].advance(taken.frequencies, taken.offsets, scale.mask, scale.one);
                // SAFETY: the caller promised 64 bytes.
                (x[pair][side], next[pair][side]) = unsafe { advanced.refill(next[pair][side]) };
                _mm512_and_si512(taken.symbols, _mm512_set1_epi16(0xFF))
            });
            _mm512_packus_epi16(symbols[0], symbols[1])
        })
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_run<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        places: &Places<PAIRS>,
        tables: &[Self; TABLES],
        states: &mut [[Words; PAIR]; PAIRS],
    ) -> (Next<PAIRS>, usize) {
        let &Places { mut next, ref last, ref raw, run, beyond } = places;
        macro_rules! run {
            ($n:literal, $twelve:literal) => {
                if let Some(next) = next.as_flattened_mut().first_chunk_mut::<$n>()
                    && let Some(last) = last.as_flattened().first_chunk()
                    && let Some(states) = states.as_flattened_mut().first_chunk_mut()
                    && let Some(raw) = raw.as_flattened().first_chunk()
                {
                    // SAFETY: as the caller promised.
                    unsafe { gather_run::<$twelve, $n, TABLES>(next, last, beyond, tables, states, raw, run) }
                } else {
                    unreachable!("two for each pair")
                }
            };
        }
        let done = match (PAIRS, tables[0].scale_bits()) {
            (1, 12) => run!(2, true),
            (1, _) => run!(2, false),
            (2, 12) => run!(4, true),
            (2, _) => run!(4, false),
            _ => unreachable!("no more than `ABREAST`"),
        };
        (next, done)
    }
}

impl Table for GatherTables {
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        Table::decode(&self.slots, state)
    }
}

/// [`Rounds::decode_run`] of `N` segments. How many groups were decoded comes back, and the places
/// of the words behind them in `next`. `TWELVE`: the scale has 12 bits.
///
/// # Safety
///
/// As there.
#[allow(clippy::needless_range_loop, reason = "rounds and segments index several arrays at a time")]
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn gather_run<const TWELVE: bool, const N: usize, const TABLES: usize>(
    next: &mut [*const u8; N],
    last: &[*const u8; N],
    beyond: usize,
    tables: &[GatherTables; TABLES],
    states: &mut [Words; N],
    raw: &[*mut [u8; GROUP]; N],
    run: usize,
) -> usize {
    let (mut x, mut words) = (*states, *next);
    let scale = Scale::new(&tables[0].slots);
    let late = N / 2;
    let mut taken = each!(N, |segment| scale.look_up(&tables[segment * TABLES / N].slots, x[segment].lower));
    let mut symbols = [[_mm512_setzero_si512(); N]; QUAD];
    let mut done = run;
    'groups: for group in 0..run {
        for segment in 0..N {
            if words[segment] > last[segment] {
                done = group;
                break 'groups;
            }
            prefetch_ahead(words[segment], raw[segment].wrapping_add(group));
            prefetch_beyond(words[segment], beyond);
        }
        for symbols in &mut symbols {
            for segment in 0..N {
                let Slots { frequencies, offsets, symbols: its } = scale.separate::<TWELVE>(taken[segment]);
                symbols[segment] = its;
                let advanced = x[segment].advance(frequencies, offsets, scale.mask, scale.one);
                // SAFETY: no segment is behind its last place with words for a group, which was
                // checked above. A lane takes one word per round at most. Before a round of a
                // group, its 32 lanes have not had their turn, so 64 of the `GROUP_WORDS_LEN` bytes
                // are still ahead.
                (x[segment], words[segment]) = unsafe { advanced.refill(words[segment]) };
                let before = (segment + N - late) % N;
                taken[before] = scale.look_up(&tables[before * TABLES / N].slots, x[before].lower);
            }
        }
        for segment in 0..N {
            // SAFETY: `group` is below `run`, and the caller promised that each has `run` groups.
            unsafe { raw[segment].add(group).write(quads(each!(QUAD, |round| symbols[round][segment]))) };
        }
    }
    (*states, *next) = (x, words);
    done
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
    let [low, high] = opaque_two([_mm512_unpacklo_epi16(ab, cd), _mm512_unpackhi_epi16(ab, cd)]);
    let first = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
    let second = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute::<[__m512i; 2], [u8; GROUP]>([first, second]) }
}
