//! What stands between blocks, and what becomes of a lost worker.

use super::*;
use crate::{Mode, Prefer};

/// Everything that is ready, and what comes of `op`.
fn drain(encoder: &mut Encoder, op: Op, stream: &mut Vec<u8>) -> Status {
    loop {
        let status = encoder.step(&[], &mut [], op).unwrap().status;
        if !matches!(status, Status::NeedsOutput { .. }) {
            return status;
        }
        stream.extend(encoder.ready());
        encoder.consume(encoder.ready().len());
    }
}

#[test]
fn blocks_that_were_coded_elsewhere_make_the_same_stream() {
    let raw: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 9) as u8 / 3).collect();
    let options = EncodeOptions::new().block_len(30_000).content_check(true).index(true);
    let (mut encoder, mut stream) = (Encoder::new(options.clone()), Vec::new());
    for (number, chunk) in raw.chunks(30_000).enumerate() {
        let mut coded = Vec::new();
        block::encode(chunk, &options, &mut coded).unwrap();
        // What cannot be harms nothing.
        assert!(matches!(encoder.coded_block(&coded, &chunk[1..]), Err(Error::InvalidOption { .. })));
        assert!(matches!(encoder.coded_block(&coded[1..], chunk), Err(Error::Corrupt { .. })));
        assert_eq!(encoder.coded_block(&coded[..9], chunk), Err(Error::Truncated { offset: 9 }));
        let last = coded.len() - 1;
        let flipped = [&coded[..last], &[!coded[last]]].concat();
        assert!(matches!(encoder.coded_block(&flipped, chunk), Err(Error::Corrupt { .. })));
        if number == 2 {
            // The encoder codes what it is given between them.
            assert_eq!(encoder.step(chunk, &mut [], Op::Run).unwrap().consumed, chunk.len());
        } else {
            while !encoder.coded_block(&coded, chunk).unwrap() {
                drain(&mut encoder, Op::Flush, &mut stream);
            }
        }
        drain(&mut encoder, Op::Flush, &mut stream);
    }
    assert_eq!(drain(&mut encoder, Op::Finish, &mut stream), Status::Finished);
    assert!(stream == crate::compress(&raw, &options).unwrap());
    assert_eq!(encoder.coded_block(&stream, &raw), Err(Error::Finished));

    let mut encoder = Encoder::new(options.block_len(20_000).content_length(10));
    let (mut long, mut short) = (Vec::new(), Vec::new());
    block::encode(&raw[..20_001], &EncodeOptions::new(), &mut long).unwrap();
    block::encode(&raw[..11], &EncodeOptions::new(), &mut short).unwrap();
    assert!(matches!(encoder.coded_block(&long, &raw[..20_001]), Err(Error::InvalidOption { .. })));
    drain(&mut encoder, Op::Flush, &mut stream);
    let too_many = Error::ContentLength { declared: 10, actual: 11 };
    assert_eq!(encoder.coded_block(&short, &raw[..11]), Err(too_many));
}

/// What comes of parts of `raw`, each of which ends at one of `ends`, with a flush behind it where
/// that says so.
fn stream_of(raw: &[u8], ends: &[(usize, bool)], options: &EncodeOptions) -> Vec<u8> {
    let (mut encoder, mut stream, mut at) = (Encoder::new(options.clone()), Vec::new(), 0);
    for &(end, flushes) in ends {
        while at < end {
            let few = encoder.push_few(&raw[at..end]);
            at += if few { end - at } else { encoder.step(&raw[at..end], &mut [], Op::Run).unwrap().consumed };
            stream.extend(encoder.ready());
            encoder.consume(encoder.ready().len());
        }
        if flushes {
            assert_eq!(drain(&mut encoder, Op::Flush, &mut stream), Status::Flushed);
        }
    }
    assert_eq!(drain(&mut encoder, Op::Finish, &mut stream), Status::Finished);
    stream
}

/// Blocks that come at once are coded from where they lie, others by a sample that is taken while
/// they are copied.
#[test]
fn blocks_that_come_in_parts_are_the_same() {
    let raw: Vec<u8> = (0..600_000_u32).map(|at| (at.wrapping_mul(at) >> 9) as u8 % (2 + at as u8 / 4)).collect();
    let level_0 = || EncodeOptions::new().level(0);
    for (options, block_len) in [
        (level_0(), 256 << 10),
        (level_0().mode(Mode::Lanes).block_len(200_001), 200_001),
        (level_0().sampling(false), 256 << 10),
        (level_0().prefer(Prefer::Speed), 256 << 10),
        (level_0().mode(Mode::Lanes).prefer(Prefer::Ratio).layout(Layout::f32().block_len(256 << 10)), 256 << 10),
        (level_0().layout(Layout::f32()).block_len(256 << 10), 256 << 10),
        (EncodeOptions::new().block_len(256 << 10), 256 << 10),
    ] {
        let whole = stream_of(&raw, &[(raw.len(), false)], &options);
        assert!(whole == crate::compress(&raw, &options).unwrap(), "{options:?}");
        for part_len in [10_000, LONG_PART - 1, LONG_PART, 64 << 10, 150_000] {
            let ends: Vec<_> = (part_len..raw.len()).step_by(part_len).chain([raw.len()]).collect();
            let parts: Vec<_> = ends.iter().map(|&end| (end, false)).collect();
            assert!(stream_of(&raw, &parts, &options) == whole, "{part_len}, {options:?}");
        }
        // Short parts and long ones, first and last; blocks that are flushed before they are full.
        let few_first = [(1, false), (70_000, false), (70_003, false), (raw.len(), false)];
        assert!(stream_of(&raw, &few_first, &options) == whole, "{options:?}");
        let flushed = block_len + 90_000;
        let expected = stream_of(&raw, &[(flushed, true), (raw.len(), false)], &options);
        let long_first = [(100_000, false), (flushed - 5, false), (flushed, true), (flushed + 9, false)];
        let long_last = [(flushed + 100_000, false), (raw.len(), false)];
        assert!(stream_of(&raw, &[long_first.as_slice(), &long_last].concat(), &options) == expected, "{options:?}");
    }
}

#[test]
fn a_sample_is_taken_of_long_parts_of_blocks_that_are_coded_by_it() {
    let level_0 = || EncodeOptions::new().level(0);
    for (options, part_len, expected) in [
        (level_0(), LONG_PART, true),
        (level_0(), LONG_PART - 1, false),
        (level_0().sampling(false), LONG_PART, false),
        (level_0().block_len(64 << 10), LONG_PART, false),
        (level_0().mode(Mode::Stored), LONG_PART, false),
        (level_0().prefer(Prefer::Ratio), LONG_PART, false),
        (EncodeOptions::new().mode(Mode::Lanes).prefer(Prefer::Ratio), LONG_PART, true),
        (level_0().layout(Layout::bytes().block_len(256 << 10)), LONG_PART, true),
        (level_0().base(crate::Base::from_bytes(vec![0; 9])), LONG_PART, false),
        (EncodeOptions::new(), LONG_PART, false),
    ] {
        let mut encoder = Encoder::new(options);
        encoder.step(&vec![7; part_len], &mut [], Op::Run).unwrap();
        assert_eq!(encoder.sample.is_some(), expected, "{part_len}, {:?}", encoder.block_options);
        drain(&mut encoder, Op::Flush, &mut Vec::new());
        assert!(encoder.sample.is_none());
    }
}

#[cfg(feature = "rayon")]
#[test]
fn a_lost_worker_ends_the_stream_behind_the_blocks_before_it() {
    for threads in [2, 0] {
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(100).threads(threads).in_flight(3));
        assert_eq!(encoder.step(&[7; 100], &mut [], Op::Run).unwrap().consumed, 100);
        // Its bytes are not there, which makes its worker panic.
        let (options, coded) = (encoder.block_options, Vec::new());
        encoder.jobs.submit(EncodeJob { raw: Vec::new(), len: 1, coded, options, base: None, appended: None });
        assert_eq!(encoder.step(&[7; 100], &mut [], Op::Run).unwrap().consumed, 100);
        let (mut stream, lost) = (Vec::<u8>::new(), Err(Error::WorkerLost { block: 1 }));
        while encoder.step(&[], &mut [], Op::Flush).is_ok() {
            stream.extend(encoder.ready());
            encoder.consume(encoder.ready().len());
            encoder.wait();
        }
        assert_eq!(stream.len(), 8 + 13, "the header and a fill block");
        assert_eq!(encoder.step(&[], &mut [], Op::Flush), lost);
        assert_eq!(encoder.step(&[], &mut [], Op::Finish), lost, "the stream gets no end");
        encoder.reset();
        assert_eq!(encoder.step(&[], &mut [0; 100], Op::Finish).unwrap().status, Status::Finished);
    }
}
