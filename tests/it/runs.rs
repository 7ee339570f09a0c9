//! Neighbouring blocks that have arrived are decoded together, and readers ask for several at once.
//! Bytes and errors are those of a kernel that decodes one by one, however the input is cut.

use std::{
    io::{self, BufRead, ErrorKind, Read},
    iter,
    ops::Range,
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Kernel, Limits, Mode, RansReader, block, compress, format::StreamHeader,
};

#[cfg(all(feature = "futures-io", feature = "tokio"))]
use crate::{
    async_flavours::{FUTURES, STD, TOKIO},
    async_wire::{Ending, Schedule, Wire},
};
use crate::{
    data,
    faulty::{NoFurther, Short},
    outcomes::{Outcome, agreed, from_io, push_by, read, step_by},
    steps::Cuts,
};

const BLOCK_LEN: usize = 2000;

fn options() -> EncodeOptions {
    EncodeOptions::new().level(0).mode(Mode::Lanes).block_len(BLOCK_LEN)
}

/// Blocks of lanes with shorter ones behind them, stored ones, and a third stream.
fn good() -> (Vec<u8>, Vec<u8>) {
    let raw = [data::text(11 * BLOCK_LEN + 700), data::uniform(3 * BLOCK_LEN), data::skewed(10 * BLOCK_LEN)];
    let options = [options(), options().mode(Mode::Stored), options().index(true).content_check(true)];
    let streams: Vec<_> = raw.iter().zip(&options).map(|(raw, options)| compress(raw, options).unwrap()).collect();
    (raw.concat(), streams.concat())
}

/// Where the blocks of the first stream are.
fn blocks(stream: &[u8]) -> Vec<Range<usize>> {
    let next = |at: usize| block::coded_len(&stream[at..]).map(|len| at..at + len).ok();
    iter::successors(next(StreamHeader::FIXED_LEN), |block| next(block.end)).collect()
}

/// As it is, with a wrong bit in a block's payload or header, and cut off.
fn inputs() -> Vec<Vec<u8>> {
    let (_, good) = good();
    let mut inputs = vec![good.clone()];
    for block in blocks(&good) {
        for at in [block.start + 4, block.start + 30, block.end - 1] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            inputs.push(bad);
        }
        inputs.extend([block.start + 3, block.end - 1, block.end].map(|end| good[..end].to_vec()));
    }
    inputs
}

fn one_by_one() -> DecodeOptions {
    DecodeOptions::new().kernel(Kernel::Portable)
}

/// What comes out of calls that read so many bytes.
fn read_by(mut reader: impl Read, len: usize) -> Outcome {
    let (mut raw, mut part) = (Vec::new(), vec![0; len]);
    let error = loop {
        match reader.read(&mut part) {
            Ok(0) => break None,
            Ok(read) => raw.extend(&part[..read]),
            Err(error) => break Some(from_io(error)),
        }
    };
    Outcome { raw, error }
}

fn fill_buf(mut reader: impl BufRead) -> Outcome {
    let mut raw = Vec::new();
    let error = loop {
        let len = match reader.fill_buf() {
            Ok([]) => break None,
            Ok(ready) => {
                raw.extend(ready);
                ready.len()
            }
            Err(error) => break Some(from_io(error)),
        };
        reader.consume(len);
    };
    Outcome { raw, error }
}

#[test]
fn the_bytes_and_errors_of_blocks_one_by_one() {
    for input in inputs() {
        let expected = read(&input, &one_by_one());
        assert_eq!(agreed(&input, &DecodeOptions::new()), expected);
        for most in [700, 5000, 100_000] {
            for len in [11, BLOCK_LEN, 5000, 50_000] {
                assert_eq!(read_by(RansReader::new(Short::new(&input[..], most, 3)), len), expected, "{most}, {len}");
            }
            assert_eq!(fill_buf(RansReader::new(Short::new(&input[..], most, 3))), expected, "{most}");
            assert_eq!(push_by(&input, &DecodeOptions::new(), most), expected, "{most}");
            let cuts = Cuts::new(vec![most, 0, BLOCK_LEN, 9000, 1]);
            assert_eq!(step_by(&input, &DecodeOptions::new(), &cuts), expected, "{most}");
        }
    }
}

#[test]
fn the_bytes_and_errors_at_each_split() {
    let (raw, good) = good();
    let mut bad = good.clone();
    bad[blocks(&good)[9].start + 40] ^= 1;
    for input in [good, bad] {
        let expected = read(&input, &one_by_one());
        assert!(raw.starts_with(&expected.raw));
        for split in (0..=input.len()).step_by(5) {
            let (first, second) = input.split_at(split);
            let reader = RansReader::new(first.chain(second));
            assert_eq!(read_by(reader, 3 * BLOCK_LEN + split % BLOCK_LEN), expected, "{split}");
        }
    }
}

#[cfg(all(feature = "futures-io", feature = "tokio"))]
#[test]
fn the_bytes_and_errors_of_every_flavour() {
    for input in inputs() {
        for schedule in Schedule::all() {
            let wire = Wire::new(&input, schedule, Ending::Eof);
            let (_, expected) = (STD.read_decode)(wire.clone(), 777, one_by_one());
            for flavour in [&STD, &FUTURES, &TOKIO] {
                for len in [777, 7000] {
                    let (_, outcome) = (flavour.read_decode)(wire.clone(), len, DecodeOptions::new());
                    assert_eq!(outcome, expected, "{}, {len}", flavour.name);
                }
            }
        }
    }
}

/// Gives a first part, says once that there is no more yet, then gives the rest.
struct Stalls<'a>(&'a [u8], Option<&'a [u8]>);

impl Read for Stalls<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty()
            && let Some(rest) = self.1.take()
        {
            self.0 = rest;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.0.read(buf)
    }
}

#[test]
fn blocks_that_have_arrived_are_given_before_more_is_waited_for() {
    let raw = data::text(20 * BLOCK_LEN);
    let stream = compress(&raw, &options()).unwrap();
    let blocks = blocks(&stream);
    for cut in (0..stream.len()).step_by(13).chain(blocks.iter().map(|block| block.end)) {
        let (first, rest) = stream.split_at(cut);
        let whole = blocks.iter().filter(|block| block.end <= cut).count();
        for len in [777, 5000, 100_000] {
            let mut reader = RansReader::new(Stalls(first, Some(rest)));
            let (mut back, mut part, mut stalls) = (Vec::new(), vec![0; len], 0);
            loop {
                match reader.read(&mut part) {
                    Ok(0) => break,
                    Ok(read) => back.extend(&part[..read]),
                    Err(error) => {
                        assert_eq!((error.kind(), back.len()), (ErrorKind::WouldBlock, whole * BLOCK_LEN), "{cut}");
                        stalls += 1;
                    }
                }
            }
            assert_eq!((stalls, &back), (1, &raw), "{cut}");
        }
    }
}

/// Counts calls.
struct Counted<R>(R, usize);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        self.0.read(buf)
    }
}

#[test]
fn several_blocks_are_asked_for_at_once_but_none_behind_a_single_stream() {
    let raw = data::text(64 * BLOCK_LEN);
    let stream = compress(&raw, &options()).unwrap();
    let kernels = [Kernel::Portable, Kernel::Avx2, Kernel::Avx2Gather, Kernel::Avx512];
    for kernel in kernels.into_iter().filter(|kernel| kernel.is_available()) {
        let mut reader = RansReader::with_options(Counted(&stream[..], 0), DecodeOptions::new().kernel(kernel));
        assert_eq!(read_by(&mut reader, 50_000).raw, raw);
        let several = kernel != Kernel::Portable;
        let most = if several { 64 / 8 * 2 + 8 } else { 64 + 8 };
        assert!(reader.get_ref().1 <= most, "{kernel}: {} calls", reader.get_ref().1);
    }

    let input = [&stream[..], b"another protocol"].concat();
    let inner = NoFurther::new(&input[..], stream.len());
    let reader = RansReader::with_options(inner, DecodeOptions::new().single_stream(true));
    assert_eq!(read_by(reader, 50_000), Outcome { raw, error: None });
}

#[test]
fn little_memory_is_no_reason_to_fail() {
    let (raw, stream) = good();
    for max_memory in [100, 1000, BLOCK_LEN + 100, 2 * BLOCK_LEN + 30, 10_000, 40_000, 1 << 20] {
        let limits = Limits::new().max_memory(max_memory);
        let expected = read_by(RansReader::with_options(&stream[..], one_by_one().limits(limits)), 777);
        for len in [777, 5000] {
            let reader = RansReader::with_options(&stream[..], DecodeOptions::new().limits(limits));
            assert_eq!(read_by(reader, len), expected, "{max_memory}");
        }
        let is_refused = matches!(expected.error, Some(Error::LimitExceeded { .. }));
        assert!(if max_memory < BLOCK_LEN { is_refused } else { is_refused || expected.raw == raw }, "{max_memory}");
    }
}
