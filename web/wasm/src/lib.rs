//! ranstream behind C functions, for JavaScript: what `@ranstream/web` loads as one `.wasm`.
//!
//! A [`session`] takes bytes, takes steps, and has bytes ready: a decoder, an encoder, a cutter of
//! blocks for workers, one block, a file that is read in ranges. [`boundary`] has the functions.
//! Whatever a session does, the library does: there is no format, no check and no limit here.

#![cfg_attr(
    not(all(feature = "decode", feature = "encode", feature = "file", feature = "gpu")),
    allow(unused_imports, reason = "the boundary has the functions of one part")
)]

pub mod block;
#[allow(unsafe_code, reason = "names of C functions; there is no unsafe block")]
pub mod boundary;
pub mod decode;
pub mod encode;
pub mod fault;
pub mod file;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod session;
