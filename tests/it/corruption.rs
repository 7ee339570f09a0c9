//! Damaged streams: the error names what is damaged, the good blocks before it come out, and
//! nothing after it does.

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, block, compress,
    error::{Corruption, Part},
    format::{BlockHeader, BlockMode, EndBlock, StreamHeader},
    stream::{Decoder, Op},
};

use crate::{
    assembly::{self, Assembled, Assembly, Element, crc8, crc32c, data_block, index_with_footer, skippable},
    data::{self, every_mode_stream},
    outcomes::{self, Outcome, WAYS, Way, agreed},
};

const MAGIC_LEN: usize = 4;

#[test]
fn every_flipped_bit_is_named() {
    flipped_bits(outcomes::read, &DecodeOptions::new(), 1);
}

#[test]
fn flipped_bits_are_named_in_every_way() {
    // A step that has no divisor in common with the bits of a byte takes them all in turn.
    every_way_names_flipped_bits(29);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn every_flipped_bit_is_named_in_every_way() {
    every_way_names_flipped_bits(1);
}

fn every_way_names_flipped_bits(step: usize) {
    for threads in [1, 0] {
        for (_, way) in WAYS {
            flipped_bits(way, &DecodeOptions::new().threads(threads), step);
        }
    }
}

fn flipped_bits(way: Way, options: &DecodeOptions, step: usize) {
    let good = every_mode_stream();
    println!("{} of {} bits flipped", (good.stream.len() * 8).div_ceil(step), good.stream.len() * 8);
    for bit in (0..good.stream.len() * 8).step_by(step) {
        let mut stream = good.stream.clone();
        stream[bit / 8] ^= 1 << (bit % 8);
        let element = good.elements.iter().find(|element| element.coded.contains(&(bit / 8))).unwrap();
        let expected = Outcome {
            raw: good.raw[..element.raw.start].to_vec(),
            error: Some(error_of_damage(&good, &stream, element, bit / 8)),
        };
        assert_eq!(way(&stream, options), expected, "bit {bit}, {options:?}");
    }
}

/// What damage in one byte of `element` must lead to, computed from FORMAT.md.
fn error_of_damage(good: &Assembled, stream: &[u8], element: &Element, byte: usize) -> Error {
    let bytes = &stream[element.coded.clone()];
    let at = byte - element.coded.start;
    let offset = element.coded.start as u64;
    let corrupt = |part, reason| Error::Corrupt { part, offset, reason };
    let header_check = || Corruption::HeaderCheck { stored: bytes[7].into(), computed: crc8(&bytes[..7]).into() };
    let end_check = || {
        let (signed, check) = bytes.split_at(bytes.len() - 4);
        (u32::from_le_bytes(check.try_into().unwrap()), crc32c(signed))
    };
    match element.part {
        Part::StreamHeader if at < MAGIC_LEN && offset == 0 => Error::NotAStream { found: Vec::new() },
        Part::StreamHeader if at < MAGIC_LEN => Error::TrailingData { offset },
        Part::StreamHeader if at < StreamHeader::FIXED_LEN => corrupt(Part::StreamHeader, header_check()),
        Part::StreamHeader => {
            let (stored, computed) = end_check();
            corrupt(Part::StreamHeader, Corruption::HeaderCheck { stored, computed })
        }
        // A block's kind is not known before its header is right.
        Part::End if at < BlockHeader::LEN => corrupt(Part::Block(blocks_before(good, element)), header_check()),
        part if at < BlockHeader::LEN => corrupt(part, header_check()),
        part => {
            let (stored, computed) = end_check();
            corrupt(part, Corruption::PayloadCheck { stored, computed })
        }
    }
}

/// Blocks of the same stream before an end block.
fn blocks_before(good: &Assembled, end: &Element) -> u64 {
    let before = good.elements.iter().filter(|element| element.coded.end <= end.coded.start).rev();
    before.take_while(|element| matches!(element.part, Part::Block(_))).count() as u64
}

/// Neighbours are decoded together where both ends lie in memory: the good ones before a bad one
/// come out all the same, and are counted.
#[test]
fn a_bad_block_among_many_that_are_lanes() {
    const LEN: usize = 3000;
    let raw = data::text(40 * LEN + 77);
    let good = compress(&raw, &EncodeOptions::new().mode(Mode::Lanes).block_len(LEN)).unwrap();
    let mut starts = vec![StreamHeader::FIXED_LEN];
    while let Ok(len) = block::coded_len(&good[starts[starts.len() - 1]..]) {
        starts.push(starts[starts.len() - 1] + len);
    }
    assert_eq!(starts.len(), 41 + 1);
    for bad in [0, 1, 7, 8, 19, 39, 40] {
        let mut stream = good.clone();
        stream[starts[bad + 1] - 20] ^= 1;
        let found = agreed(&stream, &DecodeOptions::new());
        assert!(found.raw == raw[..bad * LEN], "{} bytes before block {bad}", found.raw.len());
        assert!(matches!(found.error, Some(Error::Corrupt { part, offset, .. })
            if part == Part::Block(bad as u64) && offset == starts[bad] as u64));
        for room in [raw.len() + 100_000, raw.len(), 10 * LEN + 1, LEN, 1] {
            let (mut decoder, mut back, mut taken) = (Decoder::new(DecodeOptions::new()), Vec::<u8>::new(), 0);
            let error = loop {
                let mut out = vec![0; room];
                match decoder.step(&stream[taken..], &mut out, Op::Finish) {
                    Ok(step) => {
                        taken += step.consumed;
                        back.extend(&out[..step.produced]);
                    }
                    Err(error) => break error,
                }
            };
            assert!(back == raw[..bad * LEN], "{} bytes before block {bad} in slices of {room}", back.len());
            assert_eq!(Some(&error), found.error.as_ref());
            assert_eq!(decoder.progress().blocks(), bad as u64);
        }
    }
}

#[test]
fn random_damage() {
    random_damages(0..10_000);
}

#[test]
#[ignore = "takes minutes"]
fn much_random_damage() {
    random_damages(0..1_000_000);
}

fn random_damages(seeds: std::ops::Range<u64>) {
    let good = every_mode_stream();
    for seed in seeds {
        let mut random = StdRng::seed_from_u64(seed);
        let mut stream = good.stream.clone();
        damage(&mut stream, &mut random);
        let outcome = if seed % 20 == 0 {
            agreed(&stream, &DecodeOptions::new())
        } else {
            outcomes::read(&stream, &DecodeOptions::new())
        };
        assert!(good.raw.starts_with(&outcome.raw), "wrong bytes with seed {seed}, then {:?}", outcome.error);
        // The check of a short stream header has 8 bits, and a larger limit in it harms nothing:
        // then everything comes out.
        assert!(outcome.error.is_some() || outcome.raw == good.raw, "damage with seed {seed} went unnoticed");
    }
}

/// Overwrites or inserts.
fn damage(stream: &mut Vec<u8>, random: &mut StdRng) {
    let len = stream.len();
    let start = random.random_range(0..len);
    let range = start..len.min(start + random.random_range(1..=64));
    match random.random_range(0..5) {
        0 => random.fill_bytes(&mut stream[range]),
        1 => stream[range].fill(0),
        2 => stream[range].shuffle(random),
        3 => {
            for _ in 0..random.random_range(2..=20) {
                stream[random.random_range(0..len)] ^= random.random_range(1..=255);
            }
        }
        _ => {
            let inserted: Vec<u8> = range.map(|_| random.random()).collect();
            stream.splice(start..start, inserted);
        }
    }
}

/// Blocks of equal raw length, so that only checks and order tell them apart.
fn equal_blocks(header: StreamHeader) -> Assembled {
    let stored = EncodeOptions::new().mode(Mode::Stored);
    let lanes = EncodeOptions::new().mode(Mode::Lanes);
    Assembly::new(header)
        .data(&data::uniform(256), &stored, BlockMode::Stored)
        .data(&data::two_symbols(256), &lanes, BlockMode::Lanes)
        .application_data(1, b"one")
        .data(&data::ramp(256), &stored, BlockMode::Stored)
        .application_data(2, b"two")
        .data(&data::one_rare_byte(256), &lanes, BlockMode::Lanes)
        .finish()
}

const PLAIN: StreamHeader =
    StreamHeader { max_block_log2: 10, content_length: None, content_check: false, index: false };

/// The stream with its elements in this order, and the raw bytes that these have.
fn reordered(good: &Assembled, order: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let elements = || order.iter().map(|&index| &good.elements[index]);
    let stream = elements().flat_map(|element| good.stream[element.coded.clone()].iter().copied()).collect();
    let raw = elements().flat_map(|element| good.raw[element.raw.clone()].iter().copied()).collect();
    (stream, raw)
}

#[test]
fn a_dropped_block_is_missed_in_the_count() {
    let good = equal_blocks(PLAIN);
    for dropped in 1..=6 {
        let order: Vec<_> = (0..8).filter(|&index| index != dropped).collect();
        end_is_wrong(&good, &order, Corruption::Blocks { stored: 6, actual: 5 });
    }
}

#[test]
fn a_doubled_block_is_one_too_many() {
    let good = equal_blocks(PLAIN);
    for doubled in 1..=6 {
        for place in 1..=7 {
            let mut order: Vec<_> = (0..8).collect();
            order.insert(place, doubled);
            end_is_wrong(&good, &order, Corruption::Blocks { stored: 6, actual: 7 });
        }
    }
}

#[test]
fn moved_blocks_are_found_by_the_sequence_check() {
    let good = equal_blocks(PLAIN);
    let checks = |order: &[usize]| -> Vec<u8> {
        let ends = order[1..7].iter().map(|&index| good.elements[index].coded.end);
        ends.flat_map(|end| good.stream[end - 4..end].to_vec()).collect()
    };
    let in_order: Vec<_> = (0..8).collect();
    let stored = crc32c(&checks(&in_order));
    for first in 1..=6 {
        for second in first + 1..=6 {
            let mut order = in_order.clone();
            order.swap(first, second);
            end_is_wrong(&good, &order, Corruption::Sequence { stored, computed: crc32c(&checks(&order)) });
        }
        for replaced in (1..=6).filter(|&replaced| replaced != first) {
            let mut order = in_order.clone();
            order[replaced] = first;
            let outcome = agreed(&reordered(&good, &order).0, &DecodeOptions::new());
            let reason = reason_at(&outcome, Part::End);
            assert!(matches!(reason, Corruption::Sequence { .. } | Corruption::RawLength { .. }), "{reason}");
        }
    }
}

#[test]
fn blocks_from_another_stream_are_found() {
    let good = equal_blocks(PLAIN);
    let other = Assembly::new(PLAIN)
        .data(&data::text(256), &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored)
        .finish();
    let mut stream = good.stream.clone();
    let target = &good.elements[1].coded;
    stream.splice(target.clone(), other.stream[other.elements[1].coded.clone()].iter().copied());
    let reason = reason_at(&agreed(&stream, &DecodeOptions::new()), Part::End);
    assert!(matches!(reason, Corruption::Sequence { .. }), "{reason}");
}

/// All blocks come out in the order in which they stand, then the end block is named.
fn end_is_wrong(good: &Assembled, order: &[usize], reason: Corruption) {
    let (stream, raw) = reordered(good, order);
    let end = good.elements.last().unwrap().coded.len();
    let offset = (stream.len() - end) as u64;
    let error = Some(Error::Corrupt { part: Part::End, offset, reason });
    assert_eq!(agreed(&stream, &DecodeOptions::new()), Outcome { raw, error }, "{order:?}");
}

fn reason_at(outcome: &Outcome, expected: Part) -> Corruption {
    match outcome.error {
        Some(Error::Corrupt { part, reason, .. }) if part == expected => reason,
        ref other => panic!("{other:?} is not about the {expected}"),
    }
}

#[test]
fn totals_that_lie() {
    let header = StreamHeader { content_check: true, ..PLAIN };
    let assembly = || {
        Assembly::new(header)
            .data(&data::text(500), &EncodeOptions::new().mode(Mode::Lanes), BlockMode::Lanes)
            .application_data(3, b"three")
    };
    let right = assembly().totals();
    let check = right.content_check.unwrap();
    let (raw_len, blocks, sequence) = (right.raw_len, right.blocks, right.sequence_check);
    let mut lies = Vec::new();
    for stored in [0, raw_len - 1, raw_len + 1, raw_len ^ 1 << 63, u64::MAX] {
        let reason = Corruption::RawLength { stored, actual: raw_len };
        lies.push((EndBlock { raw_len: stored, ..right }, reason));
    }
    for stored in [0, blocks - 1, blocks + 1, blocks ^ 1 << 32, u64::MAX] {
        lies.push((EndBlock { blocks: stored, ..right }, Corruption::Blocks { stored, actual: blocks }));
    }
    for stored in [0, sequence ^ 1, !sequence] {
        let reason = Corruption::Sequence { stored, computed: sequence };
        lies.push((EndBlock { sequence_check: stored, ..right }, reason));
    }
    for stored in [0, check ^ 1 << 63, !check] {
        let reason = Corruption::ContentCheck { stored, computed: check };
        lies.push((EndBlock { content_check: Some(stored), ..right }, reason));
    }
    for (end, reason) in lies {
        let Assembled { stream, raw, elements } = assembly().finish_with(end);
        let offset = elements[3].coded.start as u64;
        let error = Some(Error::Corrupt { part: Part::End, offset, reason });
        assert_eq!(agreed(&stream, &DecodeOptions::new()), Outcome { raw, error });
    }
}

#[test]
fn an_end_block_of_the_wrong_length() {
    for (content_check, wrong) in [(false, 28), (true, 20)] {
        let mut stream = Assembly::new(StreamHeader { content_check, ..PLAIN }).finish().stream;
        stream.truncate(StreamHeader::FIXED_LEN);
        stream.extend(data_block(0x40, 1, &vec![0; wrong]));
        let right = 48 - wrong as u64;
        let expected = Corruption::Length { found: wrong as u64, min: right, max: right };
        assert_eq!(reason_at(&agreed(&stream, &DecodeOptions::new()), Part::End), expected);
    }
}

#[test]
fn a_content_length_that_lies() {
    let raw = data::two_symbols(500);
    let assemble = |content_length| {
        Assembly::new(StreamHeader { content_length, ..PLAIN })
            .data(&raw[..300], &EncodeOptions::new().mode(Mode::Lanes), BlockMode::Lanes)
            .data(&raw[300..], &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored)
            .finish()
    };
    for (declared, block, given) in [(0, 0, 0), (299, 0, 0), (300, 1, 300), (499, 1, 300)] {
        let Assembled { stream, elements, .. } = assemble(Some(declared));
        let error = Some(Error::Corrupt {
            part: Part::Block(block),
            offset: elements[1 + block as usize].coded.start as u64,
            reason: Corruption::RawLength { stored: declared, actual: if block == 0 { 300 } else { 500 } },
        });
        assert_eq!(agreed(&stream, &DecodeOptions::new()), Outcome { raw: raw[..given].to_vec(), error });
    }
    for declared in [501, u64::MAX] {
        let Assembled { stream, .. } = assemble(Some(declared));
        let outcome = agreed(&stream, &DecodeOptions::new());
        assert_eq!(reason_at(&outcome, Part::End), Corruption::RawLength { stored: declared, actual: 500 });
        assert_eq!(outcome.raw, raw);
    }
    assert_eq!(agreed(&assemble(Some(500)).stream, &DecodeOptions::new()), Outcome { raw, error: None });
}

/// An indexed stream, cut before its index block.
fn before_index() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let assembly = Assembly::new(StreamHeader { index: true, ..PLAIN })
        .data(&data::text(700), &EncodeOptions::new().mode(Mode::Lanes), BlockMode::Lanes)
        .application_data(9, b"nine")
        .data(&data::uniform(99), &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored);
    let entries = assembly.entries().to_vec();
    let Assembled { mut stream, raw, elements } = assembly.finish();
    stream.truncate(elements[5].coded.start);
    (stream, raw, entries)
}

/// All raw bytes come out, then the index is named.
fn index_is_wrong(index: &[u8], what: &str) -> Corruption {
    let (mut stream, raw, _) = before_index();
    let offset = stream.len() as u64;
    stream.extend(index);
    let outcome = agreed(&stream, &DecodeOptions::new());
    assert_eq!(outcome.raw, raw, "{what}");
    let Some(Error::Corrupt { part: Part::Index, offset: found, reason }) = outcome.error else {
        panic!("{what}: {:?}", outcome.error)
    };
    assert_eq!(found, offset, "{what}");
    reason
}

#[test]
fn index_entries_that_lie() {
    let (stream, _, entries) = before_index();
    for bit in 0..entries.len() * 8 {
        let mut wrong = entries.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let index = assembly::index_block(&wrong, stream.len());
        assert_eq!(index_is_wrong(&index, &format!("bit {bit}")), Corruption::IndexMismatch);
    }
    let mut swapped = entries.clone();
    swapped.rotate_left(BlockHeader::LEN);
    let index = assembly::index_block(&swapped, stream.len());
    assert_eq!(index_is_wrong(&index, "moved entries"), Corruption::IndexMismatch);
}

#[test]
fn index_footers_that_lie() {
    let (stream, _, entries) = before_index();
    let right = (stream.len() + assembly::index_block(&entries, 0).len()) as u64;
    for stream_len in [0, 1, right - 1, right + 1, right ^ 1 << 40, u64::MAX] {
        let index = index_with_footer(&entries, stream_len, 3, *b"RNSI");
        assert_eq!(index_is_wrong(&index, "stream length"), Corruption::IndexMismatch);
    }
    for count in [0, 2, 4, u32::MAX] {
        let index = index_with_footer(&entries, right, count, *b"RNSI");
        assert_eq!(index_is_wrong(&index, "count"), Corruption::IndexMismatch);
    }
    for magic in [*b"RNSJ", *b"rnsi", [0; 4]] {
        let index = index_with_footer(&entries, right, 3, magic);
        assert_eq!(index_is_wrong(&index, "magic"), Corruption::IndexMismatch);
    }
    for count in [1, 3] {
        let index = index_with_footer(&[], right - 24, count, *b"RNSI");
        assert_eq!(index_is_wrong(&index, "count of an empty list"), Corruption::IndexMismatch);
    }
}

#[test]
fn an_index_of_the_wrong_length() {
    let (stream, _, entries) = before_index();
    for kept in [8, 16] {
        let index = assembly::index_block(&entries[..kept], stream.len());
        let reason = index_is_wrong(&index, "entries are missing");
        assert_eq!(reason, Corruption::Length { found: kept as u64 + 16, min: 16, max: 40 });
    }
    let more = [&entries[..], &entries[..8]].concat();
    let reason = index_is_wrong(&assembly::index_block(&more, stream.len()), "an entry too many");
    assert_eq!(reason, Corruption::Length { found: 48, min: 16, max: 40 });
    let reason = index_is_wrong(&skippable(0x8001, b""), "an empty payload");
    assert_eq!(reason, Corruption::Length { found: 0, min: 16, max: 40 });
}

#[test]
fn another_block_in_place_of_the_index() {
    let mut end = Vec::new();
    EndBlock { raw_len: 0, blocks: 0, sequence_check: 0, content_check: None }.write(&mut end);
    for (block, field, found) in [
        (skippable(0x8000, b"other"), "kind", 0x8000),
        (skippable(7, &[0; 16]), "kind", 7),
        (data_block(1, 1, b"x"), "tag", 1),
        (end, "tag", 0x40),
    ] {
        assert_eq!(index_is_wrong(&block, "another block"), Corruption::Field { field, found });
    }
}

#[test]
fn an_index_without_entries_is_right() {
    let (mut stream, raw, _) = before_index();
    stream.extend(assembly::index_block(&[], stream.len()));
    assert_eq!(agreed(&stream, &DecodeOptions::new()), Outcome { raw, error: None });
}

#[test]
fn an_index_before_the_end_block() {
    for index in [false, true] {
        let Assembled { stream, .. } =
            Assembly::new(StreamHeader { index, ..PLAIN }).block(&assembly::index_block(&[], 8), &[]).finish();
        let reason = reason_at(&agreed(&stream, &DecodeOptions::new()), Part::Block(0));
        assert_eq!(reason, Corruption::Field { field: "kind", found: 0x8001 });
    }
}
