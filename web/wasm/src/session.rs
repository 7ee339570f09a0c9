//! What all sessions have in common.

use std::ops::Range;

use ranstream::{DecodeOptions, Error, Limit, Limits, TrailingData};

/// What a step is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Whatever is possible.
    Run,
    /// An encoder also cuts the block in progress.
    Flush,
    /// There is no more input. A file says how many raw bytes it has.
    Finish,
    /// A cutter also compares the raw bytes that it was given with the oldest check that waits.
    Verify,
}

/// Why a step stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// So many more input bytes, or any number, bring the session on.
    NeedsInput(usize),
    /// [`Session::ready`] has bytes.
    Ready,
    /// The end.
    Finished,
    /// These bytes of the file are needed, and nothing else.
    NeedsRange(Range<u64>),
    /// So many raw bytes a file has.
    RawLen(u64),
    /// [`Session::ready`] has a batch for a device: words, jobs, and places behind these lengths.
    Batch {
        /// Bytes of coded words.
        coded_len: usize,
        /// Bytes of jobs.
        jobs_len: usize,
        /// Bytes of room that the raw bytes take.
        raw_len: usize,
    },
    /// [`Session::ready`] has one whole coded block.
    Block(BlockInfo),
    /// A stream begins.
    StreamBegin {
        /// Whether it has a check over all raw bytes.
        content_check: bool,
    },
    /// A stream ended. Its check over all raw bytes waits for them, if it has one.
    StreamEnd {
        /// Whether it has one.
        content_check: bool,
    },
}

/// A block as its header describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockInfo {
    /// Blocks of the same stream before it.
    pub number: u64,
    /// Where its header is, in coded bytes from the start of the input.
    pub offset: u64,
    /// Raw bytes before it.
    pub raw_offset: u64,
    /// Its raw bytes; 0 for application data.
    pub raw_len: u64,
    /// How it is coded.
    pub mode: &'static str,
}

/// Bytes in, steps, bytes out.
pub trait Session {
    /// Where the next input bytes go: room for `wanted` of them, or for fewer. Empty: take a step
    /// first.
    ///
    /// # Errors
    ///
    /// What the library reports.
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error>;

    /// The first `len` bytes of [`space`](Session::space) were written.
    ///
    /// # Errors
    ///
    /// What the library reports.
    fn commit(&mut self, len: usize) -> Result<(), Error>;

    /// Moves on.
    ///
    /// # Errors
    ///
    /// What the library reports.
    fn step(&mut self, op: Op) -> Result<Outcome, Error>;

    /// Bytes that are ready.
    fn ready(&mut self) -> &[u8];

    /// The first `len` ready bytes were taken, and perhaps all.
    fn consume(&mut self, len: usize);

    /// What a session places or seeks by: see each session.
    fn seek(&mut self, _from: u64, _to: u64) {}
}

/// Numbers that say how to decode; each is a limit, and `NaN` its default.
#[derive(Debug, Clone, Copy)]
pub struct DecodeNumbers {
    /// [`Limits::max_memory`].
    pub max_memory: f64,
    /// [`Limits::max_block_len`].
    pub max_block_len: f64,
    /// [`Limits::max_output`].
    pub max_output: f64,
    /// [`SINGLE_STREAM`], [`IGNORE_TRAILING_DATA`], [`VERIFY_INDEX`], added up.
    pub flags: u32,
}

/// Stops behind the first stream.
pub const SINGLE_STREAM: u32 = 1;
/// Stops at bytes behind a stream that are no stream.
pub const IGNORE_TRAILING_DATA: u32 = 2;
/// Compares an index with the headers before a place.
pub const VERIFY_INDEX: u32 = 4;

impl DecodeNumbers {
    /// The library's options.
    #[must_use]
    pub fn options(self) -> DecodeOptions {
        let Limits { max_block_len, max_output, max_memory, .. } = Limits::new();
        let limits = Limits::new()
            .max_memory(or(self.max_memory, max_memory as f64) as usize)
            .max_block_len(or(self.max_block_len, max_block_len as f64) as usize)
            .max_output(or(self.max_output, max_output as f64) as u64);
        let has = |flag| self.flags & flag != 0;
        DecodeOptions::new()
            .limits(limits)
            .single_stream(has(SINGLE_STREAM))
            .trailing_data(if has(IGNORE_TRAILING_DATA) { TrailingData::Ignore } else { TrailingData::Reject })
            .verify_index(has(VERIFY_INDEX))
    }
}

fn or(number: f64, default: f64) -> f64 {
    if number.is_nan() { default } else { number }
}

/// Makes `buffer` longer by `len` bytes, if there is memory.
///
/// # Errors
///
/// [`Error::LimitExceeded`]: there is none.
pub fn lengthen(buffer: &mut Vec<u8>, len: usize) -> Result<(), Error> {
    let held = buffer.len();
    buffer.try_reserve(len).map_err(|_| Error::LimitExceeded {
        limit: Limit::Memory,
        found: (held + len) as u64,
        allowed: held as u64,
        offset: 0,
    })?;
    buffer.resize(held + len, 0);
    Ok(())
}
