//! Two tables, by eight bytes and by five, the newest position of each hash. A short match waits
//! for a better one at the next position.

use std::hint::select_unpredictable;

use crate::{
    lz::{
        encode::Chunks,
        matcher::{
            BASE, END, Found, LONGEST_STEP, common_len, common_len_before, entry::Entry, first_byte_of, gain, hash,
            load32, load64, repeat_at,
        },
    },
    simd::Work,
};

/// A match of four bytes from further back costs more than its literals.
const NEAR: usize = 1 << 16;

/// After so many bytes without a match the steps become longer by one.
const PATIENCE: usize = 256;

/// Parses by two tables with so many entries, of which this is the logarithm; 0: as many as they
/// have. What is known when it is compiled takes no register.
pub(super) struct Parse<'a, 'c, const LONG: u32, const SHORT: u32> {
    pub(super) raw: &'a [u8],
    pub(super) long: &'a mut [Entry],
    pub(super) short: &'a mut [Entry],
    /// Matches of so many bytes are taken at once.
    pub(super) nice: usize,
    pub(super) chunks: &'a mut Chunks<'c>,
}

impl<const LONG: u32, const SHORT: u32> Work for Parse<'_, '_, LONG, SHORT> {
    #[inline(always)]
    fn run(self) {
        let Self { raw, long, short, nice, chunks } = self;
        if raw.len() < 2 * END || long.is_empty() || short.is_empty() {
            return;
        }
        let end = raw.len() - END;
        let (long, short) = (Table::<LONG>::new(long), Table::<SHORT>::new(short));
        let mut finder = Finder { raw, long, short };
        let (mut anchor, mut at) = (0, 1);
        let mut repeats = [1, 4];
        while let Some((mut start, mut found)) = finder.first_match(at, repeats[0]) {
            while start + 1 < end && found.length < nice {
                let next = finder.look(start + 1, repeats[0]).found(raw, start + 1, repeats[0]);
                if !next.beats(found, 0) {
                    break;
                }
                (found, start) = (next, start + 1);
            }
            let offset = found.offset;
            // Does not wait for what stands before it.
            at = start + found.length;
            if offset != repeats[0] {
                start -= common_len_before(raw, anchor, start, offset);
                repeats = [offset, repeats[0]];
            }
            chunks.sequence(start, at - start, offset);
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

/// The newest position of each hash.
struct Table<'a, const BITS: u32> {
    entries: &'a mut [Entry],
    bits: u32,
}

impl<'a, const BITS: u32> Table<'a, BITS> {
    #[inline(always)]
    fn new(entries: &'a mut [Entry]) -> Self {
        if BITS > 0 {
            return Self { entries: &mut entries[..1 << BITS], bits: BITS };
        }
        let bits = entries.len().ilog2();
        Self { entries, bits }
    }

    /// The entry with the hash of the lowest `BYTES` bytes of `word`, in whose place `entry` is
    /// put.
    #[inline(always)]
    fn exchange<const BYTES: u32>(&mut self, word: u64, entry: Entry) -> Entry {
        let slot = hash::<BYTES>(word, self.bits) & (self.entries.len() - 1);
        std::mem::replace(&mut self.entries[slot], entry)
    }
}

struct Finder<'a, const LONG: u32, const SHORT: u32> {
    raw: &'a [u8],
    long: Table<'a, LONG>,
    short: Table<'a, SHORT>,
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

impl<const LONG: u32, const SHORT: u32> Finder<'_, LONG, SHORT> {
    /// The first position from `at` on that has a match, and that.
    #[inline(always)]
    fn first_match(&mut self, mut at: usize, last: usize) -> Option<(usize, Found)> {
        let raw = self.raw;
        let (end, begin) = (raw.len() - END, at);
        let (mut step, mut patience) = (1, at + PATIENCE);
        while at < end {
            let looked = self.look(at, last);
            if looked.may_match() {
                let found = looked.found(raw, at, last);
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
        Looked {
            word,
            entry,
            long: self.long.exchange::<8>(word, entry),
            short: self.short.exchange::<5>(word, entry),
            is_last: load32(raw, at - last) == word as u32,
        }
    }

    #[inline(always)]
    fn insert_both(&mut self, at: usize) {
        let word = load64(self.raw, at);
        let entry = Entry::new(word, at);
        self.long.exchange::<8>(word, entry);
        self.short.exchange::<5>(word, entry);
    }

    #[inline(always)]
    fn insert_long(&mut self, at: usize) {
        let word = load64(self.raw, at);
        self.long.exchange::<8>(word, Entry::new(word, at));
    }

    #[inline(always)]
    fn insert_short(&mut self, at: usize) {
        let word = load64(self.raw, at);
        self.short.exchange::<5>(word, Entry::new(word, at));
    }
}

impl Looked {
    /// Whether there may be a match. That takes no look at bytes far back, which most positions
    /// need not wait for, and one branch.
    #[inline(always)]
    fn may_match(self) -> bool {
        let nearer = self.long.difference(self.entry).min(self.short.difference(self.entry));
        Entry::is_of_alike(select_unpredictable(self.is_last, 0, nearer))
    }

    /// The best match at `at`, if there is one that is worth it.
    #[inline(always)]
    fn found(self, raw: &[u8], at: usize, last: usize) -> Found {
        let mut best = Found::default();
        if self.is_last {
            let length = 4 + common_len(raw, at + 4 - last, at + 4);
            best = Found { length, offset: last, gain: BASE + 4 * length + 4 };
        }
        let (length, offset) = self.match_in_tables(raw, at);
        let found = Found { length, offset, gain: gain(length, offset, 4) };
        if length > 4 || length == 4 && offset < NEAR { best.or(found) } else { best }
    }

    /// How many bytes the match has that the tables know, or fewer than four; and its offset, which
    /// is not 0. The long one is better, where it is one.
    #[inline(always)]
    fn match_in_tables(self, raw: &[u8], at: usize) -> (usize, usize) {
        let Self { word, entry, .. } = self;
        let long = self.long.position();
        if self.long.may_equal(entry) && load64(raw, long) == word {
            return (8 + common_len(raw, long + 8, at + 8), at - long);
        }
        // Whether there is a short one, no processor foresees: it has no bytes where the tags
        // differ, and no bytes far back are waited for.
        let may_be_short = self.short.may_equal(entry);
        let short = select_unpredictable(may_be_short, self.short.position(), at - 1);
        let differs = select_unpredictable(may_be_short, load64(raw, short) ^ word, 1);
        let length = if differs != 0 { first_byte_of(differs) } else { 8 + common_len(raw, short + 8, at + 8) };
        (length, at - short)
    }
}
