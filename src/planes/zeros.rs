//! Zeros to a map of two bits an element: those elements are in no plane then.

use crate::{
    error::Corruption,
    planes::{by_element, number, sign},
};

/// Classes of elements.
const CODED: u8 = 0;
const ZERO: u8 = 1;
/// Only the sign bit is set.
const NEGATIVE_ZERO: u8 = 2;

/// Elements whose classes stand in one byte.
pub(crate) const PER_BYTE: usize = 4;

/// Bytes of the map of so many elements.
pub(crate) fn map_len(elements: usize) -> usize {
    elements.div_ceil(PER_BYTE)
}

/// How many of the elements have all bits zero, or, if `signed`, all but the sign.
pub(crate) fn count_zeros(elements: &[u8], element: usize, signed: bool) -> usize {
    by_element!(element, count_zeros_of(elements, signed))
}

/// Writes the map of elements to `map`, and moves the others to the front of them: their number
/// comes back.
pub(crate) fn take_out(elements: &mut [u8], element: usize, signed: bool, map: &mut [u8]) -> usize {
    by_element!(element, take_out_of(elements, signed, map))
}

/// How many elements of a map are in the planes. `signed`: there may be negative zeros.
pub(crate) fn count_coded(map: &[u8], elements: usize, signed: bool) -> Result<usize, Corruption> {
    // Both bits of each class, and both at once.
    let invalid = if signed { 0 } else { 0b1010_1010 };
    let mut wrong = 0;
    let mut zeros = 0;
    for &byte in map {
        let (low, high) = (byte & 0x55, byte >> 1 & 0x55);
        wrong |= (low & high) | (byte & invalid);
        zeros += ((low | high).count_ones()) as usize;
    }
    if wrong != 0 {
        return Err(Corruption::Symbol { section: "zero map" });
    }
    let used = elements % PER_BYTE;
    if used > 0 && map.last().is_some_and(|last| last >> (2 * used) != 0) {
        return Err(Corruption::Padding);
    }
    Ok(elements - zeros)
}

/// One byte of each element that is coded, in place of one byte of every element: the first bytes
/// of `plane`.
pub(crate) fn keep_coded(map: &[u8], plane: &mut [u8]) {
    // No processor foresees which are: all are moved, and some are written over.
    let mut kept = 0;
    for index in 0..plane.len() {
        plane[kept] = plane[index];
        kept += usize::from(class(map, index) == CODED);
    }
}

/// A plane of all elements, from one of those that are coded. A negative zero has the byte
/// `negative` in it. `coded` has as many bytes as the map says, or more.
pub(crate) fn expand(map: &[u8], coded: &[u8], negative: u8, plane: &mut [u8]) {
    // No processor foresees the classes, so each one is looked up.
    let mut at = 0;
    for (index, byte) in plane.iter_mut().enumerate() {
        let class = class(map, index);
        *byte = [coded.get(at).copied().unwrap_or_default(), 0, negative, 0][usize::from(class)];
        at += usize::from(class == CODED);
    }
}

/// The byte of a negative zero in a plane of a column: `plane` counts from the most significant.
pub(crate) fn negative_byte(plane: usize, element: usize, rotated: bool) -> u8 {
    match (plane, rotated) {
        (0, false) => 0x80,
        (0, true) if element == 1 => 1,
        (last, true) if last + 1 == element => 1,
        _ => 0,
    }
}

#[inline(always)]
fn class(map: &[u8], index: usize) -> u8 {
    map[index / PER_BYTE] >> (2 * (index % PER_BYTE)) & 3
}

#[inline(always)]
fn class_of<const E: usize>(element: [u8; E], signed: bool) -> u8 {
    match number(element) {
        0 => ZERO,
        bits if signed && bits == sign::<E>() => NEGATIVE_ZERO,
        _ => CODED,
    }
}

#[inline(always)]
fn count_zeros_of<const E: usize>(elements: &[u8], signed: bool) -> usize {
    // Two loops with a constant each: the compiler works on numbers as wide as the elements then.
    if signed {
        count_where::<E>(elements, |bits| bits & !sign::<E>() == 0)
    } else {
        count_where::<E>(elements, |bits| bits == 0)
    }
}

/// Elements that are counted in 16 bits, which do not overflow.
const COUNTED: usize = 4096;

/// How many elements are as `is_wanted` says.
#[inline(always)]
fn count_where<const E: usize>(elements: &[u8], is_wanted: impl Fn(u64) -> bool) -> usize {
    let count = |part: &[[u8; E]]| -> u16 { part.iter().map(|element| u16::from(is_wanted(number(*element)))).sum() };
    elements.as_chunks::<E>().0.chunks(COUNTED).map(|part| usize::from(count(part))).sum()
}

#[inline(always)]
fn take_out_of<const E: usize>(elements: &mut [u8], signed: bool, map: &mut [u8]) -> usize {
    map.fill(0);
    let elements = elements.as_chunks_mut::<E>().0;
    let mut kept = 0;
    for index in 0..elements.len() {
        let class = class_of(elements[index], signed);
        map[index / PER_BYTE] |= class << (2 * (index % PER_BYTE));
        elements[kept] = elements[index];
        kept += usize::from(class == CODED);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planes::elements;

    fn round_trip(original: &[u8], width: usize, rotated: bool) {
        let count = original.len() / width;
        let (mut coded, mut map) = (original.to_vec(), vec![0xAA; map_len(count)]);
        let kept = take_out(&mut coded, width, true, &mut map);
        assert_eq!(kept, count - count_zeros(original, width, true));
        assert_eq!(count_coded(&map, count, true), Ok(kept));
        let mut planes = vec![0; kept * width];
        elements::split(&coded[..kept * width], width, rotated, &mut planes);
        let mut full = vec![0xAA; count * width];
        for plane in 0..width {
            let negative = negative_byte(plane, width, rotated);
            expand(&map, &planes[plane * kept..][..kept], negative, &mut full[plane * count..][..count]);
        }
        let full: Vec<_> = (0..width).map(|plane| &full[plane * count..][..count]).collect();
        let mut back = vec![0xAA; original.len()];
        elements::merge(&full, rotated, &mut back);
        assert!(back == original, "{count} elements of {width}, rotated: {rotated}");
    }

    #[test]
    fn every_pattern_of_two_bytes_comes_back_between_zeros() {
        let with_zeros = |value: u16| [0, value, 0x8000];
        let elements: Vec<u8> = (0..=u16::MAX).flat_map(with_zeros).flat_map(u16::to_le_bytes).collect();
        round_trip(&elements, 2, false);
        round_trip(&elements, 2, true);
    }

    #[test]
    fn every_width_and_number_of_elements_comes_back() {
        for width in [1, 2, 4, 8] {
            for count in 0..70_usize {
                let element = |index: usize| match index * index % 7 {
                    0 | 1 => vec![0; width],
                    2 => [vec![0; width - 1], vec![0x80]].concat(),
                    _ => (0..width).map(|byte| (index * 37 + byte) as u8).collect(),
                };
                let elements: Vec<u8> = (0..count).flat_map(element).collect();
                round_trip(&elements, width, false);
                round_trip(&elements, width, true);
            }
        }
    }

    #[test]
    fn long_runs_of_zeros_are_counted_and_negative_ones_if_asked_for() {
        for width in [1, 2, 4, 8] {
            let mut elements = vec![0; 70_001 * width];
            elements[width - 1] = 0x80;
            assert_eq!(count_zeros(&elements, width, true), 70_001, "{width}");
            assert_eq!(count_zeros(&elements, width, false), 70_000, "{width}");
            elements[2 * width - 1] = 0x81;
            assert_eq!(count_zeros(&elements, width, true), 70_000, "{width}");
        }
    }

    #[test]
    fn classes_without_a_meaning_are_refused() {
        let symbol = Err(Corruption::Symbol { section: "zero map" });
        assert_eq!(count_coded(&[0b1101_0001], 4, true), symbol);
        assert_eq!(count_coded(&[0b1001_0001], 4, true), Ok(1));
        assert_eq!(count_coded(&[0b1001_0001], 4, false), symbol);
        assert_eq!(count_coded(&[0b0101_0001], 4, false), Ok(1));
        assert_eq!(count_coded(&[0b0101_0001], 3, true), Err(Corruption::Padding));
    }

    #[test]
    fn bytes_of_coded_elements_are_kept_in_order() {
        let mut plane = [1, 2, 3, 4, 5];
        keep_coded(&[0b0001_0001, 0], &mut plane);
        assert_eq!(plane[..3], [2, 4, 5]);
    }
}
