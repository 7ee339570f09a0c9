//! Any byte stream into a compressed stream, and back.
//!
//! ranstream wraps a file, socket, pipe or buffer and cuts what goes through into **blocks** of
//! interleaved rANS, an entropy coder that comes within a fraction of a percent of the order-0
//! entropy. Every block is framed and checked by itself, so one core decodes several lanes of it at
//! once, several cores decode blocks side by side, and a damaged block costs no other.
//!
//! # Tour
//!
//! Buffers, in one call each:
//!
//! ```
//! use ranstream::{DecodeOptions, EncodeOptions, compress, decompress};
//!
//! let raw = std::fs::read("FORMAT.md")?;
//! let stream = compress(&raw, &EncodeOptions::new())?;
//! assert!(stream.len() < raw.len() / 2);
//! assert_eq!(decompress(&stream, &DecodeOptions::new())?, raw);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Anything that implements [`Write`](std::io::Write) or [`Read`](std::io::Read):
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use ranstream::{RansReader, RansWriter};
//!
//! let mut writer = RansWriter::new(Vec::new());
//! writer.write_all(b"What was written and flushed ")?;
//! writer.flush()?; // the peer can decode up to here
//! writer.write_all(b"can be read by the peer.")?;
//! let stream = writer.finish()?; // without this the stream is truncated, and every reader says so
//!
//! let mut text = String::new();
//! RansReader::new(&stream[..]).read_to_string(&mut text)?;
//! assert_eq!(text, "What was written and flushed can be read by the peer.");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A part from the middle, without decoding what is before it:
//!
//! ```
//! use std::io::{Cursor, Read, Seek, SeekFrom};
//!
//! use ranstream::{EncodeOptions, RansReader, compress};
//!
//! let raw: Vec<u8> = (0..1_000_000_u32).map(|i| (i >> 12) as u8).collect();
//! let stream = compress(&raw, &EncodeOptions::new().block_len(64 << 10).index(true))?;
//!
//! let mut reader = RansReader::new(Cursor::new(stream));
//! reader.seek(SeekFrom::Start(700_000))?;
//! let mut part = [0; 100];
//! reader.read_exact(&mut part)?;
//! assert_eq!(part, raw[700_000..700_100]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Where to find what
//!
//! | you have | you take |
//! |---|---|
//! | a buffer | [`compress`], [`decompress`], [`compress_into`], [`decompress_into`] |
//! | something to write to | [`RansWriter`]; to decode on the way, [`write::RansDecoder`] |
//! | something to read from | [`RansReader`]; to code on the way, [`read::RansEncoder`] |
//! | a log that later runs go on with | [`RansWriter::append`] |
//! | a socket, in async code | `tokio` or `futures`: the same four |
//! | two ends | [`copy_encode`], [`copy_decode`] |
//! | a protocol, runtime or device of your own | [`stream::Encoder`], [`stream::Decoder`] |
//! | messages, each for itself | [`message`]; `codec::MessageCodec` for `Framed` |
//! | a `Framed` connection | `codec::RansCodec` |
//! | frames of your own | [`block::encode`], [`block::decode`] |
//! | payloads of the original single-stream coder | [`rans::single`], [`rans::interleaved`] |
//! | tensors, columns of numbers | [`EncodeOptions::layout`]; model files: `ranstream-tensors` |
//! | numbers of which both sides have an older version | [`EncodeOptions::base`] |
//! | a question about a file's structure | [`outline::OutlineReader`], [`stream::Outline`] |
//! | a damaged file | [`recover::Recovery`] |
//! | the bytes themselves | [`mod@format`], and `FORMAT.md` in the repository |
//!
//! [`EncodeOptions`] and [`DecodeOptions`] hold everything that can be turned. With `threads(n)`
//! blocks are coded and decoded on a [rayon] pool; I/O stays on the caller's thread, which works on
//! short blocks where it would have to wait.
//!
//! # What it promises
//!
//! - Every single-bit change and every truncation of a stream is reported, by an [`Error`] that
//!   names the place. Blocks before it come out first.
//! - Memory is bounded by the options, never by a number in the input. [`Limits`] has the bounds.
//! - No input makes it panic, loop without progress, or hand out bytes that were not verified.
//! - A stream of any released version decodes for ever; so do the frames of the original coder.
//!
//! # Levels
//!
//! What stands in a block already is found and not coded again: text shrinks to 29 to 43 %, logs to
//! 5 to 9 %. [`EncodeOptions::level`], 1 to 9 and 3 by default, says how hard to look.
//!
//! At level 0 each byte is coded by itself, by what the distribution of bytes alone gives: text
//! shrinks to about 60 %, quantised weights to their entropy. That is encoded several times faster,
//! and the form that GPUs decode. Compressed data is stored at any level.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `rayon` | yes | threads; without it the caller does all the work |
//! | `tokio` | no | module `tokio`: adapters over tokio's I/O traits; brings its timer |
//! | `futures-io` | no | module `futures`: adapters over the I/O traits of futures-io |
//! | `codec` | no | module `codec`: codecs for tokio-util's `Framed` |
//! | `jobs` | no | module `jobs`: job lists and shaders, for a device of your own |
//! | `gpu` | no | module `gpu` and `DecodeOptions::backend`: blocks decoded and encoded by a GPU |
//!
//! The command `rans` is a package of its own, `ranstream-cli`.
//!
//! # `no_std`
//!
//! The crate needs std, [`block`] and [`message`] too. Of std they take the choice of kernels at
//! run time, memory that a thread keeps for its next block, the way of an [`Error`] to and from
//! [`std::io::Error`], and the same choice again in the crate that computes CRC-32C. Without that
//! choice only the portable kernel is left, which decodes lanes an eighth as fast as the one for
//! AVX-512 (AMD EPYC, Zen 4). Systems that have no std are mostly small: decoding takes up to 192
//! KiB of stack there, of a message of 1,000 bytes too, and encoding 16,000 bytes takes 96 KiB, and
//! 32 KiB of heap. For WebAssembly there is std.
//!
//! [rayon]: https://docs.rs/rayon

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::disallowed_types)]
#![cfg_attr(
    not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        unused_variables,
        unfulfilled_lint_expectations,
        reason = "some things are for kernels alone, and here is not every kind of them"
    )
)]

mod base;
pub mod block;
pub mod error;
pub mod format;
#[cfg(feature = "futures-io")]
pub mod futures;
#[cfg(feature = "gpu")]
pub mod gpu;
#[cfg(feature = "jobs")]
pub mod jobs;
pub mod message;
pub mod rans;
pub mod stream;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "without a feature there is no device"))]
mod device;
#[cfg(feature = "codec")]
mod framed;
mod io;
mod kept;
mod limits;
mod lz;
mod model;
mod options;
#[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "without a feature there is no device"))]
mod parallel;
mod pivot;
mod planes;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
mod poll;
mod progress;
mod section;
mod sequences;
#[allow(unsafe_code)]
mod simd;
#[allow(clippy::disallowed_types)]
mod sync;

#[doc(inline)]
pub use base::Base;
#[doc(inline)]
pub use error::{Error, Limit};
pub use io::{
    compress, compress_into, copy_decode, copy_encode, decompress, decompress_into, outline,
    read::{self, RansReader},
    recover,
    write::{self, RansWriter},
};
pub use limits::{Limits, MAX_BLOCK_LEN};
pub use options::{
    BlockOptions, Column, DecodeOptions, EncodeOptions, Kernel, Layout, LayoutProfile, Mode, Normalization,
    ParseKernelError, ParseModeError, Pipeline, Policy, Prefer, TrailingData, Work,
};
#[cfg(any(feature = "futures-io", feature = "tokio"))]
pub use poll::FlushPolicy;
pub use progress::Progress;

#[cfg(feature = "codec")]
pub mod codec {
    //! Codecs for [`tokio_util::codec::Framed`]: [`RansCodec`] for a stream of bytes,
    //! [`MessageCodec`] for messages that stand each for itself.
    //!
    //! Both work on the calling task, whatever [`threads`](crate::EncodeOptions::threads) says: a
    //! codec has nobody to wake. After an error a codec stays where it is and repeats that error,
    //! so that a connection cannot come back to life in the middle of something.

    pub use crate::framed::{Frame, MessageCodec, RansCodec};
}
