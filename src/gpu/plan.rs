//! What fits into one batch.

use crate::{
    format::BlockMode,
    gpu::{
        Block,
        layout::{Job, SEGMENTS},
    },
    section::lanes::MAX_SEGMENTS,
};

/// Bytes of a stored or fill block that one job copies.
pub(super) const PIECE: usize = 64 << 10;

/// Raw bytes of the longest single or interleaved block that a device decodes. All of them may hang
/// on one state, one after the other: a longer one would take longer than the rest of its batch.
const LONGEST_CHAIN: usize = 64 << 10;

/// Words of 32 bits that a table takes: 256 frequencies of 16 bits.
pub(super) const TABLE_WORDS: usize = 128;

/// What a batch has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capacity {
    /// Words of 32 bits for payloads and tables.
    pub(super) coded_words: usize,
    /// Words of 32 bits for raw bytes.
    pub(super) raw_words: usize,
    pub(super) jobs: usize,
}

/// What a block takes of a [`Capacity`], at most.
pub(super) type Needs = Capacity;

impl Capacity {
    /// The largest batch of up to `batch_len` raw bytes whose every buffer is within the device's
    /// limits.
    pub(super) fn new(limits: &wgpu::Limits, batch_len: usize) -> Self {
        let buffer = usize::try_from(limits.max_buffer_size).unwrap_or(usize::MAX);
        let binding = usize::try_from(limits.max_storage_buffer_binding_size).unwrap_or(usize::MAX).min(buffer);
        // One dimension of the grid and a bit of the second already hold more jobs than any batch
        // has.
        let grid = (limits.max_compute_workgroups_per_dimension as usize).saturating_pow(2);
        // A job is at least a segment or a piece of a block; more, smaller blocks than this make
        // the batch end early.
        let jobs = (batch_len / 1024).max(64).min(binding / size_of::<Job>()).min(grid);
        // The upload buffer holds jobs behind coded words, the readback buffer statuses behind raw
        // words.
        let coded = (batch_len + batch_len / 8).min(binding).min(buffer.saturating_sub(jobs * size_of::<Job>()));
        let raw = batch_len.min(binding).min(buffer.saturating_sub(jobs * size_of::<u32>()));
        Self { coded_words: coded / 4, raw_words: raw / 4, jobs }
    }

    /// What is left when `needs` is taken; `None`: it does not fit.
    pub(super) fn take(self, needs: Needs) -> Option<Self> {
        Some(Self {
            coded_words: self.coded_words.checked_sub(needs.coded_words)?,
            raw_words: self.raw_words.checked_sub(needs.raw_words)?,
            jobs: self.jobs.checked_sub(needs.jobs)?,
        })
    }

    /// The next powers of two, or `most` where that is less.
    pub(super) fn rounded_up(self, most: Self) -> Self {
        Self {
            coded_words: self.coded_words.next_power_of_two().min(most.coded_words),
            raw_words: self.raw_words.next_power_of_two().min(most.raw_words),
            jobs: self.jobs.next_power_of_two().min(most.jobs),
        }
    }

    pub(super) fn plus(self, needs: Needs) -> Self {
        Self {
            coded_words: self.coded_words + needs.coded_words,
            raw_words: self.raw_words + needs.raw_words,
            jobs: self.jobs + needs.jobs,
        }
    }

    pub(super) const NOTHING: Self = Self { coded_words: 0, raw_words: 0, jobs: 0 };
}

/// What `block` takes. `None`: it is not for devices.
pub(super) fn needs(block: &Block<'_>) -> Option<Needs> {
    let raw_words = block.raw_len().div_ceil(4);
    let pieces = block.raw_len().div_ceil(PIECE);
    let (coded_words, jobs) = match block.mode() {
        BlockMode::Lanes => {
            // Not verified yet: a wrong number is refused when the payload is parsed.
            let segments = block.payload().get(2..4).map_or(0, |of| usize::from(u16::from_le_bytes([of[0], of[1]])));
            let jobs = segments.clamp(1, MAX_SEGMENTS).div_ceil(SEGMENTS);
            (TABLE_WORDS + block.payload().len().div_ceil(4), jobs)
        }
        BlockMode::Stored => (raw_words, pieces),
        BlockMode::Fill => (0, pieces),
        BlockMode::Lz | BlockMode::Pivot => return None,
        _ if block.raw_len() > LONGEST_CHAIN => return None,
        // States and word counts travel as often as they stand in the payload, and the words.
        _ => (TABLE_WORDS + block.payload().len().div_ceil(4), 1),
    };
    Some(Needs { coded_words, raw_words, jobs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodeOptions, Mode, block};

    #[test]
    fn every_buffer_of_a_batch_is_within_the_limits() {
        let tiny = wgpu::Limits {
            max_buffer_size: 256 << 10,
            max_storage_buffer_binding_size: 128 << 10,
            max_compute_workgroups_per_dimension: 5,
            ..wgpu::Limits::downlevel_defaults()
        };
        for limits in [tiny, wgpu::Limits::downlevel_defaults(), wgpu::Limits::default()] {
            for batch_len in [4 << 10, 1 << 20, 64 << 20, 1 << 30] {
                let capacity = Capacity::new(&limits, batch_len);
                let jobs = capacity.jobs as u64 * size_of::<Job>() as u64;
                let (coded, raw) = (capacity.coded_words as u64 * 4, capacity.raw_words as u64 * 4);
                for binding in [coded, raw, jobs] {
                    assert!(binding > 0 && binding <= limits.max_storage_buffer_binding_size, "{capacity:?}");
                }
                assert!(coded + jobs <= limits.max_buffer_size, "{capacity:?}");
                assert!(raw + 4 * capacity.jobs as u64 <= limits.max_buffer_size, "{capacity:?}");
                assert!(capacity.jobs <= (limits.max_compute_workgroups_per_dimension as usize).pow(2));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_is_taken() {
        let capacity = Capacity { coded_words: 10, raw_words: 10, jobs: 2 };
        let needs = Needs { coded_words: 4, raw_words: 10, jobs: 1 };
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
            needs(&Block::parse(&coded).unwrap())
        };
        assert_eq!(of(Mode::Stored), Some(Needs { coded_words: 65_536, raw_words: 65_536, jobs: 4 }));
        assert_eq!(of(Mode::Lanes).unwrap().jobs, 32);
        assert_eq!(of(Mode::Interleaved), None, "a long chain");
        assert_eq!(of(Mode::SingleStream), None, "a long chain");
    }
}
