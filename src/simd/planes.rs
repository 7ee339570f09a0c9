//! Which kernel splits and merges planes, and the way to it. A kernel does whole vectors; the
//! scalar code in `planes` does what is left.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::simd::aarch64::neon;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86_64::{avx2, avx512};
use crate::{
    planes::{MAX_ELEMENT, buckets::Buckets, elements, zeros},
    simd::Kernel,
};

/// [`elements::split`]: plane `p` are the bytes `p * n..(p + 1) * n` of `planes`.
pub(crate) fn split(kernel: Kernel, elements: &[u8], element: usize, rotated: bool, planes: &mut [u8]) {
    let done = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs: `is_available` just asked it.
            unsafe { avx2::planes::split(elements, element, rotated, planes) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::planes::split(elements, element, rotated, planes) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { neon::planes::split(elements, element, rotated, planes) }
        }
        _ => 0,
    };
    elements::split_from(done, elements, element, rotated, planes);
}

/// [`elements::merge`].
pub(crate) fn merge(kernel: Kernel, planes: &[&[u8]], rotated: bool, elements: &mut [u8]) {
    let done = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx2::planes::merge(planes, rotated, elements) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::planes::merge(planes, rotated, elements) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { neon::planes::merge(planes, rotated, elements) }
        }
        _ => 0,
    };
    let mut rest = [&[][..]; MAX_ELEMENT];
    for (rest, plane) in rest.iter_mut().zip(planes) {
        *rest = &plane[done..];
    }
    elements::merge(&rest[..planes.len()], rotated, &mut elements[done * planes.len()..]);
}

/// [`zeros::expand`].
pub(crate) fn expand_zeros(kernel: Kernel, map: &[u8], coded: &[u8], negative: u8, plane: &mut [u8]) {
    let (done, taken) = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx2::planes::expand_zeros(map, coded, negative, plane) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::planes::expand_zeros(map, coded, negative, plane) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { neon::planes::expand_zeros(map, coded, negative, plane) }
        }
        _ => (0, 0),
    };
    zeros::expand(&map[done / zeros::PER_BYTE..], &coded[taken..], negative, &mut plane[done..]);
}

/// [`Buckets::join`]. It is faster with some bytes behind the end of `cut`, which are not used.
pub(crate) fn join(kernel: Kernel, cut: &[u8], keys: &[u8], buckets: &Buckets, plane: &mut [u8]) {
    #[cfg_attr(
        not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))),
        allow(unused_mut, reason = "no kernel moves them on")
    )]
    let mut next = buckets.starts();
    let done = match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => {
            let next = &mut next[..buckets.first_keys().len()];
            // SAFETY: as above.
            unsafe { avx2::planes::join(cut, keys, buckets, next, plane) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            let next = &mut next[..buckets.first_keys().len()];
            // SAFETY: as above.
            unsafe { avx512::planes::join(cut, keys, buckets, next, plane) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            let next = &mut next[..buckets.first_keys().len()];
            // SAFETY: as above.
            unsafe { neon::planes::join(cut, keys, buckets, next, plane) }
        }
        _ => 0,
    };
    buckets.join(cut, &keys[done..], next, &mut plane[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::planes::Bounds;

    fn noise(len: usize) -> Vec<u8> {
        (0..len as u32).map(|at| (at.wrapping_mul(0x9E37_79B1) >> 21) as u8).collect()
    }

    fn kernels() -> impl Iterator<Item = Kernel> {
        Kernel::all_available().filter(|&kernel| kernel != Kernel::Portable)
    }

    const COUNTS: [usize; 15] = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 200, 1000];

    #[test]
    fn elements_are_split_and_merged_like_by_the_scalar_code() {
        for element in [1, 2, 4, 8] {
            for (count, rotated) in COUNTS.into_iter().flat_map(|count| [(count, false), (count, true)]) {
                let elements = noise(count * element);
                let mut expected = vec![0xAA; elements.len()];
                elements::split(&elements, element, rotated, &mut expected);
                for kernel in kernels() {
                    let mut planes = vec![0xAA; elements.len()];
                    split(kernel, &elements, element, rotated, &mut planes);
                    assert!(planes == expected, "{count} of {element} bytes, {kernel}, rotated: {rotated}");
                    let slices: Vec<_> = (0..element).map(|plane| &planes[plane * count..][..count]).collect();
                    let mut back = vec![0xAA; elements.len()];
                    merge(kernel, &slices, rotated, &mut back);
                    assert!(back == elements, "{count} of {element} bytes, {kernel}, rotated: {rotated}");
                }
            }
        }
    }

    #[test]
    fn zeros_are_expanded_like_by_the_scalar_code() {
        for count in COUNTS {
            for mask in [0x55, 0x00, 0xFF, 0x0F] {
                let classes = |byte: u8| byte & !(byte >> 1 & 0x55) & mask;
                let map: Vec<u8> = noise(zeros::map_len(count)).into_iter().map(classes).collect();
                let coded = noise(count);
                let mut expected = vec![0xAA; count];
                zeros::expand(&map, &coded, 0x80, &mut expected);
                for kernel in kernels() {
                    let mut plane = vec![0xAA; count];
                    expand_zeros(kernel, &map, &coded, 0x80, &mut plane);
                    assert!(plane == expected, "{count}, {mask:#x}, {kernel}");
                }
            }
        }
    }

    #[test]
    fn cut_planes_are_joined_like_by_the_scalar_code() {
        for first_keys in [&[1][..], &[100, 101, 200], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 60, 61, 62, 63, 128, 255]] {
            for (count, slack) in COUNTS.into_iter().flat_map(|count| [(count, 0), (count, 64)]) {
                let (keys, plane) = (noise(count), noise(count + 7)[7..].to_vec());
                let buckets = Buckets::new(Bounds::new(first_keys).unwrap(), &keys);
                let mut cut = vec![0xAA; count + slack];
                buckets.cut(&plane, &keys, &mut cut[..count]);
                for kernel in Kernel::all_available() {
                    let mut back = vec![0xAA; count];
                    join(kernel, &cut, &keys, &buckets, &mut back);
                    assert!(back == plane, "{count}, {kernel}, {slack} bytes more");
                }
            }
        }
    }
}
