//! Streams that end too early: every complete block comes out, then an error that says where the
//! input ended.

use std::io::{self, Read as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Kernel, RansReader, TrailingData, block, compress,
    error::Part,
    format::{BlockHeader, IndexFooter, MAGIC, StreamHeader},
    stream::{Decoder, Op, Status},
};

use crate::{
    assembly::{Assembled, Assembly, Element},
    data::{self, every_mode_stream},
    faulty::EndsOnce,
    outcomes::{self, Outcome, WAYS, Way, agreed},
};

#[test]
fn every_prefix() {
    prefixes(outcomes::read, &DecodeOptions::new(), 1);
}

#[test]
fn prefixes_in_every_way() {
    every_way_of_prefixes(13);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn every_prefix_in_every_way() {
    every_way_of_prefixes(1);
}

fn every_way_of_prefixes(step: usize) {
    // Application data that is kept is read in one piece, other is stepped over.
    let options = DecodeOptions::new();
    for options in [options.clone(), options.clone().threads(0), options.application_data(100)] {
        for (_, way) in WAYS {
            prefixes(way, &options, step);
        }
    }
}

fn prefixes(way: Way, options: &DecodeOptions, step: usize) {
    let good = every_mode_stream();
    for cut in (0..good.stream.len()).step_by(step) {
        assert_eq!(way(&good.stream[..cut], options), expected(&good, cut), "cut at {cut}, {options:?}");
    }
}

/// What must come of the first `cut` bytes.
fn expected(good: &Assembled, cut: usize) -> Outcome {
    let whole = good.elements.iter().take_while(|element| element.coded.end <= cut).last();
    let raw = good.raw[..whole.map_or(0, |element| element.raw.end)].to_vec();
    let ends_here = cut > 0 && stream_starts(good).any(|start| start == cut);
    let error = (!ends_here).then_some(Error::Truncated { offset: cut as u64 });
    Outcome { raw, error }
}

fn stream_starts(good: &Assembled) -> impl Iterator<Item = usize> {
    let headers = good.elements.iter().filter(|element| element.part == Part::StreamHeader);
    headers.map(|element: &Element| element.coded.start)
}

#[test]
fn a_cut_between_streams_is_an_end() {
    let good = every_mode_stream();
    let second = stream_starts(&good).nth(1).unwrap();
    let outcome = agreed(&good.stream[..second], &DecodeOptions::new());
    let raw_len = good.elements.iter().find(|element| element.coded.start == second).unwrap().raw.start;
    assert_eq!(outcome, Outcome { raw: good.raw[..raw_len].to_vec(), error: None });
}

#[test]
fn around_every_part_of_a_larger_stream() {
    for level in [0, 3] {
        around_every_part(&EncodeOptions::new().level(level));
    }
}

fn around_every_part(options: &EncodeOptions) {
    let raw = data::text(5000);
    let mut assembly =
        Assembly::new(StreamHeader { max_block_log2: 11, content_length: None, content_check: true, index: true });
    for part in raw.chunks(1500) {
        let mut coded = Vec::new();
        block::encode(part, options, &mut coded).unwrap();
        assembly = assembly.block(&coded, part).application_data(1, part);
    }
    let good = assembly.finish();
    for element in &good.elements {
        for cut in element.coded.start.saturating_sub(3)..element.coded.start + 10 {
            assert_eq!(agreed(&good.stream[..cut], &DecodeOptions::new()), expected(&good, cut), "cut at {cut}");
        }
    }
}

#[test]
fn nothing_is_not_a_stream() {
    let outcome = Outcome { raw: vec![], error: Some(Error::Truncated { offset: 0 }) };
    for options in [
        DecodeOptions::new(),
        DecodeOptions::new().single_stream(true),
        DecodeOptions::new().trailing_data(TrailingData::Ignore),
    ] {
        assert_eq!(agreed(b"", &options), outcome);
    }
}

#[test]
fn a_single_stream_is_truncated_at_every_prefix() {
    let stream = compress(&data::text(900), &EncodeOptions::new().block_len(300).index(true)).unwrap();
    let options = DecodeOptions::new().single_stream(true);
    for cut in 0..stream.len() {
        let outcome = outcomes::read(&stream[..cut], &options);
        assert_eq!(outcome.error, Some(Error::Truncated { offset: cut as u64 }));
    }
    assert_eq!(agreed(&stream, &options).error, None);
}

/// Half a magic behind a stream may be the start of another one; with other bytes it is certain
/// that it is not.
#[test]
fn a_cut_in_the_magic_of_a_second_stream() {
    let first = compress(b"first", &EncodeOptions::new()).unwrap();
    for policy in [TrailingData::Reject, TrailingData::Ignore] {
        for len in 1..MAGIC.len() {
            let stream = [&first[..], &MAGIC[..len]].concat();
            let outcome = agreed(&stream, &DecodeOptions::new().trailing_data(policy));
            let error = Some(Error::Truncated { offset: stream.len() as u64 });
            assert_eq!(outcome, Outcome { raw: b"first".to_vec(), error });
        }
    }
}

#[test]
fn the_end_of_the_input_is_asked_for_once() {
    let good = every_mode_stream();
    for cut in (0..=good.stream.len()).step_by(11).chain([good.stream.len()]) {
        for threads in [1, 0] {
            let inner = EndsOnce::new(&good.stream[..cut]);
            let mut reader = RansReader::with_options(inner, DecodeOptions::new().threads(threads));
            let result = reader.read_to_end(&mut Vec::new());
            for _ in 0..3 {
                match (&result, reader.read(&mut [0; 10])) {
                    (Ok(_), Ok(0)) => {}
                    (Err(_), Err(error)) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
                    (first, then) => panic!("{first:?}, then {then:?}"),
                }
            }
        }
    }
}

/// A driver that reads as many bytes as it is asked for reads each part of a stream at once, and
/// never a byte too many. A kernel that decodes several blocks together has room for more.
#[test]
fn every_prefix_asks_for_the_rest_of_its_part() {
    let good = every_mode_stream();
    for (kept, kernel) in [(0, Some(Kernel::Portable)), (100, Some(Kernel::Portable)), (0, None), (100, None)] {
        let options = DecodeOptions::new().application_data(kept);
        let options = kernel.map_or(options.clone(), |kernel| options.kernel(kernel));
        let mut parts: Vec<_> = good.elements.iter().flat_map(|element| parts(&good, element, kept)).collect();
        // The header of a stream that may follow.
        parts.push((good.stream.len() + StreamHeader::FIXED_LEN, 0));
        let mut byte_by_byte = Decoder::new(options.clone());
        for cut in 0..=good.stream.len() {
            let (end, beyond) = parts.iter().find(|(end, _)| *end > cut).unwrap();
            let (missing, room) = (end - cut, end - cut + beyond);
            let at_once = asks_for(&mut Decoder::new(options.clone()), &good.stream[..cut]);
            let last = &good.stream[cut.saturating_sub(1)..cut];
            for (asked, given) in [at_once, asks_for(&mut byte_by_byte, last)] {
                assert_eq!(asked, missing, "{cut} bytes, {kept} kept");
                assert!(given == room || (kernel.is_none() && given > room), "{cut} bytes, {kept} kept: {given}");
            }
        }
    }
}

/// Where the parts of an element end that are waited for one by one, and how many bytes are certain
/// to follow each. What is stepped over ends before its check, an index before its footer.
fn parts(good: &Assembled, element: &Element, kept: usize) -> Vec<(usize, usize)> {
    let Element { part, coded, .. } = element;
    let (header, next) = ((coded.start + BlockHeader::LEN, 0), BlockHeader::LEN);
    let has_index = good.elements.iter().any(|index| index.part == Part::Index && index.coded.start == coded.end);
    match part {
        Part::StreamHeader => vec![header, (coded.end, 0)],
        Part::Index => vec![header, (coded.end - IndexFooter::TAIL_LEN, 0), (coded.end, 0)],
        Part::Block(_) if good.stream[coded.start] == 0x41 && kept == 0 => {
            vec![header, (coded.end - 4, 0), (coded.end, next)]
        }
        Part::End if !has_index => vec![header, (coded.end, 0)],
        _ => vec![header, (coded.end, next)],
    }
}

/// How many bytes a decoder needs when it has taken all of `input`, and for how many it has room.
fn asks_for(decoder: &mut Decoder, mut input: &[u8]) -> (usize, usize) {
    let mut output = [0; 1000];
    loop {
        let step = decoder.step(input, &mut output, Op::Run).unwrap();
        input = &input[step.consumed..];
        if let Status::NeedsInput { at_least } = step.status {
            assert!(input.is_empty());
            return (at_least, decoder.space().unwrap().len());
        }
    }
}
