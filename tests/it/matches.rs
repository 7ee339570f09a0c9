//! Levels: what is coded with matches comes back in every way, and everything else works over it.

use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Kernel, Limit, Limits, Mode, Pipeline, Prefer, RansReader, RansWriter, block,
    compress, decompress,
    format::{BlockHeader, BlockMode, StreamHeader},
    recover::{Found, Recovery},
};

use crate::{
    data::{self, GENERATORS},
    outcomes::{Outcome, WAYS},
};

/// Lines of a log: new bytes among ones that were there before.
fn log(len: usize) -> Vec<u8> {
    let mut raw = Vec::new();
    for number in 0_u32.. {
        let stirred = number.wrapping_mul(0x9E37_79B1) >> 7;
        let (code, bytes) = ([200, 304, 404, 500][stirred as usize % 4], stirred % 90_000);
        let line = format!("10.0.{}.{} GET /item/{} {code} {bytes}\n", stirred % 5, stirred % 251, stirred % 977);
        raw.extend_from_slice(line.as_bytes());
        if raw.len() >= len {
            break;
        }
    }
    raw.truncate(len);
    raw
}

fn level(level: u8) -> EncodeOptions {
    EncodeOptions::new().level(level)
}

fn first_mode(stream: &[u8]) -> BlockMode {
    let tag = stream[StreamHeader::FIXED_LEN];
    BlockMode::ALL.iter().find(|(known, ..)| *known == tag).unwrap().1
}

#[test]
fn every_level_comes_back_in_every_way() {
    for number in 0..=9 {
        for (name, generate) in GENERATORS.into_iter().chain([("log", log as fn(usize) -> Vec<u8>)]) {
            for (len, block_len) in [(0, 100), (23, 100), (150, 100), (5000, 3000), (40_000, 16_000)] {
                let raw = generate(len);
                let options = level(number).block_len(block_len).entropy_chunk_bytes(5000).content_check(true);
                let stream = compress(&raw, &options).unwrap();
                let expected = Outcome { raw, error: None };
                for (way_name, way) in WAYS {
                    let outcome = way(&stream, &DecodeOptions::new());
                    assert!(outcome == expected, "{len} bytes of {name}, level {number}, {way_name}");
                }
            }
        }
    }
}

#[test]
fn every_pipeline_comes_back_in_every_way() {
    for (pipeline_name, pipeline) in Pipeline::ALL {
        for (name, generate) in GENERATORS.into_iter().chain([("log", log as fn(usize) -> Vec<u8>)]) {
            for (len, block_len) in [(0, 100), (150, 100), (40_000, 16_000)] {
                let raw = generate(len);
                let options = level(3).pipeline(pipeline).block_len(block_len).entropy_chunk_bytes(5000);
                let stream = compress(&raw, &options).unwrap();
                let expected = Outcome { raw, error: None };
                for (way_name, way) in WAYS {
                    let outcome = way(&stream, &DecodeOptions::new());
                    assert!(outcome == expected, "{len} bytes of {name}, {pipeline_name}, {way_name}");
                }
            }
        }
    }
}

#[test]
fn pipelines_differ_in_size_and_the_default_is_the_smallest() {
    let raw = log(200_000);
    let len = |options: &EncodeOptions| compress(&raw, options).unwrap().len();
    let [lzr, lzssr, lz78r] = Pipeline::ALL.map(|(_, pipeline)| len(&level(3).pipeline(pipeline)));
    assert_eq!(len(&level(3)), lzr);
    assert!(lzr < lzssr && lzssr < lz78r && lz78r < len(&level(0)), "{lzr}, {lzssr}, {lz78r}");
    assert_eq!(len(&level(0)), len(&level(0).pipeline(Pipeline::Lz78r)), "level 0 looks for nothing");
}

#[test]
fn phrases_have_longer_chunks_unless_their_length_is_set() {
    let chunk_len = |options: EncodeOptions| options.block.entropy_chunk_len;
    assert_eq!(chunk_len(level(3)), 256 << 10);
    assert_eq!(chunk_len(level(3).pipeline(Pipeline::Lz78r)), 1 << 20);
    assert_eq!(chunk_len(level(3).pipeline(Pipeline::Lz78r).pipeline(Pipeline::Lzssr)), 256 << 10);
    assert_eq!(chunk_len(level(3).entropy_chunk_bytes(500).pipeline(Pipeline::Lz78r)), 500);
    assert_eq!(chunk_len(level(3).pipeline(Pipeline::Lz78r).entropy_chunk_bytes(500)), 500);
}

#[test]
fn a_damaged_stream_of_any_pipeline_is_corrupt_and_a_cut_one_truncated() {
    let raw = log(2000);
    for (name, pipeline) in Pipeline::ALL {
        let options = level(3).pipeline(pipeline).block_len(1000);
        let stream = compress(&raw, &options).unwrap();
        assert_eq!(first_mode(&stream), BlockMode::Lz, "{name}");
        let blocks = StreamHeader::FIXED_LEN..stream.len();
        for bit in 8 * blocks.start..8 * blocks.end {
            let mut bad = stream.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = decompress(&bad, &DecodeOptions::new()).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{name}, bit {bit}: {error}");
        }
        for len in blocks {
            let mut read = Vec::new();
            let error = RansReader::new(&stream[..len]).read_to_end(&mut read).unwrap_err();
            assert_eq!(Error::try_from(error).unwrap(), Error::Truncated { offset: len as u64 }, "{name}");
            assert!(read == raw[..read.len()] && read.len() % 1000 == 0, "{name}: {} bytes", read.len());
        }
    }
}

#[test]
fn higher_levels_are_smaller_and_all_are_far_below_level_0() {
    let raw = [include_str!("../../FORMAT.md").as_bytes(), &log(200_000)].concat();
    let lens: Vec<usize> = (0..=9).map(|number| compress(&raw, &level(number)).unwrap().len()).collect();
    println!("{} raw bytes: {lens:?}", raw.len());
    for pair in lens.windows(2) {
        assert!(pair[1] < pair[0] + pair[0] / 50, "{lens:?}");
    }
    assert!(lens[1] < raw.len() * 36 / 100, "{lens:?}");
    assert!(lens[7] < raw.len() * 32 / 100, "{lens:?}");
    assert!(lens[8] < lens[7] && lens[9] < lens[7], "{lens:?}");
    assert!(lens[0] > raw.len() / 2, "{lens:?}");
}

#[test]
fn what_has_no_matches_costs_what_pivot_may_cost_or_no_more_than_without() {
    for raw in [data::uniform(300_000), data::gaussian(300_000), data::sixteen_symbols(300_000)] {
        let len = |options: &EncodeOptions| compress(&raw, options).unwrap().len();
        let (plain, matches, smallest) = (len(&level(0)), len(&level(3)), len(&level(3).prefer(Prefer::Ratio)));
        assert!(matches <= plain + plain / 75, "{plain} and {matches}");
        assert!(smallest <= plain + plain / 300, "{plain} and {smallest}");
    }
    let raw = data::uniform(300_000);
    assert_eq!(first_mode(&compress(&raw, &level(7)).unwrap()), BlockMode::Stored);
    assert_eq!(first_mode(&compress(&data::one_symbol(300_000), &level(7)).unwrap()), BlockMode::Fill);
}

#[test]
fn the_bytes_depend_on_nothing_but_options() {
    let (raw, other) = (log(300_000), data::text(200_000));
    for number in 1..=9 {
        let options = level(number).block_len(80_000);
        let expected = compress(&raw, &options).unwrap();
        assert_eq!(first_mode(&expected), BlockMode::Lz);
        compress(&other, &options).unwrap();
        for kernel in Kernel::all_available() {
            assert!(compress(&raw, &options.clone().kernel(kernel)).unwrap() == expected, "level {number}, {kernel}");
        }
        assert!(compress(&raw, &options.clone().threads(3)).unwrap() == expected, "level {number}, threads");
        let mut writer = RansWriter::with_options(Vec::new(), options.threads(2));
        raw.chunks(7001).for_each(|part| writer.write_all(part).unwrap());
        assert!(writer.finish().unwrap() == expected, "level {number}, writer");
    }
}

#[test]
fn a_forced_mode_finds_no_matches() {
    let stream = compress(&log(50_000), &level(5).mode(Mode::Lanes)).unwrap();
    assert_eq!(first_mode(&stream), BlockMode::Lanes);
}

#[test]
fn a_level_brings_its_block_length_unless_one_is_set() {
    let log2 = |options: &EncodeOptions| compress(&[], options).unwrap()[6];
    assert_eq!([0, 1, 3, 6].map(|number| log2(&level(number))), [18, 20, 22, 23]);
    assert_eq!(log2(&EncodeOptions::new().block_len(1 << 16).level(9)), 16);
    assert_eq!(log2(&level(9).block_len(1 << 16)), 16);
    let error = compress(&[], &level(10)).unwrap_err();
    assert_eq!(error, Error::InvalidOption { option: "level", given: 10, min: 0, max: 9 });
    let error = compress(&[], &level(1).entropy_chunk_bytes(1 << 21)).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "entropy_chunk_bytes", .. }));
}

#[test]
fn flushed_pieces_come_back_one_by_one() {
    let raw = log(20_000);
    let mut writer = RansWriter::with_options(Vec::new(), level(3));
    for part in raw.chunks(300) {
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
    }
    let stream = writer.finish().unwrap();
    assert!(stream.len() < raw.len() * 8 / 10, "{}", stream.len());
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw);
}

#[test]
fn a_reader_seeks_with_and_without_an_index() {
    let raw = log(200_000);
    for index in [true, false] {
        let stream = compress(&raw, &level(6).block_len(30_000).index(index)).unwrap();
        let mut reader = RansReader::new(Cursor::new(stream));
        for at in [150_001, 29_990, 0, 199_900] {
            let mut part = [0; 100];
            reader.seek(SeekFrom::Start(at)).unwrap();
            reader.read_exact(&mut part).unwrap();
            assert_eq!(part, raw[at as usize..][..100], "at {at}, index {index}");
        }
    }
}

#[test]
fn blocks_around_a_damaged_one_are_recovered() {
    let raw = log(120_000);
    let mut stream = compress(&raw, &level(2).block_len(30_000)).unwrap();
    let middle = stream.len() / 2;
    stream[middle] ^= 1;
    let mut recovered = Vec::new();
    for found in Recovery::new(&stream[..]) {
        if let Found::Block { raw, .. } = found.unwrap() {
            recovered.extend(raw);
        }
    }
    assert_eq!(recovered.len(), 90_000);
}

#[test]
fn a_bare_block_stands_for_itself() {
    let (raw, mut bytes) = (log(9000), Vec::new());
    block::encode(&raw, &level(4), &mut bytes).unwrap();
    assert_eq!(bytes[0], BlockMode::Lz.tag());
    let mut back = vec![0; block::raw_len(&bytes).unwrap()];
    block::decode(&bytes, &mut back).unwrap();
    assert_eq!(back, raw);
}

/// Payload, raw bytes, and eight times the largest chunk there can be.
#[test]
fn memory_is_refused_before_it_is_taken() {
    let raw = log(50_000);
    let stream = compress(&raw, &level(1)).unwrap();
    let header = stream[StreamHeader::FIXED_LEN..].first_chunk().unwrap();
    let header = BlockHeader::parse(header, ranstream::error::Part::Block(0), 0).unwrap();
    let needed = header.payload_len() as usize + 4 + 9 * raw.len();
    let with = |bytes| decompress(&stream, &DecodeOptions::new().limits(Limits::new().max_memory(bytes)));
    assert_eq!(with(needed).unwrap(), raw);
    let error = with(needed - 1).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: Limit::Memory, offset: 8, .. }), "{error}");
}
