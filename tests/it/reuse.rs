//! State machines that begin again: as good as new, wherever they were.

use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Progress, RansReader, RansWriter, compress, decompress,
    read::RansEncoder,
    stream::{Decoder, Encoder, Op, Status},
    write::RansDecoder,
};

use crate::{
    data::{self, GENERATORS},
    steps::{self, Cuts},
};

#[test]
fn an_encoder_begins_again_anywhere() {
    let raw = data::text(3000);
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(200).threads(threads).content_check(true).index(true);
        let expected = compress(&raw, &options).unwrap();
        let mut encoder = Encoder::new(options);
        for abandoned in [0, 1, 199, 200, 201, 1000, 3000] {
            let mut output = vec![0; 10_000];
            encoder.step(&raw[..abandoned], &mut output[..abandoned], Op::Run).unwrap();
            encoder.reset();
            assert_eq!(*encoder.progress(), Progress::default());
            assert_eq!((encoder.ready(), encoder.uncoded()), (&[][..], &[][..]));
            let stream = steps::encode(&mut encoder, &raw, &[], &Cuts::new(vec![500, 3])).unwrap();
            assert_eq!(stream, expected, "behind {abandoned} bytes");
            assert_eq!(encoder.progress().coded_bytes(), stream.len() as u64, "the index is counted");
            encoder.reset();
        }
    }
}

#[test]
fn an_encoder_forgets_its_errors_but_not_its_options() {
    let mut encoder = Encoder::new(EncodeOptions::new().content_length(3));
    let too_long = Error::ContentLength { declared: 3, actual: 4 };
    let mut output = [0; 100];
    let header = encoder.step(b"four", &mut output, Op::Finish).unwrap();
    assert_eq!((header.consumed, header.status), (4, Status::NeedsOutput { ready: 0 }), "what came before goes first");
    for _ in 0..2 {
        assert_eq!(encoder.step(b"", &mut output, Op::Finish), Err(too_long.clone()));
    }
    encoder.reset();
    let stream = steps::encode(&mut encoder, b"abc", &[], &Cuts::new(vec![9])).unwrap();
    assert_eq!(stream, compress(b"abc", &EncodeOptions::new().content_length(3)).unwrap());

    assert_eq!(encoder.step(b"more", &mut output, Op::Run), Err(Error::Finished));
    encoder.reset();
    assert!(encoder.step(b"abc", &mut output, Op::Run).is_ok());

    let mut encoder = Encoder::new(EncodeOptions::new().block_len(0));
    encoder.reset();
    assert!(matches!(encoder.step(b"a", &mut output, Op::Run), Err(Error::InvalidOption { option: "block_len", .. })));
}

#[test]
fn a_decoder_begins_again_anywhere() {
    let assembled = data::every_mode_stream();
    for threads in [1, 0] {
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads).application_data(100));
        for abandoned in (0..assembled.stream.len()).step_by(41) {
            let mut output = vec![0; abandoned / 2];
            decoder.step(&assembled.stream[..abandoned], &mut output, Op::Run).unwrap();
            decoder.reset();
            assert_eq!(*decoder.progress(), Progress::default());
            assert_eq!((decoder.ready(), decoder.unused(), decoder.header()), (&[][..], &[][..], None));
            assert_eq!(decoder.next_application_data(), None);
            let decoded = steps::decode(&mut decoder, &assembled.stream, &Cuts::new(vec![300, 5000]));
            assert_eq!(decoded, (assembled.raw.clone(), Ok(())), "behind {abandoned} bytes");
            assert_eq!(decoder.progress().coded_bytes(), assembled.stream.len() as u64);
            decoder.reset();
        }
    }
}

#[test]
fn a_decoder_forgets_the_errors_of_the_stream_before() {
    let assembled = data::every_mode_stream();
    for threads in [1, 0] {
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
        for place in (0..assembled.stream.len()).step_by(29) {
            let mut bad = assembled.stream.clone();
            bad[place] ^= 0x40;
            let (good, result) = steps::decode(&mut decoder, &bad, &Cuts::new(vec![1000]));
            assert!(result.is_err() && assembled.raw.starts_with(&good), "byte {place}");
            decoder.reset();
            let decoded = steps::decode(&mut decoder, &assembled.stream, &Cuts::new(vec![1000]));
            assert_eq!(decoded, (assembled.raw.clone(), Ok(())), "behind damage at {place}");
            decoder.reset();
        }
    }
    let mut decoder = Decoder::new(DecodeOptions::new().in_flight(0));
    decoder.reset();
    let error = decoder.step(&assembled.stream, &mut [], Op::Run).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "in_flight", .. }));
}

#[test]
fn one_pair_serves_many_streams() {
    let (mut encoder, mut decoder) = (Encoder::new(EncodeOptions::new()), Decoder::new(DecodeOptions::new()));
    for (name, generate) in GENERATORS {
        let raw = generate(3000);
        let mut stream = vec![0; 4000];
        let step = encoder.step(&raw, &mut stream, Op::Finish).unwrap();
        assert_eq!((step.consumed, step.status), (raw.len(), Status::Finished));
        stream.truncate(step.produced);
        assert_eq!(stream, compress(&raw, &EncodeOptions::new()).unwrap(), "{name}");
        encoder.reset();

        let mut back = vec![0; 3000];
        let step = decoder.step(&stream, &mut back, Op::Run).unwrap();
        assert_eq!((step.consumed, step.produced, step.status), (stream.len(), 3000, Status::StreamEnd));
        assert_eq!(back, raw, "{name}");
        decoder.reset();
    }
}

/// A step that moves nothing says that a worker has to be waited for, and after that wait the next
/// one moves something: nobody spins, with however many threads and however little room.
#[test]
fn no_step_is_idle_twice() {
    let raw = data::text(200_000);
    for (threads, room) in [(1, 1), (2, 1), (1, 100), (2, 100), (2, 70_000)] {
        let raw = if room == 1 { &raw[..20_000] } else { &raw };
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(9000).threads(threads));
        let mut stream = Vec::new();
        let (mut at, mut idle, mut buf) = (0, 0, vec![0; room]);
        loop {
            let step = encoder.step(&raw[at..], &mut buf, Op::Finish).unwrap();
            at += step.consumed;
            stream.extend(&buf[..step.produced]);
            idle = if step.consumed + step.produced == 0 { idle + 1 } else { 0 };
            match step.status {
                Status::Finished => break,
                Status::InFlight { .. } => encoder.wait(),
                status => assert_eq!(idle, 0, "{status:?} without having moved anything"),
            }
            assert!(idle < 2, "{threads} threads, room for {room}");
        }
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
        let (mut back, mut at, mut idle) = (Vec::<u8>::new(), 0, 0);
        loop {
            let step = decoder.step(&stream[at..], &mut buf, Op::Finish).unwrap();
            at += step.consumed;
            back.extend(&buf[..step.produced]);
            idle = if step.consumed + step.produced == 0 { idle + 1 } else { 0 };
            match step.status {
                Status::Finished => break,
                Status::InFlight { .. } => decoder.wait(),
                Status::StreamEnd => {}
                status => assert_eq!(idle, 0, "{status:?} without having moved anything"),
            }
            assert!(idle < 2, "{threads} threads, room for {room}");
        }
        assert!(back == *raw);
    }
}

/// Adapters that begin again with another inner stream, from the end or from the middle.
#[test]
fn adapters_take_another_inner_stream() {
    let raws = [data::text(3000), data::text(10), Vec::new(), data::text(700)];
    for (threads, finishes) in [(1, true), (2, true), (1, false), (2, false)] {
        let options = EncodeOptions::new().block_len(200).threads(threads).index(true);
        let decode = DecodeOptions::new().threads(threads);
        let streams: Vec<_> = raws.iter().map(|raw| compress(raw, &options).unwrap()).collect();
        let mut writer = RansWriter::with_options(Vec::new(), options.clone());
        let mut encoder = RansEncoder::with_options(&b""[..], options);
        let mut decoder = RansDecoder::with_options(Vec::new(), decode.clone());
        let mut reader = RansReader::with_options(Cursor::new(&b""[..]), decode);
        for (raw, stream) in raws.iter().zip(&streams) {
            writer.write_all(raw).unwrap();
            encoder.reset(raw);
            decoder.write_all(stream).unwrap();
            reader.reset(Cursor::new(stream));
            if finishes {
                writer.try_finish().unwrap();
                assert!(writer.reset(Vec::new()) == *stream);
                decoder.try_finish().unwrap();
                assert!(decoder.reset(Vec::new()) == *raw);
                let (mut coded, mut back) = (Vec::new(), Vec::new());
                encoder.read_to_end(&mut coded).unwrap();
                assert!(coded == *stream);
                reader.read_to_end(&mut back).unwrap();
                assert!(back == *raw);
            } else {
                writer.reset(Vec::new());
                decoder.reset(Vec::new());
                let _ = encoder.read(&mut [0; 9]).unwrap();
                let _ = reader.read(&mut [0; 9]).unwrap();
            }
            assert_eq!((*writer.progress(), *decoder.progress()), (Progress::default(), Progress::default()));
        }
        // A seek knows nothing of the stream before.
        for (raw, stream) in raws.iter().zip(&streams).rev() {
            reader.reset(Cursor::new(stream));
            assert_eq!(reader.stream_position().unwrap(), 0);
            assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), raw.len() as u64);
        }
    }
}

#[test]
fn an_adapter_that_failed_is_as_good_as_new_after_a_reset() {
    let stream = compress(b"some bytes", &EncodeOptions::new()).unwrap();
    let mut reader = RansReader::new(&b"no stream"[..]);
    let mut raw = Vec::new();
    reader.read_to_end(&mut raw).unwrap_err();
    reader.reset(&stream);
    reader.read_to_end(&mut raw).unwrap();
    assert_eq!(raw, b"some bytes");

    let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().content_length(3));
    writer.write_all(b"much too long").unwrap();
    writer.try_finish().unwrap_err();
    writer.reset(Vec::new());
    writer.write_all(b"abc").unwrap();
    assert_eq!(decompress(&writer.finish().unwrap(), &DecodeOptions::new()).unwrap(), b"abc");
}

#[cfg(all(feature = "futures-io", feature = "tokio"))]
#[test]
fn asynchronous_adapters_take_another_inner_stream() {
    use crate::async_wire::{Ending, Schedule, Wire};

    let raw = data::text(3000);
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(200).threads(threads);
        let stream = compress(&raw, &options).unwrap();
        let wire = |bytes: &[u8]| Wire::new(bytes, Schedule::random(1), Ending::Eof);
        macro_rules! reused {
            ($flavour:ident, $io:path) => {{
                use $io as io;
                tokio_test::block_on(async {
                    let mut writer = ranstream::$flavour::RansWriter::with_options(Vec::new(), options.clone());
                    let mut encoder = ranstream::$flavour::RansEncoder::with_options(wire(&raw), options.clone());
                    let mut decoder = ranstream::$flavour::RansDecoder::new(Vec::new());
                    let mut reader = ranstream::$flavour::RansReader::new(wire(&stream));
                    for _ in 0..3 {
                        io::AsyncWriteExt::write_all(&mut writer, &raw[..1000]).await.unwrap();
                        writer.reset(Vec::new());
                        io::AsyncWriteExt::write_all(&mut writer, &raw).await.unwrap();
                        writer.finish().await.unwrap();
                        assert!(writer.reset(Vec::new()) == stream);

                        io::AsyncWriteExt::write_all(&mut decoder, &stream[..500]).await.unwrap();
                        decoder.reset(Vec::new());
                        io::AsyncWriteExt::write_all(&mut decoder, &stream).await.unwrap();
                        decoder.finish().await.unwrap();
                        assert!(decoder.reset(Vec::new()) == raw);

                        let mut back = Vec::new();
                        io::AsyncReadExt::read_to_end(&mut reader, &mut back).await.unwrap();
                        assert!(back == raw);
                        reader.reset(wire(&stream));
                        io::AsyncReadExt::read_exact(&mut reader, &mut [0; 500]).await.unwrap();
                        reader.reset(wire(&stream));

                        let mut coded = Vec::new();
                        encoder.reset(wire(&raw));
                        io::AsyncReadExt::read_exact(&mut encoder, &mut [0; 100]).await.unwrap();
                        encoder.reset(wire(&raw));
                        io::AsyncReadExt::read_to_end(&mut encoder, &mut coded).await.unwrap();
                        assert!(decompress(&coded, &DecodeOptions::new()).unwrap() == raw);
                    }
                });
            }};
        }
        reused!(tokio, tokio::io);
        reused!(futures, futures_util);
    }
}
