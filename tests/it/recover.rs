//! Every undamaged block of a damaged input comes back, what was lost is exactly the rest, and no
//! block is wrong.

use std::{
    io::{self, ErrorKind, Read},
    ops::Range,
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    EncodeOptions, Limits, Mode, compress,
    error::Part,
    format::{BlockHeader, BlockMode, StreamHeader},
    recover::{Found, Recovery},
};

use crate::{
    assembly::{Assembled, Assembly, crc8, skippable},
    data::{self, every_mode_stream},
    faulty::{Fault, Faulty, Short, When},
};

const HEADER: StreamHeader =
    StreamHeader { max_block_log2: 18, content_length: None, content_check: false, index: true };

fn recovered(input: impl Read) -> Vec<Found> {
    Recovery::new(input).collect::<io::Result<_>>().unwrap()
}

fn lost(place: Range<usize>) -> Found {
    Found::Lost { place: place.start as u64..place.end as u64 }
}

/// A piece of an input: an element of a stream as it was, or bytes that are none.
enum Piece<'a> {
    Whole(&'a Assembled, usize),
    Garbage(Vec<u8>),
}

/// Puts pieces together, and says what must be found in them.
fn assemble(pieces: &[Piece<'_>]) -> (Vec<u8>, Vec<Found>) {
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    let mut lost_from = None;
    for piece in pieces {
        let start = input.len();
        match piece {
            Piece::Whole(good, element) => {
                let element = &good.elements[*element];
                input.extend(&good.stream[element.coded.clone()]);
                expected.extend(lost_from.take().map(|from| lost(from..start)));
                if !element.raw.is_empty() {
                    let raw = good.raw[element.raw.clone()].to_vec();
                    expected.push(Found::Block { raw, place: start as u64..input.len() as u64 });
                }
            }
            Piece::Garbage(bytes) if bytes.is_empty() => {}
            Piece::Garbage(bytes) => {
                input.extend(bytes);
                lost_from.get_or_insert(start);
            }
        }
    }
    expected.extend(lost_from.map(|from| lost(from..input.len())));
    (input, expected)
}

/// What must be found when these bytes of a good stream are no longer what they were.
fn after_damage(good: &Assembled, damaged: &Range<usize>) -> Vec<Found> {
    let pieces: Vec<_> = (0..good.elements.len())
        .map(|index| {
            let coded = good.elements[index].coded.clone();
            let hit = coded.start < damaged.end && damaged.start < coded.end;
            if hit { Piece::Garbage(good.stream[coded].to_vec()) } else { Piece::Whole(good, index) }
        })
        .collect();
    assemble(&pieces).1
}

#[test]
fn an_undamaged_stream() {
    let good = every_mode_stream();
    let expected = after_damage(&good, &(0..0));
    assert_eq!(expected.len(), 12);
    assert_eq!(recovered(&good.stream[..]), expected);
    assert_eq!(recovered(Short::new(&good.stream[..], 3, 1)), expected);
}

#[test]
fn flipped_bits() {
    bits_flipped(13);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn every_flipped_bit() {
    bits_flipped(1);
}

fn bits_flipped(step: usize) {
    let good = every_mode_stream();
    for bit in (0..good.stream.len() * 8).step_by(step) {
        let mut input = good.stream.clone();
        input[bit / 8] ^= 1 << (bit % 8);
        let byte = bit / 8;
        assert_eq!(recovered(&input[..]), after_damage(&good, &(byte..byte + 1)), "bit {bit}");
    }
}

#[test]
fn cut_tails_and_heads() {
    let good = every_mode_stream();
    for cut in (0..=good.stream.len()).step_by(17) {
        // What is cut off is not there to be lost.
        let mut expected = after_damage(&good, &(cut..good.stream.len()));
        let from = good.elements.iter().find(|element| element.coded.end > cut).map(|element| element.coded.start);
        if let Some(Found::Lost { .. }) = expected.last() {
            expected.pop();
        }
        expected.extend(from.filter(|&from| from < cut).map(|from| lost(from..cut)));
        assert_eq!(recovered(&good.stream[..cut]), expected, "the tail from {cut} on");

        let found = recovered(&good.stream[cut..]);
        let whole = good.elements.iter().filter(|element| element.coded.start >= cut && !element.raw.is_empty());
        let raw: Vec<_> = whole.map(|element| good.raw[element.raw.clone()].to_vec()).collect();
        let blocks = found.into_iter().filter_map(|found| match found {
            Found::Block { raw, .. } => Some(raw),
            Found::Lost { .. } => None,
        });
        assert_eq!(blocks.collect::<Vec<_>>(), raw, "the head up to {cut}");
    }
}

#[test]
fn overwritten_ranges() {
    let good = every_mode_stream();
    let mut random = StdRng::seed_from_u64(13);
    for _ in 0..200 {
        let start = random.random_range(0..good.stream.len());
        let range = start..good.stream.len().min(start + random.random_range(1..700));
        let mut input = good.stream.clone();
        if random.random() {
            input[range.clone()].fill(0);
        } else {
            random.fill_bytes(&mut input[range.clone()]);
        }
        // Bytes at the ends may be what they were, by chance.
        let differs = |at: &usize| input[*at] != good.stream[*at];
        let (Some(first), Some(last)) = (range.clone().find(differs), range.rev().find(differs)) else { continue };
        assert_eq!(recovered(&input[..]), after_damage(&good, &(first..last + 1)));
    }
}

#[test]
fn pieces_and_garbage_in_any_order() {
    let (first, second) = (every_mode_stream(), large_blocks(3000, 5));
    let mut random = StdRng::seed_from_u64(14);
    for _ in 0..200 {
        let pieces: Vec<_> = (0..random.random_range(0..12))
            .map(|_| match random.random_range(0..3) {
                0 => {
                    let mut garbage = vec![0; random.random_range(0..500)];
                    random.fill_bytes(&mut garbage);
                    Piece::Garbage(garbage)
                }
                1 => Piece::Whole(&first, random.random_range(0..first.elements.len())),
                _ => Piece::Whole(&second, random.random_range(0..second.elements.len())),
            })
            .collect();
        let (input, expected) = assemble(&pieces);
        assert_eq!(recovered(&input[..]), expected);
    }
}

fn large_blocks(block_len: usize, blocks: usize) -> Assembled {
    let raw = data::gaussian(block_len * blocks);
    let mut assembly = Assembly::new(HEADER);
    for (number, part) in raw.chunks(block_len).enumerate() {
        let (mode, block_mode) =
            if number % 2 == 0 { (Mode::Stored, BlockMode::Stored) } else { (Mode::Lanes, BlockMode::Lanes) };
        assembly = assembly.data(part, &EncodeOptions::new().mode(mode), block_mode);
    }
    assembly.finish()
}

/// Blocks above and below the size of a read, damaged in many places, with little of the inner
/// reader at a time.
#[test]
fn an_input_larger_than_the_window() {
    let good = large_blocks(200_000, 10);
    let mut random = StdRng::seed_from_u64(15);
    for most in [3000, 1 << 20] {
        let mut input = good.stream.clone();
        let mut pieces = Vec::new();
        for (index, element) in good.elements.iter().enumerate() {
            if random.random_ratio(1, 3) {
                input[random.random_range(element.coded.clone())] ^= 0x10;
                pieces.push(Piece::Garbage(good.stream[element.coded.clone()].to_vec()));
            } else {
                pieces.push(Piece::Whole(&good, index));
            }
        }
        assert_eq!(recovered(Short::new(&input[..], most, 2)), assemble(&pieces).1);
    }
}

#[test]
fn nothing_and_nothing_good() {
    assert_eq!(recovered(&b""[..]), []);
    assert_eq!(recovered(&b"x"[..]), [lost(0..1)]);
    let garbage = data::uniform(300_000);
    assert_eq!(recovered(&garbage[..]), [lost(0..garbage.len())]);
    assert_eq!(recovered(io::repeat(0).take(1 << 20)), [lost(0..1 << 20)]);
}

/// A stored block may hold a stream. As long as it is whole, it is one block.
#[test]
fn a_stream_within_a_stream() {
    let inner = compress(&data::text(1000), &EncodeOptions::new().block_len(300)).unwrap();
    let outer = Assembly::new(HEADER)
        .data(&inner, &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored)
        .application_data(1, &inner)
        .finish();
    let place = outer.elements[1].coded.start as u64..outer.elements[1].coded.end as u64;
    assert_eq!(recovered(&outer.stream[..]), [Found::Block { raw: inner.clone(), place }]);

    let mut damaged = outer.stream.clone();
    damaged[outer.elements[1].coded.start] ^= 1;
    let blocks = recovered(&damaged[..]).iter().filter(|part| matches!(part, Found::Block { .. })).count();
    assert_eq!(blocks, 4, "nobody can tell that they were not the outer stream's own");
}

#[test]
fn blocks_above_the_limits_are_taken_for_damage() {
    let good = large_blocks(3000, 3);
    let limits = Limits::new().max_block_len(2999);
    let found: Vec<_> = Recovery::with_limits(&good.stream[..], limits).collect::<io::Result<_>>().unwrap();
    assert_eq!(found, [lost(good.elements[1].coded.start..good.elements[3].coded.end)]);
    let limits = Limits::new().max_block_len(3000);
    let found: Vec<_> = Recovery::with_limits(&good.stream[..], limits).collect::<io::Result<_>>().unwrap();
    assert_eq!(found, after_damage(&good, &(0..0)));
}

/// Headers with right checks that claim 16 MiB, again and again: the window stays within the limit.
#[test]
fn headers_that_claim_much() {
    let lie = BlockHeader::Data { mode: BlockMode::Lanes, raw_len: 1 << 24, payload_len: 1 << 24 }.to_bytes();
    let mut skipped = [0x41, 1, 0, 0, 0, 0, 1, 0];
    skipped[7] = crc8(&skipped[..7]);
    let good = large_blocks(5000, 2);
    let mut input = Vec::new();
    for _ in 0..100 {
        input.extend(lie);
        input.extend(skipped);
        input.extend([0; 50]);
    }
    let (start, block) = (input.len(), &good.elements[1]);
    input.extend(&good.stream[block.coded.clone()]);
    let end = input.len();
    input.extend(lie.repeat(10));
    let limits = Limits::new().max_memory(1 << 20);
    let found: Vec<_> = Recovery::with_limits(&input[..], limits).collect::<io::Result<_>>().unwrap();
    let raw = good.raw[block.raw.clone()].to_vec();
    let block = Found::Block { raw, place: start as u64..end as u64 };
    assert_eq!(found, [lost(0..start), block, lost(end..input.len())]);
    assert_eq!(recovered(&input[..]), found, "with the default limits");
}

/// Application data is passed over when it is whole, and is a loss when not.
#[test]
fn application_data() {
    let data = skippable(5, &data::text(700));
    assert_eq!(recovered(&data[..]), []);
    assert_eq!(recovered(&data[..699]), [lost(0..699)]);
    let mut bad = data.clone();
    bad[100] ^= 1;
    assert_eq!(recovered(&bad[..]), [lost(0..bad.len())]);
}

#[test]
fn a_cut_between_two_blocks_is_an_unfinished_stream() {
    let good = every_mode_stream();
    for element in &good.elements {
        let mut recovery = Recovery::new(&good.stream[..element.coded.end]);
        assert!(recovery.by_ref().all(|found| matches!(found, Ok(Found::Block { .. }))), "nothing is lost");
        // The index behind an end block may be missing: all raw bytes are there.
        let whole = matches!(element.part, Part::End | Part::Index);
        assert_eq!(recovery.is_unfinished(), !whole, "{:?}", element.part);
    }
}

#[test]
fn memory_that_is_not_there_is_no_endless_error() {
    let good = every_mode_stream();
    let found: Vec<_> = Recovery::with_limits(&good.stream[..], Limits::new().max_memory(100)).take(9).collect();
    assert!(matches!(&found[..], [Err(_)]), "{found:?}");
}

#[test]
fn a_faulty_inner_reader() {
    let good = every_mode_stream();
    let mut input = good.stream.clone();
    let damaged = good.elements.iter().find(|element| element.part == Part::Block(3)).unwrap().coded.start + 20;
    input[damaged] ^= 1;
    let expected = after_damage(&good, &(damaged..damaged + 1));
    for fault in [
        Fault::Error(ErrorKind::Interrupted),
        Fault::Error(ErrorKind::WouldBlock),
        Fault::Error(ErrorKind::BrokenPipe),
        Fault::OneByte,
        Fault::TooMany,
    ] {
        for op in 1.. {
            let mut inner = Faulty::new(Short::new(&input[..], 90, 3), fault, When::once(op));
            let (mut found, mut errors) = (Vec::new(), Vec::new());
            for part in Recovery::new(&mut inner) {
                match part {
                    Ok(part) => found.push(part),
                    Err(error) => errors.push(error.kind()),
                }
            }
            assert_eq!(found, expected, "{fault:?} at {op}");
            let passed_on = inner.faults > 0 && !matches!(fault, Fault::OneByte | Fault::Error(ErrorKind::Interrupted));
            assert_eq!(errors.len(), usize::from(passed_on));
            if inner.faults == 0 {
                break;
            }
        }
    }
}
