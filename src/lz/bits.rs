//! Raw bits, taken one number after the other (FORMAT.md, 14.4).

use crate::sequences::MAX_OFFSET_BITS;

/// Raw bits, the lowest of a byte first.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits that were taken.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The number in the next `count` bits, at most [`MAX_OFFSET_BITS`]. `None`: there are not so
    /// many.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count as usize <= MAX_OFFSET_BITS);
        let end = self.at + count as usize;
        if end > 8 * self.bytes.len() {
            return None;
        }
        let rest = &self.bytes[self.at / 8..];
        let mut word = [0; 4];
        let len = rest.len().min(word.len());
        word[..len].copy_from_slice(&rest[..len]);
        let number = u32::from_le_bytes(word) >> (self.at % 8) & ((1 << count) - 1);
        self.at = end;
        Some(number)
    }

    /// Whether nothing is left but zero bits that fill the last byte.
    pub(super) fn is_at_end(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len() && has_zeros_behind(self.bytes, self.at)
    }
}

/// Whether the bits of a byte that is begun, behind the first `bits` of `bytes`, are zero.
pub(super) fn has_zeros_behind(bytes: &[u8], bits: usize) -> bool {
    bits.is_multiple_of(8) || bytes.get(bits / 8).is_none_or(|byte| byte >> (bits % 8) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_lowest_bit_first() {
        let mut bits = BitReader::new(&[0b1010_0110, 0xFF, 0x0F, 0]);
        assert_eq!([bits.take(3), bits.take(0), bits.take(5)], [Some(0b110), Some(0), Some(0b10100)]);
        assert_eq!((bits.take(12), bits.is_at_end()), (Some(0xFFF), false));
        assert_eq!((bits.take(5), bits.is_at_end()), (Some(0), true), "the rest of the byte is zero");
        assert_eq!((bits.take(8), bits.take(7)), (None, Some(0)));
    }

    #[test]
    fn bits_that_are_left_are_seen() {
        let mut bits = BitReader::new(&[0b0001_0000]);
        assert_eq!((bits.take(4), bits.is_at_end()), (Some(0), false), "a bit that is not zero");
        assert_eq!((bits.take(1), bits.is_at_end()), (Some(1), true));
        let mut bits = BitReader::new(&[0, 0]);
        assert_eq!((bits.take(8), bits.is_at_end()), (Some(0), false), "a whole byte");
        assert!(BitReader::new(&[]).is_at_end());
    }
}
