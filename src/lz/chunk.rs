//! The fields of a chunk (FORMAT.md, 14.2). Everything that they show by themselves is verified
//! here, before any memory is taken.

use crate::{
    error::{Corruption, Feature, PayloadError},
    format::{
        fields::Fields,
        section::{Descriptor, SymbolCount},
    },
    lz::{
        lz78::{self, Lz78},
        lzss::{self, Lzss},
    },
    sequences::{ESCAPE_LEN, LiteralForm, MAX_OFFSET_BITS},
};

pub(super) const PLAIN: u8 = 0;
pub(super) const MATCHES: u8 = 1;
pub(super) const MATCHES_DIFFERENCES: u8 = 2;

/// A section whose place in the payload was verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) descriptor: Descriptor,
    pub(super) payload: &'a [u8],
}

/// A chunk whose fields were verified.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chunk<'a> {
    Plain(Section<'a>),
    Matches(Matches<'a>),
    Lzss(Lzss<'a>),
    Lz78(Lz78<'a>),
}

/// The parts of a chunk with matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matches<'a> {
    pub(super) literal_form: LiteralForm,
    pub(super) literals: Section<'a>,
    pub(super) tokens: Section<'a>,
    pub(super) offset_codes: Section<'a>,
    pub(super) literal_excess: Section<'a>,
    pub(super) match_excess: Section<'a>,
    pub(super) bits: &'a [u8],
    pub(super) escapes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Reads a chunk of `raw_len` bytes, which `bytes` is.
    pub(super) fn parse(bytes: &'a [u8], raw_len: usize, min_match: usize) -> Result<Self, PayloadError> {
        let mut fields = Fields::new(bytes);
        let chunk = match fields.u8("chunk kind")? {
            PLAIN => {
                let descriptor = Descriptor::parse(&mut fields, SymbolCount::Derived(raw_len))?;
                Self::Plain(Section::parse(descriptor, &mut fields)?)
            }
            MATCHES => Self::Matches(Matches::parse(&mut fields, LiteralForm::Plain, raw_len, min_match)?),
            MATCHES_DIFFERENCES => {
                Self::Matches(Matches::parse(&mut fields, LiteralForm::Difference, raw_len, min_match)?)
            }
            lzss::KIND => Self::Lzss(Lzss::parse(&mut fields, raw_len, min_match)?),
            lz78::KIND => Self::Lz78(Lz78::parse(&mut fields, raw_len)?),
            kind => return Err(PayloadError::Unsupported(Feature::Chunk(kind))),
        };
        fields.end()?;
        Ok(chunk)
    }
}

impl<'a> Matches<'a> {
    fn parse(
        fields: &mut Fields<'a>,
        literal_form: LiteralForm,
        raw_len: usize,
        min_match: usize,
    ) -> Result<Self, PayloadError> {
        let mut descriptor = |most| Descriptor::parse(fields, SymbolCount::AtMost(most));
        let literals = descriptor(raw_len)?;
        let tokens = descriptor(raw_len / min_match)?;
        let offset_codes = descriptor(tokens.symbols)?;
        let literal_excess = descriptor(tokens.symbols)?;
        let match_excess = descriptor(tokens.symbols)?;
        let bits = number(fields, "raw bits", (MAX_OFFSET_BITS * offset_codes.symbols).div_ceil(8))?;
        let escapes = number(fields, "escapes", literal_excess.symbols + match_excess.symbols)?;
        Ok(Self {
            literal_form,
            literals: Section::parse(literals, fields)?,
            tokens: Section::parse(tokens, fields)?,
            offset_codes: Section::parse(offset_codes, fields)?,
            literal_excess: Section::parse(literal_excess, fields)?,
            match_excess: Section::parse(match_excess, fields)?,
            bits: fields.bytes(bits, "raw bits")?,
            escapes: fields.bytes(ESCAPE_LEN * escapes, "escapes")?,
        })
    }
}

impl<'a> Section<'a> {
    pub(super) fn parse(descriptor: Descriptor, fields: &mut Fields<'a>) -> Result<Self, PayloadError> {
        Ok(Self { descriptor, payload: descriptor.parse_payload(fields)? })
    }
}

pub(super) fn number(fields: &mut Fields<'_>, field: &'static str, max: usize) -> Result<usize, PayloadError> {
    let found = fields.number(field)?;
    if found > max { Err(Corruption::Field { field, found: found as u64 }.into()) } else { Ok(found) }
}
