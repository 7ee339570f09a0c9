//! Payloads of every kind that the format has, most of which no encoder here writes, whole and
//! damaged, against a decoder that does what FORMAT.md (14.3) says, step by step.
//!
//! They are damaged before their sections are coded: no check of a section finds that. All blocks
//! are decoded on one thread, whose memory fits the largest block so far.

use super::*;
use crate::{
    format::section::SymbolCount,
    section::{self, pivot},
};

/// What the sections of a chunk with matches mean.
#[derive(Debug, Clone, Default)]
struct Symbols {
    literals: Vec<u8>,
    tokens: Vec<u8>,
    codes: Vec<u8>,
    literal_excess: Vec<u8>,
    match_excess: Vec<u8>,
    /// A multiple of eight.
    bits: Vec<bool>,
    escapes: Vec<u32>,
}

#[derive(Debug, Clone)]
enum Content {
    Plain(Vec<u8>),
    Matches { differences: bool, symbols: Symbols },
}

#[derive(Debug, Clone)]
struct Block {
    min_match: usize,
    /// Raw lengths, and what the chunks hold.
    chunks: Vec<(usize, Content)>,
}

/// What a block means. `None`: it is corrupt.
fn meaning(block: &Block) -> Option<Vec<u8>> {
    let (mut raw, mut offsets) = (Vec::new(), [1, 4, 8]);
    for (len, content) in &block.chunks {
        match content {
            Content::Plain(bytes) => raw.extend_from_slice(bytes),
            Content::Matches { differences, symbols } => {
                let end = raw.len() + len;
                chunk_meaning(symbols, block.min_match, *differences, end, &mut offsets, &mut raw)?;
            }
        }
    }
    Some(raw)
}

fn chunk_meaning(
    symbols: &Symbols,
    min_match: usize,
    differences: bool,
    end: usize,
    [r0, r1, r2]: &mut [usize; 3],
    raw: &mut Vec<u8>,
) -> Option<()> {
    let mut literals = symbols.literals.iter();
    let mut codes = symbols.codes.iter();
    let (mut literal_excess, mut match_excess) = (symbols.literal_excess.iter(), symbols.match_excess.iter());
    let (mut bits, mut escapes) = (symbols.bits.iter(), symbols.escapes.iter());
    let add_literal = |literal: u8, back: usize, raw: &mut Vec<u8>| {
        let base = if differences && back <= raw.len() { raw[raw.len() - back] } else { 0 };
        raw.push(literal.wrapping_add(base));
    };
    for &token in &symbols.tokens {
        let [mut run, mut length] = [usize::from(token >> 5), min_match + usize::from(token >> 1 & 15)];
        let mut excess = |bytes: &mut std::slice::Iter<'_, u8>| match *bytes.next()? {
            byte @ 0..=231 => Some(usize::from(byte)),
            255 => escapes.next().map(|&escape| escape as usize),
            _ => None,
        };
        if run == 7 {
            run += excess(&mut literal_excess)?;
        }
        if token >> 1 & 15 == 15 {
            length += excess(&mut match_excess)?;
        }
        let before = *r0;
        if token & 1 == 0 {
            match *codes.next()? {
                0 => (*r0, *r1) = (*r1, *r0),
                1 => (*r0, *r1, *r2) = (*r2, *r0, *r1),
                code @ 2..=176 => {
                    let value = usize::from(code) - 1;
                    let mut offset = value;
                    if value >= 8 {
                        let width = (value >> 3) - 1;
                        offset = (8 + (value & 7)) << width;
                        for bit in 0..width {
                            offset += usize::from(*bits.next()?) << bit;
                        }
                    }
                    (*r0, *r1, *r2) = (offset, *r0, *r1);
                }
                _ => return None,
            }
        }
        if raw.len() + run > end {
            return None;
        }
        for _ in 0..run {
            add_literal(*literals.next()?, before, raw);
        }
        if *r0 == 0 || *r0 > raw.len() || raw.len() + length > end {
            return None;
        }
        for _ in 0..length {
            raw.push(raw[raw.len() - *r0]);
        }
    }
    for &literal in literals.by_ref() {
        add_literal(literal, *r0, raw);
    }
    let left = codes.len() + literal_excess.len() + match_excess.len() + escapes.len();
    let no_bits_left = bits.len() < 8 && bits.all(|bit| !bit);
    (left == 0 && no_bits_left && raw.len() == end).then_some(())
}

/// A number up to `usual`, seldom a large one.
fn number(random: &mut Random, usual: usize) -> usize {
    match random.below(4000) {
        0 => random.below(70_000),
        1..40 => random.below(3000),
        40..80 => 220 + random.below(50),
        _ => random.below(usual),
    }
}

impl Symbols {
    fn push_excess(random: &mut Random, excess: usize, bytes: &mut Vec<u8>, escapes: &mut Vec<u32>) {
        if excess > 231 || random.below(40) == 0 {
            bytes.push(255);
            escapes.push(excess as u32);
        } else {
            bytes.push(excess as u8);
        }
    }

    fn push_lengths(&mut self, random: &mut Random, run: usize, length: usize, repeats: bool) {
        self.tokens.push((run.min(7) << 5 | length.min(15) << 1 | usize::from(repeats)) as u8);
        if run >= 7 {
            Self::push_excess(random, run - 7, &mut self.literal_excess, &mut self.escapes);
        }
        if length >= 15 {
            Self::push_excess(random, length - 15, &mut self.match_excess, &mut self.escapes);
        }
    }

    fn push_offset(&mut self, offset: usize) {
        self.codes.push(value_of(offset, &mut self.bits) + 1);
    }

    /// Changes one thing, which most often makes the chunk corrupt.
    fn damage(&mut self, random: &mut Random) {
        let way = random.below(12);
        let bytes = match random.below(5) {
            0 => &mut self.literals,
            1 => &mut self.tokens,
            2 => &mut self.codes,
            3 => &mut self.literal_excess,
            _ => &mut self.match_excess,
        };
        let place = random.below(bytes.len().max(1));
        match way {
            0 => bytes.push(random.next() as u8),
            1 => drop(bytes.pop()),
            2 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = random.next() as u8),
            3..=5 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            6 => self.escapes.iter_mut().take(1).for_each(|escape| *escape ^= 1 << random.below(24)),
            7 => drop(self.escapes.pop()),
            8 => self.bits.extend([random.below(8) == 0; 8]),
            9 => self.bits.truncate(self.bits.len().saturating_sub(8)),
            _ => {
                let place = random.below(self.bits.len().max(1));
                self.bits.iter_mut().skip(place).take(1).for_each(|bit| *bit = !*bit);
            }
        }
    }
}

/// A chunk behind the bytes of `raw`, which get those that it stands for.
fn chunk(random: &mut Random, min_match: usize, offsets: &mut [usize; 3], raw: &mut Vec<u8>) -> (usize, Content) {
    let start = raw.len();
    if random.below(5) == 0 {
        raw.extend((0..=random.below(400)).map(|place| b"abcdefghij"[place * 7 % 10]));
        return (raw.len() - start, Content::Plain(raw[start..].to_vec()));
    }
    let (mut symbols, differences) = (Symbols::default(), random.below(3) == 0);
    let sequences = [0, 1, 63, 64, 65, random.below(600)][random.below(6)];
    let [run_len, match_len] = [(); 2].map(|()| [1, 4, 9, 30, 100][random.below(5)]);
    let near = [3, 16, 40, usize::MAX, usize::MAX][random.below(5)];
    let push_literals = |random: &mut Random, count, back, symbols: &mut Symbols, raw: &mut Vec<u8>| {
        for _ in 0..count {
            let byte = b'a' + random.below(12) as u8;
            let base = if differences && back <= raw.len() { raw[raw.len() - back] } else { 0 };
            symbols.literals.push(byte.wrapping_sub(base));
            raw.push(byte);
        }
    };
    for _ in 0..sequences {
        let run = number(random, run_len).max(usize::from(raw.is_empty()));
        push_literals(random, run, offsets[0], &mut symbols, raw);
        let (length, which) = (number(random, match_len), random.below(6));
        let repeats = which == 0 && offsets[0] <= raw.len();
        match which {
            _ if repeats => {}
            code @ (1 | 2) if offsets[code] <= raw.len() => {
                symbols.codes.push(code as u8 - 1);
                offsets[..=code].rotate_right(1);
            }
            _ => {
                let reach = raw.len().min(near);
                let offset = if random.below(20) == 0 { raw.len() } else { 1 + random.below(reach) };
                symbols.push_offset(offset);
                *offsets = [offset, offsets[0], offsets[1]];
            }
        }
        symbols.push_lengths(random, run, length, repeats);
        for _ in 0..min_match + length {
            raw.push(raw[raw.len() - offsets[0]]);
        }
    }
    let rest = number(random, run_len).max(usize::from(raw.len() == start));
    push_literals(random, rest, offsets[0], &mut symbols, raw);
    symbols.bits.resize(symbols.bits.len().next_multiple_of(8), false);
    (raw.len() - start, Content::Matches { differences, symbols })
}

/// The bytes of a chunk whose sections are in forms taken by chance.
fn chunk_bytes(random: &mut Random, content: &Content) -> Vec<u8> {
    let (mut bytes, mut payloads, mut behind) = (Vec::new(), Vec::new(), Vec::new());
    let (sections, count) = match content {
        Content::Plain(raw) => {
            bytes.push(0);
            (vec![raw], SymbolCount::Derived(raw.len()))
        }
        Content::Matches { differences, symbols } => {
            bytes.push(1 + u8::from(*differences));
            let Symbols { literals, tokens, codes, literal_excess, match_excess, .. } = symbols;
            (vec![literals, tokens, codes, literal_excess, match_excess], SymbolCount::AtMost(0))
        }
    };
    for section in sections {
        let pivot = [None, Some(pivot::Setting::SPEED), Some(pivot::Setting::RATIO)][random.below(3)];
        let min_gain = [0, 8, 1024][random.below(3)];
        let settings = section::Settings { pivot, min_gain, ..section::Settings::new(Kernel::Portable) };
        let mut payload = Vec::new();
        let descriptor = section::Encoder::new(settings).encode(section, &mut payload);
        descriptor.write(count, &mut bytes);
        payloads.push((descriptor, payload));
    }
    if let Content::Matches { symbols: Symbols { bits, escapes, .. }, .. } = content {
        write_number(bits.len() as u32 / 8, &mut bytes);
        write_number(escapes.len() as u32, &mut bytes);
        behind.extend(packed(bits));
        behind.extend(escapes.iter().flat_map(|escape| escape.to_le_bytes().into_iter().take(3)));
    }
    for (descriptor, payload) in payloads {
        descriptor.write_payload(&payload, 0, &mut bytes);
    }
    bytes.extend(behind);
    bytes
}

fn payload(random: &mut Random, block: &Block) -> Vec<u8> {
    let chunks: Vec<_> = block.chunks.iter().map(|(len, content)| (*len, chunk_bytes(random, content))).collect();
    payload_of(block.min_match, &chunks)
}

#[test]
fn every_kernel_does_what_the_format_says() {
    let mut random = Random(4);
    let (mut whole, mut corrupt) = (0, 0);
    for round in 0..1200 {
        let (min_match, mut raw, mut offsets) = (3 + random.below(2), Vec::new(), [1, 4, 8]);
        let mut block = Block { min_match, chunks: Vec::new() };
        for _ in 0..=random.below(3) {
            block.chunks.push(chunk(&mut random, min_match, &mut offsets, &mut raw));
        }
        assert!(meaning(&block).as_ref() == Some(&raw), "round {round}");
        if random.below(2) == 0 {
            let last = random.below(block.chunks.len());
            let (len, Content::Matches { symbols, .. }) = &mut block.chunks[last] else { continue };
            match random.below(8) {
                0 => *len = len.saturating_sub(random.below(20)).max(1),
                1 => *len += random.below(20),
                _ => symbols.damage(&mut random),
            }
        }
        let raw_len = block.chunks.iter().map(|(len, _)| len).sum();
        let (expected, payload) = (meaning(&block), payload(&mut random, &block));
        let portable = decode(&payload, raw_len, Kernel::Portable);
        assert!(portable.as_ref().ok() == expected.as_ref(), "round {round}: {:?}", portable.err());
        for kernel in kernels() {
            let decoded = decode(&payload, raw_len, kernel);
            assert!(decoded == portable, "{kernel}, round {round}: {:?}, {:?}", decoded.err(), portable.err());
        }
        if expected.is_some() { whole += 1 } else { corrupt += 1 }
    }
    assert!(whole > 600 && corrupt > 150, "{whole} whole, {corrupt} corrupt");
}
