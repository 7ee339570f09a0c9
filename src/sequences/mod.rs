//! Sequences: some literals, then a match (FORMAT.md, 14.3). What they are on the wire, and what
//! they do to raw bytes, in safe scalar Rust. Kernels are held against this.
//!
//! This folder knows symbols and raw bytes. It knows no kernel, and not how symbols are coded.

mod code;
mod execute;
mod expand;
mod sections;

pub(crate) use code::{
    ESCAPE, ESCAPE_LEN, LARGEST_EXCESS, MAX_OFFSET_BITS, MIN_MATCH, OffsetCode, Repeats, TOKEN_LITERALS, TOKEN_MATCH,
    are_excesses, are_offset_codes, excess_byte, offset_base,
};
pub(crate) use execute::{Escapes, LiteralForm, Output};
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little"),
    not(any(target_family = "wasm", fuzzing))
))]
pub(crate) use expand::{ESCAPED, ROOM};
pub(crate) use expand::{Expanded, Offsets, REPEAT_CODES, Tokens, spread};
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
pub(crate) use expand::{HISTORY, repeat};
pub(crate) use sections::{Sections, Symbols};
