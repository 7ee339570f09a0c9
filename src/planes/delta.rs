//! Elements as differences from those of a base.
//!
//! Floating-point numbers are put into their order first: two that are near each other differ by a
//! small number then, whatever their exponents are.

use crate::planes::{all, by_element, element, from_zigzag, number, rotate, sign};

/// Turns elements into their differences from the base's, of which each sign is the lowest bit.
pub(crate) fn difference(elements: &mut [u8], base: &[u8], element: usize) {
    by_element!(element, difference_of(elements, base));
}

/// Takes [`difference`] back.
pub(crate) fn apply(elements: &mut [u8], base: &[u8], element: usize) {
    by_element!(element, apply_of(elements, base));
}

/// The most significant byte of each element, after the rotation if there is one.
pub(crate) fn top_bytes(elements: &[u8], element: usize, rotated: bool, top: &mut [u8]) {
    by_element!(element, top_bytes_of(elements, rotated, top));
}

#[inline(always)]
fn difference_of<const E: usize>(elements: &mut [u8], base: &[u8]) {
    for (bytes, base) in elements.as_chunks_mut::<E>().0.iter_mut().zip(base.as_chunks::<E>().0) {
        let difference = order::<E>(number(*bytes)).wrapping_sub(order::<E>(number(*base))) & all::<E>();
        let negative = (difference >> (8 * E - 1)).wrapping_neg();
        *bytes = element((difference << 1 ^ negative) & all::<E>());
    }
}

#[inline(always)]
fn apply_of<const E: usize>(elements: &mut [u8], base: &[u8]) {
    for (bytes, base) in elements.as_chunks_mut::<E>().0.iter_mut().zip(base.as_chunks::<E>().0) {
        let difference = from_zigzag(number(*bytes));
        let ordered = order::<E>(number(*base)).wrapping_add(difference) & all::<E>();
        *bytes = element(take_out_of_order::<E>(ordered));
    }
}

#[inline(always)]
fn top_bytes_of<const E: usize>(elements: &[u8], rotated: bool, top: &mut [u8]) {
    for (top, bytes) in top.iter_mut().zip(elements.as_chunks::<E>().0) {
        *top = (rotate::<E>(number(*bytes), rotated) >> (8 * E - 8)) as u8;
    }
}

/// Numbers in the order of floats: negative ones, of which all bits are flipped, come before the
/// others, of which the sign is.
#[inline(always)]
fn order<const E: usize>(bits: u64) -> u64 {
    let negative = (bits >> (8 * E - 1)).wrapping_neg();
    bits ^ (negative & all::<E>() | sign::<E>())
}

#[inline(always)]
fn take_out_of_order<const E: usize>(ordered: u64) -> u64 {
    let negative = (ordered >> (8 * E - 1)).wrapping_sub(1);
    ordered ^ (negative & all::<E>() | sign::<E>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_two_bytes_comes_back_over_many_bases() {
        let elements: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for base in [0, 0x8000, 0x3F80, 0xBF81, 0x7F80, 0x7FFF, 0xFFFF, 0x0001, 0x8001] {
            let base = u16::to_le_bytes(base).repeat(1 << 16);
            let mut changed = elements.clone();
            difference(&mut changed, &base, 2);
            apply(&mut changed, &base, 2);
            assert!(changed == elements, "{base:?}");
        }
    }

    #[test]
    fn near_numbers_differ_by_little_across_zero() {
        let differs = |number: f32, base: f32| {
            let mut bytes = number.to_le_bytes();
            difference(&mut bytes, &base.to_le_bytes(), 4);
            u32::from_le_bytes(bytes)
        };
        assert_eq!(differs(1.5, 1.5), 0);
        assert_eq!(differs(f32::from_bits(1), 0.0), 2);
        assert_eq!(differs(-0.0, 0.0), 1);
        assert_eq!(differs(f32::from_bits(0x8000_0001), 0.0), 3);
        assert_eq!(differs(2.0, f32::from_bits(2.0_f32.to_bits() - 1)), 2);
        assert_eq!(differs(-2.0, f32::from_bits((-2.0_f32).to_bits() - 1)), 1);
    }

    #[test]
    fn every_width_comes_back() {
        for width in [1, 2, 4, 8] {
            let elements: Vec<u8> = (0..64 * width).map(|at| (at * 97 + at / 3) as u8).collect();
            let base: Vec<u8> = (0..64 * width).map(|at| (at * 31) as u8).collect();
            let mut changed = elements.clone();
            difference(&mut changed, &base, width);
            assert_ne!(changed, elements);
            apply(&mut changed, &base, width);
            assert_eq!(changed, elements);
        }
    }

    #[test]
    fn top_bytes_are_the_first_plane() {
        let elements: Vec<u8> = (0..80).map(|at: u32| (at * 97) as u8).collect();
        for (width, rotated) in [(1, false), (1, true), (2, true), (4, false), (8, true)] {
            let (mut planes, mut top) = (vec![0; 80], vec![0; 80 / width]);
            crate::planes::elements::split(&elements, width, rotated, &mut planes);
            top_bytes(&elements, width, rotated, &mut top);
            assert_eq!(top, planes[..top.len()]);
        }
    }
}
