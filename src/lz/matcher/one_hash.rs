//! One table, the newest position of each hash; the first match found is taken.

use crate::lz::{
    encode::Chunks,
    matcher::{END, LONGEST_STEP, PATIENCE, common_len, common_len_before, hash, load32, load64},
};

/// Hashes `BYTES` bytes. Where nothing is found, goes on `STEP` bytes further at first.
pub(super) fn run<const BYTES: u32, const STEP: usize>(raw: &[u8], table: &mut [u32], chunks: &mut Chunks<'_>) {
    let bits = table.len().ilog2();
    let end = raw.len() - END;
    let (mut anchor, mut at) = (0, 1);
    let [mut last, mut second] = [1, 4];
    let (mut step, mut patience) = (STEP, at + PATIENCE);
    while at < end {
        let word = load64(raw, at);
        let entry = &mut table[hash::<BYTES>(word, bits)];
        let candidate = *entry as usize;
        *entry = at as u32;
        let (start, mut length, offset);
        if load32(raw, at + 1) == load32(raw, (at + 1).wrapping_sub(last)) && last <= at {
            (start, offset) = (at + 1, last);
            length = 4 + common_len(raw, start + 4 - offset, start + 4);
        } else if candidate > 0 && load32(raw, candidate) == word as u32 {
            offset = at - candidate;
            let before = common_len_before(raw, anchor, at, offset);
            start = at - before;
            length = before + 4 + common_len(raw, candidate + 4, at + 4);
        } else {
            at += step;
            if at > patience {
                step = (step + 1).min(LONGEST_STEP);
                patience = at + PATIENCE;
            }
            continue;
        }
        chunks.sequence(start, length, offset);
        if offset != last {
            (second, last) = (last, offset);
        }
        at = start + length;
        (anchor, step, patience) = (at, STEP, at + PATIENCE);
        if at >= end {
            break;
        }
        table[hash::<BYTES>(load64(raw, start + 2), bits)] = (start + 2) as u32;
        table[hash::<BYTES>(load64(raw, at - 2), bits)] = (at - 2) as u32;
        while at < end && at >= second && load32(raw, at) == load32(raw, at - second) {
            length = 4 + common_len(raw, at + 4 - second, at + 4);
            chunks.sequence(at, length, second);
            (last, second) = (second, last);
            table[hash::<BYTES>(load64(raw, at), bits)] = at as u32;
            at += length;
            anchor = at;
        }
    }
}
