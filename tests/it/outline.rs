//! The walker over headers: it finds what the decoder finds, in the same places, without payloads.

use std::io::{self, Cursor, Seek as _, SeekFrom};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limits, RansReader, RansWriter, TrailingData, compress,
    error::{Corruption, Part},
    outline::{OutlinePart, OutlineReader},
    stream::Outline,
};

use crate::{
    data::{self, every_mode_stream},
    faulty::{Fault, Faulty, Short, When},
    outcomes::{from_io, read},
};

/// The magic's wrong bytes depend on how many have come.
fn comparable(error: Error) -> Error {
    if let Error::NotAStream { .. } = error { Error::NotAStream { found: Vec::new() } } else { error }
}

type Walk = (Vec<OutlinePart>, Option<Error>);

fn gather<R: io::Read>(reader: OutlineReader<R>) -> Walk {
    let mut parts = Vec::new();
    for part in reader {
        match part {
            Ok(part) => parts.push(part),
            Err(error) => return (parts, Some(comparable(from_io(error)))),
        }
    }
    (parts, None)
}

/// All ways to walk, which must agree.
fn walk(stream: &[u8], options: &DecodeOptions) -> Walk {
    let seeking = gather(OutlineReader::seeking(Cursor::new(stream), options.clone()).unwrap());
    let reading = gather(OutlineReader::new(stream, options.clone()));
    let in_bits = gather(OutlineReader::new(Short::new(stream, 7, 1), options.clone()));
    assert_eq!(seeking, reading);
    assert_eq!(seeking, in_bits);
    seeking
}

fn streams() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut streams = vec![(every_mode_stream().stream, every_mode_stream().raw)];
    for len in [0, 1, 999, 10_000] {
        let raw = data::text(len);
        for options in [
            EncodeOptions::new().block_len(700),
            EncodeOptions::new().block_len(700).index(true).content_check(true).content_length(len as u64),
            EncodeOptions::new().block_len(100).index(true).index_max_blocks(3),
        ] {
            let mut writer = RansWriter::with_options(Vec::new(), options);
            io::Write::write_all(&mut writer, &raw[..len / 3]).unwrap();
            writer.write_application_data(5, b"the application's").unwrap();
            io::Write::write_all(&mut writer, &raw[len / 3..]).unwrap();
            streams.push((writer.finish().unwrap(), raw.clone()));
        }
    }
    let all = streams.iter().fold((Vec::new(), Vec::new()), |(mut stream, mut raw), (next, next_raw)| {
        stream.extend(next);
        raw.extend(next_raw);
        (stream, raw)
    });
    streams.push(all);
    streams
}

#[test]
fn parts_are_where_they_say_and_cover_the_input() {
    for (stream, raw) in streams() {
        let (parts, error) = walk(&stream, &DecodeOptions::new());
        assert_eq!(error, None);
        let (mut at, mut raw_at) = (0, 0);
        for part in &parts {
            match part {
                OutlinePart::Stream { header, offset, raw_offset, .. } => {
                    assert_eq!((*offset, *raw_offset), (at, raw_at));
                    at += header.encoded_len() as u64;
                }
                OutlinePart::Block { header, offset, raw_offset, coded_len, .. } => {
                    assert_eq!((*offset, *raw_offset), (at, raw_at));
                    let bytes = &stream[at as usize..(at + coded_len) as usize];
                    if header.raw_len() > 0 {
                        let back = ranstream::block::decode_to_vec(bytes, &Limits::new()).unwrap();
                        assert!(back == raw[raw_at as usize..][..header.raw_len()]);
                    }
                    at += coded_len;
                    raw_at += header.raw_len() as u64;
                }
                OutlinePart::End { end, offset, .. } => {
                    assert_eq!(*offset, at);
                    at += if end.content_check.is_some() { 40 } else { 32 };
                }
                OutlinePart::Index { offset, coded_len, .. } => {
                    assert_eq!(*offset, at);
                    at += coded_len;
                }
                OutlinePart::StreamEnd { offset, .. } => assert_eq!(*offset, at),
                part => panic!("{part:?} is new"),
            }
        }
        assert_eq!((at, raw_at), (stream.len() as u64, raw.len() as u64));
    }
}

#[test]
fn a_cut_input_is_truncated_where_the_decoder_says() {
    for (stream, _) in streams().iter().filter(|(stream, _)| stream.len() < 4000) {
        for len in 0..stream.len() {
            let decoded = read(&stream[..len], &DecodeOptions::new()).error;
            assert_eq!(walk(&stream[..len], &DecodeOptions::new()).1, decoded, "{len} bytes");
        }
    }
}

/// Errors of reading, listing and seeking agree, but for what only payloads show.
#[test]
fn a_flipped_bit_is_found_as_the_decoder_finds_it() {
    let mut in_payloads = 0;
    let raw = data::text(3000);
    for index in [false, true] {
        let options = EncodeOptions::new().block_len(700).index(index).content_check(true);
        let stream = compress(&raw, &options).unwrap();
        for bit in 0..stream.len() * 8 {
            let mut bad = stream.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let decoded = read(&bad, &DecodeOptions::new()).error;
            let walked = walk(&bad, &DecodeOptions::new()).1;
            // The index at the tail comes first for a seek, so it is compared without one.
            if !index {
                let sought = RansReader::new(Cursor::new(&bad)).seek(SeekFrom::End(0));
                assert_eq!(sought.err().map(from_io).map(comparable), walked, "bit {bit}");
            }
            if walked == decoded {
                continue;
            }
            in_payloads += 1;
            let as_expected = match (&decoded, &walked) {
                // Nobody looked there.
                (Some(Error::Corrupt { reason: Corruption::PayloadCheck { .. }, .. }), None) => true,
                (
                    Some(Error::Corrupt { part, reason: Corruption::PayloadCheck { .. }, .. }),
                    Some(Error::Corrupt { part: other, reason, .. }),
                ) => match (part, other) {
                    // A block's check itself: the sequence of checks shows it later.
                    (Part::Block(_), Part::End) => matches!(reason, Corruption::Sequence { .. }),
                    // The index's footer, whose check stands over entries that nobody read.
                    (Part::Index, Part::Index) => matches!(reason, Corruption::IndexMismatch),
                    _ => false,
                },
                _ => false,
            };
            assert!(as_expected, "bit {bit}: {decoded:?}, {walked:?}");
        }
    }
    assert!(in_payloads > 1000);
}

#[test]
fn dropped_doubled_and_swapped_blocks_show_without_payloads() {
    let stream =
        compress(&data::text(4000), &EncodeOptions::new().block_len(1000).mode(ranstream::Mode::Stored)).unwrap();
    let block = |number: usize| &stream[8 + number * 1012..8 + (number + 1) * 1012];
    let (head, tail) = (&stream[..8], &stream[8 + 4 * 1012..]);
    for order in [vec![0, 1, 2], vec![0, 1, 2, 3, 3], vec![0, 2, 1, 3]] {
        let blocks: Vec<u8> = order.iter().flat_map(|&number| block(number).to_vec()).collect();
        let bad = [head, &blocks, tail].concat();
        let decoded = read(&bad, &DecodeOptions::new()).error;
        assert!(decoded.is_some());
        assert_eq!(walk(&bad, &DecodeOptions::new()).1, decoded, "{order:?}");
    }
}

#[test]
fn options_say_how_far_it_walks() {
    let one = compress(b"some bytes", &EncodeOptions::new()).unwrap();
    let two = [&one[..], &one].concat();
    let ends = |walk: Walk| {
        assert_eq!(walk.1, None);
        walk.0.iter().filter(|part| matches!(part, OutlinePart::StreamEnd { .. })).count()
    };
    assert_eq!(ends(walk(&two, &DecodeOptions::new())), 2);
    assert_eq!(ends(walk(&two, &DecodeOptions::new().single_stream(true))), 1);
    let behind = [&one[..], b"garbage"].concat();
    assert_eq!(ends(walk(&behind, &DecodeOptions::new().trailing_data(TrailingData::Ignore))), 1);
    let error = walk(&behind, &DecodeOptions::new()).1;
    assert_eq!(error, Some(Error::TrailingData { offset: one.len() as u64 }));
    let small = DecodeOptions::new().limits(Limits::new().max_block_len(9));
    assert!(matches!(walk(&one, &small).1, Some(Error::LimitExceeded { .. })));
}

#[test]
fn an_error_of_the_inner_reader_ends_nothing() {
    let (stream, _) = streams().pop().unwrap();
    let expected = walk(&stream, &DecodeOptions::new());
    for nth in 2..6 {
        // The three seeks of the beginning are spared.
        let inner = Faulty::new(Cursor::new(&stream), Fault::Error(io::ErrorKind::WouldBlock), When::Every(nth + 3));
        let mut reader = OutlineReader::seeking(inner, DecodeOptions::new()).unwrap();
        let mut parts = Vec::new();
        loop {
            match reader.next_part() {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => break,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!((parts, None), expected, "every {nth}");
    }
}

/// Of a stream of large blocks little is read.
#[test]
fn payloads_are_not_read() {
    struct Counts<'a>(Cursor<&'a [u8]>, u64);
    impl io::Read for Counts<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf).inspect(|&read| self.1 += read as u64)
        }
    }
    impl io::Seek for Counts<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let stream = compress(&data::text(3_000_000), &EncodeOptions::new().level(0)).unwrap();
    let mut reader = OutlineReader::seeking(Counts(Cursor::new(&stream), 0), DecodeOptions::new()).unwrap();
    assert_eq!(reader.by_ref().filter(|part| matches!(part, Ok(OutlinePart::Block { .. }))).count(), 12);
    assert!(reader.into_inner().1 < 14 * 4096);
}

/// Every flipped bit is found when all payloads are read, as a decoder finds it: up to what only
/// decoding shows, which no flipped bit is.
#[test]
fn payloads_that_are_read_are_verified() {
    for (stream, _) in streams() {
        for bit in (0..8 * stream.len()).step_by(37) {
            let mut flipped = stream.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = walk_reading(&flipped).map_err(comparable);
            let expected = read(&flipped, &DecodeOptions::new()).error;
            assert_eq!(found.err(), expected.map(comparable), "bit {bit}");
        }
        assert_eq!(walk_reading(&stream), Ok(()));
    }
}

/// In pieces of 5 bytes.
fn walk_reading(stream: &[u8]) -> Result<(), Error> {
    let (mut outline, mut rest) = (Outline::new(DecodeOptions::new()), stream);
    loop {
        let piece = &rest[..rest.len().min(5)];
        let payload = outline.read_payload(piece);
        let taken = if payload > 0 { payload } else { outline.step(piece)?.0 };
        rest = &rest[taken..];
        if outline.is_done() {
            return Ok(());
        }
        if rest.is_empty() && taken == 0 {
            outline.end_of_input()?;
        }
    }
}
