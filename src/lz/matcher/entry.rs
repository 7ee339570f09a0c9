//! A position with a tag of what stands there.

use crate::limits::MAX_BLOCK_LEN;

/// A position below 2^24, which every position of a block is, and above it eight bits of a hash of
/// the four bytes there. Bytes far back are in no near cache: most that differ are not looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry(u32);

const POSITION_BITS: u32 = 24;

impl Entry {
    /// The position `at`, where the bytes of `word` stand.
    #[inline(always)]
    pub(super) fn new(word: u64, at: usize) -> Self {
        const { assert!(MAX_BLOCK_LEN <= 1 << POSITION_BITS, "a block has more positions") }
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
        Self::is_of_alike(self.difference(other))
    }

    /// Smaller where the tags are alike than where they are not.
    #[inline(always)]
    pub(super) fn difference(self, other: Self) -> u32 {
        self.0 ^ other.0
    }

    /// Whether it is the difference of two whose tags are alike.
    #[inline(always)]
    pub(super) fn is_of_alike(difference: u32) -> bool {
        difference < 1 << POSITION_BITS
    }
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
}
