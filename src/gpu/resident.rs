//! Blocks that stay on the device and are decoded there, as often as the caller likes.

use std::ops::Range;

use crate::{
    gpu::{
        Block, Gpu, GpuError,
        slot::{DeviceBuffers, read, words},
    },
    jobs::{Capacity, Job, PIECE, Placed, Push, SEGMENTS, STATUS_DONE, Stage, bytes_of},
};

/// Parts of the output are bound one by one; this is the largest alignment that a device may ask of
/// them.
const ALIGNMENT: u64 = 256;

/// Coded blocks in the device's memory.
///
/// Their raw bytes go to a buffer of the caller's, each block at the place that
/// [`range`](Self::range) names, in the caller's own command encoder: no byte comes back to the
/// host.
///
/// Single-stream and interleaved blocks of more than 64 KiB, which are long chains, are decoded by
/// the host when they are uploaded.
#[derive(Debug)]
pub struct ResidentBlocks {
    gpu: Gpu,
    parts: Vec<Part>,
    ranges: Vec<Range<u64>>,
    len: u64,
}

/// As many blocks as one dispatch takes.
#[derive(Debug)]
struct Part {
    buffers: DeviceBuffers,
    jobs: usize,
    /// Where the part's raw bytes begin.
    at: u64,
    len: u64,
    placed: Vec<(usize, Placed)>,
}

/// A segment that does not end as its encoder began it. Its raw bytes are not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailedSegment {
    /// The block's place in what was uploaded.
    pub block: usize,
    /// The segment's place in the block; 0 where the block is not of `lanes`.
    pub segment: u32,
}

/// Brings the verdicts of one [`ResidentBlocks::record_decode`] to the host.
#[derive(Debug)]
#[must_use = "whether the bytes are right is known only from the verdict"]
pub struct StatusTicket {
    gpu: Gpu,
    readback: wgpu::Buffer,
    /// (block, its jobs among all statuses)
    jobs: Vec<(usize, Range<usize>)>,
}

impl ResidentBlocks {
    /// Verifies the blocks' checks while it copies them to the device.
    ///
    /// # Errors
    ///
    /// [`GpuError::Block`] for the first block whose check or payload is damaged;
    /// [`GpuError::BlockTooLarge`]; [`GpuError::Device`] or [`GpuError::Lost`].
    pub fn upload(gpu: &Gpu, blocks: &[Block<'_>]) -> Result<Self, GpuError> {
        let (mut parts, mut ranges, mut at) = (Vec::new(), Vec::with_capacity(blocks.len()), 0);
        let mut next = 0;
        while next < blocks.len() {
            let (end, capacity) = part_from(gpu, blocks, next)?;
            let part = Part::upload(gpu, blocks, next..end, capacity, at)?;
            ranges.extend(part.placed.iter().map(|(_, place)| {
                let start = at + place.raw_at as u64;
                start..start + place.raw_len as u64
            }));
            at = (at + part.len).next_multiple_of(ALIGNMENT);
            next = end;
            parts.push(part);
        }
        let len = parts.last().map_or(0, |part: &Part| part.at + part.len);
        Ok(Self { gpu: gpu.clone(), parts, ranges, len })
    }

    /// Bytes that the raw bytes take in the caller's buffer, from the offset on: a multiple of 4.
    #[must_use]
    pub fn buffer_len(&self) -> u64 {
        self.len
    }

    /// Where a block's raw bytes go, from the offset on. Blocks stand one behind the other in their
    /// order, each at a multiple of 4 bytes.
    #[must_use]
    pub fn range(&self, block: usize) -> Option<Range<u64>> {
        self.ranges.get(block).cloned()
    }

    /// Records into `encoder` the decoding of all blocks to `out`, from `offset` on, a multiple of
    /// 256. Nothing is submitted.
    ///
    /// `out` needs the usage [`STORAGE`](wgpu::BufferUsages::STORAGE), and
    /// [`buffer_len`](Self::buffer_len) bytes behind `offset`. What later passes of the encoder
    /// read there is what the kernel wrote, right or not: only the ticket tells whether it is
    /// right.
    ///
    /// # Errors
    ///
    /// [`GpuError::Buffer`] when `out` does not take the bytes, with nothing recorded;
    /// [`GpuError::Device`] or [`GpuError::Lost`].
    pub fn record_decode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        out: &wgpu::Buffer,
        offset: u64,
    ) -> Result<StatusTicket, GpuError> {
        self.record(encoder, out, offset, None)
    }

    /// [`record_decode`](Self::record_decode) that also writes the device's clock to `clock`:
    /// before the kernel begins, at the index `first`, and when it has ended, at the one behind.
    /// Copies are not in that. The device needs the feature
    /// [`TIMESTAMP_QUERY`](wgpu::Features::TIMESTAMP_QUERY).
    ///
    /// # Errors
    ///
    /// Those of [`record_decode`](Self::record_decode).
    pub fn record_decode_timed(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        out: &wgpu::Buffer,
        offset: u64,
        clock: &wgpu::QuerySet,
        first: u32,
    ) -> Result<StatusTicket, GpuError> {
        self.record(encoder, out, offset, Some((clock, first)))
    }

    fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        out: &wgpu::Buffer,
        offset: u64,
        clock: Option<(&wgpu::QuerySet, u32)>,
    ) -> Result<StatusTicket, GpuError> {
        let fits = offset.checked_add(self.len).is_some_and(|end| end <= out.size());
        if !fits || !offset.is_multiple_of(ALIGNMENT) || !out.usage().contains(wgpu::BufferUsages::STORAGE) {
            let available = out.size().saturating_sub(offset);
            return Err(GpuError::Buffer { offset, needed: self.len, available });
        }
        let total: usize = self.parts.iter().map(|part| part.jobs).sum();
        self.gpu.attempt(|| {
            let readback = self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("status readback"),
                size: 4 * total.max(1) as u64,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let (mut jobs, mut before) = (Vec::new(), 0);
            for (index, part) in self.parts.iter().enumerate() {
                let clock = clock.map(|(query_set, first)| wgpu::ComputePassTimestampWrites {
                    query_set,
                    beginning_of_pass_write_index: (index == 0).then_some(first),
                    end_of_pass_write_index: (index + 1 == self.parts.len()).then_some(first + 1),
                });
                // One that writes nothing is refused.
                let clock = clock.filter(|_| index == 0 || index + 1 == self.parts.len());
                let size = wgpu::BufferSize::new(part.len);
                let raw = wgpu::BufferBinding { buffer: out, offset: offset + part.at, size };
                part.buffers.record_kernel(&self.gpu, encoder, part.jobs, raw, clock);
                let (at, len) = (4 * before as u64, 4 * part.jobs as u64);
                encoder.copy_buffer_to_buffer(&part.buffers.status, 0, &readback, at, len);
                jobs.extend(
                    part.placed
                        .iter()
                        .map(|(block, place)| (*block, before + place.jobs.start..before + place.jobs.end)),
                );
                before += part.jobs;
            }
            Ok(StatusTicket { gpu: self.gpu.clone(), readback, jobs })
        })
    }
}

impl StatusTicket {
    /// Waits for the device and tells which segments failed, in their order; none: every byte is
    /// right. Call it when the encoder's commands were submitted.
    ///
    /// # Errors
    ///
    /// [`GpuError::Device`] when the commands did not run; [`GpuError::Lost`].
    pub fn failed_segments(self) -> Result<Vec<FailedSegment>, GpuError> {
        let statuses = self.gpu.attempt(|| Ok(words(&read(self.gpu.device(), &self.readback, None)?)))?;
        let mut failed = Vec::new();
        for (block, jobs) in self.jobs {
            for (index, status) in statuses[jobs].iter().enumerate() {
                if status & STATUS_DONE == 0 {
                    return Err(GpuError::Device(format!("the commands that decode block {block} did not run")));
                }
                let bad = (0..SEGMENTS).filter(|segment| status >> segment & 1 == 1);
                failed.extend(bad.map(|segment| FailedSegment { block, segment: (index * SEGMENTS + segment) as u32 }));
            }
        }
        Ok(failed)
    }
}

impl Part {
    fn upload(
        gpu: &Gpu,
        blocks: &[Block<'_>],
        range: Range<usize>,
        capacity: Capacity,
        at: u64,
    ) -> Result<Self, GpuError> {
        gpu.attempt(|| {
            let create = |label, words: usize, usage| {
                gpu.device().create_buffer(&wgpu::BufferDescriptor {
                    label: Some(label),
                    size: 4 * words.max(1) as u64,
                    usage,
                    mapped_at_creation: false,
                })
            };
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
            let coded = create("coded", capacity.coded_words, usage);
            let list = create("jobs", capacity.jobs * (size_of::<Job>() / 4), usage);
            let status = create("status", capacity.jobs, usage | wgpu::BufferUsages::COPY_SRC);

            // Mapping the buffer itself would clear all of it first.
            let whole = wgpu::BufferSize::new(coded.size()).unwrap_or(wgpu::BufferSize::MIN);
            let mut view = gpu
                .queue()
                .write_buffer_with(&coded, 0, whole)
                .ok_or_else(|| GpuError::Device("the queue takes no bytes".into()))?;
            let mut stage = Stage::new(&mut view, capacity);
            let placed: Result<Vec<_>, GpuError> =
                range.map(|block| Ok((block, place(&mut stage, block, &blocks[block])?))).collect();
            let (jobs, used) = stage.finish();
            drop(view);
            gpu.queue().write_buffer(&list, 0, bytes_of(&jobs));
            // So that the copies begin, and what they are made from is free again.
            gpu.queue().submit([]);
            Ok(placed.map(|placed| Self {
                buffers: DeviceBuffers { coded, jobs: list, status },
                jobs: jobs.len(),
                at,
                len: 4 * used.raw_words as u64,
                placed,
            }))
        })?
    }
}

/// The blocks from `next` on that one dispatch takes: their end, and what they need.
fn part_from(gpu: &Gpu, blocks: &[Block<'_>], next: usize) -> Result<(usize, Capacity), GpuError> {
    let mut taken = Capacity::NOTHING;
    for (index, block) in blocks.iter().enumerate().skip(next) {
        let words = block.raw_len().div_ceil(4);
        let stored = Capacity { coded_words: words, raw_words: words, jobs: block.raw_len().div_ceil(PIECE) };
        let more = taken.plus(Capacity::of(block).unwrap_or(stored));
        match gpu.resident_capacity().take(more) {
            Some(_) => taken = more,
            None if index > next => return Ok((index, taken)),
            None => return Err(GpuError::BlockTooLarge { block: index }),
        }
    }
    Ok((blocks.len(), taken))
}

/// Puts a block into the part; one that the device does not decode goes there decoded.
fn place(stage: &mut Stage<'_>, index: usize, block: &Block<'_>) -> Result<Placed, GpuError> {
    let pushed = match stage.push(block) {
        Push::Refused => {
            let mut raw = vec![0; block.raw_len()];
            block
                .decode(&mut raw)
                .map_err(|reason| GpuError::Block { block: index, error: Block::error(index, reason) })?;
            stage.push_raw(&raw)
        }
        pushed => pushed,
    };
    match pushed {
        Push::Placed(place) => Ok(place),
        Push::Full | Push::Refused => Err(GpuError::BlockTooLarge { block: index }),
    }
}
