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

use std::sync::OnceLock;

use crate::{
    error::{Corruption, Error, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, BlockMode, CHECK_LEN, HEADER_LEN, TableKind, check::crc32c},
    limits::MAX_BLOCK_LEN,
    model::{Histogram, coded_bits, normalize, normalize_compat},
    options::{EncodeOptions, Mode, Normalization, within},
    rans::{interleaved, segment::Tail, single},
    section::{lanes, sample, scale_bits_for},
    simd::Kernel,
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
    options.validate()?;
    within("raw length", raw.len(), 1, MAX_BLOCK_LEN)?;
    let start = out.len();
    append(raw, options, out);
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
    let (header, bytes) = parse_header(block)?;
    let end = HEADER_LEN + header.payload_len() as usize;
    let Some(&check) = block.get(end..).and_then(|rest| rest.first_chunk()) else {
        return Err(Error::Truncated { offset: block.len() as u64 });
    };
    let payload = &block[HEADER_LEN..end];
    let available = raw.len() as u64;
    let needed = header.raw_len();
    let Some(raw) = raw.get_mut(..needed) else {
        return Err(Error::OutputTooSmall { needed: needed as u64, available });
    };
    let corrupt = |reason| Error::Corrupt { part: Part::Block(0), offset: 0, reason };
    if block.len() > end + CHECK_LEN {
        return Err(Error::TrailingData { offset: (end + CHECK_LEN) as u64 });
    }
    verify(*bytes, payload, u32::from_le_bytes(check))
        .and_then(|()| decode_payload(&header, payload, raw, Kernel::or_default(None)))
        .map_err(corrupt)?;
    Ok(needed)
}

/// How many raw bytes the block that `block` begins with has, 1..=16 Mi. The header is verified,
/// the payload is not.
///
/// # Errors
///
/// [`Error::Truncated`], [`Error::Corrupt`] or [`Error::Unsupported`] when `block` does not begin
/// with the header of a data block.
pub fn raw_len(block: &[u8]) -> Result<usize, Error> {
    Ok(parse_header(block)?.0.raw_len())
}

/// The header of the data block that `block` begins with, and its bytes.
pub(crate) fn parse_header(block: &[u8]) -> Result<(BlockHeader, &[u8; HEADER_LEN]), Error> {
    let bytes = block.first_chunk().ok_or(Error::Truncated { offset: block.len() as u64 })?;
    let header = BlockHeader::parse(bytes, Part::Block(0), 0)?;
    if let BlockHeader::Data { .. } = header {
        return Ok((header, bytes));
    }
    let reason = Corruption::Field { field: "tag", found: bytes[0].into() };
    Err(Error::Corrupt { part: Part::Block(0), offset: 0, reason })
}

/// Compares the payload check with the one that is stored.
pub(crate) fn verify(header: [u8; HEADER_LEN], payload: &[u8], stored: u32) -> Result<(), Corruption> {
    let computed = crc32c(&header, payload);
    if stored == computed { Ok(()) } else { Err(Corruption::PayloadCheck { stored, computed }) }
}

/// Fills `raw`, which has the header's length, from a payload whose check was verified.
pub(crate) fn decode_payload(
    header: &BlockHeader,
    payload: &[u8],
    raw: &mut [u8],
    kernel: Kernel,
) -> Result<(), Corruption> {
    let BlockHeader::Data { mode, .. } = header else { return Ok(()) };
    match mode {
        BlockMode::Stored => raw.copy_from_slice(payload),
        BlockMode::Fill => raw.fill(payload[0]),
        BlockMode::SingleStream(table) => single::decode_payload(payload, *table, raw)?,
        BlockMode::Interleaved(table) => interleaved::decode_payload(payload, *table, raw)?,
        BlockMode::Lanes => lanes::decode_payload(payload, Tail::Coded, raw, kernel)?,
    }
    Ok(())
}

/// What the caller of [`append`] needs for a stream's totals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    pub(crate) header: [u8; HEADER_LEN],
    pub(crate) check: u32,
}

/// Appends `raw`, 1..=16 Mi bytes, as one block. The options are valid.
pub(crate) fn append(raw: &[u8], options: &EncodeOptions, out: &mut Vec<u8>) -> Appended {
    let start = out.len();
    out.extend([0; HEADER_LEN]);
    let payload_at = out.len();
    let mode = match append_payload(raw, options, out) {
        Some(mode) if out.len() - payload_at < raw.len() || mode == BlockMode::Fill => mode,
        _ => {
            out.truncate(payload_at);
            out.extend_from_slice(raw);
            BlockMode::Stored
        }
    };
    let header = BlockHeader::Data { mode, raw_len: raw.len(), payload_len: out.len() - payload_at }.to_bytes();
    out[start..payload_at].copy_from_slice(&header);
    let check = crc32c(&out[start..], &[]);
    out.extend(check.to_le_bytes());
    debug_assert!(out.len() - start <= raw.len() + BLOCK_OVERHEAD);
    Appended { header, check }
}

/// Codes `raw` as the options ask. `None`: it is to be stored, and what was appended is to be
/// thrown away.
fn append_payload(raw: &[u8], options: &EncodeOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    let forced = if options.mode == Mode::Auto { mode_from_environment() } else { options.mode };
    let mode = match forced {
        Mode::Auto if raw.len() <= options.policy.single_stream_up_to => Mode::SingleStream,
        Mode::Auto if raw.len() <= options.policy.interleaved_up_to => Mode::Interleaved,
        Mode::Auto => Mode::Lanes,
        Mode::Stored => return None,
        forced => forced,
    };
    let cut = lanes::Cut::aim(raw.len(), options.segment_len, Tail::Coded)?;
    let kernel = Kernel::or_default(options.kernel);
    let stride = if options.sampling { sample::stride(raw.len()) } else { 1 };
    let source = lanes::Source { symbols: raw, cut, stride };
    let histogram = if mode == Mode::Lanes { source.histogram(kernel) } else { Histogram::new(raw) };
    if forced == Mode::Auto || mode == Mode::Fill {
        if is_fill(raw, &histogram) {
            out.push(raw[0]);
            return Some(BlockMode::Fill);
        }
        if mode == Mode::Fill {
            return None;
        }
    }
    let scale_bits = options.scale_bits.unwrap_or_else(|| scale_bits_for(raw.len()));
    let normalize = |histogram: &Histogram| match options.normalization {
        Normalization::Optimal => normalize(histogram, scale_bits),
        Normalization::Compat => normalize_compat(histogram, scale_bits),
    };
    let frequencies = normalize(&histogram);
    let min_gain = if forced == Mode::Auto { options.policy.min_gain } else { 0 };
    let worth = raw.len() as u64 * u64::from(1024_u32.saturating_sub(min_gain)) / 1024;
    let bits = coded_bits(histogram.counts(), &frequencies);
    if bits / 8 >= worth {
        return None;
    }
    let payload_at = out.len();
    let table = match options.normalization {
        Normalization::Optimal => TableKind::Compact,
        Normalization::Compat => TableKind::Dense,
    };
    let mode = match mode {
        Mode::SingleStream => {
            single::encode_payload(raw, &frequencies, table, out);
            BlockMode::SingleStream(table)
        }
        Mode::Interleaved => {
            interleaved::encode_payload(raw, options.interleaved_lanes, &frequencies, table, out);
            BlockMode::Interleaved(table)
        }
        _ => {
            source.encode(&frequencies, bits, normalize, kernel, &mut Default::default(), out);
            BlockMode::Lanes
        }
    };
    ((out.len() - payload_at) as u64 <= worth).then_some(mode)
}

/// Whether `raw` is one byte repeated. The histogram may lack the bytes that ride on start states,
/// so it only decides whether to look.
fn is_fill(raw: &[u8], histogram: &Histogram) -> bool {
    histogram.only_symbol().is_some_and(|symbol| raw.iter().all(|&byte| byte == symbol))
}

/// The mode that `RANS_MODE` names; [`Mode::Auto`] when it is not set or names none.
fn mode_from_environment() -> Mode {
    static MODE: OnceLock<Mode> = OnceLock::new();
    *MODE.get_or_init(|| std::env::var("RANS_MODE").ok().and_then(|name| name.parse().ok()).unwrap_or_default())
}
