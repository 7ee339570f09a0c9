//! One table, the newest position of each hash; the first match found is taken.

use std::hint::select_unpredictable;

use crate::{
    lz::{
        encode::Chunks,
        matcher::{END, LONGEST_STEP, common_len, common_len_before, hash, load32, load64},
    },
    simd::Work,
};

/// After so many bytes without a match the steps become longer by one.
const PATIENCE: usize = 128;

/// Hashes `BYTES` bytes, 7 at most: two positions share a load of eight. Where neither of a pair
/// has a match, goes on `STEP` bytes further at first. `BITS`: the logarithm of the table's length,
/// or 0: whatever it is. What is known when it is compiled takes no register.
pub(super) struct Parse<'a, 'c, const BYTES: u32, const STEP: usize, const BITS: u32> {
    pub(super) raw: &'a [u8],
    pub(super) table: &'a mut [u32],
    pub(super) chunks: &'a mut Chunks<'c>,
}

impl<const BYTES: u32, const STEP: usize, const BITS: u32> Work for Parse<'_, '_, BYTES, STEP, BITS> {
    #[inline(always)]
    fn run(self) {
        let Self { raw, table, chunks } = self;
        if raw.len() < 2 * END || table.is_empty() {
            return;
        }
        let mut finder = Finder::<BYTES> { raw, bits: table.len().ilog2(), table };
        if BITS > 0 {
            finder = Finder { raw, bits: BITS, table: &mut finder.table[..1 << BITS] };
        }
        let end = raw.len() - END;
        let (mut anchor, mut at) = (0, 1);
        let [mut last, mut second] = [1, 4];
        while let Some((place, offset)) = finder.first_match::<STEP>(at, last) {
            let before = common_len_before(raw, anchor, place, offset);
            let start = place - before;
            at = place + 4 + common_len(raw, place + 4 - offset, place + 4);
            chunks.sequence(start, at - start, offset);
            second = select_unpredictable(offset == last, second, last);
            last = offset;
            if let Some(end) = chunks.lost_until() {
                at = at.max(end);
            }
            anchor = at;
            if at >= end {
                break;
            }
            finder.insert(place + 2);
            finder.insert(at - 2);
            while at < end && at >= second && load32(raw, at) == load32(raw, at - second) {
                let length = 4 + common_len(raw, at + 4 - second, at + 4);
                chunks.sequence(at, length, second);
                (last, second) = (second, last);
                finder.insert(at);
                at += length;
                anchor = at;
            }
        }
    }
}

struct Finder<'a, const BYTES: u32> {
    raw: &'a [u8],
    table: &'a mut [u32],
    bits: u32,
}

impl<const BYTES: u32> Finder<'_, BYTES> {
    /// Where the first match from `at` on stands, and its offset. It has at least four bytes.
    ///
    /// A pair of positions is looked at in one turn. A match with the offset used last is taken
    /// first: it needs no offset, and records that differ in a few bytes have one behind the other.
    ///
    /// Each outcome has a branch of its own, though not every one is foreseen: chosen without one,
    /// the place of the match would wait for the table and for what stands far back, and all that
    /// follows for the place.
    #[inline(always)]
    fn first_match<const STEP: usize>(&mut self, mut at: usize, last: usize) -> Option<(usize, usize)> {
        let raw = self.raw;
        if raw.len() < 2 * END || self.table.is_empty() {
            return None;
        }
        let end = raw.len() - END;
        let (mut step, mut patience) = (STEP, at + PATIENCE);
        while at < end {
            let word = load64(raw, at);
            let first = self.exchange(word, at);
            let next = self.exchange(word >> 8, at + 1);
            if load32(raw, at + 1 - last) == (word >> 8) as u32 {
                return Some((at + 1, last));
            }
            let is_first = load32(raw, first) == word as u32;
            let is_next = load32(raw, next) == (word >> 8) as u32;
            if is_first {
                return Some((at, at - first));
            }
            if is_next {
                return Some((at + 1, at + 1 - next));
            }
            at += step;
            if at > patience {
                step = (step + 1).min(LONGEST_STEP);
                patience = at + PATIENCE;
            }
        }
        None
    }

    /// The newest position with the hash of the lowest bytes of `word`, in whose place `at` is put.
    #[inline(always)]
    fn exchange(&mut self, word: u64, at: usize) -> usize {
        let slot = hash::<BYTES>(word, self.bits) & (self.table.len() - 1);
        std::mem::replace(&mut self.table[slot], at as u32) as usize
    }

    #[inline(always)]
    fn insert(&mut self, at: usize) {
        self.exchange(load64(self.raw, at), at);
    }
}
