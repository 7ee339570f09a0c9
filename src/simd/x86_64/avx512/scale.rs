//! From states to buckets.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{PAIR, Words, from_bytes, opaque_one};

/// What is the same for all slots, for vectors.
pub(super) struct Scale {
    /// Buckets have more than eight slots.
    pub(super) more_starts: bool,
    /// `vpmultishiftqb` control: of 64 bits the bucket of each word, then each word's lower byte.
    bits: __m512i,
    /// Keeps of a lower byte the slot within its bucket.
    bucket_mask: __m512i,
    /// Keeps a state's slot.
    pub(super) mask: __m512i,
    pub(super) one: __m512i,
}

/// For each byte the first bit of a word of its 64 bits: of the four words in turn.
const WORD_BITS: [u8; 64] = {
    let mut bits = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        bits[byte] = 16 * (byte as u8 % 4);
        byte += 1;
    }
    bits
};

impl Scale {
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn new(bits: u8) -> Self {
        Self {
            more_starts: bits > 11,
            bits: _mm512_add_epi8(from_bytes(WORD_BITS), _mm512_set1_epi64(0x0101_0101 * i64::from(bits - 8))),
            bucket_mask: _mm512_set1_epi8((1 << (bits - 8)) - 1),
            mask: _mm512_set1_epi16((1 << bits) - 1),
            one: opaque_one(),
        }
    }

    /// The buckets of the slots that the states stand in, and which slots of the buckets they are.
    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    pub(super) fn places(&self, states: &[Words; PAIR]) -> [__m512i; 2] {
        let [first, second] =
            each!(PAIR, |side| _mm512_castsi512_ps(_mm512_multishift_epi64_epi8(self.bits, states[side].lower)));
        // Of each 128 bits, one half of each 64: eight lanes of the first segment, eight of the
        // second.
        let buckets = _mm512_castps_si512(_mm512_shuffle_ps::<0b10_00_10_00>(first, second));
        let lower = _mm512_castps_si512(_mm512_shuffle_ps::<0b11_01_11_01>(first, second));
        [buckets, _mm512_and_si512(lower, self.bucket_mask)]
    }
}
