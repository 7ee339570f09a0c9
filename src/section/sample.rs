//! Counts of a long block, from a sample of it.
//!
//! Counting is bound by one store per byte, and takes as long as half of a vector kernel's coding.
//! A quarter of the bytes tells the frequencies nearly as well: over `n` of `N` independent bytes
//! with `k` symbols, the model costs `(k - 1) / (2 ln 2) * (1 / n - 1 / N)` bits per byte more than
//! the best one, which is 0.002 for 64 KiB of 256 KiB and 256 symbols. (The loss is the divergence
//! of an estimated distribution from the true one, to second order; Cover and Thomas, Elements of
//! Information Theory, chapter 11.) On real files it is 0.01 to 0.06 %.
//!
//! Two things are not left to the sample: which symbols occur at all, since one without a frequency
//! could not be coded, and whether it told the truth, which the number of words shows.

use std::iter;

use crate::{
    model::{ByteSet, Counter, Histogram, entropy_len},
    simd::{self, Kernel},
};

/// The fewest bytes that are a sample.
const LEN: usize = 64 << 10;

/// One piece of so many is counted, at most.
const MAX_STRIDE: usize = 4;

/// Consecutive bytes of a sample: a cache line.
const PIECE: usize = 64;

/// One piece of how many to count in a block of `raw_len` bytes. 1: all are.
pub(crate) fn stride(raw_len: usize) -> usize {
    (raw_len / LEN).clamp(1, MAX_STRIDE)
}

/// About as many counts of each symbol as `raw` has, at least 1 of each that it has, and none of
/// the others.
pub(crate) fn estimate(raw: &[u8], stride: usize, kernel: Kernel) -> Histogram {
    Sample::new(stride).estimate(raw, kernel)
}

/// A sample of a block that may be taken while its bytes come.
#[derive(Debug)]
pub(crate) struct Sample {
    counter: Counter,
    stride: usize,
    /// So many groups at the start of the block have given their piece.
    groups: usize,
}

impl Sample {
    pub(crate) fn new(stride: usize) -> Self {
        Self { counter: Counter::new(), stride, groups: 0 }
    }

    /// Copies `part` to its place in a block: behind the `filled` bytes of `raw` that are there.
    ///
    /// Copying waits for memory, counting does not: together they take the time of one (Zen 4).
    pub(crate) fn copy(&mut self, part: &[u8], raw: &mut [u8], filled: usize) {
        let mut end = filled;
        for part in part.chunks(COPIED) {
            // What was copied before is counted while this part comes, across calls too.
            self.take(&raw[..end], part);
            raw[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
    }

    /// The [estimate](estimate()) of a block, all of which is there now.
    pub(crate) fn estimate(&mut self, raw: &[u8], kernel: Kernel) -> Histogram {
        // All bytes are asked for some way ahead: what is counted here was not touched before, and
        // the rest is needed soon.
        let ahead = self.groups * PIECE * self.stride + AHEAD;
        self.take(raw, raw.get(ahead..).unwrap_or_default());
        let sample = self.counter.counts();
        let mut present = ByteSet::default();
        present.extend((0..=255).filter(|&symbol| sample[usize::from(symbol)] > 0));
        if !present.is_full() {
            simd::insert_all(kernel, &mut present, raw);
        }
        Histogram::from_counts(std::array::from_fn(|symbol| {
            u32::from(present.contains(symbol as u8)) + self.stride as u32 * sample[symbol]
        }))
    }

    /// Counts the pieces of groups that are whole in `raw`, the block so far, and asks for the
    /// bytes `ahead` meanwhile.
    fn take(&mut self, raw: &[u8], ahead: &[u8]) {
        let ahead = ahead.chunks(PIECE * self.stride).chain(iter::repeat(&[][..]));
        for (piece, ahead) in pieces(raw, self.stride, self.groups).zip(ahead) {
            simd::prefetch(ahead);
            self.counter.add(piece);
        }
        self.groups = raw.len() / (PIECE * self.stride);
    }
}

/// So many bytes are copied at a time: they, and what is asked for meanwhile, stay in the nearest
/// cache beside the counts.
const COPIED: usize = 8 << 10;

/// Whether the symbols of `raw` look as if they took more than `most` bytes: by a sample of a few
/// of them, which are always a little less diverse than all. `false`: there are too few to say so.
pub(crate) fn looks_longer(raw: &[u8], most: usize) -> bool {
    if raw.len() < LEN {
        return false;
    }
    let groups = raw.chunks_exact(raw.len() / FEW * PIECE).zip(0..);
    let sample = Histogram::of_pieces(groups.map(|(group, index)| piece(group, index)));
    entropy_len(&sample, raw.len()) > most
}

/// About so many bytes tell noise from all else.
const FEW: usize = 8 << 10;

/// Whether `coded` words are so far from the expected `bits` that the sample was no likeness of the
/// whole: then other counts would have been better.
///
/// A model that misjudges the length by a 32nd costs some 0.1 % more than the best one, if code
/// lengths spread as those of text and machine code do. Where all are equal, in a sample of even
/// noise, any block has the length that is expected, and nothing is found: such a sample of a block
/// that is not noise takes somebody who chose its bytes.
pub(crate) fn misled(bits: u64, coded: u64, segments: usize) -> bool {
    // What the states of a segment take over, and symbols that ride on them.
    let slack = 2048 * segments as u64;
    (16 * coded).abs_diff(bits) > bits / 32 + slack
}

/// The counting gets about so many bytes further before what it asks for has come from memory.
const AHEAD: usize = 2 << 10;

/// One piece out of each `stride`: of each group, from the one with the index `first` on.
fn pieces(raw: &[u8], stride: usize, first: usize) -> impl Iterator<Item = &[u8]> {
    let group_len = PIECE * stride;
    let groups = raw.get(first * group_len..).unwrap_or_default().chunks_exact(group_len);
    groups.zip(first as u32..).map(|(group, index)| piece(group, index))
}

/// A piece of the `index`-th of equal groups, as good as by chance: no period in the data keeps
/// step with that, and no processor sees the next one coming.
fn piece(group: &[u8], index: u32) -> &[u8] {
    // The finaliser of MurmurHash3. The golden ratio alone has near-periods, at the numbers of
    // Fibonacci.
    let mut turn = index.wrapping_mul(0x9E37_79B9);
    turn = (turn ^ turn >> 16).wrapping_mul(0x85EB_CA6B);
    turn = (turn ^ turn >> 13).wrapping_mul(0xC2B2_AE35);
    let at = ((u64::from(turn) * (group.len() / PIECE) as u64) >> 32) as usize;
    &group[at * PIECE..][..PIECE]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodeOptions, Mode, block};

    const BLOCK_LEN: usize = 256 << 10;

    fn encode(raw: &[u8], sampling: bool) -> Vec<u8> {
        let mut block = Vec::new();
        block::encode(raw, &EncodeOptions::new().mode(Mode::Lanes).sampling(sampling), &mut block).unwrap();
        let mut back = vec![0; raw.len()];
        block::decode(&block, &mut back).unwrap();
        assert_eq!(back, raw);
        block
    }

    #[test]
    fn long_blocks_are_sampled_and_short_ones_are_not() {
        for (raw_len, expected) in [(1, 1), (LEN, 1), (2 * LEN - 1, 1), (2 * LEN, 2), (4 * LEN, 4), (256 * LEN, 4)] {
            assert_eq!(stride(raw_len), expected);
        }
    }

    #[test]
    fn a_sample_that_is_taken_while_bytes_come_is_the_same() {
        let raw: Vec<u8> = (0..BLOCK_LEN + 77).map(|at| ((at * at) >> 7) as u8 % 200).collect();
        for (stride, part_len) in [(2, 1), (3, 100), (4, 255), (4, COPIED), (2, COPIED + 1), (4, LEN), (3, 100_000)] {
            let mut sample = Sample::new(stride);
            let mut copy = vec![0xEE; raw.len()];
            // A few bytes come past it, and are counted later.
            copy[..300].copy_from_slice(&raw[..300]);
            for (part, at) in raw[300..].chunks(part_len).zip((300..).step_by(part_len)) {
                sample.copy(part, &mut copy, at);
            }
            assert!(copy == raw);
            let kernel = Kernel::Portable;
            assert_eq!(sample.estimate(&raw, kernel), estimate(&raw, stride, kernel), "{part_len}");
            let mut sample = Sample::new(stride);
            sample.copy(&raw[..part_len], &mut copy, 0);
            assert_eq!(sample.estimate(&raw, kernel), estimate(&raw, stride, kernel), "only {part_len}");
        }
    }

    #[test]
    fn a_byte_that_occurs_once_is_counted_wherever_it_stands() {
        let mut raw = vec![b'a'; 2 * LEN + 77];
        let last = raw.len() - 1;
        for at in (0..raw.len()).step_by(997).chain([1, 63, 64, 127, last - 1, last]) {
            raw[at] = 0xF7;
            for kernel in Kernel::all_available() {
                let histogram = estimate(&raw, 2, kernel);
                let counts = histogram.counts();
                assert!((1..=3).contains(&counts[0xF7]), "{at}: {}", counts[0xF7]);
                assert_eq!(counts.iter().filter(|&&count| count > 0).count(), 2);
            }
            raw[at] = b'a';
        }
    }

    #[test]
    fn noise_is_known_by_a_few_of_its_bytes() {
        let mut x = 1_u32;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        };
        let worth = |len: usize| len * 1016 / 1024;
        for len in [LEN, LEN + 77, 3 * LEN, BLOCK_LEN] {
            let noise: Vec<u8> = (0..len).map(|_| next()).collect();
            assert!(looks_longer(&noise, worth(len)));
            assert!(!looks_longer(&noise, len));
            // With one byte in ten it is no noise, wherever it stands.
            let mut rest = noise.clone();
            rest.iter_mut().step_by(10).for_each(|byte| *byte = 0);
            assert!(!looks_longer(&rest, worth(len)), "{len}");
            let mut rest = noise;
            rest[len / 2..][..len / 10].fill(0);
            assert!(!looks_longer(&rest, worth(len)), "{len}");
        }
        assert!(!looks_longer(&vec![7; LEN - 1], 0));
    }

    #[test]
    fn no_period_keeps_step() {
        let raw = vec![0; 16 * BLOCK_LEN];
        for stride in 2..=MAX_STRIDE {
            let taken: Vec<usize> =
                pieces(&raw, stride, 0).map(|piece| piece.as_ptr().addr() - raw.as_ptr().addr()).collect();
            assert_eq!(taken.len(), raw.len() / (PIECE * stride));
            for period in [2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 21, 32, 34] {
                for phase in 0..period {
                    let found = taken.iter().filter(|&at| at / PIECE % period == phase).count();
                    let expected = taken.len() as f64 / period as f64;
                    assert!((found as f64 / expected - 1.0).abs() < 0.15, "{stride}, {period}, {phase}: {found}");
                }
            }
        }
    }

    /// Bytes of growing skew: what text, code and weights lie between.
    #[test]
    fn a_sample_costs_next_to_nothing() {
        for skew in [1, 2, 4, 8] {
            let mut x = 1_u32;
            let raw: Vec<u8> = (0..BLOCK_LEN)
                .map(|_| {
                    let draws = (0..skew).map(|_| {
                        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (x >> 24) as u8
                    });
                    draws.min().unwrap_or_default()
                })
                .collect();
            let (sampled, exact) = (encode(&raw, true).len(), encode(&raw, false).len());
            assert!(sampled as f64 <= exact as f64 * 1.0006, "skew {skew}: {sampled} bytes, {exact} from all counts");
        }
    }

    #[test]
    fn a_sample_that_misleads_is_found_out() {
        let stride = stride(BLOCK_LEN);
        let noise = |at: usize| (((at * 167) >> 3) as u8 % 64) & (at * 59) as u8;
        for (in_sample, elsewhere) in [(8, 1), (1, 8)] {
            let mut raw: Vec<u8> = (0..BLOCK_LEN).map(|at| noise(at) / elsewhere).collect();
            let starts: Vec<usize> =
                pieces(&raw, stride, 0).map(|piece| piece.as_ptr().addr() - raw.as_ptr().addr()).collect();
            for start in starts {
                (start..start + PIECE).for_each(|at| raw[at] = noise(at) / in_sample);
            }
            assert!(encode(&raw, true) == encode(&raw, false), "{in_sample} in the sample, {elsewhere} elsewhere");
        }
    }
}
