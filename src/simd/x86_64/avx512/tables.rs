//! What the decoder looks slots and symbols up in.

use super::Bytes;
use crate::{model::Frequencies, rans::segment::Table};

/// From slots to symbols in two steps: a slot's bucket tells the id of the symbol that has the
/// bucket's first slot, and where in the bucket further symbols start. As many as start no later
/// than the slot, so many ids further is its symbol.
///
/// Ids are the ranks of the symbols that have slots. Everything else is looked up by id.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// For each of 256 buckets: a bit for each slot but the first where a symbol starts, slots 0 to
    /// 7 and 8 to 15.
    pub(super) starts: [Bytes; 2],
    /// For each bucket: the id at its first slot.
    pub(super) first: Bytes,
    /// The upper byte of `frequency << (16 - scale_bits)`.
    pub(super) frequency_upper: Bytes,
    /// The upper four bits of the lower byte of `frequency << (16 - scale_bits)`, which are all
    /// that is in it, and the upper four of the cumulative frequency's twelve.
    pub(super) mixed: Bytes,
    /// The lower byte of the cumulative frequency.
    pub(super) cumulative_lower: Bytes,
    pub(super) symbol: Bytes,
    /// Number of ids. 0: there are no tables.
    pub(super) symbols: usize,
    pub(super) scale_bits: u8,
}

/// Buckets of a scale.
const BUCKETS: usize = 256;

impl Tables {
    pub(super) const NONE: Self = Self {
        starts: [const { Bytes([0; 256]) }; 2],
        first: Bytes([0; 256]),
        frequency_upper: Bytes([0; 256]),
        mixed: Bytes([0; 256]),
        cumulative_lower: Bytes([0; 256]),
        symbol: Bytes([0; 256]),
        symbols: 0,
        scale_bits: 0,
    };

    /// Makes tables out of none. One symbol that has all slots leaves them so: `frequency << (16 -
    /// scale_bits)` would not fit into a word.
    pub(super) fn fill(&mut self, frequencies: &Frequencies) {
        let scale_bits = frequencies.scale_bits();
        assert!((8..=12).contains(&scale_bits), "a bucket has 16 slots at most");
        let bucket_bits = scale_bits - 8;
        if frequencies.only_symbol().is_some() {
            return;
        }
        let mut bucket = 0;
        for (id, (symbol, frequency, cumulative)) in frequencies.used().enumerate() {
            let (slot, end) = (cumulative as usize, (cumulative + frequency) as usize);
            let scaled = frequency << (16 - scale_bits);
            self.frequency_upper.0[id] = (scaled >> 8) as u8;
            self.mixed.0[id] = (scaled & 0xF0 | cumulative >> 8) as u8;
            self.cumulative_lower.0[id] = slot as u8;
            self.symbol.0[id] = symbol;
            let bit = slot & ((1 << bucket_bits) - 1);
            if bit > 0 {
                self.starts[bit / 8].0[slot >> bucket_bits] |= 1 << (bit % 8);
            }
            // Whole runs, even where they reach into the buckets of the next symbol: that is
            // written later.
            let end = end.div_ceil(1 << bucket_bits);
            while bucket < end {
                match self.first.0[bucket..].first_chunk_mut::<RUN>() {
                    Some(run) => *run = [id as u8; RUN],
                    None => self.first.0[bucket..].fill(id as u8),
                }
                bucket += RUN;
            }
            bucket = end;
            self.symbols = id + 1;
        }
        self.scale_bits = scale_bits;
    }
}

/// Buckets that are written together.
const RUN: usize = 16;

impl Table for Tables {
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        let bucket_bits = self.scale_bits - 8;
        let slot = *state & ((1 << self.scale_bits) - 1);
        let (bucket, within) = ((slot >> bucket_bits) as usize % BUCKETS, slot & ((1 << bucket_bits) - 1));
        let starts = u32::from(u16::from_le_bytes([self.starts[0].0[bucket], self.starts[1].0[bucket]]));
        let id = usize::from(self.first.0[bucket]) + (starts & ((2 << within) - 1)).count_ones() as usize;
        let (id, mixed) = (id % 256, u32::from(self.mixed.0[id % 256]));
        let scaled = u32::from(self.frequency_upper.0[id]) << 8 | mixed & 0xF0;
        let cumulative = u32::from(self.cumulative_lower.0[id]) | (mixed & 0xF) << 8;
        let frequency = scaled >> (16 - self.scale_bits);
        *state = frequency.wrapping_mul(*state >> self.scale_bits).wrapping_add(slot - cumulative);
        self.symbol.0[id]
    }
}
