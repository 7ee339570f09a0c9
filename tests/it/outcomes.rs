//! What decoders make of an input, good or bad: the same in every way of driving them.

use std::io::{self, Read as _, Write as _};

use ranstream::{DecodeOptions, Error, RansReader, decompress, decompress_into, stream::Decoder, write::RansDecoder};

use crate::{
    faulty::Short,
    steps::{self, Cuts},
};

/// The raw bytes that came out, and the error that came after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub raw: Vec<u8>,
    pub error: Option<Error>,
}

impl Outcome {
    /// How many of the first four bytes a decoder had when it saw that they are no stream depends
    /// on how it got them, so they are left out.
    fn new(raw: Vec<u8>, result: Result<(), Error>) -> Self {
        let error = result.err().map(|error| match error {
            Error::NotAStream { .. } => Error::NotAStream { found: Vec::new() },
            error => error,
        });
        Self { raw, error }
    }
}

/// A way to drive a decoder.
pub type Way = fn(&[u8], &DecodeOptions) -> Outcome;

pub const WAYS: [(&str, Way); 5] =
    [("RansReader", read), ("short reads", read_short), ("RansDecoder", push), ("step", step), ("one shot", one_shot)];

pub fn read(stream: &[u8], options: &DecodeOptions) -> Outcome {
    let mut raw = Vec::new();
    let result = RansReader::with_options(stream, options.clone()).read_to_end(&mut raw);
    Outcome::new(raw, result.map(drop).map_err(from_io))
}

/// Up to seven bytes from the inner reader at a time, eleven to the caller.
pub fn read_short(stream: &[u8], options: &DecodeOptions) -> Outcome {
    let mut reader = RansReader::with_options(Short::new(stream, 7, 1), options.clone());
    let (mut raw, mut part) = (Vec::new(), [0; 11]);
    let result = loop {
        match reader.read(&mut part) {
            Ok(0) => break Ok(()),
            Ok(read) => raw.extend(&part[..read]),
            Err(error) => {
                let error = from_io(error);
                let again = reader.read(&mut part).expect_err("an error stays");
                assert_eq!(from_io(again), error, "an error stays the same");
                break Err(error);
            }
        }
    };
    Outcome::new(raw, result)
}

/// 13 bytes at a time.
pub fn push(stream: &[u8], options: &DecodeOptions) -> Outcome {
    push_by(stream, options, 13)
}

/// `len` bytes at a time.
pub fn push_by(stream: &[u8], options: &DecodeOptions, len: usize) -> Outcome {
    let mut decoder = RansDecoder::with_options(Vec::new(), options.clone());
    let result = stream.chunks(len).try_for_each(|part| decoder.write_all(part)).and_then(|()| decoder.try_finish());
    Outcome::new(decoder.into_inner(), result.map_err(from_io))
}

/// Slices of 0 to 7 bytes on both sides.
pub fn step(stream: &[u8], options: &DecodeOptions) -> Outcome {
    step_by(stream, options, &Cuts::new(vec![5, 0, 1, 7, 2]))
}

/// Slices of such lengths on both sides.
pub fn step_by(stream: &[u8], options: &DecodeOptions, cuts: &Cuts) -> Outcome {
    let mut decoder = Decoder::new(options.clone());
    let (raw, result) = steps::decode(&mut decoder, stream, cuts);
    Outcome::new(raw, result)
}

/// `decompress` and `decompress_into` give no bytes with an error, so those of a reader stand in.
pub fn one_shot(stream: &[u8], options: &DecodeOptions) -> Outcome {
    let result = decompress(stream, options);
    let raw = result.clone().unwrap_or_else(|_| read(stream, options).raw);
    let mut room = vec![0xEE; raw.len() + 999];
    let into = decompress_into(stream, &mut room, options);
    match &result {
        Ok(raw) => assert_eq!((into, &room[..raw.len()]), (Ok(raw.len()), &raw[..])),
        Err(error) => assert_eq!(into.as_ref(), Err(error)),
    }
    Outcome::new(raw, result.map(drop))
}

/// What every way agrees on, with one thread and with more.
pub fn agreed(stream: &[u8], options: &DecodeOptions) -> Outcome {
    let expected = read(stream, options);
    for options in [options.clone(), options.clone().threads(0)] {
        for (name, way) in WAYS {
            assert_eq!(way(stream, &options), expected, "{name}, {options:?}");
        }
    }
    expected
}

pub fn from_io(error: io::Error) -> Error {
    Error::try_from(error).expect("the error is one of ours")
}
