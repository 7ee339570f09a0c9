//! Steps of pivot chunks, 64 symbols at a time.
//!
//! `vpexpandb` puts the next bytes of each side to the places that a bitmap gives it, and
//! `vpcompressb` takes them away again, both in registers. Numbers of `b` bits are spread by two
//! look-ups: one gives each eight numbers a 64-bit lane, the other (`vpmultishiftqb`) takes the
//! byte at each number's first bit.
//!
//! Both instructions wait for what their target register held, even where they do not keep any of
//! it (Zen 4). So their target is a copy of their source here, whatever comes to the other places.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{is_available, sort};
use crate::{
    pivot::{ROWS, SLACK, STRIDE, SYMBOLS_ROOM, Steps, strides},
    simd::x86_64::prefetch_output,
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
        let mut last = [0; STRIDE];
        last[..symbols.len() - whole].copy_from_slice(&symbols[whole..]);
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
        unsafe { pack(ranks, len, first, bits, packed) }
    }

    fn sort(&self, used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
        // SAFETY: as above.
        unsafe { sort::sort(used, numbers, starts, symbols) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn merge<const AHEAD: bool>(out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8);
    assert!(left.len() >= len + SLACK && right.len() >= len + SLACK);
    let mut ones = 0;
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            prefetch_output(out, at);
        }
        // SAFETY: `at` is a multiple of `STRIDE` below `len`, and `ones` is at most `at`: the
        // lengths were asserted above.
        unsafe {
            let bits = bitmap.as_ptr().add(at / 8).cast::<u64>().read_unaligned();
            let rights = _mm512_loadu_si512(right.as_ptr().add(ones).cast());
            let lefts = _mm512_loadu_si512(left.as_ptr().add(at - ones).cast());
            let merged = _mm512_mask_expand_epi8(_mm512_mask_expand_epi8(rights, bits, rights), !bits, lefts);
            _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), merged);
            ones += bits.count_ones() as usize;
        }
    }
    ones
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn merge_single<const AHEAD: bool>(out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
    assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let symbols = _mm512_set1_epi8(symbol.cast_signed());
    let mut ones = 0;
    for at in (0..len).step_by(STRIDE) {
        if AHEAD {
            prefetch_output(out, at);
        }
        // SAFETY: as in `merge`.
        unsafe {
            let bits = bitmap.as_ptr().add(at / 8).cast::<u64>().read_unaligned();
            let rights = _mm512_loadu_si512(right.as_ptr().add(ones).cast());
            _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), _mm512_mask_expand_epi8(symbols, bits, rights));
            ones += bits.count_ones() as usize;
        }
    }
    ones
}

#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
fn ones(bitmap: &[u8]) -> usize {
    let (vectors, rest) = bitmap.as_chunks::<64>();
    // SAFETY: a vector is 64 bytes, and of the rest only those that it has are loaded.
    let mut sums = ones_by_eights(unsafe { _mm512_maskz_loadu_epi8((1 << rest.len()) - 1, rest.as_ptr().cast()) });
    for vector in vectors {
        // SAFETY: as above.
        let bits = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) };
        sums = _mm512_add_epi64(sums, ones_by_eights(bits));
    }
    _mm512_reduce_add_epi64(sums) as usize
}

/// How many bits of each eight bytes are 1.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
fn ones_by_eights(bits: __m512i) -> __m512i {
    _mm512_sad_epu8(_mm512_popcnt_epi8(bits), _mm512_setzero_si512())
}

/// Two symbols.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
unsafe fn unpack_1(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    let first = _mm512_set1_epi8(table[0].cast_signed());
    let second = _mm512_set1_epi8(table[1].cast_signed());
    for at in (0..len).step_by(STRIDE) {
        // SAFETY: `at` is a multiple of `STRIDE` below `len`; the caller knows the lengths.
        unsafe {
            let bits = packed.add(at / 8).cast::<u64>().read_unaligned();
            _mm512_storeu_si512(out.add(at).cast(), _mm512_mask_blend_epi8(bits, first, second));
        }
    }
}

/// Where each eight numbers begin, as bytes of a 64-bit lane.
const fn lanes<const BITS: usize>() -> [u8; 64] {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        // The last lanes may reach for bytes that no number has.
        let place = at / 8 * BITS + at % 8;
        places[at] = if place < 64 { place as u8 } else { 63 };
        at += 1;
    }
    places
}

/// At which bit of its lane each number begins.
const fn first_bits<const BITS: usize>() -> [u8; 64] {
    let mut shifts = [0; 64];
    let mut at = 0;
    while at < 64 {
        shifts[at] = (at % 8 * BITS) as u8;
        at += 1;
    }
    shifts
}

/// Numbers of 2 to 7 bits.
///
/// # Safety
///
/// `out` and `packed` are as long as [`Steps::unpack`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
unsafe fn unpack<const BITS: usize>(out: *mut u8, len: usize, packed: *const u8, table: &[u8; 256]) {
    // SAFETY: each is at least 64 bytes from where it begins, the table 256.
    let (lanes, shifts, low, high) = unsafe {
        let (lanes, shifts) = (const { lanes::<BITS>() }, const { first_bits::<BITS>() });
        let low = match BITS {
            // A look-up takes the lowest six bits, whatever stands above the number.
            ..=4 => _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())),
            5 => _mm512_broadcast_i64x4(_mm256_loadu_si256(table.as_ptr().cast())),
            _ => _mm512_loadu_si512(table.as_ptr().cast()),
        };
        let high = _mm512_loadu_si512(table[64..].as_ptr().cast());
        (_mm512_loadu_si512(lanes.as_ptr().cast()), _mm512_loadu_si512(shifts.as_ptr().cast()), low, high)
    };
    for at in (0..len).step_by(STRIDE) {
        // SAFETY: `at` is a multiple of `STRIDE` below `len`; the caller knows the lengths.
        unsafe {
            let bytes = _mm512_loadu_si512(packed.add(at / 8 * BITS).cast());
            let numbers = _mm512_multishift_epi64_epi8(shifts, _mm512_permutexvar_epi8(lanes, bytes));
            let symbols = if BITS <= 6 {
                _mm512_permutexvar_epi8(numbers, low)
            } else {
                _mm512_permutex2var_epi8(low, numbers, high)
            };
            _mm512_storeu_si512(out.add(at).cast(), symbols);
        }
    }
}

/// A byte for each byte.
///
/// # Safety
///
/// `bytes` and `out` have as many bytes as `len` rounded up to whole strides.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
unsafe fn look_up(out: *mut u8, len: usize, bytes: *const u8, table: &[u8; 256]) {
    let mut quarters = [_mm512_setzero_si512(); 4];
    for (quarter, bytes) in quarters.iter_mut().zip(table.as_chunks::<64>().0) {
        // SAFETY: a quarter is 64 bytes.
        *quarter = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    }
    for at in (0..len).step_by(STRIDE) {
        // SAFETY: `at` is a multiple of `STRIDE` below `len`; the caller knows the lengths.
        unsafe {
            let bytes = _mm512_loadu_si512(bytes.add(at).cast());
            let lower = _mm512_permutex2var_epi8(quarters[0], bytes, quarters[1]);
            let upper = _mm512_permutex2var_epi8(quarters[2], bytes, quarters[3]);
            let symbols = _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), lower, upper);
            _mm512_storeu_si512(out.add(at).cast(), symbols);
        }
    }
}

/// A bit for each of 64 ranks that is from `threshold` on, of which `left` count.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn compare(ranks: __m512i, threshold: __m512i, left: usize) -> u64 {
    let bits = _mm512_cmpge_epu8_mask(ranks, threshold);
    if left < STRIDE { bits & ((1 << left) - 1) } else { bits }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn part(ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm512_set1_epi8(threshold.cast_signed());
    let (mut zeros, mut ones) = (0, 0);
    for at in (0..len).step_by(STRIDE) {
        // SAFETY: `at` is a multiple of `STRIDE` below `len`, and `zeros` and `ones` are at most
        // `at`: the lengths were asserted above. What is written to `ranks` was read before.
        unsafe {
            let parted = _mm512_loadu_si512(ranks.as_ptr().add(at).cast());
            let bits = compare(parted, threshold, len - at);
            bitmap.as_mut_ptr().add(at / 8).cast::<u64>().write_unaligned(bits);
            _mm512_storeu_si512(right.as_mut_ptr().add(ones).cast(), _mm512_mask_compress_epi8(parted, bits, parted));
            _mm512_storeu_si512(ranks.as_mut_ptr().add(zeros).cast(), _mm512_mask_compress_epi8(parted, !bits, parted));
            let count = bits.count_ones() as usize;
            ones += count;
            zeros += STRIDE - count;
        }
    }
    ones
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn part_single(ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
    assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
    let threshold = _mm512_set1_epi8(threshold.cast_signed());
    let mut ones = 0;
    for at in (0..len).step_by(STRIDE) {
        // SAFETY: as in `part`.
        unsafe {
            let parted = _mm512_loadu_si512(ranks.as_ptr().add(at).cast());
            let bits = compare(parted, threshold, len - at);
            bitmap.as_mut_ptr().add(at / 8).cast::<u64>().write_unaligned(bits);
            _mm512_storeu_si512(right.as_mut_ptr().add(ones).cast(), _mm512_mask_compress_epi8(parted, bits, parted));
            ones += bits.count_ones() as usize;
        }
    }
    ones
}

/// Which bytes of 64-bit words with a number of `8 * BITS` bits each have these.
const fn packed_bytes<const BITS: usize>() -> [u8; 64] {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 8 * BITS {
        places[at] = (at / BITS * 8 + at % BITS) as u8;
        at += 1;
    }
    places
}

/// `lower`, where `mask` has a 1, or else `upper`.
#[inline]
#[target_feature(enable = "avx512f")]
fn select(mask: __m512i, lower: __m512i, upper: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xCA>(mask, lower, upper)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn pack(ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
    match bits {
        1 => pack_bits::<1>(ranks, len, first, packed),
        2 => pack_bits::<2>(ranks, len, first, packed),
        3 => pack_bits::<3>(ranks, len, first, packed),
        4 => pack_bits::<4>(ranks, len, first, packed),
        5 => pack_bits::<5>(ranks, len, first, packed),
        6 => pack_bits::<6>(ranks, len, first, packed),
        7 => pack_bits::<7>(ranks, len, first, packed),
        _ => pack_bits::<8>(ranks, len, first, packed),
    }
}

/// Two numbers become one of twice the bits, three times.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn pack_bits<const BITS: usize>(ranks: &[u8], len: usize, first: u8, packed: &mut [u8]) {
    assert!(ranks.len() >= strides(len) && packed.len() >= len * BITS / 8 + SLACK);
    let firsts = _mm512_set1_epi8(first.cast_signed());
    // SAFETY: there are 64 bytes.
    let places = unsafe { _mm512_loadu_si512(const { packed_bytes::<BITS>() }.as_ptr().cast()) };
    for at in (0..len).step_by(STRIDE) {
        let used = if len - at < STRIDE { (1 << (len - at)) - 1 } else { u64::MAX };
        // SAFETY: `at` is a multiple of `STRIDE` below `len`: the lengths were asserted above. The
        // numbers begin at most `len * BITS / 8` bytes from the start, and `SLACK` is more than
        // what is written there.
        unsafe {
            let numbers = _mm512_maskz_sub_epi8(used, _mm512_loadu_si512(ranks.as_ptr().add(at).cast()), firsts);
            let mut bytes = numbers;
            if BITS < 8 {
                let pairs = _mm512_srl_epi16(numbers, _mm_cvtsi32_si128(i32::from(8 - BITS as u8)));
                let pairs = select(_mm512_set1_epi16((1 << BITS) - 1), numbers, pairs);
                let fours = _mm512_srl_epi32(pairs, _mm_cvtsi32_si128(i32::from(16 - 2 * BITS as u8)));
                let fours = select(_mm512_set1_epi32((1 << (2 * BITS)) - 1), pairs, fours);
                let eights = _mm512_srl_epi64(fours, _mm_cvtsi32_si128(i32::from(32 - 4 * BITS as u8)));
                let eights = select(_mm512_set1_epi64((1 << (4 * BITS)) - 1), fours, eights);
                bytes = _mm512_permutexvar_epi8(places, eights);
            }
            _mm512_storeu_si512(packed.as_mut_ptr().add(at / 8 * BITS).cast(), bytes);
        }
    }
}
