//! What holds for every flavour: std, futures and tokio give the same bytes and the same errors,
//! whatever the inner stream does.

use std::{future::poll_fn, mem::MaybeUninit, pin::Pin};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{DecodeOptions, EncodeOptions, compress, decompress};
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::{
    async_flavours::{FUTURES, Flavour, Outcome, Pushes, STD, TOKIO},
    async_wire::{Ending, Schedule, Store, Wire},
    data,
};

const FLAVOURS: [&Flavour; 3] = [&STD, &FUTURES, &TOKIO];

/// One thread, and a pool whose workers wake the task.
const THREADS: [usize; 2] = [1, 0];

fn encode_options(threads: usize) -> EncodeOptions {
    // Above and below the length that the polling task works on itself.
    EncodeOptions::new().block_len(if threads == 1 { 4 << 10 } else { 20 << 10 }).threads(threads).in_flight(3)
}

fn decode_options(threads: usize) -> DecodeOptions {
    DecodeOptions::new().threads(threads).in_flight(3)
}

/// Polls of an inner stream that moves `bytes` in `turns`, a turn being a block or a call of the
/// owner's. What goes beyond is polled for nothing.
///
/// A turn takes two calls: a header and a body, or a write and a flush. One that pends is repeated
/// once. A trickle moves each byte with two polls, and chance moves half of what there is.
fn most_polls(schedule: &Schedule, bytes: usize, turns: usize) -> usize {
    match schedule {
        Schedule::Ready => 2 * turns,
        Schedule::PendsOnce { .. } => 4 * turns,
        Schedule::Trickle { .. } => 2 * bytes + 4 * turns,
        Schedule::Random { .. } => 20 * turns,
    }
}

#[test]
fn every_flavour_writes_the_same_stream() {
    let raw = data::text(90_000);
    for threads in THREADS {
        for pushes in [Pushes { write: 7919, flush_every: 3 }, Pushes { write: 90_000, flush_every: 9 }] {
            let (expected, fault) =
                (STD.write_encode)(Store::new(Schedule::Ready), &raw, pushes, encode_options(threads));
            assert_eq!(fault, None);
            assert_eq!(decompress(&expected.bytes, &DecodeOptions::new()).unwrap(), raw);
            for flavour in FLAVOURS {
                for schedule in Schedule::all() {
                    let case = format!("{}, {threads} threads, {pushes:?}, {schedule:?}", flavour.name);
                    let (store, fault) =
                        (flavour.write_encode)(Store::new(schedule.clone()), &raw, pushes, encode_options(threads));
                    assert_eq!(fault, None, "{case}");
                    assert!(store.bytes == expected.bytes, "{case}: another stream");
                    assert_eq!(store.flushed, store.bytes.len(), "{case}");
                    let turns = raw.len() / 4096 + raw.len() / pushes.write;
                    let most = most_polls(&schedule, store.bytes.len(), turns);
                    assert!(store.polls <= most, "{case}: {} polls, {most} are enough", store.polls);
                }
            }
        }
    }
}

#[test]
fn every_flavour_reads_into_the_same_stream() {
    let raw = data::text(90_000);
    for threads in THREADS {
        let wire = Wire::new(&raw, Schedule::Ready, Ending::Eof);
        let (_, expected) = (STD.read_encode)(wire, 5000, encode_options(threads));
        assert_eq!(decompress(&expected.bytes, &DecodeOptions::new()).unwrap(), raw);
        for flavour in FLAVOURS {
            for (schedule, len) in Schedule::all().into_iter().zip([100_000, 1, 5000, 77, 9000, 100]) {
                let case = format!("{}, {threads} threads, {schedule:?}", flavour.name);
                let wire = Wire::new(&raw, schedule.clone(), Ending::Eof);
                let (wire, outcome) = (flavour.read_encode)(wire, len, encode_options(threads));
                assert!(outcome == expected, "{case}: another stream, fault {:?}", outcome.fault);
                let most = most_polls(&schedule, raw.len(), raw.len() / 4096);
                assert!(wire.polls <= most, "{case}: {} polls, {most} are enough", wire.polls);
            }
        }
    }
}

#[test]
fn every_flavour_decodes_concatenated_streams() {
    let mut streams = data::every_mode_stream();
    for _ in 0..3 {
        let (store, _) = (STD.write_encode)(
            Store::new(Schedule::Ready),
            &data::gaussian(60_000),
            Pushes { write: 60_000, flush_every: 1 },
            EncodeOptions::new().block_len(25_000),
        );
        streams.stream.extend(store.bytes);
        streams.raw.extend(data::gaussian(60_000));
    }
    for threads in THREADS {
        for flavour in FLAVOURS {
            for (schedule, len) in Schedule::all().into_iter().zip([100_000, 1, 5000, 77, 9000, 100]) {
                let case = format!("{}, {threads} threads, {schedule:?}", flavour.name);
                let wire = Wire::new(&streams.stream, schedule.clone(), Ending::Eof);
                let (wire, outcome) = (flavour.read_decode)(wire, len, decode_options(threads));
                assert_eq!(outcome.fault, None, "{case}");
                assert!(outcome.bytes == streams.raw, "{case}: other bytes");
                let most = most_polls(&schedule, streams.stream.len(), streams.elements.len() + 3 * 5);
                assert!(wire.polls <= most, "{case}: {} polls, {most} are enough", wire.polls);

                let pushes = Pushes { write: len, flush_every: 5 };
                let (store, fault) =
                    (flavour.write_decode)(Store::new(schedule), &streams.stream, pushes, decode_options(threads));
                assert_eq!(fault, None, "{case}");
                assert!(store.bytes == streams.raw, "{case}: other bytes written");
            }
        }
    }
}

/// Both decoders of a flavour give what std's reader gives: the good bytes, then the error.
fn all_give(stream: &[u8], threads: usize, seed: u64, case: &str) -> Outcome {
    let wire = |schedule| Wire::new(stream, schedule, Ending::Eof);
    let (_, expected) = (STD.read_decode)(wire(Schedule::Ready), 1000, decode_options(threads));
    let pushes = Pushes { write: 700, flush_every: 2 };
    for flavour in FLAVOURS {
        let (_, outcome) = (flavour.read_decode)(wire(Schedule::random(seed)), 1000, decode_options(threads));
        assert_eq!(outcome, expected, "{} reads, {case}", flavour.name);
        let (store, fault) =
            (flavour.write_decode)(Store::new(Schedule::random(seed)), stream, pushes, decode_options(threads));
        assert_eq!(Outcome { bytes: store.bytes, fault }, expected, "{} writes, {case}", flavour.name);
    }
    expected
}

#[test]
fn a_cut_gives_the_same_error_in_every_flavour() {
    let streams = data::every_mode_stream();
    let first_end = streams.elements.iter().rev().find(|element| element.part == ranstream::error::Part::Index);
    let first_end = first_end.expect("the first stream has an index").coded.end;
    for cut in 0..streams.stream.len() {
        let outcome = all_give(&streams.stream[..cut], THREADS[cut % 2], cut as u64, &format!("cut at {cut}"));
        assert_eq!(outcome.fault.is_none(), cut == first_end, "cut at {cut}: {:?}", outcome.fault);
        assert!(streams.raw.starts_with(&outcome.bytes));
    }
}

#[test]
fn a_flipped_bit_gives_the_same_error_in_every_flavour() {
    let streams = data::every_mode_stream();
    let mut random = StdRng::seed_from_u64(9);
    for at in 0..streams.stream.len() {
        let mut stream = streams.stream.clone();
        stream[at] ^= 1 << random.random_range(0..8);
        let outcome = all_give(&stream, THREADS[at % 2], at as u64, &format!("a flip in byte {at}"));
        assert!(outcome.fault.is_some(), "a flip in byte {at} was not seen");
        assert!(streams.raw.starts_with(&outcome.bytes));
    }
}

#[test]
fn a_reset_comes_after_the_good_bytes_and_as_itself() {
    let raw = data::text(50_000);
    let (store, _) = (STD.write_encode)(
        Store::new(Schedule::Ready),
        &raw,
        Pushes { write: 1000, flush_every: 1 },
        EncodeOptions::new(),
    );
    for threads in THREADS {
        for flavour in FLAVOURS {
            for schedule in Schedule::all() {
                let wire = Wire::new(&store.bytes[..store.bytes.len() / 2], schedule.clone(), Ending::Reset);
                let (_, outcome) = (flavour.read_decode)(wire, 300, decode_options(threads));
                assert_eq!(outcome.fault, Some((std::io::ErrorKind::ConnectionReset, None)), "{}", flavour.name);
                assert!(outcome.bytes.len() > 20_000 && raw.starts_with(&outcome.bytes), "{}", flavour.name);

                let reset = Store { resets_at: 9000, ..Store::new(schedule) };
                let pushes = Pushes { write: 1000, flush_every: 1 };
                let (store, fault) = (flavour.write_encode)(reset, &raw, pushes, encode_options(threads));
                assert_eq!(fault, Some((std::io::ErrorKind::ConnectionReset, None)), "{}", flavour.name);
                assert_eq!(store.bytes.len(), 9000);
            }
        }
    }
}

#[test]
fn options_out_of_range_are_the_same_error_in_every_flavour() {
    for flavour in FLAVOURS {
        let options = EncodeOptions::new().block_len(0);
        let (_, fault) = (flavour.write_encode)(
            Store::new(Schedule::Ready),
            b"abc",
            Pushes { write: 3, flush_every: 1 },
            options.clone(),
        );
        let (_, outcome) = (flavour.read_encode)(Wire::new(b"abc", Schedule::Ready, Ending::Eof), 10, options);
        assert!(fault.is_some() && outcome.fault == fault, "{}: {fault:?}", flavour.name);
    }
}

/// A block goes straight to a buffer of tokio's that has room for it, wherever that is filled or
/// initialised to. What was good before a bad block comes out.
#[test]
fn tokio_reads_behind_what_is_filled_and_no_further() {
    const BLOCK: usize = 20_000;
    let raw = data::text(5 * BLOCK + 9);
    let options = EncodeOptions::new().level(0).block_len(BLOCK);
    let (good, mut bad) = (compress(&raw, &options).unwrap(), compress(&raw, &options).unwrap());
    let fourth = compress(&raw[..3 * BLOCK], &options).unwrap().len();
    bad[fourth] ^= 1;
    for (stream, expected) in [(good, &raw[..]), (bad, &raw[..3 * BLOCK])] {
        for (len, filled, initialised) in [
            (1, 0, 0),
            (300, 7, 100),
            (BLOCK, 0, 0),
            (BLOCK + 1, 1, 5),
            (BLOCK + 1, 2, BLOCK + 1),
            (3 * BLOCK, 100, 2 * BLOCK),
            (10 * BLOCK, 0, 3 * BLOCK),
            (10 * BLOCK, 9, 10 * BLOCK),
        ] {
            let mut memory = vec![MaybeUninit::uninit(); len];
            let mut reader = ranstream::tokio::RansReader::new(&stream[..]);
            let mut all = Vec::new();
            let result = loop {
                let mut buf = ReadBuf::uninit(&mut memory);
                buf.initialize_unfilled_to(initialised).fill(0xEE);
                buf.put_slice(&vec![b'x'; filled]);
                let read = poll_fn(|cx| Pin::new(&mut reader).poll_read(cx, &mut buf));
                if let Err(error) = tokio_test::block_on(read) {
                    assert_eq!(buf.filled().len(), filled, "an error comes alone");
                    break Err(error);
                }
                let (before, read) = buf.filled().split_at(filled);
                assert!(before.iter().all(|&byte| byte == b'x'), "what was there stays");
                if read.is_empty() {
                    break Ok(());
                }
                all.extend_from_slice(read);
            };
            assert!(all == expected, "{len}, {filled}, {initialised}: {} bytes", all.len());
            assert_eq!(result.is_ok(), expected.len() == raw.len());
        }
    }
}
