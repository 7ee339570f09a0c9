//! Looking up numbers of 1 to 8 bits.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::{arch::x86_64::*, hint::black_box};

use super::VECTOR;

/// Two symbols.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`](crate::pivot::Steps::unpack) says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) unsafe fn unpack_1(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    let first = _mm256_set1_epi8(table[0].cast_signed());
    let second = _mm256_set1_epi8(table[1].cast_signed());
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let byte = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths.
        unsafe {
            let bits = _mm256_set1_epi32(packed.add(at / 8).cast::<i32>().read_unaligned());
            let ones = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(bits, byte), bit), bit);
            _mm256_storeu_si256(out.add(at).cast(), _mm256_blendv_epi8(first, second, ones));
        }
    }
}

/// Two numbers a byte.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`](crate::pivot::Steps::unpack) says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) unsafe fn unpack_4(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    // SAFETY: a table has 16 bytes.
    let table = unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) };
    let low = _mm256_set1_epi8(15);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths.
        unsafe {
            let bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(packed.add(at / 2).cast()));
            let numbers = _mm256_and_si256(_mm256_or_si256(bytes, _mm256_slli_epi16::<4>(bytes)), low);
            _mm256_storeu_si256(out.add(at).cast(), _mm256_shuffle_epi8(table, numbers));
        }
    }
}

/// How many numbers are in 16 bytes together with those 16 places before: numbers of so many bits
/// at the most.
const BROADCAST: usize = 5;

/// The two bytes that each of 16 numbers lies in: eight of them in the first bytes of both halves,
/// or in the second half behind 16 numbers, if these are [short](BROADCAST).
const fn two_bytes<const BITS: usize>() -> [u8; 32] {
    let mut places = [0; 32];
    let mut number = 0;
    while number < 16 {
        let bit = number % 8 * BITS + if BITS <= BROADCAST { number / 8 * 16 * BITS } else { 0 };
        let byte = (bit / 8) as u8;
        places[2 * number] = byte;
        places[2 * number + 1] = byte + 1;
        number += 1;
    }
    places
}

/// What shifts each of 16 numbers to the top of its two bytes.
const fn to_top<const BITS: usize>() -> [u16; 16] {
    let mut factors = [0; 16];
    let mut number = 0;
    while number < 16 {
        factors[number] = 1 << (16 - BITS - number % 8 * BITS % 8);
        number += 1;
    }
    factors
}

/// Sixteen numbers as 16-bit words: eight from `bytes` on, then those eight that begin 16 numbers
/// behind these.
///
/// # Safety
///
/// There are `2 * BITS + 16` bytes.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn numbers<const BITS: usize>(bytes: *const u8, [places, factors]: [__m256i; 2]) -> __m256i {
    // SAFETY: the caller knows the length.
    let bytes = unsafe {
        if BITS <= BROADCAST {
            _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.cast()))
        } else {
            _mm256_loadu2_m128i(bytes.add(2 * BITS).cast(), bytes.cast())
        }
    };
    let top = _mm256_mullo_epi16(_mm256_shuffle_epi8(bytes, places), factors);
    _mm256_srl_epi16(top, _mm_cvtsi32_si128(i32::from(16 - BITS as u8)))
}

/// Numbers of 2 to 7 bits, over a table of 16 `ROWS`.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`](crate::pivot::Steps::unpack) says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) unsafe fn unpack<const BITS: usize, const ROWS: usize>(
    out: *mut u8,
    len: usize,
    packed: *const u8,
    table: &[u8; 256],
) {
    let rows = differences::<ROWS>(table);
    // Where the compiler knows these, it makes a load into both halves a load and a shuffle, and a
    // multiplication and a shift three instructions.
    let (places, factors) = black_box((const { two_bytes::<BITS>() }, const { to_top::<BITS>() }));
    // SAFETY: each is 32 bytes.
    let spread = unsafe { [_mm256_loadu_si256(places.as_ptr().cast()), _mm256_loadu_si256(factors.as_ptr().cast())] };
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths. The
        // last 16 bytes begin `3 * BITS`, at most 21, bytes further, so that they end within
        // `SLACK`.
        unsafe {
            let bytes = packed.add(at / 8 * BITS);
            // The order in which packing the words of two vectors brings the eights back.
            let numbers = _mm256_packus_epi16(numbers::<BITS>(bytes, spread), numbers::<BITS>(bytes.add(BITS), spread));
            _mm256_storeu_si256(out.add(at).cast(), look_up_rows(numbers, rows));
        }
    }
}

/// Rows of 16 bytes, each in both halves of a vector, as differences to the next one: a number
/// that lies in a row takes that and all behind it. The last row of each 128 numbers stays.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn differences<const ROWS: usize>(table: &[u8; 256]) -> [__m256i; ROWS] {
    let mut rows = [_mm256_setzero_si256(); ROWS];
    for (row, bytes) in rows.iter_mut().zip(table.as_chunks::<16>().0) {
        // SAFETY: a row has 16 bytes.
        *row = unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) };
    }
    for row in 1..ROWS {
        if row % 8 != 0 {
            rows[row - 1] = _mm256_xor_si256(rows[row - 1], rows[row]);
        }
    }
    rows
}

/// The bytes at `numbers`, which are below `16 * ROWS`, where that is 128 at most.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up_rows<const ROWS: usize>(numbers: __m256i, rows: [__m256i; ROWS]) -> __m256i {
    let mut symbols = _mm256_shuffle_epi8(rows[ROWS - 1], numbers);
    for (row, &bytes) in rows[..ROWS - 1].iter().enumerate() {
        // From the row behind on, the sum is 128 or more, which gives 0.
        let place = _mm256_add_epi8(numbers, _mm256_set1_epi8(0x70 - 16 * row as i8));
        symbols = _mm256_xor_si256(symbols, _mm256_shuffle_epi8(bytes, place));
    }
    symbols
}

/// A byte for each byte. Where a table has `HALVES` of 128 bytes, all further ones are 0.
///
/// # Safety
///
/// `bytes` and `out` have as many bytes as `len` rounded up to whole strides.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(super) unsafe fn look_up<const HALVES: usize>(out: *mut u8, len: usize, bytes: *const u8, table: &[u8; 256]) {
    let rows = differences::<16>(table);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`; the caller knows the lengths.
        unsafe {
            let lower = _mm256_loadu_si256(bytes.add(at).cast());
            let upper = _mm256_xor_si256(lower, _mm256_set1_epi8(i8::MIN));
            let mut symbols = _mm256_shuffle_epi8(rows[7], lower);
            if HALVES == 2 {
                symbols = _mm256_or_si256(symbols, _mm256_shuffle_epi8(rows[15], upper));
            }
            for row in 0..7 {
                // A number of the other half stays at 128 or more, where a sum without bound would
                // come round to 0.
                let first = _mm256_set1_epi8(0x70 - 16 * row as i8);
                let low = _mm256_shuffle_epi8(rows[row], _mm256_adds_epu8(lower, first));
                symbols = _mm256_xor_si256(symbols, low);
                if HALVES == 2 {
                    let high = _mm256_shuffle_epi8(rows[8 + row], _mm256_adds_epu8(upper, first));
                    symbols = _mm256_xor_si256(symbols, high);
                }
            }
            _mm256_storeu_si256(out.add(at).cast(), symbols);
        }
    }
}
