//! CRC-32C of payloads: the crate `crc32c`, and before it a loop for processors that multiply
//! without carry in vectors of 64 bytes (VPCLMULQDQ with AVX-512).
//!
//! The crate does 8 bytes per clock, which its instruction allows. Those processors can do 16, and
//! they decode so fast that the difference is a twentieth of the whole. The one crate that has such
//! a loop, crc-fast, brings the tables of a hundred other CRCs: 700 KB where there is no
//! instruction, and more time to compile than all our dependencies together take now.

use crc32c::crc32c_append;

#[cfg(target_arch = "x86_64")]
use crate::simd::x86_64::crc32c as long;

/// CRC-32C over a header and its payload.
pub(crate) fn crc32c(header: &[u8], payload: &[u8]) -> u32 {
    append(append(0, header), payload)
}

/// [`crc32c`] of a payload that is copied to `copy`, which is as long. Each byte comes from memory
/// once.
pub(crate) fn crc32c_copying(header: &[u8], payload: &[u8], copy: &mut [u8]) -> u32 {
    let mut crc = append(0, header);
    #[cfg(target_arch = "x86_64")]
    if payload.len() >= long::SHORTEST && long::is_available() {
        let ((chunks, rest), (copies, rest_copy)) = (payload.as_chunks(), copy.as_chunks_mut());
        // SAFETY: the processor has the features that it needs: `is_available` just asked it.
        let folded = unsafe { long::fold(crc, chunks, copies) };
        rest_copy.copy_from_slice(rest);
        return behind(&folded, rest);
    }
    for (part, copy) in payload.chunks(COPIED).zip(copy.chunks_mut(COPIED)) {
        crc = append(crc, part);
        copy.copy_from_slice(part);
    }
    crc
}

/// So many bytes are copied while they are in the nearest cache: what the crate takes in one turn
/// of its fastest loop, and as many as it may need before until a word begins.
const COPIED: usize = 3 * (8 << 10) + 8;

/// CRC-32C over bytes that come in parts.
#[derive(Debug, Clone)]
pub(crate) struct Crc32c(u32);

impl Crc32c {
    pub(crate) fn new() -> Self {
        Self(0)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0 = append(self.0, bytes);
    }

    pub(crate) fn value(&self) -> u32 {
        self.0
    }
}

/// The CRC of bytes whose CRC is `crc`, then `bytes`.
fn append(crc: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= long::SHORTEST && long::is_available() {
        let (chunks, rest) = bytes.as_chunks();
        // SAFETY: the processor has the features that it needs: `is_available` just asked it.
        let folded = unsafe { long::fold(crc, chunks, &mut []) };
        return behind(&folded, rest);
    }
    append_few(crc, bytes)
}

/// The same for few bytes.
fn append_few(crc: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() < long::SHORTEST && is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the feature, as was just asked.
        return unsafe { long::append(crc, bytes) };
    }
    crc32c_append(crc, bytes)
}

/// The CRC of bytes that were folded to a chunk, and the `rest` behind them.
#[cfg(target_arch = "x86_64")]
fn behind(folded: &long::Chunk, rest: &[u8]) -> u32 {
    // Behind a CRC of all ones the register is zero.
    append_few(append_few(u32::MAX, folded), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the crate alone, for lengths around every loop's bounds, behind other bytes or none.
    #[test]
    fn long_bytes_have_the_same_crc_as_short_ones() {
        #[cfg(target_arch = "x86_64")]
        if !long::is_available() {
            eprintln!("skipped: this processor multiplies no long vectors without carry");
        }
        let bytes: Vec<u8> = (0..2000_u32).map(|i| ((i * i) >> 5) as u8).collect();
        for before in [0, 1, 13, 64] {
            let crc = crc32c_append(0, &bytes[..before]);
            for len in (0..=1200).chain([1935, 1936]) {
                let bytes = &bytes[before..before + len];
                assert_eq!(append(crc, bytes), crc32c_append(crc, bytes), "{len} bytes behind {before}");
                let mut copy = vec![0xEE; len];
                let header = &bytes[..len.min(8)];
                assert_eq!(crc32c_copying(header, bytes, &mut copy), crc32c(header, bytes), "{len} bytes, copied");
                assert_eq!(copy, bytes);
            }
        }
    }
}
