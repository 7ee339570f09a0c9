//! What the decoder looks slots and symbols up in.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::hint::{black_box, select_unpredictable};

use super::{
    Bytes, PAIR, SECOND, Words, from_bytes,
    rounds::{Next, Preceding, Rounds, Scale},
    unpack,
};
use crate::{model::Frequencies, rans::segment::Table};

/// From slots to symbols in two steps: a slot's bucket tells the id of the symbol that has the
/// bucket's first slot, and where in the bucket further symbols start. As many as start no later
/// than the slot, so many ids further is its symbol.
///
/// Ids are the ranks of the symbols that have slots. Everything else is looked up by id.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// For each of 256 buckets: a bit for each slot but the first where a symbol starts, slots 0 to
    /// 7 and 8 to 15.
    starts: [Bytes; 2],
    /// For each bucket: the id at its first slot.
    first: Bytes,
    /// The upper byte of `frequency << (16 - scale_bits)`.
    frequency_upper: Bytes,
    /// The upper four bits of the lower byte of `frequency << (16 - scale_bits)`, which are all
    /// that is in it, and the upper four of the cumulative frequency's twelve.
    mixed: Bytes,
    /// The lower byte of the cumulative frequency.
    cumulative_lower: Bytes,
    symbol: Bytes,
    /// Number of ids. 0: there are no tables.
    symbols: usize,
    scale_bits: u8,
}

/// Buckets of a scale.
const BUCKETS: usize = 256;

/// Buckets that are written together.
const RUN: usize = 16;

impl Rounds for Tables {
    const NONE: Self = Self {
        starts: [const { Bytes([0; 256]) }; 2],
        first: Bytes([0; 256]),
        frequency_upper: Bytes([0; 256]),
        mixed: Bytes([0; 256]),
        cumulative_lower: Bytes([0; 256]),
        symbol: Bytes([0; 256]),
        symbols: 0,
        scale_bits: 0,
    };

    const LOOKS_FOR_WORDS: bool = false;

    /// One symbol that has all slots leaves no tables: `frequency << (16 - scale_bits)` would not
    /// fit into a word.
    fn fill(&mut self, frequencies: &Frequencies) -> bool {
        let scale_bits = frequencies.scale_bits();
        assert!((8..=12).contains(&scale_bits), "a bucket has 16 slots at most");
        let bucket_bits = scale_bits - 8;
        if frequencies.only_symbol().is_some() {
            return true;
        }
        // A run more than there are buckets, so that each begins one.
        let mut first = [0; BUCKETS + RUN];
        let (mut bucket, mut symbols) = (0, 0);
        // The bits of the bucket in which the last symbol starts: from memory they would come late.
        let (mut place, mut starts) = (0, 0);
        for (symbol, frequency, cumulative) in frequencies.used() {
            let (id, slot, end) = (symbols % 256, cumulative as usize, (cumulative + frequency) as usize);
            let scaled = frequency << (16 - scale_bits);
            self.frequency_upper.0[id] = (scaled >> 8) as u8;
            self.mixed.0[id] = (scaled & 0xF0 | cumulative >> 8) as u8;
            self.cumulative_lower.0[id] = slot as u8;
            self.symbol.0[id] = symbol;
            let before = select_unpredictable(slot >> bucket_bits == place, starts, 0);
            place = slot >> bucket_bits;
            // The first slot of a bucket has no bit.
            starts = before | 1_u16 << (slot & ((1 << bucket_bits) - 1)) & !1;
            [self.starts[0].0[place % BUCKETS], self.starts[1].0[place % BUCKETS]] = starts.to_le_bytes();
            // A whole run, even where it reaches into the buckets of the next symbol: that is
            // written later. Most symbols have no more, so there is little to predict.
            first[bucket..bucket + RUN].copy_from_slice(&[id as u8; RUN]);
            let end = end.div_ceil(1 << bucket_bits);
            if end > bucket + RUN {
                first[bucket + RUN..end].fill(id as u8);
            }
            bucket = end.min(BUCKETS);
            symbols += 1;
        }
        self.symbols = symbols;
        self.first.0.copy_from_slice(&first[..BUCKETS]);
        self.scale_bits = scale_bits;
        true
    }

    fn symbols(&self) -> usize {
        self.symbols
    }

    fn scale_bits(&self) -> u8 {
        self.scale_bits
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        tables: &[Self; TABLES],
        scale: &Scale,
        x: &mut [[Words; PAIR]; PAIRS],
        next: &mut Next<PAIRS>,
    ) -> [__m512i; PAIRS] {
        // Eight segments fill the registers. The compiler must not know that the tables stay the
        // same: it would keep parts of them, and move all else in and out.
        let (tables, Preceding(preceding)) =
            if PAIRS > 2 { (black_box(tables), black_box(&scale.preceding)) } else { (tables, &scale.preceding) };
        macro_rules! look_up {
            ($len:expr, $indices:expr, $tables:ident => $bytes:expr) => {
                each!(PAIRS, |pair| {
                    let [first, second] = each!(PAIR, |side| {
                        let $tables = &tables[(PAIR * pair + side) * TABLES / (PAIR * PAIRS)];
                        &$bytes
                    });
                    if TABLES > PAIRS {
                        Bytes::look_up_two::<$len, SECOND>([first, second], $indices[pair])
                    } else {
                        first.look_up::<$len>($indices[pair])
                    }
                })
            };
        }
        let slots = each!(PAIRS, |pair| scale.slots(&x[pair]));
        let buckets = each!(PAIRS, |pair| slots[pair].buckets);
        let starts = look_up!(256, buckets, tables => tables.starts[0]);
        let mut ranks = each!(PAIRS, |pair| started(starts[pair], slots[pair].within, from_bytes(preceding[0])));
        // Small blocks, which come with tables of their own, have few slots.
        if TABLES <= PAIRS || scale.more_starts {
            let starts = look_up!(256, buckets, tables => tables.starts[1]);
            let more = each!(PAIRS, |pair| started(starts[pair], slots[pair].within, from_bytes(preceding[1])));
            ranks = each!(PAIRS, |pair| _mm512_add_epi8(ranks[pair], more[pair]));
        }
        let first = look_up!(256, buckets, tables => tables.first);
        let ids = each!(PAIRS, |pair| _mm512_add_epi8(first[pair], ranks[pair]));

        let mixed = look_up!(SYMBOLS, ids, tables => tables.mixed);
        let upper = look_up!(SYMBOLS, ids, tables => tables.frequency_upper);
        let frequencies = each!(PAIRS, |pair| unpack(_mm512_and_si512(mixed[pair], scale.frequency_bits), upper[pair]));
        let lower = look_up!(SYMBOLS, ids, tables => tables.cumulative_lower);
        let cumulatives = each!(PAIRS, |pair| unpack(lower[pair], mixed[pair]));
        let advanced = each!(PAIRS, |pair| {
            each!(PAIR, |side| scale.advance(x[pair][side], frequencies[pair][side], cumulatives[pair][side]))
        });
        for pair in 0..PAIRS {
            for side in 0..PAIR {
                // SAFETY: the caller promised 64 bytes.
                (x[pair][side], next[pair][side]) = unsafe { advanced[pair][side].refill(next[pair][side]) };
            }
        }
        look_up!(SYMBOLS, ids, tables => tables.symbol)
    }
}

/// How many symbols start in a bucket's slots up to the one that is `within` it, of those slots
/// that `preceding` has bits for.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512bitalg")]
fn started(starts: __m512i, within: __m512i, preceding: __m512i) -> __m512i {
    _mm512_popcnt_epi8(_mm512_and_si512(starts, _mm512_permutexvar_epi8(within, preceding)))
}

impl Table for Tables {
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        let bucket_bits = self.scale_bits - 8;
        let slot = *state & ((1 << self.scale_bits) - 1);
        let (bucket, within) = ((slot >> bucket_bits) as usize % BUCKETS, slot & ((1 << bucket_bits) - 1));
        let starts = u32::from(u16::from_le_bytes([self.starts[0].0[bucket], self.starts[1].0[bucket]]));
        let id = usize::from(self.first.0[bucket]) + (starts & ((2 << within) - 1)).count_ones() as usize;
        let (id, mixed) = (id % 256, u32::from(self.mixed.0[id % 256]));
        let scaled = u32::from(self.frequency_upper.0[id]) << 8 | mixed & 0xF0;
        let cumulative = u32::from(self.cumulative_lower.0[id]) | (mixed & 0xF) << 8;
        let frequency = scaled >> (16 - self.scale_bits);
        *state = frequency.wrapping_mul(*state >> self.scale_bits).wrapping_add(slot - cumulative);
        self.symbol.0[id]
    }
}
