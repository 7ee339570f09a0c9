//! A payload to raw bytes.

use std::cell::Cell;

use crate::{
    error::{Corruption, Feature, PayloadError},
    format::fields::Fields,
    kept,
    limits::MAX_CHUNK_LEN,
    lz::{
        chunk::{self, Chunk, Matches, Section},
        lz78, lzss,
    },
    section::Decoder,
    sequences::{
        Escapes, Expanded, MIN_MATCH, Offsets, Output, Repeats, Sections, Symbols, Tokens, are_excesses,
        are_offset_codes,
    },
    simd::{self, Kernel, Spare},
};

/// Flag of a payload: matches may have 3 bytes.
pub(super) const SHORT_MATCHES: u8 = 0b100;

/// Chunks begin at multiples of this in the payload.
pub(super) const ALIGNMENT: usize = 4;

/// So many bytes behind a chunk may be written with it: as many as a step writes too far, or more.
const BEHIND: usize = 256;

/// Fills `raw`, of which nothing was written yet, from the payload of a block with matches. Room
/// for a chunk is zeroed right before the chunk is decoded there, as that brings it to a cache.
pub(crate) fn decode_payload(payload: &[u8], raw: &mut Spare<'_>, kernel: Kernel) -> Result<(), PayloadError> {
    decode_payload_by(payload, raw, kernel, |sections, repeats, expanded, output| {
        simd::lz::execute(kernel, sections, repeats, expanded, output)
    })
}

/// The same, with any way to execute sequences.
pub(super) fn decode_payload_by(
    payload: &[u8],
    raw: &mut Spare<'_>,
    kernel: Kernel,
    execute: impl Execute,
) -> Result<(), PayloadError> {
    let block_len = raw.len();
    let directory = Directory::parse(payload, block_len)?;
    let min_match = directory.min_match;
    kept::with(&SCRATCH, |scratch| {
        let scratch = scratch.get_or_insert_default();
        let decoded = directory.chunks().try_fold((0, Repeats::START), |(at, repeats), chunk| {
            let (raw_len, bytes) = chunk?;
            let end = at + raw_len;
            let mut output = Output { at, end, block_len, raw: raw.zero_up_to(end + BEHIND) };
            let chunk = Chunk::parse(bytes, raw_len, min_match)?;
            let repeats = scratch.decode(&chunk, min_match, repeats, &mut output, kernel, &execute)?;
            Ok((end, repeats))
        });
        decoded.map(|_| ())
    })
}

/// Fills the rest of a chunk; the offsets used last come back. `None`: its parts do not fit.
pub(super) trait Execute: Fn(&Sections<'_>, Repeats, &mut Expanded, &mut Output<'_>) -> Option<Repeats> {}

impl<F: Fn(&Sections<'_>, Repeats, &mut Expanded, &mut Output<'_>) -> Option<Repeats>> Execute for F {}

/// The most memory that a block of `raw_len` bytes takes of a thread, beside its payload and its
/// raw bytes. The thread keeps it for the next block.
pub(crate) fn scratch_len(raw_len: usize) -> usize {
    8 * raw_len.min(MAX_CHUNK_LEN)
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Gives back what the calling thread keeps.
pub(super) fn release() {
    kept::release(&SCRATCH);
}

/// Which bytes of the payload belong to which bytes of the block. Its sums were verified.
#[derive(Debug)]
struct Directory<'a> {
    entries: Fields<'a>,
    count: usize,
    /// The payload from the first chunk on.
    chunks: Fields<'a>,
    min_match: usize,
}

impl<'a> Directory<'a> {
    fn parse(payload: &'a [u8], raw_len: usize) -> Result<Self, PayloadError> {
        let mut fields = Fields::new(payload);
        let flags = fields.u8("flags")?;
        if flags & !SHORT_MATCHES != 0 {
            return Err(PayloadError::Unsupported(Feature::LzFlags(flags)));
        }
        let min_match = if flags & SHORT_MATCHES == 0 { MIN_MATCH } else { MIN_MATCH - 1 };
        let count = fields.number("chunks")?;
        if !(1..=raw_len).contains(&count) {
            return Err(Corruption::Field { field: "chunks", found: count as u64 }.into());
        }
        let entries = Fields::new(fields.rest());
        let (mut raw, mut coded) = (0, 0);
        for _ in 0..count {
            let [chunk_raw, chunk_coded] = parse_entry(&mut fields)?;
            raw += chunk_raw as u64;
            coded = u64::next_multiple_of(coded, ALIGNMENT as u64) + chunk_coded as u64;
        }
        if raw != raw_len as u64 {
            return Err(Corruption::RawLength { stored: raw, actual: raw_len as u64 }.into());
        }
        let before = payload.len() - fields.rest().len();
        if before.next_multiple_of(ALIGNMENT) as u64 + coded != payload.len() as u64 {
            return Err(Corruption::Field { field: "chunk length", found: coded }.into());
        }
        Ok(Self { entries, count, chunks: fields, min_match })
    }

    /// The chunks with their raw lengths.
    fn chunks(self) -> impl Iterator<Item = Result<(usize, &'a [u8]), PayloadError>> {
        let Self { mut entries, count, mut chunks, .. } = self;
        (1..=count).map(move |number| {
            let [raw, coded] = parse_entry(&mut entries)?;
            chunks.padding()?;
            let chunk = chunks.bytes(coded, "chunk")?;
            if number == count {
                chunks.end()?;
            }
            Ok((raw, chunk))
        })
    }
}

fn parse_entry(fields: &mut Fields<'_>) -> Result<[usize; 2], PayloadError> {
    let raw = fields.number("chunk raw length")?;
    if !(1..=MAX_CHUNK_LEN).contains(&raw) {
        return Err(Corruption::Length { found: raw as u64, min: 1, max: MAX_CHUNK_LEN as u64 }.into());
    }
    Ok([raw, fields.number("chunk length")?])
}

/// What a chunk is expanded into. It grows with the largest chunk so far, of which it holds some
/// six and a half times the raw bytes at worst (matches of 3 bytes), and less than their number
/// mostly.
#[derive(Debug, Default)]
struct Scratch {
    /// The kind of the chunks that memory is kept for. Two kinds together would have too much.
    kind: u8,
    symbols: Buffers,
    expanded: Expanded,
    lzss: lzss::Scratch,
    lz78: lz78::Scratch,
}

impl Scratch {
    /// Decodes one chunk to `output`, which gets all its bytes; the offsets used last come back.
    fn decode(
        &mut self,
        chunk: &Chunk<'_>,
        min_match: usize,
        repeats: Repeats,
        output: &mut Output<'_>,
        kernel: Kernel,
        execute: &impl Execute,
    ) -> Result<Repeats, PayloadError> {
        let matches = match chunk {
            Chunk::Plain(section) => {
                let raw = &mut output.raw[output.at..output.end];
                Decoder::new(kernel).decode(&section.descriptor, section.payload, raw)?;
                return Ok(repeats);
            }
            Chunk::Matches(matches) => {
                self.keep_for(chunk::MATCHES);
                matches
            }
            Chunk::Lzss(items) => {
                self.keep_for(lzss::KIND);
                items.decode(min_match, output, &mut self.lzss, kernel)?;
                return Ok(repeats);
            }
            Chunk::Lz78(phrases) => {
                self.keep_for(lz78::KIND);
                phrases.decode(output, &mut self.lz78, kernel)?;
                return Ok(repeats);
            }
        };
        let (start, sections) = (output.at, self.symbols.decode(matches, min_match, kernel)?);
        if let Some(repeats) = execute(&sections, repeats, &mut self.expanded, output) {
            return Ok(repeats);
        }
        // A kernel only sees that something is wrong. This tells what.
        output.at = start;
        Ok(sections.execute(repeats, &mut self.expanded, output)?)
    }

    fn keep_for(&mut self, kind: u8) {
        if self.kind != kind {
            *self = Self { kind, ..Self::default() };
        }
    }
}

/// The symbols of a chunk's sections, and its raw bits.
#[derive(Debug, Default)]
struct Buffers {
    literals: Vec<u8>,
    tokens: Vec<u8>,
    offset_codes: Vec<u8>,
    literal_excess: Vec<u8>,
    match_excess: Vec<u8>,
    bits: Vec<u8>,
}

impl Buffers {
    fn decode<'a>(
        &'a mut self,
        matches: &Matches<'a>,
        min_match: usize,
        kernel: Kernel,
    ) -> Result<Sections<'a>, PayloadError> {
        let decoder = &mut Decoder::new(kernel);
        let sections = Sections {
            literals: matches.literals.decode(&mut self.literals, decoder)?,
            literal_form: matches.literal_form,
            tokens: Tokens {
                symbols: matches.tokens.decode(&mut self.tokens, decoder)?,
                literal_excess: matches.literal_excess.decode(&mut self.literal_excess, decoder)?,
                match_excess: matches.match_excess.decode(&mut self.match_excess, decoder)?,
                min_match: min_match as u8,
            },
            offsets: Offsets {
                codes: matches.offset_codes.decode(&mut self.offset_codes, decoder)?,
                bits: with_slack(matches.bits, &mut self.bits),
            },
            escapes: Escapes::new(matches.escapes),
        };
        let in_range = |valid: bool, section| if valid { Ok(()) } else { Err(Corruption::Symbol { section }) };
        in_range(are_offset_codes(sections.offsets.codes.as_slice()), "offset codes")?;
        in_range(are_excesses(sections.tokens.literal_excess.as_slice()), "literal excess")?;
        in_range(are_excesses(sections.tokens.match_excess.as_slice()), "match excess")?;
        Ok(sections)
    }
}

impl Section<'_> {
    /// Its symbols, in `buffer`, which grows to their number and their slack.
    pub(super) fn decode<'b>(
        &self,
        buffer: &'b mut Vec<u8>,
        decoder: &mut Decoder,
    ) -> Result<Symbols<'b>, PayloadError> {
        let len = self.descriptor.symbols;
        let symbols = room(buffer, len);
        decoder.decode(&self.descriptor, self.payload, &mut symbols[..len])?;
        Ok(Symbols::new(symbols, len))
    }
}

fn with_slack<'a>(bytes: &[u8], buffer: &'a mut Vec<u8>) -> Symbols<'a> {
    let room = room(buffer, bytes.len());
    room[..bytes.len()].copy_from_slice(bytes);
    Symbols::new(room, bytes.len())
}

/// Room for `len` symbols and the slack behind them.
fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len + Symbols::SLACK {
        // What was in it means nothing any more: no copy, and no more room than is needed.
        *buffer = vec![0; len + Symbols::SLACK];
    }
    buffer
}
