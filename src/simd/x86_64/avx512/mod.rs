//! AVX-512 with VBMI, VBMI2 and BITALG: 32 lanes per vector, two segments per pair of vectors, and
//! no load that depends on data. (`gather` is the decoder for processors on which such loads are
//! fast.)
//!
//! The states of 32 lanes are two vectors of 16-bit words, one of the upper halves and one of the
//! lower ones. So a segment is two registers, and what one round does to it is 16-bit arithmetic on
//! all lanes at once.
//!
//! Tables are bytes that `vpermi2b` looks up, 64 lanes at a time: a vector of 64 bytes belongs to a
//! [pair](PAIR) of segments. Unpacking such a vector with another makes the words of one segment or
//! of the other without moving a byte out of its 128 bits, if in each 16 bytes the first eight are
//! lanes of the first segment and the others the same lanes of the second: that is the order of all
//! byte vectors here but those of `few`.
//!
//! `vpexpandw` spreads words over the lanes that want one, `vpcompressw` closes the gaps between
//! those that give one.
//!
//! One round is a chain of some twenty instructions that wait for each other. Several pairs hide
//! that, if each step is written out for all of them before the next step of any: the
//! processor looks ahead a hundred instructions, not a thousand.

mod decode;
mod encode;
mod few;
mod gather;
pub(in crate::simd) mod lz;
mod pivot;
pub(in crate::simd) mod planes;
mod rounds;
mod sort;
mod tables;
mod turns;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::{asm, x86_64::*};

pub(in crate::simd) use decode::decode;
pub(in crate::simd) use encode::{CodeTable, encode_groups};
pub(in crate::simd) use pivot::PivotSteps;
pub(in crate::simd) use turns::decode_turns;

use super::avx2;
use crate::rans::segment::LANES;

/// Segments whose bytes share a vector.
const PAIR: usize = 2;

/// Whether this processor has all that the kernels here use. Ends of segments and lone ones are
/// left to AVX2.
pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512bitalg")
        && avx2::is_available()
}

/// The states of one segment, a word for each lane.
#[derive(Debug, Clone, Copy)]
struct Words {
    upper: __m512i,
    lower: __m512i,
}

impl Words {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load(states: &[u32; LANES]) -> Self {
        let upper = each!(LANES, |lane| (states[lane] >> 16) as u16);
        let lower = each!(LANES, |lane| states[lane] as u16);
        Self { upper: from_words(upper), lower: from_words(lower) }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn store(self) -> [u32; LANES] {
        let (upper, lower) = (to_words(self.upper), to_words(self.lower));
        each!(LANES, |lane| u32::from(upper[lane]) << 16 | u32::from(lower[lane]))
    }

    /// The states after their symbols, before words are taken: `frequency * (state >> bits) +
    /// offset`. `frequencies` are shifted left by `16 - bits`; `mask` keeps the lowest `bits`.
    ///
    /// With `state = upper << 16 | above << bits | slot`, the product is `frequencies * upper +
    /// frequency * above`: the second term is below 2^16, also with the offset added to it.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn advance(self, frequencies: __m512i, offsets: __m512i, mask: __m512i, one: __m512i) -> Self {
        let above = _mm512_andnot_si512(mask, self.lower);
        let term = _mm512_add_epi16(_mm512_mulhi_epu16(frequencies, above), offsets);
        let lower = _mm512_add_epi16(_mm512_mullo_epi16(frequencies, self.upper), term);
        let upper = _mm512_mulhi_epu16(frequencies, self.upper);
        let carry = _mm512_cmplt_epu16_mask(lower, term);
        Self { upper: _mm512_mask_add_epi16(upper, carry, upper, one), lower }
    }

    /// Gives each state below 2^16 a word from `next`, in lane order; the place behind those words
    /// comes back too.
    ///
    /// # Safety
    ///
    /// 64 bytes can be read from `next`.
    #[inline]
    #[target_feature(enable = "avx512vbmi2,popcnt")]
    unsafe fn refill(self, next: *const u8) -> (Self, *const u8) {
        let low = _mm512_testn_epi16_mask(self.upper, self.upper);
        // SAFETY: the caller promised 64 bytes, and 32 lanes take 64 bytes at most.
        let (words, next) = unsafe { (_mm512_loadu_si512(next.cast()), next.add(2 * low.count_ones() as usize)) };
        let upper = _mm512_mask_mov_epi16(self.upper, low, self.lower);
        (Self { upper, lower: _mm512_mask_expand_epi16(self.lower, low, words) }, next)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn from_words(words: [u16; LANES]) -> __m512i {
    // SAFETY: both are 64 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(words) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn to_words(vector: __m512i) -> [u16; LANES] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(vector) }
}

/// A byte for each of 256 indices, or for the first of them.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Bytes([u8; 256]);

/// The bytes of a pair that are of its second segment, where eight lanes of each take turns.
const SECOND: u64 = 0xFF00_FF00_FF00_FF00;

impl Bytes {
    /// The bytes at `indices`, all of which are below `LEN`: 64, 128 or 256.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    fn look_up<const LEN: usize>(&self, indices: __m512i) -> __m512i {
        if LEN <= 64 {
            _mm512_permutexvar_epi8(indices, self.quarter(0))
        } else if LEN <= 128 {
            _mm512_permutex2var_epi8(self.quarter(0), indices, self.quarter(1))
        } else {
            let lower_half = _mm512_permutex2var_epi8(self.quarter(0), indices, self.quarter(1));
            let upper_half = _mm512_permutex2var_epi8(self.quarter(2), indices, self.quarter(3));
            _mm512_mask_blend_epi8(_mm512_movepi8_mask(indices), lower_half, upper_half)
        }
    }

    /// [`look_up`](Self::look_up) for a pair: each of its segments in bytes of its own. Indices for
    /// the second one stand in the bytes of the mask `SECOND`.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    fn look_up_two<const LEN: usize, const SECOND: u64>([first, second]: [&Self; PAIR], indices: __m512i) -> __m512i {
        if LEN <= 64 {
            return look_up_two::<SECOND>([first.quarter(0), second.quarter(0)], indices);
        }
        // Each step takes the place of some indices, and leaves the others.
        if LEN <= 128 {
            let x = _mm512_mask2_permutex2var_epi8(first.quarter(0), indices, !SECOND, first.quarter(1));
            return _mm512_mask2_permutex2var_epi8(second.quarter(0), x, SECOND, second.quarter(1));
        }
        let upper = _mm512_movepi8_mask(indices);
        let x = _mm512_mask2_permutex2var_epi8(first.quarter(0), indices, !SECOND & !upper, first.quarter(1));
        let x = _mm512_mask2_permutex2var_epi8(first.quarter(2), x, !SECOND & upper, first.quarter(3));
        let x = _mm512_mask2_permutex2var_epi8(second.quarter(0), x, SECOND & !upper, second.quarter(1));
        _mm512_mask2_permutex2var_epi8(second.quarter(2), x, SECOND & upper, second.quarter(3))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn quarter(&self, index: usize) -> __m512i {
        from_bytes(self.0.as_chunks().0[index])
    }
}

/// The bytes at the lowest six bits of `indices`, for each segment of a pair of its own: for the
/// second one where the mask `SECOND` says.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn look_up_two<const SECOND: u64>([first, second]: [__m512i; PAIR], indices: __m512i) -> __m512i {
    let of_first = _mm512_permutexvar_epi8(indices, first);
    _mm512_mask_permutexvar_epi8(of_first, SECOND, indices, second)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn from_bytes(bytes: [u8; 64]) -> __m512i {
    // SAFETY: both are 64 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(bytes) }
}

/// Words of the two segments of a pair, from a vector of their lower bytes and one of their upper
/// bytes.
#[inline]
#[target_feature(enable = "avx512bw")]
fn unpack(lower: __m512i, upper: __m512i) -> [__m512i; PAIR] {
    [_mm512_unpacklo_epi8(lower, upper), _mm512_unpackhi_epi8(lower, upper)]
}

/// A vector whose words are all 1, without the compiler knowing it.
///
/// Where it knows, it turns "add 1 in the lanes of a mask" into "make a vector of the mask,
/// subtract it", which is slower.
#[inline]
#[target_feature(enable = "avx512bw")]
fn opaque_one() -> __m512i {
    std::hint::black_box(_mm512_set1_epi16(1))
}

/// The same vectors, without the compiler knowing it. Unlike `black_box`, this leaves them in their
/// registers.
///
/// Where it knows, it makes one shuffle of words of two in a row, with which lanes take 1 to 2 %
/// longer (an Intel Xeon, Sapphire Rapids or later).
#[inline]
#[target_feature(enable = "avx512f")]
fn opaque_two([mut one, mut two]: [__m512i; 2]) -> [__m512i; 2] {
    // SAFETY: no instruction is there.
    unsafe {
        asm!("/* {0} {1} */", inout(zmm_reg) one, inout(zmm_reg) two, options(pure, nomem, nostack, preserves_flags));
    };
    [one, two]
}

/// The same place, without the compiler knowing it. Unlike `black_box`, this leaves it in its
/// register.
#[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written")]
#[inline(always)]
fn opaque<T>(mut place: *const T) -> *const T {
    // SAFETY: no instruction is there.
    unsafe { asm!("/* {0} */", inout(reg) place, options(nomem, nostack, preserves_flags)) };
    place
}
