//! Steps of pivot chunks for any x86-64 processor: all have SSE2. Two words of the portable merge
//! stand side by side in a vector. SSE2 shuffles no bytes, so the other steps are the portable
//! ones.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::pivot::{COUNTS, MERGE, Merge, Portable, SLACK, Steps, WIDTH, strides};

/// See the module.
#[derive(Debug)]
pub(in crate::simd) struct PivotSteps;

impl Steps for PivotSteps {
    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        merge(out, len, bitmap, left, right)
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        merge_single(out, len, bitmap, symbol, right)
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        Portable.unpack(out, len, packed, bits, table);
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        Portable.part(ranks, len, threshold, right, bitmap)
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        Portable.part_single(ranks, len, threshold, right, bitmap)
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        Portable.pack(ranks, len, first, bits, packed);
    }
}

/// `inline(never)` keeps it apart, where `scripts/hot_loops.sh` looks at it.
#[inline(never)]
fn merge(out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
    let (out, bitmap) = pairs(out, len, bitmap);
    assert!(left.len() >= len + SLACK && right.len() >= len + SLACK);
    let (mut left, start) = (left.as_ptr(), right.as_ptr());
    let mut right = start;
    for (out, bits) in out.iter_mut().zip(bitmap) {
        let [between, both] = counts(bits);
        // SAFETY: every x86-64 processor has SSE2. A word of a side begins behind at most as many
        // bytes as there are symbols before it: it ends within `strides(len)` bytes, which are less
        // than the length that was asserted.
        unsafe {
            let (lefts, rights) = (load(left, WIDTH - between), load(right, between));
            merge_two(out, bits, lefts, rights);
            (left, right) = (left.add(2 * WIDTH - both), right.add(both));
        }
    }
    right.addr() - start.addr()
}

/// As above.
#[inline(never)]
fn merge_single(out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
    let (out, bitmap) = pairs(out, len, bitmap);
    assert!(right.len() >= len + SLACK);
    let lefts = [u64::from_le_bytes([symbol; WIDTH]); 2];
    let start = right.as_ptr();
    let mut right = start;
    for (out, bits) in out.iter_mut().zip(bitmap) {
        let [between, both] = counts(bits);
        // SAFETY: as above.
        unsafe {
            merge_two(out, bits, lefts, load(right, between));
            right = right.add(both);
        }
    }
    right.addr() - start.addr()
}

/// The symbols of two words, and their bits.
type Pair = [u8; 2 * WIDTH];
type Bits = [u8; 2];

/// Whole strides of `len` symbols, and their bits.
fn pairs<'a>(out: &'a mut [u8], len: usize, bitmap: &'a [u8]) -> (&'a mut [Pair], &'a [Bits]) {
    let whole = strides(len);
    (out[..whole].as_chunks_mut().0, bitmap[..whole / WIDTH].as_chunks().0)
}

/// How many bits of the first word are 1, and of both.
#[inline(always)]
fn counts(bits: &Bits) -> [usize; 2] {
    let [first, second] = bits.map(|bits| usize::from(COUNTS[usize::from(bits)]));
    [first, first + second]
}

/// The words at `at`, and `next` bytes behind.
///
/// # Safety
///
/// At both places there are eight bytes.
#[inline(always)]
unsafe fn load(at: *const u8, next: usize) -> [u64; 2] {
    // SAFETY: the caller knows them, and no read asks for alignment.
    unsafe { [at.cast::<u64>().read_unaligned(), at.add(next).cast::<u64>().read_unaligned()] }
}

/// What `Merge::merge` gives for each of two words.
#[inline]
#[target_feature(enable = "sse2")]
fn merge_two(out: &mut Pair, bits: &Bits, lefts: [u64; 2], rights: [u64; 2]) {
    let (first, second) = (vectors(&MERGE[usize::from(bits[0])]), vectors(&MERGE[usize::from(bits[1])]));
    let (places, four) = (_mm_unpacklo_epi64(first[0], second[0]), _mm_unpackhi_epi64(first[0], second[0]));
    let (two, one) = (_mm_unpacklo_epi64(first[1], second[1]), _mm_unpackhi_epi64(first[1], second[1]));
    let left = pair(lefts[0], lefts[1]);
    let right = pair(rights[0].swap_bytes(), rights[1].swap_bytes());
    let words = _mm_xor_si128(left, differing(left, right, places));
    let rotated = _mm_shuffle_epi32::<0b10_11_00_01>(words);
    let words = _mm_xor_si128(words, differing(words, rotated, four));
    let moved = differing(words, _mm_srli_epi64::<16>(words), two);
    let words = _mm_xor_si128(_mm_xor_si128(words, moved), _mm_slli_epi64::<16>(moved));
    let moved = differing(words, _mm_srli_epi64::<8>(words), one);
    let words = _mm_xor_si128(_mm_xor_si128(words, moved), _mm_slli_epi64::<8>(moved));
    // SAFETY: there are 16 bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), words) };
}

/// `right` and `four`, `two` and `one`.
#[inline]
#[target_feature(enable = "sse2")]
fn vectors(merge: &Merge) -> [__m128i; 2] {
    const { assert!(size_of::<Merge>() == 2 * size_of::<__m128i>() && align_of::<Merge>() >= align_of::<__m128i>()) }
    let at = std::ptr::from_ref(merge).cast::<__m128i>();
    // SAFETY: they are two vectors, and aligned, as was asserted.
    unsafe { [_mm_load_si128(at), _mm_load_si128(at.add(1))] }
}

#[inline]
#[target_feature(enable = "sse2")]
fn pair(first: u64, second: u64) -> __m128i {
    _mm_set_epi64x(second.cast_signed(), first.cast_signed())
}

/// The bits at some places that are not the same in both.
#[inline]
#[target_feature(enable = "sse2")]
fn differing(one: __m128i, other: __m128i, places: __m128i) -> __m128i {
    _mm_and_si128(_mm_xor_si128(one, other), places)
}
