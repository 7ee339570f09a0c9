//! What fits into one batch.

use crate::{block::Block, format::BlockMode, jobs::layout::SEGMENTS, section::lanes::MAX_SEGMENTS};

/// Bytes of a stored or fill block that one job copies.
pub const PIECE: usize = 64 << 10;

/// Raw bytes of the longest single or interleaved block that a device decodes. All of them may hang
/// on one state, one after the other: a longer one would take longer than the rest of its batch.
const LONGEST_CHAIN: usize = 64 << 10;

/// Words of 32 bits that a table takes: 256 frequencies of 16 bits.
pub(super) const TABLE_WORDS: usize = 128;

/// What a batch has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Words of 32 bits for payloads and tables.
    pub coded_words: usize,
    /// Words of 32 bits for raw bytes.
    pub raw_words: usize,
    /// Jobs, and statuses.
    pub jobs: usize,
}

impl Capacity {
    /// What `block` takes, at most. `None`: it is not for devices.
    #[must_use]
    pub fn of(block: &Block<'_>) -> Option<Self> {
        let raw_words = block.raw_len().div_ceil(4);
        let pieces = block.raw_len().div_ceil(PIECE);
        let (coded_words, jobs) = match block.mode() {
            BlockMode::Lanes => (TABLE_WORDS + block.payload().len().div_ceil(4), segments(block).div_ceil(SEGMENTS)),
            BlockMode::Stored => (raw_words, pieces),
            BlockMode::Fill => (0, pieces),
            // States and word counts travel as often as they stand in the payload, and the words.
            BlockMode::SingleStream(_) | BlockMode::Interleaved(_) if block.raw_len() <= LONGEST_CHAIN => {
                (TABLE_WORDS + block.payload().len().div_ceil(4), 1)
            }
            _ => return None,
        };
        Some(Self { coded_words, raw_words, jobs })
    }

    /// What is left when `needs` is taken; `None`: it does not fit.
    #[must_use]
    pub fn take(self, needs: Self) -> Option<Self> {
        Some(Self {
            coded_words: self.coded_words.checked_sub(needs.coded_words)?,
            raw_words: self.raw_words.checked_sub(needs.raw_words)?,
            jobs: self.jobs.checked_sub(needs.jobs)?,
        })
    }

    /// The next powers of two, or `most` where that is less.
    #[must_use]
    pub fn rounded_up(self, most: Self) -> Self {
        Self {
            coded_words: self.coded_words.next_power_of_two().min(most.coded_words),
            raw_words: self.raw_words.next_power_of_two().min(most.raw_words),
            jobs: self.jobs.next_power_of_two().min(most.jobs),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, needs: Self) -> Self {
        Self {
            coded_words: self.coded_words + needs.coded_words,
            raw_words: self.raw_words + needs.raw_words,
            jobs: self.jobs + needs.jobs,
        }
    }

    /// Room for nothing.
    pub const NOTHING: Self = Self { coded_words: 0, raw_words: 0, jobs: 0 };
}

/// Raw bytes of a segment of a `lanes` block, about. `None`: it is no such block.
#[cfg(feature = "gpu")]
pub(crate) fn segment_len(block: &Block<'_>) -> Option<usize> {
    (block.mode() == BlockMode::Lanes).then(|| block.raw_len() / segments(block))
}

/// As the payload says, which was not verified yet: a wrong number is refused when it is parsed.
fn segments(block: &Block<'_>) -> usize {
    let segments = block.payload().get(2..4).map_or(0, |of| usize::from(u16::from_le_bytes([of[0], of[1]])));
    segments.clamp(1, MAX_SEGMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodeOptions, Mode, block};

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_is_taken() {
        let capacity = Capacity { coded_words: 10, raw_words: 10, jobs: 2 };
        let needs = Capacity { coded_words: 4, raw_words: 10, jobs: 1 };
        let left = capacity.take(needs).unwrap();
        assert_eq!(left, Capacity { coded_words: 6, raw_words: 0, jobs: 1 });
        assert_eq!(left.take(needs), None);
        assert_eq!(Capacity::NOTHING.plus(needs), needs);
    }

    #[test]
    fn blocks_need_what_their_mode_takes() {
        let raw: Vec<u8> = (0..262_144_u32).map(|i| (i % 7) as u8).collect();
        let of = |mode| {
            let mut coded = Vec::new();
            block::encode(&raw, &EncodeOptions::new().mode(mode).segment_len(1 << 10), &mut coded).unwrap();
            Capacity::of(&Block::parse(&coded).unwrap())
        };
        assert_eq!(of(Mode::Stored), Some(Capacity { coded_words: 65_536, raw_words: 65_536, jobs: 4 }));
        assert_eq!(of(Mode::Lanes).unwrap().jobs, 32);
        assert_eq!(of(Mode::Interleaved), None, "a long chain");
        assert_eq!(of(Mode::SingleStream), None, "a long chain");
    }
}
