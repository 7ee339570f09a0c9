//! Bytes to one block and back, for callers who frame blocks themselves.
//!
//! A block is a header of 8 bytes, a payload and a check of 4 bytes, and stands for itself: own
//! model, own check. It tells its own length, and knows nothing of a stream around it.
//!
//! ```
//! use ranstream::{DecodeOptions, EncodeOptions, block};
//!
//! let message = br#"{"id":1,"name":"a"}"#.repeat(20);
//! let mut packet = Vec::new();
//! block::encode(&message, &EncodeOptions::new(), &mut packet)?;
//! assert!(packet.len() < message.len());
//!
//! let mut back = vec![0; block::raw_len(&packet)?];
//! block::decode(&packet, &mut back)?;
//! assert_eq!(back, message);
//! # Ok::<(), ranstream::Error>(())
//! ```

mod coded;
mod lz;
mod plain;
mod planes;
mod tables;
mod turns;
#[cfg(feature = "jobs")]
mod whole;

#[cfg(feature = "jobs")]
pub use whole::Block;

pub(crate) use coded::{
    Coded, Resources, Verified, body_len, decode_together, parse_data_header, scratch_len, split_check,
};
#[cfg(feature = "gpu")]
pub(crate) use plain::Plan;

pub(crate) use crate::section::sample::Sample;

use crate::{
    base::BasePart,
    error::{Error, Part, PayloadError},
    format::{BLOCK_OVERHEAD, BlockHeader, BlockMode, HEADER_LEN},
    limits::{Limits, MAX_BLOCK_LEN, within},
    model::Histogram,
    options::{BlockOptions, DecodeOptions, EncodeOptions, Mode, Valid},
    section::{lanes, pivot},
    simd::crc32c,
};

/// Appends `raw` as one block to `out`; how many bytes that were comes back. Options that concern a
/// whole stream, `block_len` among them, are not used.
///
/// The block is never more than [`BLOCK_OVERHEAD`] bytes longer than `raw`.
///
/// # Errors
///
/// [`Error::InvalidOption`] when an option is outside its range, or `raw` has not 1..=16 Mi bytes.
pub fn encode(raw: &[u8], options: &EncodeOptions, out: &mut Vec<u8>) -> Result<usize, Error> {
    let options = options.validated_block()?;
    within("raw length", raw.len(), 1, MAX_BLOCK_LEN)?;
    let start = out.len();
    append(raw, &options, None, out);
    Ok(out.len() - start)
}

/// Decodes the one block that `block` is; the bytes written to the start of `raw` come back as a
/// number. `raw` may be longer than the block needs.
///
/// # Errors
///
/// [`Error::Truncated`], [`Error::Corrupt`] or [`Error::Unsupported`] when `block` is not one whole
/// data block; [`Error::OutputTooSmall`]. `raw` may then hold anything.
pub fn decode(block: &[u8], raw: &mut [u8]) -> Result<usize, Error> {
    decode_by(block, raw, &Resources::new(None, None))
}

/// [`decode`] with the kernel and the [base](DecodeOptions::base) of `options`; the others concern
/// a whole stream, and are not used.
///
/// # Errors
///
/// As [`decode`]; [`Error::NeedsBase`], [`Error::WrongBase`] and [`Error::UnreadBase`].
pub fn decode_with_options(block: &[u8], raw: &mut [u8], options: &DecodeOptions) -> Result<usize, Error> {
    decode_by(block, raw, &Resources::new(options.kernel, options.base.as_ref()))
}

fn decode_by(block: &[u8], raw: &mut [u8], resources: &Resources) -> Result<usize, Error> {
    let coded = Coded::parse(block)?;
    let (needed, available) = (coded.header().raw_len(), raw.len() as u64);
    let Some(raw) = raw.get_mut(..needed) else {
        return Err(Error::OutputTooSmall { needed: needed as u64, available });
    };
    coded.decode(raw.into(), resources).map_err(|error| error.at(Part::Block(0), 0))?;
    Ok(needed)
}

/// Fills `out` with the raw bytes of the one block that `block` is, from byte `from` on. Where the
/// mode tells what holds them only that is decoded: a segment or two of lanes, and of each plane
/// the same, or pivot up to the chunk that they end in. All other blocks are decoded whole. The
/// check of the block is verified each time, which is the smaller part.
///
/// ```
/// use ranstream::{EncodeOptions, block};
///
/// let raw: Vec<u8> = (0..200_000_u32).map(|i| (i >> 11) as u8).collect();
/// let mut packet = Vec::new();
/// block::encode(&raw, &EncodeOptions::new(), &mut packet)?;
/// let mut part = [0; 100];
/// block::decode_part(&packet, 150_000, &mut part)?;
/// assert_eq!(part, raw[150_000..150_100]);
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// As [`decode`], for what was looked at; [`Error::OutputTooSmall`] where the block has not so many
/// bytes: `needed` is where they would end, `available` the block's raw length.
pub fn decode_part(block: &[u8], from: usize, out: &mut [u8]) -> Result<(), Error> {
    decode_parts(block, &mut [(from, out)], &DecodeOptions::new())
}

/// [`decode_part`] for several parts at once, each the bytes from a place on, with the kernel and
/// the [base](DecodeOptions::base) of `options`: the block is verified and decoded once. They may
/// overlap, and stand in any order.
///
/// ```
/// use ranstream::{DecodeOptions, EncodeOptions, block};
///
/// let raw: Vec<u8> = (0..200_000_u32).map(|i| (i >> 11) as u8).collect();
/// let mut packet = Vec::new();
/// block::encode(&raw, &EncodeOptions::new(), &mut packet)?;
/// let (mut first, mut second) = ([0; 100], [0; 20]);
/// let mut parts = [(150_000, &mut first[..]), (0, &mut second[..])];
/// block::decode_parts(&packet, &mut parts, &DecodeOptions::new())?;
/// assert_eq!((&first[..], &second[..]), (&raw[150_000..150_100], &raw[..20]));
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// As [`decode_part`], and [`decode_with_options`]. All parts may then hold anything.
pub fn decode_parts(block: &[u8], parts: &mut [(usize, &mut [u8])], options: &DecodeOptions) -> Result<(), Error> {
    let coded = Coded::parse(block)?;
    let raw_len = coded.header().raw_len();
    let end = parts.iter().map(|(from, out)| from.saturating_add(out.len())).max().unwrap_or(0);
    if end > raw_len {
        return Err(Error::OutputTooSmall { needed: end as u64, available: raw_len as u64 });
    }
    let verified = coded.verify().map_err(PayloadError::from);
    let resources = Resources::new(options.kernel, options.base.as_ref());
    verified.and_then(|block| block.decode_parts(parts, &resources)).map_err(|error| error.at(Part::Block(0), 0))
}

/// [`decode`] to a new vector, for whose length [`Limits::max_block_len`] and
/// [`Limits::max_memory`] are asked first.
///
/// ```
/// use ranstream::{EncodeOptions, Limits, block};
///
/// let mut packet = Vec::new();
/// block::encode(b"some bytes", &EncodeOptions::new(), &mut packet)?;
/// assert_eq!(block::decode_to_vec(&packet, &Limits::new())?, b"some bytes");
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// As [`decode`]; [`Error::LimitExceeded`].
pub fn decode_to_vec(block: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let raw_len = raw_len(block)?;
    limits.check_block_len(raw_len, 0)?;
    let mut raw = Vec::new();
    limits.grow(&mut raw, raw_len, 0)?;
    decode(block, &mut raw)?;
    Ok(raw)
}

/// How many bytes the block that `block` begins with has itself, header and check among them: where
/// the next one begins, and how many bytes to wait for. The header is verified, the payload is not.
///
/// # Errors
///
/// As [`raw_len`]; [`Error::Truncated`] stands for fewer than 8 bytes, a header's length.
pub fn coded_len(block: &[u8]) -> Result<usize, Error> {
    Ok(parse_data_header(block)?.payload_len() as usize + BLOCK_OVERHEAD)
}

/// How many raw bytes the block that `block` begins with has, 1..=16 Mi. The header is verified,
/// the payload is not.
///
/// # Errors
///
/// [`Error::Truncated`], [`Error::Corrupt`] or [`Error::Unsupported`] when `block` does not begin
/// with the header of a data block.
pub fn raw_len(block: &[u8]) -> Result<usize, Error> {
    Ok(parse_data_header(block)?.raw_len())
}

/// Gives back what the calling thread keeps for its next block.
pub(crate) fn release_thread_memory() {
    planes::release();
    lz::release();
    lanes::release();
    pivot::release();
}

/// What the caller of [`append`] needs for a stream's totals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    pub(crate) header: BlockHeader,
    pub(crate) check: u32,
}

/// Appends the payload of `raw`. `None`: it is to be stored, and what was appended is to be thrown
/// away.
fn append_coded(raw: &[u8], options: &BlockOptions, base: Option<&BasePart>, out: &mut Vec<u8>) -> Option<BlockMode> {
    if options.mode != Mode::Auto {
        return lz::append(raw, options, out);
    }
    let start = out.len();
    if base.is_none_or(|base| !planes::append_over_base(raw, options, base, out)) {
        out.truncate(start);
        return planes::append(raw, options, out);
    }
    let over_base = out.len() - start;
    // Nothing else comes near it.
    if over_base <= raw.len() / 4 {
        return Some(BlockMode::PlanesOverBase);
    }
    let end = out.len();
    let mode = planes::append(raw, options, out);
    if mode.is_some() && out.len() - end < over_base {
        out.drain(start..end);
        return mode;
    }
    out.truncate(end);
    Some(BlockMode::PlanesOverBase)
}

/// Appends `raw`, 1..=16 Mi bytes, as one block, which may be a difference from a base.
pub(crate) fn append(
    raw: &[u8],
    options: &Valid<BlockOptions>,
    base: Option<&BasePart>,
    out: &mut Vec<u8>,
) -> Appended {
    append_by(raw, out, |out| append_coded(raw, options, base, out))
}

/// A sample that may be taken of a block of so many bytes, without a base, before
/// [`append_sampled`] codes it. `None`: such a block is not coded by a sample of it alone.
pub(crate) fn sample(raw_len: usize, options: &BlockOptions) -> Option<Sample> {
    plain::sample(raw_len, options)
}

/// [`append`] without a base, of bytes that were counted, for those who have no use for a block of
/// `most` bytes or more. `false`: that would come out, and nothing was appended.
pub(crate) fn append_below(
    raw: &[u8],
    histogram: &Histogram,
    options: &Valid<BlockOptions>,
    most: usize,
    out: &mut Vec<u8>,
) -> bool {
    if !plain::codes_by_counts(raw.len(), options) {
        append(raw, options, None, out);
        return true;
    }
    let start = out.len();
    let payload_len = most.saturating_sub(BLOCK_OVERHEAD + 1) as u64;
    out.extend([0; HEADER_LEN]);
    let mode = plain::append_counted(raw, histogram, options, payload_len, out);
    match mode {
        Some(mode) => {
            seal(mode, raw.len(), start, out);
        }
        None => out.truncate(start),
    }
    mode.is_some()
}

/// [`append`] with a [`sample()`] for so many bytes, and of no others than those of `raw`.
pub(crate) fn append_sampled(
    raw: &[u8],
    options: &Valid<BlockOptions>,
    sample: &mut Sample,
    out: &mut Vec<u8>,
) -> Appended {
    append_by(raw, out, |out| plain::append_sampled(raw, options, sample, out))
}

/// Appends `raw` as one block, whose payload `code` appends. `None`: as with [`append_coded`].
fn append_by(raw: &[u8], out: &mut Vec<u8>, code: impl FnOnce(&mut Vec<u8>) -> Option<BlockMode>) -> Appended {
    let start = out.len();
    out.extend([0; HEADER_LEN]);
    let payload_at = out.len();
    let mode = match code(out) {
        Some(mode) if out.len() - payload_at < raw.len() || mode == BlockMode::Fill => mode,
        _ => {
            out.truncate(payload_at);
            out.extend_from_slice(raw);
            BlockMode::Stored
        }
    };
    let appended = seal(mode, raw.len(), start, out);
    debug_assert!(out.len() - start <= raw.len() + BLOCK_OVERHEAD);
    appended
}

/// Makes a block of what stands in `out` from `start` on: room for a header, and a payload.
pub(crate) fn seal(mode: BlockMode, raw_len: usize, start: usize, out: &mut Vec<u8>) -> Appended {
    let payload_at = start + HEADER_LEN;
    let header = BlockHeader::Data { mode, raw_len, payload_len: out.len() - payload_at };
    out[start..payload_at].copy_from_slice(&header.to_bytes());
    let check = crc32c(&out[start..], &[]);
    out.extend(check.to_le_bytes());
    Appended { header, check }
}
