//! Two tables, by eight bytes and by five, the newest position of each hash. A match waits for a
//! better one at the next position.

use crate::{
    lz::{
        encode::Chunks,
        matcher::{END, Found, LONGEST_STEP, common_len, common_len_before, gain, hash, load32, load64, repeat_at},
    },
    simd::prefetch_line,
};

/// Matches of this length are taken at once.
const NICE: usize = 64;

/// A match of four bytes from further back costs more than its literals.
const NEAR: usize = 1 << 16;

pub(super) fn run(raw: &[u8], long: &mut [u32], short: &mut [u32], chunks: &mut Chunks<'_>) {
    let end = raw.len() - END;
    let mut finder = Finder { raw, long_bits: long.len().ilog2(), short_bits: short.len().ilog2(), long, short };
    let (mut anchor, mut at) = (0, 1);
    let mut repeats = [1, 4];
    while at < end {
        let mut found = finder.find(at, repeats);
        if found.is_none() {
            at += (1 + (at - anchor) / 256).min(LONGEST_STEP);
            continue;
        }
        let mut start = at;
        while start + 1 < end && found.length < NICE {
            let next = finder.find(start + 1, repeats);
            if !next.beats(found, 0) {
                break;
            }
            (found, start) = (next, start + 1);
        }
        let Found { mut length, offset, .. } = found;
        if offset != repeats[0] {
            let before = common_len_before(raw, anchor, start, offset);
            (start, length) = (start - before, length + before);
            repeats = [offset, repeats[0]];
        }
        chunks.sequence(start, length, offset);
        at = start + length;
        anchor = at;
        if at >= end {
            break;
        }
        finder.insert_both(start + 2);
        finder.insert_long(at - 2);
        finder.insert_short(at - 1);
        while at < end {
            let again = repeat_at(raw, at, repeats[1], 0);
            if again.is_none() {
                break;
            }
            finder.insert_both(at);
            chunks.sequence(at, again.length, again.offset);
            repeats.swap(0, 1);
            at += again.length;
            anchor = at;
        }
    }
}

struct Finder<'a> {
    raw: &'a [u8],
    long: &'a mut [u32],
    short: &'a mut [u32],
    long_bits: u32,
    short_bits: u32,
}

impl Finder<'_> {
    /// The best match at `at`, which both tables learn.
    #[inline]
    fn find(&mut self, at: usize, repeats: [usize; 2]) -> Found {
        let raw = self.raw;
        let word = load64(raw, at);
        let long = std::mem::replace(&mut self.long[hash::<8>(word, self.long_bits)], at as u32) as usize;
        let short = std::mem::replace(&mut self.short[hash::<5>(word, self.short_bits)], at as u32) as usize;
        self.ask_for(at + 1);
        let mut best = repeat_at(raw, at, repeats[0], 4);
        if best.is_none() {
            best = repeat_at(raw, at, repeats[1], 0);
        }
        if long > 0 && load64(raw, long) == word {
            best.or(found(8 + common_len(raw, long + 8, at + 8), at - long))
        } else if short > 0 && load32(raw, short) == word as u32 {
            let found = found(4 + common_len(raw, short + 4, at + 4), at - short);
            if found.length > 4 || found.offset < NEAR { best.or(found) } else { best }
        } else {
            best
        }
    }

    /// Asks for what is found at `at`, which mostly is looked at next: the bytes are far from each
    /// other, and few of them in a cache.
    #[inline]
    fn ask_for(&self, at: usize) {
        let word = load64(self.raw, at);
        let (long, short) = (hash::<8>(word, self.long_bits), hash::<5>(word, self.short_bits));
        for candidate in [self.long[long], self.short[short]] {
            if let Some(byte) = self.raw.get(candidate as usize) {
                prefetch_line(byte);
            }
        }
    }

    fn insert_both(&mut self, at: usize) {
        self.insert_long(at);
        self.insert_short(at);
    }

    fn insert_long(&mut self, at: usize) {
        self.long[hash::<8>(load64(self.raw, at), self.long_bits)] = at as u32;
    }

    fn insert_short(&mut self, at: usize) {
        self.short[hash::<5>(load64(self.raw, at), self.short_bits)] = at as u32;
    }
}

#[inline]
fn found(length: usize, offset: usize) -> Found {
    Found { length, offset, gain: gain(length, offset, 4) }
}
