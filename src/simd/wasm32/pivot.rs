//! Steps of pivot chunks: eight symbols a look-up, as with AVX2 and NEON.
//!
//! There is no shift by a number for each lane. Numbers of `b` bits are moved to the upper of the
//! two bytes that they lie in by a multiplication, and down by one shift for all.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::wasm32::*;

use crate::{
    pivot::{Portable, SLACK, Steps, strides},
    simd::{
        four_lanes::two_bytes,
        shuffles::{MERGE, PART, WIDTH},
    },
};

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
        assert!(out.len() >= strides(len) && packed.len() >= len * usize::from(bits) / 8 + SLACK);
        let (to, from) = (out.as_mut_ptr(), packed.as_ptr());
        // SAFETY: both are as long as was asserted.
        unsafe {
            match bits {
                1 => unpack::<1, 1>(to, len, from, table),
                2 => unpack::<2, 1>(to, len, from, table),
                3 => unpack::<3, 1>(to, len, from, table),
                4 => unpack::<4, 1>(to, len, from, table),
                5 => unpack::<5, 2>(to, len, from, table),
                6 => unpack::<6, 4>(to, len, from, table),
                7 => unpack::<7, 8>(to, len, from, table),
                // Sixteen vectors of table are more than a load for each symbol.
                _ => self.rank(&packed[..len], table, out),
            }
        }
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        part(ranks, len, threshold, right, bitmap)
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        part_single(ranks, len, threshold, right, bitmap)
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        Portable.pack(ranks, len, first, bits, packed);
    }
}

/// Symbols that a table makes at a time.
const VECTOR: usize = 16;

merges_and_parts! {
    features {}
    load v128_load64_zero
    splat u8x16_splat
}

/// Eight symbols of both sides, as `bits` say.
///
/// # Safety
///
/// At each place there are eight bytes.
#[inline(always)]
unsafe fn merge_8(out: *mut u8, bits: u8, left: v128, right: *const u8) {
    // SAFETY: the caller knows the lengths; a look-up of the table is eight bytes.
    unsafe {
        let places = v128_load64_zero(MERGE.0[usize::from(bits)].as_ptr().cast());
        let both = v128_load64_lane::<1>(left, right.cast());
        v128_store64_lane::<0>(i8x16_swizzle(both, places), out.cast());
    }
}

/// Those of eight ranks whose bit is 1, in order.
///
/// # Safety
///
/// There are eight bytes at `out`.
#[inline(always)]
unsafe fn part_8(out: *mut u8, eight: v128, bits: u8) {
    // SAFETY: the caller knows the length; a look-up of the table is eight bytes.
    unsafe {
        let places = v128_load64_zero(PART.0[usize::from(bits)].as_ptr().cast());
        v128_store64_lane::<0>(i8x16_swizzle(eight, places), out.cast());
    }
}

/// A bit for each of eight ranks that is from `threshold` on, of which `left` count.
#[inline(always)]
fn compare(ranks: v128, threshold: v128, left: usize) -> u8 {
    let found = u8x16_bitmask(u8x16_ge(ranks, threshold)) as u8;
    if left < WIDTH { found & ((1 << left) - 1) } else { found }
}

/// What moves each of eight numbers to the upper of its two bytes. It has 7 bits at most and begins
/// in the lower byte, so it does not leave them.
const fn factors<const BITS: usize>() -> [u16; 8] {
    let mut factors = [0; 8];
    let mut number = 0;
    while number < 8 {
        factors[number] = 1 << (8 - number * BITS % 8);
        number += 1;
    }
    factors
}

/// Numbers of 1 to 7 bits, and a table of `VECTORS` vectors.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`] says.
unsafe fn unpack<const BITS: usize, const VECTORS: usize>(
    out: *mut u8,
    len: usize,
    packed: *const u8,
    table: &[u8; 256],
) {
    let (places, factors) = (const { two_bytes::<BITS>() }, const { factors::<BITS>() });
    // SAFETY: each is 16 bytes.
    let (places, factors) = unsafe { (v128_load(places.as_ptr().cast()), v128_load(factors.as_ptr().cast())) };
    let mask = u8x16_splat(((1_u32 << BITS) - 1) as u8);
    // SAFETY: the table has as many vectors.
    let rows = each!(VECTORS, |row| unsafe { v128_load(table.as_ptr().add(VECTOR * row).cast()) });
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths. The
        // last 16 bytes begin `BITS` bytes further.
        unsafe {
            let bytes = packed.add(at / 8 * BITS);
            let first = i16x8_mul(i8x16_swizzle(v128_load(bytes.cast()), places), factors);
            let second = i16x8_mul(i8x16_swizzle(v128_load(bytes.add(BITS).cast()), places), factors);
            // Shifted down by 8 each is at most 255, which narrowing keeps.
            let numbers = u8x16_narrow_i16x8(u16x8_shr(first, 8), u16x8_shr(second, 8));
            let numbers = v128_and(numbers, mask);
            v128_store(out.add(at).cast(), look_up(rows, numbers));
        }
    }
}

/// The bytes at `numbers`. A look-up beyond a vector gives zero.
#[inline(always)]
fn look_up<const VECTORS: usize>(rows: [v128; VECTORS], numbers: v128) -> v128 {
    let mut symbols = i8x16_swizzle(rows[0], numbers);
    for (row, table) in rows.iter().enumerate().skip(1) {
        let within = u8x16_sub(numbers, u8x16_splat((VECTOR * row) as u8));
        symbols = v128_or(symbols, i8x16_swizzle(*table, within));
    }
    symbols
}
