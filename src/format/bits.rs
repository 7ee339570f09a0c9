//! Bit strings: each byte is filled from its lowest bit up.

use std::hint::select_unpredictable;

/// Appends bits to a byte vector.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Fewer than 8 bits.
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, pending: 0, count: 0 }
    }

    /// The lowest `count` (at most 56) bits of `value`; its other bits are 0.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u64, count: u32) {
        debug_assert!(count <= 56 && value < 1 << count);
        self.pending |= value << self.count;
        self.count += count;
        // All of it in any case: whether a byte is whole cannot be predicted.
        let end = self.out.len() + (self.count / 8) as usize;
        self.out.extend_from_slice(&self.pending.to_le_bytes());
        self.out.truncate(end);
        self.pending >>= self.count / 8 * 8;
        self.count %= 8;
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn finish(self) {
        if self.count > 0 {
            self.out.push(self.pending as u8);
        }
    }
}

/// Takes bits from a byte slice. Behind its end come zero bits, and [`BitReader::finish`] reports
/// it.
#[derive(Debug, Clone)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    position: usize,
}

/// Why a bit string is not a whole one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BitStringError {
    Ended,
    Padding,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next `count` (at most 32) bits.
    #[inline]
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let value = self.peek(count);
        self.skip(count);
        value
    }

    /// The same. `None`: there are not so many.
    #[inline]
    pub(crate) fn take_whole(&mut self, count: u32) -> Option<u32> {
        let end = self.position + count as usize;
        (end <= 8 * self.bytes.len()).then(|| self.take(count))
    }

    /// The next `count` (at most 32) bits, not taken yet.
    #[inline]
    fn peek(&self, count: u32) -> u32 {
        let rest = self.bytes.get(self.position / 8..).unwrap_or_default();
        let next = rest.first_chunk().copied().unwrap_or_else(|| padded(rest));
        let bits = u64::from_le_bytes(next) >> (self.position % 8);
        (bits & ((1 << count) - 1)) as u32
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.position += count as usize;
    }

    /// In bits, from the start of the string.
    #[cfg(test)]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Goes on at `position`, which may be behind the end.
    pub(crate) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// What stands from here on.
    pub(crate) fn window(&self) -> BitWindow<'a> {
        let mut window = BitWindow { bytes: self.bytes, bits: 0, count: 0, next: self.position / 8 };
        window.fill();
        window.skip((self.position % 8) as u32);
        window
    }

    /// Whether the bit string took all bytes.
    pub(crate) fn is_whole(&self) -> bool {
        self.clone().finish() == Ok(self.bytes.len())
    }

    /// How many bytes the bit string took.
    pub(crate) fn finish(self) -> Result<usize, BitStringError> {
        let len = self.position.div_ceil(8);
        let Some(taken) = self.bytes.get(..len) else { return Err(BitStringError::Ended) };
        let used = self.position % 8;
        if used > 0 && taken[len - 1] >> used != 0 {
            return Err(BitStringError::Padding);
        }
        Ok(len)
    }
}

/// A part of a string that moves along it, in a register: to take bits costs a shift, where a
/// reader has to load them. Behind the end come zero bits.
#[derive(Debug)]
pub(crate) struct BitWindow<'a> {
    bytes: &'a [u8],
    /// At least `count` of them are those of the string.
    bits: u64,
    count: u32,
    /// The first byte that is not among the `count` bits.
    next: usize,
}

impl BitWindow<'_> {
    /// Bits that are there for certain when the window was just [filled](Self::fill).
    pub(crate) const WIDTH: u32 = 56;

    /// Makes sure of [`Self::WIDTH`] bits. Which to load was known when the window was last filled,
    /// so nobody waits for them.
    #[inline(always)]
    pub(crate) fn fill(&mut self) {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let next = rest.first_chunk().copied().unwrap_or_else(|| padded(rest));
        self.bits |= u64::from_le_bytes(next) << self.count;
        self.next += (63 - self.count as usize) / 8;
        self.count |= Self::WIDTH;
    }

    /// The next bits, not taken yet: as many as there are, and any others above them.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.bits
    }

    /// Takes bits, no more than there are.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// Takes `count` bits, and one more if `is_more`, which cannot be predicted. What stands behind
    /// the first `count` comes back.
    #[inline(always)]
    pub(crate) fn skip_one_of(&mut self, count: u32, is_more: bool) -> u64 {
        // So shifting does not wait for the answer.
        let next = self.bits >> (count % u64::BITS);
        self.bits = select_unpredictable(is_more, next >> 1, next);
        self.count = self.count.wrapping_sub(count + u32::from(is_more));
        next
    }

    /// In bits, from the start of the string.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        8 * self.next - self.count as usize
    }
}

/// The last bytes of a string, fewer than 8, and zeros.
#[cold]
fn padded(rest: &[u8]) -> [u8; 8] {
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for count in 0..=56 {
            writer.put(0xDEAD_BEEF_CAFE_F00D_u64 & ((1 << count) - 1), count);
        }
        writer.finish();
        let mut reader = BitReader::new(&bytes);
        for count in 0_u32..=56 {
            let (low, high) = (count.min(32), count.saturating_sub(32));
            let taken = u64::from(reader.take(low)) | u64::from(reader.take(high)) << 32;
            assert_eq!(taken, 0xDEAD_BEEF_CAFE_F00D_u64 & ((1 << count) - 1));
        }
        assert_eq!(reader.finish(), Ok(bytes.len()));
    }

    #[test]
    fn an_early_end_and_set_padding_are_told_apart() {
        let mut reader = BitReader::new(&[0b11]);
        assert_eq!(reader.take(1), 1);
        assert_eq!(reader.finish(), Err(BitStringError::Padding));
        let mut reader = BitReader::new(&[0b11]);
        assert_eq!(reader.take(9), 3);
        assert_eq!(reader.finish(), Err(BitStringError::Ended));
    }

    #[test]
    fn numbers_come_lowest_bit_first() {
        let mut bits = BitReader::new(&[0b1010_0110, 0xFF, 0x0F, 0]);
        let first = [bits.take_whole(3), bits.take_whole(0), bits.take_whole(5)];
        assert_eq!(first, [Some(0b110), Some(0), Some(0b10100)]);
        assert_eq!((bits.take_whole(12), bits.is_whole()), (Some(0xFFF), false));
        assert_eq!((bits.take_whole(5), bits.is_whole()), (Some(0), true), "the rest of the byte is zero");
        assert_eq!((bits.take_whole(8), bits.take_whole(7)), (None, Some(0)));
    }

    #[test]
    fn a_window_shows_what_a_reader_takes_and_zeros_behind_the_end() {
        for len in [0, 1, 7, 8, 9, 300] {
            let bytes: Vec<u8> = (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let mut reader = BitReader::new(&bytes);
            for position in 0..8 * (len + 10) {
                reader.go_to(position);
                let mut window = reader.window();
                assert_eq!(window.peek() as u32, reader.take(32), "{len} bytes, bit {position}");
                window.fill();
                window.skip(BitWindow::WIDTH - 24);
                assert_eq!(window.peek() as u32 % (1 << 24), reader.take(24), "{len} bytes, behind bit {position}");
                assert_eq!(window.position() + 24, reader.position());
                window.fill();
                assert_eq!(window.position() + 24, reader.position());
            }
        }
    }

    #[test]
    fn bits_that_are_left_are_seen() {
        let mut bits = BitReader::new(&[0b0001_0000]);
        assert_eq!((bits.take_whole(4), bits.is_whole()), (Some(0), false), "a bit that is not zero");
        assert_eq!((bits.take_whole(1), bits.is_whole()), (Some(1), true));
        let mut bits = BitReader::new(&[0, 0]);
        assert_eq!((bits.take_whole(8), bits.is_whole()), (Some(0), false), "a whole byte");
        assert!(BitReader::new(&[]).is_whole());
    }
}
