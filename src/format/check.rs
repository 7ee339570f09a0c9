//! The three checks of the format, each by its catalogue name.

use std::hash::Hasher as _;

use crc::{CRC_8_AUTOSAR, Crc, Table};
use twox_hash::XxHash3_64;

const CRC_8: Crc<u8, Table<1>> = Crc::<u8, Table<1>>::new(&CRC_8_AUTOSAR);

/// CRC-8/AUTOSAR. Finds up to three flipped bits in headers of this size (Koopman's tables:
/// distance 4 up to 119 bits).
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    CRC_8.checksum(bytes)
}

/// CRC-32C of a few bytes. Payloads go through `simd::Crc32c`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// XXH3-64 with seed 0 over raw bytes that come in parts.
#[derive(Clone, Default)]
pub(crate) struct ContentHash(XxHash3_64);

impl ContentHash {
    pub(crate) fn update(&mut self, raw: &[u8]) {
        self.0.write(raw);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.finish()
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ContentHash").field(&self.value()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_catalogue() {
        assert_eq!(crc8(b"123456789"), 0xDF);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn content_hash_does_not_depend_on_the_cuts() {
        let bytes: Vec<u8> = (0..2000_u32).map(|i| ((i * i) >> 3) as u8).collect();
        let whole = XxHash3_64::oneshot(&bytes);
        for cut in [0, 1, 16, 240, 241, 1024, 1999, 2000] {
            let mut hash = ContentHash::default();
            hash.update(&bytes[..cut]);
            hash.update(&bytes[cut..]);
            assert_eq!(hash.value(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_content_hash_is_shown_by_its_value() {
        let mut hash = ContentHash::default();
        hash.update(b"some bytes");
        assert_eq!(format!("{hash:?}"), format!("ContentHash({})", hash.value()));
    }
}
