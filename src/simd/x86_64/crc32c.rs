//! CRC-32C of long bytes, 64 at a time.
//!
//! After V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
//! Instruction", Intel, 2009.
//!
//! Bytes are polynomials over GF(2), the first bit the highest power. To move 8 bytes `d` bits
//! further to the front is to multiply them by `x^d`; instead of `x^d` its remainder by the CRC's
//! polynomial does it, so that the product still fits into 16 bytes and can be added there to what
//! comes `d` bits later. So 256 bytes travel along the input, and in the end have the same CRC as
//! all of it.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

pub(in crate::simd) type Chunk = [u8; 64];

/// Chunks that travel side by side: one multiplication takes a few clocks.
const ABREAST: usize = 4;

/// Fewer bytes than this are not worth it.
pub(in crate::simd) const SHORTEST: usize = ABREAST * size_of::<Chunk>();

pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vpclmulqdq")
}

/// The CRC of bytes whose CRC is `crc`, then `bytes`. Best for few: each word waits for the one
/// before. The crate takes one byte after the other until a word begins at a multiple of 8, and
/// behind the last word.
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

/// A chunk that has the same CRC, with a register of zero before it, as `chunks` have behind
/// bytes with the CRC `crc`. There are [`ABREAST`] chunks at least. `copy` gets a copy of as many
/// as it has room for: what is in a register anyway takes no time to store.
#[target_feature(enable = "avx512f,vpclmulqdq")]
pub(in crate::simd) fn fold(crc: u32, chunks: &[Chunk], copy: &mut [Chunk]) -> Chunk {
    let (one, all) = (Distance::new::<512>(), Distance::new::<{ 512 * ABREAST as u32 }>());
    let register = _mm512_zextsi128_si512(_mm_cvtsi32_si128((!crc).cast_signed()));
    let (groups, last) = chunks.as_chunks::<ABREAST>();
    let (group_copies, last_copies) = copy.as_chunks_mut::<ABREAST>();
    let (mut group_copies, mut last_copies) = (group_copies.iter_mut(), last_copies.iter_mut());
    let Some((first, groups)) = groups.split_first() else { return [0; 64] };
    let [mut a, mut b, mut c, mut d] = load_group(first, group_copies.next());
    a = _mm512_xor_si512(a, register);
    for group in groups {
        let [next_a, next_b, next_c, next_d] = load_group(group, group_copies.next());
        a = all.fold(a, next_a);
        b = all.fold(b, next_b);
        c = all.fold(c, next_c);
        d = all.fold(d, next_d);
    }
    let mut sum = one.fold(one.fold(one.fold(a, b), c), d);
    for chunk in last {
        if let Some(copy) = last_copies.next() {
            *copy = *chunk;
        }
        sum = one.fold(sum, load(chunk));
    }
    // SAFETY: both are 64 bytes, and every bit pattern is valid.
    unsafe { std::mem::transmute(sum) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_group(group: &[Chunk; ABREAST], copy: Option<&mut [Chunk; ABREAST]>) -> [__m512i; ABREAST] {
    let loaded = [load(&group[0]), load(&group[1]), load(&group[2]), load(&group[3])];
    if let Some(copy) = copy {
        for (copy, loaded) in copy.iter_mut().zip(loaded) {
            // SAFETY: the pointer is that of 64 bytes, and the store asks for no alignment.
            unsafe { _mm512_storeu_si512(copy.as_mut_ptr().cast(), loaded) };
        }
    }
    loaded
}

/// What moves 16 bytes by a fixed number of bits: a factor for their second half, which stands
/// in the lower one here, and one for the first.
#[derive(Debug, Clone, Copy)]
struct Distance(__m512i);

impl Distance {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new<const BITS: u32>() -> Self {
        let (first, second) = const { (remainder(BITS + 32), remainder(BITS - 32)) };
        Self(_mm512_broadcast_i32x4(_mm_set_epi64x(second, first)))
    }

    /// `from`, moved by this distance, and added to `to`.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn fold(self, from: __m512i, to: __m512i) -> __m512i {
        const XOR_OF_THREE: i32 = 0x96;
        let first = _mm512_clmulepi64_epi128::<0x00>(from, self.0);
        let second = _mm512_clmulepi64_epi128::<0x11>(from, self.0);
        _mm512_ternarylogic_epi64::<XOR_OF_THREE>(first, second, to)
    }
}

/// `x^power` modulo the polynomial, its lowest power in the top bit as the CRC has it; moved up
/// by one, because the product of two numbers in that order has its lowest power one bit too
/// low.
const fn remainder(power: u32) -> i64 {
    const POLYNOMIAL: u32 = 0x1EDC_6F41_u32.reverse_bits();
    let mut remainder = 1_u32 << 31;
    let mut done = 0;
    while done < power {
        let carry = remainder & 1;
        remainder = (remainder >> 1) ^ (carry * POLYNOMIAL);
        done += 1;
    }
    (remainder as i64) << 1
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(chunk: &Chunk) -> __m512i {
    // SAFETY: the pointer is that of 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) }
}
