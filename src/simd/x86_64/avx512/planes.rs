//! Planes merged and split, 32 to 64 elements at a time. Each function does whole vectors and says
//! how many elements that were; the scalar code does the rest.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{from_bytes, from_words};
use crate::planes::buckets::Buckets;

/// Elements that are merged at a time.
const MERGED: usize = 32;

/// Elements that are split at a time, and elements of a plane that is put together at a time.
const WIDE: usize = 64;

/// Merges planes to elements of 2, 4 or 8 bytes.
#[target_feature(enable = "avx512bw,avx512vbmi2")]
pub(in crate::simd) fn merge(planes: &[&[u8]], rotated: bool, elements: &mut [u8]) -> usize {
    match (planes, rotated) {
        (&[a, b], false) => merge_2::<false>([a, b], elements),
        (&[a, b], true) => merge_2::<true>([a, b], elements),
        (&[a, b, c, d], false) => merge_4::<false>([a, b, c, d], elements),
        (&[a, b, c, d], true) => merge_4::<true>([a, b, c, d], elements),
        (&[a, b, c, d, e, f, g, h], false) => merge_8::<false>([a, b, c, d, e, f, g, h], elements),
        (&[a, b, c, d, e, f, g, h], true) => merge_8::<true>([a, b, c, d, e, f, g, h], elements),
        _ => 0,
    }
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi2")]
fn merge_2<const ROTATED: bool>([high, low]: [&[u8]; 2], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 2 * MERGED }>().0;
    let count = chunks.len() * MERGED;
    for ((to, high), low) in chunks.iter_mut().zip(high.as_chunks().0).zip(low.as_chunks().0) {
        let words = words(*high, *low);
        *to = to_bytes(if ROTATED { _mm512_shrdi_epi16::<1>(words, words) } else { words });
    }
    count
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn merge_4<const ROTATED: bool>([a, b, c, d]: [&[u8]; 4], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 4 * MERGED }>().0;
    let count = chunks.len() * MERGED;
    let upper = a.as_chunks().0.iter().zip(b.as_chunks().0);
    let lower = c.as_chunks().0.iter().zip(d.as_chunks().0);
    for ((to, (a, b)), (c, d)) in chunks.iter_mut().zip(upper).zip(lower) {
        let [first, second] = interleave_words(words(*c, *d), words(*a, *b));
        let halves = to.as_chunks_mut().0;
        halves[0] = to_bytes(if ROTATED { _mm512_ror_epi32::<1>(first) } else { first });
        halves[1] = to_bytes(if ROTATED { _mm512_ror_epi32::<1>(second) } else { second });
    }
    count
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn merge_8<const ROTATED: bool>([a, b, c, d, e, f, g, h]: [&[u8]; 8], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 8 * MERGED }>().0;
    let count = chunks.len() * MERGED;
    let (a, b, c, d) = (a.as_chunks().0, b.as_chunks().0, c.as_chunks().0, d.as_chunks().0);
    let (e, f, g, h) = (e.as_chunks().0, f.as_chunks().0, g.as_chunks().0, h.as_chunks().0);
    let upper = a.iter().zip(b).zip(c.iter().zip(d));
    let lower = e.iter().zip(f).zip(g.iter().zip(h));
    for ((to, ((a, b), (c, d))), ((e, f), (g, h))) in chunks.iter_mut().zip(upper).zip(lower) {
        let [first_upper, second_upper] = interleave_words(words(*c, *d), words(*a, *b));
        let [first_lower, second_lower] = interleave_words(words(*g, *h), words(*e, *f));
        let [v0, v1] = interleave_quads(first_lower, first_upper);
        let [v2, v3] = interleave_quads(second_lower, second_upper);
        let quarters = to.as_chunks_mut().0;
        quarters[0] = to_bytes(if ROTATED { _mm512_ror_epi64::<1>(v0) } else { v0 });
        quarters[1] = to_bytes(if ROTATED { _mm512_ror_epi64::<1>(v1) } else { v1 });
        quarters[2] = to_bytes(if ROTATED { _mm512_ror_epi64::<1>(v2) } else { v2 });
        quarters[3] = to_bytes(if ROTATED { _mm512_ror_epi64::<1>(v3) } else { v3 });
    }
    count
}

/// Words of upper and lower bytes.
#[inline]
#[target_feature(enable = "avx512bw")]
fn words(upper: [u8; MERGED], lower: [u8; MERGED]) -> __m512i {
    let upper = _mm512_slli_epi16::<8>(_mm512_cvtepu8_epi16(from_half(upper)));
    _mm512_or_si512(upper, _mm512_cvtepu8_epi16(from_half(lower)))
}

/// Numbers of four bytes from their lower and their upper words.
#[inline]
#[target_feature(enable = "avx512bw")]
fn interleave_words(lower: __m512i, upper: __m512i) -> [__m512i; 2] {
    let first = from_words(const { interleaved(0) });
    let second = from_words(const { interleaved(16) });
    [_mm512_permutex2var_epi16(lower, first, upper), _mm512_permutex2var_epi16(lower, second, upper)]
}

/// Numbers of eight bytes from their lower and their upper halves.
#[inline]
#[target_feature(enable = "avx512f")]
fn interleave_quads(lower: __m512i, upper: __m512i) -> [__m512i; 2] {
    let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    [_mm512_permutex2var_epi32(lower, first, upper), _mm512_permutex2var_epi32(lower, second, upper)]
}

/// Places of two vectors of words in turn, from `start` on.
const fn interleaved(start: u16) -> [u16; 32] {
    let mut places = [0; 32];
    let mut index = 0;
    while index < 32 {
        places[index] = start + index as u16 / 2 + 32 * (index as u16 % 2);
        index += 1;
    }
    places
}

/// Splits elements of 2 or 4 bytes; others are left to the scalar code.
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vbmi2")]
pub(in crate::simd) fn split(elements: &[u8], element: usize, rotated: bool, planes: &mut [u8]) -> usize {
    match (element, rotated) {
        (2, false) => split_2::<false>(elements, planes),
        (2, true) => split_2::<true>(elements, planes),
        (4, false) => split_4::<false>(elements, planes),
        (4, true) => split_4::<true>(elements, planes),
        _ => 0,
    }
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vbmi2")]
fn split_2<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let (high, low) = planes.split_at_mut(elements.len() / 2);
    let chunks = elements.as_chunks::<{ 2 * WIDE }>().0;
    let odd = from_bytes(const { every_byte(1) });
    let even = from_bytes(const { every_byte(0) });
    for ((from, high), low) in chunks.iter().zip(high.as_chunks_mut().0).zip(low.as_chunks_mut().0) {
        let halves = from.as_chunks().0;
        let (mut first, mut second) = (from_bytes(halves[0]), from_bytes(halves[1]));
        if ROTATED {
            first = _mm512_shldi_epi16::<1>(first, first);
            second = _mm512_shldi_epi16::<1>(second, second);
        }
        *high = to_bytes(_mm512_permutex2var_epi8(first, odd, second));
        *low = to_bytes(_mm512_permutex2var_epi8(first, even, second));
    }
    chunks.len() * WIDE
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn split_4<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let len = elements.len() / 4;
    let (upper, lower) = planes.split_at_mut(2 * len);
    let ((a, b), (c, d)) = (upper.split_at_mut(len), lower.split_at_mut(len));
    let chunks = elements.as_chunks::<{ 4 * WIDE }>().0;
    // Words of the upper bytes of a number, and of the lower ones, from two vectors of numbers.
    let upper_words = from_words(const { every_word(1) });
    let lower_words = from_words(const { every_word(0) });
    let odd = from_bytes(const { every_byte(1) });
    let even = from_bytes(const { every_byte(0) });
    let upper = a.as_chunks_mut().0.iter_mut().zip(b.as_chunks_mut().0);
    let lower = c.as_chunks_mut().0.iter_mut().zip(d.as_chunks_mut().0);
    for ((from, (a, b)), (c, d)) in chunks.iter().zip(upper).zip(lower) {
        let quarters = from.as_chunks().0;
        let (mut v0, mut v1) = (from_bytes(quarters[0]), from_bytes(quarters[1]));
        let (mut v2, mut v3) = (from_bytes(quarters[2]), from_bytes(quarters[3]));
        if ROTATED {
            v0 = _mm512_rol_epi32::<1>(v0);
            v1 = _mm512_rol_epi32::<1>(v1);
            v2 = _mm512_rol_epi32::<1>(v2);
            v3 = _mm512_rol_epi32::<1>(v3);
        }
        let first = _mm512_permutex2var_epi16(v0, upper_words, v1);
        let second = _mm512_permutex2var_epi16(v2, upper_words, v3);
        *a = to_bytes(_mm512_permutex2var_epi8(first, odd, second));
        *b = to_bytes(_mm512_permutex2var_epi8(first, even, second));
        let first = _mm512_permutex2var_epi16(v0, lower_words, v1);
        let second = _mm512_permutex2var_epi16(v2, lower_words, v3);
        *c = to_bytes(_mm512_permutex2var_epi8(first, odd, second));
        *d = to_bytes(_mm512_permutex2var_epi8(first, even, second));
    }
    chunks.len() * WIDE
}

/// Each second place of two vectors of bytes.
const fn every_byte(start: u8) -> [u8; 64] {
    let mut places = [0; 64];
    let mut index = 0;
    while index < 64 {
        places[index] = start + 2 * index as u8;
        index += 1;
    }
    places
}

/// Each second place of two vectors of words.
const fn every_word(start: u16) -> [u16; 32] {
    let mut places = [0; 32];
    let mut index = 0;
    while index < 32 {
        places[index] = start + 2 * index as u16;
        index += 1;
    }
    places
}

/// Puts the bytes of coded elements to their places, and those of zeros between them. Comes back:
/// how many elements were done, and how many bytes of `coded` that took.
#[target_feature(enable = "avx512bw,avx512vbmi2,bmi2,popcnt")]
pub(in crate::simd) fn expand_zeros(map: &[u8], coded: &[u8], negative: u8, plane: &mut [u8]) -> (usize, usize) {
    let negatives = _mm512_set1_epi8(negative.cast_signed());
    let (mut done, mut at) = (0, 0);
    for (classes, to) in map.as_chunks::<16>().0.iter().zip(plane.as_chunks_mut::<WIDE>().0) {
        // As many are read, whatever the map says.
        let Some((next, _)) = coded[at..].split_first_chunk::<WIDE>() else { break };
        let classes = u128::from_le_bytes(*classes);
        let (lower, upper) = (classes as u64, (classes >> 64) as u64);
        let kept = u64::from(coded_of(lower)) | u64::from(coded_of(upper)) << 32;
        let signs = u64::from(negatives_of(lower)) | u64::from(negatives_of(upper)) << 32;
        let zeros = _mm512_maskz_mov_epi8(signs, negatives);
        *to = to_bytes(_mm512_mask_expand_epi8(zeros, kept, from_bytes(*next)));
        at += kept.count_ones() as usize;
        done += WIDE;
    }
    (done, at)
}

/// One bit for each of 32 classes: whether it is 0.
#[inline]
#[target_feature(enable = "bmi2")]
fn coded_of(classes: u64) -> u32 {
    _pext_u64(!(classes | classes >> 1), 0x5555_5555_5555_5555) as u32
}

/// One bit for each of 32 classes: whether its upper bit is set.
#[inline]
#[target_feature(enable = "bmi2")]
fn negatives_of(classes: u64) -> u32 {
    _pext_u64(classes, 0xAAAA_AAAA_AAAA_AAAA) as u32
}

/// Joins a plane that was cut. `next`: where in `cut` the next symbol of each bucket is. Comes
/// back: how many elements were done.
#[target_feature(enable = "avx512bw,avx512vbmi2,popcnt")]
pub(in crate::simd) fn join(cut: &[u8], keys: &[u8], buckets: &Buckets, next: &mut [usize], plane: &mut [u8]) -> usize {
    let first_keys = buckets.first_keys();
    let Some(last) = cut.len().checked_sub(WIDE) else { return 0 };
    // There are two buckets or more. Where there may be none, the loop becomes a call of memset.
    if next.is_empty() {
        return 0;
    }
    let mut done = 0;
    for (keys, to) in keys.as_chunks::<WIDE>().0.iter().zip(plane.as_chunks_mut::<WIDE>().0) {
        let mut furthest = 0;
        for &next in &*next {
            furthest = furthest.max(next);
        }
        if furthest > last {
            break;
        }
        let keys = from_bytes(*keys);
        let mut symbols = _mm512_setzero_si512();
        // Of each bucket on: which keys are in it, or behind it.
        let mut rest = u64::MAX;
        for (bucket, next) in next.iter_mut().enumerate() {
            let behind = match first_keys.get(bucket + 1) {
                Some(&first) => _mm512_cmpge_epu8_mask(keys, _mm512_set1_epi8(first.cast_signed())),
                None => 0,
            };
            let mask = rest & !behind;
            rest = behind;
            let Some(chunk) = cut[*next..].first_chunk::<WIDE>() else { return done };
            symbols = _mm512_mask_expand_epi8(symbols, mask, from_bytes(*chunk));
            *next += mask.count_ones() as usize;
        }
        *to = to_bytes(symbols);
        done += WIDE;
    }
    done
}

#[inline]
#[target_feature(enable = "avx512f")]
fn from_half(bytes: [u8; 32]) -> __m256i {
    // SAFETY: both are 32 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(bytes) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn to_bytes(vector: __m512i) -> [u8; 64] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(vector) }
}
