//! CRC-32C of bytes, many at a time.
//!
//! After V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
//! Instruction", Intel, 2009; and after P. Cawley, "Faster CRC32-C on x86", 2024, who lets the
//! instruction for CRC-32C work beside the vectors.
//!
//! Bytes are polynomials over GF(2), the first bit the highest power. To move 8 bytes `d` bits
//! further to the front is to multiply them by `x^d`; instead of `x^d` its remainder by the CRC's
//! polynomial does it, so that the product still fits into 16 bytes and can be added there to what
//! comes `d` bits later. So a group of vectors travels along the input, and in the end has the
//! same CRC as all of it.
//!
//! The register of a CRC can be added to the four bytes behind what it is of. As it can be moved
//! too, parts of the input may begin with a register of zero, and be added later where they
//! belong.

use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u16, _mm_crc32_u32, _mm_crc32_u64};

pub(in crate::simd) mod avx2;
pub(in crate::simd) mod avx512;

/// Streams of words beside the groups: the instruction takes one word a clock, but has the
/// register for the next word three clocks later.
const STREAMS: usize = 3;

/// The CRC of bytes whose CRC is `crc`, then `bytes`. Best for few: each word waits for the one
/// before.
#[target_feature(enable = "sse4.2")]
pub(in crate::simd) fn append(crc: u32, bytes: &[u8]) -> u32 {
    let mut register = u64::from(!crc);
    let (words, mut rest) = bytes.as_chunks();
    for word in words {
        register = _mm_crc32_u64(register, u64::from_le_bytes(*word));
    }
    let mut register = register as u32;
    if let Some((half, behind)) = rest.split_first_chunk() {
        register = _mm_crc32_u32(register, u32::from_le_bytes(*half));
        rest = behind;
    }
    if let Some((quarter, behind)) = rest.split_first_chunk() {
        register = _mm_crc32_u16(register, u16::from_le_bytes(*quarter));
        rest = behind;
    }
    if let [last] = *rest {
        register = _mm_crc32_u8(register, last);
    }
    !register
}

/// What moves the first and the second 8 of 16 bytes by so many bits.
const fn factors(bits: usize) -> [i64; 2] {
    [remainder(bits + 64), remainder(bits)]
}

/// `x^(power - 32)` modulo the polynomial, its lowest power in the top bit as the CRC has it; moved
/// up by one, because the product of two numbers in that order has its lowest power one bit too
/// low.
const fn remainder(power: usize) -> i64 {
    const POLYNOMIAL: u32 = 0x1EDC_6F41_u32.reverse_bits();
    const TOP: u32 = 1 << 31;
    let mut remainder = TOP;
    let mut bit = 0;
    // Division by x: the polynomial has the power 0, so that there is always a quotient.
    while bit < 32 {
        let carry = remainder / TOP;
        remainder = ((remainder ^ (carry * POLYNOMIAL)) << 1) | carry;
        bit += 1;
    }
    bit = 0;
    while bit < power {
        let carry = remainder & 1;
        remainder = (remainder >> 1) ^ (carry * POLYNOMIAL);
        bit += 1;
    }
    (remainder as i64) << 1
}
