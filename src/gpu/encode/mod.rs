//! Blocks encoded on the device, from bytes that are there.

mod batch;
mod choice;
pub(super) mod kernels;

use std::ops::Range;

use crate::{
    EncodeOptions, Mode,
    block::{self, Plan},
    format::{BlockHeader, BlockMode, CHECK_LEN, HEADER_LEN},
    gpu::{
        Gpu, GpuError,
        compute::{Fetched, Region, empty, fetch, filled, new_encoder},
        encode::{
            batch::{Counted, HISTOGRAMS_LEN, Histograms, Pass, Source, room, segment_words},
            choice::{Choice, choose},
            kernels::{HEAD_WORDS, Kernels},
        },
        self_test::skewed,
    },
    limits::{MAX_BLOCK_LEN, within},
    options::{BlockOptions, Valid},
    rans::segment::GROUP,
    section::lanes,
    simd::crc32c,
};

/// The largest alignment that a device may ask of a binding.
const ALIGNMENT: u64 = 256;

/// A batch asks for no larger buffer, whatever the device would give. A block of 16 MiB needs one
/// of 52 MiB.
const LARGEST_BUFFER: u64 = 256 << 20;

/// Storage buffers that the encoder binds.
const STORAGE_BUFFERS: u32 = 5;

/// Encodes raw bytes that lie on the device, to the host or to where they stay on the device.
///
/// A block is the same to the byte as [`block::encode`] makes it with the same options. The device
/// codes [`Mode::Lanes`](crate::Mode::Lanes), and what `Mode::Auto` makes lanes of, without levels,
/// preferences and layouts; of all other blocks the raw bytes come to the host, whose CPU codes
/// them.
///
/// The host makes frequencies of the counts, and computes checks. So every batch goes to the device
/// three times: to count, to encode, to bring segments to their places. How fast that is on a GPU
/// was not measured.
///
/// ```no_run
/// use ranstream::{
///     EncodeOptions,
///     gpu::{Encoder, Gpu, GpuOptions, wgpu},
/// };
///
/// let gpu = Gpu::request(&GpuOptions::new())?;
/// // 8 MiB, which shaders fill.
/// let cache = gpu.device().create_buffer(&wgpu::BufferDescriptor {
///     label: None,
///     size: 8 << 20,
///     usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
///     mapped_at_creation: false,
/// });
/// let mut encoder = Encoder::new(&gpu, &EncodeOptions::new().level(0).segment_len(16 << 10))?;
/// let blocks: Vec<_> = (0..8).map(|block| block << 20..(block + 1) << 20).collect();
/// let coded: Vec<Vec<u8>> = encoder.encode(&cache, &blocks)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    gpu: Gpu,
    options: Valid<BlockOptions>,
    kernels: Kernels,
}

/// A block on its way out.
#[derive(Debug)]
enum Coded {
    /// It is on the host, whole.
    Whole(Vec<u8>),
    /// Its segments are on the device: the `index`th block of the `pass`th pass.
    Segments {
        pass: usize,
        index: usize,
        /// Header and payload up to the first segment, a multiple of 4 bytes.
        head: Vec<u8>,
        /// Bytes of the segments, without padding behind the last one.
        segments_len: usize,
    },
}

impl Coded {
    fn whole(mode: BlockMode, raw_len: usize, payload: &[u8]) -> Self {
        let mut block = vec![0; HEADER_LEN];
        block.extend(payload);
        block::seal(mode, raw_len, 0, &mut block);
        Self::Whole(block)
    }

    fn len(&self) -> usize {
        match self {
            Self::Whole(block) => block.len(),
            Self::Segments { head, segments_len, .. } => head.len() + segments_len + CHECK_LEN,
        }
    }
}

impl Encoder {
    /// An encoder for blocks of these options. Those that concern a whole stream are not used.
    /// The first one of a device encodes known bytes, which are compared with the CPU's block.
    ///
    /// # Errors
    ///
    /// [`GpuError::Options`]; [`GpuError::Limit`] when the device binds fewer than five buffers;
    /// [`GpuError::SelfTest`]; [`GpuError::Device`] or [`GpuError::Lost`].
    pub fn new(gpu: &Gpu, options: &EncodeOptions) -> Result<Self, GpuError> {
        let options = options.validated_block().map_err(GpuError::Options)?;
        let limit = "max_storage_buffers_per_shader_stage";
        let available = gpu.device().limits().max_storage_buffers_per_shader_stage;
        if available < STORAGE_BUFFERS {
            return Err(GpuError::Limit { limit, needed: STORAGE_BUFFERS, available });
        }
        let kernels = gpu.encoder_kernels(|| {
            let kernels = gpu.attempt(|| Ok(Kernels::new(gpu)))?;
            test(gpu, &kernels)?;
            Ok(kernels)
        })?;
        Ok(Self { gpu: gpu.clone(), options, kernels })
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Encodes pieces of `raw`, each to a block of its own. A piece has 1 byte to 16 MiB and begins
    /// at a multiple of 4.
    ///
    /// `raw` needs the usages [`STORAGE`](wgpu::BufferUsages::STORAGE) and
    /// [`COPY_SRC`](wgpu::BufferUsages::COPY_SRC), and holds what was submitted before.
    ///
    /// # Errors
    ///
    /// [`GpuError::Block`] for a piece of another length; [`GpuError::Buffer`] for one that is not
    /// in `raw`, or when `raw` lacks a usage; [`GpuError::BlockTooLarge`]; [`GpuError::Device`] or
    /// [`GpuError::Lost`].
    pub fn encode(&mut self, raw: &wgpu::Buffer, pieces: &[Range<u64>]) -> Result<Vec<Vec<u8>>, GpuError> {
        let mut blocks = Vec::with_capacity(pieces.len());
        self.in_batches(raw, pieces, |encoder, passes, coded| {
            let (buffer, places) = encoder.scratch(&coded)?;
            let segments = encoder.pack(&passes, &coded, &buffer, &places)?;
            blocks.extend(coded.into_iter().zip(segments.iter()).map(|(coded, segments)| match coded {
                Coded::Whole(block) => block,
                Coded::Segments { mut head, .. } => {
                    head.reserve_exact(segments.len() + CHECK_LEN);
                    head.extend(segments);
                    let check = crc32c(&head, &[]);
                    head.extend(check.to_le_bytes());
                    head
                }
            }));
            Ok(())
        })?;
        Ok(blocks)
    }

    /// The same, to `out`, from `offset` on, a multiple of 256: where each block then is comes
    /// back. Blocks begin at multiples of 4; what is between them is anything. The coded bytes of
    /// segments stay on the device, and the host reads them for the blocks' checks.
    ///
    /// `out` needs the usages of `raw`, and [`COPY_DST`](wgpu::BufferUsages::COPY_DST).
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode), and [`GpuError::Buffer`] when `out` does not take the
    /// blocks: what does not fit was not written, what stands before it was.
    pub fn encode_to(
        &mut self,
        raw: &wgpu::Buffer,
        pieces: &[Range<u64>],
        out: &wgpu::Buffer,
        offset: u64,
    ) -> Result<Vec<Range<u64>>, GpuError> {
        use wgpu::BufferUsages as Usage;
        let usages = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        if !out.usage().contains(usages) || !offset.is_multiple_of(ALIGNMENT) || offset > out.size() {
            let available = out.size().saturating_sub(offset);
            return Err(GpuError::Buffer { offset, needed: 0, available });
        }
        let (mut ranges, mut end) = (Vec::with_capacity(pieces.len()), offset);
        self.in_batches(raw, pieces, |encoder, passes, coded| {
            let mut places = Vec::with_capacity(coded.len());
            for coded in &coded {
                places.push(end);
                end += coded.len().next_multiple_of(4) as u64;
            }
            if end > out.size() {
                return Err(GpuError::Buffer { offset, needed: end - offset, available: out.size() - offset });
            }
            let segments = encoder.pack(&passes, &coded, out, &places)?;
            ranges.extend(places.iter().zip(&coded).map(|(&at, coded)| at..at + coded.len() as u64));
            encoder.complete(coded, &segments, out, &places)
        })?;
        Ok(ranges)
    }

    /// Cuts `pieces` into batches that the device takes, and shows `take` each when its segments
    /// are encoded.
    fn in_batches(
        &mut self,
        raw: &wgpu::Buffer,
        pieces: &[Range<u64>],
        mut take: impl FnMut(&Self, Vec<Pass>, Vec<Coded>) -> Result<(), GpuError>,
    ) -> Result<(), GpuError> {
        check_pieces(raw, pieces)?;
        let limits = self.gpu.device().limits();
        let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(LARGEST_BUFFER);
        let mut next = 0;
        while next < pieces.len() {
            let (count, bound) = batch(&pieces[next..], most);
            if count == 0 {
                return Err(GpuError::BlockTooLarge { block: next });
            }
            let source = Source { buffer: raw, bound, blocks: &pieces[next..next + count] };
            let (passes, coded) = self.code(&source)?;
            take(self, passes, coded)?;
            next += count;
        }
        Ok(())
    }

    /// Counts and encodes a batch. What is not for segments comes to the host and is coded there.
    fn code(&self, source: &Source<'_>) -> Result<(Vec<Pass>, Vec<Coded>), GpuError> {
        let (gpu, options) = (&self.gpu, &*self.options);
        let counted: Vec<_> = (0..source.blocks.len())
            .filter(|&block| choice::is_for_device(options, source.raw_len(block)))
            .filter_map(|block| Some(Counted { block, cut: source.plan(options, block).cut()? }))
            .collect();
        let mut coded: Vec<Option<Coded>> = source.blocks.iter().map(|_| None).collect();
        let mut passes = Vec::new();
        if !counted.is_empty() {
            let histograms = Histograms::count(gpu, &self.kernels, source, options, &counted)?;
            let mut to_encode = Vec::new();
            for (&Counted { block, cut }, counts) in counted.iter().zip(histograms.iter()) {
                match choose(source.plan(options, block), cut, counts) {
                    Choice::Fill(symbol) => {
                        coded[block] = Some(Coded::whole(BlockMode::Fill, source.raw_len(block), &[symbol]));
                    }
                    Choice::Stored => {}
                    Choice::Lanes(lanes) => to_encode.push((block, *lanes)),
                }
            }
            while !to_encode.is_empty() {
                let mut pass = Pass::encode(gpu, &self.kernels, source, to_encode)?;
                to_encode = pass.take_misled(options, source);
                passes.push(pass);
            }
        }
        for (number, pass) in passes.iter().enumerate() {
            for (index, encoded) in pass.blocks.iter().enumerate() {
                coded[encoded.block] = segments(number, index, encoded, source.plan(options, encoded.block));
            }
        }
        let missing: Vec<_> = (0..coded.len()).filter(|&block| coded[block].is_none()).collect();
        for (&block, raw) in missing.iter().zip(source.fetch(gpu, &missing)?.iter()) {
            // A block whose coding does not pay is stored, which is not to be found out anew.
            coded[block] = Some(if counted.binary_search_by_key(&block, |counted| counted.block).is_ok() {
                Coded::whole(BlockMode::Stored, raw.len(), raw)
            } else {
                let mut whole = Vec::new();
                block::append(raw, &self.options, None, &mut whole);
                Coded::Whole(whole)
            });
        }
        Ok((passes, coded.into_iter().flatten().collect()))
    }

    /// A buffer for the segments of all blocks, and where each block's would begin.
    fn scratch(&self, coded: &[Coded]) -> Result<(wgpu::Buffer, Vec<u64>), GpuError> {
        let (mut places, mut end) = (Vec::with_capacity(coded.len()), 0);
        for coded in coded {
            places.push(end);
            if let Coded::Segments { .. } = coded {
                end += coded.len().next_multiple_of(4) as u64;
            }
        }
        let buffer = self.gpu.attempt(|| Ok(empty(self.gpu.device(), end, wgpu::BufferUsages::COPY_SRC)))?;
        Ok((buffer, places))
    }

    /// Brings the segments of each block behind the block's head, at its place in `out`, and to the
    /// host for the block's check; of other blocks nothing.
    fn pack(&self, passes: &[Pass], coded: &[Coded], out: &wgpu::Buffer, places: &[u64]) -> Result<Fetched, GpuError> {
        let mut lists: Vec<Vec<_>> = passes.iter().map(|_| Vec::new()).collect();
        let first = places.first().copied().unwrap_or(0) / ALIGNMENT * ALIGNMENT;
        let mut end = first;
        let mut regions = Vec::with_capacity(coded.len());
        for (coded, &at) in coded.iter().zip(places) {
            let Coded::Segments { pass, index, head, segments_len } = coded else {
                regions.push(Region { buffer: out, at, len: 0 });
                continue;
            };
            let segments_at = at + head.len() as u64;
            passes[*pass].pack(*index, ((segments_at - first) / 4) as u32, &mut lists[*pass]);
            regions.push(Region { buffer: out, at: segments_at, len: *segments_len });
            end = at + coded.len().next_multiple_of(4) as u64;
        }
        self.gpu.attempt(|| {
            let mut encoder = new_encoder(self.gpu.device());
            if let Some(size) = wgpu::BufferSize::new(end - first) {
                let out = wgpu::BufferBinding { buffer: out, offset: first, size: Some(size) };
                for (pass, list) in passes.iter().zip(&lists) {
                    let out = wgpu::BindingResource::Buffer(out.clone());
                    pass.record_packing(&self.gpu, &self.kernels, &mut encoder, list, out);
                }
            }
            fetch(self.gpu.device(), self.gpu.queue(), encoder, &regions)
        })
    }

    /// Writes what the host has of the blocks to `out`: heads, checks, and blocks that it coded.
    fn complete(
        &self,
        coded: Vec<Coded>,
        segments: &Fetched,
        out: &wgpu::Buffer,
        places: &[u64],
    ) -> Result<(), GpuError> {
        let write = |at: u64, mut bytes: Vec<u8>| {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            self.gpu.queue().write_buffer(out, at, &bytes);
        };
        self.gpu.attempt(|| {
            for ((coded, segments), &at) in coded.into_iter().zip(segments.iter()).zip(places) {
                match coded {
                    Coded::Whole(block) => write(at, block),
                    Coded::Segments { head, .. } => {
                        let check = crc32c(&head, segments);
                        // The check may begin within a word of the last segment.
                        let whole = segments.len() / 4 * 4;
                        write(at + (head.len() + whole) as u64, [&segments[whole..], &check.to_le_bytes()].concat());
                        write(at, head);
                    }
                }
            }
            self.gpu.queue().submit([]);
            Ok(())
        })
    }
}

/// Encodes known bytes as the CPU does.
fn test(gpu: &Gpu, kernels: &Kernels) -> Result<(), GpuError> {
    let mut known = skewed(8 * (2 << 10) - 777);
    let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(2 << 10);
    let mut expected = Vec::new();
    block::encode(&known, &options, &mut expected).map_err(GpuError::Options)?;
    let options = options.validated_block().map_err(GpuError::Options)?;
    let piece = 0..known.len() as u64;
    known.resize(known.len().next_multiple_of(4), 0);
    let raw = gpu.attempt(|| Ok(filled(gpu.device(), gpu.queue(), &known)))?;
    let found = Encoder { gpu: gpu.clone(), options, kernels: kernels.clone() }.encode(&raw, &[piece])?;
    if found == [expected] {
        return Ok(());
    }
    let reason = "known bytes were not encoded as the CPU encodes them".into();
    Err(GpuError::SelfTest { form: gpu.form(), reason })
}

/// The first of `pieces` that go into one batch whose every binding has up to `most` bytes, and
/// what of the raw buffer is bound for them.
fn batch(pieces: &[Range<u64>], most: u64) -> (usize, Range<u64>) {
    let (mut bound, mut words, mut segments) = (0..0, 0, 0);
    for (index, piece) in pieces.iter().enumerate() {
        let start = piece.start / ALIGNMENT * ALIGNMENT;
        let end = piece.end.next_multiple_of(4);
        let more = if index == 0 { start..end } else { bound.start.min(start)..bound.end.max(end) };
        let raw_len = (piece.end - piece.start) as usize;
        // However the block is cut, no segment is shorter than a group but the last one.
        let most_segments = raw_len.div_ceil(GROUP).min(lanes::MAX_SEGMENTS);
        words += room(raw_len) + 64 * most_segments;
        segments += most_segments;
        let histograms = HISTOGRAMS_LEN * (index + 1);
        let largest = [more.end - more.start, 4 * words as u64, (4 * HEAD_WORDS * segments) as u64, histograms as u64];
        if largest.iter().any(|&size| size > most) {
            return (index, bound);
        }
        bound = more;
    }
    (pieces.len(), bound)
}

fn check_pieces(raw: &wgpu::Buffer, pieces: &[Range<u64>]) -> Result<(), GpuError> {
    let usages = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    for (block, piece) in pieces.iter().enumerate() {
        let len = usize::try_from(piece.end.saturating_sub(piece.start)).unwrap_or(usize::MAX);
        within("raw length", len, 1, MAX_BLOCK_LEN).map_err(|error| GpuError::Block { block, error })?;
        let end = piece.end.checked_next_multiple_of(4);
        let fits = piece.start.is_multiple_of(4) && end.is_some_and(|end| end <= raw.size());
        if !fits || !raw.usage().contains(usages) {
            let available = raw.size().saturating_sub(piece.start);
            return Err(GpuError::Buffer { offset: piece.start, needed: len.next_multiple_of(4) as u64, available });
        }
    }
    Ok(())
}

/// A block whose segments are on the device. `None`: coding does not pay.
fn segments(pass: usize, index: usize, encoded: &batch::Encoded, plan: Plan<'_>) -> Option<Coded> {
    let mut head = vec![0; HEADER_LEN];
    lanes::write_head(encoded.lanes.cut, &encoded.lanes.frequencies, &encoded.words, &mut head);
    // Padding counts from the payload's begin, which is at a multiple of 4 here.
    head.resize(head.len().next_multiple_of(4), 0);
    let whole: u32 = encoded.words.iter().map(|&words| segment_words(words)).sum();
    // The last segment has no padding.
    let odd = encoded.words.last().map_or(0, |words| words % 2);
    let segments_len = 4 * whole as usize - 2 * odd as usize;
    let payload_len = head.len() - HEADER_LEN + segments_len;
    if payload_len as u64 > plan.worth() || payload_len >= plan.raw_len {
        return None;
    }
    let header = BlockHeader::Data { mode: BlockMode::Lanes, raw_len: plan.raw_len, payload_len };
    head[..HEADER_LEN].copy_from_slice(&header.to_bytes());
    Some(Coded::Segments { pass, index, head, segments_len })
}
