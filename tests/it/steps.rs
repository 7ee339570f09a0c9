//! Drives the state machines step by step, and checks that each step keeps what [`Status`]
//! promises.

use ranstream::{
    Error,
    stream::{Decoder, Encoder, Op, Status, Step},
};

/// Sizes of the slices that a driver gives, used in turn and over again.
#[derive(Debug, Clone)]
pub struct Cuts {
    sizes: Vec<usize>,
    next: usize,
}

impl Cuts {
    /// At least one of `sizes` is not 0.
    pub fn new(sizes: Vec<usize>) -> Self {
        assert!(sizes.iter().any(|&size| size > 0));
        Self { sizes, next: 0 }
    }

    /// The next size, which may be 0.
    pub fn next(&mut self) -> usize {
        self.next += 1;
        self.sizes[(self.next - 1) % self.sizes.len()]
    }

    /// The next size that is not 0.
    pub fn next_but_zero(&mut self) -> usize {
        loop {
            let size = self.next();
            if size > 0 {
                return size;
            }
        }
    }
}

/// Encodes `raw`, with a flush behind each of the positions `flushes`, which ascend.
pub fn encode(encoder: &mut Encoder, raw: &[u8], flushes: &[usize], cuts: &Cuts) -> Result<Vec<u8>, Error> {
    let mut stream = Vec::new();
    let mut start = 0;
    for &end in flushes {
        encode_part(encoder, &raw[start..end], Op::Flush, cuts, &mut stream)?;
        start = end;
    }
    encode_part(encoder, &raw[start..], Op::Finish, cuts, &mut stream)?;
    let after = encoder.step(&[], &mut [0; 9], Op::Finish)?;
    assert_eq!(after, Step { consumed: 0, produced: 0, status: Status::Finished });
    Ok(stream)
}

fn encode_part(encoder: &mut Encoder, mut rest: &[u8], op: Op, cuts: &Cuts, stream: &mut Vec<u8>) -> Result<(), Error> {
    let (mut inputs, mut outputs, mut idle) = (cuts.clone(), cuts.clone(), Idle::default());
    loop {
        let (given, mut output) = (&rest[..rest.len().min(inputs.next())], vec![0; outputs.next()]);
        let op = if given.len() == rest.len() { op } else { Op::Run };
        let step = encoder.step(given, &mut output, op)?;
        idle.check(given.len(), output.len(), step);
        match step.status {
            Status::NeedsInput { at_least } => {
                assert!(op == Op::Run && step.consumed == given.len() && at_least > 0, "{step:?}");
            }
            Status::NeedsOutput { ready } => assert!(step.produced == output.len() && ready > 0, "{step:?}"),
            Status::InFlight { blocks } => {
                assert!(blocks > 0, "{step:?}");
                encoder.wait();
            }
            Status::Flushed => assert!(op == Op::Flush && step.consumed == given.len(), "{step:?}"),
            Status::Finished => assert!(op == Op::Finish && step.consumed == given.len(), "{step:?}"),
            other => panic!("an encoder never stops for {other:?}"),
        }
        rest = &rest[step.consumed..];
        stream.extend(&output[..step.produced]);
        if matches!(step.status, Status::Flushed | Status::Finished) {
            return Ok(());
        }
    }
}

/// Decodes all streams in `stream`: the raw bytes that came out, and the error that ended it, if
/// one did.
pub fn decode(decoder: &mut Decoder, stream: &[u8], cuts: &Cuts) -> (Vec<u8>, Result<(), Error>) {
    let (mut raw, mut rest) = (Vec::new(), stream);
    let (mut inputs, mut outputs, mut idle) = (cuts.clone(), cuts.clone(), Idle::default());
    // So many bytes must be taken before one may come out: no worker has one either.
    let mut owed = 0_usize;
    loop {
        let (given, mut output) = (&rest[..rest.len().min(inputs.next())], vec![0; outputs.next()]);
        let op = match given.len() == rest.len() {
            true if rest.is_empty() => Op::Finish,
            true => Op::Flush,
            false => Op::Run,
        };
        let step = match decoder.step(given, &mut output, op) {
            Ok(step) => step,
            Err(error) => {
                assert_eq!(decoder.step(rest, &mut output, op).as_ref(), Err(&error), "an error stays");
                return (raw, Err(error));
            }
        };
        idle.check(given.len(), output.len(), step);
        assert!(step.produced == 0 || step.consumed >= owed, "{step:?} while {owed} bytes were owed");
        owed = owed.saturating_sub(step.consumed);
        match step.status {
            Status::NeedsInput { at_least } => {
                assert!(op == Op::Run && step.consumed == given.len() && at_least > 0, "{step:?}");
                owed = if decoder.in_flight() == 0 { at_least } else { 0 };
            }
            Status::NeedsOutput { ready: 0 } => assert!(step.produced > 0, "{step:?}"),
            Status::NeedsOutput { .. } => assert!(step.produced == output.len(), "{step:?}"),
            Status::InFlight { blocks } => {
                assert!(blocks > 0, "{step:?}");
                decoder.wait();
            }
            Status::Flushed => assert!(op == Op::Flush && step.consumed == given.len(), "{step:?}"),
            Status::StreamEnd => {}
            Status::Finished => {
                raw.extend(&output[..step.produced]);
                assert!(rest[step.consumed..].is_empty(), "{step:?}");
                return (raw, Ok(()));
            }
            other => panic!("a decoder never stops for {other:?}"),
        }
        rest = &rest[step.consumed..];
        raw.extend(&output[..step.produced]);
    }
}

/// Steps in a row that did nothing although they could have.
#[derive(Debug, Default)]
struct Idle(usize);

impl Idle {
    fn check(&mut self, input: usize, output: usize, step: Step) {
        assert!(step.consumed <= input && step.produced <= output, "{step:?} of {input} and {output} bytes");
        let could = input > 0 && output > 0;
        let waits = matches!(step.status, Status::InFlight { .. });
        if step.consumed + step.produced > 0 || !could || waits {
            self.0 = 0;
            return;
        }
        self.0 += 1;
        assert!(self.0 < 2, "two steps without progress, the second is {step:?}");
    }
}
