//! The forms of sections, as levels and preferences choose them.

use super::*;
use crate::{
    format::{fields::Fields, section::SectionForm},
    options::Prefer,
};

/// The payload of one chunk, its kind, and the form of its first section: that of its raw bytes, or
/// of its literals.
fn coded(raw: &[u8], level: u8, prefer: Option<Prefer>) -> (Vec<u8>, u8, SectionForm) {
    let mut payload = Vec::new();
    let (kernel, pipeline) = (Kernel::or_default(None), Pipeline::Lzr);
    encode_payload(raw, Settings { level, chunk_len: raw.len(), kernel, pipeline, prefer, min_gain: 8 }, &mut payload);
    assert!(decode(&payload, raw.len(), kernel).as_deref() == Ok(raw), "level {level}, {prefer:?}");
    let mut fields = Fields::new(&payload);
    fields.u8("flags").unwrap();
    for field in ["chunks", "raw bytes", "coded bytes"] {
        fields.number(field).unwrap();
    }
    let chunk = (payload.len() - fields.rest().len()).next_multiple_of(4);
    let (kind, number) = (payload[chunk], payload[chunk + 1]);
    let form = SectionForm::ALL.into_iter().find(|(known, _)| *known == number).unwrap().1;
    (payload, kind, form)
}

/// Bytes without matches.
fn alone(len: usize, byte: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut random = Random(7);
    (0..len).map(|_| byte(random.next())).collect()
}

/// Each symbol is five eighths as frequent as the one before, which suits no code of whole bits.
fn falling(random: u64) -> u8 {
    (0..16).take_while(|digit| random >> (3 * digit) & 7 < 5).count() as u8
}

/// The sum of some dice: as pivot it takes about half a hundredth more than as lanes.
fn bell(random: u64) -> u8 {
    (0..6).map(|die| (random >> (5 * die)) as u8 & 31).sum()
}

/// Each bell stands here twice.
fn repeated(raw: &[u8]) -> Vec<u8> {
    raw.chunks(50).flat_map(|part| [part, &part[..40.min(part.len())]]).flatten().copied().collect()
}

const LEVELS: [u8; 4] = [1, 3, 4, 7];

#[test]
fn a_chunk_without_matches_is_pivot_where_that_costs_little() {
    let (equal, uneven, bell) = (alone(50_000, |x| x as u8 & 63), alone(50_000, falling), alone(50_000, bell));
    for level in LEVELS {
        for prefer in [None, Some(Prefer::Ratio), Some(Prefer::Speed)] {
            let form = |raw: &[u8]| {
                let (_, kind, form) = coded(raw, level, prefer);
                assert_eq!(kind, chunk::PLAIN, "level {level}, {prefer:?}");
                form
            };
            // Codes of whole bits cost nothing, a thirtieth, and half a hundredth.
            assert_eq!(form(&equal), SectionForm::Pivot, "level {level}, {prefer:?}");
            assert_eq!(form(&uneven), SectionForm::Lanes, "level {level}, {prefer:?}");
            let of_bell = if prefer == Some(Prefer::Ratio) { SectionForm::Lanes } else { SectionForm::Pivot };
            assert_eq!(form(&bell), of_bell, "level {level}, {prefer:?}");
        }
    }
}

#[test]
fn sizes_are_in_the_order_of_what_is_preferred() {
    let mut random = Random(3);
    let plain = alone(60_000, bell);
    for raw in [repeated(&plain), pieces(&mut random, 50_000, 40), records(&mut random, 40_000), plain] {
        for level in LEVELS {
            let len = |prefer| coded(&raw, level, prefer).0.len();
            let [ratio, speed, neither] = [Some(Prefer::Ratio), Some(Prefer::Speed), None].map(len);
            // The best tree is not always found, whatever it is to be best for.
            assert!(ratio <= neither.min(speed) + speed / 100, "level {level}: {ratio}, {neither}, {speed}");
            assert!(speed <= ratio + ratio * 15 / 1024 + 64, "level {level}: {ratio}, {speed}");
        }
    }
}

#[test]
fn literals_are_lanes_only_where_the_smallest_is_asked_for() {
    let raw = repeated(&alone(60_000, bell));
    for level in LEVELS {
        for (prefer, expected) in [
            (None, SectionForm::Pivot),
            (Some(Prefer::Speed), SectionForm::Pivot),
            (Some(Prefer::Ratio), SectionForm::Lanes),
        ] {
            let (_, kind, form) = coded(&raw, level, prefer);
            assert_eq!((kind, form), (chunk::MATCHES, expected), "level {level}, {prefer:?}");
        }
    }
}

/// The kind of each chunk of a payload.
fn kinds(payload: &[u8]) -> Vec<u8> {
    let mut fields = Fields::new(payload);
    fields.u8("flags").unwrap();
    let chunks = fields.number("chunks").unwrap();
    let lens: Vec<usize> = (0..chunks)
        .map(|_| {
            fields.number("raw bytes").unwrap();
            fields.number("coded bytes").unwrap()
        })
        .collect();
    let mut at = payload.len() - fields.rest().len();
    let kind = |len: usize| {
        let start = at.next_multiple_of(4);
        at = start + len;
        payload[start]
    };
    lens.into_iter().map(kind).collect()
}

/// Of a few symbols any four bytes have been there before, and cost more as a match than as they
/// are.
#[test]
fn matches_that_cost_too_much_are_given_up_for_one_chunk() {
    const LEN: usize = 128 << 10;
    let few = alone(LEN, |x| [0, 0, 0, 0, 0, 0, 1, 2][(x & 7) as usize]);
    let others = few.iter().rev().copied().collect();
    let raw = [few, pieces(&mut Random(3), LEN, 40), others].concat();
    for level in LEVELS {
        let payload = check(&raw, level, LEN);
        let kinds = kinds(&payload);
        assert!(kinds[0] == chunk::PLAIN && kinds[1] != chunk::PLAIN && kinds[2] == chunk::PLAIN, "{level}: {kinds:?}");
        // A sixth of its length a chunk: 1.06 bits a symbol.
        assert!(encode(&raw[..LEN], level, LEN).len() < LEN / 6, "{level}");
    }
}

/// The begin of a chunk does not decide for what follows in it.
#[test]
fn matches_behind_some_that_cost_too_much_are_found() {
    let few = alone(40 << 10, |x| [0, 0, 0, 0, 0, 0, 1, 2][(x & 7) as usize]);
    let text = pieces(&mut Random(3), 200 << 10, 300);
    let raw = [&few[..], &text].concat();
    for level in LEVELS {
        let [few, text, both] = [&few[..], &text, &raw].map(|raw| check(raw, level, 256 << 10).len());
        assert!(both < few + few + text, "level {level}: {few} and {text} alone, {both} together");
    }
}
