//! Several payloads decoded together, against each of them alone.

use super::*;
use crate::section::lanes::{Job, decode_together};

/// A payload that is decoded with others.
#[derive(Clone)]
struct Part {
    raw: Vec<u8>,
    payload: Vec<u8>,
}

/// The raw bytes, as far as they are said to be right, and the first error with its index.
type Outcome = (Vec<Vec<u8>>, Result<(), (usize, Corruption)>);

fn together(parts: &[Part], kernel: Kernel) -> Outcome {
    let mut raws: Vec<_> = parts.iter().map(|part| vec![0xEE; part.raw.len()]).collect();
    let jobs = parts.iter().zip(&mut raws);
    let mut jobs: Vec<_> =
        jobs.map(|(part, raw)| Job::new(&part.payload, tail_of(&part.payload), Spare::from(&mut raw[..]))).collect();
    let result = decode_together(&mut jobs, kernel);
    jobs.truncate(result.as_ref().err().map_or(parts.len(), |(index, _)| *index));
    (jobs.into_iter().map(|job| job.into_written().bytes().to_vec()).collect(), result)
}

/// What all kernels are to find: what the scalar one finds, part after part.
fn alone(parts: &[Part]) -> Outcome {
    let mut raws = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match super::decode(&part.payload, part.raw.len(), Kernel::Portable) {
            Ok(raw) => raws.push(raw),
            Err(reason) => return (raws, Err((index, reason))),
        }
    }
    (raws, Ok(()))
}

fn check_together(kernels: &[Kernel], parts: &[Part], case: &str) {
    let expected = alone(parts);
    for &kernel in kernels.iter().chain([&Kernel::Portable]) {
        let found = together(parts, kernel);
        assert_eq!(found.1, expected.1, "{kernel}: {case}");
        assert!(found.0 == expected.0, "{kernel} decodes other bytes: {case}");
    }
}

fn part(raw: Vec<u8>, segments: usize, scale_bits: u8, tail: Tail) -> Part {
    let payload = encode(&raw, segments, tail, scale_bits, Kernel::Portable);
    Part { raw, payload }
}

/// Raw lengths and segments. Some have no whole group, some are longer than others by many.
const SHAPES: [(usize, usize); 10] = [
    (2048, 1),
    (2048, 1),
    (2048 + 77, 1),
    (4096, 4),
    (1, 1),
    (3 * 1280 + 700, 4),
    (129, 1),
    (9 * GROUP, 2),
    (11 * 3 * GROUP + 1, 12),
    (40 * GROUP, 3),
];

/// `count` parts, each of a shape, a source, a scale and a tail of its own, or all of the same.
fn parts(count: usize, equal: bool, random: &mut Random) -> Vec<Part> {
    let mut seed = random.next() >> 8;
    let all = (0..count).map(|_| {
        if !equal {
            seed = random.next() >> 8;
        }
        let (len, segments) = SHAPES[seed as usize % SHAPES.len()];
        let tail = if seed >> 10 & 1 == 0 { Tail::Coded } else { Tail::InStates };
        let tail = if Cut::new(len, segments, tail).is_none() || len <= RIDING { Tail::Coded } else { tail };
        // Most blocks of a stream have one scale.
        let scale_bits = if (seed >> 20).is_multiple_of(4) { 9 + (seed >> 24) as u8 % 4 } else { 12 };
        let symbol = SOURCES[(random.next() >> 30) as usize % SOURCES.len()].1;
        part(random.bytes(len, symbol), segments, scale_bits, tail)
    });
    all.collect()
}

#[test]
fn payloads_of_every_number_and_shape() {
    let kernels = kernels();
    let mut random = Random(11);
    for round in 0..if cfg!(miri) { 2 } else { 40 } {
        for count in (0..=9).chain([16, 17]) {
            for equal in [true, false] {
                let parts = parts(count, equal, &mut random);
                check_together(&kernels, &parts, &format!("round {round}, {count} payloads"));
            }
        }
    }
}

/// Cuts or changes a payload, in one of four ways.
fn damage(payload: &mut Vec<u8>, way: usize, random: &mut Random) {
    let at = (random.next() >> 16) as usize % payload.len();
    match way % 4 {
        0 => payload.truncate(at),
        1 => payload[at] ^= 1 << (random.next() >> 61),
        2 => payload[at..].fill_with(|| (random.next() >> 20) as u8),
        _ => payload[at..].fill(0),
    }
}

/// Of two bad ones the first is named, and what comes before it is there.
#[test]
fn bad_ones_among_good_ones() {
    let kernels = kernels();
    let mut random = Random(12);
    let mut refused = 0;
    for round in 0..if cfg!(miri) { 4 } else { 400 } {
        let mut parts = parts(2 + round % 7, round % 2 == 0, &mut random);
        for _ in 0..=round % 2 {
            let index = (random.next() >> 16) as usize % parts.len();
            damage(&mut parts[index].payload, round / 4, &mut random);
        }
        refused += usize::from(alone(&parts).1.is_err());
        check_together(&kernels, &parts, &format!("round {round}"));
    }
    assert!(cfg!(miri) || refused > 200, "{refused}");
}

/// Of two segments that end together, one has words left over, or too few: its states are as they
/// should be when those that it needs are taken.
#[test]
fn words_that_end_early_or_late_beside_good_ones() {
    let kernels = kernels();
    let mut random = Random(14);
    for (len, tail) in [(16 * GROUP, Tail::Coded), (9 * GROUP, Tail::InStates), (9 * GROUP + 77, Tail::InStates)] {
        let good = || Part { raw: vec![0; len], payload: two_symbols(len, tail, &mut random).0 };
        let few: Vec<_> = std::iter::repeat_with(good).take(2).collect();
        // With two of more symbols they are decoded by tables of another form.
        let many = || part(random.bytes(16 * GROUP, SOURCES[6].1), 1, 12, Tail::Coded);
        let many: Vec<_> = few.iter().cloned().chain(std::iter::repeat_with(many).take(2)).collect();
        let cases = [&few, &many].into_iter().flat_map(|good| (0..2).map(move |bad| (good, bad)));
        let cases: Vec<_> = cases.flat_map(|(good, bad)| (1..20).map(move |change| (good, bad, change))).collect();
        for (good, bad, change) in cases {
            let words = u32::from_le_bytes(*good[bad].payload[4..].first_chunk().unwrap());
            let (mut less, mut more) = (good.clone(), good.clone());
            let (short, long) = (&mut less[bad].payload, &mut more[bad].payload);
            short.truncate(short.len() - 2 * change as usize);
            short[4..8].copy_from_slice(&(words - change).to_le_bytes());
            long.extend(random.bytes(2 * change as usize, |r| r as u8));
            long[4..8].copy_from_slice(&(words + change).to_le_bytes());
            for parts in [less, more] {
                assert_eq!(alone(&parts).1, Err((bad, Corruption::SegmentEnd { segment: 0 })), "{len}: {change} words");
                check_together(&kernels, &parts, &format!("{len} bytes, {change} words"));
            }
        }
    }
}

/// No kernel touches what is behind a payload or its raw bytes, or before them, whatever the
/// payload is.
#[cfg(all(unix, not(miri)))]
#[test]
fn neighbours_are_not_touched() {
    let mut random = Random(13);
    let (kernels, mut refused) = (kernels(), 0);
    for (round, &kernel) in (0..64).flat_map(|round| kernels.iter().map(move |kernel| (round, kernel))) {
        let mut parts = parts(1 + round % 8, round % 2 == 0, &mut random);
        if round >= 8 {
            let index = (random.next() >> 16) as usize % parts.len();
            damage(&mut parts[index].payload, round / 8, &mut random);
        }
        let (expected, result) = alone(&parts);
        refused += usize::from(result.is_err());
        let mut memory: Vec<_> =
            parts.iter().map(|part| (Guarded::new(part.payload.len()), Guarded::new(part.raw.len()))).collect();
        for back in [true, false] {
            let mut jobs = Vec::new();
            for (part, (payload, raw)) in parts.iter().zip(&mut memory) {
                let (payload_len, raw_len) = (part.payload.len(), part.raw.len());
                let payload = if back { payload.back(payload_len) } else { payload.front(payload_len) };
                payload.copy_from_slice(&part.payload);
                let raw = if back { raw.back(raw_len) } else { raw.front(raw_len) };
                jobs.push(Job::new(payload, tail_of(payload), Spare::from(raw)));
            }
            assert_eq!(decode_together(&mut jobs, kernel), result, "{kernel}, round {round}");
            drop(jobs);
            for (expected, (_, raw)) in expected.iter().zip(&mut memory) {
                let len = expected.len();
                let found = if back { raw.back(len) } else { raw.front(len) };
                assert!(found == expected, "{kernel}, round {round}: {} payloads", parts.len());
            }
        }
    }
    assert!(kernels.is_empty() || refused > 20, "{refused}");
}
