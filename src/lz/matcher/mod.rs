//! Finds what stands in the block already, and chooses among what it finds.
//!
//! A table may hold any position before the one at hand: whoever takes one compares the bytes
//! there. A place that nothing was put in has position 0, so no finder begins before position 1.

mod entry;
#[cfg(not(target_family = "wasm"))]
mod nodes;
mod one_hash;
#[cfg(not(target_family = "wasm"))]
mod optimal;
#[cfg(not(target_family = "wasm"))]
mod prices;
mod rows;
#[cfg(not(target_family = "wasm"))]
mod tree;
mod two_hashes;

use std::hint::select_unpredictable;

#[cfg(not(target_family = "wasm"))]
use self::optimal::Optimal;
use self::{entry::Entry, rows::Rows};
use crate::{lz::encode::Chunks, simd::compiled_for};

/// Bytes at the end of a block where no match begins: every load of the finders stays inside.
const END: usize = 12;

/// No step becomes longer than this: behind much that has no match there may be as much that has.
const LONGEST_STEP: usize = 64;

/// The tables of all finders. Each takes what it needs.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    /// Of a finder with one table.
    newest: Vec<u32>,
    /// Of a finder with two.
    short: Vec<Entry>,
    long: Vec<Entry>,
    rows: Rows,
    #[cfg(not(target_family = "wasm"))]
    optimal: Optimal,
}

impl Matcher {
    /// Gives the sequences of `raw` to `chunks`, as `level` (1..=9) says.
    pub(super) fn run(&mut self, raw: &[u8], level: u8, chunks: &mut Chunks<'_>) {
        if raw.len() < 2 * END {
            return;
        }
        // A table larger than the block only takes time to clear.
        let log = raw.len().ilog2() + 1;
        let table = |bits: u32| 1 << bits.min(log);
        // Room for a quarter of all positions or less, but in blocks that fit some cache for all.
        let rows = |least: u32, share: u32| (log - 4).min(least.max(log.saturating_sub(share)));
        let kernel = chunks.kernel();
        match level {
            1 => {
                let table = cleared(&mut self.newest, table(14), 0);
                match table.len().ilog2() {
                    #[cfg(not(target_family = "wasm"))]
                    14 => compiled_for(kernel, one_hash::Parse::<7, 3, 14> { raw, table, chunks }),
                    _ => compiled_for(kernel, one_hash::Parse::<7, 3, 0> { raw, table, chunks }),
                }
            }
            2 => {
                let table = cleared(&mut self.newest, table(15), 0);
                match table.len().ilog2() {
                    #[cfg(not(target_family = "wasm"))]
                    15 => compiled_for(kernel, one_hash::Parse::<5, 2, 15> { raw, table, chunks }),
                    _ => compiled_for(kernel, one_hash::Parse::<5, 2, 0> { raw, table, chunks }),
                }
            }
            3 | 4 => {
                let (long, short, nice) = if level == 3 { (16, 15, 16) } else { (18, 17, 64) };
                let first = Entry::new(load64(raw, 0), 0);
                let long = cleared(&mut self.long, table(long), first);
                let short = cleared(&mut self.short, table(short), first);
                match (long.len().ilog2(), short.len().ilog2()) {
                    #[cfg(not(target_family = "wasm"))]
                    (16, 15) => compiled_for(kernel, two_hashes::Parse::<16, 15> { raw, long, short, nice, chunks }),
                    #[cfg(not(target_family = "wasm"))]
                    (18, 17) => compiled_for(kernel, two_hashes::Parse::<18, 17> { raw, long, short, nice, chunks }),
                    _ => compiled_for(kernel, two_hashes::Parse::<0, 0> { raw, long, short, nice, chunks }),
                }
            }
            #[cfg(not(target_family = "wasm"))]
            8 => self.optimal.run(raw, optimal::Effort::QUICK, chunks),
            #[cfg(not(target_family = "wasm"))]
            9 => self.optimal.run(raw, optimal::Effort::THOROUGH, chunks),
            _ => {
                let (log, effort) = match level {
                    5 => (rows(12, 9), Effort { depth: 8, lazy: 1 }),
                    6 => (rows(13, 8), Effort { depth: 8, lazy: 2 }),
                    _ => (rows(14, 7), Effort { depth: 16, lazy: 2 }),
                };
                self.rows.run(raw, log, effort, chunks);
            }
        }
    }
}

/// How much a parser tries.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Candidates that are compared for one position.
    depth: usize,
    /// Positions behind a match where a better one is looked for.
    lazy: usize,
}

/// `table` with `len` entries, all of them `empty`.
fn cleared<T: Clone>(table: &mut Vec<T>, len: usize, empty: T) -> &mut [T] {
    if table.len() < len {
        *table = vec![empty; len];
        return table;
    }
    let table = &mut table[..len];
    table.fill(empty);
    table
}

/// A match with what it saves: in quarters of a literal, about, and `BASE` more.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    length: usize,
    offset: usize,
    gain: usize,
}

impl Found {
    fn is_none(self) -> bool {
        self.length == 0
    }

    /// The better one of the two; the first where they are equal.
    #[inline]
    fn or(self, other: Self) -> Self {
        let is_better = other.gain > self.gain;
        // One by one: they stay in registers.
        Self {
            length: select_unpredictable(is_better, other.length, self.length),
            offset: select_unpredictable(is_better, other.offset, self.offset),
            gain: select_unpredictable(is_better, other.gain, self.gain),
        }
    }

    /// Whether it is worth one literal and its own sequence more than one `steps` before it.
    #[inline]
    fn beats(self, earlier: Self, steps: usize) -> bool {
        self.length > 0 && self.gain > earlier.gain + 4 + 3 * steps
    }
}

/// Keeps every gain above 0, which is that of no match.
const BASE: usize = 32;

/// What a match of `length` bytes saves whose offset takes bits of its own.
#[inline(always)]
fn gain(length: usize, offset: usize, bonus: usize) -> usize {
    BASE + 4 * length + bonus - offset.ilog2() as usize
}

/// The match at `at` with an offset used before, if there is one of four bytes or more.
#[inline(always)]
fn repeat_at(raw: &[u8], at: usize, offset: usize, bonus: usize) -> Found {
    if at < offset || load32(raw, at) != load32(raw, at - offset) {
        return Found::default();
    }
    let length = 4 + common_len(raw, at + 4 - offset, at + 4);
    Found { length, offset, gain: BASE + 4 * length + bonus }
}

/// The bytes at `at`, or 0 where there are not so many.
///
/// One comparison against the last place that has them: where the caller knows that `raw` is not
/// shorter, the compiler leaves out all others.
#[inline(always)]
fn load32(raw: &[u8], at: usize) -> u32 {
    match raw.len().checked_sub(4) {
        Some(last) if at <= last => raw[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)),
        _ => 0,
    }
}

#[inline(always)]
fn load64(raw: &[u8], at: usize) -> u64 {
    match raw.len().checked_sub(8) {
        Some(last) if at <= last => raw[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        _ => 0,
    }
}

/// How many bytes from `earlier` on equal those from `at` on, which are behind them.
#[inline(always)]
fn common_len(raw: &[u8], earlier: usize, at: usize) -> usize {
    let mut len = 0;
    // Of 16 bytes, which one is the first that differs takes no branch.
    while let (Some(here), Some(there)) = (load128(raw, at + len), load128(raw, earlier + len)) {
        let differs = here ^ there;
        if differs != 0 {
            return len + differs.trailing_zeros() as usize / 8;
        }
        len += 16;
    }
    len + common_bytes(raw, earlier + len, at + len)
}

#[inline(always)]
fn load128(raw: &[u8], at: usize) -> Option<u128> {
    match raw.len().checked_sub(16) {
        Some(last) if at <= last => raw[at..].first_chunk().map(|bytes| u128::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// Which byte is the first that is not 0; 8: none is.
#[inline(always)]
fn first_byte_of(word: u64) -> usize {
    word.trailing_zeros() as usize / 8
}

/// [`common_len`], `most` at most, which are not more than those from `at` on.
#[cfg(not(target_family = "wasm"))]
#[inline(always)]
fn common_len_up_to(raw: &[u8], earlier: usize, at: usize, most: usize) -> usize {
    let (there, here) = (&raw[earlier..earlier + most], &raw[at..at + most]);
    let ((there, there_rest), (here, here_rest)) = (there.as_chunks::<8>(), here.as_chunks::<8>());
    let mut len = 0;
    for (there, here) in there.iter().zip(here) {
        let differs = u64::from_le_bytes(*there) ^ u64::from_le_bytes(*here);
        if differs != 0 {
            return len + first_byte_of(differs);
        }
        len += 8;
    }
    len + there_rest.iter().zip(here_rest).take_while(|(there, here)| there == here).count()
}

/// [`common_len`], byte by byte. Not inlined: it would take the finders registers.
#[cold]
#[inline(never)]
fn common_bytes(raw: &[u8], earlier: usize, at: usize) -> usize {
    let (Some(there), Some(here)) = (raw.get(earlier..), raw.get(at..)) else { return 0 };
    there.iter().zip(here).take_while(|(there, here)| there == here).count()
}

/// How many bytes before `at`, down to `floor`, equal those `offset` further back.
#[inline(always)]
fn common_len_before(raw: &[u8], floor: usize, at: usize, offset: usize) -> usize {
    let most = (at - floor).min(at - offset);
    // Most are fewer than 8: those are compared in one step, whose outcome is no branch.
    if at >= offset + 8 {
        let len = (load64(raw, at - 8) ^ load64(raw, at - offset - 8)).leading_zeros() as usize / 8;
        if len < 8 {
            return len.min(most);
        }
    }
    common_bytes_before(raw, most, at, offset)
}

/// [`common_len_before`], byte by byte, at most `most`.
#[cold]
#[inline(never)]
fn common_bytes_before(raw: &[u8], most: usize, at: usize, offset: usize) -> usize {
    let (here, there) = (&raw[at - most..at], &raw[at - most - offset..at - offset]);
    here.iter().rev().zip(there.iter().rev()).take_while(|(here, there)| here == there).count()
}

/// A hash of the lowest `BYTES` bytes of `word`, of `log2(table)` bits.
#[inline(always)]
fn hash<const BYTES: u32>(word: u64, bits: u32) -> usize {
    const FACTOR: u64 = 0x9E37_79B1_85EB_CA87;
    ((word << (64 - 8 * BYTES)).wrapping_mul(FACTOR) >> (64 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_bytes_are_counted_to_both_ends() {
        let raw = b"0123456789abcdefghij-0123456789abcdefghij";
        assert_eq!(common_len(raw, 0, 21), 20);
        assert_eq!(common_len(raw, 0, 22), 0);
        for at in 21..=41 {
            assert_eq!(common_len(raw, at - 21, at), 41 - at);
            for floor in 0..=at {
                assert_eq!(common_len_before(raw, floor, at, 21), (at - floor).min(at - 21));
            }
        }
        assert_eq!(common_len_before(raw, 0, 41, 21), 20);
        assert_eq!(common_len_before(raw, 30, 41, 21), 11);
        assert_eq!(common_len(raw, 41, 41), 0);
        #[cfg(not(target_family = "wasm"))]
        for most in 0..=20 {
            assert_eq!(common_len_up_to(raw, 0, 21, most), most);
            assert_eq!(common_len_up_to(raw, 0, 22, most.min(19)), 0);
        }
    }
}
