//! The literals of a chunk, as they stand or as differences to the byte that stands one last offset
//! before: where records repeat with small changes, those have less entropy.

use std::iter;

use crate::{
    lz::streams::{Bytes, Sequence},
    model::entropy_bits,
};

/// Runs of so many literals or fewer are copied in one or two steps, which may go behind the last
/// of them.
const SHORT: usize = 16;
const LONG: usize = 64;

/// Pieces of so many literals, or fewer that take about so many runs, tell which form is smaller.
const PIECE_LEN: usize = 16;
const PIECE_RUNS: usize = 8;

/// Runs that are passed by together on the way to the next piece.
const PASSED: usize = 16;

/// Differences are taken where a sample of them has at most this share of the bits, in 1/64: a
/// decoder needs more time for them.
const WORTH: u64 = 62;

/// The literals of a chunk of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literals<'a> {
    /// The block.
    pub(super) raw: &'a [u8],
    pub(super) sequences: &'a [Sequence],
    /// Where those begin that end the chunk, and how many they are.
    pub(super) tail: (u32, u32),
    /// The offset used last before the chunk.
    pub(super) last: u32,
}

/// Where a run of literals stands in the block.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: usize,
    len: usize,
    /// The offset used last before it.
    last: usize,
}

impl Literals<'_> {
    /// Makes `bytes` the literals.
    pub(super) fn copy(&self, bytes: &mut Bytes) {
        let mut room = bytes.room_for(self.len(), LONG);
        self.each_run(|Run { from, len, .. }| {
            let from = &self.raw[from..];
            match (from.first_chunk::<LONG>(), room.first_chunk_mut::<LONG>()) {
                (Some(literals), Some(room)) if len <= LONG => {
                    room[..SHORT].copy_from_slice(&literals[..SHORT]);
                    if len > SHORT {
                        room[SHORT..].copy_from_slice(&literals[SHORT..]);
                    }
                }
                _ => room[..len].copy_from_slice(&from[..len]),
            }
            room = &mut std::mem::take(&mut room)[len..];
        });
    }

    /// Makes `bytes` the differences of the literals.
    pub(super) fn subtract(&self, bytes: &mut Bytes) {
        let mut room = bytes.room_for(self.len(), SHORT);
        self.each_run(|run| {
            differences(self.raw, run, room);
            room = &mut std::mem::take(&mut room)[run.len..];
        });
    }

    /// Whether the differences look smaller: compares both forms of so many `pieces`, which are
    /// spread evenly over all literals.
    pub(super) fn differences_look_smaller(&self, pieces: usize) -> bool {
        let (len, runs) = (self.len(), self.sequences.len() + 1);
        let stride = len.div_ceil(pieces);
        let piece = (PIECE_RUNS * len / runs).clamp(1, PIECE_LEN).min(stride);
        let (mut plain, mut different) = ([0; 256], [0; 256]);
        // A piece begins so many literals behind the start of this run.
        let (mut index, mut ahead) = (0, 0);
        for _ in 0..pieces {
            (index, ahead) = self.pass(index, ahead);
            for Run { from, len, last } in self.piece(index, ahead, piece) {
                // Those without a byte that far back tell nothing.
                let Some(base) = from.checked_sub(last) else { continue };
                for (&byte, &base) in self.raw[from..from + len].iter().zip(&self.raw[base..]) {
                    plain[usize::from(byte)] += 1;
                    different[usize::from(byte.wrapping_sub(base))] += 1;
                }
            }
            ahead += stride;
        }
        are_differences_worth(&plain, &different)
    }

    /// Whether the differences are smaller: compares both forms of all literals.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn differences_are_smaller(&self) -> bool {
        let (mut plain, mut different) = ([0; 256], [0; 256]);
        self.each_run(|Run { from, len, last }| {
            for at in from..from + len {
                plain[usize::from(self.raw[at])] += 1;
                different[usize::from(difference(self.raw, at, last))] += 1;
            }
        });
        are_differences_worth(&plain, &different)
    }

    /// The literal that stands so many behind the start of the run `index`: its run, and how many
    /// stand before it there.
    fn pass(&self, mut index: usize, mut ahead: usize) -> (usize, usize) {
        while let Some(runs) = self.sequences.get(index..index + PASSED) {
            let literals = runs.iter().map(|sequence| sequence.literals).sum::<u32>() as usize;
            if literals > ahead {
                break;
            }
            (index, ahead) = (index + PASSED, ahead - literals);
        }
        while index < self.sequences.len() && self.sequences[index].literals as usize <= ahead {
            ahead -= self.sequences[index].literals as usize;
            index += 1;
        }
        (index, ahead)
    }

    /// So many literals from there on, or all that are left.
    fn piece(&self, mut index: usize, mut ahead: usize, mut len: usize) -> impl Iterator<Item = Run> {
        iter::from_fn(move || {
            if len == 0 || index > self.sequences.len() {
                return None;
            }
            let mut run = self.run(index);
            run.from += ahead.min(run.len);
            run.len = run.len.saturating_sub(ahead).min(len);
            (index, ahead, len) = (index + 1, 0, len - run.len);
            Some(run)
        })
    }

    /// The run of literals of the sequence `index`, or behind all of them.
    fn run(&self, index: usize) -> Run {
        let last = index.checked_sub(1).map_or(self.last, |before| self.sequences[before].offset) as usize;
        let (from, len) = self.sequences.get(index).map_or(self.tail, |sequence| (sequence.from, sequence.literals));
        Run { from: from as usize, len: len as usize, last }
    }

    fn len(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.literals as usize).sum::<usize>() + self.tail.1 as usize
    }

    #[inline(always)]
    fn each_run(&self, mut take: impl FnMut(Run)) {
        // The tail is one more sequence: what is done with a run is there once, and inlined.
        let tail = Sequence { from: self.tail.0, literals: self.tail.1, length: 0, offset: 0 };
        let mut last = self.last;
        for &Sequence { from, literals, offset, .. } in self.sequences.iter().chain(iter::once(&tail)) {
            take(Run { from: from as usize, len: literals as usize, last: last as usize });
            last = offset;
        }
    }
}

/// Whether literals are better as differences, by how often each byte stands in both forms.
#[inline]
pub(super) fn are_differences_worth(plain: &[u32; 256], different: &[u32; 256]) -> bool {
    entropy_bits(different) < entropy_bits(plain) / 64 * WORTH
}

/// The byte at `at` less that one last offset before, or itself where there is none.
#[cfg(not(target_family = "wasm"))]
#[inline(always)]
pub(super) fn difference(raw: &[u8], at: usize, last: usize) -> u8 {
    raw[at].wrapping_sub(at.checked_sub(last).map_or(0, |base| raw[base]))
}

/// Fills the first bytes of `room` with the differences of a run. Up to [`SHORT`] behind them may
/// change: most runs are one step then, also those of no literals, which no processor foresees.
#[inline(always)]
fn differences(raw: &[u8], run: Run, room: &mut [u8]) {
    let Run { from, len, last } = run;
    let bases = from.checked_sub(last).and_then(|base| raw[base..].first_chunk::<SHORT>());
    match (raw[from..].first_chunk::<SHORT>(), bases, room.first_chunk_mut::<SHORT>()) {
        (Some(literals), Some(bases), Some(room)) if len <= SHORT => {
            *room = std::array::from_fn(|index| literals[index].wrapping_sub(bases[index]));
        }
        _ => differences_of_many(raw, run, room),
    }
}

/// [`differences`] of many literals, or near the first or the last byte of the block.
fn differences_of_many(raw: &[u8], Run { from, len, last }: Run, room: &mut [u8]) {
    let (literals, room) = (&raw[from..from + len], &mut room[..len]);
    // Those before the first byte that has one that far back stand as they are.
    let alone = last.saturating_sub(from).min(len);
    room[..alone].copy_from_slice(&literals[..alone]);
    if let Some(bases) = (from + alone).checked_sub(last) {
        for ((room, literal), base) in room[alone..].iter_mut().zip(&literals[alone..]).zip(&raw[bases..]) {
            *room = literal.wrapping_sub(*base);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte is near the one that stands so many before it.
    const RECORD: usize = 16;

    /// Runs of literals, each of records or of letters, whose differences are larger than they are.
    fn runs(lengths: &[(usize, bool)]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let mut state = 7_u32;
        let mut random = || {
            state = state.wrapping_mul(0x9E37_79B1).wrapping_add(77);
            (state >> 24) as u8
        };
        let mut raw: Vec<u8> = (0..RECORD).map(|_| random()).collect();
        let mut places = Vec::new();
        for &(len, are_records) in lengths {
            places.push((raw.len(), len));
            for _ in 0..len {
                let byte = if are_records { raw[raw.len() - RECORD].wrapping_add(random() % 4) } else { random() % 16 };
                raw.push(byte);
            }
            // What a match would stand for. Behind letters come other values again.
            raw.extend((0..RECORD).map(|_| random()));
        }
        (raw, places)
    }

    #[test]
    fn all_literals_have_a_say_not_the_first_run_alone() {
        type Lengths = Vec<(usize, bool)>;
        let few = |first: bool| -> Lengths { [vec![(5_000, first)], vec![(600, !first); 200]].concat() };
        let many = |short: bool| -> Lengths { [vec![(3, short); 2001], vec![(100_000, !short)]].concat() };
        let cases = [
            ("letters, then records", few(false), true),
            ("records, then letters", few(true), false),
            ("short letters, then records behind all matches", many(false), true),
            ("short records, then letters behind all matches", many(true), false),
            ("one run of records", vec![(200_000, true)], true),
            ("one run of letters", vec![(200_000, false)], false),
            ("few", vec![(5, true), (0, true), (900, true)], true),
        ];
        for (name, lengths, expected) in cases {
            let (raw, places) = runs(&lengths);
            let (&tail, places) = places.split_last().unwrap();
            let sequences = places.iter().map(|&(from, len)| Sequence {
                from: from as u32,
                literals: len as u32,
                length: RECORD as u32,
                offset: RECORD as u32,
            });
            let sequences = sequences.collect::<Vec<_>>();
            let tail = (tail.0 as u32, tail.1 as u32);
            let literals = Literals { raw: &raw, sequences: &sequences, tail, last: RECORD as u32 };
            #[cfg(not(target_family = "wasm"))]
            assert_eq!(literals.differences_are_smaller(), expected, "{name}, all");
            for pieces in [64, 512] {
                assert_eq!(literals.differences_look_smaller(pieces), expected, "{name}, {pieces} pieces");
            }
        }
    }

    #[test]
    fn pieces_are_where_the_runs_have_them() {
        let (raw, places) = runs(&[(0, true), (3, true), (0, true), (40, true), (2, true)].repeat(9));
        let (&tail, places) = places.split_last().unwrap();
        let sequence = |&(from, len): &(usize, usize)| Sequence {
            from: from as u32,
            literals: len as u32,
            length: RECORD as u32,
            offset: RECORD as u32,
        };
        let sequences = places.iter().map(sequence).collect::<Vec<_>>();
        let tail = (tail.0 as u32, tail.1 as u32);
        let literals = Literals { raw: &raw, sequences: &sequences, tail, last: RECORD as u32 };
        let mut all = Vec::new();
        literals.each_run(|Run { from, len, .. }| all.extend(from..from + len));
        for at in 0..all.len() + 2 {
            let (index, ahead) = literals.pass(0, at);
            for len in [0, 1, 5, 100] {
                let piece = literals.piece(index, ahead, len).flat_map(|Run { from, len, .. }| from..from + len);
                let expected = all.get(at..).unwrap_or_default();
                assert_eq!(piece.collect::<Vec<_>>(), expected[..len.min(expected.len())], "{len} from {at} on");
            }
        }
    }
}
