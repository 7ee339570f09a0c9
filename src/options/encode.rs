//! How to write a stream.

#[cfg(doc)]
use crate::{Error, LayoutProfile};
use crate::{
    base::{Base, BasePart},
    options::{BlockOptions, Kernel, Layout, Mode, Normalization, Pipeline, Policy, Prefer, Work},
    progress::{Observer, Progress},
};

/// How to write a stream. Cheap to clone.
///
/// A value outside its range is reported as [`Error::InvalidOption`] by the first call that would
/// use it.
///
/// ```
/// use ranstream::{EncodeOptions, Mode};
///
/// let options = EncodeOptions::new().block_len(1 << 20).mode(Mode::Lanes).content_check(true);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// How each block is coded.
    pub block: BlockOptions,
    /// Raw bytes per block, 1..=16 MiB.
    pub block_len: usize,
    /// Raw bytes that the stream will have.
    pub content_length: Option<u64>,
    /// Whether functions that are given all raw bytes at once declare their number.
    pub declare_length: bool,
    /// Whether the end of the stream has a check over all raw bytes.
    pub content_check: bool,
    /// Whether an index follows the stream.
    pub index: bool,
    /// Blocks of the longest index that is not left empty, 1..=500 million.
    pub index_max_blocks: usize,
    /// What blocks may be differences from.
    pub base: Option<Base>,
    /// Who codes.
    pub work: Work,
    pub(crate) observer: Option<Observer>,
    /// Whether `block_len` was asked for.
    asked_block_len: Option<usize>,
    /// The same of chunks.
    asked_chunk_len: Option<usize>,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            block: BlockOptions::default(),
            block_len: block_len_of(&BlockOptions::default()),
            content_length: None,
            declare_length: false,
            content_check: false,
            index: false,
            index_max_blocks: 1 << 24,
            base: None,
            work: Work::default(),
            observer: None,
            asked_block_len: None,
            asked_chunk_len: None,
        }
    }
}

impl EncodeOptions {
    /// The defaults: level 3 in blocks of 4 MiB, mode by policy, no content check, no index, one
    /// thread.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets blocks of a [`layout`](Self::layout) be differences from the bytes of `base`, where
    /// that is smaller: the first raw byte from the base's first, and so on, unless a writer says
    /// otherwise. Whoever decodes them needs the same base. Default: none.
    #[must_use]
    pub fn base(mut self, base: Base) -> Self {
        self.base = Some(base);
        self
    }

    /// Forces a mode for every block. Default: [`Mode::Auto`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.block.mode = mode;
        self.block_len = self.default_block_len();
        self
    }

    /// How [`Mode::Auto`] chooses.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.block.policy = policy;
        self
    }

    /// What counts more where the coder itself may be chosen, between lanes and pivot. Decoders
    /// need not be told.
    ///
    /// At [`level`](Self::level) 0 it lets [`Mode::Auto`] take [`Mode::Pivot`] as well; without it
    /// blocks are those of the [`Policy`] alone. From level 1 on sections are lanes or pivot in any
    /// case. Without a preference a chunk without matches is pivot where that costs at most 1 % of
    /// size, and what is left beside matches is pivot. Planes of a [`layout`](Self::layout) are
    /// lanes or pivot at every level; [`LayoutProfile`] says when. Where [`Mode::Pivot`] is forced,
    /// [`Prefer::Ratio`] makes its blocks smaller and slower.
    ///
    /// Measured over the 17 files of the project's corpus (51 MB of text, tables, executables,
    /// images and weights) on one core of an AMD EPYC of the Zen 4 generation: size in % of the raw
    /// bytes, and speed beside that without a preference, in total; in brackets with AVX2 alone.
    ///
    /// | | level 1: size | encoding | decoding | level 3: size | encoding | decoding |
    /// |---|---:|---:|---:|---:|---:|---:|
    /// | none | 56.58 | 1 | 1 | 52.05 | 1 | 1 |
    /// | [`Ratio`] | 56.12 | 0.75 (0.81) | 0.67 (0.81) | 51.74 | 0.88 (0.90) | 0.74 (0.85) |
    /// | [`Speed`] | 56.50 | 0.91 (0.93) | 0.97 (1.00) | 52.08 | 0.95 (0.96) | 1.01 (1.03) |
    ///
    /// Levels are for speed by themselves, so [`Speed`] changes little there: it takes more time to
    /// find trees that decode faster, which pays for weights (1.1 to 1.7 times as fast).
    ///
    /// ```
    /// use ranstream::{EncodeOptions, Prefer, block};
    ///
    /// let raw = b"a short block of text takes fewer bytes so, ".repeat(9);
    /// let (mut policy, mut smallest) = (Vec::new(), Vec::new());
    /// block::encode(&raw, &EncodeOptions::new(), &mut policy)?;
    /// block::encode(&raw, &EncodeOptions::new().prefer(Prefer::Ratio), &mut smallest)?;
    /// assert!(smallest.len() <= policy.len());
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    ///
    /// [`Ratio`]: Prefer::Ratio
    /// [`Speed`]: Prefer::Speed
    #[must_use]
    pub fn prefer(mut self, prefer: Prefer) -> Self {
        self.block.prefer = Some(prefer);
        self
    }

    /// How frequencies are made. Default: [`Normalization::Optimal`].
    #[must_use]
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.block.normalization = normalization;
        self
    }

    /// Estimates the frequencies of a [`Mode::Lanes`] block of 128 KiB or more from a sample: a
    /// quarter of its bytes, but at least 64 KiB. Default: on.
    ///
    /// Off, every byte is counted, which takes three times as long as the sample does and makes the
    /// result 0.01 to 0.06 % smaller. A block whose sample proves to be no likeness of it is
    /// counted in any case.
    #[must_use]
    pub fn sampling(mut self, on: bool) -> Self {
        self.block.sampling = on;
        self
    }

    /// How hard to look for bytes that stand in the block already, 0..=9. Default: 3.
    ///
    /// Level 0 does not look: each byte is coded by itself. From 1 on, levels take more time and
    /// memory for smaller blocks; what decoding takes hardly depends on them. 8 and 9 look for the
    /// matches that cost the fewest bits in all: they are for data that is coded once and decoded
    /// often. On a Zen 4 they code a few MB a second, as zstd -16 and -19 do, and each thread that
    /// codes takes 8 bytes of memory for a byte of a block, and up to 48 MiB beside. In WebAssembly
    /// they are 7. The window is the block, so [`block_len`](Self::block_len) grows with the level
    /// unless it is set. A forced [`mode`](Self::mode) finds no matches.
    ///
    /// ```
    /// use ranstream::{EncodeOptions, compress};
    ///
    /// let raw = b"no byte of this is rare, but all of it is said before. ".repeat(100);
    /// let stream = compress(&raw, &EncodeOptions::new().level(3))?;
    /// assert!(stream.len() < 200);
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.block.level = level;
        self.block_len = self.default_block_len();
        self
    }

    /// How the raw bytes repeat: each byte belongs to a column of a record, and what belongs
    /// together is coded together. Default: [`Layout::bytes`], no layout. Used by
    /// [`Mode::Auto`] alone.
    ///
    /// A writer may change it inside a stream: see
    /// [`RansWriter::set_layout`](crate::RansWriter::set_layout).
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.block.layout = layout;
        self.block_len = self.default_block_len();
        self
    }

    /// How a block says what stands in it already, from [`level`](Self::level) 1 on. Default:
    /// [`Pipeline::Lzr`], which is smaller and faster than the others.
    ///
    /// Measured at level 3 over the 17 files of the project's corpus (51 MB of text, tables,
    /// executables, images and weights) on one core of an AMD EPYC of the Zen 4 generation, when
    /// chunks without matches were lanes: size in % of the raw bytes, in all and as the geometric
    /// mean of the files; MB/s.
    ///
    /// | | size | mean | encoding | decoding |
    /// |---|---:|---:|---:|---:|
    /// | [`Lzr`](Pipeline::Lzr) | 51.8 | 31.7 | 156 | 4497 |
    /// | [`Lzssr`](Pipeline::Lzssr) | 53.6 | 35.0 | 148 | 770 |
    /// | [`Lz78r`](Pipeline::Lz78r) | 58.5 | 44.5 | 30 | 485 |
    ///
    /// LZSS comes within 0.2 % of the default on text, and loses where offsets repeat: a
    /// spreadsheet takes 23 in place of 8.4 %, a database 37 in place of 29. LZ78 is smaller than
    /// the default on two files: 16 symbols in no order, by 2 %, and weights, by a hair. It is a
    /// quarter to several times larger where there is something to find.
    ///
    /// ```
    /// use ranstream::{EncodeOptions, Pipeline, block};
    ///
    /// let raw = b"a literal or a match, a literal or a match, ".repeat(50);
    /// let mut packet = Vec::new();
    /// block::encode(&raw, &EncodeOptions::new().pipeline(Pipeline::Lzssr), &mut packet)?;
    /// assert!(packet.len() < 150);
    /// assert_eq!(block::decode_to_vec(&packet, &ranstream::Limits::new())?, raw);
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    #[must_use]
    pub fn pipeline(mut self, pipeline: Pipeline) -> Self {
        self.block.pipeline = pipeline;
        self.block.entropy_chunk_len = self.asked_chunk_len.unwrap_or_else(|| pipeline.chunk_len());
        self
    }

    /// Raw bytes that share their frequencies in a block with matches, 128 bytes to 1 MiB. Default:
    /// 256 KiB, and 1 MiB with [`Pipeline::Lz78r`], whose phrases are those of one chunk.
    #[must_use]
    pub fn entropy_chunk_bytes(mut self, bytes: usize) -> Self {
        (self.block.entropy_chunk_len, self.asked_chunk_len) = (bytes, Some(bytes));
        self
    }

    /// Raw bytes per block, 1..=16 MiB. Default: 256 KiB at [`level`](Self::level) 0 and in a
    /// forced [`mode`](Self::mode), 1 MiB at levels 1 and 2, 4 MiB at 3 to 5, 8 MiB above. A
    /// [`layout`](Self::layout) takes blocks of its own length, up to this one.
    ///
    /// Larger blocks spend less on tables; smaller ones take less memory, adapt faster to changing
    /// data, and give a seek less to decode.
    #[must_use]
    pub fn block_len(mut self, bytes: usize) -> Self {
        (self.block_len, self.asked_block_len) = (bytes, Some(bytes));
        self
    }

    /// Raw bytes per segment of a [`Mode::Lanes`] block that the encoder aims at, 128..=16 MiB.
    /// Default: 64 KiB.
    ///
    /// This sets the number of lanes of a block: each segment has 32. A block of 256 KiB then has
    /// four segments, which one CPU core decodes side by side. 16 KiB suits GPUs, at about 0.5 %
    /// more size. Blocks below 32 KiB are one segment unless this is set below their length.
    #[must_use]
    pub fn segment_len(mut self, bytes: usize) -> Self {
        self.block.segment_len = bytes;
        self
    }

    /// Precision of the frequencies, 9..=12 bits; [`Mode::SingleStream`] and [`Mode::Interleaved`]
    /// take up to 14. Default: by the block's length, 9 bits up to 2 KiB, 10 up to 8 KiB, 11 up
    /// to 64 KiB, 12 above. A coarse table is shorter, which outweighs what it codes worse in a
    /// small block.
    #[must_use]
    pub fn scale_bits(mut self, bits: u8) -> Self {
        self.block.scale_bits = Some(bits);
        self
    }

    /// States of an [`Mode::Interleaved`] block, 1..=255. Default: 4.
    #[must_use]
    pub fn interleaved_lanes(mut self, lanes: usize) -> Self {
        self.block.interleaved_lanes = lanes;
        self
    }

    /// Asks for a kernel. Default: the fastest one, or what `RANS_KERNEL` names. The coded bytes
    /// are the same with every kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.block.kernel = Some(kernel);
        self
    }

    /// Declares how many raw bytes the stream will have, in its header. Writing more, or finishing
    /// with fewer, is an error.
    #[must_use]
    pub fn content_length(mut self, bytes: u64) -> Self {
        self.content_length = Some(bytes);
        self
    }

    /// Has [`compress`](crate::compress) and [`compress_into`](crate::compress_into) declare how
    /// many raw bytes they were given, where [`content_length`](Self::content_length) does not.
    /// That takes 12 bytes of each stream. Default: off, so that the same options give the same
    /// stream, whether all bytes are known at once or come one after the other.
    #[must_use]
    pub fn declare_length(mut self, on: bool) -> Self {
        self.declare_length = on;
        self
    }

    /// Adds an XXH3-64 over all raw bytes to the end of the stream, to guard end to end. Default:
    /// off; the coded bytes are checked in any case.
    #[must_use]
    pub fn content_check(mut self, on: bool) -> Self {
        self.content_check = on;
        self
    }

    /// Adds an index behind the end of the stream, so that a seekable reader need not hop from
    /// block to block. Default: off.
    ///
    /// The writer holds 8 bytes per block for it.
    #[must_use]
    pub fn index(mut self, on: bool) -> Self {
        self.index = on;
        self
    }

    /// With more blocks than this the index is left empty, so that its memory stays bounded,
    /// 1..=500 million. Default: 2^24 blocks, 128 MiB.
    #[must_use]
    pub fn index_max_blocks(mut self, blocks: usize) -> Self {
        self.index_max_blocks = blocks;
        self
    }

    /// Calls `callback` after each block, in their order. [`compress`](crate::compress) with
    /// threads calls it on one of them; everything else on the caller's. It may wait for the pool,
    /// and use it.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(callback));
        self
    }

    /// The bytes of the base from `offset` on, if there is one.
    pub(crate) fn base_part(&self, offset: u64) -> Option<BasePart> {
        self.base.clone().map(|base| BasePart { base, offset })
    }

    /// Raw bytes of a block of the layout.
    pub(crate) fn layout_block_len(&self) -> usize {
        self.block.layout.block_len_within(self.block_len)
    }

    fn default_block_len(&self) -> usize {
        let of_layout = self.block.layout.wanted_block_len().unwrap_or_default();
        let of_level = block_len_of(&self.block);
        self.asked_block_len.unwrap_or(if self.block.finds_matches() || of_layout == 0 {
            of_level.max(of_layout)
        } else {
            of_layout
        })
    }

    /// For callers that must neither wait nor be woken: the caller does the work.
    #[cfg(feature = "codec")]
    pub(crate) fn inline(mut self) -> Self {
        self.work = Work::default();
        self
    }
}

/// Matches want larger blocks: measured on five files of 6 to 8 MiB, blocks of 1 MiB cost 3 % at
/// level 1 and 2 % at level 3 against one window over all, blocks of 4 MiB 0.4 % at level 3.
fn block_len_of(options: &BlockOptions) -> usize {
    match options.level {
        1 | 2 if options.finds_matches() => 1 << 20,
        3..=5 if options.finds_matches() => 4 << 20,
        6.. if options.finds_matches() => 8 << 20,
        _ => 256 << 10,
    }
}
