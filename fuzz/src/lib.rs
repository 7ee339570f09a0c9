//! The bodies of the fuzz targets, and the seeds that they start from.
//!
//! A body takes any bytes, and panics when a promise is broken. The first few bytes are settings,
//! the rest is a stream or data. A fuzzer finds the bytes; `tests/seeds.rs` of the crate compiles
//! the same bodies, and runs every seed through all of them.

pub mod async_schedule;
pub mod decode;
pub mod decode_chunks;
pub mod decode_no_check;
pub mod faulty_io;
pub mod header;
pub mod index;
pub mod kernels;
pub mod legacy;
pub mod lz_decode;
pub mod lz_roundtrip;
pub mod message;
pub mod no_leak;
pub mod pivot;
pub mod planes;
pub mod recover;
pub mod roundtrip;
pub mod section;
pub mod seeds;

mod drive;
mod repair;

/// What a target does with its input.
pub type Body = fn(&[u8]);

/// Every target.
pub const TARGETS: [(&str, Body); 18] = [
    ("async_schedule", async_schedule::run),
    ("decode", decode::run),
    ("decode_chunks", decode_chunks::run),
    ("decode_no_check", decode_no_check::run),
    ("faulty_io", faulty_io::run),
    ("header", header::run),
    ("index", index::run),
    ("kernels", kernels::run),
    ("legacy", legacy::run),
    ("lz_decode", lz_decode::run),
    ("lz_roundtrip", lz_roundtrip::run),
    ("message", message::run),
    ("no_leak", no_leak::run),
    ("pivot", pivot::run),
    ("planes", planes::run),
    ("recover", recover::run),
    ("roundtrip", roundtrip::run),
    ("section", section::run),
];
