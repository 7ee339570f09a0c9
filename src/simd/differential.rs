//! Every kernel that the machine has, against the scalar one.
//!
//! A kernel that the machine lacks is named in the output, and fails the test if
//! `RANS_EXPECT_KERNELS` (names with commas) asks for it. `RANS_SKIP_KERNELS` names some that an
//! emulator gets wrong.

mod several;

use super::*;
use crate::{
    error::Corruption,
    model::normalize,
    rans::segment::{GROUP, LANES, RIDING, Tail},
    section::lanes::{Cut, count_coded, decode_payload, encode_payload},
};

/// All but the scalar one.
fn kernels() -> Vec<Kernel> {
    let names = |variable| std::env::var(variable).unwrap_or_default();
    let (expected, left_out) = (names("RANS_EXPECT_KERNELS"), names("RANS_SKIP_KERNELS"));
    let mut kernels = Vec::new();
    for (name, kernel) in Kernel::ALL {
        if kernel.is_available() && left_out.split(',').all(|wrong| wrong.trim() != name) {
            kernels.push(kernel);
        } else {
            println!("kernel {name}: skipped");
            assert!(expected.split(',').all(|wanted| wanted.trim() != name), "kernel {name} is expected here");
        }
    }
    for wanted in expected.split(',').map(str::trim).filter(|wanted| !wanted.is_empty()) {
        assert!(wanted.parse::<Kernel>().is_ok(), "{wanted} is no kernel");
    }
    kernels.retain(|&kernel| kernel != Kernel::Portable);
    kernels
}

/// xorshift64*: tests need the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn bytes(&mut self, len: usize, mut symbol: impl FnMut(u64) -> u8) -> Vec<u8> {
        (0..len).map(|_| symbol(self.next() >> 16)).collect()
    }
}

type Symbol = fn(u64) -> u8;

/// Distributions with their names.
const SOURCES: [(&str, Symbol); 7] = [
    ("256 equal symbols", |r| r as u8),
    ("one symbol", |_| 0xA5),
    ("two symbols", |r| 200 * u8::from(r % 3 == 0)),
    ("falling", |r| (r as u8).leading_zeros() as u8 * 16 + (r >> 8) as u8 % 3),
    ("one symbol and a rare one", |r| 7 + u8::from(r % 1999 == 0)),
    ("16 symbols, rare ones at both ends", |r| 9 * (r as u16 & 0x7FFF).count_ones() as u8),
    ("many rare symbols", |r| if r % 50 == 0 { (r >> 8) as u8 } else { b'e' }),
];

fn encode(raw: &[u8], segments: usize, tail: Tail, scale_bits: u8, kernel: Kernel) -> Vec<u8> {
    let cut = Cut::new(raw.len(), segments, tail).unwrap();
    let (mut payload, frequencies) = (Vec::new(), normalize(&count_coded(raw, cut), scale_bits));
    encode_payload(raw, cut, &frequencies, kernel, &mut Default::default(), &mut payload);
    payload
}

/// As the payload itself says what becomes of its tail.
fn decode(payload: &[u8], raw_len: usize, kernel: Kernel) -> Result<Vec<u8>, Corruption> {
    let mut raw = vec![0xEE; raw_len];
    decode_payload(payload, tail_of(payload), Spare::from(&mut raw[..]), kernel)?;
    Ok(raw)
}

fn tail_of(payload: &[u8]) -> Tail {
    if payload.get(1) == Some(&1) { Tail::InStates } else { Tail::Coded }
}

/// Encodes and decodes with every kernel, and with both tails where both are legal; the payloads
/// come back, the one with a coded tail first.
fn check(kernels: &[Kernel], raw: &[u8], segments: usize, scale_bits: u8) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for tail in [Tail::Coded, Tail::InStates] {
        // Of RIDING bytes that all ride, none is left to make a table of.
        if Cut::new(raw.len(), segments, tail).is_none() || tail == Tail::InStates && raw.len() == RIDING {
            continue;
        }
        let payload = encode(raw, segments, tail, scale_bits, Kernel::Portable);
        let case = || format!("{} bytes in {segments} segments at {scale_bits} bits, {tail:?}", raw.len());
        assert!(decode(&payload, raw.len(), Kernel::Portable).as_deref() == Ok(raw), "portable: {}", case());
        for &kernel in kernels {
            let coded = encode(raw, segments, tail, scale_bits, kernel);
            assert!(coded == payload, "{kernel} encodes otherwise: {}", case());
            let back = decode(&payload, raw.len(), kernel);
            assert!(back.as_deref() == Ok(raw), "{kernel} decodes otherwise: {}", case());
        }
        payloads.push(payload);
    }
    payloads
}

/// Whatever the payload is, every kernel gives the bytes or the error that the scalar one gives.
fn check_bad(kernels: &[Kernel], payload: &[u8], raw_len: usize) -> bool {
    let expected = decode(payload, raw_len, Kernel::Portable);
    for &kernel in kernels {
        let found = decode(payload, raw_len, kernel);
        assert_eq!(found.as_ref().err(), expected.as_ref().err(), "{kernel}");
        assert!(found == expected, "{kernel} decodes other bytes");
    }
    expected.is_err()
}

/// Every kernel inserts what the loop over single bytes does.
fn check_presence(kernels: &[Kernel], set: ByteSet, raw: &[u8]) {
    let mut expected = set;
    expected.extend(raw.iter().copied());
    for &kernel in kernels.iter().chain([&Kernel::Portable]) {
        let mut found = set;
        insert_all(kernel, &mut found, raw);
        assert_eq!(found, expected, "{kernel}: {} bytes", raw.len());
    }
}

/// A little of all that the tests below do, for an interpreter that takes a thousand times as long:
/// `scripts/miri.sh`.
#[test]
fn a_few_lengths_good_and_damaged() {
    let kernels = kernels();
    let mut random = Random(8);
    for (_, symbol) in SOURCES {
        for (len, segments) in [(1, 1), (GROUP + 3, 1), (4 * GROUP, 1), (5 * GROUP - 1, 2)] {
            for payload in check(&kernels, &random.bytes(len, symbol), segments, 12) {
                let mut bad = payload.clone();
                let at = payload.len() / 2;
                bad[at..].fill_with(|| (random.next() >> 20) as u8);
                check_bad(&kernels, &bad, len);
                check_bad(&kernels, &payload[..payload.len() - 2], len);
            }
            check_presence(&kernels, ByteSet::default(), &random.bytes(len, symbol));
        }
    }
}

#[test]
fn every_byte_is_found_by_every_kernel() {
    let kernels = kernels();
    let mut random = Random(9);
    for len in (0..=3 * GROUP).chain([5000]) {
        let mut set = ByteSet::default();
        set.extend(random.bytes(len % 300, |r| r as u8));
        check_presence(&kernels, set, &random.bytes(len, SOURCES[len % SOURCES.len()].1));
    }
    for len in [1, 63, 64, 197] {
        for at in 0..len {
            let mut raw = vec![b'a'; len];
            raw[at] = 0xF3;
            check_presence(&kernels, ByteSet::default(), &raw);
        }
    }
    for byte in 0..=255 {
        let mut set = ByteSet::default();
        set.extend((0..=255).filter(|&other| other != byte));
        let raw: Vec<u8> = (0..=255).chain(0..=255).filter(|&other| other != byte).collect();
        for &kernel in &kernels {
            let mut found = set;
            insert_all(kernel, &mut found, &raw);
            assert_eq!(found, set, "{kernel}: {byte} does not occur");
            insert_all(kernel, &mut found, &[&raw[..77], &[byte], &raw[77..]].concat());
            assert!(found.is_full(), "{kernel}: {byte} occurs");
        }
    }
}

#[test]
fn every_tail_length_of_every_source_at_every_scale() {
    let kernels = kernels();
    let mut random = Random(1);
    for (_, symbol) in SOURCES {
        let raw = random.bytes(4 * GROUP + 1, symbol);
        for len in 1..=raw.len() {
            check(&kernels, &raw[..len], 1, 9 + (len % 4) as u8);
        }
        for len in (1..=raw.len()).filter(|len| len % GROUP < 2 || len % 61 == 0) {
            for scale_bits in 9..=12 {
                check(&kernels, &raw[..len], 1, scale_bits);
            }
        }
    }
}

#[test]
fn long_segments_of_every_source_at_every_scale() {
    let kernels = kernels();
    let mut random = Random(2);
    for (_, symbol) in SOURCES {
        for scale_bits in 9..=12 {
            for (len, segments) in [(64 << 10, 4), ((64 << 10) + 77, 4), (50_000, 1), (99_999, 3)] {
                check(&kernels, &random.bytes(len, symbol), segments, scale_bits);
            }
        }
    }
}

#[test]
fn segments_of_every_number_and_unequal_length() {
    let kernels = kernels();
    let mut random = Random(3);
    for (name, symbol) in SOURCES {
        for segments in (1..=20).chain([63, 64, 65, 100]) {
            // Segments have three groups each, the last one as little as one byte.
            for last in [1, 3, 127, 128, 129, 256, 300, 383, 384] {
                let raw = random.bytes((segments - 1) * 3 * GROUP + last, symbol);
                if Cut::new(raw.len(), segments, Tail::Coded).is_some() {
                    check(&kernels, &raw, segments, 12);
                } else {
                    assert!(segments == 1 || last < 300, "{name}: {segments} segments, {last}");
                }
            }
        }
    }
}

/// Segments long enough for every way in which a kernel takes several of them.
#[test]
fn segments_of_some_numbers_and_enough_groups_for_tables() {
    let kernels = kernels();
    let mut random = Random(10);
    for (_, symbol) in SOURCES {
        for segments in [2, 3, 4, 5, 6, 8, 9, 12, 15] {
            for last in [1, 128, 300, 11 * GROUP] {
                let raw = random.bytes((segments - 1) * 11 * GROUP + last, symbol);
                check(&kernels, &raw, segments, 9 + (segments % 4) as u8);
            }
        }
    }
}

#[test]
fn every_alignment_of_payload_and_bytes() {
    let kernels = kernels();
    let mut random = Random(4);
    let raw = random.bytes(3000, SOURCES[3].1);
    let payloads = check(&kernels, &raw, 3, 12);
    for (payload, at) in payloads.iter().flat_map(|payload| (0..64).map(move |at| (payload, at))) {
        let mut moved = vec![0x55; at];
        moved.extend(payload);
        let mut back = vec![0x55; at + raw.len() + 64];
        for &kernel in &kernels {
            back.fill(0x55);
            let room = Spare::from(&mut back[at..at + raw.len()]);
            decode_payload(&moved[at..], tail_of(payload), room, kernel).unwrap();
            assert_eq!(back[at..at + raw.len()], raw, "{kernel}, {at}");
            assert!(back[..at].iter().chain(&back[at + raw.len()..]).all(|&byte| byte == 0x55), "{kernel}, {at}");

            let mut moved_raw = vec![0x55; at];
            moved_raw.extend(&raw);
            assert_eq!(encode(&moved_raw[at..], 3, tail_of(payload), 12, kernel), *payload, "{kernel}, {at}");
        }
    }
}

/// A payload of one segment, and where in it the states begin. A third of the symbols is one of
/// two: with frequencies that are powers of two a decoder would only move bits, and find nothing
/// wrong with any word.
fn two_symbols(len: usize, tail: Tail, random: &mut Random) -> (Vec<u8>, usize) {
    let raw = random.bytes(len, |r| b'a' + u8::from(r % 3 == 0));
    let payload = encode(&raw, 1, tail, 12, Kernel::Portable);
    let words = u32::from_le_bytes([payload[4], payload[5], payload[6], payload[7]]) as usize;
    let states_at = payload.len() - 2 * words - 4 * LANES;
    (payload, states_at)
}

#[test]
fn garbage_words_and_states_are_the_same_error() {
    let kernels = kernels();
    let mut random = Random(5);
    let mut refused = 0;
    for round in 0..600 {
        let len = 130 + (random.next() >> 16) as usize % 3000;
        let tail = if round / 4 % 2 == 0 { Tail::Coded } else { Tail::InStates };
        let (good, states_at) = two_symbols(len, tail, &mut random);
        let words_at = states_at + 4 * LANES;
        let mut bad = good.clone();
        match round % 4 {
            0 => bad[words_at..].fill_with(|| (random.next() >> 20) as u8),
            1 => bad[words_at..].fill(0),
            2 => {
                for state in bad[states_at..words_at].as_chunks_mut::<4>().0 {
                    *state = (random.next() as u32 | 1 << 16).to_le_bytes();
                }
            }
            _ => {
                let at = states_at + (random.next() >> 16) as usize % (bad.len() - states_at);
                bad[at] ^= 1 << (random.next() >> 61);
            }
        }
        refused += usize::from(check_bad(&kernels, &bad, len));
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn words_that_end_early_or_late_are_the_same_error() {
    let kernels = kernels();
    let mut random = Random(6);
    let lens = [129, 191, 192, 512, 1000, 2048, 5000];
    for (len, tail) in lens.into_iter().flat_map(|len| [(len, Tail::Coded), (len, Tail::InStates)]) {
        let (good, _) = two_symbols(len, tail, &mut random);
        let words = u32::from_le_bytes([good[4], good[5], good[6], good[7]]);
        for change in 1..200.min(words) {
            let mut short = good[..good.len() - 2 * change as usize].to_vec();
            short[4..8].copy_from_slice(&(words - change).to_le_bytes());
            assert!(check_bad(&kernels, &short, len), "{len}: {change} words less");
            let mut long = good.clone();
            long.extend(random.bytes(2 * change as usize, |r| r as u8));
            long[4..8].copy_from_slice(&(words + change).to_le_bytes());
            assert!(check_bad(&kernels, &long, len), "{len}: {change} words more");
        }
    }
}

#[test]
fn the_first_of_several_bad_segments_is_reported() {
    let kernels = kernels();
    let mut random = Random(7);
    let segments = 13;
    let raw = random.bytes(segments * 3 * GROUP - 5, |r| (r % 3 * (r >> 8) % 7) as u8);
    let good = encode(&raw, segments, Tail::Coded, 12, Kernel::Portable);
    // A state of each segment: the first is found from the end, as all but the words have known
    // lengths.
    let counts: Vec<usize> =
        (0..segments).map(|index| u32::from_le_bytes(*good[4 + 4 * index..].first_chunk().unwrap()) as usize).collect();
    let padded = |count: usize, last: bool| 4 * LANES + if last { 2 * count } else { (2 * count).next_multiple_of(4) };
    let total: usize = counts.iter().enumerate().map(|(index, &count)| padded(count, index + 1 == segments)).sum();
    let mut starts = vec![good.len() - total];
    for &count in &counts {
        starts.push(starts[starts.len() - 1] + padded(count, false));
    }
    for first in 0..segments {
        for second in first..segments {
            let mut bad = good.clone();
            for segment in [first, second] {
                // The highest bit of a state: damage to a lower one may end in the bytes that ride
                // on the start states.
                bad[starts[segment] + 43] = good[starts[segment] + 43] ^ 0x80;
            }
            for kernel in kernels.iter().copied().chain([Kernel::Portable]) {
                let error = decode(&bad, raw.len(), kernel).err();
                let expected = Corruption::SegmentEnd { segment: first as u32 };
                assert_eq!(error, Some(expected), "{kernel}: {first}, {second}");
            }
        }
    }
}
