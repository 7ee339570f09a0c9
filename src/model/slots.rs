//! The decoder's view of a table: what each slot means.

use crate::model::Frequencies;

/// What a decoder looks slots up in.
pub(crate) trait Slots: Sized {
    fn empty() -> Self;

    /// Makes it the table of `frequencies`, whatever it was before.
    fn fill(&mut self, frequencies: &Frequencies);

    fn new(frequencies: &Frequencies) -> Self {
        let mut table = Self::empty();
        table.fill(frequencies);
        table
    }

    /// Makes a table where it stays, and lends it: moving it would take a third as long as making
    /// it.
    #[inline(always)]
    fn with<R>(frequencies: &Frequencies, work: impl FnOnce(&Self) -> R) -> R {
        let mut table = Self::empty();
        table.fill(frequencies);
        work(&table)
    }

    fn scale_bits(&self) -> u8;

    /// Symbol, frequency and offset of the slot that `state` stands in. Its lower half is enough to
    /// tell.
    fn look_up(&self, state: u32) -> (u8, u32, u32);

    /// Takes the symbol out of `state`, which may then be below 2^16 and want a word.
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        let (symbol, frequency, offset) = self.look_up(*state);
        *state = frequency.wrapping_mul(*state >> self.scale_bits()).wrapping_add(offset);
        symbol
    }
}

/// What a decoder needs to know about one slot.
pub(crate) trait Slot: Copy {
    /// What is in a table before it is filled.
    const EMPTY: Self;

    /// The largest scale that fits.
    const MAX_SCALE_BITS: u8;

    /// `1 <= frequency <= scale`, `offset < frequency`: the slot's distance from its symbol's
    /// first.
    fn new(symbol: u8, frequency: u32, offset: u32) -> Self;

    fn symbol(self) -> u8;

    fn frequency(self) -> u32;

    fn offset(self) -> u32;
}

/// `frequency << 20 | offset << 8 | symbol`. A frequency of 4096 does not fit, see
/// [`SlotTable::new`].
impl Slot for u32 {
    const EMPTY: Self = 0;

    const MAX_SCALE_BITS: u8 = 12;

    fn new(symbol: u8, frequency: u32, offset: u32) -> Self {
        frequency << 20 | offset << 8 | u32::from(symbol)
    }

    #[inline(always)]
    fn symbol(self) -> u8 {
        self as u8
    }

    #[inline(always)]
    fn frequency(self) -> u32 {
        self >> 20
    }

    #[inline(always)]
    fn offset(self) -> u32 {
        self >> 8 & 0xFFF
    }
}

/// `offset << 32 | frequency << 8 | symbol`, for scales of 13 and 14 bits.
impl Slot for u64 {
    const EMPTY: Self = 0;

    const MAX_SCALE_BITS: u8 = 14;

    fn new(symbol: u8, frequency: u32, offset: u32) -> Self {
        u64::from(offset) << 32 | u64::from(frequency) << 8 | u64::from(symbol)
    }

    #[inline(always)]
    fn symbol(self) -> u8 {
        self as u8
    }

    #[inline(always)]
    fn frequency(self) -> u32 {
        self as u32 >> 8
    }

    #[inline(always)]
    fn offset(self) -> u32 {
        (self >> 32) as u32
    }
}

/// Slots that are written together: most symbols of a block of some KiB have no more, so that the
/// end of a range is guessed right.
const RUN: usize = 16;

/// One [`Slot`] for each slot of a scale. `LEN` is a power of two and at least the scale. A kernel
/// looks slots up in an array of tables: they stand first in each.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct SlotTable<S, const LEN: usize> {
    slots: [S; LEN],
    scale_bits: u8,
}

impl<S: Slot, const LEN: usize> SlotTable<S, LEN> {
    pub(crate) const EMPTY: Self = Self { slots: [S::EMPTY; LEN], scale_bits: 0 };

    pub(crate) fn as_array(&self) -> &[S; LEN] {
        &self.slots
    }
}

impl<S: Slot, const LEN: usize> Slots for SlotTable<S, LEN> {
    fn empty() -> Self {
        const { assert!(LEN.is_power_of_two() && LEN <= 1 << S::MAX_SCALE_BITS) };
        Self::EMPTY
    }

    fn fill(&mut self, frequencies: &Frequencies) {
        debug_assert!(frequencies.scale() as usize <= LEN, "each slot of a scale is in its table");
        self.scale_bits = frequencies.scale_bits();
        let slots = &mut self.slots;
        if let Some(symbol) = frequencies.only_symbol() {
            // It leaves every state alone, whatever the scale is: at half the scale its frequency
            // fits into a slot.
            self.scale_bits -= 1;
            for (offset, slot) in (0..1 << self.scale_bits).zip(slots) {
                *slot = S::new(symbol, 1 << self.scale_bits, offset);
            }
            return;
        }
        for (symbol, frequency, cumulative) in frequencies.used() {
            // Whole runs, even where they reach into the next symbol's range: that is written
            // later, and an end that is guessed wrong costs more than a few stores.
            let (mut at, end) = (cumulative as usize, (cumulative + frequency) as usize);
            let mut offset = 0;
            while at < end
                && let Some(run) = slots[at..].first_chunk_mut::<RUN>()
            {
                *run = std::array::from_fn(|index| S::new(symbol, frequency, offset + index as u32));
                (at, offset) = (at + RUN, offset + RUN as u32);
            }
            if at < end {
                for (offset, slot) in (offset..).zip(&mut slots[at..end]) {
                    *slot = S::new(symbol, frequency, offset);
                }
            }
        }
    }

    #[inline(always)]
    fn scale_bits(&self) -> u8 {
        self.scale_bits
    }

    #[inline(always)]
    fn look_up(&self, state: u32) -> (u8, u32, u32) {
        // LEN is a power of two, so the second mask only tells the compiler that the index is in
        // range.
        let slot = self.slots[state as usize & ((1 << self.scale_bits) - 1) & (LEN - 1)];
        (slot.symbol(), slot.frequency(), slot.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_leads_to_its_symbol_and_state() {
        let mut of = [0; 256];
        (of[3], of[200], of[255]) = (1, 4000, 95);
        let frequencies = Frequencies::new(of, 12).unwrap();
        let narrow = SlotTable::<u32, 4096>::new(&frequencies);
        let wide = Box::new(SlotTable::<u64, 16384>::new(&frequencies));
        for slot in 0..4096 {
            let (symbol, frequency, cumulative) = match slot {
                0 => (3, 1, 0),
                1..=4000 => (200, 4000, 1),
                _ => (255, 95, 4001),
            };
            for high in [16, 70_000, 0xF_FFFF] {
                let expected = frequency * high + slot - cumulative;
                let (mut a, mut b) = (high << 12 | slot, high << 12 | slot);
                assert_eq!((narrow.decode(&mut a), a), (symbol, expected));
                assert_eq!((wide.decode(&mut b), b), (symbol, expected));
            }
        }
    }

    #[test]
    fn one_symbol_at_full_frequency_leaves_the_state_alone() {
        let narrow = SlotTable::<u32, 4096>::new(&Frequencies::single(7, 12));
        let wide = Box::new(SlotTable::<u64, 16384>::new(&Frequencies::single(7, 14)));
        for state in [1 << 16, 0x1234_5678, u32::MAX] {
            let (mut a, mut b) = (state, state);
            assert_eq!((narrow.decode(&mut a), a), (7, state));
            assert_eq!((wide.decode(&mut b), b), (7, state));
        }
    }
}
