//! The stream as state machines that know no I/O, no runtime and no thread.
//!
//! [`Encoder`] and [`Decoder`] take slices and fill slices. Whoever drives them moves the bytes:
//! the adapters of this crate, a protocol implementation, a test. Both have the same shape:
//!
//! ```text
//!            input ──▶ ┌─────────────────────────────┐ ──▶ output
//!   raw bytes          │ Encoder: cut, code, frame   │      coded bytes
//!   coded bytes        │ Decoder: deframe, decode    │      raw bytes
//!                      └─────────────────────────────┘
//!        step(input, output, op) -> Step { consumed, produced, status }
//! ```
//!
//! [`Status`] says why a step stopped, so a driver never guesses: it provides what is asked for and
//! calls again. No two steps in a row with the same arguments make no progress and ask for nothing.
//! After an error every later step returns that error.
//!
//! ```
//! use ranstream::{
//!     EncodeOptions,
//!     stream::{Encoder, Op, Status},
//! };
//!
//! let mut encoder = Encoder::new(EncodeOptions::new());
//! let (mut input, mut stream, mut buffer) = (&b"some bytes"[..], Vec::new(), [0; 16]);
//! loop {
//!     let step = encoder.step(input, &mut buffer, Op::Finish)?;
//!     input = &input[step.consumed..];
//!     stream.extend(&buffer[..step.produced]);
//!     if step.status == Status::Finished {
//!         break;
//!     }
//! }
//! assert_eq!(ranstream::decompress(&stream, &Default::default())?, b"some bytes");
//! # Ok::<(), ranstream::Error>(())
//! ```

#[cfg(feature = "gpu")]
mod blocks;
mod decoder;
mod deframer;
mod encoder;
mod event;
mod framer;
mod outline;
mod pull;
mod skipped;
mod totals;

#[cfg(feature = "gpu")]
pub use blocks::Blocks;
pub use decoder::{ApplicationData, Decoder};
pub use encoder::Encoder;
pub use outline::{Outline, OutlinePart};

pub(crate) use decoder::Room;
pub(crate) use deframer::Deframer;
pub(crate) use event::{BlockEvent, Event, Place, StreamPosition};
pub(crate) use framer::Framer;
pub(crate) use pull::{Need, PullEncoder};

/// What a step is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Take input, give output.
    Run,
    /// An encoder also cuts the block, so that everything taken can be decoded by the peer; a
    /// decoder treats this like [`Op::Run`].
    Flush,
    /// There is no more input than this. An encoder also ends the stream; a decoder reports
    /// [`Error::Truncated`](crate::Error::Truncated) unless it has seen the end.
    Finish,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Bytes taken from the start of the input.
    pub consumed: usize,
    /// Bytes written to the start of the output.
    pub produced: usize,
    /// Why the step stopped.
    pub status: Status,
}

/// Why a step stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// All input was taken. At least so many more bytes bring the next output; fewer are taken too.
    NeedsInput {
        /// Bytes to the end of the current element of the stream, 1 or more.
        at_least: usize,
    },
    /// The output is full, or what is in it should be handled before the next step returns an
    /// error.
    NeedsOutput {
        /// Bytes that could be written at once; 0 before an error.
        ready: usize,
    },
    /// Nothing can be done until a block comes back from a worker.
    InFlight {
        /// Blocks that workers have.
        blocks: usize,
    },
    /// Everything taken so far is out ([`Op::Flush`]).
    Flushed,
    /// A decoder read the last byte of a stream; more streams may follow. Comes once for each
    /// stream.
    StreamEnd,
    /// The end: nothing more is taken or given.
    Finished,
}
