//! CRC-32C of payloads: the crate `crc32c`, and before it a loop for processors that multiply
//! without carry in vectors of 64 bytes (VPCLMULQDQ with AVX-512) or of 32 (with AVX2).
//!
//! The crate does 8 bytes per clock, which its instruction allows. Those with AVX-512 can do 36
//! (Intel Xeon, Sapphire Rapids or later, in the caches) or some 20 (Zen 4, by llvm-mca), and they
//! decode so fast that the crate would take a tenth of the whole and more. The one crate that has
//! such a loop, crc-fast, brings the tables of a hundred other CRCs: 700 KB where there is no
//! instruction, and more time to compile than all our dependencies take together.

use crc32c::crc32c_append;

use crate::simd::Spare;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86_64::crc32c::{self as x86_64, avx2, avx512};

/// CRC-32C over a header and its payload.
pub(crate) fn crc32c(header: &[u8], payload: &[u8]) -> u32 {
    append(append(0, header), payload)
}

/// [`crc32c`] of a payload that is copied to `copy`. Each byte comes from memory once.
///
/// # Panics
///
/// When `copy` has no room for it.
pub(crate) fn crc32c_copying(header: &[u8], payload: &[u8], copy: &mut Spare<'_>) -> u32 {
    let mut crc = append(0, header);
    #[cfg(target_arch = "x86_64")]
    if avx512::is_available() {
        // SAFETY: the processor has the features that it needs: `is_available` just asked it.
        return unsafe { avx512::append_copying(crc, payload, copy) };
    }
    for part in payload.chunks(COPIED) {
        crc = append(crc, part);
        copy.copy(part);
    }
    crc
}

/// So many bytes are copied while they are in the nearest cache. For the crate, which takes most of
/// them by itself: one turn of its fastest loop, and as many as it may need before until a word
/// begins.
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
    if bytes.len() >= avx512::SHORTEST && avx512::is_available() {
        // SAFETY: the processor has the features that it needs: `is_available` just asked it.
        return unsafe { avx512::append_long(crc, bytes) };
    }
    append_without_avx512(crc, bytes)
}

#[cfg(target_arch = "x86_64")]
fn append_without_avx512(mut crc: u32, mut bytes: &[u8]) -> u32 {
    if bytes.len() >= avx2::BLOCK && avx2::is_available() {
        let (blocks, rest) = bytes.as_chunks();
        // SAFETY: the processor has the features that it needs: `is_available` just asked it.
        crc = unsafe { avx2::append_blocks(crc, blocks) };
        bytes = rest;
    }
    if bytes.len() < FEW && is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the feature, as was just asked.
        return unsafe { x86_64::append(crc, bytes) };
    }
    crc32c_append(crc, bytes)
}

#[cfg(not(target_arch = "x86_64"))]
fn append_without_avx512(crc: u32, bytes: &[u8]) -> u32 {
    crc32c_append(crc, bytes)
}

/// Fewer bytes than this take less time word by word than in the crate, which takes one byte after
/// the other until a word begins at a multiple of 8, and behind the last word.
#[cfg(target_arch = "x86_64")]
const FEW: usize = 256;

#[cfg(test)]
mod tests {
    use crc::{CRC_32_ISCSI, Crc, Table};

    use super::*;
    #[cfg(all(unix, not(miri)))]
    use crate::simd::Guarded;

    const BY_TABLE: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

    fn bytes(len: u32) -> Vec<u8> {
        (0..len).map(|i| (i.wrapping_mul(i) >> 5) as u8 ^ (i >> 8) as u8).collect()
    }

    /// The CRC of each length of `bytes` up to `longest`, behind others.
    fn by_table(before: &[u8], bytes: &[u8], longest: usize) -> Vec<u32> {
        let mut digest = BY_TABLE.digest();
        digest.update(before);
        let behind = |digest: &crc::Digest<'_, u32, Table<16>>| digest.clone().finalize();
        let mut all = vec![behind(&digest)];
        for byte in &bytes[..longest] {
            digest.update(&[*byte]);
            all.push(behind(&digest));
        }
        all
    }

    #[cfg(target_arch = "x86_64")]
    fn say_what_is_not_tested() {
        for (available, bytes) in [(avx512::is_available(), 64), (avx2::is_available(), 32)] {
            if !available {
                eprintln!("skipped: this processor multiplies no vectors of {bytes} bytes without carry");
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn say_what_is_not_tested() {}

    /// All lengths around the bounds of every loop, at every place in a chunk.
    #[test]
    fn equals_the_crc_by_table_at_every_place() {
        say_what_is_not_tested();
        let bytes = bytes(2200 + 64);
        for at in 0..64 {
            let crc = crc32c_append(0, &bytes[..at]);
            for (len, expected) in by_table(&bytes[..at], &bytes[at..], 2200).into_iter().enumerate() {
                let part = &bytes[at..at + len];
                assert_eq!(append(crc, part), expected, "{len} bytes behind {at}");
                assert_eq!(append_without_avx512(crc, part), expected, "{len} bytes behind {at}");
            }
        }
    }

    /// Bytes of several blocks, as aligned as they come, and a few further.
    #[test]
    fn equals_the_crc_by_table_for_long_bytes() {
        say_what_is_not_tested();
        let bytes = bytes(14_000);
        for at in [0, 1, 3, 12, 63] {
            let crc = crc32c_append(0, &bytes[..at]);
            let expected = by_table(&bytes[..at], &bytes[at..], 13_900);
            for len in (2200..13_900).step_by(7) {
                let part = &bytes[at..at + len];
                assert_eq!(append(crc, part), expected[len], "{len} bytes behind {at}");
                assert_eq!(append_without_avx512(crc, part), expected[len], "{len} bytes behind {at}");
            }
        }
    }

    #[test]
    fn a_copy_is_what_it_is_of() {
        say_what_is_not_tested();
        let bytes = bytes(6000);
        for at in [0, 1, 12, 60] {
            let expected = by_table(&bytes[..8], &bytes[at..], 5900);
            for len in (0..1300).chain((1300..5900).step_by(13)) {
                let part = &bytes[at..at + len];
                let to = len % 64;
                let mut room = vec![0xEE; to + len + 1];
                let copy = &mut room[to..to + len];
                let crc = crc32c_copying(&bytes[..8], part, &mut Spare::from(&mut *copy));
                assert_eq!(crc, expected[len], "{len} bytes at {at}");
                assert_eq!(copy, part, "{len} bytes at {at}");
                room.drain(to..to + len);
                assert!(room.iter().all(|&byte| byte == 0xEE), "{len} bytes at {at}");
            }
        }
    }

    #[test]
    fn parts_have_the_crc_of_the_whole() {
        let bytes = bytes(9000);
        let expected = BY_TABLE.checksum(&bytes);
        for cut in [0, 1, 3, 64, 95, 96, 97, 300, 4095, 4100, 8999] {
            for second in [0, 2, 96, 700, 4096] {
                let (first, rest) = bytes.split_at(cut);
                let (middle, last) = rest.split_at(second.min(rest.len()));
                let mut crc = Crc32c::new();
                for part in [first, middle, last] {
                    crc.update(part);
                }
                assert_eq!(crc.value(), expected, "cut at {cut}, and {second} further");
                assert_eq!(crc32c(first, rest), expected);
            }
        }
    }

    /// Nothing is read or written outside: guards stand before and behind.
    #[cfg(all(unix, not(miri)))]
    #[test]
    fn stays_inside() {
        let bytes = bytes(9000);
        let (mut from, mut to) = (Guarded::new(9000), Guarded::new(9000));
        for len in (0..700).chain((700..9000).step_by(61)) {
            let expected = crc32c_append(0, &bytes[..len]);
            for place in [Guarded::front, Guarded::back] {
                let (part, copy) = (place(&mut from, len), place(&mut to, len));
                part.copy_from_slice(&bytes[..len]);
                assert_eq!(append(0, part), expected, "{len} bytes");
                assert_eq!(append_without_avx512(0, part), expected, "{len} bytes");
                assert_eq!(crc32c_copying(&[], part, &mut Spare::from(&mut *copy)), expected, "{len} bytes, copied");
                assert_eq!(copy, part);
            }
        }
    }
}
