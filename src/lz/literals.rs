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

/// Literals that tell which form is the smaller one, and runs of them that are looked at.
const SAMPLE_LEN: usize = 4 << 10;
const SAMPLE_RUNS: usize = 1 << 10;

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
        bytes.begin(self.len() + LONG);
        for Run { from, len, .. } in self.runs() {
            let from = &self.raw[from..];
            bytes.extend(len, |room| match (from.first_chunk::<LONG>(), room.first_chunk_mut::<LONG>()) {
                (Some(literals), Some(room)) if len <= LONG => {
                    room[..SHORT].copy_from_slice(&literals[..SHORT]);
                    if len > SHORT {
                        room[SHORT..].copy_from_slice(&literals[SHORT..]);
                    }
                }
                _ => room[..len].copy_from_slice(&from[..len]),
            });
        }
    }

    /// Makes `bytes` the differences of the literals.
    pub(super) fn subtract(&self, bytes: &mut Bytes) {
        bytes.begin(self.len());
        for run in self.runs() {
            bytes.extend(run.len, |room| differences(self.raw, run, room));
        }
    }

    /// Whether the differences look smaller: compares both forms of every n-th run.
    pub(super) fn differences_look_smaller(&self) -> bool {
        let stride = self.len().div_ceil(SAMPLE_LEN).max(self.sequences.len().div_ceil(SAMPLE_RUNS)).max(1);
        let (mut plain, mut different, mut total) = ([0; 256], [0; 256], 0);
        for index in (0..=self.sequences.len()).step_by(stride) {
            let Run { from, len, last } = self.run(index);
            let len = len.min(SAMPLE_LEN - total);
            // Those without a byte that far back tell nothing.
            let Some(base) = from.checked_sub(last) else { continue };
            for (&byte, &base) in self.raw[from..from + len].iter().zip(&self.raw[base..]) {
                plain[usize::from(byte)] += 1;
                different[usize::from(byte.wrapping_sub(base))] += 1;
            }
            total += len;
        }
        are_differences_worth(&plain, &different)
    }

    /// Whether the differences are smaller: compares both forms of all literals.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn differences_are_smaller(&self) -> bool {
        let (mut plain, mut different) = ([0; 256], [0; 256]);
        for Run { from, len, last } in self.runs() {
            for at in from..from + len {
                plain[usize::from(self.raw[at])] += 1;
                different[usize::from(difference(self.raw, at, last))] += 1;
            }
        }
        are_differences_worth(&plain, &different)
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

    fn runs(&self) -> impl Iterator<Item = Run> {
        let lasts = iter::once(self.last).chain(self.sequences.iter().map(|sequence| sequence.offset));
        let places = self.sequences.iter().map(|sequence| (sequence.from, sequence.literals)).chain([self.tail]);
        places.zip(lasts).map(|((from, len), last)| Run { from: from as usize, len: len as usize, last: last as usize })
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

/// Fills the first bytes of `room` with the differences of a run.
fn differences(raw: &[u8], Run { from, len, last }: Run, room: &mut [u8]) {
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
