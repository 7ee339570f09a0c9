//! A reader that seeks is what a `Cursor` over the raw bytes is, whatever the streams have to find
//! the place by.

use std::io::{self, BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom, Write as _};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limit, Limits, Mode, RansReader, RansWriter, TrailingData, compress,
    error::Part,
    format::{BlockHeader, BlockMode, StreamHeader},
};

use crate::{
    assembly::Assembly,
    data::{self, every_mode_stream},
    faulty::{Fault, Faulty, Short, When},
    outcomes::from_io,
};

fn options() -> EncodeOptions {
    EncodeOptions::new().block_len(300)
}

/// Streams by what a reader finds its way with, and their raw bytes.
pub fn inputs() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let raw = data::text(5000);
    let coded = |options: EncodeOptions| compress(&raw, &options).unwrap();
    let indexed = coded(options().index(true).content_check(true).content_length(5000));
    let plain = coded(options());
    let nothing = compress(b"", &options()).unwrap();
    let nothing_indexed = compress(b"", &options().index(true)).unwrap();
    let every_mode = every_mode_stream();
    vec![
        ("an index", indexed.clone(), raw.clone()),
        ("block headers", plain.clone(), raw.clone()),
        ("an index that was given up", coded(options().index(true).index_max_blocks(3)), raw.clone()),
        ("one block", coded(options().block_len(5000).index(true)), raw.clone()),
        (
            "blocks of one byte",
            compress(&raw[..200], &options().block_len(1).index(true)).unwrap(),
            raw[..200].to_vec(),
        ),
        ("several indexes", [&indexed[..], &nothing_indexed, &indexed, &nothing_indexed].concat(), raw.repeat(2)),
        ("indexes here and there", [&nothing[..], &indexed, &plain, &nothing, &indexed].concat(), raw.repeat(3)),
        ("nothing", nothing, vec![]),
        ("an index of nothing", nothing_indexed, vec![]),
        ("an index among application data", with_application_data(&raw, options().index(true)), raw.clone()),
        ("headers among application data", with_application_data(&raw, options()), raw),
        ("every mode", every_mode.stream, every_mode.raw),
    ]
}

fn with_application_data(raw: &[u8], options: EncodeOptions) -> Vec<u8> {
    let mut writer = RansWriter::with_options(Vec::new(), options);
    writer.write_application_data(1, b"first").unwrap();
    for (number, part) in raw.chunks(450).enumerate() {
        writer.write_all(part).unwrap();
        writer.write_application_data(2, &part[..number % 20]).unwrap();
        writer.write_application_data(3, b"").unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn random_seeks_and_reads() {
    for (name, stream, raw) in inputs() {
        for seed in 0..4 {
            for threads in [1, 2] {
                let options = DecodeOptions::new().threads(threads);
                like_a_cursor(RansReader::with_options(Cursor::new(&stream), options), &raw, seed, 60, name);
            }
        }
    }
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn many_random_seeks_and_reads() {
    for (name, stream, raw) in inputs() {
        for seed in 100..200 {
            for threads in [1, 2] {
                let options = DecodeOptions::new().threads(threads);
                like_a_cursor(RansReader::with_options(Cursor::new(&stream), options), &raw, seed, 500, name);
            }
        }
    }
}

/// Goes through random calls, side by side with a cursor.
pub fn like_a_cursor(mut reader: impl BufRead + Seek, raw: &[u8], seed: u64, calls: usize, name: &str) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut cursor = Cursor::new(raw);
    let len = raw.len().cast_signed() as i64;
    for call in 0..calls {
        let what = format!("{name}, seed {seed}, call {call}");
        match random.random_range(0..8) {
            0..3 => {
                let to = match random.random_range(0..4) {
                    0 => SeekFrom::Start(random.random_range(0..=len as u64 + 20)),
                    1 => SeekFrom::End(random.random_range(-len - 5..=20)),
                    2 => SeekFrom::Current(random.random_range(-400..=400)),
                    _ => SeekFrom::Current(random.random_range(-len - 5..=len + 5)),
                };
                match (reader.seek(to), cursor.seek(to)) {
                    (Ok(position), Ok(expected)) => assert_eq!(position, expected, "{to:?}, {what}"),
                    (Err(error), Err(_)) => assert_eq!(from_io(error), Error::InvalidSeek, "{to:?}, {what}"),
                    (got, expected) => panic!("{got:?}, not {expected:?}: {to:?}, {what}"),
                }
            }
            3 => {
                let at_end = cursor.position() >= raw.len() as u64;
                let ready = reader.fill_buf().unwrap();
                let part = ready[..ready.len().div_ceil(2)].to_vec();
                reader.consume(part.len());
                let mut expected = vec![0; part.len()];
                cursor.read_exact(&mut expected).unwrap();
                assert_eq!(part, expected, "{what}");
                assert_eq!(part.is_empty(), at_end, "{what}");
            }
            _ => {
                let most = if random.random_ratio(1, 4) { 3000 } else { 100 };
                let wanted = random.random_range(0..most);
                let (mut part, mut expected) = (Vec::new(), Vec::new());
                reader.by_ref().take(wanted).read_to_end(&mut part).unwrap();
                cursor.by_ref().take(wanted).read_to_end(&mut expected).unwrap();
                assert_eq!(part, expected, "{wanted} bytes, {what}");
            }
        }
        assert_eq!(reader.stream_position().unwrap(), cursor.position(), "{what}");
    }
}

#[test]
fn every_position() {
    for (name, stream, raw) in inputs() {
        let mut reader = RansReader::new(Cursor::new(&stream));
        for position in (0..raw.len()).rev().step_by(11) {
            assert_eq!(reader.seek(SeekFrom::Start(position as u64)).unwrap(), position as u64);
            let mut part = [0; 20];
            let len = part.len().min(raw.len() - position);
            reader.read_exact(&mut part[..len]).unwrap();
            assert_eq!(part[..len], raw[position..position + len], "{position} by {name}");
        }
        assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), raw.len() as u64);
        assert_eq!(reader.seek(SeekFrom::End(1 << 40)).unwrap(), raw.len() as u64 + (1 << 40));
        assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
        assert_eq!(reader.seek(SeekFrom::Start(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
        assert_eq!(from_io(reader.seek(SeekFrom::Current(1)).unwrap_err()), Error::InvalidSeek);
        reader.rewind().unwrap();
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!(back, raw, "{name}");
    }
}

/// What stands before the place where the reader began is none of its business.
#[test]
fn an_input_that_does_not_begin_at_zero() {
    let before = data::uniform(77);
    for (name, stream, raw) in inputs() {
        let input = [&before[..], &stream].concat();
        for seed in 0..3 {
            let mut inner = Cursor::new(&input);
            inner.set_position(77);
            like_a_cursor(RansReader::new(inner), &raw, seed, 60, name);
        }
    }
}

#[test]
fn an_inner_reader_that_gives_little_at_a_time() {
    struct ShortCursor<'a>(Short<Cursor<&'a [u8]>>);
    impl Read for ShortCursor<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }
    impl Seek for ShortCursor<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.inner.seek(to)
        }
    }
    for (name, stream, raw) in inputs() {
        let inner = ShortCursor(Short::new(Cursor::new(&stream[..]), 5, 1));
        like_a_cursor(RansReader::new(inner), &raw, 9, 60, name);
    }
}

#[test]
fn the_first_of_several_streams() {
    let raw = data::text(2000);
    for index in [false, true] {
        let stream = compress(&raw, &options().index(index)).unwrap();
        for behind in [&stream[..], b"no stream", b""] {
            let input = [&stream[..], behind].concat();
            let options = DecodeOptions::new().single_stream(true);
            like_a_cursor(RansReader::with_options(Cursor::new(&input), options), &raw, 5, 60, "a single stream");
        }
    }
}

#[test]
fn trailing_data_behind_the_streams() {
    let raw = data::text(2000);
    for index in [false, true] {
        let stream = compress(&raw, &options().index(index)).unwrap();
        // The last is the tail of another stream: an index that leads nowhere.
        let tail = &compress(&data::text(900), &options().index(true)).unwrap()[200..];
        for garbage in [&b"garbage"[..], b"x", &data::uniform(300), tail] {
            let input = [&stream[..], garbage].concat();
            let ignore = DecodeOptions::new().trailing_data(TrailingData::Ignore);
            like_a_cursor(RansReader::with_options(Cursor::new(&input), ignore), &raw, 6, 60, "trailing data");
            let error = from_io(RansReader::new(Cursor::new(&input)).seek(SeekFrom::End(0)).unwrap_err());
            assert_eq!(error, Error::TrailingData { offset: stream.len() as u64 });
        }
    }
}

#[test]
fn a_place_that_is_decoded_needs_no_inner_seek() {
    let raw = data::text(2000);
    let stream = compress(&raw, &options()).unwrap();
    let inner = Faulty::new(Cursor::new(&stream), Fault::Error(ErrorKind::Unsupported), When::never());
    let mut reader = RansReader::new(inner);
    reader.read_exact(&mut [0; 10]).unwrap();
    let before = reader.get_ref().ops;
    assert_eq!(reader.seek(SeekFrom::Current(100)).unwrap(), 110);
    assert_eq!(reader.stream_position().unwrap(), 110);
    assert_eq!(reader.get_ref().ops, before);
    let mut part = [0; 20];
    reader.read_exact(&mut part).unwrap();
    assert_eq!(part, raw[110..130]);
}

#[test]
fn a_seek_away_from_a_damaged_block() {
    let raw = data::text(3000);
    for index in [false, true] {
        let mut stream = compress(&raw, &options().index(index)).unwrap();
        let offset = nth_block(&stream, 4);
        stream[offset + 20] ^= 1;
        for threads in [1, 2] {
            let mut reader = RansReader::with_options(Cursor::new(&stream), DecodeOptions::new().threads(threads));
            for _ in 0..2 {
                reader.rewind().unwrap();
                let mut back = Vec::new();
                let error = from_io(reader.read_to_end(&mut back).unwrap_err());
                assert!(
                    matches!(error, Error::Corrupt { part: Part::Block(4), offset: at, .. } if at == offset as u64)
                );
                assert_eq!(back, raw[..1200]);
                assert_eq!(reader.stream_position().unwrap(), 1200);

                reader.seek(SeekFrom::Start(1500)).unwrap();
                back.clear();
                reader.read_to_end(&mut back).unwrap();
                assert_eq!(back, raw[1500..]);

                reader.seek(SeekFrom::Start(1300)).unwrap();
                let again = from_io(reader.read(&mut [0; 5]).unwrap_err());
                assert_eq!(again, error, "with {threads} threads");
            }
        }
    }
}

/// Where block `number` of a stream with a short header starts.
fn nth_block(stream: &[u8], number: usize) -> usize {
    (0..number).fold(StreamHeader::FIXED_LEN, |at, _| {
        let header = BlockHeader::parse(stream[at..].first_chunk().unwrap(), Part::Block(0), 0).unwrap();
        at + BlockHeader::LEN + header.payload_len() as usize + 4
    })
}

#[test]
fn errors_name_places_from_where_the_reader_began() {
    let raw = data::text(3000);
    for index in [false, true] {
        let mut stream = compress(&raw, &options().index(index)).unwrap();
        let offset = nth_block(&stream, 4);
        stream[offset + 20] ^= 1;
        let mut inner = Cursor::new([&[0; 99][..], &stream].concat());
        inner.set_position(99);
        let mut reader = RansReader::new(inner);
        let without_a_seek = from_io(reader.read_to_end(&mut Vec::new()).unwrap_err());
        reader.seek(SeekFrom::Start(1201)).unwrap();
        assert_eq!(from_io(reader.read(&mut [0; 5]).unwrap_err()), without_a_seek);
    }
}

#[test]
fn truncated_streams() {
    let raw = data::text(1500);
    for index in [false, true] {
        let stream = compress(&raw, &options().index(index)).unwrap();
        for cut in 0..stream.len() {
            let mut reader = RansReader::new(Cursor::new(&stream[..cut]));
            let error = from_io(reader.seek(SeekFrom::End(0)).unwrap_err());
            assert_eq!(error, Error::Truncated { offset: cut as u64 });
            let mut back = Vec::new();
            let error = from_io(reader.read_to_end(&mut back).unwrap_err());
            assert_eq!(error, Error::Truncated { offset: cut as u64 });
            assert!(raw.starts_with(&back), "the reader went on where it was");
        }
    }
}

/// A list of blocks with a fault is read again at every seek, and the reader goes on where it was,
/// which is not where it began.
#[test]
fn a_seek_that_fails_behind_another_one_leaves_the_reader_in_place() {
    let raw = data::text(3000);
    let stream = compress(&raw, &options()).unwrap();
    let mut reader = RansReader::new(Cursor::new(&stream[..stream.len() - 5]));
    reader.seek(SeekFrom::Start(1300)).unwrap();
    let mut part = [0; 100];
    for at in [1300, 1400, 1500, 1600] {
        let error = from_io(reader.seek(SeekFrom::End(0)).unwrap_err());
        assert!(matches!(error, Error::Truncated { .. }), "{error}");
        reader.read_exact(&mut part).unwrap();
        assert_eq!(part, raw[at..at + 100], "{at}");
    }
}

#[test]
fn a_map_above_the_memory_limit() {
    let raw = data::text(2000);
    for index in [false, true] {
        for (stream, limit) in [
            (compress(&raw, &options().block_len(10).index(index)).unwrap(), 2000),
            // Streams of nothing are in the map as well.
            (compress(b"", &options().index(index)).unwrap().repeat(200), 4000),
        ] {
            let limits = Limits::new().max_memory(limit);
            let options = DecodeOptions::new().limits(limits);
            let mut reader = RansReader::with_options(Cursor::new(&stream), options);
            let error = from_io(reader.seek(SeekFrom::End(0)).unwrap_err());
            assert!(matches!(error, Error::LimitExceeded { limit: Limit::Memory, .. }), "{error}");
        }
    }
}

/// After a fault a reader goes on where it was, or says that it cannot; a second try to seek
/// succeeds.
#[test]
fn every_inner_operation_of_a_seek_fails_once() {
    let raw = data::text(3000);
    let mut points = 0;
    for (index, fault) in [false, true].into_iter().flat_map(|index| {
        [Fault::Error(ErrorKind::WouldBlock), Fault::Error(ErrorKind::BrokenPipe), Fault::TooMany, Fault::Zero]
            .map(|fault| (index, fault))
    }) {
        let stream = compress(&raw, &options().index(index)).unwrap();
        for op in 1.. {
            let mut reader = RansReader::new(Faulty::new(Cursor::new(&stream), fault, When::never()));
            reader.read_exact(&mut [0; 450]).unwrap();
            let before = reader.get_ref().ops;
            reader.get_mut().when = When::once(before + op);
            let first = reader.seek(SeekFrom::Start(2000));
            reader.get_mut().heal();
            if reader.get_ref().faults == 0 {
                break;
            }
            points += 1;
            // In mid-flight, before another seek.
            let mut part = [0; 400];
            match (first, reader.read_exact(&mut part)) {
                (Ok(_), read) => assert!(read.is_ok() && part == raw[2000..2400]),
                (Err(_), Ok(())) => assert!(part == raw[450..850], "operation {op}, {fault:?}"),
                (Err(_), Err(error)) => assert_eq!(error.kind(), ErrorKind::Other, "operation {op}, {fault:?}"),
            }
            // Back to where it is, which is nothing to move for unless the fault left it elsewhere.
            let at = reader.stream_position().unwrap();
            for to in [at, 2500] {
                reader.seek(SeekFrom::Start(to)).unwrap();
                reader.read_exact(&mut part).unwrap();
                assert!(part == raw[to as usize..][..400], "operation {op}, {fault:?}");
            }
        }
    }
    println!("{points} fault points");
}

#[test]
fn a_seek_while_blocks_are_under_way() {
    let raw = data::text(200_000);
    for index in [false, true] {
        let stream = compress(&raw, &options().block_len(4096).index(index)).unwrap();
        let options = DecodeOptions::new().threads(2).in_flight(8);
        let mut reader = RansReader::with_options(Cursor::new(&stream), options);
        let mut random = StdRng::seed_from_u64(11);
        for _ in 0..200 {
            let position = random.random_range(0..raw.len() - 100);
            reader.seek(SeekFrom::Start(position as u64)).unwrap();
            let mut part = [0; 100];
            reader.read_exact(&mut part).unwrap();
            assert_eq!(part, raw[position..position + 100]);
        }
    }
}

/// From the first block on, totals and content check hold; from a later one, only what can be
/// known.
#[test]
fn totals_after_a_seek() {
    let raw = data::text(1000);
    let stored = EncodeOptions::new().mode(Mode::Stored);
    for (lie, seen_from_the_middle) in [(0, true), (1, true), (2, false), (3, false)] {
        let header = StreamHeader { max_block_log2: 10, content_length: None, content_check: true, index: false };
        let assembly = Assembly::new(header).data(&raw[..600], &stored, BlockMode::Stored).data(
            &raw[600..],
            &stored,
            BlockMode::Stored,
        );
        let mut end = assembly.totals();
        match lie {
            0 => end.raw_len += 1,
            1 => end.blocks += 1,
            2 => end.sequence_check ^= 1,
            _ => end.content_check = end.content_check.map(|check| check ^ 1),
        }
        let stream = assembly.finish_with(end).stream;
        let mut reader = RansReader::new(Cursor::new(&stream));
        reader.seek(SeekFrom::Start(700)).unwrap();
        let mut back = Vec::new();
        assert_eq!(reader.read_to_end(&mut back).is_err(), seen_from_the_middle, "lie {lie}");
        assert_eq!(back, raw[700..]);
        reader.seek(SeekFrom::Start(100)).unwrap();
        back.clear();
        reader.read_to_end(&mut back).unwrap_err();
        assert_eq!(back, raw[100..]);
    }
}

/// What is wrong behind a place does not keep a reader from it.
#[test]
fn good_bytes_before_a_fault_are_found() {
    let raw = data::text(3000);
    let stream = compress(&raw, &options()).unwrap();
    let cut = nth_block(&stream, 5) + 20;
    let mut reader = RansReader::new(Cursor::new(&stream[..cut]));
    reader.seek(SeekFrom::Start(1100)).unwrap();
    let mut back = Vec::new();
    assert_eq!(from_io(reader.read_to_end(&mut back).unwrap_err()), Error::Truncated { offset: cut as u64 });
    assert_eq!(back, raw[1100..1500]);
    for to in [SeekFrom::Start(1501), SeekFrom::Start(9999), SeekFrom::End(0)] {
        assert_eq!(from_io(reader.seek(to).unwrap_err()), Error::Truncated { offset: cut as u64 });
    }

    // A writer that is still at work: what came since is seen.
    let mut reader = RansReader::new(Cursor::new(stream[..cut].to_vec()));
    reader.seek(SeekFrom::End(0)).unwrap_err();
    reader.get_mut().get_mut().extend(&stream[cut..]);
    assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), 3000);
}

/// Back within the block that was decoded last, however it was read.
#[test]
fn back_in_the_decoded_block_needs_no_inner_seek() {
    let raw = data::text(2000);
    let stream = compress(&raw, &options()).unwrap();
    for threads in [1, 2] {
        let inner = Faulty::new(Cursor::new(&stream), Fault::Error(ErrorKind::Unsupported), When::never());
        let mut reader = RansReader::with_options(inner, DecodeOptions::new().threads(threads));
        reader.read_exact(&mut [0; 200]).unwrap();
        let before = reader.get_ref().ops;
        for (to, place) in [
            (SeekFrom::Current(-150), 50),
            (SeekFrom::Start(0), 0),
            (SeekFrom::Start(299), 299),
            (SeekFrom::Current(-299), 0),
            (SeekFrom::Start(300), 300),
            (SeekFrom::Start(10), 10),
        ] {
            assert_eq!(reader.seek(to).unwrap(), place);
            assert_eq!(reader.get_ref().ops, before);
        }
        let mut part = [0; 20];
        reader.read_exact(&mut part).unwrap();
        assert_eq!(part, raw[10..30]);

        // A read with room for whole blocks passes the buffer by, which then holds nothing.
        let mut most = vec![0; 1570];
        reader.read_exact(&mut most).unwrap();
        assert_eq!(most, raw[30..1600]);
        reader.seek(SeekFrom::Current(-400)).unwrap();
        reader.read_exact(&mut part).unwrap();
        assert_eq!(part, raw[1200..1220]);
    }
}
