//! The largest batch that a device takes.

use crate::jobs::{Capacity, Job};

/// The largest batch of up to `batch_len` raw bytes whose every buffer is within the device's
/// limits.
pub(super) fn capacity(limits: &wgpu::Limits, batch_len: usize) -> Capacity {
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
    Capacity { coded_words: coded / 4, raw_words: raw / 4, jobs }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let most = capacity(&limits, batch_len);
                let jobs = most.jobs as u64 * size_of::<Job>() as u64;
                let (coded, raw) = (most.coded_words as u64 * 4, most.raw_words as u64 * 4);
                for binding in [coded, raw, jobs] {
                    assert!(binding > 0 && binding <= limits.max_storage_buffer_binding_size, "{most:?}");
                }
                assert!(coded + jobs <= limits.max_buffer_size, "{most:?}");
                assert!(raw + 4 * most.jobs as u64 <= limits.max_buffer_size, "{most:?}");
                assert!(most.jobs <= (limits.max_compute_workgroups_per_dimension as usize).pow(2));
            }
        }
    }
}
