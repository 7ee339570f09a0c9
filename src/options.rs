//! Everything that a user can turn.

use std::sync::Arc;

#[cfg(feature = "gpu")]
use crate::gpu::{Backend, Choice, Gpu};
use crate::{
    error::Error,
    limits::{Limits, MAX_BLOCK_LEN},
    parallel::Executor,
    progress::{Observer, Progress},
    simd::Kernel,
};

mod mode;

pub use mode::{Mode, ParseModeError};

/// How [`Mode::Auto`] chooses: by the raw length of a block, and by what coding gains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub(crate) single_stream_up_to: usize,
    pub(crate) interleaved_up_to: usize,
    pub(crate) min_gain: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { single_stream_up_to: 256, interleaved_up_to: 8 << 10, min_gain: 8 }
    }
}

impl Policy {
    /// The defaults: single stream up to 256 bytes, interleaved up to 8 KiB, lanes above; stored
    /// where coding gains less than 8/1024.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks of up to so many raw bytes become [`Mode::SingleStream`].
    #[must_use]
    pub fn single_stream_up_to(mut self, bytes: usize) -> Self {
        self.single_stream_up_to = bytes;
        self
    }

    /// Longer blocks of up to so many raw bytes become [`Mode::Interleaved`]; all above become
    /// [`Mode::Lanes`].
    #[must_use]
    pub fn interleaved_up_to(mut self, bytes: usize) -> Self {
        self.interleaved_up_to = bytes;
        self
    }

    /// A block is stored when coding saves less than `per_1024 / 1024` of its length. Stored blocks
    /// decode several times faster.
    #[must_use]
    pub fn min_gain(mut self, per_1024: u32) -> Self {
        self.min_gain = per_1024;
        self
    }
}

/// How counts become frequencies that sum to a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Normalization {
    /// The frequencies with the smallest coded size there is for the scale.
    #[default]
    Optimal,
    /// As the original coder did it, with its dense table: single-stream and interleaved payloads
    /// are byte-identical to its frames.
    Compat,
}

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
#[derive(Debug, Clone)]
pub struct EncodeOptions {
    pub(crate) mode: Mode,
    pub(crate) policy: Policy,
    pub(crate) normalization: Normalization,
    pub(crate) sampling: bool,
    pub(crate) block_len: usize,
    pub(crate) segment_len: usize,
    pub(crate) scale_bits: Option<u8>,
    pub(crate) interleaved_lanes: usize,
    pub(crate) kernel: Option<Kernel>,
    pub(crate) content_length: Option<u64>,
    pub(crate) content_check: bool,
    pub(crate) index: bool,
    pub(crate) index_max_blocks: usize,
    pub(crate) threads: usize,
    pub(crate) in_flight: Option<usize>,
    pub(crate) executor: Option<Executor>,
    pub(crate) observer: Option<Observer>,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            policy: Policy::default(),
            normalization: Normalization::Optimal,
            sampling: true,
            block_len: 256 << 10,
            segment_len: 64 << 10,
            scale_bits: None,
            interleaved_lanes: 4,
            kernel: None,
            content_length: None,
            content_check: false,
            index: false,
            index_max_blocks: 1 << 24,
            threads: 1,
            in_flight: None,
            executor: None,
            observer: None,
        }
    }
}

impl EncodeOptions {
    /// The defaults: blocks of 256 KiB, mode by policy, no content check, no index, one thread.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forces a mode for every block. Default: [`Mode::Auto`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How [`Mode::Auto`] chooses.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How frequencies are made. Default: [`Normalization::Optimal`].
    #[must_use]
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
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
        self.sampling = on;
        self
    }

    /// Raw bytes per block, 1..=16 MiB. Default: 256 KiB.
    ///
    /// Larger blocks spend less on tables; smaller ones take less memory, adapt faster to changing
    /// data, and give a seek less to decode.
    #[must_use]
    pub fn block_len(mut self, bytes: usize) -> Self {
        self.block_len = bytes;
        self
    }

    /// Raw bytes per segment of a [`Mode::Lanes`] block that the encoder aims at, 128..=16 MiB.
    /// Default: 64 KiB.
    ///
    /// A block of 256 KiB then has four segments, which one CPU core decodes side by side. 16 KiB
    /// suits GPUs, at about 0.5 % more size. Blocks below 32 KiB are one segment unless this is
    /// set below their length.
    #[must_use]
    pub fn segment_len(mut self, bytes: usize) -> Self {
        self.segment_len = bytes;
        self
    }

    /// Precision of the frequencies, 9..=12 bits; [`Mode::SingleStream`] and [`Mode::Interleaved`]
    /// take up to 14. Default: by the block's length, 9 bits up to 2 KiB, 10 up to 8 KiB, 11 up
    /// to 64 KiB, 12 above. A coarse table is shorter, which outweighs what it codes worse in a
    /// small block.
    #[must_use]
    pub fn scale_bits(mut self, bits: u8) -> Self {
        self.scale_bits = Some(bits);
        self
    }

    /// States of an [`Mode::Interleaved`] block, 1..=255. Default: 4.
    #[must_use]
    pub fn interleaved_lanes(mut self, lanes: usize) -> Self {
        self.interleaved_lanes = lanes;
        self
    }

    /// Asks for a kernel. Default: the fastest one, or what `RANS_KERNEL` names. The coded bytes
    /// are the same with every kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Declares how many raw bytes the stream will have, in its header. Writing more, or finishing
    /// with fewer, is an error.
    #[must_use]
    pub fn content_length(mut self, bytes: u64) -> Self {
        self.content_length = Some(bytes);
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

    /// Threads that code blocks, 1..=1024: 1 is the caller's own, more are a pool made for this
    /// stream, 0 is rayon's global pool. Default: 1. I/O stays on the caller's thread. Without
    /// the feature `rayon` the caller does all the work.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Uses a pool of the caller's, whatever [`threads`](Self::threads) says.
    ///
    /// A caller that is one of the pool's workers does other work of the pool while it waits for a
    /// block, so that the two never wait for each other. As with every wait inside a rayon pool:
    /// hold no lock then that such work takes.
    #[cfg(feature = "rayon")]
    #[must_use]
    pub fn pool(mut self, pool: Arc<rayon::ThreadPool>) -> Self {
        self.executor = Some(Executor::Pool(pool));
        self
    }

    /// Blocks that may be under way at a time, 1..=4096, when there is more than one thread.
    /// Default: two more than threads. Each takes its raw and its coded bytes of memory.
    #[must_use]
    pub fn in_flight(mut self, blocks: usize) -> Self {
        self.in_flight = Some(blocks);
        self
    }

    /// Calls `callback` after each block, in their order. [`compress`](crate::compress) with
    /// threads calls it on one of them; everything else on the caller's.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer(Arc::new(callback)));
        self
    }

    /// For callers that must neither wait nor be woken: the caller does the work.
    #[cfg(feature = "codec")]
    pub(crate) fn inline(mut self) -> Self {
        (self.threads, self.executor) = (1, None);
        self
    }

    /// The precision for a block of `raw_len` bytes. The thresholds are where the mean coded size
    /// over a corpus of text, logs, images, executables and weights is smallest.
    pub(crate) fn scale_bits_for(&self, raw_len: usize) -> u8 {
        self.scale_bits.unwrap_or(match raw_len {
            0..=0x800 => 9,
            0x801..=0x2000 => 10,
            0x2001..=0x1_0000 => 11,
            _ => 12,
        })
    }

    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let max_bits = match self.mode {
            Mode::SingleStream | Mode::Interleaved => 14,
            _ => 12,
        };
        within("block_len", self.block_len, 1, MAX_BLOCK_LEN)?;
        within("segment_len", self.segment_len, 128, MAX_BLOCK_LEN)?;
        within("scale_bits", self.scale_bits.unwrap_or(9).into(), 9, max_bits)?;
        within("interleaved_lanes", self.interleaved_lanes, 1, 255)?;
        within("index_max_blocks", self.index_max_blocks, 1, 500_000_000)?;
        within("in_flight", self.in_flight.unwrap_or(1), 1, 4096)?;
        within("threads", self.threads, 0, 1024)
    }
}

/// What to do with bytes behind a complete stream that are no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TrailingData {
    /// Report [`Error::TrailingData`].
    #[default]
    Reject,
    /// Stop as if the input ended there.
    Ignore,
}

/// How to read a stream. Cheap to clone.
///
/// ```
/// use ranstream::{DecodeOptions, Limits};
///
/// let options = DecodeOptions::new().single_stream(true).limits(Limits::new().max_block_len(1 <<
/// 20));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    pub(crate) limits: Limits,
    pub(crate) single_stream: bool,
    pub(crate) trailing_data: TrailingData,
    pub(crate) application_data: usize,
    pub(crate) kernel: Option<Kernel>,
    pub(crate) threads: usize,
    pub(crate) in_flight: Option<usize>,
    pub(crate) executor: Option<Executor>,
    pub(crate) observer: Option<Observer>,
    #[cfg(feature = "gpu")]
    pub(crate) backend: Backend,
    #[cfg(feature = "gpu")]
    pub(crate) gpu: Option<Gpu>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            single_stream: false,
            trailing_data: TrailingData::Reject,
            application_data: 0,
            kernel: None,
            threads: 1,
            in_flight: None,
            executor: None,
            observer: None,
            #[cfg(feature = "gpu")]
            backend: Backend::default(),
            #[cfg(feature = "gpu")]
            gpu: None,
        }
    }
}

impl DecodeOptions {
    /// The defaults: concatenated streams are read as one, [`Limits::default`], application data is
    /// stepped over, one thread.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the decoder may spend.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Stops at the end of the first stream and leaves what follows unread. Default: off,
    /// concatenated streams are read as one.
    #[must_use]
    pub fn single_stream(mut self, on: bool) -> Self {
        self.single_stream = on;
        self
    }

    /// What to do with bytes behind a complete stream that are no stream. Default:
    /// [`TrailingData::Reject`].
    #[must_use]
    pub fn trailing_data(mut self, policy: TrailingData) -> Self {
        self.trailing_data = policy;
        self
    }

    /// Keeps application data for the caller, up to `max_bytes` at a time; more than that untaken
    /// is [`Error::LimitExceeded`]. Default: 0, step over all of it.
    #[must_use]
    pub fn application_data(mut self, max_bytes: usize) -> Self {
        self.application_data = max_bytes;
        self
    }

    /// Asks for a kernel. Default: the fastest one, or what `RANS_KERNEL` names. Bytes and errors
    /// are the same with every kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Threads that decode blocks, 1..=1024: 1 is the caller's own, more are a pool made for this
    /// stream, 0 is rayon's global pool. Default: 1. I/O stays on the caller's thread. Without
    /// the feature `rayon` the caller does all the work.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Uses a pool of the caller's, whatever [`threads`](Self::threads) says.
    ///
    /// A caller that is one of the pool's workers does other work of the pool while it waits for a
    /// block, so that the two never wait for each other. As with every wait inside a rayon pool:
    /// hold no lock then that such work takes.
    #[cfg(feature = "rayon")]
    #[must_use]
    pub fn pool(mut self, pool: Arc<rayon::ThreadPool>) -> Self {
        self.executor = Some(Executor::Pool(pool));
        self
    }

    /// Blocks that may be under way at a time, 1..=4096, when there is more than one thread.
    /// Default: two more than threads. Each takes its raw and its coded bytes of memory.
    #[must_use]
    pub fn in_flight(mut self, blocks: usize) -> Self {
        self.in_flight = Some(blocks);
        self
    }

    /// Who decodes blocks. Default: [`Backend::Cpu`]. What a device does not decode goes to the
    /// threads.
    ///
    /// Except with [`Backend::Cpu`], blocks are gathered into batches by a thread of the stream's
    /// own: up to 96 MiB of raw bytes are under way, and as many coded ones, unless
    /// [`in_flight`](Self::in_flight) or [`Limits::max_memory`] set a lower bound; the device's
    /// buffers come on top.
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// use ranstream::{DecodeOptions, EncodeOptions, RansReader, compress, gpu::Backend};
    ///
    /// let stream = compress(&[7; 100_000], &EncodeOptions::new().segment_len(16 << 10))?;
    /// let mut raw = Vec::new();
    /// RansReader::with_options(&stream[..],
    /// DecodeOptions::new().backend(Backend::Auto)).read_to_end(&mut raw)?; assert_eq!(raw, [7;
    /// 100_000]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Decodes on this device, whatever [`backend`](Self::backend) says.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn gpu(mut self, gpu: &Gpu) -> Self {
        self.gpu = Some(gpu.clone());
        self
    }

    /// Calls `callback` after each block.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer(Arc::new(callback)));
        self
    }

    /// For callers that must neither wait nor be woken: the caller does the work.
    #[cfg(feature = "codec")]
    pub(crate) fn inline(mut self) -> Self {
        (self.threads, self.executor) = (1, None);
        #[cfg(feature = "gpu")]
        {
            (self.backend, self.gpu) = (Backend::Cpu, None);
        }
        self
    }

    /// Who runs the jobs that these options ask for, and how many may be under way.
    pub(crate) fn executor(&self) -> (Executor, usize) {
        let cpu = self.executor.clone().unwrap_or_else(|| Executor::with_threads(self.threads));
        #[cfg(feature = "gpu")]
        if let Some(choice) = Choice::new(self.backend, self.gpu.as_ref()) {
            return (Executor::Device(choice, Box::new(cpu)), self.in_flight.unwrap_or(4096));
        }
        let in_flight = self.in_flight.unwrap_or(cpu.width() + 2);
        (cpu, in_flight)
    }

    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        within("in_flight", self.in_flight.unwrap_or(1), 1, 4096)?;
        within("threads", self.threads, 0, 1024)
    }
}

/// # Errors
///
/// [`Error::InvalidOption`] when `given` is outside `min..=max`.
pub(crate) fn within(option: &'static str, given: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&given) {
        return Ok(());
    }
    Err(Error::InvalidOption { option, given: given as u64, min: min as u64, max: max as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_found_by_its_name() {
        for (name, mode) in Mode::ALL {
            assert_eq!(name.parse(), Ok(mode));
            assert_eq!(mode.to_string(), name);
        }
        assert_eq!("zip".parse::<Mode>(), Err(ParseModeError));
    }

    #[test]
    fn options_out_of_range_name_the_range() {
        let error = EncodeOptions::new().block_len(0).validate().unwrap_err();
        assert_eq!(error.to_string(), "option block_len is 0, outside 1..=16777216");
        assert!(EncodeOptions::new().scale_bits(13).validate().is_err());
        assert!(EncodeOptions::new().scale_bits(14).mode(Mode::Interleaved).validate().is_ok());
        assert!(EncodeOptions::new().threads(0).validate().is_ok());
    }
}
