//! Chunks of LZSS and LZ78: both ways, and against decoders that do what FORMAT.md (14.8, 14.9)
//! says, bit by bit, from symbols of which some are damaged.

use super::*;
use crate::error::Corruption;

const PIPELINES: [Pipeline; 2] = [Pipeline::Lzssr, Pipeline::Lz78r];

fn check_with(pipeline: Pipeline, raw: &[u8], level: u8, chunk_len: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    let kernel = Kernel::or_default(None);
    encode_payload(raw, Settings { level, chunk_len, kernel, pipeline, prefer: None, min_gain: 8 }, &mut payload);
    let back = decode(&payload, raw.len(), Kernel::or_default(None));
    assert!(back.as_deref() == Ok(raw), "{pipeline:?}: {} bytes at level {level}, {:?}", raw.len(), back.err());
    payload
}

/// The kind of the first chunk.
fn kind(payload: &[u8]) -> u8 {
    let mut at = 2;
    for _ in 0..2 * payload[1] {
        at += payload[at..].iter().take_while(|&&byte| byte >= 0x80).count() + 1;
    }
    payload[at.next_multiple_of(4)]
}

#[test]
fn pipelines_give_back_what_they_took() {
    let mut random = Random(11);
    for pipeline in PIPELINES {
        for level in [1, 3, 6, 9] {
            for longest in [4, 20, 300] {
                for len in [1, 30, 1000, 30_000] {
                    check_with(pipeline, &pieces(&mut random, len, longest), level, 8 << 10);
                }
            }
        }
        check_with(pipeline, &records(&mut random, 50_000), 3, 1 << 20);
        check_with(pipeline, &vec![7; 100_000], 1, 1 << 20);
        let noise: Vec<u8> = (0..20_000).map(|_| random.next() as u8).collect();
        let payload = check_with(pipeline, &noise, 1, 1 << 20);
        assert!(payload.len() < noise.len() + 20 && kind(&payload) == 0, "noise is plain");
    }
}

#[test]
fn pipelines_of_every_length_of_a_block() {
    let mut random = Random(12);
    let raw = pieces(&mut random, 400, 12);
    for pipeline in PIPELINES {
        for len in 1..raw.len() {
            check_with(pipeline, &raw[..len], 3, 200);
        }
    }
}

/// A text becomes a good deal smaller, in chunks of the kind that was asked for.
#[test]
fn pipelines_are_worth_it() {
    let raw = include_bytes!("../../../FORMAT.md");
    for (pipeline, number, most) in [(Pipeline::Lzssr, 8, raw.len() * 36 / 100), (Pipeline::Lz78r, 9, raw.len() / 2)] {
        let payload = check_with(pipeline, raw, 3, 256 << 10);
        assert_eq!(kind(&payload), number);
        assert!(payload.len() < most, "{pipeline:?}: {} of {} bytes", payload.len(), raw.len());
    }
}

/// A chunk of stored sections. `derived`: how many of them, at the end, do not say how many symbols
/// they have.
fn stored(kind: u8, sections: &[&[u8]], derived: usize, bits: &[u8], escapes: Option<&[u8]>) -> Vec<u8> {
    let mut chunk = vec![kind];
    for (index, section) in sections.iter().enumerate() {
        chunk.push(u8::from(!section.is_empty()));
        if !section.is_empty() && index + derived < sections.len() {
            write_number(section.len() as u32, &mut chunk);
        }
    }
    write_number(bits.len() as u32, &mut chunk);
    if let Some(escapes) = escapes {
        write_number(escapes.len() as u32 / 3, &mut chunk);
    }
    chunk.extend(sections.concat());
    chunk.extend_from_slice(bits);
    chunk.extend_from_slice(escapes.unwrap_or_default());
    chunk
}

/// Raw bits, one by one, or more than there are.
struct Bits<'a>(&'a [u8], usize);

impl Bits<'_> {
    fn number(&mut self, count: u32) -> Option<usize> {
        (0..count).try_fold(0, |number, place| {
            let bit = self.0.get(self.1 / 8)? >> (self.1 % 8) & 1;
            self.1 += 1;
            Some(number | usize::from(bit) << place)
        })
    }

    fn value(&mut self, value: u8) -> Option<usize> {
        let value = usize::from(value);
        if value < 8 {
            return Some(value);
        }
        let e = (value >> 3) - 1;
        Some(((8 + (value & 7)) << e) + self.number(e as u32)?)
    }

    fn end(mut self) -> Option<()> {
        let spare = self.1.wrapping_neg() % 8;
        (self.number(spare as u32)? == 0 && self.1 == 8 * self.0.len()).then_some(())
    }
}

#[derive(Debug, Clone, Default)]
struct Items {
    literals: Vec<u8>,
    lengths: Vec<u8>,
    codes: Vec<u8>,
    flags: Vec<u8>,
    bits: Vec<u8>,
    escapes: Vec<u8>,
}

impl Items {
    fn payload(&self, raw_len: usize, min_match: usize) -> Vec<u8> {
        let sections = [&self.literals[..], &self.lengths, &self.codes, &self.flags];
        let chunk = stored(8, &sections, 2, &self.bits, Some(&self.escapes));
        payload_of(min_match, &[(raw_len, chunk)])
    }

    /// What 14.8 says, or `None`.
    fn meaning(&self, raw_len: usize, min_match: usize) -> Option<Vec<u8>> {
        let items = self.literals.len() + self.lengths.len();
        let (mut literals, mut lengths, mut codes) = (self.literals.iter(), self.lengths.iter(), self.codes.iter());
        let (mut escapes, mut bits, mut raw) = (self.escapes.chunks(3), Bits(&self.bits, 0), Vec::new());
        for item in 0..8 * self.flags.len() {
            let is_match = self.flags[item / 8] >> (item % 8) & 1 == 1;
            if item >= items {
                if is_match {
                    return None;
                }
                continue;
            }
            if !is_match {
                raw.push(*literals.next()?);
                continue;
            }
            let length = match *lengths.next()? {
                length @ 0..=231 => min_match + usize::from(length),
                255 => {
                    let escape = escapes.next()?.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
                    min_match + escape
                }
                _ => return None,
            };
            let code = *codes.next().filter(|code| (2..=176).contains(*code))?;
            let offset = bits.value(code - 1)?;
            if offset > raw.len() || raw.len() + length > raw_len {
                return None;
            }
            (0..length).for_each(|_| raw.push(raw[raw.len() - offset]));
        }
        let used = literals.next().is_none() && lengths.next().is_none() && escapes.next().is_none();
        bits.end()?;
        (used && raw.len() == raw_len).then_some(raw)
    }
}

/// Items taken by chance, all of which fit together, and how many raw bytes they are.
fn items(random: &mut Random, min_match: usize) -> (Items, usize) {
    let (mut items, mut raw_len, mut bits, mut flags) = (Items::default(), 0, Vec::new(), Vec::new());
    for _ in 0..=random.below(40) {
        for _ in 0..random.below(9) + usize::from(raw_len == 0) {
            items.literals.push(random.next() as u8);
            flags.push(false);
            raw_len += 1;
        }
        flags.push(true);
        let length = if random.below(5) == 0 { random.below(600) } else { random.below(20) };
        if length <= 231 {
            items.lengths.push(length as u8);
        } else {
            items.lengths.push(255);
            items.escapes.extend(&(length as u32).to_le_bytes()[..3]);
        }
        let offset = 1 + random.below(raw_len);
        items.codes.push(value_of(offset, &mut bits) + 1);
        raw_len += min_match + length;
    }
    items.flags = packed(&flags);
    items.bits = packed(&bits);
    (items, raw_len)
}

/// Another byte in one place of one of `parts`.
fn damage(random: &mut Random, parts: &mut [&mut Vec<u8>]) {
    let part = random.below(parts.len());
    if !parts[part].is_empty() {
        let at = random.below(parts[part].len());
        parts[part][at] ^= [1, 2, 4, 16, 128, 255][random.below(6)];
    }
}

#[test]
fn items_do_what_the_format_says() {
    let mut random = Random(13);
    let (mut whole, mut corrupt) = (0, 0);
    for round in 0..3000 {
        let min_match = 3 + round % 2;
        let (mut items, mut raw_len) = items(&mut random, min_match);
        assert!(items.meaning(raw_len, min_match).is_some(), "round {round}");
        match random.below(6) {
            0 => raw_len = (raw_len + random.below(5)).saturating_sub(2).max(1),
            1 => items.bits.push(0),
            2 => items.escapes.extend([1, 0, 0]),
            3..=4 => {
                let Items { lengths, codes, flags, bits, escapes, .. } = &mut items;
                damage(&mut random, &mut [lengths, codes, flags, bits, escapes]);
            }
            _ => {}
        }
        let expected = items.meaning(raw_len, min_match);
        let decoded = decode(&items.payload(raw_len, min_match), raw_len, Kernel::Portable);
        assert!(decoded.as_ref().ok() == expected.as_ref(), "round {round}: {:?}", decoded.err());
        if expected.is_some() { whole += 1 } else { corrupt += 1 }
    }
    assert!(whole > 500 && corrupt > 500, "{whole} whole, {corrupt} corrupt");
}

/// What 14.9 says of codes, symbols and raw bits, or `None`.
fn meaning_of_phrases(codes: &[u8], symbols: &[u8], bits: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    let (mut phrases, mut raw, mut bits) = (Vec::<Vec<u8>>::new(), Vec::new(), Bits(bits, 0));
    for (&code, &symbol) in codes.iter().zip(symbols) {
        let distance = bits.value(Some(code).filter(|&code| code <= 143)?)?;
        let mut phrase = match distance {
            0 => Vec::new(),
            distance => phrases[phrases.len().checked_sub(distance)?].clone(),
        };
        phrase.push(symbol);
        raw.extend_from_slice(&phrase);
        if raw.len() > raw_len {
            return None;
        }
        phrases.push(phrase);
    }
    bits.end()?;
    (raw.len() == raw_len).then_some(raw)
}

#[test]
fn phrases_do_what_the_format_says() {
    let mut random = Random(14);
    let (mut whole, mut corrupt) = (0, 0);
    for round in 0..3000 {
        let (mut codes, mut symbols, mut bits, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::<usize>::new());
        for phrases in 0..=random.below(60) {
            let distance = random.below(phrases + 1);
            codes.push(value_of(distance, &mut bits));
            symbols.push(random.next() as u8);
            lengths.push(1 + if distance == 0 { 0 } else { lengths[phrases - distance] });
        }
        let (mut raw_len, mut bits) = (lengths.iter().sum::<usize>(), packed(&bits));
        assert!(meaning_of_phrases(&codes, &symbols, &bits, raw_len).is_some(), "round {round}");
        match random.below(5) {
            0 => raw_len = (raw_len + random.below(5)).saturating_sub(2).max(1),
            1 if bits.len() < 2 * codes.len() => bits.push(0),
            2..=3 => damage(&mut random, &mut [&mut codes, &mut symbols, &mut bits]),
            _ => {}
        }
        let expected = meaning_of_phrases(&codes, &symbols, &bits, raw_len).filter(|_| codes.len() <= raw_len);
        let chunk = stored(9, &[&codes, &symbols], 1, &bits, None);
        let decoded = decode(&payload_of(4, &[(raw_len, chunk)]), raw_len, Kernel::Portable);
        assert!(decoded.as_ref().ok() == expected.as_ref(), "round {round}: {:?}", decoded.err());
        if expected.is_some() { whole += 1 } else { corrupt += 1 }
    }
    assert!(whole > 500 && corrupt > 500, "{whole} whole, {corrupt} corrupt");
}

/// Cut anywhere, a payload is corrupt; with a bit flipped it is corrupt, unsupported by its flags,
/// kind or form, or it decodes.
#[test]
fn every_cut_and_every_flipped_bit() {
    let line = |number| format!("{number} green bottles on the wall, and {number} green bottles fall; ");
    let raw: Vec<u8> = (0..16).map(|number| line(number * 7 % 10)).collect::<String>().into_bytes();
    for (pipeline, number) in PIPELINES.into_iter().zip([8, 9]) {
        let payload = check_with(pipeline, &raw, 3, 600);
        assert_eq!(kind(&payload), number);
        for len in 0..payload.len() {
            let error = decode(&payload[..len], raw.len(), Kernel::Portable).unwrap_err();
            assert!(matches!(error, PayloadError::Corrupt(_)), "{pipeline:?} cut at {len}: {error:?}");
        }
        let mut refused = 0;
        for bit in 0..8 * payload.len() {
            let mut bad = payload.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            match decode(&bad, raw.len(), Kernel::Portable) {
                // What was found may stand elsewhere as well, so it may even be the same.
                Ok(_) => {}
                Err(PayloadError::Corrupt(_) | PayloadError::Unsupported(_)) => refused += 1,
                Err(error) => panic!("{pipeline:?}, bit {bit}: {error:?}"),
            }
        }
        assert!(refused > payload.len(), "{pipeline:?}: {refused} of {} bits", 8 * payload.len());
    }
}

#[test]
fn garbage_is_refused_or_decoded_by_its_lengths() {
    let mut random = Random(15);
    for round in 0..20_000 {
        let mut chunk: Vec<u8> = (0..=random.below(60)).map(|_| random.next() as u8).collect();
        // Small numbers come farther.
        chunk.iter_mut().take(12).for_each(|byte| *byte %= [3, 20, 255][round % 3]);
        chunk[0] = 8 + (round % 2) as u8;
        let raw_len = 1 + random.below(300);
        let _ = decode(&payload_of(4, &[(raw_len, chunk)]), raw_len, Kernel::Portable);
    }
}

/// A chunk cannot have more symbols than it has raw bytes, whatever its few bytes claim.
#[test]
fn numbers_that_claim_much_are_refused() {
    let claims = |kind, fields: &[u8]| {
        let mut payload = vec![0, 1, 100, fields.len() as u8 + 1];
        payload.push(kind);
        payload.extend_from_slice(fields);
        decode(&payload, 100, Kernel::Portable).unwrap_err()
    };
    let length = |found, max| PayloadError::from(Corruption::Length { found, min: 1, max });
    let field = |field, found| PayloadError::from(Corruption::Field { field, found });
    assert_eq!(claims(8, &[2, 0xFF, 0xFF, 0x7F, 0]), length(0x1F_FFFF, 100), "literals");
    assert_eq!(claims(8, &[0, 2, 26, 0]), length(26, 25), "lengths");
    assert_eq!(claims(8, &[0, 2, 25, 2, 2, 64, 0]), field("raw bits", 64));
    assert_eq!(claims(8, &[0, 2, 25, 2, 2, 0, 26]), field("escapes", 26));
    assert_eq!(claims(8, &[0, 2, 25, 0, 2, 0, 0]), field("form", 0), "offset codes");
    assert_eq!(claims(8, &[2, 1, 0, 0, 0, 0, 0]), field("form", 0), "flags");
    assert_eq!(claims(9, &[2, 101, 2, 0]), length(101, 100), "codes");
    assert_eq!(claims(9, &[2, 100, 2, 0xC9, 1]), field("raw bits", 201));
    assert_eq!(claims(9, &[2, 100, 0, 0]), field("form", 0), "symbols");
}
