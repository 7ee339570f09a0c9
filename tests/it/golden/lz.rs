//! Blocks with matches, put together from FORMAT.md, section 14, byte by byte: what an encoder
//! makes of its freedom does not show here.

mod kinds;

use ranstream::{
    Error,
    error::{Corruption, Feature},
    format::StreamHeader,
};

use super::{
    Golden,
    bad::{bad_block, refused_block},
    letters,
};
use crate::assembly::{Assembly, data_block};

const TAG: u8 = 0x0A;

/// The sections of a chunk in their order.
type Symbols = [Vec<u8>; 5];

const TOKENS: usize = 1;
const OFFSET_CODES: usize = 2;
const LITERAL_EXCESS: usize = 3;
const MATCH_EXCESS: usize = 4;

/// What comes before a match: its offset by one of the ways to say it.
#[derive(Debug, Clone, Copy)]
enum Offset {
    Last,
    Second,
    Third,
    New(usize),
}

/// Raw bytes of a block, and the chunks that they are coded to.
#[derive(Debug, Default)]
struct Block {
    min_match: usize,
    raw: Vec<u8>,
    repeats: [usize; 3],
    chunks: Vec<(usize, Vec<u8>)>,
    /// Of the chunk in progress.
    start: usize,
    differences: bool,
    symbols: Symbols,
    bits: Vec<bool>,
    escapes: Vec<u8>,
}

impl Block {
    fn new(min_match: usize) -> Self {
        Self { min_match, repeats: [1, 4, 8], ..Self::default() }
    }

    fn literals(&mut self, literals: &[u8]) {
        for &literal in literals {
            let base = self.raw.len().checked_sub(self.repeats[0]).filter(|_| self.differences);
            let base = base.map_or(0, |at| self.raw[at]);
            self.symbols[0].push(literal.wrapping_sub(base));
            self.raw.push(literal);
        }
    }

    fn sequence(&mut self, literals: &[u8], offset: Offset, length: usize) -> &mut Self {
        self.literals(literals);
        let (run, more) = (literals.len().min(7), (length - self.min_match).min(15));
        if run == 7 {
            excess(literals.len() - 7, &mut self.symbols[LITERAL_EXCESS], &mut self.escapes);
        }
        if more == 15 {
            excess(length - self.min_match - 15, &mut self.symbols[MATCH_EXCESS], &mut self.escapes);
        }
        let [first, second, third] = self.repeats;
        let code = match offset {
            Offset::Last => None,
            Offset::Second => Some(0),
            Offset::Third => Some(1),
            Offset::New(offset) => Some(value(offset, &mut self.bits) + 1),
        };
        self.symbols[OFFSET_CODES].extend(code);
        self.symbols[TOKENS].push((run << 5 | more << 1) as u8 | u8::from(code.is_none()));
        self.repeats = match offset {
            Offset::Last => self.repeats,
            Offset::Second => [second, first, third],
            Offset::Third => [third, first, second],
            Offset::New(offset) => [offset, first, second],
        };
        for _ in 0..length {
            self.raw.push(self.raw[self.raw.len() - self.repeats[0]]);
        }
        self
    }

    /// Ends a chunk with matches, whose last bytes are `literals`.
    fn end(&mut self, literals: &[u8]) -> &mut Self {
        self.literals(literals);
        let kind = 1 + u8::from(self.differences);
        let bytes = chunk(kind, &self.symbols, &packed(&self.bits), &self.escapes);
        self.chunks.push((self.raw.len() - self.start, bytes));
        *self = Self {
            min_match: self.min_match,
            repeats: self.repeats,
            start: self.raw.len(),
            raw: std::mem::take(&mut self.raw),
            chunks: std::mem::take(&mut self.chunks),
            ..Self::default()
        };
        self
    }

    fn plain(&mut self, raw: &[u8]) -> &mut Self {
        self.chunks.push((raw.len(), [&[0, 1][..], raw].concat()));
        self.raw.extend_from_slice(raw);
        self.start = self.raw.len();
        self
    }

    fn payload(&self) -> Vec<u8> {
        payload(if self.min_match == 3 { 4 } else { 0 }, &self.chunks)
    }
}

fn number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What a length has above its least: a symbol, or 255 and an escape.
fn excess(excess: usize, symbols: &mut Vec<u8>, escapes: &mut Vec<u8>) {
    if excess < 232 {
        symbols.push(excess as u8);
    } else {
        symbols.push(255);
        escapes.extend(&(excess as u32).to_le_bytes()[..3]);
    }
}

/// The number that stands for an offset or a distance; raw bits go to `bits`.
fn value(number: usize, bits: &mut Vec<bool>) -> u8 {
    if number < 8 {
        return number as u8;
    }
    let e = number.ilog2() - 3;
    bits.extend((0..e).map(|bit| number >> bit & 1 == 1));
    ((e + 1) << 3) as u8 | (number >> e & 7) as u8
}

fn packed(bits: &[bool]) -> Vec<u8> {
    let mut bytes = vec![0; bits.len().div_ceil(8)];
    for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
        bytes[at / 8] |= 1 << (at % 8);
    }
    bytes
}

/// A stored section, whose number of symbols is derived or not.
fn descriptor(symbols: &[u8], is_derived: bool, bytes: &mut Vec<u8>) {
    bytes.push(u8::from(!symbols.is_empty()));
    if !symbols.is_empty() && !is_derived {
        number(symbols.len(), bytes);
    }
}

/// A chunk of stored sections.
fn chunk(kind: u8, symbols: &Symbols, bits: &[u8], escapes: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    for symbols in symbols {
        descriptor(symbols, false, &mut bytes);
    }
    number(bits.len(), &mut bytes);
    number(escapes.len() / 3, &mut bytes);
    bytes.extend(symbols.iter().flatten());
    bytes.extend_from_slice(bits);
    bytes.extend_from_slice(escapes);
    bytes
}

fn payload(flags: u8, chunks: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![flags];
    number(chunks.len(), &mut bytes);
    for (raw_len, chunk) in chunks {
        number(*raw_len, &mut bytes);
        number(chunk.len(), &mut bytes);
    }
    for (_, chunk) in chunks {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(chunk);
    }
    bytes
}

pub(super) fn good() -> Vec<Golden> {
    let mut all = vec![
        golden("lz", "matches: the example of FORMAT.md", &{
            let mut block = Block::new(4);
            block.sequence(b"abracadabra ", Offset::New(12), 23).end(b"!");
            block
        }),
        golden("lz-repeats", "matches: every way to say an offset, and matches over themselves", &{
            let mut block = Block::new(4);
            block.sequence(b"abcdefgh", Offset::New(8), 9).sequence(b"", Offset::New(1), 30);
            block.sequence(b"x", Offset::Second, 18).sequence(b"yz", Offset::Third, 20).sequence(b"-", Offset::Last, 7);
            block.sequence(b"", Offset::Second, 4).sequence(b"", Offset::Second, 5).sequence(b"", Offset::Third, 40);
            for offset in [2, 3, 5, 7, 9, 15, 16, 17, 31, 33, 63, 64, 65] {
                block.sequence(b"...", Offset::New(offset), 70).sequence(b"", Offset::Third, 15);
            }
            block.end(b"");
            block
        }),
        golden("lz-first-repeats", "matches: the offsets that a block begins with", &{
            let mut block = Block::new(4);
            block.sequence(b"abcdefghi", Offset::Third, 12).sequence(b"jklm", Offset::Third, 9);
            block.sequence(b"n", Offset::Third, 20).end(b"");
            block
        }),
        golden("lz-escapes", "matches: the longest lengths without an escape, and the shortest with one", &{
            let mut block = Block::new(4);
            block.sequence(&letters(238), Offset::New(100), 250).sequence(&letters(239), Offset::Last, 251);
            block.sequence(&letters(600), Offset::New(300), 2000).sequence(b"", Offset::Last, 19).end(b"end");
            block
        }),
        golden("lz-differences", "matches, literals as differences", &{
            let mut block = Block::new(4);
            block.differences = true;
            block.sequence(b"0123456789", Offset::New(10), 20).sequence(b"1234567890", Offset::New(3), 33);
            block.sequence(b"abcdefghijklmnopqrstuvwxyz", Offset::New(26), 30).end(b"ABCDEFGHIJ");
            block
        }),
        golden("lz-chunks", "matches: several chunks, one of them plain, that reach back into others", &{
            let mut block = Block::new(4);
            block.sequence(b"first chunk, ", Offset::New(13), 40).end(b"its end").plain(&letters(50));
            block.sequence(b"third chunk, ", Offset::Last, 20).sequence(b"", Offset::New(123), 50).end(b"");
            block.end(b"literals alone");
            block
        }),
        golden("lz-short-matches", "matches of 3 bytes", &{
            let mut block = Block::new(3);
            block.sequence(b"abcd", Offset::New(4), 3).sequence(b"", Offset::New(2), 17);
            block.sequence(b"xyz", Offset::New(3), 18).sequence(b"", Offset::Last, 3).end(b"");
            block
        }),
        golden("lz-raw-bits", "matches: offsets with raw bits", &{
            let mut block = Block::new(4);
            block.sequence(b"0123456789abcdef", Offset::New(16), 70_000).sequence(&letters(70), Offset::New(65_535), 9);
            for log in 4..16 {
                block.sequence(b"", Offset::New((1 << log) + 3), 20).sequence(b",", Offset::New((2 << log) - 1), 11);
            }
            block.end(b"");
            block
        }),
    ];
    all.extend(kinds::good());
    all
}

fn golden(name: &str, what: &'static str, block: &Block) -> Golden {
    let header = StreamHeader { max_block_log2: 17, content_length: None, content_check: true, index: false };
    let bytes = data_block(TAG, block.raw.len() as u32, &block.payload());
    let stream = Assembly::new(header).block(&bytes, &block.raw).finish();
    Golden { name: format!("good-{name}"), what, stream: stream.stream, raw: stream.raw, error: None }
}

/// Raw bytes of the block that is damaged below.
const RAW_LEN: usize = 96;

fn simple() -> Block {
    let mut block = Block::new(4);
    block.sequence(b"abracadabra ", Offset::New(12), 83);
    block
}

pub(super) fn bad() -> Vec<Golden> {
    let whole = simple().end(b"!").payload();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = whole.clone();
        change(&mut payload);
        data_block(TAG, RAW_LEN as u32, &payload)
    };
    let bad = |name: &str, what, change: &dyn Fn(&mut Vec<u8>), reason| {
        bad_block(&format!("lz-{name}"), what, &changed(change), reason)
    };
    let unsupported = |name: &str, what, change: &dyn Fn(&mut Vec<u8>), feature| {
        let error = |offset| Error::Unsupported { feature, offset };
        refused_block(&format!("lz-{name}"), what, &changed(change), error)
    };
    let field = |field, found| Corruption::Field { field, found };
    let coded = whole.len() as u64 - 4;
    let mut all = vec![
        unsupported("flags", "flag bit 0", &|payload| payload[0] = 1, Feature::LzFlags(1)),
        unsupported("kind", "a chunk of kind 3", &|payload| payload[4] = 3, Feature::Chunk(3)),
        unsupported("form", "literals in form 0x08", &|payload| payload[5] = 8, Feature::Form(8)),
        bad("no-chunks", "no chunk", &|payload| payload[1] = 0, field("chunks", 0)),
        bad(
            "empty-chunk",
            "a chunk without raw bytes",
            &|payload| payload[2] = 0,
            Corruption::Length { found: 0, min: 1, max: 1 << 20 },
        ),
        bad(
            "raw-length",
            "chunks of one raw byte less",
            &|payload| payload[2] -= 1,
            Corruption::RawLength { stored: RAW_LEN as u64 - 1, actual: RAW_LEN as u64 },
        ),
        bad(
            "chunk-length",
            "a chunk that ends before the payload",
            &|payload| payload[3] -= 1,
            field("chunk length", coded - 1),
        ),
        bad(
            "ends",
            "a payload that ends inside its chunk",
            &|payload| payload.truncate(payload.len() - 1),
            field("chunk length", coded),
        ),
        bad(
            "goes-on",
            "one byte more than its fields",
            &|payload| {
                payload[3] += 1;
                payload.push(0);
            },
            Corruption::PayloadGoesOn { extra: 1 },
        ),
        bad(
            "padding",
            "padding before a chunk that is not zero",
            &|payload| {
                payload.splice(1..2, [0x81]);
                payload.splice(2..2, [0, 0, 0]);
            },
            Corruption::Padding,
        ),
    ];
    all.extend(bad_sections());
    all.extend(bad_sequences());
    all.extend(kinds::bad_kinds());
    all
}

/// A block of one chunk that is as `change` makes the simple one.
fn bad_chunk(
    name: &str,
    what: &'static str,
    change: impl Fn(&mut Symbols, &mut Vec<u8>, &mut Vec<u8>),
    reason: Corruption,
) -> Golden {
    let mut block = simple();
    block.literals(b"!");
    let (mut bits, mut escapes) = (Vec::new(), Vec::new());
    change(&mut block.symbols, &mut bits, &mut escapes);
    let payload = payload(0, &[(RAW_LEN, chunk(1, &block.symbols, &bits, &escapes))]);
    bad_block(&format!("lz-{name}"), what, &data_block(TAG, RAW_LEN as u32, &payload), reason)
}

/// What a decoder sees in the fields of a chunk, and in each section by itself.
fn bad_sections() -> Vec<Golden> {
    let length = |found, max| Corruption::Length { found, min: 1, max };
    vec![
        bad_chunk(
            "tokens",
            "more tokens than a quarter of the raw bytes",
            |s, _, _| s[TOKENS].resize(25, 0),
            length(25, 24),
        ),
        bad_chunk("codes", "more offset codes than tokens", |s, _, _| s[OFFSET_CODES].push(9), length(2, 1)),
        bad_chunk("excesses", "more match excesses than tokens", |s, _, _| s[MATCH_EXCESS].push(9), length(2, 1)),
        bad_chunk(
            "bits",
            "more raw bits than offset codes can have",
            |_, bits, _| bits.extend([0; 4]),
            Corruption::Field { field: "raw bits", found: 4 },
        ),
        bad_chunk(
            "escapes",
            "more escapes than excesses",
            |_, _, escapes| escapes.extend([0; 9]),
            Corruption::Field { field: "escapes", found: 3 },
        ),
        bad_chunk(
            "code-177",
            "an offset code of 177",
            |s, _, _| s[OFFSET_CODES] = vec![177],
            Corruption::Symbol { section: "offset codes" },
        ),
        bad_chunk(
            "excess-232",
            "a literal excess of 232",
            |s, _, _| s[LITERAL_EXCESS] = vec![232],
            Corruption::Symbol { section: "literal excess" },
        ),
        bad_chunk(
            "excess-254",
            "a match excess of 254",
            |s, _, _| s[MATCH_EXCESS] = vec![254],
            Corruption::Symbol { section: "match excess" },
        ),
    ]
}

/// What a decoder sees when the parts come together.
fn bad_sequences() -> Vec<Golden> {
    let differ = |part| Corruption::Sequences { part };
    vec![
        bad_chunk("excess-missing", "no literal excess", |s, _, _| s[LITERAL_EXCESS].clear(), differ("excess bytes")),
        bad_chunk("excess-left", "an excess for no token", |s, _, _| s[TOKENS][0] &= !0x1E, differ("excess bytes")),
        bad_chunk("code-missing", "no offset code", |s, _, _| s[OFFSET_CODES].clear(), differ("offset codes")),
        bad_chunk("code-left", "an offset code for no token", |s, _, _| s[TOKENS][0] |= 1, differ("offset codes")),
        bad_chunk("bits-missing", "no raw bits", |s, _, _| s[OFFSET_CODES] = vec![33], differ("raw bits")),
        bad_chunk("bits-left", "raw bits for no offset code", |_, bits, _| bits.push(0), differ("raw bits")),
        bad_chunk(
            "bits-padding",
            "bits behind the last raw bit that are not zero",
            |s, bits, _| {
                s[OFFSET_CODES] = vec![17];
                bits.push(2);
            },
            differ("raw bits"),
        ),
        bad_chunk("escape-missing", "no escape", |s, _, _| s[MATCH_EXCESS] = vec![255], differ("escapes")),
        bad_chunk(
            "escape-left",
            "an escape for no excess",
            |_, _, escapes| escapes.extend([9, 0, 0]),
            differ("escapes"),
        ),
        bad_chunk("literals-missing", "a literal less", |s, _, _| s[0].truncate(12), differ("literals")),
        bad_chunk("literals-left", "a literal more", |s, _, _| s[0].push(b'!'), differ("literals")),
        bad_chunk(
            "match-too-long",
            "a match that reaches over the end of its chunk",
            |s, _, _| s[MATCH_EXCESS] = vec![66],
            Corruption::Match { offset: 12, length: 85 },
        ),
        bad_chunk(
            "offset-too-far",
            "an offset of 13 behind 12 raw bytes",
            |s, _, _| s[OFFSET_CODES] = vec![14],
            Corruption::Match { offset: 13, length: 83 },
        ),
    ]
}
