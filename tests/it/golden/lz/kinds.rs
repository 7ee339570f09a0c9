//! Chunks of LZSS and LZ78, put together from FORMAT.md, 14.8 and 14.9.

use ranstream::error::Corruption;

use super::{super::bad::bad_block, Block, Offset, TAG, descriptor, excess, golden, number, packed, payload, value};
use crate::{
    assembly::data_block,
    golden::{Golden, letters},
};

/// Literals and matches of a chunk of LZSS.
#[derive(Debug, Default)]
struct Items {
    raw: Vec<u8>,
    literals: Vec<u8>,
    lengths: Vec<u8>,
    codes: Vec<u8>,
    flags: Vec<bool>,
    bits: Vec<bool>,
    escapes: Vec<u8>,
}

impl Items {
    /// A chunk behind these raw bytes of its block.
    fn behind(raw: &[u8]) -> Self {
        Self { raw: raw.to_vec(), ..Self::default() }
    }

    fn literals(&mut self, literals: &[u8]) -> &mut Self {
        self.literals.extend_from_slice(literals);
        self.flags.resize(self.flags.len() + literals.len(), false);
        self.raw.extend_from_slice(literals);
        self
    }

    /// `length`: with the bytes of the shortest match.
    fn matched(&mut self, min_match: usize, length: usize, offset: usize) -> &mut Self {
        excess(length - min_match, &mut self.lengths, &mut self.escapes);
        self.codes.push(value(offset, &mut self.bits) + 1);
        self.flags.push(true);
        (0..length).for_each(|_| self.raw.push(self.raw[self.raw.len() - offset]));
        self
    }

    fn chunk(&self) -> Vec<u8> {
        lzss(&self.literals, &self.lengths, &self.codes, &packed(&self.flags), &packed(&self.bits), &self.escapes)
    }
}

fn lzss(literals: &[u8], lengths: &[u8], codes: &[u8], flags: &[u8], bits: &[u8], escapes: &[u8]) -> Vec<u8> {
    let mut bytes = vec![8];
    descriptor(literals, false, &mut bytes);
    descriptor(lengths, false, &mut bytes);
    descriptor(codes, true, &mut bytes);
    descriptor(flags, true, &mut bytes);
    number(bits.len(), &mut bytes);
    number(escapes.len() / 3, &mut bytes);
    [&bytes, literals, lengths, codes, flags, bits, escapes].concat()
}

/// Each phrase: how far back the one is that it begins with, or 0, and its last byte.
fn lz78(phrases: &[(usize, u8)]) -> Vec<u8> {
    let mut bits = Vec::new();
    let codes: Vec<u8> = phrases.iter().map(|&(distance, _)| value(distance, &mut bits)).collect();
    let symbols: Vec<u8> = phrases.iter().map(|&(_, symbol)| symbol).collect();
    chunk_of_codes(&codes, &symbols, &packed(&bits))
}

fn chunk_of_codes(codes: &[u8], symbols: &[u8], bits: &[u8]) -> Vec<u8> {
    let mut bytes = vec![9];
    descriptor(codes, false, &mut bytes);
    descriptor(symbols, true, &mut bytes);
    number(bits.len(), &mut bytes);
    [&bytes, codes, symbols, bits].concat()
}

/// The raw bytes of phrases.
fn spoken(phrases: &[(usize, u8)]) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for &(distance, symbol) in phrases {
        let mut phrase = if distance == 0 { Vec::new() } else { all[all.len() - distance].clone() };
        phrase.push(symbol);
        all.push(phrase);
    }
    all.concat()
}

/// The phrases of `ababab` and so on, 64 bytes.
fn example() -> Vec<(usize, u8)> {
    let mut phrases = vec![(0, b'a'), (0, b'b'), (2, b'b'), (1, b'a'), (3, b'a')];
    for _ in 0..2 {
        phrases.extend([(1, b'b'), (3, b'b'), (1, b'a'), (3, b'a')]);
    }
    phrases.extend([(1, b'b'), (3, b'b')]);
    phrases
}

impl Block {
    /// A chunk that the block goes on with.
    fn chunk(&mut self, raw: &[u8], bytes: Vec<u8>) -> &mut Self {
        self.chunks.push((raw.len(), bytes));
        self.raw.extend_from_slice(raw);
        self.start = self.raw.len();
        self
    }

    fn items(&mut self, fill: impl FnOnce(&mut Items)) -> &mut Self {
        let mut items = Items::behind(&self.raw);
        fill(&mut items);
        let raw = items.raw[self.raw.len()..].to_vec();
        self.chunk(&raw, items.chunk())
    }

    fn phrases(&mut self, phrases: &[(usize, u8)]) -> &mut Self {
        self.chunk(&spoken(phrases), lz78(phrases))
    }
}

pub(super) fn good() -> Vec<Golden> {
    let far: Vec<(usize, u8)> = (0..400)
        .map(|phrase| {
            let distance = [0, 1, 7, 8, 15, 16, 31, 100, 255, 301][phrase % 10];
            (if distance > phrase { 0 } else { distance }, letters(400)[phrase])
        })
        .collect();
    let mut all = vec![
        golden("lzss", "LZSS: the example of FORMAT.md", &{
            let mut block = Block::new(4);
            block.items(|items| _ = items.literals(b"abracadabra ").matched(4, 23, 12).literals(b"!"));
            block
        }),
        golden(
            "lzss-escapes",
            "LZSS: the longest length without an escape and others with one, offsets with raw bits",
            &{
                let mut block = Block::new(4);
                block.items(|items| {
                    items
                        .literals(b"x")
                        .matched(4, 235, 1)
                        .literals(&letters(100))
                        .matched(4, 236, 100)
                        .matched(4, 4, 7);
                    for log in 3..14 {
                        items.literals(b"--").matched(4, 2000, 1 << log).matched(4, 5, (2 << log) - 1);
                    }
                });
                block
            },
        ),
        golden("lzss-literals", "LZSS: a chunk of nine literals and a chunk of one match", &{
            let mut block = Block::new(4);
            block.items(|items| _ = items.literals(&letters(9))).items(|items| _ = items.matched(4, 60, 9));
            block
        }),
        golden("lz78", "LZ78: the example of FORMAT.md", &{
            let mut block = Block::new(4);
            block.phrases(&example());
            block
        }),
        golden("lz78-far", "LZ78: distances with raw bits", &{
            let mut block = Block::new(4);
            block.phrases(&far);
            block
        }),
    ];
    all.push(golden("lz-all-kinds", "chunks of all kinds: those of LZSS and LZ78 leave the last offsets alone", &{
        let mut block = Block::new(3);
        block.sequence(b"first chunk, ", Offset::New(13), 40).end(b"its end").plain(&letters(50));
        block.items(|items| _ = items.matched(3, 3, 50).literals(b"second").matched(3, 60, 70).matched(3, 4, 1));
        block.phrases(&example()).sequence(b"", Offset::Last, 20).end(b".");
        block.differences = true;
        block.sequence(b"0123456789", Offset::Last, 20).end(b"0123456789");
        block
    }));
    all
}

/// Raw bytes of the chunk that is damaged below.
const RAW_LEN: usize = 96;

/// A block of one chunk.
fn bad(name: &str, what: &'static str, raw_len: usize, chunk: Vec<u8>, reason: Corruption) -> Golden {
    bad_block(name, what, &data_block(TAG, raw_len as u32, &payload(0, &[(raw_len, chunk)])), reason)
}

pub(super) fn bad_kinds() -> Vec<Golden> {
    let mut all = bad_fields();
    all.extend(bad_items());
    all.extend(bad_phrases());
    all
}

/// Twelve literals, a match of 83 bytes, a literal, with some parts replaced.
fn bad_lzss(name: &str, what: &'static str, change: impl Fn(&mut [Vec<u8>; 6]), reason: Corruption) -> Golden {
    let mut parts = [b"abracadabra !".to_vec(), vec![79], vec![13], vec![0, 0x10], Vec::new(), Vec::new()];
    change(&mut parts);
    let [literals, lengths, codes, flags, bits, escapes] = &parts;
    bad(&format!("lzss-{name}"), what, RAW_LEN, lzss(literals, lengths, codes, flags, bits, escapes), reason)
}

const LITERALS: usize = 0;
const LENGTHS: usize = 1;
const CODES: usize = 2;
const FLAGS: usize = 3;
const BITS: usize = 4;
const ESCAPES: usize = 5;

/// What a decoder sees in the fields of a chunk, and in each section by itself.
fn bad_fields() -> Vec<Golden> {
    let length = |found, max| Corruption::Length { found, min: 1, max };
    let field = |field, found| Corruption::Field { field, found };
    vec![
        bad(
            "lzss-97-literals",
            "LZSS: more literals than raw bytes",
            RAW_LEN,
            vec![8, 2, 97, 1, 1, 1, 2, 0, 0],
            length(97, 96),
        ),
        bad_lzss(
            "25-lengths",
            "LZSS: more lengths than a quarter of the raw bytes",
            |p| p[LENGTHS].resize(25, 0),
            length(25, 24),
        ),
        bad_lzss("no-codes", "LZSS: a length, and offset codes in form 0x00", |p| p[CODES].clear(), field("form", 0)),
        bad_lzss("no-flags", "LZSS: items, and flags in form 0x00", |p| p[FLAGS].clear(), field("form", 0)),
        bad_lzss(
            "bits",
            "LZSS: more raw bits than offset codes can have",
            |p| p[BITS] = vec![0; 4],
            field("raw bits", 4),
        ),
        bad_lzss("escapes", "LZSS: more escapes than lengths", |p| p[ESCAPES] = vec![0; 6], field("escapes", 2)),
        bad_lzss(
            "length-232",
            "LZSS: a length of 232",
            |p| p[LENGTHS] = vec![232],
            Corruption::Symbol { section: "lengths" },
        ),
        bad_lzss(
            "code-1",
            "LZSS: an offset code of 1",
            |p| p[CODES] = vec![1],
            Corruption::Symbol { section: "offset codes" },
        ),
        bad_lzss(
            "code-177",
            "LZSS: an offset code of 177",
            |p| p[CODES] = vec![177],
            Corruption::Symbol { section: "offset codes" },
        ),
    ]
}

/// What a decoder sees when the parts come together.
fn bad_items() -> Vec<Golden> {
    let differ = |part| Corruption::Sequences { part };
    vec![
        bad_lzss(
            "flag-missing",
            "LZSS: fewer ones among the flags than matches",
            |p| p[FLAGS] = vec![0, 0],
            differ("flags"),
        ),
        bad_lzss(
            "flag-left",
            "LZSS: more ones among the flags than matches",
            |p| p[FLAGS] = vec![1, 0x10],
            differ("flags"),
        ),
        bad_lzss("flag-padding", "LZSS: a flag behind the last item", |p| p[FLAGS] = vec![0, 0x40], differ("flags")),
        bad_lzss("escape-missing", "LZSS: no escape", |p| p[LENGTHS] = vec![255], differ("escapes")),
        bad_lzss("escape-left", "LZSS: an escape for no length", |p| p[ESCAPES] = vec![9, 0, 0], differ("escapes")),
        bad_lzss("bits-missing", "LZSS: no raw bits", |p| p[CODES] = vec![33], differ("raw bits")),
        bad_lzss("bits-left", "LZSS: raw bits for no offset code", |p| p[BITS] = vec![0], differ("raw bits")),
        bad_lzss(
            "bits-padding",
            "LZSS: bits behind the last raw bit that are not zero",
            |p| {
                (p[LITERALS], p[LENGTHS], p[CODES], p[FLAGS], p[BITS]) =
                    (letters(16), vec![76], vec![17], vec![0, 0, 1], vec![2]);
            },
            differ("raw bits"),
        ),
        bad_lzss("literals-missing", "LZSS: a literal less", |p| p[LITERALS].truncate(12), differ("literals")),
        bad_lzss("literals-left", "LZSS: a literal more", |p| p[LITERALS].push(b'!'), differ("literals")),
        bad_lzss(
            "match-too-long",
            "LZSS: a match that reaches over the end of its chunk",
            |p| p[LENGTHS] = vec![81],
            Corruption::Match { offset: 12, length: 85 },
        ),
        bad_lzss(
            "offset-too-far",
            "LZSS: an offset of 13 behind 12 raw bytes",
            |p| p[CODES] = vec![14],
            Corruption::Match { offset: 13, length: 83 },
        ),
    ]
}

/// The example of FORMAT.md, with some parts replaced.
fn bad_phrases() -> Vec<Golden> {
    let (codes, symbols): (Vec<u8>, Vec<u8>) =
        example().iter().map(|&(distance, symbol)| (distance as u8, symbol)).unzip();
    let bad = |name: &str, what, change: &dyn Fn(&mut [Vec<u8>; 3]), reason| {
        let mut parts = [codes.clone(), symbols.clone(), Vec::new()];
        change(&mut parts);
        let [codes, symbols, bits] = &parts;
        bad(&format!("lz78-{name}"), what, 64, chunk_of_codes(codes, symbols, bits), reason)
    };
    let of_chunk = |name: &str, what, chunk, reason| self::bad(&format!("lz78-{name}"), what, 64, chunk, reason);
    let phrase = |code| {
        move |p: &mut [Vec<u8>; 3]| {
            p[0].push(code);
            p[1].push(b'a');
        }
    };
    let differ = |part| Corruption::Sequences { part };
    let length = |found, max| Corruption::Length { found, min: 1, max };
    vec![
        of_chunk("65-codes", "LZ78: more codes than raw bytes", vec![9, 2, 65, 2, 0, 0, 0], length(65, 64)),
        bad(
            "no-symbols",
            "LZ78: codes, and symbols in form 0x00",
            &|p| p[1].clear(),
            Corruption::Field { field: "form", found: 0 },
        ),
        of_chunk(
            "bits",
            "LZ78: more raw bits than codes can have",
            vec![9, 2, 15, 2, 31],
            Corruption::Field { field: "raw bits", found: 31 },
        ),
        bad("code-144", "LZ78: a code of 144", &|p| p[0][14] = 144, Corruption::Symbol { section: "codes" }),
        bad(
            "phrase-missing",
            "LZ78: a phrase that begins with one before the first",
            &|p| p[0][2] = 3,
            differ("phrases"),
        ),
        bad("bits-missing", "LZ78: no raw bits", &|p| p[0][14] = 16, differ("raw bits")),
        bad("bits-left", "LZ78: raw bits for no code", &|p| p[2] = vec![0], differ("raw bits")),
        bad(
            "symbols-missing",
            "LZ78: a phrase less",
            &|p| {
                p[0].pop();
                p[1].pop();
            },
            differ("symbols"),
        ),
        bad("symbols-left", "LZ78: a phrase more", &phrase(0), differ("symbols")),
        bad(
            "phrase-too-long",
            "LZ78: a phrase that reaches over the end of its chunk",
            &phrase(2),
            Corruption::Match { offset: 15, length: 7 },
        ),
    ]
}
