//! Two tables, by eight bytes and by five, the newest position of each hash. A short match waits
//! for a better one at the next position.

use crate::{
    lz::{
        encode::Chunks,
        matcher::{
            BASE, END, Found, LONGEST_STEP, common_len, common_len_before, entry::Entry, gain, hash, load32, load64,
            repeat_at,
        },
    },
    simd::Work,
};

/// A match of four bytes from further back costs more than its literals.
const NEAR: usize = 1 << 16;

/// After so many bytes without a match the steps become longer by one.
const PATIENCE: usize = 256;

/// Parses by two tables.
pub(super) struct Parse<'a, 'c> {
    pub(super) raw: &'a [u8],
    pub(super) long: &'a mut [Entry],
    pub(super) short: &'a mut [Entry],
    /// Matches of so many bytes are taken at once.
    pub(super) nice: usize,
    pub(super) chunks: &'a mut Chunks<'c>,
}

impl Work for Parse<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { raw, long, short, nice, chunks } = self;
        if raw.len() < 2 * END || long.is_empty() || short.is_empty() {
            return;
        }
        let end = raw.len() - END;
        let mut finder = Finder { raw, long_bits: long.len().ilog2(), short_bits: short.len().ilog2(), long, short };
        let (mut anchor, mut at) = (0, 1);
        let mut repeats = [1, 4];
        while let Some((mut start, mut found)) = finder.first_match(at, repeats[0]) {
            while start + 1 < end && found.length < nice {
                let next = finder.look(start + 1, repeats[0]).compared(raw).found(raw, start + 1, repeats[0]);
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
            if let Some(end) = chunks.lost_until() {
                at = at.max(end);
            }
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
}

struct Finder<'a> {
    raw: &'a [u8],
    long: &'a mut [Entry],
    short: &'a mut [Entry],
    long_bits: u32,
    short_bits: u32,
}

/// What the tables had for a position.
#[derive(Debug, Clone, Copy)]
struct Looked {
    /// The bytes there, and the entry that both tables have now.
    word: u64,
    entry: Entry,
    long: Entry,
    short: Entry,
    /// Whether the offset used last has a match.
    is_last: bool,
}

/// What the tables had for a position, and what of it matches.
#[derive(Debug, Clone, Copy)]
struct Candidates {
    long: usize,
    short: usize,
    is_long: bool,
    is_short: bool,
    is_last: bool,
}

impl Finder<'_> {
    /// The first position from `at` on that has a match, and that.
    #[inline(always)]
    fn first_match(&mut self, mut at: usize, last: usize) -> Option<(usize, Found)> {
        let raw = self.raw;
        let (end, begin) = (raw.len() - END, at);
        let (mut step, mut patience) = (1, at + PATIENCE);
        while at < end {
            let looked = self.look(at, last);
            if looked.may_match() {
                let found = looked.compared(raw).found(raw, at, last);
                if !found.is_none() {
                    return Some((at, found));
                }
            }
            at += step;
            if at >= patience {
                let times = (at - begin) / PATIENCE;
                step = (1 + times).min(LONGEST_STEP);
                patience = begin + (times + 1) * PATIENCE;
            }
        }
        None
    }

    /// Looks `at` up in both tables, which learn it.
    #[inline(always)]
    fn look(&mut self, at: usize, last: usize) -> Looked {
        let raw = self.raw;
        let word = load64(raw, at);
        let entry = Entry::new(word, at);
        let long_slot = hash::<8>(word, self.long_bits) & (self.long.len() - 1);
        let short_slot = hash::<5>(word, self.short_bits) & (self.short.len() - 1);
        Looked {
            word,
            entry,
            long: std::mem::replace(&mut self.long[long_slot], entry),
            short: std::mem::replace(&mut self.short[short_slot], entry),
            is_last: load32(raw, at - last) == word as u32,
        }
    }

    #[inline(always)]
    fn insert_both(&mut self, at: usize) {
        self.insert_long(at);
        self.insert_short(at);
    }

    #[inline(always)]
    fn insert_long(&mut self, at: usize) {
        let word = load64(self.raw, at);
        let slot = hash::<8>(word, self.long_bits) & (self.long.len() - 1);
        self.long[slot] = Entry::new(word, at);
    }

    #[inline(always)]
    fn insert_short(&mut self, at: usize) {
        let word = load64(self.raw, at);
        let slot = hash::<5>(word, self.short_bits) & (self.short.len() - 1);
        self.short[slot] = Entry::new(word, at);
    }
}

impl Looked {
    /// Whether there may be a match. That takes no look at bytes far back, which most positions
    /// need not wait for.
    #[inline(always)]
    fn may_match(self) -> bool {
        self.long.may_equal(self.entry) | self.short.may_equal(self.entry) | self.is_last
    }

    #[inline(always)]
    fn compared(self, raw: &[u8]) -> Candidates {
        let Self { word, entry, is_last, .. } = self;
        let (long, short) = (self.long.position(), self.short.position());
        Candidates {
            long,
            short,
            is_long: self.long.may_equal(entry) && load64(raw, long) == word,
            is_short: self.short.may_equal(entry) && load32(raw, short) == word as u32,
            is_last,
        }
    }
}

impl Candidates {
    /// The best match at `at`, if there is one that is worth it.
    #[inline(always)]
    fn found(self, raw: &[u8], at: usize, last: usize) -> Found {
        let mut best = Found::default();
        if self.is_last {
            let length = 4 + common_len(raw, at + 4 - last, at + 4);
            best = Found { length, offset: last, gain: BASE + 4 * length + 4 };
        }
        if self.is_long {
            best.or(found(8 + common_len(raw, self.long + 8, at + 8), at - self.long))
        } else if self.is_short {
            let found = found(4 + common_len(raw, self.short + 4, at + 4), at - self.short);
            if found.length > 4 || found.offset < NEAR { best.or(found) } else { best }
        } else {
            best
        }
    }
}

#[inline(always)]
fn found(length: usize, offset: usize) -> Found {
    Found { length, offset, gain: gain(length, offset, 4) }
}
