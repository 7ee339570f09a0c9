//! In vectors of 64 bytes, for processors with AVX-512.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{STREAMS, append, factors};
use crate::simd::Spare;

type Chunk = [u8; 64];

/// Chunks that travel side by side: one multiplication takes a few clocks.
const ABREAST: usize = 4;

/// Words of each stream for each group. Intel's processors multiply a group in 8 clocks, Zen 4 in
/// 16: two words would be best for the former, five for the latter. Three give 7 % (measured: Intel
/// Xeon, Sapphire Rapids or later) and 23 % (llvm-mca).
const WORDS: usize = 3;

/// Groups of a block: the streams stand before them, and end with them.
const GROUPS: usize = 8;

const STREAM_LEN: usize = GROUPS * WORDS * 8;
const STREAM_CHUNKS: usize = STREAMS * STREAM_LEN / size_of::<Chunk>();
const BLOCK: usize = STREAM_CHUNKS + GROUPS * ABREAST;

/// Fewer bytes than this take less time word by word.
pub(in crate::simd) const SHORTEST: usize = 96;

/// From this length on the chunks begin at multiples of their length: from the second cache comes a
/// quarter more of them then. Fewer bytes end with a chunk, so that none are left behind it.
const ALIGNED: usize = 4096;

pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("vpclmulqdq")
}

/// The CRC of bytes whose CRC is `crc`, then `bytes`.
#[target_feature(enable = "avx512f,avx512vbmi2,vpclmulqdq")]
pub(in crate::simd) fn append_long(crc: u32, bytes: &[u8]) -> u32 {
    let Some(first) = bytes.first_chunk() else { return append(crc, bytes) };
    let (before, bytes) = bytes.split_at(head_len(bytes.len(), bytes.as_ptr()));
    let head = Head::new(!crc, first, before.len());
    let (chunks, tail) = bytes.as_chunks();
    let sum = if chunks.len() < ABREAST { few(head, chunks) } else { many(head, chunks) };
    append(!register(sum), tail)
}

/// The same, and a copy of them: what is in a register anyway takes no time to store. Without
/// streams, as stores take as long as multiplications. `copy` has room for all. Its chunks are the
/// aligned ones: a store into two lines takes more than a load from two.
#[target_feature(enable = "avx512f,avx512vbmi2,vpclmulqdq")]
pub(in crate::simd) fn append_copying(crc: u32, bytes: &[u8], copy: &mut Spare<'_>) -> u32 {
    let (before, behind) = bytes.split_at(head_len(bytes.len(), copy.as_mut_ptr()));
    let (chunks, tail) = behind.as_chunks::<64>();
    let (groups, last) = chunks.as_chunks();
    let (Some(first), Some((first_group, groups))) = (bytes.first_chunk(), groups.split_first()) else {
        copy.copy(bytes);
        return append_long(crc, bytes);
    };
    assert!(bytes.len() <= copy.len(), "there is room for a copy");
    let (first_bytes, rest) = bytes.split_at(before.len() + size_of_val(first_group));
    copy.copy(first_bytes);
    let to: *mut [Chunk; ABREAST] = copy.as_mut_ptr().cast();
    let distance = Distance::new::<{ group_bits(1) }>();
    let mut sum = Group::load(first_group).behind(Head::new(!crc, first, before.len()));
    for (index, group) in groups.iter().enumerate() {
        let group = Group::load(group);
        // SAFETY: the assertion saw room for all of `bytes`, and these groups stand in them.
        unsafe { group.store(to.add(index)) };
        sum = sum.fold(distance, group);
    }
    // SAFETY: the loop wrote these.
    unsafe { copy.assume_written(size_of_val(groups)) };
    copy.copy(&rest[size_of_val(groups)..]);
    append(!register(sum.finish(last)), tail)
}

/// So many of `len` bytes stand before the first whole chunk, fewer than it has. `place` is where
/// they come from or where they go to.
fn head_len(len: usize, place: *const u8) -> usize {
    let by_end = len % size_of::<Chunk>();
    if len < ALIGNED { by_end } else { place.addr().wrapping_neg() % size_of::<Chunk>() }
}

/// Bytes before the first whole chunk, at the end of a chunk of their own. Zeros before them make
/// no difference behind a register of zero.
#[derive(Debug, Clone, Copy)]
struct Head {
    chunk: __m512i,
    /// What of the register belongs behind them, if they are fewer than four.
    register: __m512i,
}

impl Head {
    /// The first `len` bytes of `first`, with the register before them added.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi2")]
    fn new(register: u32, first: &Chunk, len: usize) -> Self {
        let last_bytes = !(u64::MAX >> len);
        let added = _mm512_xor_si512(load(first), word(register));
        let behind = (u64::from(register) >> (8 * len.min(size_of::<u32>()))) as u32;
        Self { chunk: _mm512_maskz_expand_epi8(last_bytes, added), register: word(behind) }
    }
}

/// 16 bytes with the same CRC, behind a register of zero, as head and chunks, which are fewer than
/// [`ABREAST`].
#[inline]
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn few(head: Head, chunks: &[Chunk]) -> __m128i {
    let mut sum = Distance::to_end(chunks.len()).fold(head.chunk, _mm512_setzero_si512());
    let mut register = head.register;
    for (chunk, behind) in chunks.iter().zip((0..chunks.len()).rev()) {
        sum = Distance::to_end(behind).fold(_mm512_xor_si512(load(chunk), register), sum);
        register = _mm512_setzero_si512();
    }
    sum_of_quarters(sum)
}

/// The same for [`ABREAST`] chunks at least. Groups come behind the blocks, so that vectors are at
/// work while the last words of the streams are.
#[inline]
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn many(head: Head, chunks: &[Chunk]) -> __m128i {
    let Some((first, chunks)) = chunks.split_first_chunk() else { return few(head, chunks) };
    // A division would delay the end of few.
    let (blocks, chunks) = if chunks.len() < BLOCK { (&[][..], chunks) } else { chunks.as_chunks() };
    let (groups, last) = chunks.as_chunks();
    let distance = Distance::new::<{ group_bits(1) }>();
    let mut sum = Group::load(first).behind(head);
    for block in blocks {
        sum = fold_block(sum, block);
    }
    for group in groups {
        sum = sum.fold(distance, Group::load(group));
    }
    sum.finish(last)
}

/// Moves `sum` to the end of a block, and adds the block.
#[inline]
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn fold_block(mut sum: Group, block: &[Chunk; BLOCK]) -> Group {
    let (streams, groups) = block.split_at(STREAM_CHUNKS);
    let (words, _) = streams.as_flattened().as_chunks::<8>();
    let Some(words) = words.first_chunk::<{ STREAMS * GROUPS * WORDS }>() else { return sum };
    let mut registers = [0; STREAMS];
    let mut distance = Distance::new::<{ group_bits(1) + stream_bits(STREAMS) }>();
    for (index, group) in groups.as_chunks().0.iter().enumerate() {
        sum = sum.fold(distance, Group::load(group));
        distance = Distance::new::<{ group_bits(1) }>();
        for word in 0..WORDS {
            for (stream, register) in registers.iter_mut().enumerate() {
                let word = words[(stream * GROUPS + index) * WORDS + word];
                *register = _mm_crc32_u64(*register, u64::from_le_bytes(word));
            }
        }
    }
    // To where the last group begins.
    let [a, b, c] = registers;
    let a = Distance::new::<{ group_bits(GROUPS - 1) + stream_bits(2) }>().moved(a);
    let b = Distance::new::<{ group_bits(GROUPS - 1) + stream_bits(1) }>().moved(b);
    let c = Distance::new::<{ group_bits(GROUPS - 1) }>().moved(c);
    let moved = _mm512_zextsi128_si512(_mm_xor_si128(_mm_xor_si128(a, b), c));
    sum.0[0] = _mm512_xor_si512(sum.0[0], moved);
    sum
}

const fn group_bits(groups: usize) -> usize {
    groups * ABREAST * size_of::<Chunk>() * 8
}

const fn stream_bits(streams: usize) -> usize {
    streams * STREAM_LEN * 8
}

/// Chunks side by side.
#[derive(Debug, Clone, Copy)]
struct Group([__m512i; ABREAST]);

impl Group {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(chunks: &[Chunk; ABREAST]) -> Self {
        Self(each!(ABREAST, |i| load(&chunks[i])))
    }

    /// # Safety
    ///
    /// So many bytes from `to` on may be written.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store(self, to: *mut [Chunk; ABREAST]) {
        for (index, chunk) in self.0.into_iter().enumerate() {
            // SAFETY: the caller promised as much, and the store asks for no alignment.
            unsafe { _mm512_storeu_si512(to.cast::<Chunk>().add(index).cast(), chunk) };
        }
    }

    /// With the head before it added.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn behind(self, head: Head) -> Self {
        let [a, b, c, d] = self.0;
        let distance = Distance::new::<{ group_bits(1) }>();
        Self([_mm512_xor_si512(a, head.register), b, c, distance.fold(head.chunk, d)])
    }

    /// This group, moved by the distance, and added to `to`.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn fold(self, distance: Distance, to: Self) -> Self {
        Self(each!(ABREAST, |i| distance.fold(self.0[i], to.0[i])))
    }

    /// 16 bytes with the same CRC as the group and the chunks behind it, which are fewer.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn finish(self, last: &[Chunk]) -> __m128i {
        let mut sum = _mm512_setzero_si512();
        for (index, chunk) in self.0.into_iter().enumerate() {
            sum = Distance::to_end(ABREAST - 1 - index + last.len()).fold(chunk, sum);
        }
        for (chunk, behind) in last.iter().zip((0..last.len()).rev()) {
            sum = Distance::to_end(behind).fold(load(chunk), sum);
        }
        sum_of_quarters(sum)
    }
}

/// What moves each quarter of a chunk by a fixed number of bits: a factor for its second 8 bytes,
/// which stand in the upper half here, and one for the first.
#[derive(Debug, Clone, Copy)]
struct Distance(__m512i);

impl Distance {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new<const BITS: usize>() -> Self {
        let [first, second] = const { factors(BITS) };
        Self(_mm512_broadcast_i32x4(_mm_set_epi64x(second, first)))
    }

    /// From a chunk with so many chunks behind it to the last quarter of all. They are fewer than
    /// [`TO_END`] has.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn to_end(behind: usize) -> Self {
        let factors = &TO_END.0[behind];
        // SAFETY: they are 64 bytes, and the load asks for no alignment.
        Self(unsafe { _mm512_loadu_si512(factors.as_ptr().cast()) })
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

    /// A register, moved by this distance.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn moved(self, register: u64) -> __m128i {
        _mm_clmulepi64_si128::<0x00>(_mm_cvtsi64_si128(register.cast_signed()), _mm512_castsi512_si128(self.0))
    }
}

#[repr(align(64))]
struct Factors([[[i64; 2]; 4]; 2 * ABREAST - 1]);

/// For each number of chunks behind a chunk, factors that move its quarters to the last one of all.
static TO_END: Factors = {
    let mut all = [[[0; 2]; 4]; 2 * ABREAST - 1];
    let mut quarter = 0;
    while quarter < 4 * all.len() {
        all[quarter / 4][3 - quarter % 4] = factors(quarter * 128);
        quarter += 1;
    }
    Factors(all)
};

#[inline]
#[target_feature(enable = "avx512f")]
fn sum_of_quarters(chunk: __m512i) -> __m128i {
    let halves = _mm256_xor_si256(_mm512_castsi512_si256(chunk), _mm512_extracti64x4_epi64::<1>(chunk));
    _mm_xor_si128(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
}

/// The register behind 16 bytes, zero before them.
#[inline]
#[target_feature(enable = "avx512f")]
fn register(bytes: __m128i) -> u32 {
    let first = _mm_crc32_u64(0, _mm_cvtsi128_si64(bytes).cast_unsigned());
    _mm_crc32_u64(first, _mm_extract_epi64::<1>(bytes).cast_unsigned()) as u32
}

/// Four bytes, and zeros behind them.
#[inline]
#[target_feature(enable = "avx512f")]
fn word(bytes: u32) -> __m512i {
    _mm512_zextsi128_si512(_mm_cvtsi32_si128(bytes.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(chunk: &Chunk) -> __m512i {
    // SAFETY: the pointer is that of 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) }
}
