//! Chunks of LZSS (FORMAT.md, 14.8): a flag tells for each item whether it is a literal or a match.

use crate::{
    error::{Corruption, PayloadError},
    format::{
        bits::BitReader,
        fields::Fields,
        section::{Descriptor, SymbolCount},
    },
    lz::{
        chunk::{Section, number},
        streams::{BitString, Bytes, Sequence, push_excess_if},
    },
    section::Decoder,
    sequences::{
        ESCAPE, ESCAPE_LEN, Escapes, LiteralForm, MAX_OFFSET_BITS, MIN_MATCH, OffsetCode, Output, REPEAT_CODES,
        are_excesses, are_offset_codes, offset_base,
    },
    simd::Kernel,
};

/// The kind of such chunks.
pub(super) const KIND: u8 = 8;

/// The parts of a chunk, whose fields were verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lzss<'a> {
    literals: Section<'a>,
    lengths: Section<'a>,
    offset_codes: Section<'a>,
    flags: Section<'a>,
    bits: &'a [u8],
    escapes: Escapes<'a>,
}

impl<'a> Lzss<'a> {
    pub(super) fn parse(fields: &mut Fields<'a>, raw_len: usize, min_match: usize) -> Result<Self, PayloadError> {
        let mut descriptor = |count| Descriptor::parse(fields, count);
        let literals = descriptor(SymbolCount::AtMost(raw_len))?;
        let lengths = descriptor(SymbolCount::AtMost(raw_len / min_match))?;
        let matches = lengths.symbols;
        let offset_codes = descriptor(SymbolCount::Derived(matches))?;
        let flags = descriptor(SymbolCount::Derived((literals.symbols + matches).div_ceil(8)))?;
        let bits = number(fields, "raw bits", (MAX_OFFSET_BITS * matches).div_ceil(8))?;
        let escapes = number(fields, "escapes", matches)?;
        Ok(Self {
            literals: Section::parse(literals, fields)?,
            lengths: Section::parse(lengths, fields)?,
            offset_codes: Section::parse(offset_codes, fields)?,
            flags: Section::parse(flags, fields)?,
            bits: fields.bytes(bits, "raw bits")?,
            escapes: Escapes::new(fields.bytes(ESCAPE_LEN * escapes, "escapes")?),
        })
    }

    /// Fills the rest of `output`'s chunk, whose raw bytes these are.
    pub(super) fn decode(
        &self,
        min_match: usize,
        output: &mut Output<'_>,
        scratch: &mut Scratch,
        kernel: Kernel,
    ) -> Result<(), PayloadError> {
        let decoder = &mut Decoder::new(kernel);
        let items = Items {
            literals: self.literals.decode(&mut scratch.literals, decoder)?.as_slice(),
            lengths: self.lengths.decode(&mut scratch.lengths, decoder)?.as_slice(),
            offset_codes: self.offset_codes.decode(&mut scratch.offset_codes, decoder)?.as_slice(),
            flags: self.flags.decode(&mut scratch.flags, decoder)?.as_slice(),
            bits: BitReader::new(self.bits),
            escapes: self.escapes,
        };
        if !are_excesses(items.lengths) {
            return Err(Corruption::Symbol { section: "lengths" }.into());
        }
        if !are_offset_codes(items.offset_codes) || items.offset_codes.iter().any(|&code| code < REPEAT_CODES) {
            return Err(Corruption::Symbol { section: "offset codes" }.into());
        }
        Ok(items.execute(min_match, output)?)
    }
}

/// The symbols of a chunk's sections: memory to keep.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    literals: Vec<u8>,
    lengths: Vec<u8>,
    offset_codes: Vec<u8>,
    flags: Vec<u8>,
}

/// What the flags go through. There are as many lengths as offset codes.
struct Items<'a> {
    literals: &'a [u8],
    lengths: &'a [u8],
    offset_codes: &'a [u8],
    flags: &'a [u8],
    bits: BitReader<'a>,
    escapes: Escapes<'a>,
}

impl Items<'_> {
    fn execute(mut self, min_match: usize, output: &mut Output<'_>) -> Result<(), Corruption> {
        let differ = |part| Err(Corruption::Sequences { part });
        let items = self.literals.len() + self.lengths.len();
        let matches: u32 = self.flags.iter().map(|flags| flags.count_ones()).sum();
        let mut flags = BitReader::new(self.flags);
        flags.skip(items as u32);
        if matches as usize != self.lengths.len() || !flags.is_whole() {
            return differ("flags");
        }
        let mut at = 0;
        for (&length, &code) in self.lengths.iter().zip(self.offset_codes) {
            let run = zeros(self.flags, at);
            at += run + 1;
            if !self.append_literals(run, output) {
                return differ("literals");
            }
            let Some(length) = self.length(length) else { return differ("escapes") };
            let (bits, base) = offset_base(code);
            let Some(extra) = self.bits.take_whole(bits) else { return differ("raw bits") };
            let (offset, length) = (base + extra, min_match + length);
            if !output.matched(length, offset) {
                return Err(Corruption::Match { offset, length: length as u32 });
            }
        }
        if !self.escapes.is_empty() {
            return differ("escapes");
        }
        if !self.bits.is_whole() {
            return differ("raw bits");
        }
        if !self.append_literals(items - at, output) || output.at != output.end {
            return differ("literals");
        }
        Ok(())
    }

    /// `false`: there are not so many, or the chunk has no room for them.
    fn append_literals(&mut self, run: usize, output: &mut Output<'_>) -> bool {
        let run = self.literals.split_off(..run);
        run.is_some_and(|run| output.literals(run, LiteralForm::Plain, 0))
    }

    /// The number that a length stands for. `None`: there are no more escapes.
    fn length(&mut self, length: u8) -> Option<usize> {
        if length == ESCAPE { self.escapes.take() } else { Some(length.into()) }
    }
}

/// How many zero bits of `flags` follow from bit `from` on, before one that is not, or their end.
fn zeros(flags: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = flags.get(at / 8) {
        let rest = byte >> (at % 8);
        if rest != 0 {
            return at + rest.trailing_zeros() as usize - from;
        }
        at += 8 - at % 8;
    }
    at - from
}

/// What the sections of a chunk are made of, beside its literals.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) lengths: Bytes,
    pub(super) offset_codes: Vec<u8>,
    pub(super) flags: Vec<u8>,
    pub(super) bits: BitString,
    pub(super) escapes: Vec<u8>,
}

impl Streams {
    /// Takes the sequences of a chunk, which so many literals end.
    pub(super) fn fill(&mut self, sequences: &[Sequence], tail: u32) {
        let Self { lengths, offset_codes, flags, bits, escapes } = self;
        let mut length_bytes = lengths.begin(sequences.len());
        for bytes in [&mut *offset_codes, &mut *flags, &mut *escapes] {
            bytes.clear();
        }
        bits.clear();
        let literals = sequences.iter().map(|sequence| sequence.literals).sum::<u32>() + tail;
        flags.resize((sequences.len() + literals as usize).div_ceil(8), 0);
        let mut items = 0;
        for &Sequence { literals, length, offset, .. } in sequences {
            items += literals as usize;
            flags[items / 8] |= 1 << (items % 8);
            items += 1;
            push_excess_if(true, length as usize - MIN_MATCH, &mut length_bytes, escapes);
            let code = OffsetCode::new(offset);
            offset_codes.push(code.code);
            bits.put(code.extra, code.bits);
        }
        length_bytes.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_counted_up_to_a_flag() {
        let flags = [0, 0b0010_0000, 0b1000_0001];
        let found: Vec<usize> = [0, 3, 13, 14, 16, 17, 23, 24].map(|from| zeros(&flags, from)).to_vec();
        assert_eq!(found, [13, 10, 0, 2, 0, 6, 0, 0]);
    }
}
