//! Application data: blocks that readers step over unless they ask for them.

use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    sync::{Arc, Mutex},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, RansReader, RansWriter, compress, decompress,
    format::{BlockMode, StreamHeader},
    stream::{ApplicationData, Decoder, Encoder, Op, Status},
    write::RansDecoder,
};

use crate::{
    assembly::Assembly,
    data::{self, APPLICATION_DATA},
    steps::{self, Cuts},
};

const HEADER: StreamHeader =
    StreamHeader { max_block_log2: 10, content_length: None, content_check: false, index: false };

#[test]
fn every_decoder_finds_it_in_its_place() {
    let assembled = data::every_mode_stream();
    let expected: Vec<_> = APPLICATION_DATA
        .iter()
        .map(|&(kind, data, raw_offset)| ApplicationData { kind, raw_offset, data: data.to_vec() })
        .collect();
    for threads in [1, 0] {
        let options = DecodeOptions::new().application_data(100).threads(threads);

        let mut reader = RansReader::with_options(&assembled.stream[..], options.clone());
        reader.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(all_of(|| reader.next_application_data()), expected);

        let mut writer = RansDecoder::with_options(Vec::new(), options.clone());
        writer.write_all(&assembled.stream).unwrap();
        assert_eq!(all_of(|| writer.next_application_data()), expected);

        let mut decoder = Decoder::new(options);
        steps::decode(&mut decoder, &assembled.stream, &Cuts::new(vec![1])).1.unwrap();
        assert_eq!(all_of(|| decoder.next_application_data()), expected);
    }
    let mut reader = RansReader::new(&assembled.stream[..]);
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(reader.next_application_data(), None, "nobody asked for it");
}

#[test]
fn offsets_count_over_concatenated_streams() {
    let stream = || {
        Assembly::new(HEADER)
            .application_data(1, b"before")
            .data(&[b'f'; 70], &EncodeOptions::new(), BlockMode::Fill)
            .application_data(2, b"after")
            .finish()
    };
    let both = stream().then(&stream());
    let mut reader = RansReader::with_options(&both.stream[..], DecodeOptions::new().application_data(100));
    reader.read_to_end(&mut Vec::new()).unwrap();
    let places: Vec<_> =
        all_of(|| reader.next_application_data()).iter().map(|kept| (kept.kind, kept.raw_offset)).collect();
    assert_eq!(places, [(1, 0), (2, 70), (1, 70), (2, 140)]);
}

#[test]
fn it_is_there_before_the_bytes_behind_it() {
    let mut writer = RansWriter::new(Vec::new());
    writer.write_all(b"first").unwrap();
    writer.write_application_data(3, b"between").unwrap();
    writer.write_all(b"second").unwrap();
    let stream = writer.finish().unwrap();

    let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().application_data(100));
    let mut part = [0; 5];
    reader.read_exact(&mut part).unwrap();
    assert_eq!((&part, reader.next_application_data()), (b"first", None));
    reader.read_exact(&mut part[..1]).unwrap();
    assert_eq!(reader.next_application_data().map(|kept| (kept.raw_offset, kept.data)), Some((5, b"between".to_vec())));
}

/// Some neighbours of lanes are decoded together: not beyond what stands between them, nor beyond
/// the room that there is.
#[test]
fn it_stands_between_blocks_of_lanes() {
    let raw = data::text(24_000);
    let stream = |raw: &[u8]| {
        let mut assembly = Assembly::new(StreamHeader { content_check: true, ..HEADER });
        for part in raw.chunks(4000) {
            for block in part.chunks(1000) {
                assembly = assembly.data(block, &EncodeOptions::new().mode(Mode::Lanes), BlockMode::Lanes);
            }
            assembly = assembly.application_data(5, &part[..1]);
        }
        assembly.finish()
    };
    let first = stream(&raw[..12_000]);
    let both = first.clone().then(&stream(&raw[12_000..]));
    for (single, coded_len, raw) in [(false, both.stream.len(), &raw[..]), (true, first.stream.len(), &raw[..12_000])] {
        for (threads, room) in [1, 2].into_iter().flat_map(|threads| ROOMS.map(|room| (threads, room))) {
            let told = Arc::new(Mutex::new(Vec::new()));
            let tell = Arc::clone(&told);
            let options = DecodeOptions::new().application_data(100).single_stream(single).threads(threads);
            let mut decoder =
                Decoder::new(options.on_progress(move |progress| tell.lock().unwrap().push(progress.raw_bytes())));
            let (taken, back, ends) = decode_in_slices(&mut decoder, &both.stream, room);
            let case = format!("single stream: {single}, {threads} threads, room for {room} bytes");
            assert!(back == raw, "{} bytes, {case}", back.len());
            assert_eq!(taken, coded_len, "{case}");
            let multiples = |of: u64| (1..=raw.len() as u64 / of).map(|number| number * of).collect::<Vec<_>>();
            assert_eq!(ends, multiples(12_000), "{case}");
            let kept = all_of(|| decoder.next_application_data());
            let places: Vec<_> = kept.iter().map(|kept| kept.raw_offset).collect();
            assert_eq!(places, multiples(4000), "{case}");
            assert!(kept.iter().zip(raw.chunks(4000)).all(|(kept, part)| kept.data == part[..1]), "{case}");
            assert_eq!(*told.lock().unwrap(), multiples(1000), "{case}");
        }
    }
}

/// Raw bytes that a slice has room for.
const ROOMS: [usize; 5] = [100_000, 12_000, 5500, 1000, 999];

/// How many bytes were taken, the raw bytes, and how many of them were there when a stream ended.
fn decode_in_slices(decoder: &mut Decoder, stream: &[u8], room: usize) -> (usize, Vec<u8>, Vec<u64>) {
    let (mut taken, mut raw, mut ends, mut out) = (0, Vec::new(), Vec::new(), vec![0; room]);
    loop {
        let step = decoder.step(&stream[taken..], &mut out, Op::Finish).unwrap();
        taken += step.consumed;
        raw.extend(&out[..step.produced]);
        match step.status {
            Status::StreamEnd => ends.push(raw.len() as u64),
            Status::InFlight { .. } => decoder.wait(),
            Status::Finished => return (taken, raw, ends),
            _ => {}
        }
    }
}

#[test]
fn kinds_of_the_format_are_stepped_over_by_all() {
    let assembled =
        Assembly::new(HEADER).application_data(0x8000, b"later").application_data(0xFFFF, b"later").finish();
    let mut reader = RansReader::with_options(&assembled.stream[..], DecodeOptions::new().application_data(100));
    assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(reader.next_application_data(), None);
}

#[test]
fn a_kind_outside_the_applications_range_does_no_harm() {
    let mut writer = RansWriter::new(Vec::new());
    writer.write_all(b"some bytes").unwrap();
    let error = Error::try_from(writer.write_application_data(0x8000, b"x").unwrap_err()).unwrap();
    let expected = Error::InvalidOption { option: "application data kind", given: 0x8000, min: 0, max: 0x7FFF };
    assert_eq!(error, expected);
    writer.write_application_data(0x7FFF, b"x").unwrap();
    let stream = writer.finish().unwrap();
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), b"some bytes");
}

#[test]
fn it_stands_behind_everything_written_before() {
    let raw = data::text(5000);
    for threads in [1, 2] {
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(300).threads(threads).index(true));
        let (mut stream, mut rest) = (Vec::new(), &raw[..]);
        let drain = |encoder: &mut Encoder, stream: &mut Vec<u8>| {
            stream.extend(encoder.ready());
            encoder.consume(encoder.ready().len());
            encoder.wait();
        };
        let mut expected = Vec::new();
        while !rest.is_empty() {
            let taken = encoder.step(&rest[..rest.len().min(777)], &mut [], Op::Run).unwrap().consumed;
            rest = &rest[taken..];
            let data = format!("{} bytes are left", rest.len()).into_bytes();
            while !encoder.application_data(9, &data).unwrap() {
                drain(&mut encoder, &mut stream);
            }
            expected.push(ApplicationData { kind: 9, raw_offset: (raw.len() - rest.len()) as u64, data });
        }
        while encoder.step(&[], &mut [], Op::Finish).unwrap().status != Status::Finished {
            drain(&mut encoder, &mut stream);
        }

        let mut decoder = Decoder::new(DecodeOptions::new().application_data(10_000).threads(threads));
        assert_eq!(steps::decode(&mut decoder, &stream, &Cuts::new(vec![100, 1])), (raw.clone(), Ok(())));
        assert_eq!(all_of(|| decoder.next_application_data()), expected);

        // Readers that seek count these blocks too.
        let mut reader = RansReader::new(std::io::Cursor::new(&stream));
        for position in [0, 299, 300, 4321, 4999] {
            reader.seek(SeekFrom::Start(position)).unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], raw[position as usize], "at {position}");
        }
    }
}

#[test]
fn a_megabyte_of_it_passes() {
    let data = data::all_256_equal(1 << 20);
    let mut writer = RansWriter::new(compress(b"", &EncodeOptions::new()).unwrap());
    writer.write_application_data(0, &data).unwrap();
    let stream = writer.finish().unwrap();
    let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().application_data(1 << 20));
    assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert!(reader.next_application_data().is_some_and(|kept| kept.data == data && kept.raw_offset == 0));
}

fn all_of(next: impl FnMut() -> Option<ApplicationData>) -> Vec<ApplicationData> {
    std::iter::from_fn(next).collect()
}
