//! Literals as differences to the byte that stands one last offset before: where records repeat
//! with small changes, those have less entropy.

use crate::{
    lz::streams::{Run, Streams},
    model::entropy_bits,
};

/// Literals that tell which form is the smaller one.
const SAMPLE_LEN: usize = 8 << 10;

/// Differences are taken where a sample of them has at most this share of the bits, in 1/64: a
/// decoder needs more time for them.
const WORTH: u64 = 62;

/// Fills `differences` with those of all literals of a chunk, if that looks smaller. `tail` is the
/// run that ends the chunk.
pub(super) fn differences(raw: &[u8], streams: &Streams, tail: Run, differences: &mut Vec<u8>) -> bool {
    differences.clear();
    if !look_smaller(raw, &streams.runs, tail, streams.literals.as_slice().len()) {
        return false;
    }
    for run in streams.runs.iter().chain([&tail]) {
        append(raw, *run, differences);
    }
    true
}

/// Compares both forms of every n-th run of literals.
fn look_smaller(raw: &[u8], runs: &[Run], tail: Run, literals: usize) -> bool {
    let stride = literals.div_ceil(SAMPLE_LEN).max(1);
    let (mut plain, mut different, mut total) = ([0; 256], [0; 256], 0);
    let mut sampled = Vec::new();
    for run in runs.iter().chain([&tail]).step_by(stride) {
        let run = Run { len: run.len.min((SAMPLE_LEN - total) as u32), ..*run };
        sampled.clear();
        append(raw, run, &mut sampled);
        let from = run.from as usize;
        for (&byte, &difference) in raw[from..from + run.len as usize].iter().zip(&sampled) {
            plain[usize::from(byte)] += 1;
            different[usize::from(difference)] += 1;
        }
        total += sampled.len();
    }
    entropy_bits(&different) < entropy_bits(&plain) / 64 * WORTH
}

fn append(raw: &[u8], run: Run, differences: &mut Vec<u8>) {
    let (from, last) = (run.from as usize, run.last as usize);
    let literals = &raw[from..from + run.len as usize];
    // Those before the first byte that has one that far back stand as they are.
    let (alone, rest) = literals.split_at(last.saturating_sub(from).min(literals.len()));
    differences.extend_from_slice(alone);
    if let Some(bases) = (from + alone.len()).checked_sub(last) {
        differences.extend(rest.iter().zip(&raw[bases..]).map(|(literal, base)| literal.wrapping_sub(*base)));
    }
}
