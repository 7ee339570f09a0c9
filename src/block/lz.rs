//! Blocks that may have matches: which are worth them.

use super::plain;
pub(super) use crate::lz::release;
use crate::{format::BlockMode, lz, options::BlockOptions, simd::Kernel};

/// Codes `raw` as the options ask. `None`: it is to be stored, and what was appended is to be
/// thrown away.
pub(super) fn append(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    if options.finds_matches() && !is_one_symbol(raw) {
        append_smallest(raw, options, out)
    } else {
        plain::append(raw, options, out)
    }
}

/// Codes `raw` with matches, and without them where that may be smaller.
fn append_smallest(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    let start = out.len();
    let settings = lz::Settings {
        level: options.level,
        chunk_len: options.entropy_chunk_len,
        kernel: Kernel::or_default(options.kernel),
        pipeline: options.pipeline,
    };
    lz::encode_payload(raw, settings, out);
    let matches_len = out.len() - start;
    let pays = matches_len as u64 <= options.policy.worth(raw.len());
    // A long block is cut into chunks, each of which has matches only where those pay.
    if pays && raw.len() > options.policy.interleaved_up_to {
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

/// Whether `raw` is one byte repeated, which takes one byte.
fn is_one_symbol(raw: &[u8]) -> bool {
    raw.split_last().is_none_or(|(_, rest)| *rest == raw[1..])
}
