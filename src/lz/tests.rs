//! Both ways, with every kernel.

mod forms;
#[cfg(all(unix, not(miri)))]
mod guard_pages;
mod pipelines;
mod wire;

use std::{
    cell::RefCell,
    panic::catch_unwind,
    sync::mpsc::{Sender, channel},
    thread,
    time::Instant,
};

use super::*;
use crate::{
    error::PayloadError,
    format::number::write_number,
    limits::{MAX_BLOCK_LEN, MAX_CHUNK_LEN},
    options::Pipeline,
    simd::{self, Kernel, Spare, Written},
};

/// xorshift64*: tests need the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }
}

/// Pieces of what came before, now near and now far, among new bytes.
fn pieces(random: &mut Random, len: usize, longest: usize) -> Vec<u8> {
    let mut raw: Vec<u8> = Vec::new();
    while raw.len() < len {
        for _ in 0..random.below(longest) {
            raw.push(b'a' + (random.next() % 23) as u8);
        }
        let reach = if random.below(2) == 0 { raw.len().min(40) } else { raw.len() };
        if reach > 0 {
            let offset = 1 + random.below(reach);
            for _ in 0..random.below(3 * longest) {
                raw.push(raw[raw.len() - offset]);
            }
        }
    }
    raw.truncate(len);
    raw
}

/// Records whose fields grow by small steps.
fn records(random: &mut Random, len: usize) -> Vec<u8> {
    let mut fields = [0_u16; 5];
    let mut raw = Vec::new();
    while raw.len() < len {
        for field in &mut fields {
            *field = field.wrapping_add(random.below(7) as u16);
            raw.extend(field.to_le_bytes());
        }
    }
    raw.truncate(len);
    raw
}

fn kernels() -> Vec<Kernel> {
    Kernel::all_available().collect()
}

fn encode(raw: &[u8], level: u8, chunk_len: usize) -> Vec<u8> {
    encode_by(Kernel::Portable, raw, level, chunk_len)
}

fn encode_by(kernel: Kernel, raw: &[u8], level: u8, chunk_len: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    let pipeline = Pipeline::Lzr;
    encode_payload(raw, Settings { level, chunk_len, kernel, pipeline, prefer: None, min_gain: 8 }, &mut payload);
    payload
}

/// A payload whose matches may have `min_match` bytes, 3 or 4, of chunks that have so many raw
/// bytes and these bytes.
fn payload_of(min_match: usize, chunks: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut payload = vec![if min_match == 3 { 0b100 } else { 0 }];
    write_number(chunks.len() as u32, &mut payload);
    for (raw_len, bytes) in chunks {
        write_number(*raw_len as u32, &mut payload);
        write_number(bytes.len() as u32, &mut payload);
    }
    for (_, bytes) in chunks {
        payload.resize(payload.len().next_multiple_of(4), 0);
        payload.extend(bytes);
    }
    payload
}

/// The byte that stands for `number`, which an offset code is one more than. Its raw bits are
/// appended.
fn value_of(number: usize, bits: &mut Vec<bool>) -> u8 {
    if number < 8 {
        return number as u8;
    }
    let width = number.ilog2() - 3;
    bits.extend((0..width).map(|bit| number >> bit & 1 == 1));
    ((width as usize + 1) << 3 | number >> width & 7) as u8
}

fn packed(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect()
}

/// Decodes between bytes that must stay as they are.
fn decode(payload: &[u8], raw_len: usize, kernel: Kernel) -> Result<Vec<u8>, PayloadError> {
    const AROUND: [u8; 256] = [0xA5; 256];
    let mut room = vec![0xEE; raw_len + 2 * AROUND.len()];
    let (before, rest) = room.split_at_mut(AROUND.len());
    let (raw, behind) = rest.split_at_mut(raw_len);
    before.copy_from_slice(&AROUND);
    behind.copy_from_slice(&AROUND);
    let result = decode_payload(payload, &mut Spare::from(&mut *raw), kernel);
    assert!(before == AROUND && behind == AROUND, "{kernel} wrote outside");
    // And to room in a vector, which holds nothing yet.
    let mut appended = vec![0xA7; raw_len];
    appended.clear();
    let is_good = simd::append(&mut appended, raw_len, |mut spare| {
        let is_good = decode_payload(payload, &mut spare, kernel).is_ok();
        (if is_good { spare.into_written() } else { Written::default() }, is_good)
    });
    assert_eq!(is_good, result.is_ok());
    assert!(!is_good || appended == raw, "{kernel}");
    result.map(|()| raw.to_vec())
}

/// Every step with every check, in safe code: what all kernels must do.
fn oracle(payload: &[u8], raw: &mut [u8]) -> Result<(), PayloadError> {
    decode::decode_payload_by(payload, &mut raw.into(), Kernel::Portable, |sections, repeats, expanded, output| {
        sections.execute(repeats, expanded, output).ok()
    })
}

fn check(raw: &[u8], level: u8, chunk_len: usize) -> Vec<u8> {
    let payload = encode(raw, level, chunk_len);
    // All kernels but `portable` share the code of these levels' finders.
    if level < 8 {
        let fastest = Kernel::or_default(None);
        assert!(encode_by(fastest, raw, level, chunk_len) == payload, "{fastest}: {} bytes, level {level}", raw.len());
    }
    for kernel in kernels() {
        let back = decode(&payload, raw.len(), kernel);
        assert!(back.as_deref() == Ok(raw), "{kernel}: {} bytes at level {level}, {:?}", raw.len(), back.err());
    }
    payload
}

#[test]
fn every_level_gives_back_what_it_took() {
    let mut random = Random(1);
    for level in 1..=9 {
        for longest in [4, 20, 300, 5000] {
            for len in [1, 30, 1000, 20_000, 150_000] {
                check(&pieces(&mut random, len, longest), level, 16 << 10);
            }
        }
        check(&records(&mut random, 100_000), level, 1 << 20);
        check(&vec![7; 100_000], level, 16 << 10);
        // A chunk that levels 8 and 9 parse in two parts.
        check(&pieces(&mut random, 300_000, 300), level, 1 << 20);
    }
}

/// Chunks whose sequences are so long that each is checked by itself, up to the end of the block.
#[test]
fn long_sequences_with_near_and_far_offsets() {
    let mut random = Random(10);
    let text = pieces(&mut random, 3000, 20);
    let mut raw = text.clone();
    for round in 0..400 {
        raw.push(random.next() as u8);
        let longest = [20, 150, 260, 4000][round % 4];
        let (len, offset) = (1 + random.below(longest), [1 + random.below(40), 1 + random.below(raw.len())][round % 2]);
        for _ in 0..len {
            raw.push(raw[raw.len() - offset]);
        }
    }
    // Copied at once, up to where a match reaches itself.
    for (len, offset) in [(2047, 2047), (2048, 2048), (3000, 3000), (3000, 3001), (3001, 3000)] {
        raw.push(random.next() as u8);
        for _ in 0..len {
            raw.push(raw[raw.len() - offset]);
        }
    }
    for cut in [0, 1, 31, 128, 1000] {
        for level in [1, 3, 6, 8, 9] {
            check(&raw[..raw.len() - cut], level, 8 << 10);
        }
    }
}

#[test]
fn matches_are_found_behind_much_that_has_none() {
    const NOISE: usize = 1 << 20;
    let mut random = Random(9);
    let noise: Vec<u8> = (0..NOISE).map(|_| random.next() as u8).collect();
    let text = pieces(&mut random, 40_000, 20);
    for level in 1..=9 {
        let alone = encode(&text, level, MAX_CHUNK_LEN).len();
        let behind = check(&[&noise[..], &text].concat(), level, 256 << 10).len();
        assert!(behind < NOISE + alone + alone / 8, "level {level}: {alone} alone, {} behind", behind - NOISE);
    }
}

/// Blocks that end about where a finder stops, where a part does, and where tables grow; periods
/// about the lengths that parsers take at once, and the longest that a match of three bytes may
/// have.
#[test]
fn levels_with_prices_at_all_edges() {
    let mut random = Random(12);
    let noise: Vec<u8> = (0..70_000).map(|_| random.next() as u8).collect();
    let periodic = |period: usize, len: usize| (0..len).map(|at| noise[at % period]).collect::<Vec<u8>>();
    for level in [8, 9] {
        for len in 1..60 {
            for raw in [periodic(1, len), periodic(3, len), periodic(len.div_ceil(2), len), periodic(len, len)] {
                check(&raw, level, 1 << 20);
            }
        }
        for edge in [1 << 12, 1 << 16, 256 << 10] {
            for len in [edge - 12, edge - 3, edge - 2, edge - 1, edge, edge + 1, edge + 4, edge + 12] {
                for period in [1, 2, 40_000] {
                    check(&periodic(period, len), level, 1 << 20);
                }
            }
        }
        for around in [8, 192, 512, 4096, 1 << 14, 1 << 16, 69_999] {
            for period in [around - 1, around, around + 1] {
                let mut raw = periodic(period, 150_000);
                let whole = check(&raw, level, 64 << 10).len();
                assert!(whole < period + 1000, "level {level}: {whole} bytes with period {period}");
                for at in (500..raw.len()).step_by(997) {
                    raw[at] ^= 1;
                }
                let broken = check(&raw, level, 64 << 10).len();
                assert!(broken < period + 3000, "level {level}: {broken} bytes with period {period}, broken");
            }
        }
    }
}

/// On WebAssembly they are level 7.
#[test]
fn levels_with_prices_are_no_larger_than_level_7() {
    let mut random = Random(8);
    let text = include_bytes!("../../FORMAT.md");
    let code = include_bytes!("encode.rs");
    for raw in [&text[..], code, &pieces(&mut random, 100_000, 20), &records(&mut random, 100_000)] {
        let [seven, eight, nine] = [7, 8, 9].map(|level| check(raw, level, 64 << 10).len());
        println!("{} bytes: {seven}, {eight}, {nine}", raw.len());
        assert!(eight <= seven + seven / 200 && nine <= eight + eight / 100, "{seven}, {eight}, {nine}");
    }
    let [seven, eight, nine] = [7, 8, 9].map(|level| encode(text, level, 256 << 10).len());
    if cfg!(not(target_family = "wasm")) {
        assert!(eight < seven * 98 / 100 && nine < seven * 97 / 100, "{seven}, {eight}, {nine}");
    }
}

#[test]
fn every_length_of_a_block() {
    let mut random = Random(2);
    let raw = pieces(&mut random, 700, 12);
    for len in 1..raw.len() {
        for level in [3, 9] {
            check(&raw[..len], level, 64);
        }
    }
}

/// Whatever the payload is, every kernel gives the bytes or the error that the scalar one gives.
#[test]
fn damaged_payloads() {
    let mut random = Random(3);
    let (mut refused, mut decoded) = (0, 0);
    for round in 0..40 {
        let longest = [6, 30, 400][round % 3];
        let raw = if round % 4 == 3 { records(&mut random, 3000) } else { pieces(&mut random, 3000, longest) };
        let payload = check(&raw, 1 + (round % 9) as u8, [600, 1 << 20][round % 2]);
        for _ in 0..50 {
            let mut bad = payload.clone();
            for _ in 0..=random.below(3) {
                let end = if random.below(3) == 0 { bad.len().min(40) } else { bad.len() };
                let at = random.below(end);
                bad[at] ^= 1 << random.below(8);
            }
            let mut bytes = vec![0; raw.len()];
            let expected = oracle(&bad, &mut bytes).map(|()| bytes);
            for kernel in kernels() {
                assert!(decode(&bad, raw.len(), kernel) == expected, "{kernel}, round {round}: {:?}", expected.err());
            }
            if expected.is_err() { refused += 1 } else { decoded += 1 }
        }
    }
    assert!(refused > 100 && decoded > 100, "{refused} refused, {decoded} decoded");
}

thread_local! {
    /// Is destroyed behind all that the thread uses after it.
    static AT_THE_END: RefCell<Option<Last>> = const { RefCell::new(None) };
}

struct Last(Sender<bool>);

impl Drop for Last {
    fn drop(&mut self) {
        let same = catch_unwind(both_ways).is_ok();
        self.0.send(same).expect("the test waits for it");
    }
}

fn both_ways() {
    let raw = pieces(&mut Random(5), 20_000, 20);
    check(&raw, 3, 1 << 20);
}

/// What a thread keeps is gone before the last of its destructors ran.
#[test]
fn a_thread_that_ends_codes_without_memory_to_keep() {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        AT_THE_END.set(Some(Last(sender)));
        both_ways();
    });
    thread.join().expect("the thread itself does not panic");
    assert_eq!(receiver.recv(), Ok(true), "a destructor panicked");
}

/// The farthest offsets that there are, in the longest block.
#[test]
fn matches_reach_over_the_longest_block() {
    let mut random = Random(6);
    let noise: Vec<u8> = (0..20_000).map(|_| random.next() as u8).collect();
    let mut raw = vec![0; MAX_BLOCK_LEN];
    raw[..noise.len()].copy_from_slice(&noise);
    raw[MAX_BLOCK_LEN - noise.len()..].copy_from_slice(&noise);
    for level in [2, 3, 5, 9] {
        let payload = check(&raw, level, MAX_CHUNK_LEN);
        assert!(
            payload.len() < noise.len() * 3 / 2,
            "level {level}: {} bytes, the noise stands there twice",
            payload.len()
        );
    }
}

/// Matches in a long block that begin so far back that kernels ask for their bytes ahead, up to the
/// end of the block.
#[test]
fn short_matches_from_far_back_in_a_long_block() {
    let mut random = Random(11);
    let text: Vec<u8> = (0..40_000).map(|_| random.below(16) as u8).collect();
    let mut raw = text.clone();
    raw.resize(5 << 20, 0);
    for _ in 0..4_000 {
        let at = random.below(text.len() - 20);
        raw.extend_from_slice(&text[at..at + 6 + random.below(14)]);
    }
    for cut in [0, 1, 70] {
        let payload = check(&raw[..raw.len() - cut], 6, MAX_CHUNK_LEN);
        assert!(payload.len() < 45_000, "{} bytes: half of all that are not zeros is more", payload.len());
    }
}

/// What is alike everywhere, or nearly so, has more matches than a finder may look at.
#[test]
fn no_input_takes_a_finder_for_ever() {
    const LEN: usize = 1 << 20;
    let mut random = Random(7);
    let noise: Vec<u8> = (0..LEN).map(|_| random.next() as u8).collect();
    let (mut words, mut fibonacci, mut before) = (Vec::new(), b"ab".to_vec(), b"a".to_vec());
    for (index, &byte) in noise.iter().enumerate().take(LEN / 160) {
        words.extend_from_slice(&noise[..150 + index % 40]);
        words.push(byte);
    }
    while fibonacci.len() < LEN {
        let next = [&fibonacci[..], &before].concat();
        before = std::mem::replace(&mut fibonacci, next);
    }
    let broken: Vec<u8> = (0..LEN).map(|at| if at % 23 == 0 { noise[at] } else { noise[at % 16] }).collect();
    for raw in [vec![0; LEN], words, fibonacci, broken, noise] {
        // The last two are slow on everything: they have tests that count their steps.
        for (level, len) in [(1, LEN), (3, LEN), (7, LEN), (8, LEN / 16), (9, LEN / 16)] {
            let begin = Instant::now();
            check(&raw[..len], level, 256 << 10);
            let seconds = begin.elapsed().as_secs();
            assert!(seconds < 30, "level {level}: {seconds} s, where a tenth of one is usual");
        }
    }
}
