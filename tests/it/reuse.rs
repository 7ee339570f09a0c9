//! State machines that begin again: as good as new, wherever they were.

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Progress, compress,
    stream::{Decode as _, Decoder, Encode as _, Encoder, Op, PartialBuffer},
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
            assert_eq!((encoder.pending().len(), encoder.buffered()), (0, 0));
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
    assert_eq!(encoder.step(b"four", &mut output, Op::Finish), Err(too_long.clone()));
    assert_eq!(encoder.step(b"", &mut output, Op::Finish), Err(too_long));
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
            assert_eq!((decoder.decoded(), decoder.unused(), decoder.header()), (&[][..], &[][..], None));
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
fn one_pair_serves_many_streams_through_the_traits() {
    let (mut encoder, mut decoder) = (Encoder::new(EncodeOptions::new()), Decoder::new(DecodeOptions::new()));
    for (name, generate) in GENERATORS {
        let raw = generate(3000);
        let mut stream = PartialBuffer::new(vec![0; 4000]);
        let mut input = PartialBuffer::new(&raw);
        encoder.encode(&mut input, &mut stream).unwrap();
        assert!(input.unwritten().is_empty());
        assert!(encoder.flush(&mut stream).unwrap());
        assert!(encoder.finish(&mut stream).unwrap());
        assert_eq!(stream.written(), compress(&raw, &EncodeOptions::new()).unwrap(), "{name}");
        encoder.reset();

        let mut output = PartialBuffer::new(vec![0; 3000]);
        let mut input = PartialBuffer::new(stream.written());
        assert!(decoder.decode(&mut input, &mut output).unwrap(), "the end of the stream is seen");
        assert!(decoder.finish(&mut output).unwrap());
        assert_eq!(output.written(), raw, "{name}");
        decoder.reinit().unwrap();
    }
}

#[test]
fn the_traits_tell_whether_all_is_out() {
    let raw = data::text(3000);
    let mut encoder = Encoder::new(EncodeOptions::new());
    let mut header = PartialBuffer::new(vec![0; 100]);
    encoder.encode(&mut PartialBuffer::new(&raw), &mut header).unwrap();
    let flushed = [header.written(), &in_small_parts(|part| encoder.flush(part))].concat();
    let ended = in_small_parts(|part| encoder.finish(part));
    assert_eq!([&flushed[..], &ended].concat(), compress(&raw, &EncodeOptions::new()).unwrap());

    let mut decoder = Decoder::new(DecodeOptions::new());
    let mut input = PartialBuffer::new(&flushed);
    assert!(!decoder.decode(&mut input, &mut PartialBuffer::new([])).unwrap());
    assert_eq!(in_small_parts(|part| decoder.flush(part)), raw);
    let error = decoder.finish(&mut PartialBuffer::new([0; 9])).unwrap_err();
    assert_eq!(error, Error::Truncated { offset: flushed.len() as u64 });

    decoder.reinit().unwrap();
    assert!(!decoder.decode(&mut PartialBuffer::new(&flushed), &mut PartialBuffer::new([])).unwrap());
    let mut part = PartialBuffer::new([0; 10]);
    assert!(!decoder.finish(&mut part).unwrap(), "the rest of the block comes before the error");
    assert_eq!(part.written(), &raw[..10]);
}

/// Calls `work` with one small output after the other until it says that all is out, which is not
/// at once.
fn in_small_parts(mut work: impl FnMut(&mut PartialBuffer<[u8; 10]>) -> Result<bool, Error>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut part = PartialBuffer::new([0; 10]);
        let is_out = work(&mut part).unwrap();
        all.extend(part.written());
        if is_out {
            assert!(all.len() > 10, "more than one output is needed");
            return all;
        }
        assert!(part.unwritten().is_empty(), "it stopped without a reason");
    }
}
