//! The wire: each structure of `FORMAT.md` with its `parse` and `write` side by side.
//!
//! Parsing yields values that are already within the format's ranges; nothing is checked again
//! later. Functions that see only a payload report a [`Corruption`](crate::error::Corruption);
//! whoever knows the place adds it.

pub(crate) mod bits;
pub(crate) mod check;
pub(crate) mod fields;
pub(crate) mod number;
pub(crate) mod planes;
pub(crate) mod section;
pub(crate) mod table;

mod base;
mod block;
mod end;
mod header;
mod index;

pub use base::{BASE_KIND, BaseHint};
pub use block::{BLOCK_OVERHEAD, BlockHeader, BlockMode, INDEX_KIND};
pub use end::EndBlock;
pub use header::{MAGIC, StreamHeader, VERSION};
pub use index::IndexFooter;
pub use table::TableKind;

pub(crate) use block::{CHECK_LEN, HEADER_LEN};
