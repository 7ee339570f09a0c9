//! Steps of pivot chunks: eight symbols a look-up, as with AVX2.
//!
//! The next eight bytes of both sides are one register, and a byte of a bitmap chooses the look-up
//! that merges them. Numbers of `b` bits are shifted out of the two bytes that they lie in; a table
//! of 64 symbols is four registers, longer ones are looked up in quarters.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::aarch64::*;

use super::is_available;
use crate::{
    pivot::{Portable, SLACK, STRIDE, Steps, strides},
    simd::{
        four_lanes::two_bytes,
        shuffles::{MERGE, PART, WIDTH},
    },
};

/// There is one only where the processor has what the steps need.
#[derive(Debug)]
pub(in crate::simd) struct PivotSteps(());

impl PivotSteps {
    /// `None`: the processor lacks something.
    pub(in crate::simd) fn new() -> Option<&'static Self> {
        static STEPS: PivotSteps = PivotSteps(());
        is_available().then_some(&STEPS)
    }
}

impl Steps for PivotSteps {
    fn ones(&self, bitmap: &[u8]) -> usize {
        // SAFETY: the processor has the features: there is a `self`.
        unsafe { ones(bitmap) }
    }

    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge(out, len, bitmap, left, right) }
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge_single(out, len, bitmap, symbol, right) }
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        assert!(out.len() >= strides(len) && packed.len() >= len * usize::from(bits) / 8 + SLACK);
        let (out, packed) = (out.as_mut_ptr(), packed.as_ptr());
        // SAFETY: as above, and both are as long as was asserted.
        unsafe {
            match bits {
                1 => unpack::<1>(out, len, packed, table),
                2 => unpack::<2>(out, len, packed, table),
                3 => unpack::<3>(out, len, packed, table),
                4 => unpack::<4>(out, len, packed, table),
                5 => unpack::<5>(out, len, packed, table),
                6 => unpack::<6>(out, len, packed, table),
                7 => unpack::<7>(out, len, packed, table),
                _ => look_up(out, len, packed, table),
            }
        }
    }

    fn rank(&self, symbols: &[u8], ranks: &[u8; 256], out: &mut [u8]) {
        assert!(out.len() >= strides(symbols.len()));
        let whole = symbols.len() / STRIDE * STRIDE;
        // SAFETY: as above; a look-up reads and writes as many bytes as there are symbols in whole
        // strides.
        unsafe { look_up(out.as_mut_ptr(), whole, symbols.as_ptr(), ranks) };
        Portable.rank(&symbols[whole..], ranks, &mut out[whole..]);
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        // SAFETY: as above.
        unsafe { part(ranks, len, threshold, right, bitmap) }
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        // SAFETY: as above.
        unsafe { part_single(ranks, len, threshold, right, bitmap) }
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        Portable.pack(ranks, len, first, bits, packed);
    }
}

/// Symbols that a table makes at a time.
const VECTOR: usize = 16;

merges_and_parts! {
    features { #[target_feature(enable = "neon")] }
    load vld1_u8
    splat vdup_n_u8
}

#[target_feature(enable = "neon")]
fn ones(bitmap: &[u8]) -> usize {
    let (vectors, rest) = bitmap.as_chunks::<16>();
    let mut count = 0;
    for vector in vectors {
        // SAFETY: a vector is 16 bytes.
        let bytes = unsafe { vld1q_u8(vector.as_ptr()) };
        count += usize::from(vaddlvq_u8(vcntq_u8(bytes)));
    }
    for byte in rest {
        count += byte.count_ones() as usize;
    }
    count
}

/// Eight symbols of both sides, as `bits` say.
///
/// # Safety
///
/// At each place there are eight bytes.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn merge_8(out: *mut u8, bits: u8, left: uint8x8_t, right: *const u8) {
    // SAFETY: the caller knows the lengths; a look-up of the table is eight bytes.
    unsafe {
        let places = vld1_u8(MERGE.0[usize::from(bits)].as_ptr());
        vst1_u8(out, vqtbl1_u8(vcombine_u8(left, vld1_u8(right)), places));
    }
}

/// Those of eight ranks whose bit is 1, in order.
///
/// # Safety
///
/// There are eight bytes at `out`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn part_8(out: *mut u8, eight: uint8x8_t, bits: u8) {
    // SAFETY: the caller knows the length; a look-up of the table is eight bytes.
    unsafe {
        let places = vld1_u8(PART.0[usize::from(bits)].as_ptr());
        vst1_u8(out, vqtbl1_u8(vcombine_u8(eight, eight), places));
    }
}

/// A bit for each of eight ranks that is from `threshold` on, of which `left` count.
#[inline]
#[target_feature(enable = "neon")]
fn compare(ranks: uint8x8_t, threshold: uint8x8_t, left: usize) -> u8 {
    let bits = vcreate_u8(0x8040_2010_0804_0201);
    let found = vaddv_u8(vand_u8(vcge_u8(ranks, threshold), bits));
    if left < WIDTH { found & ((1 << left) - 1) } else { found }
}

/// How far each of eight numbers is shifted down within its two bytes; a left shift if negative.
const fn shifts<const BITS: usize>() -> [i16; 8] {
    let mut shifts = [0; 8];
    let mut number = 0;
    while number < 8 {
        shifts[number] = -((number * BITS % 8) as u16).cast_signed();
        number += 1;
    }
    shifts
}

/// Numbers of 1 to 7 bits.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "neon")]
unsafe fn unpack<const BITS: usize>(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    let (places, down) = (const { two_bytes::<BITS>() }, const { shifts::<BITS>() });
    // SAFETY: each is 16 bytes.
    let (places, down) = unsafe { (vld1q_u8(places.as_ptr()), vld1q_s16(down.as_ptr())) };
    let mask = vdupq_n_u8(((1_u32 << BITS) - 1) as u8);
    let quarters = quarters(table);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths. The
        // last 16 bytes begin `BITS` bytes further.
        unsafe {
            let bytes = packed.add(at / 8 * BITS);
            let first = vshlq_u16(vreinterpretq_u16_u8(vqtbl1q_u8(vld1q_u8(bytes), places)), down);
            let second = vshlq_u16(vreinterpretq_u16_u8(vqtbl1q_u8(vld1q_u8(bytes.add(BITS)), places)), down);
            let numbers = vcombine_u8(vmovn_u16(first), vmovn_u16(second));
            let numbers = vandq_u8(numbers, mask);
            let symbols = if BITS <= 6 { vqtbl4q_u8(quarters[0], numbers) } else { look_up_all(quarters, numbers) };
            vst1q_u8(out.add(at), symbols);
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn quarters(table: &[u8; 256]) -> [uint8x16x4_t; 4] {
    // SAFETY: a quarter is 64 bytes.
    unsafe {
        let table = table.as_ptr();
        [vld1q_u8_x4(table), vld1q_u8_x4(table.add(64)), vld1q_u8_x4(table.add(128)), vld1q_u8_x4(table.add(192))]
    }
}

/// The bytes at `numbers`: a look-up beyond a quarter leaves what was there.
#[inline]
#[target_feature(enable = "neon")]
fn look_up_all(quarters: [uint8x16x4_t; 4], numbers: uint8x16_t) -> uint8x16_t {
    let symbols = vqtbl4q_u8(quarters[0], numbers);
    let symbols = vqtbx4q_u8(symbols, quarters[1], vsubq_u8(numbers, vdupq_n_u8(64)));
    let symbols = vqtbx4q_u8(symbols, quarters[2], vsubq_u8(numbers, vdupq_n_u8(128)));
    vqtbx4q_u8(symbols, quarters[3], vsubq_u8(numbers, vdupq_n_u8(192)))
}

/// A byte for each byte.
///
/// # Safety
///
/// `bytes` and `out` have as many bytes as `len` rounded up to whole strides.
#[target_feature(enable = "neon")]
unsafe fn look_up(out: *mut u8, len: usize, bytes: *const u8, table: &[u8; 256]) {
    let quarters = quarters(table);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths.
        unsafe { vst1q_u8(out.add(at), look_up_all(quarters, vld1q_u8(bytes.add(at)))) };
    }
}
