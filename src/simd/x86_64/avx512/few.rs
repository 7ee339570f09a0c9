//! Tables for at most 16 symbols.
//!
//! With so few, most buckets of slots have one symbol or two. So a byte tells all of a bucket, and
//! one look-up finds a slot's symbol where [`Tables`](super::tables::Tables) takes three.

mod run;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{
    Bytes, PAIR, Words, from_bytes,
    rounds::{self, Next, Places, Rounds},
};
use crate::{
    model::Frequencies,
    rans::segment::{LANES, Table},
};
use run::{Scale, decode_round, few_run, look_up};

/// The most symbols, and the most codes.
pub(super) const FEW: usize = 16;

/// Buckets of a scale, and the slots that each has at most.
const BUCKETS: usize = 256;
const BUCKET: usize = 16;

/// Buckets that are written together.
const RUN: usize = 16;

/// The most buckets that more than two symbols have slots in.
const CROWDED: usize = 4;

/// From slots to ids, and from ids to all else. An id is a symbol's rank among those that have
/// slots, first those that have some outside crowded buckets.
///
/// A bucket has a code in the upper four bits of its byte. To the byte the slot's number in the
/// bucket is added, as a bucket of 16 slots would count it:
///
/// - A bucket of one symbol: the code is its id, the lower four bits are 0.
/// - A bucket of two, of which the second starts at number `n`: the code is the id of the first,
///   the lower bits are `16 - n`. So from `n` on the sum has the id of the second.
/// - A crowded bucket, of more symbols: the code is that of the bucket, and the sum tells where the
///   id stands in `crowded`.
///
/// What is added, the lower byte of a slot in a scale of 12 bits, also has the lower four bits of
/// the bucket's number: they were taken off the bucket's byte.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct FewTables {
    buckets: Bytes,
    /// For each number in the crowded buckets the id, in the upper four bits. Those of a bucket
    /// stand at the lowest two bits of its code times 16.
    crowded: [u8; CROWDED * BUCKET],
    /// `frequency << (16 - scale_bits)` of each id, twice: the fifth bit of an index is any.
    frequencies: [u16; LANES],
    /// The cumulative frequency of each id, twice.
    cumulatives: [u16; LANES],
    /// The symbol of each id, four times.
    by_id: [u8; 4 * FEW],
    /// Sums above it are of crowded buckets.
    last: u8,
    symbols: u8,
    scale_bits: u8,
}

impl Rounds for FewTables {
    const NONE: Self = Self {
        buckets: Bytes([0; BUCKETS]),
        crowded: [0; _],
        frequencies: [0; _],
        cumulatives: [0; _],
        by_id: [0; _],
        last: 0,
        symbols: 0,
        scale_bits: 0,
    };

    const LOOKS_FOR_WORDS: bool = true;

    fn fill(&mut self, frequencies: &Frequencies) -> bool {
        let Some(Ranked { symbols, count, crowded, outside }) = Ranked::new(frequencies) else { return false };
        self.scale_bits = frequencies.scale_bits();
        self.symbols = count as u8;
        self.last = (FEW * outside - 1) as u8;
        let scaled = 12 - self.scale_bits;
        let bucket = 1 << (self.scale_bits - 8);
        for &Symbol { byte, start, end, id } in &symbols[..count] {
            for copy in self.frequencies.as_chunks_mut::<FEW>().0 {
                copy[usize::from(id)] = (end - start) << (4 + scaled);
            }
            for copy in self.cumulatives.as_chunks_mut::<FEW>().0 {
                copy[usize::from(id)] = start;
            }
            for copy in self.by_id.as_chunks_mut::<FEW>().0 {
                copy[usize::from(id)] = byte;
            }
            // What it writes into crowded buckets is written again below.
            let number = (start % bucket) << scaled;
            if number > 0 {
                self.buckets.0[usize::from(start / bucket)] |= (BUCKET as u16 - number) as u8;
            }
            // Whole runs, which may reach into the buckets of later symbols.
            for first in (start.div_ceil(bucket)..end.div_ceil(bucket)).step_by(RUN) {
                let behind = &mut self.buckets.0[first.into()..];
                match behind.first_chunk_mut::<RUN>() {
                    Some(run) => *run = [id << 4; RUN],
                    None => behind.fill(id << 4),
                }
            }
        }
        for (&at, code) in crowded.buckets().iter().zip(outside..) {
            self.buckets.0[usize::from(at)] = (code << 4) as u8;
            let numbers = &mut self.crowded[code % CROWDED * BUCKET..][..BUCKET];
            for (number, slot) in numbers.iter_mut().zip(0..) {
                let slot = at * bucket + (slot >> scaled);
                // Every slot has a symbol.
                let symbol = symbols[..count].iter().find(|symbol| slot < symbol.end);
                *number = symbol.map_or(0, |symbol| symbol.id << 4);
            }
        }
        for buckets in self.buckets.0.as_chunks_mut::<16>().0 {
            for (byte, at) in buckets.iter_mut().zip(0..) {
                *byte = byte.wrapping_sub(at << 4);
            }
        }
        true
    }

    fn symbols(&self) -> usize {
        self.symbols.into()
    }

    fn scale_bits(&self) -> u8 {
        self.scale_bits
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        tables: &[Self; TABLES],
        _: &rounds::Scale,
        x: &mut [[Words; PAIR]; PAIRS],
        next: &mut Next<PAIRS>,
    ) -> [__m512i; PAIRS] {
        let scale = Scale::new(tables[0].scale_bits);
        let mut ahead = look_up(tables, &scale, x, 0, false);
        // SAFETY: the caller promised 64 bytes.
        let symbols = unsafe { decode_round::<false, _, _>(tables, &scale, x, next, &mut ahead) };
        each!(PAIRS, |pair| _mm512_shuffle_epi8(symbols[pair], from_bytes(SIDE_BY_SIDE)))
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
    unsafe fn decode_run<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
        places: &Places<PAIRS>,
        tables: &[Self; TABLES],
        states: &mut [[Words; PAIR]; PAIRS],
    ) -> (Next<PAIRS>, usize) {
        // SAFETY: as the caller promised.
        unsafe { few_run(places, tables, states) }
    }
}

/// Where the lower bytes of eight words stand, and where the upper ones do, four times.
const SIDE_BY_SIDE: [u8; 64] = {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        places[at] = (at % 8 * 2 + at / 8 % 2) as u8;
        at += 1;
    }
    places
};

impl Table for FewTables {
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        let slot = *state & ((1 << self.scale_bits) - 1);
        let of_12_bits = slot << (12 - self.scale_bits);
        let sum = self.buckets.0[of_12_bits as usize >> 4 & 0xFF].wrapping_add(of_12_bits as u8);
        let sum = if sum > self.last { self.crowded[usize::from(sum) % self.crowded.len()] } else { sum };
        let id = usize::from(sum >> 4);
        let frequency = u32::from(self.frequencies[id]) >> (16 - self.scale_bits);
        let offset = slot.wrapping_sub(self.cumulatives[id].into());
        *state = frequency.wrapping_mul(*state >> self.scale_bits).wrapping_add(offset);
        self.by_id[id]
    }
}

/// A symbol that has slots, from `start` to before `end`.
#[derive(Debug, Clone, Copy, Default)]
struct Symbol {
    byte: u8,
    id: u8,
    start: u16,
    end: u16,
}

/// The symbols that have slots, and the buckets that are crowded with them.
#[derive(Debug)]
struct Ranked {
    symbols: [Symbol; FEW],
    count: usize,
    crowded: Crowded,
    /// How many symbols have slots outside crowded buckets. Never 0: most buckets are not crowded.
    outside: usize,
}

impl Ranked {
    /// `None`: there are too many symbols or crowded buckets, or one symbol has all slots, or a
    /// bucket is a slot.
    fn new(frequencies: &Frequencies) -> Option<Self> {
        let bucket_bits = frequencies.scale_bits().checked_sub(8).filter(|bits| (1..=4).contains(bits))?;
        let mut symbols = [Symbol::default(); FEW];
        let mut count = 0;
        for (byte, frequency, cumulative) in frequencies.used() {
            let (start, end) = (cumulative as u16, (cumulative + frequency) as u16);
            *symbols.get_mut(count)? = Symbol { byte, id: 0, start, end };
            count += 1;
        }
        if count < 2 {
            return None;
        }
        let crowded = Crowded::find(&symbols[..count], bucket_bits)?;
        let outside = crowded.rank(&mut symbols[..count], bucket_bits);
        Some(Self { symbols, count, crowded, outside })
    }
}

/// The buckets that more than two symbols have slots in.
#[derive(Debug, Default)]
struct Crowded {
    buckets: [u16; CROWDED],
    count: usize,
}

impl Crowded {
    /// `None`: they are too many.
    fn find(symbols: &[Symbol], bucket_bits: u8) -> Option<Self> {
        let mut found = Self::default();
        let mut last_shared = None;
        for symbol in symbols.iter().filter(|symbol| symbol.start % (1 << bucket_bits) > 0) {
            let bucket = symbol.start >> bucket_bits;
            if last_shared.replace(bucket) == Some(bucket) && found.buckets().last() != Some(&bucket) {
                *found.buckets.get_mut(found.count)? = bucket;
                found.count += 1;
            }
        }
        Some(found)
    }

    fn buckets(&self) -> &[u16] {
        &self.buckets[..self.count]
    }

    /// Gives ids, first to the symbols that have slots outside these buckets; how many those are
    /// comes back. Each of these buckets has all slots of a symbol: so they are no more than the
    /// other symbols, and there are codes for all.
    fn rank(&self, symbols: &mut [Symbol], bucket_bits: u8) -> usize {
        let is_outside = |symbol: &Symbol| {
            let mut buckets = symbol.start >> bucket_bits..=(symbol.end - 1) >> bucket_bits;
            buckets.any(|bucket| !self.buckets().contains(&bucket))
        };
        let outside = symbols.iter().filter(|symbol| is_outside(symbol)).count();
        let (mut next, mut next_inside) = (0, outside as u8);
        for symbol in symbols {
            let id = if is_outside(symbol) { &mut next } else { &mut next_inside };
            symbol.id = *id;
            *id += 1;
        }
        outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many symbols in steps of 5. All have `least` slots but some, which share what is left.
    fn frequencies(symbols: usize, large: usize, least: u16, scale_bits: u8) -> Option<Frequencies> {
        let mut of = [0; 256];
        let mut left = (1_u16 << scale_bits).checked_sub(symbols as u16 * least)?;
        for index in 0..symbols {
            // The large ones stand apart, in no regular places.
            let share = if index * 7 % symbols < large { left / 2 } else { 0 };
            left -= share;
            of[5 * index] = least + share;
        }
        of[0] += left;
        Frequencies::new(of, scale_bits).ok()
    }

    #[test]
    fn every_slot_finds_its_symbol_and_the_state_behind_it() {
        let mut filled = [0; FEW + 2];
        for scale_bits in 9..=12 {
            for (symbols, large, least) in (2..FEW + 2)
                .flat_map(|symbols| (1..=symbols).flat_map(move |large| [1, 3, 9].map(|least| (symbols, large, least))))
            {
                let Some(frequencies) = frequencies(symbols, large, least, scale_bits) else { continue };
                let mut tables = FewTables::NONE;
                if !tables.fill(&frequencies) {
                    continue;
                }
                assert_eq!(tables.symbols(), symbols);
                filled[symbols] += 1;
                for (symbol, frequency, cumulative) in frequencies.used() {
                    for slot in cumulative..cumulative + frequency {
                        let above = 0x5A7 + 77 * slot;
                        let mut state = above << scale_bits | slot;
                        assert_eq!(tables.decode(&mut state), symbol, "slot {slot} of {symbols}, {scale_bits} bits");
                        assert_eq!(state, frequency * above + slot - cumulative);
                    }
                }
            }
        }
        assert!(filled[2..=FEW].iter().all(|&filled| filled > 0) && filled[FEW + 1] == 0, "{filled:?}");
    }
}
