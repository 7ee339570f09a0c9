//! Sequences of a chunk on every processor: expanded one after the other, then the copy loop with
//! steps that are plain Rust.

use crate::{
    sequences::{Expanded, Output, Repeats, Sections},
    simd::lz_copy::{self, GROUP, Steps},
};

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together.
///
/// `inline(never)` keeps it apart, where `scripts/hot_loops.sh` looks at it.
#[inline(never)]
pub(super) fn execute(
    sections: &Sections<'_>,
    repeats: Repeats,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> Option<Repeats> {
    sections.expand(repeats, expanded).ok()?;
    // SAFETY: `Portable` needs no features.
    let fit = unsafe { lz_copy::choose!(Portable, sections, repeats.last(), expanded, output) };
    fit.then(|| sections.offsets.repeats(&expanded.code_offsets))
}

/// What the copy loop does without any instructions of its own.
#[derive(Debug)]
struct Portable;

impl Steps for Portable {
    #[inline(always)]
    unsafe fn sum(lengths: &[u8; GROUP]) -> usize {
        lengths.iter().map(|&length| u32::from(length)).sum::<u32>() as usize
    }

    #[inline(always)]
    unsafe fn range(offsets: &[u32; GROUP]) -> (u32, u32) {
        offsets.iter().fold((u32::MAX, 0), |(nearest, farthest), &offset| (nearest.min(offset), farthest.max(offset)))
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 16], period: usize) -> [u8; 16] {
        if period == 16 {
            return bytes;
        }
        let mut bits = 8 * period;
        let mut repeated = u128::from_le_bytes(bytes) & ((1 << bits) - 1);
        while bits < 128 {
            repeated |= repeated << bits;
            bits *= 2;
        }
        repeated.to_le_bytes()
    }

    #[inline(always)]
    unsafe fn add_repeated(mut bytes: [u8; 16], base: [u8; 16], period: usize) -> [u8; 16] {
        if period == 16 {
            for (byte, base) in bytes.iter_mut().zip(base) {
                *byte = byte.wrapping_add(base);
            }
            return bytes;
        }
        let (bytes, base) = (u128::from_le_bytes(bytes), u128::from_le_bytes(base));
        // Each sum is that of all bytes whole periods before it: of two, of four, and so on.
        let mut bits = 8 * period;
        let mut sums = add(bytes, base & ((1 << bits) - 1));
        while bits < 128 {
            sums = add(sums, sums << bits);
            bits *= 2;
        }
        sums.to_le_bytes()
    }
}

/// The sums of 16 bytes each. No carry leaves its byte.
#[inline(always)]
fn add(a: u128, b: u128) -> u128 {
    const HIGH: u128 = u128::from_ne_bytes([0x80; 16]);
    ((a & !HIGH) + (b & !HIGH)) ^ ((a ^ b) & HIGH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_bytes_one_after_the_other() {
        let [bytes, base]: [[u8; 16]; 2] = [37, 91].map(|step| std::array::from_fn(|place| (place * step + 200) as u8));
        for period in 1..=16 {
            let mut expected = bytes;
            for place in 0..16 {
                let before = if place < period { base[place] } else { expected[place - period] };
                expected[place] = expected[place].wrapping_add(before);
            }
            // SAFETY: `Portable` needs no features.
            assert_eq!(unsafe { Portable::add_repeated(bytes, base, period) }, expected, "{period}");
        }
    }
}
