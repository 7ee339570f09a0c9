//! From bytes to the probabilities that a coder works with: count, normalise, tabulate.
//!
//! Here are numbers alone. How they stand on the wire belongs to [`format`](crate::format), and
//! what is coded with them to the coders.

mod byte_set;
mod cost;
mod frequencies;
mod histogram;
mod normalize;
mod slots;
mod small_slots;
mod symbols;

pub(crate) use byte_set::{ByteSet, Chunk};
#[cfg(not(target_family = "wasm"))]
pub(crate) use cost::price;
pub(crate) use cost::{coded_bits, entropy_bits, entropy_len, least_bits, most_bits};
pub(crate) use frequencies::Frequencies;
pub(crate) use histogram::{Counter, Histogram};
pub(crate) use normalize::{normalize, normalize_compat};
pub(crate) use slots::{Slot, SlotTable, Slots};
pub(crate) use small_slots::{Slots9, Slots10, Slots12};
pub(crate) use symbols::SymbolTable;
