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

#[cfg(feature = "jobs")]
mod blocks;
mod decoder;
mod deframer;
mod element;
mod encoder;
mod event;
mod framer;
mod map;
mod outline;
mod output;
mod pull;
mod room;
mod seek;
mod skipped;
mod step;
mod tally;
mod totals;

#[cfg(feature = "jobs")]
pub use blocks::Blocks;
pub use decoder::{ApplicationData, Decoder};
pub use encoder::Encoder;
pub use map::{BlockMap, MappedBlock};
pub use outline::{Outline, OutlinePart};
pub use step::{Op, Status, Step};

#[cfg(feature = "tokio")]
pub(crate) use crate::simd::{Spare, Written};
pub(crate) use deframer::Deframer;
pub(crate) use event::{BlockEvent, Event, Span, StreamPosition};
pub(crate) use framer::Framer;
pub(crate) use map::{Mapper, Want};
pub(crate) use pull::{Need, PullEncoder};
pub(crate) use room::{Anywhere, Growing, Room};
pub(crate) use seek::{Call, Seeker};
#[cfg(feature = "codec")]
pub(crate) use step::{Machine, Move};
