//! Elements to byte planes, and back.

use crate::planes::{by_element, element, number, rotate, rotate_back};

/// Splits elements of `element` bytes into as many planes, the most significant bytes first: plane
/// `p` are the bytes `p * n..(p + 1) * n` of `planes`, with `n` elements.
#[cfg(test)]
pub(crate) fn split(elements: &[u8], element: usize, rotated: bool, planes: &mut [u8]) {
    split_from(0, elements, element, rotated, planes);
}

/// [`split`] from element `done` on.
pub(crate) fn split_from(done: usize, elements: &[u8], element: usize, rotated: bool, planes: &mut [u8]) {
    if element == 1 && !rotated {
        return planes[done..].copy_from_slice(&elements[done..]);
    }
    by_element!(element, split_of(done, elements, rotated, planes));
}

/// Merges planes of equal length, the most significant first, to elements.
pub(crate) fn merge(planes: &[&[u8]], rotated: bool, elements: &mut [u8]) {
    if let ([plane], false) = (planes, rotated) {
        return elements.copy_from_slice(plane);
    }
    by_element!(planes.len(), merge_of(planes, rotated, elements));
}

/// Both in passes of one plane, which a compiler makes vectors of.
#[inline(always)]
fn split_of<const E: usize>(done: usize, elements: &[u8], rotated: bool, planes: &mut [u8]) {
    let elements = elements.as_chunks::<E>().0;
    for (shift, plane) in (0..8 * E).step_by(8).rev().zip(planes.chunks_exact_mut(elements.len().max(1))) {
        for (byte, element) in plane[done..].iter_mut().zip(&elements[done..]) {
            *byte = (rotate::<E>(number(*element), rotated) >> shift) as u8;
        }
    }
}

#[inline(always)]
fn merge_of<const E: usize>(planes: &[&[u8]], rotated: bool, elements: &mut [u8]) {
    let elements = elements.as_chunks_mut::<E>().0;
    let Some(planes) = planes.first_chunk::<E>() else { return };
    let planes = planes.map(|plane| &plane[..elements.len()]);
    for (index, element_bytes) in elements.iter_mut().enumerate() {
        let mut bytes = 0;
        for plane in planes {
            bytes = bytes << 8 | u64::from(plane[index]);
        }
        *element_bytes = element(rotate_back::<E>(bytes, rotated));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_two_bytes_comes_back() {
        let elements: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for rotated in [false, true] {
            let mut planes = vec![0xAA; elements.len()];
            split(&elements, 2, rotated, &mut planes);
            let (high, low) = planes.split_at(1 << 16);
            let mut back = vec![0xAA; elements.len()];
            merge(&[high, low], rotated, &mut back);
            assert!(back == elements, "rotated: {rotated}");
        }
    }

    #[test]
    fn the_first_plane_has_the_exponent_and_the_last_the_sign() {
        let mut planes = [0; 4];
        split(&(-1.5_f32).to_le_bytes(), 4, true, &mut planes);
        assert_eq!(planes, [127, 0x80, 0, 1]);
        split(&(-1.5_f32).to_le_bytes(), 4, false, &mut planes);
        assert_eq!(planes, [0xBF, 0xC0, 0, 0]);
        let mut planes = [0; 4];
        split(&[0x34, 0x12, 0x78, 0x56], 2, false, &mut planes);
        assert_eq!(planes, [0x12, 0x56, 0x34, 0x78]);
    }

    #[test]
    fn every_width_and_number_of_elements_comes_back() {
        for width in [1, 2, 4, 8] {
            for count in 0..70 {
                let elements: Vec<u8> = (0..count * width).map(|at| (at * 167 + at / 5) as u8).collect();
                for rotated in [false, true] {
                    let mut planes = vec![0xAA; elements.len()];
                    split(&elements, width, rotated, &mut planes);
                    let planes: Vec<_> = (0..width).map(|plane| &planes[plane * count..][..count]).collect();
                    let mut back = vec![0xAA; elements.len()];
                    merge(&planes, rotated, &mut back);
                    assert_eq!(back, elements, "{count} of {width} bytes, rotated: {rotated}");
                }
            }
        }
    }
}
