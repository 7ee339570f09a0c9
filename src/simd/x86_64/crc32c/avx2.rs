//! In vectors of 32 bytes, for processors with VPCLMULQDQ and without AVX-512.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{STREAMS, append, factors};

/// Vectors that travel side by side.
const ABREAST: usize = 4;

/// Words of each stream for each group. Intel's processors multiply a group in 8 clocks, Zen 3 in
/// 16: two to four words are as fast on the former, five would be best for the latter.
const WORDS: usize = 4;

/// Groups of a block: the streams stand before them, and end with them.
const GROUPS: usize = 4;

const GROUP: usize = ABREAST * 32;
const STREAM: usize = GROUPS * WORDS * 8;

/// So many bytes are folded at a time.
pub(in crate::simd) const BLOCK: usize = STREAMS * STREAM + GROUPS * GROUP;

pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("vpclmulqdq")
}

/// The CRC of bytes whose CRC is `crc`, then blocks.
#[target_feature(enable = "avx2,vpclmulqdq")]
pub(in crate::simd) fn append_blocks(crc: u32, blocks: &[[u8; BLOCK]]) -> u32 {
    if blocks.is_empty() {
        return crc;
    }
    let mut register = u64::from(!crc);
    let mut sum = [_mm256_setzero_si256(); ABREAST];
    for block in blocks {
        sum = fold_block(sum, register, block);
        register = 0;
    }
    let [a, b, c, d] = sum;
    let to_c = Distance::new::<256>().fold(c, d);
    let to_b = Distance::new::<512>().fold(b, to_c);
    let mut last = [0; 32];
    // SAFETY: the pointer is that of 32 bytes, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(last.as_mut_ptr().cast(), Distance::new::<768>().fold(a, to_b)) };
    // Behind a CRC of all ones the register is zero.
    append(u32::MAX, &last)
}

/// Moves `sum` to the end of a block, and adds the block, with `register` before it.
#[inline]
#[target_feature(enable = "avx2,vpclmulqdq")]
fn fold_block(mut sum: [__m256i; ABREAST], register: u64, block: &[u8; BLOCK]) -> [__m256i; ABREAST] {
    let (streams, groups) = block.split_at(STREAMS * STREAM);
    let (words, _) = streams.as_chunks::<8>();
    let Some(words) = words.first_chunk::<{ STREAMS * GROUPS * WORDS }>() else { return sum };
    let mut registers = [register, 0, 0];
    let mut distance = Distance::new::<{ 8 * (GROUP + STREAMS * STREAM) }>();
    for (index, group) in groups.as_chunks::<GROUP>().0.iter().enumerate() {
        let vectors = group.as_chunks::<32>().0;
        sum = each!(ABREAST, |i| distance.fold(sum[i], load(&vectors[i])));
        distance = Distance::new::<{ 8 * GROUP }>();
        for word in 0..WORDS {
            for (stream, register) in registers.iter_mut().enumerate() {
                let word = words[(stream * GROUPS + index) * WORDS + word];
                *register = _mm_crc32_u64(*register, u64::from_le_bytes(word));
            }
        }
    }
    // To where the last group begins.
    let [a, b, c] = registers;
    let a = Distance::new::<{ 8 * ((GROUPS - 1) * GROUP + 2 * STREAM) }>().moved(a);
    let b = Distance::new::<{ 8 * ((GROUPS - 1) * GROUP + STREAM) }>().moved(b);
    let c = Distance::new::<{ 8 * (GROUPS - 1) * GROUP }>().moved(c);
    let moved = _mm256_zextsi128_si256(_mm_xor_si128(_mm_xor_si128(a, b), c));
    sum[0] = _mm256_xor_si256(sum[0], moved);
    sum
}

/// What moves 16 bytes by a fixed number of bits.
#[derive(Debug, Clone, Copy)]
struct Distance(__m256i);

impl Distance {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new<const BITS: usize>() -> Self {
        let [first, second] = const { factors(BITS) };
        Self(_mm256_broadcastsi128_si256(_mm_set_epi64x(second, first)))
    }

    /// `from`, moved by this distance, and added to `to`.
    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq")]
    fn fold(self, from: __m256i, to: __m256i) -> __m256i {
        let first = _mm256_clmulepi64_epi128::<0x00>(from, self.0);
        let second = _mm256_clmulepi64_epi128::<0x11>(from, self.0);
        _mm256_xor_si256(_mm256_xor_si256(first, to), second)
    }

    /// A register, moved by this distance.
    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq,pclmulqdq")]
    fn moved(self, register: u64) -> __m128i {
        let register = _mm_cvtsi64_si128(register.cast_signed());
        _mm_clmulepi64_si128::<0x00>(register, _mm256_castsi256_si128(self.0))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(vector: &[u8; 32]) -> __m256i {
    // SAFETY: the pointer is that of 32 bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) }
}
