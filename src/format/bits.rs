//! Bit strings: each byte is filled from its lowest bit up.

/// Appends bits to a byte vector.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, pending: 0, count: 0 }
    }

    /// The lowest `count` (at most 32) bits of `value`; its other bits are 0.
    pub(crate) fn put(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32 && u64::from(value) < 1 << count);
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend((self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn finish(self) {
        let len = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..len]);
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
        let next = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            last
        });
        let bits = u64::from_le_bytes(next) >> (self.position % 8);
        (bits & ((1 << count) - 1)) as u32
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.position += count as usize;
    }

    /// In bits, from the start of the string.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Goes on at `position`, which may be behind the end.
    pub(crate) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// The string as [`PaddedBits`], from its start. `copy`: room for those of a short one.
    pub(crate) fn padded<'p>(&self, copy: &'p mut Option<[u8; PADDED_LEN]>) -> PaddedBits<'p>
    where
        'a: 'p,
    {
        PaddedBits(self.bytes.first_chunk().unwrap_or_else(|| {
            let bytes = copy.insert([0; PADDED_LEN]);
            bytes[..self.bytes.len()].copy_from_slice(self.bytes);
            bytes
        }))
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

/// Bytes of [`PaddedBits`].
pub(crate) const PADDED_LEN: usize = 712;

/// Bits of a string that [`PaddedBits`] shows: more than a frequency table has.
pub(crate) const PADDED_BITS: usize = 8 * (PADDED_LEN - size_of::<u64>());

/// The first [`PADDED_BITS`] bits of a string, with zeros behind its end: a look at any place is
/// one load, and its end needs no branch.
#[derive(Debug)]
pub(crate) struct PaddedBits<'a>(&'a [u8; PADDED_LEN]);

impl PaddedBits<'_> {
    /// What stands from bit `position` on.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> BitWindow {
        let next = self.0.get(position / 8..).and_then(<[u8]>::first_chunk);
        BitWindow { bits: next.map_or(0, |next| u64::from_le_bytes(*next)) >> (position % 8), position }
    }
}

/// Up to [`Self::WIDTH`] bits in a register: to take some costs a shift, where a reader has to load
/// them.
#[derive(Debug)]
pub(crate) struct BitWindow {
    bits: u64,
    position: usize,
}

impl BitWindow {
    /// Bits that are there for certain.
    pub(crate) const WIDTH: u32 = 57;

    /// The next 32 bits, not taken yet.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u32 {
        self.bits as u32
    }

    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.position += count as usize;
    }

    /// In bits, from the start of the string.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for count in 0..=32 {
            writer.put((0xDEAD_BEEF_u64 & ((1 << count) - 1)) as u32, count);
        }
        writer.finish();
        let mut reader = BitReader::new(&bytes);
        for count in 0..=32 {
            assert_eq!(u64::from(reader.take(count)), 0xDEAD_BEEF & ((1 << count) - 1));
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
        for len in [0, 1, 7, 8, 9, 300, 704, 712, 800] {
            let bytes: Vec<u8> = (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let mut reader = BitReader::new(&bytes);
            let mut copy = None;
            let padded = reader.padded(&mut copy);
            for position in 0..PADDED_BITS {
                reader.go_to(position);
                let mut window = padded.at(position);
                assert_eq!(window.peek(), reader.take(32), "{len} bytes, bit {position}");
                window.skip(BitWindow::WIDTH - 25);
                assert_eq!(window.peek() % (1 << 25), reader.take(25), "{len} bytes, behind bit {position}");
                assert_eq!(window.position() + 25, reader.position());
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
