//! Kernels for x86-64.

use std::arch::x86_64::{
    _MM_HINT_ET0, _MM_HINT_T0, _MM_HINT_T1, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_prefetch, _mm_set_epi64x,
    _mm_set1_epi8,
};

use crate::{rans::segment::GROUP, simd::Work};

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod crc32c;
pub(super) mod sse2;

/// A decoder gets about so many bytes further before what it asks for has come from memory.
const AHEAD: usize = 768;

/// Asks for the words and for the room of a group some groups ahead. Segments are too many streams,
/// too far apart, for the processor to see them coming.
#[inline(always)]
fn prefetch_ahead(words: *const u8, raw: *mut [u8; GROUP]) {
    let (words, raw) = (words.wrapping_add(AHEAD), raw.cast::<u8>().wrapping_add(AHEAD));
    // SAFETY: asking for an address reads and writes nothing, whatever is there.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(words.cast());
        _mm_prefetch::<_MM_HINT_ET0>(raw.cast());
        _mm_prefetch::<_MM_HINT_ET0>(raw.wrapping_add(GROUP / 2).cast());
    }
}

/// Asks for the words `beyond` so many bytes, of payloads that are decoded later. Their check is
/// the first to read them, and would wait for memory: that took a seventh of all the time (an
/// Intel Xeon, Sapphire Rapids or later, 32 MiB).
#[inline(always)]
fn prefetch_beyond(words: *const u8, beyond: usize) {
    // The words of a group stand on one line or two.
    prefetch_line_beyond(words, beyond);
    prefetch_line_beyond(words.wrapping_add(64), beyond);
}

/// [`prefetch_beyond`] where the words of a group take one line.
#[inline(always)]
fn prefetch_line_beyond(words: *const u8, beyond: usize) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(words.wrapping_add(beyond).cast()) };
}

/// How far ahead of what is written memory is asked for, in bytes. From 8 to 32 KiB all are as fast
/// (Zen 4).
const OUTPUT_AHEAD: usize = 8 << 10;

/// Asks for the line of `out` that is written so far behind `at`. Without that, 48 MiB take a third
/// longer (Zen 4), as stores wait for memory; in the caches it makes no difference. Stores that go
/// around the caches take as long as this, and whoever reads the symbols next would wait.
#[inline]
fn prefetch_output(out: &[u8], at: usize) {
    let place = out.as_ptr().wrapping_add((at + OUTPUT_AHEAD).min(out.len()));
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
}

/// Asks for all lines of `bytes`.
#[inline]
pub(super) fn prefetch(bytes: &[u8]) {
    for line in bytes.chunks(64) {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

/// Whether the processor has what [`with_scalar_extensions`] is compiled for.
pub(super) fn has_scalar_extensions() -> bool {
    avx2::is_available() && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("lzcnt")
}

/// Does `work`, compiled with these instructions as far as it is inlined here. Shifts by a number
/// in a register and counts of zeros take one step then, not two or three.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn with_scalar_extensions(work: impl Work) {
    work.run();
}

/// Asks for the line that `value` begins in.
#[inline]
pub(super) fn prefetch_line<T>(value: &T) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
}

/// [`equal_bytes`](super::equal_bytes), by SSE2, which every such processor has. Of a loop no
/// compiler makes these three steps.
#[inline(always)]
pub(super) fn equal_bytes(bytes: &[u8; 16], byte: u8) -> u16 {
    let bytes = u128::from_le_bytes(*bytes).cast_signed();
    // SAFETY: SSE2 is part of x86-64. No instruction takes an address.
    unsafe {
        let bytes = _mm_set_epi64x((bytes >> 64) as i64, bytes as i64);
        _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()))) as u16
    }
}
