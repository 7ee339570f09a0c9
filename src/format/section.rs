//! Descriptors of sections (FORMAT.md, 12).

use crate::{
    error::{Corruption, Feature, PayloadError},
    format::{fields::Fields, number::write_number},
};

/// How the symbols of a section are coded: its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionForm {
    /// There are none.
    Empty,
    /// The symbols themselves.
    Stored,
    /// One symbol, repeated.
    Fill,
    /// Segments of 32 lanes.
    Lanes,
    /// Huffman codes by node.
    Pivot,
}

impl SectionForm {
    pub(crate) const ALL: [(u8, Self); 5] =
        [(0x00, Self::Empty), (0x01, Self::Stored), (0x02, Self::Fill), (0x07, Self::Lanes), (0x0B, Self::Pivot)];

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Empty => 0x00,
            Self::Stored => 0x01,
            Self::Fill => 0x02,
            Self::Lanes => 0x07,
            Self::Pivot => 0x0B,
        }
    }

    fn parse(fields: &mut Fields<'_>) -> Result<Self, PayloadError> {
        let number = fields.u8("form")?;
        let known = Self::ALL.iter().find(|(known, _)| *known == number);
        known.map(|(_, form)| *form).ok_or(PayloadError::Unsupported(Feature::Form(number)))
    }

    /// Bytes of the payload of so many symbols. `None`: the descriptor says how many.
    fn payload_len(self, symbols: usize) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Stored => Some(symbols),
            Self::Fill => Some(1),
            Self::Lanes | Self::Pivot => None,
        }
    }

    /// Whether the payload begins at a multiple of 4.
    fn is_aligned(self) -> bool {
        self == Self::Lanes
    }
}

/// How many symbols a section has, for those who read or write its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolCount {
    /// The descriptor says it, and may say no more than this.
    AtMost(usize),
    /// It follows from something else, and the descriptor says nothing.
    Derived(usize),
}

/// What stands before the payload of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) form: SectionForm,
    /// How many, below 2^28; 0 in an empty section alone.
    pub(crate) symbols: usize,
    /// Bytes, never more than symbols.
    pub(crate) payload_len: usize,
}

impl Descriptor {
    /// Appends the descriptor. Of `count` only its kind matters.
    pub(crate) fn write(&self, count: SymbolCount, out: &mut Vec<u8>) {
        out.push(self.form.number());
        if self.form != SectionForm::Empty && matches!(count, SymbolCount::AtMost(_)) {
            write_number(self.symbols as u32, out);
        }
        if self.form.payload_len(self.symbols).is_none() {
            write_number(self.payload_len as u32, out);
        }
    }

    /// Reads a descriptor. Its payload is never longer than the symbols, whose number is within
    /// `count`.
    pub(crate) fn parse(fields: &mut Fields<'_>, count: SymbolCount) -> Result<Self, PayloadError> {
        let form = SectionForm::parse(fields)?;
        let symbols = match count {
            SymbolCount::AtMost(_) if form == SectionForm::Empty => 0,
            SymbolCount::AtMost(most) => {
                let symbols = fields.number("symbols")?;
                within(symbols, 1, most)?;
                symbols
            }
            SymbolCount::Derived(symbols) => symbols,
        };
        LateDescriptor::behind(form, fields)?.with_symbols(symbols)
    }

    /// Appends the payload of this section, and the padding before it. `start`: where in `out` that
    /// begins of which the section is a part.
    pub(crate) fn write_payload(&self, payload: &[u8], start: usize, out: &mut Vec<u8>) {
        if self.form.is_aligned() {
            out.resize(out.len() + (out.len() - start).wrapping_neg() % 4, 0);
        }
        out.extend_from_slice(payload);
    }

    /// Takes the payload of this section, and the padding before it. `fields` began where that
    /// begins of which the section is a part.
    pub(crate) fn parse_payload<'a>(&self, fields: &mut Fields<'a>) -> Result<&'a [u8], PayloadError> {
        if self.form.is_aligned() {
            fields.padding()?;
        }
        Ok(fields.bytes(self.payload_len, "section")?)
    }
}

/// A descriptor whose number of symbols follows from sections that were not decoded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LateDescriptor {
    pub(crate) form: SectionForm,
    /// Where the form tells it by the number of symbols, `None`.
    payload_len: Option<usize>,
}

impl LateDescriptor {
    pub(crate) fn parse(fields: &mut Fields<'_>) -> Result<Self, PayloadError> {
        Self::behind(SectionForm::parse(fields)?, fields)
    }

    /// What stands behind the form, and behind the number of symbols where there is one.
    fn behind(form: SectionForm, fields: &mut Fields<'_>) -> Result<Self, PayloadError> {
        let has_len = form.payload_len(0).is_none();
        let payload_len = if has_len { Some(fields.number("payload length")?) } else { None };
        Ok(Self { form, payload_len })
    }

    /// The descriptor, now that its number of symbols is known.
    pub(crate) fn with_symbols(self, symbols: usize) -> Result<Descriptor, PayloadError> {
        if (symbols == 0) != (self.form == SectionForm::Empty) {
            return Err(wrong_form(self.form.number()));
        }
        let payload_len = self.payload_len.or(self.form.payload_len(symbols)).unwrap_or_default();
        within(payload_len, symbols.min(1), symbols)?;
        Ok(Descriptor { form: self.form, symbols, payload_len })
    }
}

fn within(found: usize, min: usize, max: usize) -> Result<(), Corruption> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(Corruption::Length { found: found as u64, min: min as u64, max: max as u64 })
}

fn wrong_form(number: u8) -> PayloadError {
    Corruption::Field { field: "form", found: number.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors() -> [Descriptor; 5] {
        let with = |form, symbols, payload_len| Descriptor { form, symbols, payload_len };
        [
            with(SectionForm::Empty, 0, 0),
            with(SectionForm::Stored, 300, 300),
            with(SectionForm::Fill, 16 << 20, 1),
            with(SectionForm::Lanes, 5000, 4000),
            with(SectionForm::Stored, 1, 1),
        ]
    }

    fn parse(bytes: &[u8], count: SymbolCount) -> Result<Descriptor, PayloadError> {
        let mut fields = Fields::new(bytes);
        let descriptor = Descriptor::parse(&mut fields, count)?;
        fields.end()?;
        Ok(descriptor)
    }

    #[test]
    fn what_is_written_is_parsed_and_no_prefix_is() {
        for descriptor in descriptors() {
            for count in [SymbolCount::AtMost(descriptor.symbols), SymbolCount::Derived(descriptor.symbols)] {
                let mut bytes = Vec::new();
                descriptor.write(count, &mut bytes);
                assert_eq!(parse(&bytes, count), Ok(descriptor));
                for cut in 0..bytes.len() {
                    let error = parse(&bytes[..cut], count);
                    let ends = matches!(error, Err(PayloadError::Corrupt(Corruption::PayloadEnds { .. })));
                    assert!(ends, "{descriptor:?}, cut at {cut}: {error:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_of_a_descriptor() {
        let bytes = |descriptor: Descriptor, count| {
            let mut bytes = Vec::new();
            descriptor.write(count, &mut bytes);
            bytes
        };
        let [empty, stored, _, lanes, _] = descriptors();
        assert_eq!(bytes(empty, SymbolCount::AtMost(0)), [0x00]);
        assert_eq!(bytes(stored, SymbolCount::AtMost(300)), [0x01, 0xAC, 0x02]);
        assert_eq!(bytes(stored, SymbolCount::Derived(300)), [0x01]);
        assert_eq!(bytes(lanes, SymbolCount::AtMost(5000)), [0x07, 0x88, 0x27, 0xA0, 0x1F]);
        assert_eq!(bytes(lanes, SymbolCount::Derived(5000)), [0x07, 0xA0, 0x1F]);
    }

    #[test]
    fn a_descriptor_is_the_same_when_its_symbols_are_known_late() {
        for descriptor in descriptors() {
            let mut bytes = Vec::new();
            descriptor.write(SymbolCount::Derived(descriptor.symbols), &mut bytes);
            let mut fields = Fields::new(&bytes);
            let late = LateDescriptor::parse(&mut fields).unwrap();
            assert_eq!((late.with_symbols(descriptor.symbols), fields.end()), (Ok(descriptor), Ok(())));
            for symbols in [0, 1, 3999] {
                let expected = parse(&bytes, SymbolCount::Derived(symbols));
                assert_eq!(late.with_symbols(symbols), expected, "{descriptor:?} with {symbols}");
            }
        }
    }

    #[test]
    fn other_numbers_are_refused() {
        let length = |found, min, max| Err(Corruption::Length { found, min, max }.into());
        let form = |found| Err(Corruption::Field { field: "form", found }.into());
        let at_most = SymbolCount::AtMost(100);
        assert_eq!(parse(&[0x01, 101], at_most), length(101, 1, 100));
        assert_eq!(parse(&[0x01, 0], at_most), length(0, 1, 100), "only an empty section has no symbols");
        assert_eq!(parse(&[0x07, 100, 101], at_most), length(101, 1, 100), "more than its symbols");
        assert_eq!(parse(&[0x07, 100, 0], at_most), length(0, 1, 100));
        assert_eq!(parse(&[0x00], SymbolCount::Derived(1)), form(0));
        assert_eq!(parse(&[0x02], SymbolCount::Derived(0)), form(2));
        assert_eq!(parse(&[0x01, 0x80, 0], at_most), Err(Corruption::Padding.into()));
        for number in (0..=255).filter(|number| !matches!(number, 0 | 1 | 2 | 7 | 0x0B)) {
            let error = parse(&[number, 1, 1], at_most);
            assert_eq!(error, Err(PayloadError::Unsupported(Feature::Form(number))));
        }
    }

    #[test]
    fn only_payloads_of_lanes_are_aligned() {
        let [_, _, fill, ..] = descriptors();
        let lanes = Descriptor { form: SectionForm::Lanes, symbols: 9, payload_len: 3 };
        let mut out = b"before the chunk".to_vec();
        let start = out.len();
        out.push(9);
        fill.write_payload(b"f", start, &mut out);
        lanes.write_payload(b"abc", start, &mut out);
        assert_eq!(out[start..], *b"\x09f\0\0abc");

        let mut fields = Fields::new(&out[start..]);
        fields.u8("chunk").unwrap();
        assert_eq!(fill.parse_payload(&mut fields), Ok(&b"f"[..]));
        assert_eq!(lanes.parse_payload(&mut fields), Ok(&b"abc"[..]));
        let mut fields = Fields::new(b"\x09f\0\x01abc");
        fields.bytes(2, "chunk").unwrap();
        assert_eq!(lanes.parse_payload(&mut fields), Err(Corruption::Padding.into()));
        let ended = Corruption::PayloadEnds { field: "section", length: 2 };
        assert_eq!(lanes.parse_payload(&mut Fields::new(b"ab")), Err(ended.into()));
    }
}
