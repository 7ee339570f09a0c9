//! Which bytes occur.

/// A set of bytes, in the form in which a shuffle looks up 16 bytes at a time: bit `byte >> 4 & 7` of `rows[byte >> 7][byte & 15]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ByteSet {
    rows: [[u8; 16]; 2],
}

/// Bytes that are looked up before anything is asked about them.
const CHUNK: usize = 64;

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

    /// Inserts every byte of `raw`. That most of them are here already makes it fast: nothing is stored for those.
    pub(crate) fn insert_all(&mut self, raw: &[u8]) {
        let mut present: [u8; 256] = std::array::from_fn(|byte| u8::from(self.contains(byte as u8)));
        let (chunks, rest) = raw.as_chunks::<CHUNK>();
        for chunk in chunks {
            // Taking bytes out of a word leaves the loads to the table.
            let all = chunk.as_chunks().0.iter().fold(1, |all, word| {
                let word = u64::from_le_bytes(*word);
                (0..8).fold(all, |all, index| all & present[usize::from((word >> (8 * index)) as u8)])
            });
            if all == 0 {
                for &byte in chunk {
                    present[usize::from(byte)] = 1;
                    self.insert(byte);
                }
            }
        }
        for &byte in rest {
            self.insert(byte);
        }
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

    #[test]
    fn inserts_every_byte_wherever_it_stands() {
        for len in [1, CHUNK - 1, CHUNK, 3 * CHUNK + 5] {
            for at in 0..len {
                let mut raw = vec![b'a'; len];
                raw[at] = 0xF3;
                let (mut set, mut expected) = (ByteSet::default(), ByteSet::default());
                set.insert_all(&raw);
                expected.extend(raw);
                assert_eq!(set, expected, "{at} of {len}");
            }
        }
    }
}
