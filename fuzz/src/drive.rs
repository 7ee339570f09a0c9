//! A decoder driven to the end of its input.

use ranstream::{
    DecodeOptions, Error,
    stream::{Decoder, Op, Status},
};

/// The raw bytes that came out, and the error that ended it.
pub type Outcome = (Vec<u8>, Option<Error>);

/// Decodes `stream` in pieces of `input_len` bytes into slices of `output_len` bytes that hold
/// `fill`; both lengths are 1 or more.
pub fn decode(stream: &[u8], options: DecodeOptions, input_len: usize, output_len: usize, fill: u8) -> Outcome {
    let mut decoder = Decoder::new(options);
    let (mut raw, mut output, mut at) = (Vec::new(), vec![fill; output_len], 0_usize);
    let mut idle = 0;
    loop {
        let end = stream.len().min(at.saturating_add(input_len));
        let op = if end == stream.len() { Op::Finish } else { Op::Run };
        let step = match decoder.step(&stream[at..end], &mut output, op) {
            Ok(step) => step,
            Err(error) => return (raw, Some(comparable(error))),
        };
        at += step.consumed;
        raw.extend(&output[..step.produced]);
        output[..step.produced].fill(fill);
        match step.status {
            Status::Finished => return (raw, None),
            Status::InFlight { .. } => decoder.wait(),
            _ => {
                idle = if step.consumed + step.produced > 0 { 0 } else { idle + 1 };
                assert!(idle < 1000, "no progress: {step:?}");
            }
        }
    }
}

/// What is no stream is reported with its first wrong byte, so how many bytes the error shows
/// depends on how many had come.
pub fn comparable(error: Error) -> Error {
    match error {
        Error::NotAStream { .. } => Error::NotAStream { found: Vec::new() },
        error => error,
    }
}
