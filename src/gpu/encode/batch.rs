//! One batch on its way through the kernels: counted, encoded, brought to its place.

use std::ops::Range;

use crate::{
    block::Plan,
    gpu::{
        Gpu, GpuError,
        compute::{Fetched, Region, empty, fetch, filled, new_encoder, record},
        encode::{
            choice::{Counts, Lanes},
            kernels::{ENCODED, HEAD_WORDS, Kernels, Packed, Piece},
        },
        slot::words,
    },
    jobs::{Job, Segment, bytes_of, push_segments},
    options::BlockOptions,
    rans::segment::LANES,
    section::lanes::Cut,
};

/// Raw bytes that one workgroup counts.
const PIECE: usize = 64 << 10;

/// Histograms of a block, one behind the other: see [`Counts`].
const HISTOGRAMS: usize = 3;

/// Bytes that the histograms of a block take.
pub(super) const HISTOGRAMS_LEN: usize = 4 * 256 * HISTOGRAMS;

/// Raw bytes on the device: a piece of a buffer of the caller's, and the blocks in it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    /// What is bound: from a multiple of 256 on, a multiple of 4 bytes.
    pub(super) bound: Range<u64>,
    pub(super) blocks: &'a [Range<u64>],
}

impl<'a> Source<'a> {
    fn binding(&self) -> wgpu::BindingResource<'a> {
        let size = wgpu::BufferSize::new(self.bound.end - self.bound.start);
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: self.buffer, offset: self.bound.start, size })
    }

    /// Where a block begins in what is bound, in words of 32 bits.
    fn raw_at(&self, block: usize) -> u32 {
        ((self.blocks[block].start - self.bound.start) / 4) as u32
    }

    pub(super) fn raw_len(&self, block: usize) -> usize {
        (self.blocks[block].end - self.blocks[block].start) as usize
    }

    pub(super) fn plan<'o>(&self, options: &'o BlockOptions, block: usize) -> Plan<'o> {
        Plan { options, raw_len: self.raw_len(block) }
    }

    /// The raw bytes of some blocks.
    pub(super) fn fetch(&self, gpu: &Gpu, blocks: &[usize]) -> Result<Fetched, GpuError> {
        let region =
            |&block: &usize| Region { buffer: self.buffer, at: self.blocks[block].start, len: self.raw_len(block) };
        let regions: Vec<_> = blocks.iter().map(region).collect();
        gpu.attempt(|| fetch(gpu.device(), gpu.queue(), new_encoder(gpu.device()), &regions))
    }
}

/// A block that is counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) block: usize,
    pub(super) cut: Cut,
}

/// The counts of some blocks.
#[derive(Debug)]
pub(super) struct Histograms(Vec<u32>);

impl Histograms {
    /// Counts the bytes of `blocks`.
    pub(super) fn count(
        gpu: &Gpu,
        kernels: &Kernels,
        source: &Source<'_>,
        options: &BlockOptions,
        blocks: &[Counted],
    ) -> Result<Self, GpuError> {
        let mut pieces = Vec::new();
        for (number, &Counted { block, cut }) in blocks.iter().enumerate() {
            let (raw_len, stride) = (source.raw_len(block), source.plan(options, block).stride());
            let segment_len = cut.ranges().next().map_or(raw_len, |range| range.len());
            pieces.extend((0..raw_len).step_by(PIECE).map(|start| Piece {
                raw_at: source.raw_at(block),
                block_len: raw_len as u32,
                start: start as u32,
                end: raw_len.min(start + PIECE) as u32,
                segment_len: segment_len as u32,
                stride: stride as u32,
                counts_at: (256 * HISTOGRAMS * number) as u32,
            }));
        }
        gpu.attempt(|| {
            let (device, queue) = (gpu.device(), gpu.queue());
            let list = filled(device, queue, bytemuck::cast_slice(&pieces));
            let len = HISTOGRAMS_LEN * blocks.len();
            let counts = empty(device, len as u64, wgpu::BufferUsages::COPY_SRC);
            let mut encoder = new_encoder(device);
            let bindings = [list.as_entire_binding(), source.binding(), counts.as_entire_binding()];
            record(device, &mut encoder, &kernels.count, &bindings, gpu.grid(pieces.len()));
            let fetched = fetch(device, queue, encoder, &[Region { buffer: &counts, at: 0, len }])?;
            Ok(Self(words(fetched.first())))
        })
    }

    /// Of each block that was counted.
    pub(super) fn iter(&self) -> impl Iterator<Item = Counts<'_>> {
        let histograms = self.0.as_chunks::<256>().0.as_chunks::<HISTOGRAMS>().0;
        histograms.iter().map(|[all, sampled, riding]| Counts { all, sampled, riding })
    }
}

/// A block that is encoded.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) block: usize,
    pub(super) lanes: Lanes,
    /// Words of each segment.
    pub(super) words: Vec<u32>,
    /// The first of its segments in the pass.
    first: usize,
}

/// Blocks that were encoded together: their words lie on the device.
#[derive(Debug)]
pub(super) struct Pass {
    words: wgpu::Buffer,
    heads: wgpu::Buffer,
    /// Where the words of each segment end, in 32 bits each.
    ends: Vec<u32>,
    pub(super) blocks: Vec<Encoded>,
}

/// Words that a segment of `raw_len` bytes may have: a symbol takes up to 12.2 bits of a word's 16.
/// (Its frequency is 1 or more of 4096, and a quotient of 16 or more is rounded down.)
pub(super) fn room(raw_len: usize) -> usize {
    raw_len - raw_len / 4 + raw_len / 64 + 64
}

/// What the kernel of a pass goes by.
struct Lists {
    /// For each symbol of each block: frequency and cumulative.
    symbols: Vec<u32>,
    jobs: Vec<Job>,
    ends: Vec<u32>,
    encoded: Vec<Encoded>,
    /// Of the words of all segments.
    end: usize,
}

impl Lists {
    fn new(source: &Source<'_>, blocks: Vec<(usize, Lanes)>) -> Self {
        let (mut symbols, mut jobs, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut encoded, mut end) = (Vec::new(), 0);
        for (block, lanes) in blocks {
            let first = ends.len();
            let table_at = symbols.len() as u32;
            symbols.resize(symbols.len() + 256, 0);
            for (symbol, frequency, cumulative) in lanes.frequencies.used() {
                symbols[table_at as usize + usize::from(symbol)] = frequency << 12 | cumulative;
            }
            let segments = lanes.cut.ranges().map(|range| {
                end += room(range.len());
                let words = ends.len() as u32;
                ends.push(end as u32);
                Segment {
                    coded_at: end as u32,
                    words,
                    raw_at: source.raw_at(block) + (range.start / 4) as u32,
                    raw_len: range.len() as u32,
                }
            });
            let scale_bits = lanes.frequencies.scale_bits().into();
            push_segments(&mut jobs, Job { scale_bits, table_at, ..Job::default() }, segments);
            encoded.push(Encoded { block, lanes, words: Vec::new(), first });
        }
        Self { symbols, jobs, ends, encoded, end }
    }
}

impl Pass {
    /// Encodes `blocks`. The kernel may be of another opinion of its subgroups than the device:
    /// then it encodes nothing, and the device is given up.
    pub(super) fn encode(
        gpu: &Gpu,
        kernels: &Kernels,
        source: &Source<'_>,
        blocks: Vec<(usize, Lanes)>,
    ) -> Result<Self, GpuError> {
        let Lists { symbols, jobs, ends, mut encoded, end } = Lists::new(source, blocks);
        gpu.attempt(|| {
            let (device, queue) = (gpu.device(), gpu.queue());
            let stacks = empty(device, 4 * end as u64, wgpu::BufferUsages::empty());
            let len = 4 * HEAD_WORDS * ends.len();
            let heads = empty(device, len as u64, wgpu::BufferUsages::COPY_SRC);
            let symbols = filled(device, queue, bytemuck::cast_slice(&symbols));
            let list = filled(device, queue, bytes_of(&jobs));
            let mut encoder = new_encoder(device);
            let bindings = [
                symbols.as_entire_binding(),
                list.as_entire_binding(),
                source.binding(),
                stacks.as_entire_binding(),
                heads.as_entire_binding(),
            ];
            record(device, &mut encoder, &kernels.segment, &bindings, gpu.grid(jobs.len()));
            let found = words(fetch(device, queue, encoder, &[Region { buffer: &heads, at: 0, len }])?.first());
            for block in &mut encoded {
                for head in found.chunks_exact(HEAD_WORDS).skip(block.first).take(block.lanes.cut.ranges().count()) {
                    if head[LANES] & ENCODED == 0 {
                        return Err(GpuError::Device("the kernel did not run: subgroups are not as it said".into()));
                    }
                    block.words.push(head[LANES] & !ENCODED);
                }
            }
            Ok(Self { words: stacks, heads, ends, blocks: encoded })
        })
    }

    /// Records how the segments of a block, the `index`th of this pass, come to `out_at`, in words
    /// of 32 bits of what is bound.
    pub(super) fn pack(&self, index: usize, out_at: u32, to: &mut Vec<Packed>) {
        let block = &self.blocks[index];
        let mut out_at = out_at;
        for (segment, &words) in (block.first..).zip(&block.words) {
            let head_at = (segment * HEAD_WORDS) as u32;
            to.push(Packed { head_at, words_at: self.ends[segment] - words, words, out_at });
            out_at += segment_words(words);
        }
    }

    /// Records the segments' way to what `out` binds.
    pub(super) fn record_packing(
        &self,
        gpu: &Gpu,
        kernels: &Kernels,
        encoder: &mut wgpu::CommandEncoder,
        segments: &[Packed],
        out: wgpu::BindingResource<'_>,
    ) {
        if segments.is_empty() {
            return;
        }
        let list = filled(gpu.device(), gpu.queue(), bytemuck::cast_slice(segments));
        let bindings = [list.as_entire_binding(), self.words.as_entire_binding(), self.heads.as_entire_binding(), out];
        record(gpu.device(), encoder, &kernels.pack, &bindings, gpu.grid(segments.len()));
    }

    /// The blocks whose sample misled, to be encoded anew; the others stay.
    pub(super) fn take_misled(&mut self, options: &BlockOptions, source: &Source<'_>) -> Vec<(usize, Lanes)> {
        let mut again = Vec::new();
        self.blocks.retain(|encoded| {
            let words = encoded.words.iter().map(|&words| u64::from(words)).sum();
            let misled = encoded.lanes.misled(source.plan(options, encoded.block), words);
            let stays = misled.is_none();
            again.extend(misled.map(|lanes| (encoded.block, lanes)));
            stays
        });
        again
    }
}

/// Words of 32 bits that a segment takes in a payload, its padding included.
pub(super) fn segment_words(words: u32) -> u32 {
    LANES as u32 + words.div_ceil(2)
}
