//! What a decoder may spend, and what a stream says about its own length.

use std::io::{self, Read as _, Write as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limit, Limits, Mode, RansReader, RansWriter, compress, decompress,
    decompress_into,
    format::{BLOCK_OVERHEAD, BlockHeader, StreamHeader},
    stream::Decoder,
    write::RansDecoder,
};

use crate::{
    assembly::{Assembly, data_block},
    data,
    steps::{self, Cuts},
};

#[test]
fn a_block_above_the_limit_is_refused_behind_the_blocks_before_it() {
    let assembled = Assembly::new(header(10))
        .block(&data_block(0x02, 100, b"f"), &[b'f'; 100])
        .block(&data_block(0x02, 101, b"f"), &[b'f'; 101])
        .finish();
    let error = Error::LimitExceeded { limit: Limit::BlockLen, found: 101, allowed: 100, offset: 21 };
    everywhere(&assembled.stream, Limits::new().max_block_len(100), &assembled.raw[..100], Err(error));
    everywhere(&assembled.stream, Limits::new().max_block_len(101), &assembled.raw, Ok(()));
}

#[test]
fn output_is_counted_over_all_streams() {
    let (part, options) = (data::text(1000), EncodeOptions::new().mode(Mode::Stored).block_len(500));
    let stream = compress(&part, &options).unwrap();
    let (stream_len, block_len) = (stream.len() as u64, 500 + BLOCK_OVERHEAD as u64);
    let (streams, raw) = (stream.repeat(3), part.repeat(3));
    for (allowed, blocks) in [(2999, 5), (2500, 5), (2499, 4), (500, 1), (499, 0), (0, 0)] {
        let good = blocks * 500;
        let offset = blocks / 2 * stream_len + 8 + blocks % 2 * block_len;
        let error = Error::LimitExceeded { limit: Limit::Output, found: good + 500, allowed, offset };
        everywhere(&streams, Limits::new().max_output(allowed), &raw[..good as usize], Err(error));
    }
    everywhere(&streams, Limits::new().max_output(3000), &raw, Ok(()));
    let empty = compress(&[], &EncodeOptions::new()).unwrap();
    everywhere(&empty.repeat(3), Limits::new().max_output(0), &[], Ok(()));
}

#[test]
fn memory_covers_what_a_block_needs() {
    let raw = data::two_symbols(10_000);
    let stream = compress(&raw, &EncodeOptions::new().mode(Mode::Lanes)).unwrap();
    let coded = stream.len() - 8 - 32 - 8;
    for allowed in [100, 9999, raw.len() + coded - 1] {
        let found = (raw.len() + coded) as u64;
        let error = Error::LimitExceeded { limit: Limit::Memory, found, allowed: allowed as u64, offset: 8 };
        everywhere(&stream, Limits::new().max_memory(allowed), &[], Err(error));
    }
    everywhere(&stream, Limits::new().max_memory(raw.len() + coded), &raw, Ok(()));

    // A reader holds one block at a time, `decompress` all of them.
    let stream = compress(&raw, &EncodeOptions::new().block_len(100)).unwrap();
    let limits = Limits::new().max_memory(1000);
    let mut back = Vec::new();
    reader(&stream, limits).read_to_end(&mut back).unwrap();
    assert_eq!(back, raw);
    let error = decompress(&stream, &DecodeOptions::new().limits(limits)).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: Limit::Memory, found: 1100, allowed: 1000, .. }), "{error}");
}

#[test]
fn application_data_is_limited_only_for_those_who_keep_it() {
    let assembled = Assembly::new(header(10))
        .application_data(1, &[1; 60])
        .block(&data_block(0x02, 100, b"f"), &[b'f'; 100])
        .application_data(2, &[2; 41])
        .finish();
    everywhere(&assembled.stream, Limits::new(), &assembled.raw, Ok(()));

    let second = assembled.elements[3].coded.clone();
    let error = |found, allowed, offset: usize| Error::LimitExceeded {
        limit: Limit::ApplicationData,
        found,
        allowed,
        offset: offset as u64,
    };
    let read = |max| {
        let mut decoder = Decoder::new(DecodeOptions::new().application_data(max));
        let (raw, result) = steps::decode(&mut decoder, &assembled.stream, &Cuts::new(vec![7]));
        (raw.len(), result)
    };
    assert_eq!(read(101), (100, Ok(())));
    assert_eq!(read(100), (100, Err(error(101, 100, second.start))), "both together");
    assert_eq!(read(59), (0, Err(error(60, 59, 8))), "the first one alone");

    // Taken in time, they never are there together.
    let mut reader = RansReader::with_options(&assembled.stream[..], DecodeOptions::new().application_data(60));
    let mut part = [0; 100];
    reader.read_exact(&mut part).unwrap();
    assert_eq!(reader.next_application_data().map(|kept| kept.data), Some(vec![1; 60]));
    assert_eq!(reader.read(&mut part).unwrap(), 0);
    assert_eq!(reader.next_application_data().map(|kept| kept.data), Some(vec![2; 41]));
}

#[test]
fn application_data_that_claims_4_gib_is_stepped_over_or_refused() {
    let mut stream = Vec::new();
    header(10).write(&mut stream);
    stream.extend(BlockHeader::Skippable { kind: 7, payload_len: u32::MAX }.to_bytes());
    stream.extend([0; 1000]);
    let length = stream.len() as u64;
    everywhere(&stream, Limits::new(), &[], Err(Error::Truncated { offset: length }));
    let error = decompress(&stream, &DecodeOptions::new().application_data(1 << 20)).unwrap_err();
    let found = u32::MAX.into();
    assert_eq!(error, Error::LimitExceeded { limit: Limit::ApplicationData, found, allowed: 1 << 20, offset: 8 });
}

#[test]
fn an_output_slice_that_is_too_short_says_by_how_much() {
    let raw = data::text(1000);
    let stream = compress(&raw, &EncodeOptions::new().block_len(300)).unwrap();
    for threads in [1, 0] {
        let options = DecodeOptions::new().threads(threads);
        for (available, needed) in [(0, 300), (299, 300), (300, 600), (999, 1000)] {
            let error = decompress_into(&stream, &mut vec![0; available], &options).unwrap_err();
            assert_eq!(error, Error::OutputTooSmall { needed, available: available as u64 });
        }
    }
}

#[test]
fn a_writer_keeps_its_declared_length() {
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(100).content_length(250).threads(threads);
        let mut writer = RansWriter::with_options(Vec::new(), options.clone());
        writer.write_all(&[1; 249]).unwrap();
        let error = writer.finish().unwrap_err();
        assert_eq!(inner(error), Error::ContentLength { declared: 250, actual: 249 });

        let mut writer = RansWriter::with_options(Vec::new(), options.clone());
        writer.write_all(&[1; 251]).unwrap_or_default();
        let error = writer.finish().unwrap_err();
        assert_eq!(inner(error), Error::ContentLength { declared: 250, actual: 251 });

        let error = compress(&[1; 400], &options).unwrap_err();
        assert_eq!(error, Error::ContentLength { declared: 250, actual: 300 });
        assert!(compress(&[1; 250], &options).is_ok());
    }
}

#[test]
fn a_reader_knows_the_length_once_it_has_the_header() {
    let stream = compress(&[5; 700], &EncodeOptions::new().content_length(700)).unwrap();
    let mut reader = RansReader::new(&stream[..]);
    assert_eq!(reader.content_length().unwrap(), Some(700));
    assert_eq!(reader.read(&mut [0; 1]).unwrap(), 1);
    assert_eq!(reader.content_length().unwrap(), Some(700));
}

/// Every way to decode gives `good`, then `expected`; those that give everything or nothing give
/// the error.
fn everywhere(stream: &[u8], limits: Limits, good: &[u8], expected: Result<(), Error>) {
    let options = DecodeOptions::new().limits(limits);
    let mut back = Vec::new();
    let result = reader(stream, limits).read_to_end(&mut back);
    assert_eq!((result.map(drop).map_err(inner), &back[..]), (expected.clone(), good), "RansReader");

    let mut decoder = RansDecoder::with_options(Vec::new(), options.clone());
    let result = decoder.write_all(stream).and_then(|()| decoder.try_finish());
    assert_eq!((result.map_err(inner), &decoder.get_ref()[..]), (expected.clone(), good), "RansDecoder");

    let result = steps::decode(&mut Decoder::new(options.clone()), stream, &Cuts::new(vec![5, 999]));
    assert_eq!(result, (good.to_vec(), expected.clone()), "Decoder");

    let mut out = vec![0; good.len() + 2000];
    assert_eq!(decompress_into(stream, &mut out, &options), expected.clone().map(|()| good.len()), "decompress_into");
    assert_eq!(decompress(stream, &options), expected.map(|()| good.to_vec()), "decompress");
}

fn reader(stream: &[u8], limits: Limits) -> RansReader<&[u8]> {
    RansReader::with_options(stream, DecodeOptions::new().limits(limits))
}

fn inner(error: io::Error) -> Error {
    Error::try_from(error).expect("the error is the crate's own")
}

fn header(max_block_log2: u8) -> StreamHeader {
    StreamHeader { max_block_log2, content_length: None, content_check: false, index: false }
}
