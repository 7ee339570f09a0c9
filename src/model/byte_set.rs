//! Which bytes occur.

/// A set of bytes, in the form in which a shuffle looks up 16 bytes at a time: bit `byte >> 4 & 7`
/// of `rows[byte >> 7][byte & 15]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ByteSet {
    rows: [[u8; 16]; 2],
}

/// Bytes that are looked up before anything is asked about them.
pub(crate) type Chunk = [u8; 64];

impl ByteSet {
    pub(crate) fn insert(&mut self, byte: u8) {
        self.rows[usize::from(byte >> 7)][usize::from(byte & 15)] |= 1 << (byte >> 4 & 7);
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.rows[usize::from(byte >> 7)][usize::from(byte & 15)] >> (byte >> 4 & 7) & 1 == 1
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows == [[u8::MAX; 16]; 2]
    }

    /// For bytes below 128, and for the others.
    pub(crate) fn rows(&self) -> &[[u8; 16]; 2] {
        &self.rows
    }

    /// The index of the first chunk that has a byte which is not here.
    pub(crate) fn first_outside(&self, chunks: &[Chunk]) -> Option<usize> {
        let present: [u8; 256] = std::array::from_fn(|byte| u8::from(self.contains(byte as u8)));
        chunks.iter().position(|chunk| {
            // Taking bytes out of a word leaves the loads to the table.
            let all = chunk.as_chunks().0.iter().fold(1, |all, word| {
                let word = u64::from_le_bytes(*word);
                (0..8).fold(all, |all, index| all & present[usize::from((word >> (8 * index)) as u8)])
            });
            all == 0
        })
    }
}

impl Extend<u8> for ByteSet {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        for byte in bytes {
            self.insert(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_inserted_and_nothing_else() {
        let mut set = ByteSet::default();
        for byte in 0..=255_u8 {
            let byte = byte.wrapping_mul(167);
            assert!(!set.contains(byte) && !set.is_full());
            set.insert(byte);
            assert!(set.contains(byte));
        }
        assert!(set.is_full());
    }
}
