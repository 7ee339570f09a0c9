//! Rows of 16 positions with a tag of one byte each: a position's hash names its row, and one
//! comparison of 16 tags finds those in it that are worth a look, the newest first.

use crate::{
    lz::{
        encode::Chunks,
        matcher::{
            END, Effort, Found, LONGEST_STEP, cleared, common_len, common_len_before, gain, hash, load32, load64,
            repeat_at,
        },
    },
    simd::{Work, compiled_for, equal_bytes, prefetch_line},
};

/// Positions of a row.
const ROW: usize = 16;

/// Matches of this length are taken at once.
const NICE: usize = 192;

/// A match of four bytes from further back costs more than its literals.
const NEAR: usize = 1 << 16;

/// Of a stretch longer than `SKIPPED`, only so many positions at each end are learned.
const LEARNED: usize = 96;
const SKIPPED: usize = 4 * LEARNED;

const TAG_BITS: u32 = 8;

/// So many positions before its turn a row is asked for: most rows are not in a cache.
const AHEAD: usize = 8;

/// The positions of a row: one line of a cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Positions([u32; ROW]);

#[derive(Debug, Default)]
pub(super) struct Rows {
    positions: Vec<Positions>,
    tags: Vec<[u8; ROW]>,
    /// Where the newest position of each row stands.
    heads: Vec<u8>,
}

impl Rows {
    /// `log`: of the number of rows.
    pub(super) fn run(&mut self, raw: &[u8], log: u32, effort: Effort, chunks: &mut Chunks<'_>) {
        if raw.len() < 2 * END {
            return;
        }
        let rows = 1 << log;
        let finder = Finder {
            raw,
            positions: cleared(&mut self.positions, rows, Positions::default()),
            tags: cleared(&mut self.tags, rows, [0; ROW]),
            heads: cleared(&mut self.heads, rows, 0),
            hash_bits: log + TAG_BITS,
            next: 1,
            ahead: AHEAD,
        };
        compiled_for(chunks.kernel(), Parse { finder, effort, chunks });
    }
}

struct Parse<'a, 'c> {
    finder: Finder<'a>,
    effort: Effort,
    chunks: &'a mut Chunks<'c>,
}

impl Work for Parse<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { mut finder, effort, chunks } = self;
        let raw = finder.raw;
        let end = raw.len() - END;
        let (mut anchor, mut at) = (0, 1);
        let mut repeats = [1, 4, 8];
        while at < end {
            let found = finder.find(at, effort.depth, repeats);
            if found.is_none() {
                let step = (1 + (at - anchor) / 256).min(LONGEST_STEP);
                at += step;
                if step > 4 {
                    finder.next = finder.next.max(at);
                    finder.ahead = step;
                }
                continue;
            }
            finder.ahead = AHEAD;
            let (mut start, found) = finder.wait_for_better(at, end, found, effort, repeats);
            let Found { mut length, offset, .. } = found;
            if offset != repeats[0] {
                let before = common_len_before(raw, anchor, start, offset);
                (start, length) = (start - before, length + before);
            }
            chunks.sequence(start, length, offset);
            let [first, second, third] = repeats;
            if offset == second {
                repeats = [second, first, third];
            } else if offset != first {
                repeats = [offset, first, second];
            }
            at = start + length;
            if let Some(end) = chunks.lost_until() {
                at = at.max(end);
            }
            anchor = at;
        }
    }
}

struct Finder<'a> {
    raw: &'a [u8],
    positions: &'a mut [Positions],
    tags: &'a mut [[u8; ROW]],
    heads: &'a mut [u8],
    hash_bits: u32,
    /// All positions before this one are learned, or skipped.
    next: usize,
    /// The row that is asked for is that of the position so far ahead.
    ahead: usize,
}

impl Finder<'_> {
    /// Looks for a better match behind the one that was `found` at `at`; the best and its place
    /// come back.
    #[inline(always)]
    fn wait_for_better(
        &mut self,
        at: usize,
        end: usize,
        found: Found,
        effort: Effort,
        repeats: [usize; 3],
    ) -> (usize, Found) {
        let (mut start, mut best, mut steps) = (at, found, 0);
        while steps < effort.lazy && start + 1 + steps < end && best.length < NICE {
            let place = start + 1 + steps;
            let next = self.find(place, effort.depth, repeats);
            if next.beats(best, steps) {
                (start, best, steps) = (place, next, 0);
            } else {
                steps += 1;
            }
        }
        (start, best)
    }

    /// The best match at `at`, which is learned, as all before it are.
    #[inline(always)]
    fn find(&mut self, at: usize, depth: usize, repeats: [usize; 3]) -> Found {
        let raw = self.raw;
        let mut best = repeat_at(raw, at, repeats[0], 4).or(repeat_at(raw, at, repeats[1], 0));
        self.learn_up_to(at);
        let word = load64(raw, at);
        let (row, tag) = self.place(word);
        let head = self.heads[row];
        let mut matching = equal_bytes(&self.tags[row], tag).rotate_right(head.into());
        let mut candidates = [0_u32; ROW];
        let mut count = 0;
        while count < depth && matching != 0 {
            let index = (matching.trailing_zeros() as usize + usize::from(head)) % ROW;
            matching &= matching - 1;
            let candidate = self.positions[row].0[index];
            if let Some(byte) = raw.get(candidate as usize) {
                prefetch_line(byte);
            }
            candidates[count % ROW] = candidate;
            count += 1;
        }
        // What is no longer than a match with a repeated offset is not worth its offset.
        let mut longest = best.length.max(3);
        for &candidate in candidates.iter().take(count) {
            let candidate = candidate as usize;
            // These four bytes tell most of those that are no longer than the longest so far.
            let differ = load32(raw, candidate + longest - 3) != load32(raw, at + longest - 3);
            if differ || candidate == 0 || candidate >= at {
                continue;
            }
            let length = common_len(raw, candidate, at);
            if length > longest {
                longest = length;
                let offset = at - candidate;
                if length > 4 || offset < NEAR {
                    best = best.or(Found { length, offset, gain: gain(length, offset, 3) });
                }
            }
        }
        self.learn(row, tag, at);
        self.next = self.next.max(at + 1);
        best
    }

    #[inline(always)]
    fn learn_up_to(&mut self, end: usize) {
        if end > self.next + SKIPPED {
            for at in self.next..self.next + LEARNED {
                let (row, tag) = self.place(load64(self.raw, at));
                self.learn(row, tag, at);
            }
            self.next = end - LEARNED;
        }
        while self.next < end {
            let (row, tag) = self.place(load64(self.raw, self.next));
            self.learn(row, tag, self.next);
            self.next += 1;
        }
    }

    /// The row of the bytes in `word`, and their tag.
    #[inline(always)]
    fn place(&self, word: u64) -> (usize, u8) {
        let hash = hash::<5>(word, self.hash_bits);
        (hash >> TAG_BITS, hash as u8)
    }

    #[inline(always)]
    fn learn(&mut self, row: usize, tag: u8, at: usize) {
        let (soon, _) = self.place(load64(self.raw, at + self.ahead));
        if let (Some(tags), Some(positions)) = (self.tags.get(soon), self.positions.get(soon)) {
            prefetch_line(tags);
            prefetch_line(positions);
        }
        let head = self.heads[row].wrapping_sub(1) % ROW as u8;
        self.heads[row] = head;
        self.tags[row][usize::from(head)] = tag;
        self.positions[row].0[usize::from(head)] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_match_are_found() {
        let mut tags = [0; ROW];
        for index in [0, 3, 15] {
            tags[index] = 0x80;
        }
        assert_eq!(equal_bytes(&tags, 0x80), 1 << 0 | 1 << 3 | 1 << 15);
        assert_eq!(equal_bytes(&tags, 0x81), 0);
    }
}
