//! Blocks without matches that change: a table for each chunk.

use crate::{
    lz,
    model::{Histogram, least_bits},
    options::BlockOptions,
};

/// Raw bytes that share a table. Blocks of other entropy coders are as long.
const TABLE_LEN: usize = 128 << 10;

/// Bytes that a table and a chunk take, at least.
const TABLE_COST: u64 = 64;

/// Appends `raw` as the payload of a block of chunks without matches, if that takes fewer than
/// `most` bytes. `false`: what was appended is to be thrown away.
pub(super) fn append(raw: &[u8], options: &BlockOptions, most: usize, out: &mut Vec<u8>) -> bool {
    if raw.len() <= TABLE_LEN || !differs(raw) {
        return false;
    }
    let start = out.len();
    lz::encode_without_matches(raw, lz::Settings::new(options, TABLE_LEN), out);
    out.len() - start < most
}

/// Whether its chunks need so many fewer bits with counts of their own that more tables may pay.
fn differs(raw: &[u8]) -> bool {
    let (mut all, mut apart, mut chunks) = ([0_u32; 256], 0, 0);
    for chunk in raw.chunks(TABLE_LEN) {
        let histogram = Histogram::new(chunk);
        apart += least_bits(histogram.counts());
        all.iter_mut().zip(histogram.counts()).for_each(|(all, count)| *all += count);
        chunks += 1;
    }
    least_bits(&all) / 8 > apart / 8 + chunks * TABLE_COST
}
