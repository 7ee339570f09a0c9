//! Calls in the wrong order, at the wrong time, with the wrong arguments: documented results or
//! errors, and never harm to what was right.

use std::{
    io::{self, BufRead as _, ErrorKind, Read as _, Write},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limit, Mode, RansReader, RansWriter, TrailingData, compress, decompress,
    decompress_into,
    read::RansEncoder,
    stream::{Decoder, Encoder, Op, Status},
    write::RansDecoder,
};

use crate::{
    data::{self, every_mode_stream},
    faulty::{EndsOnce, Fault, Faulty, NoFurther, Short, When},
    outcomes::{Outcome, agreed, from_io, read},
};

fn options() -> EncodeOptions {
    EncodeOptions::new().block_len(300)
}

fn restored(stream: &[u8]) -> Vec<u8> {
    decompress(stream, &DecodeOptions::new()).unwrap()
}

#[test]
fn a_writer_after_its_end() {
    for threads in [1, 2] {
        let raw = data::text(1000);
        let mut writer = RansWriter::with_options(Vec::new(), options().threads(threads));
        writer.write_all(&raw).unwrap();
        writer.try_finish().unwrap();
        let stream = writer.get_ref().clone();
        for _ in 0..2 {
            assert_eq!(writer.write(b"").unwrap(), 0);
            assert_eq!(from_io(writer.write(b"more").unwrap_err()), Error::Finished);
            assert_eq!(from_io(writer.write_application_data(1, b"more").unwrap_err()), Error::Finished);
            writer.flush().unwrap();
            writer.cut_block().unwrap();
            writer.try_finish().unwrap();
        }
        assert_eq!(writer.finish().unwrap(), stream);
        assert_eq!(restored(&stream), raw);
    }
}

/// The inner writer was busy when the stream ended, and the caller went on as if nothing was: the
/// stream's last bytes still go out.
#[test]
fn a_write_between_two_tries_to_finish() {
    let raw = data::text(1000);
    let inner = Faulty::new(Vec::new(), Fault::Error(ErrorKind::WouldBlock), When::from(1));
    let mut writer = RansWriter::with_options(inner, EncodeOptions::new());
    writer.write_all(&raw).unwrap();
    assert_eq!(writer.try_finish().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(from_io(writer.write(b"more").unwrap_err()), Error::Finished);
    writer.get_mut().heal();
    assert_eq!(restored(&writer.finish().unwrap().inner), raw);
}

#[test]
fn an_encoder_after_its_end() {
    let mut encoder = Encoder::new(EncodeOptions::new());
    let mut stream = vec![0; 200];
    let len = encoder.step(b"some bytes", &mut stream, Op::Finish).unwrap().produced;
    assert_eq!(encoder.step(b"more", &mut [0; 10], Op::Run), Err(Error::Finished));
    assert_eq!(encoder.space().err(), Some(Error::Finished));
    assert_eq!(encoder.application_data(1, b""), Err(Error::Finished));
    assert_eq!(encoder.step(&[], &mut [], Op::Finish).unwrap().status, Status::Finished);
    assert_eq!(restored(&stream[..len]), b"some bytes");
    encoder.reset();
    let again = encoder.step(b"some bytes", &mut stream[len..], Op::Finish).unwrap().produced;
    assert_eq!(stream[..len], stream[len..len + again]);
}

/// The bytes that are ready come out before the error of what is asked for behind them.
#[test]
fn input_behind_the_end_costs_no_byte_that_is_ready() {
    let mut encoder = Encoder::new(EncodeOptions::new());
    let (mut stream, mut part) = (Vec::new(), [0; 5]);
    let first = encoder.step(b"some bytes", &mut part, Op::Finish).unwrap();
    stream.extend(&part[..first.produced]);
    loop {
        match encoder.step(b"more", &mut part, Op::Run) {
            Ok(step) => {
                assert!(step.consumed == 0 && step.produced > 0, "{step:?}");
                stream.extend(&part[..step.produced]);
            }
            Err(error) => break assert_eq!(error, Error::Finished),
        }
    }
    assert_eq!(restored(&stream), b"some bytes");
}

#[test]
fn a_decoder_after_its_end() {
    let stream = compress(b"some bytes", &options()).unwrap();
    let mut decoder = Decoder::new(DecodeOptions::new().single_stream(true));
    let mut raw = [0; 20];
    let step = decoder.step(&stream, &mut raw, Op::Run).unwrap();
    assert_eq!((step.consumed, step.produced, step.status), (stream.len(), 10, Status::StreamEnd));
    for _ in 0..2 {
        assert_eq!(decoder.step(&[], &mut [], Op::Finish).unwrap().status, Status::Finished);
        assert_eq!(decoder.space().unwrap(), b"");
        let step = decoder.step(b"more", &mut raw, Op::Finish).unwrap();
        assert_eq!((step.consumed, step.produced, step.status), (0, 0, Status::Finished));
        assert_eq!(decoder.unused(), b"");
    }
}

/// With the first byte that begins no stream, not one step later.
#[test]
fn a_decoder_that_ignores_what_follows_says_that_it_is_finished() {
    let stream = compress(b"some bytes", &options()).unwrap();
    for (garbage, consumed) in [(&b"xyz"[..], 3), (b"garbage!", 0), (b"much garbage", 0)] {
        let mut decoder = Decoder::new(DecodeOptions::new().trailing_data(TrailingData::Ignore));
        let mut raw = [0; 20];
        assert_eq!(decoder.step(&stream, &mut raw, Op::Run).unwrap().status, Status::StreamEnd);
        let step = decoder.step(garbage, &mut raw, Op::Run).unwrap();
        assert_eq!((step.consumed, step.produced, step.status), (consumed, 0, Status::Finished));
        assert_eq!(decoder.unused(), &garbage[..consumed]);
    }
}

#[test]
fn a_push_decoder_after_its_end() {
    let stream = compress(b"some bytes", &options()).unwrap();
    for policy in [TrailingData::Reject, TrailingData::Ignore] {
        let mut decoder = RansDecoder::with_options(Vec::new(), DecodeOptions::new().trailing_data(policy));
        decoder.write_all(&stream).unwrap();
        decoder.try_finish().unwrap();
        for _ in 0..2 {
            assert_eq!(decoder.write(b"").unwrap(), 0);
            assert_eq!(from_io(decoder.write(&stream).unwrap_err()), Error::Finished);
            decoder.flush().unwrap();
            decoder.try_finish().unwrap();
        }
        assert_eq!(decoder.finish().unwrap(), b"some bytes");
    }
}

#[test]
fn a_reader_after_its_end() {
    let stream = compress(b"some bytes", &options()).unwrap();
    let mut reader = RansReader::new(&stream[..]);
    reader.read_to_end(&mut Vec::new()).unwrap();
    for _ in 0..3 {
        assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0);
        assert_eq!(reader.fill_buf().unwrap(), b"");
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    let mut encoder = RansEncoder::with_options(EndsOnce::new(&b"some bytes"[..]), options());
    let mut read = Vec::new();
    encoder.read_to_end(&mut read).unwrap();
    assert_eq!(read, stream);
    for _ in 0..3 {
        assert_eq!(encoder.read(&mut [0; 10]).unwrap(), 0);
        assert_eq!(encoder.fill_buf().unwrap(), b"");
    }
}

#[test]
fn a_writer_that_is_not_finished_leaves_a_truncated_stream() {
    for threads in [1, 2] {
        let raw = data::text(1000);
        let mut stream = Vec::new();
        let mut writer = RansWriter::with_options(&mut stream, options().threads(threads));
        writer.write_all(&raw[..700]).unwrap();
        writer.flush().unwrap();
        writer.write_all(&raw[700..]).unwrap();
        drop(writer);
        let Outcome { raw: back, error } = read(&stream, &DecodeOptions::new());
        assert_eq!(error, Some(Error::Truncated { offset: stream.len() as u64 }));
        assert!(back.len() >= 700 && raw.starts_with(&back));
    }
}

#[test]
fn a_writer_that_finishes_by_itself() {
    let raw = data::text(1000);
    for threads in [1, 2] {
        let mut stream = Vec::new();
        let mut writer = RansWriter::with_options(&mut stream, options().threads(threads)).auto_finish();
        writer.write_all(&raw).unwrap();
        writer.flush().unwrap();
        drop(writer);
        assert_eq!(restored(&stream), raw);

        let writer = RansWriter::with_options(&mut stream, options().threads(threads)).auto_finish().into_inner();
        drop(writer);
        assert_eq!(restored(&stream), raw, "it was taken back, so nothing was appended");
    }
}

#[test]
fn a_panic_elsewhere_does_not_finish_a_stream() {
    for threads in [1, 2] {
        let mut stream = Vec::new();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut writer = RansWriter::with_options(&mut stream, options().threads(threads)).auto_finish();
            writer.write_all(&data::text(1000)).unwrap();
            resume_unwind(Box::new("something else fails"));
        }));
        assert!(panicked.is_err());
        let error = decompress(&stream, &DecodeOptions::new()).unwrap_err();
        assert_eq!(error, Error::Truncated { offset: stream.len() as u64 });
    }
}

#[test]
fn dropping_over_a_writer_that_fails_is_quiet() {
    for fault in [Fault::Error(ErrorKind::BrokenPipe), Fault::Zero, Fault::TooMany] {
        let mut inner = Faulty::new(Vec::new(), fault, When::from(1));
        let mut writer = RansWriter::with_options(&mut inner, options()).auto_finish();
        writer.write_all(b"some bytes").unwrap();
        drop(writer);
        assert!(inner.faults > 0 && inner.inner.is_empty());
    }
}

#[test]
fn a_failed_finish_gives_the_writer_back() {
    let raw = data::text(1000);
    let clean = compress(&raw, &options()).unwrap();
    for op in 1.. {
        let inner = Faulty::new(Short::new(Vec::new(), 90, op), Fault::Error(ErrorKind::BrokenPipe), When::never());
        let mut writer = RansWriter::with_options(inner, options());
        writer.write_all(&raw).unwrap();
        let before = writer.get_ref().ops;
        writer.get_mut().when = When::once(before + op);
        let Err(error) = writer.try_finish() else {
            let inner = writer.into_inner();
            assert_eq!((inner.faults, inner.inner.into_inner()), (0, clean));
            break;
        };
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let inner = writer.finish().unwrap();
        assert_eq!(inner.inner.into_inner(), clean, "operation {op} of finish");
    }
}

#[test]
fn a_failed_finish_gives_the_decoder_back() {
    let stream = compress(b"some bytes", &options()).unwrap();
    let inner = Faulty::new(Vec::new(), Fault::Error(ErrorKind::TimedOut), When::from(1));
    let mut decoder = RansDecoder::new(inner);
    decoder.write_all(&stream[..stream.len() - 32]).unwrap();
    assert_eq!(decoder.try_finish().unwrap_err().kind(), ErrorKind::TimedOut);
    decoder.get_mut().heal();
    let error = decoder.try_finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "the end block is missing");
    assert_eq!(decoder.into_inner().inner, b"some bytes");

    let mut decoder = RansDecoder::new(Vec::new());
    decoder.write_all(&stream[..stream.len() - 1]).unwrap();
    assert_eq!(decoder.try_finish().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(decoder.into_inner(), b"some bytes", "the block was whole");

    let error = RansDecoder::new(Vec::new()).finish().unwrap_err();
    assert_eq!(from_io(error), Error::Truncated { offset: 0 });
}

#[test]
fn nothing_at_all_is_a_stream_of_nothing() {
    for options in [options(), options().index(true).content_check(true).content_length(0), options().threads(2)] {
        let stream = RansWriter::with_options(Vec::new(), options.clone()).finish().unwrap();
        assert_eq!(compress(b"", &options).unwrap(), stream);
        let mut read = Vec::new();
        RansEncoder::with_options(&b""[..], options).read_to_end(&mut read).unwrap();
        assert_eq!(read, stream);
        assert_eq!(agreed(&stream, &DecodeOptions::new()), Outcome { raw: vec![], error: None });
    }
}

#[test]
fn concatenated_streams_are_one() {
    let parts = [data::text(700), vec![], data::uniform(10), vec![], vec![], data::skewed(500), vec![]];
    let streams: Vec<u8> = parts
        .iter()
        .enumerate()
        .flat_map(|(number, part)| {
            let options = options().content_length(part.len() as u64).index(number % 2 == 0);
            compress(part, &options).unwrap()
        })
        .collect();
    assert_eq!(agreed(&streams, &DecodeOptions::new()), Outcome { raw: parts.concat(), error: None });
    let first = Outcome { raw: parts[0].clone(), error: None };
    assert_eq!(read(&streams, &DecodeOptions::new().single_stream(true)), first);
}

#[test]
fn an_error_holds_the_bytes_that_came_and_no_others() {
    for (input, found) in [(&b"text"[..], &b"text"[..]), (b"some text", b"some"), (b"ab", b"ab"), (b"\x89R", b"\x89R")]
    {
        let error = decompress(input, &DecodeOptions::new()).unwrap_err();
        match &error {
            // The start of a stream.
            Error::Truncated { offset } => assert_eq!((input, *offset), (&b"\x89R"[..], 2)),
            Error::NotAStream { found: bytes } => assert_eq!(bytes, found),
            _ => panic!("{error}"),
        }
        let mut decoder = RansDecoder::new(Vec::new());
        let byte_by_byte = input.iter().find_map(|&byte| decoder.write_all(&[byte]).err());
        if let Some(error) = byte_by_byte {
            // Seen at once, and no byte was made up.
            assert_eq!(Error::try_from(error).unwrap(), Error::NotAStream { found: input[..1].to_vec() });
        }
    }
    assert_eq!(
        Error::NotAStream { found: b"ab".to_vec() }.to_string(),
        "not a ranstream stream: it begins with [61, 62], not [89, 52, 4e, 53]"
    );
}

#[test]
fn trailing_data_is_refused_or_ignored() {
    let good = every_mode_stream();
    let offset = good.stream.len() as u64;
    let reject = DecodeOptions::new();
    let ignore = DecodeOptions::new().trailing_data(TrailingData::Ignore);
    for garbage in [&b"x"[..], b"xyz", b"garbage!", &[0; 19], &[0x89, b'R', b'N', b'T'], &data::text(3000)] {
        let input = [&good.stream[..], garbage].concat();
        let error = Some(Error::TrailingData { offset });
        assert_eq!(agreed(&input, &reject), Outcome { raw: good.raw.clone(), error });
        for threads in [1, 2] {
            let ignore = ignore.clone().threads(threads);
            assert_eq!(read(&input, &ignore), Outcome { raw: good.raw.clone(), error: None });
            assert_eq!(decompress(&input, &ignore).as_ref(), Ok(&good.raw));
            for most in [1, 5, 5000] {
                let mut reader = RansReader::with_options(Short::new(&input[..], most, 2), ignore.clone());
                reader.read_to_end(&mut Vec::new()).unwrap();
                let (inner, unused) = reader.into_parts();
                assert_eq!([&unused, inner.into_inner()].concat(), garbage, "all of it is there");

                let mut decoder = RansDecoder::with_options(Vec::new(), ignore.clone());
                input.chunks(most).for_each(|part| decoder.write_all(part).unwrap());
                assert_eq!(decoder.finish().unwrap(), good.raw);
            }
        }
    }
}

#[test]
fn a_single_stream_is_read_to_its_last_byte_and_not_further() {
    let trailing = b"the protocol goes on here";
    for encode in [
        options(),
        options().index(true),
        options().index(true).index_max_blocks(1),
        options().content_length(1000).content_check(true),
        options().index(true).content_check(true).mode(Mode::Stored),
    ] {
        let raw = data::text(1000);
        let stream = compress(&raw, &encode).unwrap();
        let input = [&stream[..], trailing].concat();
        for threads in [1, 2] {
            for most in [1, 3, 5000] {
                let options = DecodeOptions::new().single_stream(true).threads(threads);
                let inner = Short::new(NoFurther::new(&input[..], stream.len()), most, 4);
                let mut reader = RansReader::with_options(inner, options);
                let mut back = Vec::new();
                reader.read_to_end(&mut back).unwrap();
                assert_eq!(back, raw);
                assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
                let (inner, unused) = reader.into_parts();
                assert_eq!((inner.into_inner().inner, &unused[..]), (&trailing[..], &b""[..]));
            }
        }
        for policy in [TrailingData::Reject, TrailingData::Ignore] {
            let mut decoder =
                RansDecoder::with_options(Vec::new(), DecodeOptions::new().single_stream(true).trailing_data(policy));
            let mut rest = &input[..];
            let error = loop {
                assert!(!rest.is_empty(), "what follows was taken");
                match decoder.write(rest) {
                    Ok(taken) => rest = &rest[taken..],
                    Err(error) => break from_io(error),
                }
            };
            assert_eq!((error, rest), (Error::Finished, &trailing[..]));
            assert_eq!(decoder.finish().unwrap(), raw);
        }
    }
}

#[test]
fn streams_are_taken_one_by_one_from_one_reader() {
    let parts = [data::text(700), vec![], data::skewed(500)];
    let streams: Vec<u8> = parts.iter().flat_map(|part| compress(part, &options().index(true)).unwrap()).collect();
    let mut inner = &streams[..];
    for part in &parts {
        let mut back = Vec::new();
        RansReader::with_options(&mut inner, DecodeOptions::new().single_stream(true)).read_to_end(&mut back).unwrap();
        assert_eq!(back, *part);
    }
    assert!(inner.is_empty());
}

#[test]
fn wrong_options_are_reported_at_first_use() {
    let wrong = [
        ("block_len", options().block_len(0)),
        ("block_len", options().block_len((1 << 24) + 1)),
        ("segment_len", options().segment_len(127)),
        ("scale_bits", options().scale_bits(13)),
        ("scale_bits", options().scale_bits(15).mode(Mode::SingleStream)),
        ("interleaved_lanes", options().interleaved_lanes(0)),
        ("interleaved_lanes", options().interleaved_lanes(256)),
        ("index_max_blocks", options().index_max_blocks(0)),
        ("in_flight", options().in_flight(0)),
        ("in_flight", options().in_flight(4097)),
        ("threads", options().threads(1025)),
    ];
    for (name, options) in wrong {
        let names = |error: &Error| matches!(error, Error::InvalidOption { option, .. } if *option == name);
        let refuses =
            |error: io::Error| assert!(error.kind() == ErrorKind::InvalidInput && names(&from_io(error)), "{name}");
        assert!(names(&compress(b"raw", &options).unwrap_err()));
        let mut writer = RansWriter::with_options(Vec::new(), options.clone());
        refuses(writer.write(b"raw").unwrap_err());
        refuses(writer.flush().unwrap_err());
        refuses(writer.cut_block().unwrap_err());
        refuses(writer.write_application_data(1, b"").unwrap_err());
        refuses(writer.try_finish().unwrap_err());
        assert!(writer.into_inner().is_empty());
        refuses(RansEncoder::with_options(&b"raw"[..], options.clone()).read(&mut [0; 9]).unwrap_err());
        let mut encoder = Encoder::new(options);
        encoder.reset();
        assert!(names(&encoder.step(b"raw", &mut [0; 9], Op::Run).unwrap_err()), "options do not become right");
    }
    let stream = compress(b"raw", &options()).unwrap();
    for (name, options) in
        [("in_flight", DecodeOptions::new().in_flight(0)), ("threads", DecodeOptions::new().threads(1025))]
    {
        let names = |error: Error| assert!(matches!(error, Error::InvalidOption { option, .. } if option == name));
        names(decompress(&stream, &options).unwrap_err());
        names(decompress_into(&stream, &mut [0; 9], &options).unwrap_err());
        names(from_io(RansReader::with_options(&stream[..], options.clone()).read(&mut [0; 9]).unwrap_err()));
        let mut decoder = RansDecoder::with_options(Vec::new(), options.clone());
        names(from_io(decoder.write(&stream).unwrap_err()));
        names(from_io(decoder.flush().unwrap_err()));
        names(from_io(decoder.try_finish().unwrap_err()));
        let mut decoder = Decoder::new(options);
        decoder.reset();
        names(decoder.step(&stream, &mut [0; 9], Op::Run).unwrap_err());
    }
}

#[test]
fn empty_reads_and_writes_change_nothing() {
    let raw = data::text(1000);
    let mut writer = RansWriter::with_options(Vec::new(), options());
    let mut encoder = RansEncoder::with_options(&raw[..], options());
    let mut read = Vec::new();
    for part in raw.chunks(130) {
        assert_eq!(writer.write(b"").unwrap(), 0);
        writer.write_all(part).unwrap();
        assert_eq!(encoder.read(&mut []).unwrap(), 0);
        let mut some = [0; 50];
        let len = encoder.read(&mut some).unwrap();
        read.extend(&some[..len]);
    }
    encoder.read_to_end(&mut read).unwrap();
    let stream = writer.finish().unwrap();
    assert_eq!((&stream, &stream), (&read, &compress(&raw, &options()).unwrap()));

    let mut reader = RansReader::new(&stream[..]);
    let mut decoder = RansDecoder::new(Vec::new());
    let mut back = Vec::new();
    for part in stream.chunks(50) {
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        let mut some = [0; 70];
        let len = reader.read(&mut some).unwrap();
        back.extend(&some[..len]);
        assert_eq!(decoder.write(b"").unwrap(), 0);
        decoder.write_all(part).unwrap();
    }
    reader.read_to_end(&mut back).unwrap();
    assert_eq!((&back, &decoder.finish().unwrap()), (&raw, &raw));
    assert_eq!(RansReader::new(&b"no stream"[..]).read(&mut []).unwrap(), 0);
}

#[test]
fn another_number_of_bytes_than_was_declared() {
    let raw = data::text(1000);
    for threads in [1, 2] {
        let declared = |bytes| options().content_length(bytes).threads(threads);
        assert_eq!(
            compress(&raw, &declared(999)),
            Err(Error::ContentLength { declared: 999, actual: 1000 }),
            "with {threads} threads"
        );
        assert_eq!(compress(&raw, &declared(1001)), Err(Error::ContentLength { declared: 1001, actual: 1000 }));
        for bytes in [0, 299, 999, 1001, u64::MAX] {
            let mut stream = Vec::new();
            let mut writer = RansWriter::with_options(&mut stream, declared(bytes));
            let result = writer.write_all(&raw).and_then(|()| writer.try_finish());
            assert!(matches!(from_io(result.unwrap_err()), Error::ContentLength { declared, .. } if declared == bytes));
            writer.try_finish().unwrap_err();
            drop(writer.auto_finish());
            let Outcome { raw: back, error } = read(&stream, &DecodeOptions::new());
            assert!(raw.starts_with(&back) && back.len() as u64 <= bytes);
            assert!(matches!(error, Some(Error::Truncated { .. })));
        }
        assert_eq!(restored(&compress(&raw, &declared(1000)).unwrap()), raw);
    }
}

#[test]
fn kinds_of_application_data_that_are_not_the_applications() {
    let mut writer = RansWriter::with_options(Vec::new(), options());
    writer.write_all(b"some ").unwrap();
    for kind in [0x8000, 0x8001, 0xFFFF] {
        let error = from_io(writer.write_application_data(kind, b"data").unwrap_err());
        assert!(matches!(error, Error::InvalidOption { option: "application data kind", .. }), "{error}");
    }
    writer.write_application_data(0x7FFF, b"data").unwrap();
    writer.write_all(b"bytes").unwrap();
    assert_eq!(restored(&writer.finish().unwrap()), b"some bytes");
}

#[test]
fn application_data_that_nobody_takes() {
    let mut writer = RansWriter::with_options(Vec::new(), options());
    writer.write_application_data(1, &[1; 60]).unwrap();
    writer.write_all(b"some bytes").unwrap();
    writer.write_application_data(2, &[2; 60]).unwrap();
    let stream = writer.finish().unwrap();

    let refused = agreed(&stream, &DecodeOptions::new().application_data(100));
    let error = refused.error.unwrap();
    let limit = Limit::ApplicationData;
    assert!(matches!(error, Error::LimitExceeded { limit: l, found: 120, allowed: 100, .. } if l == limit), "{error}");
    assert_eq!(refused.raw, b"some bytes");

    let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().application_data(100));
    let mut back = [0; 10];
    reader.read_exact(&mut back).unwrap();
    let first = reader.next_application_data().unwrap();
    assert_eq!((first.kind, first.raw_offset, first.data), (1, 0, vec![1; 60]));
    assert_eq!(reader.read(&mut back).unwrap(), 0);
    let second = reader.next_application_data().unwrap();
    assert_eq!((second.kind, second.raw_offset, second.data), (2, 10, vec![2; 60]));
    assert_eq!(reader.next_application_data(), None);
}
