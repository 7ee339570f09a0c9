//! Application data: blocks that readers step over unless they ask for them.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, RansReader, RansWriter, compress, decompress,
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
