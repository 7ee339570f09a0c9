//! Every inner operation fails once, in every way, for once and for good: what comes out is what
//! comes out without the fault, or the fault itself.
//!
//! The loops are those of `SQLite`'s tests: operation 1 fails, then 2, and so on, until a run comes
//! to its end before the fault.

use std::{
    fmt::Debug,
    io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write},
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    DecodeOptions, EncodeOptions, RansReader, RansWriter, compress, decompress, read::RansEncoder, write::RansDecoder,
};

use crate::{
    data::{self, every_mode_stream},
    faulty::{Fault, Faulty, Short, When},
    outcomes,
};

/// Passes out of an adapter unchanged.
const OUTWARD: [ErrorKind; 2] = [ErrorKind::WouldBlock, ErrorKind::BrokenPipe];

/// How often an interrupted call is repeated here.
const INTERRUPTIONS: u64 = 20;

/// What a call of an adapter came to, if it was not what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Error(ErrorKind),
    Panic,
}

/// The faults, when each of them occurs if it first does so at `op`, and what a caller of the
/// adapter sees.
fn faults(op: u64, zero: Option<Seen>) -> Vec<(Fault, When, Option<Seen>)> {
    let mut faults = vec![
        (Fault::Error(ErrorKind::Interrupted), When::During(op..op + INTERRUPTIONS), None),
        (Fault::OneByte, When::once(op), None),
        (Fault::OneByte, When::from(op), None),
    ];
    for when in [When::once(op), When::from(op)] {
        faults.extend(OUTWARD.map(|kind| (Fault::Error(kind), when.clone(), Some(Seen::Error(kind)))));
        faults.push((Fault::TooMany, when.clone(), Some(Seen::Error(ErrorKind::Other))));
        faults.push((Fault::Panic, when.clone(), Some(Seen::Panic)));
        faults.extend(zero.map(|seen| (Fault::Zero, when, Some(seen))));
    }
    faults
}

/// An adapter, and how to reach what is around and in it.
struct Patient<A, T> {
    adapter: A,
    inner: fn(&mut A) -> &mut Faulty<T>,
    expected: Option<Seen>,
    faults_seen: usize,
}

impl<A, T> Patient<A, T> {
    fn new(adapter: A, inner: fn(&mut A) -> &mut Faulty<T>, expected: Option<Seen>) -> Self {
        Self { adapter, inner, expected, faults_seen: 0 }
    }

    fn inner(&mut self) -> &mut Faulty<T> {
        (self.inner)(&mut self.adapter)
    }

    /// Repeats a call until it works. What fails for good fails three times, then it is healed.
    fn call<O: Debug>(&mut self, mut call: impl FnMut(&mut A) -> io::Result<O>) -> O {
        loop {
            let seen = match catch_unwind(AssertUnwindSafe(|| call(&mut self.adapter))) {
                Ok(Ok(done)) => return done,
                Ok(Err(error)) => Seen::Error(error.kind()),
                Err(_) => Seen::Panic,
            };
            assert_eq!(Some(seen), self.expected);
            self.faults_seen += 1;
            if self.faults_seen == 3 {
                self.inner().heal();
            }
        }
    }

    /// Whether the fault occurred, after it was checked that the caller saw it.
    fn was_hit(&mut self) -> bool {
        let faults = self.inner().faults;
        assert_eq!(self.faults_seen > 0, faults > 0 && self.expected.is_some());
        faults > 0
    }
}

/// A reader over bytes in memory.
type Seekable<'a> = RansReader<Cursor<&'a [u8]>>;

/// A way to read.
type ReadPart<R> = fn(&mut R) -> io::Result<Vec<u8>>;

fn read_few<R: Read>(reader: &mut R) -> io::Result<Vec<u8>> {
    let mut part = vec![0; 11];
    let read = reader.read(&mut part)?;
    part.truncate(read);
    Ok(part)
}

fn read_many<R: Read>(reader: &mut R) -> io::Result<Vec<u8>> {
    let mut part = vec![0; 4000];
    let read = reader.read(&mut part)?;
    part.truncate(read);
    Ok(part)
}

fn fill_buf<R: io::BufRead>(reader: &mut R) -> io::Result<Vec<u8>> {
    let ready = reader.fill_buf()?;
    let part = ready[..ready.len().div_ceil(2)].to_vec();
    reader.consume(part.len());
    Ok(part)
}

fn read_to_end<A, T>(patient: &mut Patient<A, T>, read: ReadPart<A>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let part = patient.call(read);
        if part.is_empty() {
            assert_eq!(patient.call(read), b"", "the end is the end");
            return all;
        }
        all.extend(part);
    }
}

#[test]
fn a_reader_over_a_faulty_reader() {
    let good = every_mode_stream();
    let mut points = 0;
    for threads in [1, 2] {
        let options = DecodeOptions::new().threads(threads);
        for read in [read_few, read_many, fill_buf] {
            points += until_nothing_is_hit(None, |fault, when, expected| {
                let inner = Faulty::new(Short::new(&good.stream[..], 100, 5), fault, when);
                let reader = RansReader::with_options(inner, options.clone());
                let mut patient = Patient::new(reader, RansReader::get_mut, expected);
                assert!(read_to_end(&mut patient, read) == good.raw, "{fault:?}");
                patient.was_hit()
            });
        }
    }
    println!("{points} fault points");
}

#[test]
fn a_reader_whose_inner_reader_ends_early() {
    let good = every_mode_stream();
    for threads in [1, 2] {
        let options = DecodeOptions::new().threads(threads);
        for op in 1.. {
            let inner = Faulty::new(&good.stream[..], Fault::Zero, When::once(op));
            let mut reader = RansReader::with_options(inner, options.clone());
            let mut raw = Vec::new();
            let result = reader.read_to_end(&mut raw);
            let inner = reader.get_ref();
            if inner.faults == 0 {
                break;
            }
            // The end is the end, even if there would be more: it is not asked for again.
            let expected = outcomes::read(&good.stream[..good.stream.len() - inner.inner.len()], &options);
            assert_eq!((raw, result.err().map(outcomes::from_io)), (expected.raw, expected.error));
        }
    }
}

#[test]
fn an_encoder_over_a_faulty_reader() {
    let raw = data::text(1500);
    let mut points = 0;
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(300).index(true).content_check(true).threads(threads);
        let stream = compress(&raw, &options).unwrap();
        for read in [read_few, read_many, fill_buf] {
            points += until_nothing_is_hit(None, |fault, when, expected| {
                let inner = Faulty::new(Short::new(&raw[..], 100, 6), fault, when);
                let encoder = RansEncoder::with_options(inner, options.clone());
                let mut patient = Patient::new(encoder, RansEncoder::get_mut, expected);
                let got = read_to_end(&mut patient, read);
                match patient.expected {
                    // What was read before an error goes out before it, in a block of its own.
                    Some(Seen::Error(_)) => {
                        assert!(decompress(&got, &DecodeOptions::new()).unwrap() == raw, "{fault:?}");
                    }
                    _ => assert!(got == stream, "{fault:?}"),
                }
                patient.was_hit()
            });
        }
        for op in 1..30 {
            let mut encoder =
                RansEncoder::with_options(Faulty::new(&raw[..], Fault::Zero, When::once(op)), options.clone());
            let mut stream = Vec::new();
            encoder.read_to_end(&mut stream).unwrap();
            let taken = raw.len() - encoder.get_ref().inner.len();
            assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw[..taken]);
        }
    }
    println!("{points} fault points");
}

/// Runs with each fault at operation 1, 2 and so on, until the operation is never reached. How many
/// faults there were comes back.
fn until_nothing_is_hit(zero: Option<Seen>, run: impl Fn(Fault, When, Option<Seen>) -> bool) -> usize {
    let mut points = 0;
    for op in 1.. {
        let mut hits = 0;
        for (fault, when, expected) in faults(op, zero) {
            hits += usize::from(run(fault, when, expected));
        }
        if hits == 0 {
            break;
        }
        points += hits;
    }
    assert!(points > 100, "only {points} fault points");
    points
}

const NOTHING_TAKEN: Option<Seen> = Some(Seen::Error(ErrorKind::WriteZero));

/// Writes all of `raw` with flushes, cut blocks and application data between, and finishes.
fn write_stream<T: Write>(patient: &mut Patient<RansWriter<Faulty<T>>, T>, raw: &[u8]) {
    for (number, mut part) in raw.chunks(190).enumerate() {
        while !part.is_empty() {
            let taken = patient.call(|writer| writer.write(part));
            part = &part[taken..];
        }
        match number % 4 {
            1 => patient.call(Write::flush),
            2 => patient.call(RansWriter::cut_block),
            3 => patient.call(|writer| writer.write_application_data(7, raw)),
            _ => {}
        }
    }
    patient.call(RansWriter::try_finish);
    patient.call(RansWriter::try_finish);
}

#[test]
fn a_writer_over_a_faulty_writer() {
    let raw = data::text(1500);
    let mut points = 0;
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(300).index(true).content_check(true).threads(threads);
        let written = |fault, when, expected| {
            let inner = Faulty::new(Short::new(Vec::new(), 500, 7), fault, when);
            let writer = RansWriter::with_options(inner, options.clone());
            let mut patient = Patient::new(writer, RansWriter::get_mut, expected);
            write_stream(&mut patient, &raw);
            (patient.was_hit(), patient.adapter.into_inner().inner.into_inner())
        };
        let (_, clean) = written(Fault::Zero, When::never(), None);
        assert_eq!(decompress(&clean, &DecodeOptions::new()).unwrap(), raw);
        points += until_nothing_is_hit(NOTHING_TAKEN, |fault, when, expected| {
            let (hit, stream) = written(fault, when, expected);
            assert!(stream == clean, "{fault:?}");
            hit
        });
    }
    println!("{points} fault points");
}

#[test]
fn a_push_decoder_over_a_faulty_writer() {
    let good = every_mode_stream();
    let mut points = 0;
    for threads in [1, 2] {
        let options = DecodeOptions::new().threads(threads);
        points += until_nothing_is_hit(NOTHING_TAKEN, |fault, when, expected| {
            let inner = Faulty::new(Short::new(Vec::new(), 100, 8), fault, when);
            let decoder = RansDecoder::with_options(inner, options.clone());
            let mut patient = Patient::new(decoder, RansDecoder::get_mut, expected);
            for (number, mut part) in good.stream.chunks(150).enumerate() {
                while !part.is_empty() {
                    let taken = patient.call(|decoder| decoder.write(part));
                    part = &part[taken..];
                }
                if number % 4 == 3 {
                    patient.call(Write::flush);
                }
            }
            patient.call(RansDecoder::try_finish);
            patient.call(RansDecoder::try_finish);
            let hit = patient.was_hit();
            assert!(patient.adapter.into_inner().inner.into_inner() == good.raw, "{fault:?}");
            hit
        });
    }
    println!("{points} fault points");
}

/// What was written before a writer failed for good is the start of what it would have written, and
/// dropping the adapter adds nothing.
#[test]
fn adapters_are_dropped_quietly_after_each_fault() {
    let raw = data::text(1500);
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(300).threads(threads);
        let clean = compress(&raw, &options).unwrap();
        for fault in [Fault::Error(ErrorKind::BrokenPipe), Fault::Zero, Fault::TooMany, Fault::Panic] {
            for op in 1.. {
                let mut inner = Faulty::new(Vec::new(), fault, When::from(op));
                let mut writer = RansWriter::with_options(&mut inner, options.clone());
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    writer.write_all(&raw)?;
                    writer.try_finish()
                }));
                drop(writer.auto_finish());
                assert!(clean.starts_with(&inner.inner), "{fault:?} at {op}");
                if inner.faults == 0 {
                    break;
                }
            }
            for op in 1.. {
                let mut inner = Faulty::new(Short::new(&clean[..], 50, 3), fault, When::from(op));
                let mut reader = RansReader::new(&mut inner);
                let mut back = Vec::new();
                let _ = catch_unwind(AssertUnwindSafe(|| reader.read_to_end(&mut back)));
                drop(reader);
                assert!(raw.starts_with(&back), "{fault:?} at {op}");
                if inner.faults == 0 {
                    break;
                }
            }
        }
    }
}

#[test]
fn every_second_to_seventh_operation_fails() {
    let raw = data::text(1500);
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(300).threads(threads);
        let decode = DecodeOptions::new().threads(threads);
        let stream = compress(&raw, &options).unwrap();
        for nth in 2..=7 {
            for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
                let when = || When::Every(nth);
                let mut reader = RansReader::with_options(
                    Faulty::new(Short::new(&stream[..], 40, nth), Fault::Error(kind), when()),
                    decode.clone(),
                );
                assert!(persist(|| read_few(&mut reader)) == raw);
                let mut encoder = RansEncoder::with_options(
                    Faulty::new(Short::new(&raw[..], 40, nth), Fault::Error(kind), when()),
                    options.clone(),
                );
                let coded = persist(|| fill_buf(&mut encoder));
                assert!(decompress(&coded, &decode).unwrap() == raw);
                // An error cuts the block, an interruption does not.
                assert!(kind == ErrorKind::WouldBlock || coded == stream);

                let inner = Faulty::new(Short::new(Vec::new(), 40, nth), Fault::Error(kind), when());
                let mut writer = RansWriter::with_options(inner, options.clone());
                write_persistently(&mut writer, &raw, RansWriter::try_finish);
                assert!(writer.into_inner().inner.into_inner() == stream);

                let inner = Faulty::new(Short::new(Vec::new(), 40, nth), Fault::Error(kind), when());
                let mut decoder = RansDecoder::with_options(inner, decode.clone());
                write_persistently(&mut decoder, &stream, RansDecoder::try_finish);
                assert!(decoder.into_inner().inner.into_inner() == raw);
            }
        }
    }
}

/// Reads on whenever the inner reader would block.
fn persist(mut read: impl FnMut() -> io::Result<Vec<u8>>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match read() {
            Ok(part) if part.is_empty() => return all,
            Ok(part) => all.extend(part),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

fn write_persistently<W: Write>(writer: &mut W, mut bytes: &[u8], finish: fn(&mut W) -> io::Result<()>) {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    while let Err(error) = finish(writer) {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

/// Calls that fail are not repeated but followed by others. What was taken is there once, in its
/// order.
#[test]
fn random_calls_over_a_writer_that_often_blocks() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let options =
            EncodeOptions::new().block_len(200).index(true).content_check(true).threads(1 + seed as usize % 2);
        let when = When::Every(random.random_range(2..=4));
        let inner = Faulty::new(Short::new(Vec::new(), 60, seed), Fault::Error(ErrorKind::WouldBlock), when);
        let mut writer = RansWriter::with_options(inner, options);
        let (mut raw, mut kept) = (Vec::new(), Vec::new());
        for _ in 0..random.random_range(1..60) {
            let part = data::text(random.random_range(0..500));
            let result = match random.random_range(0..7) {
                0 => writer.flush(),
                1 => writer.cut_block(),
                2 => writer.write_application_data(3, &part).inspect(|()| kept.push((raw.len() as u64, part))),
                _ => writer.write(&part).map(|taken| raw.extend(&part[..taken])),
            };
            assert!(result.is_ok() || result.unwrap_err().kind() == ErrorKind::WouldBlock);
        }
        while writer.try_finish().is_err() {}

        let stream = writer.into_inner().inner.into_inner();
        let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().application_data(1 << 20));
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!(back, raw, "seed {seed}");
        let found = iter::from_fn(|| reader.next_application_data()).map(|data| (data.raw_offset, data.data));
        assert_eq!(found.collect::<Vec<_>>(), kept, "seed {seed}");
    }
}

/// Blocks that were coded before the panic are there once, and nothing is there twice.
#[test]
fn a_progress_callback_that_panics() {
    let raw = data::text(1000);
    for threads in [1, 2] {
        for chunk in [30, 100, 1000] {
            let options = EncodeOptions::new().block_len(100).threads(threads).on_progress(|progress| {
                if progress.blocks() == 3 {
                    std::panic::resume_unwind(Box::new("the callback panics"));
                }
            });
            let mut writer = RansWriter::with_options(Vec::new(), options);
            let written = catch_unwind(AssertUnwindSafe(|| {
                raw.chunks(chunk).try_for_each(|part| writer.write_all(part)).and_then(|()| writer.flush())
            }));
            assert!(written.is_err());
            writer.try_finish().unwrap();
            let back = decompress(writer.get_ref(), &DecodeOptions::new()).unwrap();
            assert!(back.len() >= 300 && raw.starts_with(&back), "{} bytes with {threads} threads", back.len());
        }
    }
}

/// Several blocks may be ready before the user hears of the first one. Wherever the callback
/// panics, the reader knows its place, and finds others from there.
#[test]
fn a_reader_whose_progress_callback_panics_knows_its_place() {
    let raw = data::text(2000);
    let stream = compress(&raw, &EncodeOptions::new().block_len(100)).unwrap();
    // A call that panics keeps what is ready, and loses what is in the caller's slice already.
    let ways: [(ReadPart<Seekable<'_>>, bool); 3] = [(read_few, true), (fill_buf, true), (read_many, false)];
    for (threads, unlucky) in [1, 2].into_iter().flat_map(|threads| (1..=20).map(move |block| (threads, block))) {
        for (read, keeps_all) in ways {
            let options = DecodeOptions::new().threads(threads).on_progress(move |progress| {
                if progress.blocks() == unlucky {
                    std::panic::resume_unwind(Box::new("the callback panics"));
                }
            });
            let mut reader = RansReader::with_options(Cursor::new(&stream[..]), options);
            let (mut end, mut panics) = (0, 0);
            loop {
                let Ok(part) = catch_unwind(AssertUnwindSafe(|| read(&mut reader))) else {
                    panics += 1;
                    let place = reader.stream_position().unwrap() as usize;
                    assert!(place == end || !keeps_all, "{place}, not {end}: block {unlucky}, {threads} threads");
                    end = place;
                    continue;
                };
                let part = part.unwrap();
                let start = end;
                end += part.len();
                assert_eq!(reader.stream_position().unwrap(), end as u64, "block {unlucky}, {threads} threads");
                assert!(part == raw[start..end], "block {unlucky}, {threads} threads");
                if part.is_empty() {
                    break;
                }
                if panics > 0 && end >= 40 {
                    let mut again = [0; 40];
                    assert_eq!(reader.seek(SeekFrom::Current(-40)).unwrap(), end as u64 - 40);
                    reader.read_exact(&mut again).unwrap();
                    assert!(again == raw[end - 40..end], "block {unlucky}, {threads} threads");
                }
            }
            assert_eq!((end, panics), (raw.len(), 1), "block {unlucky}, {threads} threads");
        }
    }
}
