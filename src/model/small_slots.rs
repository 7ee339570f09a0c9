//! The decoder's view of the table of a small block, which spends most of its time on making it.

use crate::model::{Frequencies, Slots};

/// Slots that are written together: most symbols of a small block have no more.
const RUN: usize = 16;

/// The table of blocks of up to 2 KiB.
pub(crate) type Slots9 = SmallSlots<{ (1 << 9) + RUN }>;

/// The table of blocks of up to 8 KiB.
pub(crate) type Slots10 = SmallSlots<{ (1 << 10) + RUN }>;

/// The table of a message's model.
pub(crate) type Slots12 = SmallSlots<{ (1 << 12) + RUN }>;

/// What each slot of a scale means: frequency, offset and symbol, each in an array of its own. So a
/// load gives a number as it is. To take all three out of one number, by shifts and masks, would
/// take as long as the arithmetic of the coder.
///
/// `ROOM`: the scale, and a [`RUN`] more, so that a whole run has room behind every slot.
#[derive(Debug)]
pub(crate) struct SmallSlots<const ROOM: usize> {
    frequencies: [u16; ROOM],
    offsets: [u16; ROOM],
    symbols: [u8; ROOM],
}

impl<const ROOM: usize> SmallSlots<ROOM> {
    const SCALE: usize = {
        assert!((ROOM - RUN).is_power_of_two() && ROOM - RUN <= 1 << 15);
        ROOM - RUN
    };

    const SCALE_BITS: u8 = Self::SCALE.trailing_zeros() as u8;

    /// Writes the slots from `at` on, which is below the scale: of a symbol, from its slot `offset`
    /// on.
    #[inline(always)]
    fn write_run(&mut self, at: usize, offset: usize, frequency: u16, symbol: u8) {
        // The remainder only tells the compiler so.
        let at = at % Self::SCALE;
        self.frequencies[at..at + RUN].copy_from_slice(&[frequency; RUN]);
        self.offsets[at..at + RUN].copy_from_slice(&OFFSETS.map(|first| first + offset as u16));
        self.symbols[at..at + RUN].copy_from_slice(&[symbol; RUN]);
    }
}

/// The offsets of a run's slots.
const OFFSETS: [u16; RUN] = {
    let mut offsets = [0; RUN];
    let mut offset = 0;
    while offset < RUN {
        offsets[offset] = offset as u16;
        offset += 1;
    }
    offsets
};

impl<const ROOM: usize> Slots for SmallSlots<ROOM> {
    #[inline(always)]
    fn empty() -> Self {
        Self { frequencies: [0; ROOM], offsets: [0; ROOM], symbols: [0; ROOM] }
    }

    /// `frequencies` have that scale.
    fn fill(&mut self, frequencies: &Frequencies) {
        assert_eq!(frequencies.scale_bits(), Self::SCALE_BITS, "each scale has its table");
        let (mut long, mut count) = ([0_u16; 256], 0);
        for (symbol, frequency, cumulative) in frequencies.used() {
            // A whole run, even where it reaches into the next symbol's range: that is written
            // later. Which ranges are longer cannot be predicted, so those wait until all is
            // written that may reach into them.
            self.write_run(cumulative as usize, 0, frequency as u16, symbol);
            long[count % 256] = cumulative as u16;
            count += usize::from(frequency as usize > RUN);
        }
        for at in long[..count].iter().copied().map(usize::from) {
            let (symbol, frequency) = (self.symbols[at], self.frequencies[at]);
            let len = usize::from(frequency);
            for offset in (RUN..len - RUN).step_by(RUN) {
                self.write_run(at + offset, offset, frequency, symbol);
            }
            self.write_run(at + len - RUN, len - RUN, frequency, symbol);
        }
    }

    #[inline(always)]
    fn scale_bits(&self) -> u8 {
        Self::SCALE_BITS
    }

    #[inline(always)]
    fn look_up(&self, state: u32) -> (u8, u32, u32) {
        let slot = state as usize % Self::SCALE;
        (self.symbols[slot], self.frequencies[slot].into(), self.offsets[slot].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_slot_means_its_symbol<const ROOM: usize>() {
        let (scale, scale_bits) = (SmallSlots::<ROOM>::SCALE as u16, SmallSlots::<ROOM>::SCALE_BITS);
        let mut several = [0; 256];
        (several[3], several[200], several[202], several[255]) = (1, scale - 30, 9, 20);
        let mut runs = [0; 256];
        for (symbol, len) in [1, 16, 17, 31, 32, 33, 47, 49, 64, 80].into_iter().enumerate() {
            runs[20 * symbol] = len;
        }
        runs[199] = scale - runs.iter().sum::<u16>();
        let single = Frequencies::single(7, scale_bits);
        for frequencies in [several, runs, [scale / 256; 256]]
            .map(|of| Frequencies::new(of, scale_bits).unwrap())
            .iter()
            .chain([&single])
        {
            SmallSlots::<ROOM>::with(frequencies, |slots| {
                let mut slot = 0;
                for (symbol, frequency, _) in frequencies.used() {
                    for offset in 0..frequency {
                        let state = 0x1234 << scale_bits | slot;
                        assert_eq!(slots.look_up(state), (symbol, frequency, offset));
                        slot += 1;
                    }
                }
                assert_eq!(slot, scale.into());
            });
        }
    }

    #[test]
    fn every_slot_of_every_scale_means_its_symbol() {
        every_slot_means_its_symbol::<{ (1 << 9) + RUN }>();
        every_slot_means_its_symbol::<{ (1 << 10) + RUN }>();
        every_slot_means_its_symbol::<{ (1 << 12) + RUN }>();
    }
}
