//! Planes merged and split, 16 elements at a time. Each function does whole vectors and says how
//! many elements that were; the scalar code does the rest.
//!
//! Loads and stores of two and four registers take the bytes of elements apart, and put them
//! together. A rotation is then one of each byte: it takes a bit of the byte beside it.
//!
//! Not timed. Instructions for 16 elements of 2, 4 and 8 bytes, rotated, with Rust 1.95: 9, 15 and
//! 38 to merge, where a compiler makes 14, 56 and 224 of the scalar code; 10, 16 and 39 to split.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use super::{FIRST_QUAD, expand, load};
use crate::planes::{buckets::Buckets, zeros::PER_BYTE};

/// Elements that are worked on at a time.
const STEP: usize = 16;

/// Merges planes to elements of 2, 4 or 8 bytes.
#[inline(never)]
#[target_feature(enable = "neon")]
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
#[target_feature(enable = "neon")]
fn merge_2<const ROTATED: bool>([high, low]: [&[u8]; 2], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 2 * STEP }>().0;
    let count = chunks.len() * STEP;
    for ((to, high), low) in chunks.iter_mut().zip(high.as_chunks().0).zip(low.as_chunks().0) {
        let (b1, b0) = (load(high), load(low));
        let bytes = uint8x16x2_t(right::<ROTATED>(b0, b1), right::<ROTATED>(b1, b0));
        // SAFETY: a chunk is as long.
        unsafe { vst2q_u8(to.as_mut_ptr(), bytes) };
    }
    count
}

#[inline]
#[target_feature(enable = "neon")]
fn merge_4<const ROTATED: bool>([a, b, c, d]: [&[u8]; 4], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 4 * STEP }>().0;
    let count = chunks.len() * STEP;
    let upper = a.as_chunks().0.iter().zip(b.as_chunks().0);
    let lower = c.as_chunks().0.iter().zip(d.as_chunks().0);
    for ((to, (a, b)), (c, d)) in chunks.iter_mut().zip(upper).zip(lower) {
        let (b3, b2, b1, b0) = (load(a), load(b), load(c), load(d));
        let bytes = uint8x16x4_t(
            right::<ROTATED>(b0, b1),
            right::<ROTATED>(b1, b2),
            right::<ROTATED>(b2, b3),
            right::<ROTATED>(b3, b0),
        );
        // SAFETY: a chunk is as long.
        unsafe { vst4q_u8(to.as_mut_ptr(), bytes) };
    }
    count
}

#[inline]
#[target_feature(enable = "neon")]
fn merge_8<const ROTATED: bool>([a, b, c, d, e, f, g, h]: [&[u8]; 8], elements: &mut [u8]) -> usize {
    let chunks = elements.as_chunks_mut::<{ 8 * STEP }>().0;
    let count = chunks.len() * STEP;
    let (a, b, c, d) = (a.as_chunks().0, b.as_chunks().0, c.as_chunks().0, d.as_chunks().0);
    let (e, f, g, h) = (e.as_chunks().0, f.as_chunks().0, g.as_chunks().0, h.as_chunks().0);
    let upper = a.iter().zip(b).zip(c.iter().zip(d));
    let lower = e.iter().zip(f).zip(g.iter().zip(h));
    for ((to, ((a, b), (c, d))), ((e, f), (g, h))) in chunks.iter_mut().zip(upper).zip(lower) {
        let (b7, b6, b5, b4) = (load(a), load(b), load(c), load(d));
        let (b3, b2, b1, b0) = (load(e), load(f), load(g), load(h));
        let [first_0, second_0] = words(right::<ROTATED>(b0, b1), right::<ROTATED>(b1, b2));
        let [first_1, second_1] = words(right::<ROTATED>(b2, b3), right::<ROTATED>(b3, b4));
        let [first_2, second_2] = words(right::<ROTATED>(b4, b5), right::<ROTATED>(b5, b6));
        let [first_3, second_3] = words(right::<ROTATED>(b6, b7), right::<ROTATED>(b7, b0));
        let to = to.as_mut_ptr();
        // SAFETY: a chunk is as long as both: each is half of it.
        unsafe {
            vst4q_u16(to.cast(), uint16x8x4_t(first_0, first_1, first_2, first_3));
            vst4q_u16(to.add(4 * STEP).cast(), uint16x8x4_t(second_0, second_1, second_2, second_3));
        }
    }
    count
}

/// The words of lower and upper bytes.
#[inline]
#[target_feature(enable = "neon")]
fn words(lower: uint8x16_t, upper: uint8x16_t) -> [uint16x8_t; 2] {
    [vreinterpretq_u16_u8(vzip1q_u8(lower, upper)), vreinterpretq_u16_u8(vzip2q_u8(lower, upper))]
}

/// A byte of numbers rotated right by one bit. `above`: the next more significant one, or the last
/// for the first.
#[inline]
#[target_feature(enable = "neon")]
fn right<const ROTATED: bool>(byte: uint8x16_t, above: uint8x16_t) -> uint8x16_t {
    if ROTATED { vsliq_n_u8::<7>(vshrq_n_u8::<1>(byte), above) } else { byte }
}

/// Splits elements of 2, 4 or 8 bytes.
#[inline(never)]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn split(elements: &[u8], element: usize, rotated: bool, planes: &mut [u8]) -> usize {
    match (element, rotated) {
        (2, false) => split_2::<false>(elements, planes),
        (2, true) => split_2::<true>(elements, planes),
        (4, false) => split_4::<false>(elements, planes),
        (4, true) => split_4::<true>(elements, planes),
        (8, false) => split_8::<false>(elements, planes),
        (8, true) => split_8::<true>(elements, planes),
        _ => 0,
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn split_2<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let (high, low) = planes.split_at_mut(elements.len() / 2);
    let chunks = elements.as_chunks::<{ 2 * STEP }>().0;
    for ((from, high), low) in chunks.iter().zip(high.as_chunks_mut().0).zip(low.as_chunks_mut().0) {
        // SAFETY: a chunk is as long.
        let uint8x16x2_t(b0, b1) = unsafe { vld2q_u8(from.as_ptr()) };
        store(high, left::<ROTATED>(b1, b0));
        store(low, left::<ROTATED>(b0, b1));
    }
    chunks.len() * STEP
}

#[inline]
#[target_feature(enable = "neon")]
fn split_4<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let len = elements.len() / 4;
    let (upper, lower) = planes.split_at_mut(2 * len);
    let ((a, b), (c, d)) = (upper.split_at_mut(len), lower.split_at_mut(len));
    let chunks = elements.as_chunks::<{ 4 * STEP }>().0;
    let upper = a.as_chunks_mut().0.iter_mut().zip(b.as_chunks_mut().0);
    let lower = c.as_chunks_mut().0.iter_mut().zip(d.as_chunks_mut().0);
    for ((from, (a, b)), (c, d)) in chunks.iter().zip(upper).zip(lower) {
        // SAFETY: a chunk is as long.
        let uint8x16x4_t(b0, b1, b2, b3) = unsafe { vld4q_u8(from.as_ptr()) };
        store(a, left::<ROTATED>(b3, b2));
        store(b, left::<ROTATED>(b2, b1));
        store(c, left::<ROTATED>(b1, b0));
        store(d, left::<ROTATED>(b0, b3));
    }
    chunks.len() * STEP
}

#[inline]
#[target_feature(enable = "neon")]
fn split_8<const ROTATED: bool>(elements: &[u8], planes: &mut [u8]) -> usize {
    let len = elements.len() / 8;
    let (upper, lower) = planes.split_at_mut(4 * len);
    let ((a, b), (c, d)) = halves_of_halves(upper, len);
    let ((e, f), (g, h)) = halves_of_halves(lower, len);
    let chunks = elements.as_chunks::<{ 8 * STEP }>().0;
    let upper = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
    let lower = e.iter_mut().zip(f).zip(g.iter_mut().zip(h));
    for ((from, ((a, b), (c, d))), ((e, f), (g, h))) in chunks.iter().zip(upper).zip(lower) {
        let from = from.as_ptr();
        // SAFETY: a chunk is as long as both: each is half of it.
        let (first, second) = unsafe { (vld4q_u8(from), vld4q_u8(from.add(4 * STEP))) };
        // Each has bytes 0 to 3 and 4 to 7 of eight elements in turn.
        let (b0, b4) = (vuzp1q_u8(first.0, second.0), vuzp2q_u8(first.0, second.0));
        let (b1, b5) = (vuzp1q_u8(first.1, second.1), vuzp2q_u8(first.1, second.1));
        let (b2, b6) = (vuzp1q_u8(first.2, second.2), vuzp2q_u8(first.2, second.2));
        let (b3, b7) = (vuzp1q_u8(first.3, second.3), vuzp2q_u8(first.3, second.3));
        store(a, left::<ROTATED>(b7, b6));
        store(b, left::<ROTATED>(b6, b5));
        store(c, left::<ROTATED>(b5, b4));
        store(d, left::<ROTATED>(b4, b3));
        store(e, left::<ROTATED>(b3, b2));
        store(f, left::<ROTATED>(b2, b1));
        store(g, left::<ROTATED>(b1, b0));
        store(h, left::<ROTATED>(b0, b7));
    }
    chunks.len() * STEP
}

type Vectors<'a> = &'a mut [[u8; STEP]];

/// Whole vectors of four planes.
#[inline]
fn halves_of_halves(planes: &mut [u8], len: usize) -> ((Vectors<'_>, Vectors<'_>), (Vectors<'_>, Vectors<'_>)) {
    let (upper, lower) = planes.split_at_mut(2 * len);
    let ((a, b), (c, d)) = (upper.split_at_mut(len), lower.split_at_mut(len));
    ((a.as_chunks_mut().0, b.as_chunks_mut().0), (c.as_chunks_mut().0, d.as_chunks_mut().0))
}

/// A byte of numbers rotated left by one bit. `below`: the next less significant one, or the first
/// for the last.
#[inline]
#[target_feature(enable = "neon")]
fn left<const ROTATED: bool>(byte: uint8x16_t, below: uint8x16_t) -> uint8x16_t {
    if ROTATED { vsriq_n_u8::<7>(vshlq_n_u8::<1>(byte), below) } else { byte }
}

/// Puts the bytes of coded elements to their places, and those of zeros between them. Comes back:
/// how many elements were done, and how many bytes of `coded` that took.
#[inline(never)]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn expand_zeros(map: &[u8], coded: &[u8], negative: u8, plane: &mut [u8]) -> (usize, usize) {
    // The classes of four elements, in each of four bytes.
    let (each_byte, down) = (load(&FIRST_QUAD), vreinterpretq_s8_u32(vdupq_n_u32(0xFAFC_FE00)));
    let (class, negative_zero, negatives) = (vdupq_n_u8(3), vdupq_n_u8(2), vdupq_n_u8(negative));
    let (mut done, mut at) = (0, 0);
    let vectors = map.as_chunks::<{ STEP / PER_BYTE }>().0.iter().zip(plane.as_chunks_mut::<STEP>().0);
    for (classes, to) in vectors {
        // As many are read, whatever the map says.
        let Some(next) = coded[at..].first_chunk::<STEP>() else { break };
        let classes = vreinterpretq_u8_u32(vdupq_n_u32(u32::from_le_bytes(*classes)));
        let classes = vandq_u8(vshlq_u8(vqtbl1q_u8(classes, each_byte), down), class);
        let (bytes, count) = expand(load(next), vceqzq_u8(classes));
        let zeros = vandq_u8(vceqq_u8(classes, negative_zero), negatives);
        store(to, vorrq_u8(bytes, zeros));
        at += count;
        done += STEP;
    }
    (done, at)
}

/// Buckets for which the loop takes fewer instructions than the scalar code: for 16 elements 27 for
/// each bucket and some 20 more, where that takes 176.
const MOST_BUCKETS: usize = 4;

/// Joins a plane that was cut, if that is into few buckets. `next`: where in `cut` the next symbol
/// of each bucket is. Comes back: how many elements were done.
#[inline(never)]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn join(cut: &[u8], keys: &[u8], buckets: &Buckets, next: &mut [usize], plane: &mut [u8]) -> usize {
    let first_keys = buckets.first_keys();
    let Some(last) = cut.len().checked_sub(STEP) else { return 0 };
    if next.is_empty() || next.len() > MOST_BUCKETS {
        return 0;
    }
    let mut done = 0;
    for (keys, to) in keys.as_chunks().0.iter().zip(plane.as_chunks_mut::<STEP>().0) {
        let mut furthest = 0;
        for &next in &*next {
            furthest = furthest.max(next);
        }
        if furthest > last {
            break;
        }
        let keys = load(keys);
        let mut symbols = vdupq_n_u8(0);
        // Of each bucket on: which keys are in it, or behind it.
        let mut rest = vdupq_n_u8(u8::MAX);
        for (bucket, next) in next.iter_mut().enumerate() {
            let behind = match first_keys.get(bucket + 1) {
                Some(&first) => vcgeq_u8(keys, vdupq_n_u8(first)),
                None => vdupq_n_u8(0),
            };
            let mask = vbicq_u8(rest, behind);
            rest = behind;
            let Some(chunk) = cut[*next..].first_chunk::<STEP>() else { return done };
            let (bytes, count) = expand(load(chunk), mask);
            symbols = vorrq_u8(symbols, bytes);
            *next += count;
        }
        store(to, symbols);
        done += STEP;
    }
    done
}

#[inline]
#[target_feature(enable = "neon")]
fn store(to: &mut [u8; STEP], vector: uint8x16_t) {
    // SAFETY: it is as long.
    unsafe { vst1q_u8(to.as_mut_ptr(), vector) };
}
