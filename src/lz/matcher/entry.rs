//! A position with a tag of what stands there.

use crate::lz::matcher::load64;

/// A position below 2^24, which every position of a block is, and above it eight bits of a hash of
/// the four bytes there. Bytes far back are in no near cache: most that differ are not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry(u32);

const POSITION_BITS: u32 = 24;

impl Entry {
    /// The position `at`, where the bytes of `word` stand.
    #[inline(always)]
    pub(super) fn new(word: u64, at: usize) -> Self {
        let tag = (word as u32).wrapping_mul(0x9E37_79B1) >> POSITION_BITS << POSITION_BITS;
        Self(tag | at as u32)
    }

    #[inline(always)]
    pub(super) fn position(self) -> usize {
        (self.0 & ((1 << POSITION_BITS) - 1)) as usize
    }

    /// Whether the tags are alike: they are where the first four bytes are.
    #[inline(always)]
    pub(super) fn may_equal(self, other: Self) -> bool {
        (self.0 ^ other.0) < 1 << POSITION_BITS
    }
}

/// `table` with `len` entries, all of them the first position of `raw`.
pub(super) fn cleared<'a>(table: &'a mut Vec<Entry>, len: usize, raw: &[u8]) -> &'a mut [Entry] {
    if table.len() < len {
        *table = vec![Entry::default(); len];
    }
    let table = &mut table[..len];
    table.fill(Entry::new(load64(raw, 0), 0));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_alike_where_four_bytes_are() {
        let last = (1 << POSITION_BITS) - 1;
        let mut alike = 0;
        for number in 0..1_000_u64 {
            let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let entry = Entry::new(word, last);
            assert_eq!(entry.position(), last);
            assert!(entry.may_equal(Entry::new(word ^ 0xFFFF_FFFF << 32, 0)), "{word:#x}");
            alike += usize::from(entry.may_equal(Entry::new(word.rotate_left(20), 7)));
        }
        assert!(alike < 40, "{alike} of 1000 tags tell nothing");
    }

    #[test]
    fn an_empty_place_has_the_first_position() {
        let raw = b"abcdefgh-abcdefgh";
        let mut table = vec![Entry::new(77, 5); 4];
        for entry in cleared(&mut table, 8, raw) {
            assert_eq!(entry.position(), 0);
            assert!(entry.may_equal(Entry::new(load64(raw, 9), 9)));
        }
    }
}
