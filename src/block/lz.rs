//! Blocks that may have matches: which are worth them.

use super::plain;
pub(super) use crate::lz::release;
use crate::{
    format::BlockMode,
    lz,
    model::{Histogram, least_bits},
    options::BlockOptions,
    section::scale_bits_for,
};

/// Codes `raw` as the options ask. `None`: it is to be stored, and what was appended is to be
/// thrown away.
pub(super) fn append(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    if options.finds_matches() && !is_one_symbol(raw) {
        append_smallest(raw, options, out)
    } else {
        plain::append(raw, options, out)
    }
}

/// In shorter chunks what each of them takes for itself may decide that they are stored.
const LONG: usize = 8 << 10;

/// Codes `raw` with matches, and without them where that may be smaller.
fn append_smallest(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    let start = out.len();
    lz::encode_payload(raw, lz::Settings::new(options, options.entropy_chunk_len), out);
    let matches_len = out.len() - start;
    let pays = matches_len as u64 <= options.policy.worth(raw.len());
    // A long block is cut into chunks, each of which has matches only where those pay, and is
    // stored where no other form pays either.
    let has_long_chunks = raw.len().min(options.entropy_chunk_len) >= LONG;
    if raw.len() > options.policy.interleaved_up_to && (pays || has_long_chunks) {
        return pays.then_some(BlockMode::Lz);
    }
    if pays && options.prefer.is_none() && is_larger_without(raw, options, matches_len) {
        return Some(BlockMode::Lz);
    }
    let mode = plain::append(raw, options, out);
    let plain_len = out.len() - start - matches_len;
    if mode.is_some() && plain_len <= matches_len {
        out.drain(start..start + matches_len);
        return mode;
    }
    out.truncate(start + matches_len);
    pays.then_some(BlockMode::Lz)
}

/// Whether symbols that are coded each for itself surely take more than `len` bytes. `false`: that
/// is to be tried.
///
/// A state holds no more than 16 bits of its symbols and takes 32, which is more than the rounding
/// of `least_bits`. One step may lose the fraction of a slot: of a state above 2^16, with slots of
/// `1 / scale`, that is at most `2 * scale / 2^16` bits.
fn is_larger_without(raw: &[u8], options: &BlockOptions, len: usize) -> bool {
    if raw.len() >= 4096 {
        return false;
    }
    let scale_bits = options.scale_bits.unwrap_or_else(|| scale_bits_for(raw.len()));
    let fractions = (raw.len() as u64) << scale_bits >> 15;
    least_bits(Histogram::new(raw).counts()).saturating_sub(fractions) / 8 >= len as u64
}

/// Whether `raw` is one byte repeated, which takes one byte.
fn is_one_symbol(raw: &[u8]) -> bool {
    raw.split_last().is_none_or(|(_, rest)| *rest == raw[1..])
}
