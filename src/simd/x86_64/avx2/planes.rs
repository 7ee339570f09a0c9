//! Planes merged and split, 32 elements at a time. Each function does whole vectors and says how
//! many elements that were; the scalar code does the rest.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::{
    planes::{buckets::Buckets, zeros::PER_BYTE},
    simd::shuffles::{MERGE, WIDTH},
};

/// Elements that are worked on at a time.
const STEP: usize = 32;

/// Merges planes to elements of 2 or 4 bytes; others are left to the scalar code.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn merge(planes: &[&[u8]], rotated: bool, elements: &mut [u8]) -> usize {
    match (planes, rotated) {
        (&[a, b], false) => merge_2::<false>([a, b], elements),
        (&[a, b], true) => merge_2::<true>([a, b], elements),
        (&[a, b, c, d], false) => merge_4::<false>([a, b, c, d], elements),
        (&[a, b, c, d], true) => merge_4::<true>([a, b, c, d], elements),
        _ => 0,
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn merge_2<const ROTATED: bool>([high, low]: [&[u8]; 2], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 2 * STEP }>().0;
    let count = chunks.len() * STEP;
    for ((to, high), low) in chunks.iter_mut().zip(high.as_chunks().0).zip(low.as_chunks().0) {
        let (high, low) = (from_bytes(*high), from_bytes(*low));
        let mut first = _mm256_unpacklo_epi8(low, high);
        let mut second = _mm256_unpackhi_epi8(low, high);
        if ROTATED {
            first = _mm256_or_si256(_mm256_srli_epi16::<1>(first), _mm256_slli_epi16::<15>(first));
            second = _mm256_or_si256(_mm256_srli_epi16::<1>(second), _mm256_slli_epi16::<15>(second));
        }
        let halves = to.as_chunks_mut().0;
        halves[0] = to_bytes(_mm256_permute2x128_si256::<0x20>(first, second));
        halves[1] = to_bytes(_mm256_permute2x128_si256::<0x31>(first, second));
    }
    count
}

#[inline]
#[target_feature(enable = "avx2")]
fn merge_4<const ROTATED: bool>([a, b, c, d]: [&[u8]; 4], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 4 * STEP }>().0;
    let count = chunks.len() * STEP;
    let upper = a.as_chunks().0.iter().zip(b.as_chunks().0);
    let lower = c.as_chunks().0.iter().zip(d.as_chunks().0);
    for ((to, (a, b)), (c, d)) in chunks.iter_mut().zip(upper).zip(lower) {
        let (a, b, c, d) = (from_bytes(*a), from_bytes(*b), from_bytes(*c), from_bytes(*d));
        let (upper_0, upper_1) = (_mm256_unpacklo_epi8(b, a), _mm256_unpackhi_epi8(b, a));
        let (lower_0, lower_1) = (_mm256_unpacklo_epi8(d, c), _mm256_unpackhi_epi8(d, c));
        // Each has four elements of the first sixteen, and the same four of the last sixteen.
        let v0 = rotated_back::<ROTATED>(_mm256_unpacklo_epi16(lower_0, upper_0));
        let v1 = rotated_back::<ROTATED>(_mm256_unpackhi_epi16(lower_0, upper_0));
        let v2 = rotated_back::<ROTATED>(_mm256_unpacklo_epi16(lower_1, upper_1));
        let v3 = rotated_back::<ROTATED>(_mm256_unpackhi_epi16(lower_1, upper_1));
        let quarters = to.as_chunks_mut().0;
        quarters[0] = to_bytes(_mm256_permute2x128_si256::<0x20>(v0, v1));
        quarters[1] = to_bytes(_mm256_permute2x128_si256::<0x20>(v2, v3));
        quarters[2] = to_bytes(_mm256_permute2x128_si256::<0x31>(v0, v1));
        quarters[3] = to_bytes(_mm256_permute2x128_si256::<0x31>(v2, v3));
    }
    count
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotated_back<const ROTATED: bool>(numbers: __m256i) -> __m256i {
    if ROTATED { _mm256_or_si256(_mm256_srli_epi32::<1>(numbers), _mm256_slli_epi32::<31>(numbers)) } else { numbers }
}

/// Splits elements of 2 or 4 bytes; others are left to the scalar code.
#[target_feature(enable = "avx2")]
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
#[target_feature(enable = "avx2")]
fn split_2<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let (high, low) = planes.split_at_mut(elements.len() / 2);
    let chunks = elements.as_chunks::<{ 2 * STEP }>().0;
    let byte = _mm256_set1_epi16(0xFF);
    for ((from, high), low) in chunks.iter().zip(high.as_chunks_mut().0).zip(low.as_chunks_mut().0) {
        let halves = from.as_chunks().0;
        let (mut first, mut second) = (from_bytes(halves[0]), from_bytes(halves[1]));
        if ROTATED {
            first = _mm256_or_si256(_mm256_slli_epi16::<1>(first), _mm256_srli_epi16::<15>(first));
            second = _mm256_or_si256(_mm256_slli_epi16::<1>(second), _mm256_srli_epi16::<15>(second));
        }
        let upper = _mm256_packus_epi16(_mm256_srli_epi16::<8>(first), _mm256_srli_epi16::<8>(second));
        let lower = _mm256_packus_epi16(_mm256_and_si256(first, byte), _mm256_and_si256(second, byte));
        *high = to_bytes(_mm256_permute4x64_epi64::<0b11_01_10_00>(upper));
        *low = to_bytes(_mm256_permute4x64_epi64::<0b11_01_10_00>(lower));
    }
    chunks.len() * STEP
}

#[inline]
#[target_feature(enable = "avx2")]
fn split_4<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let len = elements.len() / 4;
    let (upper, lower) = planes.split_at_mut(2 * len);
    let ((a, b), (c, d)) = (upper.split_at_mut(len), lower.split_at_mut(len));
    let chunks = elements.as_chunks::<{ 4 * STEP }>().0;
    let upper = a.as_chunks_mut().0.iter_mut().zip(b.as_chunks_mut().0);
    let lower = c.as_chunks_mut().0.iter_mut().zip(d.as_chunks_mut().0);
    for ((from, (a, b)), (c, d)) in chunks.iter().zip(upper).zip(lower) {
        let quarters = from.as_chunks().0;
        let v0 = planes_of_eight::<ROTATED>(from_bytes(quarters[0]));
        let v1 = planes_of_eight::<ROTATED>(from_bytes(quarters[1]));
        let v2 = planes_of_eight::<ROTATED>(from_bytes(quarters[2]));
        let v3 = planes_of_eight::<ROTATED>(from_bytes(quarters[3]));
        // Planes 0 and 2 of the first sixteen elements and of the last, then planes 1 and 3.
        let (even_0, even_1) = (_mm256_unpacklo_epi64(v0, v1), _mm256_unpacklo_epi64(v2, v3));
        let (odd_0, odd_1) = (_mm256_unpackhi_epi64(v0, v1), _mm256_unpackhi_epi64(v2, v3));
        *a = to_bytes(_mm256_permute2x128_si256::<0x20>(even_0, even_1));
        *b = to_bytes(_mm256_permute2x128_si256::<0x20>(odd_0, odd_1));
        *c = to_bytes(_mm256_permute2x128_si256::<0x31>(even_0, even_1));
        *d = to_bytes(_mm256_permute2x128_si256::<0x31>(odd_0, odd_1));
    }
    chunks.len() * STEP
}

/// The bytes of eight numbers of four bytes by planes: eight of each.
#[inline]
#[target_feature(enable = "avx2")]
fn planes_of_eight<const ROTATED: bool>(mut numbers: __m256i) -> __m256i {
    if ROTATED {
        numbers = _mm256_or_si256(_mm256_slli_epi32::<1>(numbers), _mm256_srli_epi32::<31>(numbers));
    }
    let by_plane = _mm_setr_epi8(3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12);
    let grouped = _mm256_shuffle_epi8(numbers, _mm256_broadcastsi128_si256(by_plane));
    _mm256_permutevar8x32_epi32(grouped, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
}

/// Puts the bytes of coded elements to their places, and those of zeros between them. Comes back:
/// how many elements were done, and how many bytes of `coded` that took.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn expand_zeros(map: &[u8], coded: &[u8], negative: u8, plane: &mut [u8]) -> (usize, usize) {
    let negatives = _mm256_set1_epi8(negative.cast_signed());
    let (mut done, mut at) = (0, 0);
    let vectors = map.as_chunks::<{ STEP / PER_BYTE }>().0.iter().zip(plane.as_chunks_mut::<STEP>().0);
    for (classes, to) in vectors {
        // As many are read, whatever the map says.
        if coded.len() - at < STEP {
            break;
        }
        let classes = u64::from_le_bytes(*classes);
        let kept = _pext_u64(!(classes | classes >> 1), 0x5555_5555_5555_5555) as u32;
        let signs = _pext_u64(classes, 0xAAAA_AAAA_AAAA_AAAA) as u32;
        for (to, &bits) in to.as_chunks_mut::<WIDTH>().0.iter_mut().zip(&kept.to_le_bytes()) {
            let Some(next) = coded[at..].first_chunk::<WIDTH>() else { return (done, at) };
            *to = _mm_cvtsi128_si64(expand(*next, bits)).to_le_bytes();
            at += bits.count_ones() as usize;
        }
        if signs != 0 {
            let zeros = _mm256_and_si256(bytes_of_bits(signs), negatives);
            *to = to_bytes(_mm256_or_si256(from_bytes(*to), zeros));
        }
        done += STEP;
    }
    (done, at)
}

/// Joins a plane that was cut. `next`: where in `cut` the next symbol of each bucket is. Comes
/// back: how many elements were done.
#[target_feature(enable = "avx2,popcnt")]
pub(in crate::simd) fn join(cut: &[u8], keys: &[u8], buckets: &Buckets, next: &mut [usize], plane: &mut [u8]) -> usize {
    let first_keys = buckets.first_keys();
    let Some(last) = cut.len().checked_sub(STEP) else { return 0 };
    // There are two buckets or more. Where there may be none, the loop becomes a call of memset.
    if next.is_empty() {
        return 0;
    }
    let mut done = 0;
    for (keys, to) in keys.as_chunks::<STEP>().0.iter().zip(plane.as_chunks_mut::<STEP>().0) {
        let mut furthest = 0;
        for &next in &*next {
            furthest = furthest.max(next);
        }
        if furthest > last {
            break;
        }
        let keys = from_bytes(*keys);
        let mut symbols = [_mm_setzero_si128(); STEP / WIDTH];
        // Of each bucket on: which keys are in it, or behind it.
        let mut rest = u32::MAX;
        for (bucket, next) in next.iter_mut().enumerate() {
            let behind = match first_keys.get(bucket + 1) {
                Some(&first) => from_here_on(keys, first),
                None => 0,
            };
            let mask = rest & !behind;
            rest = behind;
            for (symbols, bits) in symbols.iter_mut().zip(mask.to_le_bytes()) {
                let Some(chunk) = cut[*next..].first_chunk::<WIDTH>() else { return done };
                *symbols = _mm_or_si128(*symbols, expand(*chunk, bits));
                *next += bits.count_ones() as usize;
            }
        }
        for (to, symbols) in to.as_chunks_mut::<WIDTH>().0.iter_mut().zip(symbols) {
            *to = _mm_cvtsi128_si64(symbols).to_le_bytes();
        }
        done += STEP;
    }
    done
}

/// One bit for each key: whether it is `first` or above.
#[inline]
#[target_feature(enable = "avx2")]
fn from_here_on(keys: __m256i, first: u8) -> u32 {
    let first = _mm256_set1_epi8(first.cast_signed());
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(keys, first), keys)).cast_unsigned()
}

/// The first of the bytes in the places whose bit is 1, in order, and zeros between them. The upper
/// half may hold anything.
#[inline]
#[target_feature(enable = "avx2")]
fn expand(bytes: [u8; WIDTH], bits: u8) -> __m128i {
    // Zeros are the other side.
    let sides = _mm_unpacklo_epi64(_mm_setzero_si128(), _mm_cvtsi64_si128(i64::from_le_bytes(bytes)));
    _mm_shuffle_epi8(sides, _mm_cvtsi64_si128(i64::from_le_bytes(MERGE.0[usize::from(bits)])))
}

/// All ones in the bytes whose bit is 1.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes_of_bits(bits: u32) -> __m256i {
    let each_eight = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let one = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits.cast_signed()), each_eight);
    _mm256_cmpeq_epi8(_mm256_and_si256(spread, one), one)
}

#[inline]
#[target_feature(enable = "avx2")]
fn from_bytes(bytes: [u8; 32]) -> __m256i {
    // SAFETY: both are 32 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(bytes) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn to_bytes(vector: __m256i) -> [u8; 32] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(vector) }
}
