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
        while self.count >= 8 {
            self.out.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn finish(self) {
        if self.count > 0 {
            self.out.push(self.pending as u8);
        }
    }
}

/// Takes bits from a byte slice. Behind its end come zero bits, and [`BitReader::finish`] reports it.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    read: usize,
    pending: u64,
    count: u32,
}

/// Why a bit string is not a whole one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BitStringError {
    Ended,
    Padding,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: 0, pending: 0, count: 0 }
    }

    /// The next `count` (at most 32) bits.
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        while self.count < count {
            self.pending |= u64::from(self.bytes.get(self.read).copied().unwrap_or(0)) << self.count;
            self.read += 1;
            self.count += 8;
        }
        let value = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.count -= count;
        value as u32
    }

    /// How many bytes the bit string took.
    pub(crate) fn finish(self) -> Result<usize, BitStringError> {
        if self.read > self.bytes.len() {
            return Err(BitStringError::Ended);
        }
        if self.pending != 0 {
            return Err(BitStringError::Padding);
        }
        Ok(self.read)
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
}
