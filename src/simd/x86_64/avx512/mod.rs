//! AVX-512 with VBMI, VBMI2 and BITALG: 32 lanes per vector, two segments per pair of vectors, and
//! no load that depends on data.
//!
//! The states of 32 lanes are two vectors of 16-bit words, one of the upper halves and one of the
//! lower ones. So a segment is two registers, and what one round does to it is 16-bit arithmetic on
//! all lanes at once.
//!
//! Tables are bytes that `vpermi2b` looks up, 64 lanes at a time: a vector of 64 bytes belongs to a
//! [pair](PAIR) of segments. Unpacking such a vector with another makes the words of one segment or
//! of the other without moving a byte out of its 128 bits, if in each 16 bytes the first eight are
//! lanes of the first segment and the others the same lanes of the second: that is the order of all
//! byte vectors here.
//!
//! `vpexpandw` spreads words over the lanes that want one, `vpcompressw` closes the gaps between
//! those that give one.
//!
//! One round is a chain of some twenty instructions that wait for each other. Several pairs hide
//! that, if each step is written out for all of them before the next step of any: the
//! processor looks ahead a hundred instructions, not a thousand.

mod decode;
mod encode;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

pub(in crate::simd) use decode::decode;
pub(in crate::simd) use encode::{CodeTable, encode_groups};

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

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn quarter(&self, index: usize) -> __m512i {
        from_bytes(self.0.as_chunks().0[index])
    }
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
