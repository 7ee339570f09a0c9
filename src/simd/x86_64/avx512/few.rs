//! Tables for few symbols: from slots to ids with half the shuffles that many symbols take, and
//! from ids to words at once.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{Bytes, PAIR, from_bytes, from_words, unpack};
use crate::{model::Frequencies, rans::segment::LANES};

/// The most symbols: words for as many fit into a vector.
pub(super) const FEW: usize = LANES;

/// From slots to symbols by a line of ids. The line has an id for each slot, in their order, but of
/// each symbol no more than a bucket has slots.
///
/// The ids of a bucket's slots stand side by side there, wherever the bucket begins: a symbol whose
/// slots begin and end in it has them all in the line, and of another one there are enough. So a
/// slot's id stands at the place of its bucket plus the slot's number in the bucket.
///
/// A bucket has 16 slots at most, so 16 symbols have room in a line of 256 ids. Up to [`FEW`] may
/// have.
#[derive(Debug, Clone)]
pub(super) struct FewTables {
    /// For each of 256 buckets: the place of its first slot's id in the line.
    places: Bytes,
    line: Bytes,
    words: WordTables,
    symbols: [u8; 2 * FEW],
}

/// A word for each id.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct WordTables {
    /// `frequency << (16 - scale_bits)`.
    frequencies: [u16; FEW],
    cumulatives: [u16; FEW],
}

impl FewTables {
    pub(super) const NONE: Self = Self {
        places: Bytes([0; 256]),
        line: Bytes([0; 256]),
        words: WordTables { frequencies: [0; FEW], cumulatives: [0; FEW] },
        symbols: [0; _],
    };

    /// Makes tables for symbols of which none has all slots, 8 to 12 bits of them. `false`: there
    /// are too many.
    pub(super) fn fill(&mut self, frequencies: &Frequencies) -> bool {
        let shift = 16 - frequencies.scale_bits();
        let bucket_len = 1 << (frequencies.scale_bits() - 8);
        let (mut bucket, mut place) = (0, 0);
        for (id, (symbol, frequency, cumulative)) in frequencies.used().enumerate() {
            let run = (frequency as usize).min(bucket_len);
            let end = (cumulative + frequency) as usize;
            if id >= FEW || place + run > self.line.0.len() {
                return false;
            }
            self.words.frequencies[id] = (frequency << shift) as u16;
            self.words.cumulatives[id] = cumulative as u16;
            self.symbols[id] = symbol;
            self.line.0[place..place + run].fill(id as u8);
            let next_bucket = end.div_ceil(bucket_len);
            self.places.0[bucket..next_bucket].fill(place as u8);
            if bucket < next_bucket {
                let left = end - (next_bucket - 1) * bucket_len;
                self.places.0[next_bucket - 1] = (place + run - left.min(run)) as u8;
            }
            bucket = next_bucket;
            place += run;
        }
        true
    }

    /// The ids at slots `within` their `buckets`.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    pub(super) fn ids(&self, buckets: __m512i, within: __m512i) -> __m512i {
        let places = _mm512_add_epi8(self.places.look_up::<256>(buckets), within);
        self.line.look_up::<256>(places)
    }

    /// `frequency << (16 - scale_bits)` for the ids of a segment in words, of which the lowest five
    /// bits count.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn frequencies(&self, ids: __m512i) -> __m512i {
        _mm512_permutexvar_epi16(ids, from_words(self.words.frequencies))
    }

    /// The same for cumulative frequencies.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn cumulatives(&self, ids: __m512i) -> __m512i {
        _mm512_permutexvar_epi16(ids, from_words(self.words.cumulatives))
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    pub(super) fn symbols(&self, ids: __m512i) -> __m512i {
        _mm512_permutexvar_epi8(ids, from_bytes(self.symbols))
    }
}

/// The ids of a pair in words, for each of its segments.
#[inline]
#[target_feature(enable = "avx512bw")]
pub(super) fn words(ids: __m512i) -> [__m512i; PAIR] {
    unpack(ids, ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many symbols in steps of 5. All have one slot but some, which share what is left.
    fn frequencies(symbols: usize, large: usize, scale_bits: u8) -> Frequencies {
        let mut of = [0; 256];
        let mut left = (1 << scale_bits) - symbols;
        for index in 0..symbols {
            // The large ones stand apart, in no regular places.
            let is_large = index * 7 % symbols < large;
            let share = if is_large { left / 2 } else { 0 };
            left -= share;
            of[5 * index] = 1 + share as u16;
        }
        of[0] += left as u16;
        Frequencies::new(of, scale_bits).expect("they sum to the scale")
    }

    fn of_slot(tables: &FewTables, slot: usize, scale_bits: u8) -> usize {
        let bucket_bits = scale_bits - 8;
        let place = usize::from(tables.places.0[slot >> bucket_bits]) + slot % (1 << bucket_bits);
        usize::from(tables.line.0[place])
    }

    #[test]
    fn every_slot_finds_its_symbol() {
        let mut filled = [0; FEW + 2];
        for scale_bits in 9..=12 {
            for (symbols, large) in (2..FEW + 2).flat_map(|symbols| (1..=symbols).map(move |large| (symbols, large))) {
                let frequencies = frequencies(symbols, large, scale_bits);
                let mut tables = FewTables::NONE;
                if !tables.fill(&frequencies) {
                    continue;
                }
                filled[symbols] += 1;
                for (symbol, frequency, cumulative) in frequencies.used() {
                    for slot in cumulative..cumulative + frequency {
                        let id = of_slot(&tables, slot as usize, scale_bits);
                        assert_eq!(tables.symbols[id], symbol, "slot {slot} of {symbols}, {scale_bits} bits");
                        assert_eq!(u32::from(tables.words.frequencies[id]), frequency << (16 - scale_bits));
                        assert_eq!(u32::from(tables.words.cumulatives[id]), cumulative);
                    }
                }
            }
        }
        // 16 symbols have room whatever their frequencies are, more of them where some are rare.
        for (symbols, &filled) in filled.iter().enumerate().skip(2) {
            assert!(if symbols <= 16 { filled == 4 * symbols } else { (filled > 0) == (symbols <= FEW) }, "{symbols}");
        }
    }
}
