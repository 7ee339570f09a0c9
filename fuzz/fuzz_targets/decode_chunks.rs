//! However a stream is cut, and however short the output is, the same bytes come out and the same error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ranstream::{
    DecodeOptions, Error, Limits,
    stream::{Decoder, Op, Status},
};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (input_len, output_len, stream) = input;
    let whole = run(stream, usize::MAX, 1 << 16);
    assert_eq!(run(stream, usize::from(input_len).max(1), usize::from(output_len).max(1)), whole);
});

fn run(stream: &[u8], input_len: usize, output_len: usize) -> (Vec<u8>, Option<Error>) {
    let mut decoder = Decoder::new(DecodeOptions::new().limits(Limits::new().max_output(1 << 20)));
    let (mut raw, mut output, mut at) = (Vec::new(), vec![0; output_len], 0_usize);
    loop {
        let end = stream.len().min(at.saturating_add(input_len));
        let op = if end == stream.len() { Op::Finish } else { Op::Run };
        match decoder.step(&stream[at..end], &mut output, op) {
            // Reported with the first wrong byte, so how many bytes it shows depends on how many had come.
            Err(Error::NotAStream { .. }) => return (raw, Some(Error::NotAStream { found: [0; 4] })),
            Err(error) => return (raw, Some(error)),
            Ok(step) => {
                at += step.consumed;
                raw.extend(&output[..step.produced]);
                if step.status == Status::Finished {
                    return (raw, None);
                }
            }
        }
    }
}
