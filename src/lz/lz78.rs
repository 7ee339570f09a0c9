//! Chunks of LZ78 (FORMAT.md, 14.9): each phrase is an earlier one of its chunk and one more byte.

use crate::{
    error::{Corruption, PayloadError},
    format::{
        bits::BitReader,
        fields::Fields,
        section::{Descriptor, SymbolCount},
    },
    lz::{
        chunk::{Section, number},
        streams::BitString,
    },
    section::Decoder,
    sequences::{OffsetCode, Output, offset_base},
    simd::Kernel,
};

/// The kind of such chunks.
pub(super) const KIND: u8 = 9;

/// The last code: distances are below 2^20, as a chunk has no more phrases.
const LAST_CODE: u8 = 143;

/// The most raw bits behind a code.
const MAX_BITS: usize = 16;

/// The parts of a chunk, whose fields were verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lz78<'a> {
    codes: Section<'a>,
    symbols: Section<'a>,
    bits: &'a [u8],
}

impl<'a> Lz78<'a> {
    pub(super) fn parse(fields: &mut Fields<'a>, raw_len: usize) -> Result<Self, PayloadError> {
        let codes = Descriptor::parse(fields, SymbolCount::AtMost(raw_len))?;
        let symbols = Descriptor::parse(fields, SymbolCount::Derived(codes.symbols))?;
        let bits = number(fields, "raw bits", (MAX_BITS * codes.symbols).div_ceil(8))?;
        Ok(Self {
            codes: Section::parse(codes, fields)?,
            symbols: Section::parse(symbols, fields)?,
            bits: fields.bytes(bits, "raw bits")?,
        })
    }

    /// Fills the rest of `output`'s chunk, whose raw bytes these are.
    pub(super) fn decode(
        &self,
        output: &mut Output<'_>,
        scratch: &mut Scratch,
        kernel: Kernel,
    ) -> Result<(), PayloadError> {
        let decoder = &mut Decoder::new(kernel);
        let codes = self.codes.decode(&mut scratch.codes, decoder)?.as_slice();
        let symbols = self.symbols.decode(&mut scratch.symbols, decoder)?.as_slice();
        if codes.iter().any(|&code| code > LAST_CODE) {
            return Err(Corruption::Symbol { section: "codes" }.into());
        }
        let starts = &mut scratch.starts;
        starts.clear();
        if starts.capacity() < codes.len() + 1 {
            // No more than is needed: what it was means nothing.
            *starts = Vec::with_capacity(codes.len() + 1);
        }
        starts.push(output.at as u32);
        Ok(execute(codes, symbols, BitReader::new(self.bits), starts, output)?)
    }
}

/// Memory to keep.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    codes: Vec<u8>,
    symbols: Vec<u8>,
    /// Where each phrase begins in the block, and where the last one ends.
    starts: Vec<u32>,
}

/// Fills the rest of the chunk. `starts` has where it begins.
fn execute(
    codes: &[u8],
    symbols: &[u8],
    mut bits: BitReader<'_>,
    starts: &mut Vec<u32>,
    output: &mut Output<'_>,
) -> Result<(), Corruption> {
    let differ = |part| Err(Corruption::Sequences { part });
    for (phrases, (&code, &symbol)) in codes.iter().zip(symbols).enumerate() {
        let (extra_bits, base) = offset_base(code + 1);
        let Some(extra) = bits.take_whole(extra_bits) else { return differ("raw bits") };
        let distance = base + extra;
        if distance > 0 {
            let Some(phrase) = phrases.checked_sub(distance as usize) else { return differ("phrases") };
            let (start, end) = (starts[phrase], starts[phrase + 1]);
            let (offset, length) = (output.at as u32 - start, end - start);
            if !output.matched(length as usize, offset) {
                return Err(Corruption::Match { offset, length });
            }
        }
        if output.at == output.end {
            return differ("symbols");
        }
        output.raw[output.at] = symbol;
        output.at += 1;
        starts.push(output.at as u32);
    }
    if !bits.is_whole() {
        return differ("raw bits");
    }
    if output.at != output.end {
        return differ("symbols");
    }
    Ok(())
}

/// What the sections of a chunk are made of, and the phrases so far.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) codes: Vec<u8>,
    pub(super) symbols: Vec<u8>,
    pub(super) bits: BitString,
    /// At a place by its hash: a phrase as the number of its first part and its last byte, and its
    /// own number; 0 where there is none.
    table: Vec<[u32; 2]>,
}

impl Streams {
    /// Cuts `raw`, one chunk, into phrases.
    pub(super) fn fill(&mut self, raw: &[u8]) {
        let Self { codes, symbols, bits, table } = self;
        codes.clear();
        symbols.clear();
        bits.clear();
        // All phrases but the last one are put there, so one place at least stays free.
        let log = raw.len().next_power_of_two().ilog2().max(1);
        table.clear();
        table.resize(1 << log, [0; 2]);
        let (mut first, mut next) = (0, 1);
        for (left, &symbol) in (0..raw.len()).rev().zip(raw) {
            let key = first << 8 | u32::from(symbol);
            let mut place = (key.wrapping_mul(0x9E37_79B1) >> (32 - log)) as usize;
            while table[place][1] != 0 && table[place][0] != key {
                place = (place + 1) % table.len();
            }
            let found = table[place][1];
            if found != 0 && left > 0 {
                first = found;
                continue;
            }
            // The last phrase may be one that is known: then it is said in its two parts.
            let code = OffsetCode::new(if first == 0 { 0 } else { next - first });
            codes.push(code.code - 1);
            bits.put(code.extra, code.bits);
            symbols.push(symbol);
            table[place] = [key, next];
            (first, next) = (0, next + 1);
        }
    }
}
