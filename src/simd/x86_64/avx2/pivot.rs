//! Steps of pivot chunks: 32 symbols at a time are merged, eight are parted.
//!
//! A merge counts the ones of a bitmap up to each symbol, in registers: that is the place of the
//! symbol on the right side, and with the zeros that on the left side. Shuffles by a table, eight
//! symbols a byte of the bitmap, take half as long again (Zen 4), as each has three loads of its
//! own.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::{arch::x86_64::*, hint::black_box};

use super::is_available;
use crate::{
    pivot::{SLACK, STRIDE, Steps, strides},
    simd::shuffles::{PART, PART_BOTH},
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
        unsafe { merge::<false>(out, len, bitmap, left, right) }
    }

    fn merge_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge::<true>(out, len, bitmap, left, right) }
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge_single::<false>(out, len, bitmap, symbol, right) }
    }

    fn merge_single_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        // SAFETY: as above.
        unsafe { merge_single::<true>(out, len, bitmap, symbol, right) }
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        assert!(out.len() >= strides(len) && packed.len() >= len * usize::from(bits) / 8 + SLACK);
        let (out, packed) = (out.as_mut_ptr(), packed.as_ptr());
        // SAFETY: as above, and both are as long as was asserted.
        unsafe {
            match bits {
                1 => unpack_1(out, len, packed, table),
                2 => unpack::<2, 1>(out, len, packed, table),
                3 => unpack::<3, 1>(out, len, packed, table),
                4 => unpack_4(out, len, packed, table),
                5 => unpack::<5, 2>(out, len, packed, table),
                6 => unpack::<6, 4>(out, len, packed, table),
                7 => unpack::<7, 8>(out, len, packed, table),
                _ => look_up::<2>(out, len, packed, table),
            }
        }
    }

    fn rank(&self, symbols: &[u8], ranks: &[u8; 256], out: &mut [u8]) {
        assert!(out.len() >= strides(symbols.len()));
        let whole = symbols.len() / STRIDE * STRIDE;
        let mut last = [0; STRIDE];
        last[..symbols.len() - whole].copy_from_slice(&symbols[whole..]);
        // Text has few symbols in the upper half, or none.
        let look_up = if ranks[128..] == [0; 128] { look_up::<1> } else { look_up::<2> };
        // SAFETY: as above; a look-up reads and writes as many bytes as there are symbols in whole
        // strides.
        unsafe {
            look_up(out.as_mut_ptr(), whole, symbols.as_ptr(), ranks);
            if whole < symbols.len() {
                look_up(out[whole..].as_mut_ptr(), STRIDE, last.as_ptr(), ranks);
            }
        }
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
        // SAFETY: as above.
        unsafe {
            match bits {
                1 => pack::<1>(ranks, len, first, packed),
                2 => pack::<2>(ranks, len, first, packed),
                3 => pack::<3>(ranks, len, first, packed),
                4 => pack::<4>(ranks, len, first, packed),
                5 => pack::<5>(ranks, len, first, packed),
                6 => pack::<6>(ranks, len, first, packed),
                7 => pack::<7>(ranks, len, first, packed),
                _ => pack::<8>(ranks, len, first, packed),
            }
        }
    }
}

/// Symbols that a shuffle parts.
const WIDTH: usize = 8;

#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd::x86_64) fn ones(bitmap: &[u8]) -> usize {
    let (words, rest) = bitmap.as_chunks();
    let mut count = 0;
    for word in words {
        count += u64::from_le_bytes(*word).count_ones() as usize;
    }
    for byte in rest {
        count += byte.count_ones() as usize;
    }
    count
}

/// Which of 32 symbols come from the right side, and how many did up to each, itself among them,
/// since its half of the vector began.
#[derive(Clone, Copy)]
struct Counted {
    is_right: __m256i,
    ones: __m256i,
}

/// Counts the ones of the lower or the upper `HALF`, 0 or 1, of 64 bits, which are in each lane.
///
/// A multiplication sums bytes of 0 and 255 within each four: its factor is `0x01010101 / 255`
/// modulo `2^32`. Two shuffles pass on what a four, and an eight, has in all.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn count<const HALF: u8>(bits: __m256i) -> Counted {
    let byte = |index: u8| (u64::from(4 * HALF + index) * 0x0101_0101_0101_0101).cast_signed();
    let bytes = _mm256_shuffle_epi8(bits, _mm256_setr_epi64x(byte(0), byte(1), byte(2), byte(3)));
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let is_right = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
    let in_four = _mm256_mullo_epi32(is_right, _mm256_set1_epi32(0xFBFC_FDFF_u32.cast_signed()));
    // A place of -1 gives zero.
    let before_four = _mm_setr_epi32(-1, 0x0303_0303, -1, 0x0B0B_0B0B);
    let before_eight = _mm_set_epi64x(0x0707_0707_0707_0707, -1);
    let in_eight = _mm256_add_epi8(in_four, _mm256_shuffle_epi8(in_four, _mm256_broadcastsi128_si256(before_four)));
    let before_eight = _mm256_broadcastsi128_si256(before_eight);
    let ones = _mm256_add_epi8(in_eight, _mm256_shuffle_epi8(in_eight, before_eight));
    Counted { is_right, ones }
}

impl Counted {
    /// The next symbols of the right side; any bytes where a symbol is not from there. `ones` of
    /// them are for the first half.
    ///
    /// # Safety
    ///
    /// There are `16 + ones` bytes at `right`.
    #[inline]
    #[target_feature(enable = "avx2,bmi2,popcnt")]
    unsafe fn spread_right(self, right: *const u8, ones: usize) -> __m256i {
        // SAFETY: the caller knows the length.
        let symbols = unsafe { _mm256_loadu2_m128i(right.add(ones).cast(), right.cast()) };
        _mm256_shuffle_epi8(symbols, _mm256_add_epi8(self.ones, _mm256_set1_epi8(-1)))
    }

    /// The next symbols of the left side, as above.
    ///
    /// # Safety
    ///
    /// There are `32 - ones` bytes at `left`.
    #[inline]
    #[target_feature(enable = "avx2,bmi2,popcnt")]
    unsafe fn spread_left(self, left: *const u8, ones: usize) -> __m256i {
        // SAFETY: the caller knows the length; `ones` is 16 at most.
        let symbols = unsafe { _mm256_loadu2_m128i(left.add(16 - ones).cast(), left.cast()) };
        let places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        _mm256_shuffle_epi8(symbols, _mm256_sub_epi8(_mm256_broadcastsi128_si256(places), self.ones))
    }
}

/// How many of 32 bits are 1, and of the first half of them.
///
/// # Safety
///
/// There are four bytes at `bitmap`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn ones_of_32(bitmap: *const u8) -> (usize, usize) {
    // SAFETY: the caller knows the length.
    let (all, half) = unsafe { (bitmap.cast::<u32>().read_unaligned(), bitmap.cast::<u16>().read_unaligned()) };
    (all.count_ones() as usize, half.count_ones() as usize)
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn merge<const AHEAD: bool>(out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8);
    assert!(left.len() >= len + SLACK && right.len() >= len + SLACK);
    let (mut lefts, mut rights) = (left.as_ptr(), right.as_ptr());
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            ask_ahead(out, at);
        }
        // SAFETY: `at` is a multiple of `STRIDE` below `len`. Both sides went on by `at` at most,
        // and go on by `STRIDE` at most: the lengths were asserted above.
        unsafe {
            let (out, bitmap) = (out.as_mut_ptr().add(at), bitmap.as_ptr().add(at / 8));
            let bits = _mm256_set1_epi64x(bitmap.cast::<i64>().read_unaligned());
            for (half, counted) in [count::<0>(bits), count::<1>(bits)].into_iter().enumerate() {
                let (ones, first) = ones_of_32(bitmap.add(4 * half));
                let merged = _mm256_blendv_epi8(
                    counted.spread_left(lefts, first),
                    counted.spread_right(rights, first),
                    counted.is_right,
                );
                _mm256_storeu_si256(out.add(VECTOR * half).cast(), merged);
                lefts = lefts.add(VECTOR - ones);
                rights = rights.add(ones);
            }
        }
    }
    rights.addr() - right.as_ptr().addr()
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn merge_single<const AHEAD: bool>(out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let symbols = _mm256_set1_epi8(symbol.cast_signed());
    let mut rights = right.as_ptr();
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            ask_ahead(out, at);
        }
        // SAFETY: as in `merge`.
        unsafe {
            let (out, bitmap) = (out.as_mut_ptr().add(at), bitmap.as_ptr().add(at / 8));
            let bits = _mm256_set1_epi64x(bitmap.cast::<i64>().read_unaligned());
            for (half, counted) in [count::<0>(bits), count::<1>(bits)].into_iter().enumerate() {
                let (ones, first) = ones_of_32(bitmap.add(4 * half));
                let merged = _mm256_blendv_epi8(symbols, counted.spread_right(rights, first), counted.is_right);
                _mm256_storeu_si256(out.add(VECTOR * half).cast(), merged);
                rights = rights.add(ones);
            }
        }
    }
    rights.addr() - right.as_ptr().addr()
}

/// How far ahead of what is written memory is asked for, in bytes. From 8 to 32 KiB all are as fast
/// (Zen 4).
const DISTANCE: usize = 8 << 10;

/// Asks for the line of `out` that is written so far behind `at`. Without that, chunks of 48 MiB
/// take a third longer (Zen 4), as stores wait for memory; in the caches it makes no difference.
#[inline]
pub(in crate::simd::x86_64) fn ask_ahead(out: &[u8], at: usize) {
    let place = out.as_ptr().wrapping_add((at + DISTANCE).min(out.len()));
    // SAFETY: every processor here has SSE; no place is wrong to ask for.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
}

/// Symbols that a look-up makes.
const VECTOR: usize = 32;

/// Two symbols.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn unpack_1(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
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
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn unpack_4(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
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
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn unpack<const BITS: usize, const ROWS: usize>(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    let rows = differences::<ROWS>(table);
    // Where the compiler knows the factors, it makes a shift of each multiplication, and with the
    // next one three instructions.
    let (places, factors) = (const { two_bytes::<BITS>() }, black_box(const { to_top::<BITS>() }));
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
unsafe fn look_up<const HALVES: usize>(out: *mut u8, len: usize, bytes: *const u8, table: &[u8; 256]) {
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

/// A bit for each of 32 ranks that is from `threshold` on.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn compare(ranks: __m256i, threshold: __m256i) -> u32 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(ranks, threshold), ranks)).cast_unsigned()
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn part(ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm256_set1_epi8(threshold.cast_signed());
    let (mut zeros, mut ones) = (0, 0);
    bitmap[len / 64 * 8..strides(len) / 8].fill(0);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: `at` is a multiple of `VECTOR` below `len`, and `zeros` and `ones` are at most
        // `at`, and grow by `VECTOR` at most: the lengths were asserted above. What is written to
        // `ranks` was read before.
        unsafe {
            let vector = _mm256_loadu_si256(ranks.as_ptr().add(at).cast());
            let mut bits = compare(vector, threshold);
            if len - at < VECTOR {
                bits &= (1 << (len - at)) - 1;
            }
            bitmap.as_mut_ptr().add(at / 8).cast::<u32>().write_unaligned(bits);
            let halves = [_mm256_castsi256_si128(vector), _mm256_extracti128_si256::<1>(vector)];
            let eights = [halves[0], _mm_srli_si128::<8>(halves[0]), halves[1], _mm_srli_si128::<8>(halves[1])];
            for (index, eight) in eights.into_iter().enumerate() {
                let bits = (bits >> (WIDTH * index)) as u8;
                let control = _mm_load_si128(PART_BOTH.0[usize::from(bits)].as_ptr().cast());
                let parts = _mm_shuffle_epi8(eight, control);
                _mm_storel_epi64(ranks.as_mut_ptr().add(zeros).cast(), parts);
                _mm_storeh_pd(right.as_mut_ptr().add(ones).cast(), _mm_castsi128_pd(parts));
                let count = bits.count_ones() as usize;
                ones += count;
                zeros += WIDTH - count;
            }
        }
    }
    ones
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn part_single(ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm256_set1_epi8(threshold.cast_signed());
    let mut ones = 0;
    bitmap[len / 64 * 8..strides(len) / 8].fill(0);
    for at in (0..len).step_by(VECTOR) {
        // SAFETY: as in `part`.
        unsafe {
            let vector = _mm256_loadu_si256(ranks.as_ptr().add(at).cast());
            let mut bits = compare(vector, threshold);
            if len - at < VECTOR {
                bits &= (1 << (len - at)) - 1;
            }
            bitmap.as_mut_ptr().add(at / 8).cast::<u32>().write_unaligned(bits);
            let halves = [_mm256_castsi256_si128(vector), _mm256_extracti128_si256::<1>(vector)];
            let eights = [halves[0], _mm_srli_si128::<8>(halves[0]), halves[1], _mm_srli_si128::<8>(halves[1])];
            for (index, eight) in eights.into_iter().enumerate() {
                let bits = (bits >> (WIDTH * index)) as u8;
                let to_right = _mm_shuffle_epi8(eight, _mm_loadl_epi64(PART.0[usize::from(bits)].as_ptr().cast()));
                _mm_storel_epi64(right.as_mut_ptr().add(ones).cast(), to_right);
                ones += bits.count_ones() as usize;
            }
        }
    }
    ones
}

/// Which bytes of two 64-bit words with a number of `8 * BITS` bits each have these, in each half of
/// a vector.
const fn packed_bytes<const BITS: usize>() -> [u8; 16] {
    let mut places = [0x80; 16];
    let mut at = 0;
    while at < 2 * BITS {
        places[at] = (at / BITS * 8 + at % BITS) as u8;
        at += 1;
    }
    places
}

/// Packs 32 numbers of 1 to 7 bits: two become one of twice the bits, three times.
///
/// # Safety
///
/// There are `2 * BITS + 16` bytes at `packed`; those behind `4 * BITS` get anything.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn pack_32<const BITS: usize>(numbers: __m256i, packed: *mut u8) {
    let pairs = _mm256_maddubs_epi16(_mm256_set1_epi16((1 << (BITS + 8)) | 1), numbers);
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32((1 << (2 * BITS + 16)) | 1));
    // The lower one goes up to the other, then both go down.
    let gap = 32 - 4 * BITS as i64;
    let eights = _mm256_srl_epi64(_mm256_sllv_epi32(fours, _mm256_set1_epi64x(gap)), _mm_set_epi64x(0, gap));
    // SAFETY: there are 16 bytes; the caller knows the length of the others.
    unsafe {
        let places = _mm_loadu_si128(const { packed_bytes::<BITS>() }.as_ptr().cast());
        let bytes = _mm256_shuffle_epi8(eights, _mm256_broadcastsi128_si256(places));
        _mm_storeu_si128(packed.cast(), _mm256_castsi256_si128(bytes));
        _mm_storeu_si128(packed.add(2 * BITS).cast(), _mm256_extracti128_si256::<1>(bytes));
    }
}

#[target_feature(enable = "avx2,bmi2,popcnt")]
fn pack<const BITS: usize>(ranks: &[u8], len: usize, first: u8, packed: &mut [u8]) {
    assert!(ranks.len() >= len && packed.len() >= len * BITS / 8 + SLACK);
    let firsts = _mm256_set1_epi8(first.cast_signed());
    for (index, ranks) in ranks[..len].chunks(VECTOR).enumerate() {
        let mut last = [first; VECTOR];
        let vector = ranks.first_chunk().unwrap_or_else(|| {
            last[..ranks.len()].copy_from_slice(ranks);
            &last
        });
        // SAFETY: a vector is 32 bytes. Its numbers begin at most `len * BITS / 8` bytes from the
        // start, and what is written there, 32 bytes at most, is less than `SLACK`.
        unsafe {
            let numbers = _mm256_sub_epi8(_mm256_loadu_si256(vector.as_ptr().cast()), firsts);
            let packed = packed.as_mut_ptr().add(4 * BITS * index);
            if BITS == 8 {
                _mm256_storeu_si256(packed.cast(), numbers);
            } else {
                pack_32::<BITS>(numbers, packed);
            }
        }
    }
}
