//! Raw bytes to a stream.

use std::task::{Context, Poll, ready};

use crate::{
    base::BasePart,
    block::{self, Appended, Sample},
    error::Error,
    options::{BlockOptions, EncodeOptions, Layout, Valid},
    parallel::{Job, Ordered},
    progress::Progress,
    stream::{
        Framer, Op, Status, Step,
        output::Output,
        room::Room,
        step::{self, Machine, Move},
    },
};

/// Cuts raw bytes into blocks, codes and frames them.
///
/// [`Encoder::step`] fits every driver. One that need not have the coded bytes in a slice of its
/// own gives no output, and takes them from [`ready`](Encoder::ready); one that reads into a buffer
/// may instead read straight into [`space`](Encoder::space). Neither costs a copy then.
///
/// ```text
///   space/commit ──▶ raw block ──cut──▶ jobs (in order, bounded) ──▶ framer ──▶ ready ──▶ consume
/// ```
///
/// With one thread a block whose bytes come in one slice is coded from that slice.
///
/// ```
/// use ranstream::{EncodeOptions, stream::{Encoder, Op, Status}};
///
/// let mut encoder = Encoder::new(EncodeOptions::new());
/// assert_eq!(encoder.step(b"some bytes", &mut [], Op::Run)?.consumed, 10);
/// let mut stream = Vec::new();
/// while encoder.step(&[], &mut [], Op::Finish)?.status != Status::Finished {
///     stream.extend(encoder.ready());
///     encoder.consume(encoder.ready().len());
/// }
/// assert_eq!(ranstream::decompress(&stream, &Default::default())?, b"some bytes");
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    options: Valid<EncodeOptions>,
    /// With the layout in force.
    block_options: Valid<BlockOptions>,
    /// Raw bytes of a block of that layout. Few bits: idle streams are many.
    block_len: u32,
    /// Where the next block's bytes are in the base, if they are.
    base_offset: Option<u64>,
    framer: Framer,
    state: State,
    /// The block in progress, `filled` bytes of it.
    raw: Vec<u8>,
    filled: usize,
    /// Of the block in progress, while it comes in long parts.
    sample: Option<Box<Sample>>,
    jobs: Ordered<EncodeJob>,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
    output: Output,
    failed: Option<Error>,
}

/// The block in progress begins with room for so many bytes when [`Encoder::space`] is asked for.
/// Little, because making room costs time: a live source brings a few bytes, gets its memory back,
/// and brings a few again.
const FIRST_BUFFER_LEN: usize = 8 << 10;

/// A block that begins with so many bytes at a time is sampled while they are copied. Shorter parts
/// leave too little to ask memory for while others are counted: 4 and 8 KiB gain nothing (Zen 4).
const LONG_PART: usize = 16 << 10;

/// With so many bytes ready no further block is coded.
const READY_LEN: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Blocks,
    Finished,
}

/// A block on its way through an executor.
#[derive(Debug)]
struct EncodeJob {
    /// The block, `len` bytes of it.
    raw: Vec<u8>,
    len: usize,
    coded: Vec<u8>,
    options: Valid<BlockOptions>,
    base: Option<BasePart>,
    appended: Option<Appended>,
}

impl Job for EncodeJob {
    fn run(&mut self) {
        self.appended = Some(block::append(&self.raw[..self.len], &self.options, self.base.as_ref(), &mut self.coded));
    }
}

impl Encoder {
    /// A stream that is written as `options` say. Options outside their range are reported by the
    /// first call that can fail.
    #[must_use]
    pub fn new(options: EncodeOptions) -> Self {
        let (options, failed) = match options.validated() {
            Ok(options) => (options, None),
            Err(error) => (Valid::default(), Some(error)),
        };
        Self {
            framer: Framer::new(&options),
            state: State::Start,
            raw: Vec::new(),
            filled: 0,
            sample: None,
            jobs: Ordered::for_encoding(&options),
            block_len: options.layout_block_len() as u32,
            base_offset: Some(0),
            block_options: options.block(),
            spare: Vec::new(),
            output: Output::default(),
            failed,
            options,
        }
    }

    /// Moves on as far as input, output and `op` allow. What `output` has no room for stays
    /// [`ready`](Encoder::ready).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`], [`Error::ContentLength`], after the bytes that `output` takes
    /// before them; every later call returns the same error. [`Error::Finished`] for input after
    /// [`Op::Finish`], which harms nothing.
    pub fn step(&mut self, input: &[u8], mut output: &mut [u8], op: Op) -> Result<Step, Error> {
        step::step(self, input, &mut output, op)
    }

    /// Coded bytes that are ready to go out.
    #[must_use]
    pub fn ready(&self) -> &[u8] {
        self.output.ready()
    }

    /// The first `len` bytes that were ready went out.
    ///
    /// # Panics
    ///
    /// When `len` is more than are ready.
    pub fn consume(&mut self, len: usize) {
        self.output.consume(len);
        if self.output.is_empty() {
            self.output.clear();
            // A finished job's bytes are next. An error stays for the next call that can report it.
            let _ = self.collect();
        }
    }

    /// Where the next raw bytes may be written to instead of giving them to a step: up to the end
    /// of the block in progress. Empty while a whole block waits for what is
    /// [`ready`](Encoder::ready) to go out, or for a worker.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn space(&mut self) -> Result<&mut [u8], Error> {
        self.begin()?;
        if self.filled == self.block_len() {
            self.cut()?;
        }
        let wanted = self.block_len().min((2 * self.filled).max(FIRST_BUFFER_LEN).max(self.raw.len()));
        self.grow(wanted);
        Ok(&mut self.raw[self.filled..wanted])
    }

    /// `len` raw bytes were written to the start of [`space`](Encoder::space).
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    ///
    /// # Panics
    ///
    /// When `len` is more than that has room for.
    pub fn commit(&mut self, len: usize) -> Result<(), Error> {
        assert!(self.filled + len <= self.raw.len(), "committed {len} bytes, more than there was room for");
        self.filled += len;
        if self.filled == self.block_len() {
            self.cut()?;
        }
        Ok(())
    }

    /// How the raw bytes repeat from here on: what was taken so far becomes a block of its own, and
    /// those that follow have the layout's length, as far as the stream's largest block allows.
    ///
    /// `false`: there is no room for that block yet, and nothing has changed; consume what is
    /// ready, and if nothing is, [`wait`](Encoder::wait), then call again.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]; [`Error::InvalidOption`] for a length of the layout outside its range.
    pub fn set_layout(&mut self, layout: Layout) -> Result<bool, Error> {
        self.set_block_options(BlockOptions { layout, ..*self.block_options })
    }

    /// How blocks are coded from here on: [`set_layout`](Encoder::set_layout), and the same for
    /// everything else that concerns a block by itself.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]; [`Error::InvalidOption`] for a value outside its range.
    pub fn set_block_options(&mut self, options: BlockOptions) -> Result<bool, Error> {
        self.begin()?;
        let options = options.validated()?;
        if !self.cut()? {
            return Ok(false);
        }
        self.block_len = options.layout.block_len_within(self.options.block_len) as u32;
        self.block_options = options;
        // No buffer is longer than a block.
        self.raw.truncate(self.block_len());
        Ok(true)
    }

    /// Where in the [base](EncodeOptions::base) the bytes are that those taken from here on may
    /// differ from; they follow each other there as they do here. `None`: nowhere. What was taken
    /// so far becomes a block of its own.
    ///
    /// `false`: as with [`set_layout`](Self::set_layout).
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn set_base_offset(&mut self, offset: Option<u64>) -> Result<bool, Error> {
        self.begin()?;
        if !self.cut()? {
            return Ok(false);
        }
        self.base_offset = offset;
        Ok(true)
    }

    /// Blocks that workers have: something to [`wait`](Self::wait) for.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.jobs.len()
    }

    /// Blocks until the oldest block comes back from its worker. Short blocks, of up to 256 KiB,
    /// may be worked on here meanwhile. Returns at once with one thread.
    pub fn wait(&mut self) {
        self.jobs.wait();
        let _ = self.collect();
    }

    /// [`wait`](Encoder::wait) for tasks: pending until the oldest block comes back from its
    /// worker, which then wakes the task. Ready at once when none is under way.
    pub fn poll_wait(&mut self, cx: &Context<'_>) -> Poll<()> {
        ready!(self.jobs.poll_wait(cx));
        let _ = self.collect();
        Poll::Ready(())
    }

    /// Raw bytes that were taken and are in no block yet.
    #[must_use]
    pub fn uncoded(&self) -> &[u8] {
        &self.raw[..self.filled]
    }

    /// How far the stream has come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        self.framer.progress()
    }

    /// Gives back the memory of buffers that hold nothing, and all that the calling thread keeps
    /// for its next block: tables of the match finder, streams of a chunk, planes of a block. Both
    /// are allocated again when they are needed. Each thread of a pool keeps as much, and this does
    /// not give it back: up to some 30 MiB at levels 7 to 9, 5 MiB at levels 1 to 4.
    pub fn release_buffers(&mut self) {
        block::release_thread_memory();
        self.release_stream_buffers();
    }

    /// Gives back the memory of this stream alone. The thread's is for its next block, of whichever
    /// stream.
    pub(crate) fn release_stream_buffers(&mut self) {
        if self.filled == 0 {
            self.raw = Vec::new();
        }
        self.output.release();
        self.spare = Vec::new();
    }

    /// Begins a new stream with the same options, as if made anew. Buffers are kept.
    pub fn reset(&mut self) {
        self.jobs.cancel();
        self.framer = Framer::new(&self.options);
        self.block_options = self.options.block();
        self.block_len = self.options.layout_block_len() as u32;
        self.raw.truncate(self.block_len());
        self.state = State::Start;
        self.base_offset = Some(0);
        (self.filled, self.sample) = (0, None);
        self.output.clear();
        // Options do not become right by beginning again.
        self.failed.take_if(|error| !matches!(error, Error::InvalidOption { .. }));
    }

    /// Takes all of `input`, if the block in progress has room for it and for more. `false`: it
    /// took nothing, and [`step`](Encoder::step) is to see to it.
    ///
    /// A way for those who write a few bytes at a time: whatever else there is to do can wait until
    /// the block is full.
    #[inline]
    pub(crate) fn push_few(&mut self, input: &[u8]) -> bool {
        let end = self.filled + input.len();
        // A block in progress says that the stream has begun and has not ended. Its buffer is no
        // longer than a block.
        if self.filled == 0 || end >= self.raw.len() || input.len() >= LONG_PART || self.failed.is_some() {
            return false;
        }
        match input {
            &[byte] => self.raw[self.filled] = byte,
            _ => self.raw[self.filled..end].copy_from_slice(input),
        }
        self.filled = end;
        true
    }

    /// Takes raw bytes from the start of `input`, no more than one block of them; how many comes
    /// back. It is 0 while a whole block waits for what is ready to go out, or for a worker.
    fn push(&mut self, input: &[u8]) -> Result<usize, Error> {
        if self.state == State::Finished {
            return Err(Error::Finished);
        }
        self.start();
        let block_len = self.block_len();
        if self.filled == 0 && input.len() >= block_len && self.jobs.leaves_to_caller(block_len, false) {
            if self.ready_is_full() {
                return Ok(0);
            }
            self.code(&input[..block_len], None)?;
            return Ok(block_len);
        }
        if self.filled == block_len && !self.cut()? {
            return Ok(0);
        }
        let len = input.len().min(block_len - self.filled);
        self.grow(self.filled + len);
        self.copy(&input[..len]);
        self.commit(len)?;
        Ok(len)
    }

    /// Raw bytes of a block of the layout in force.
    fn block_len(&self) -> usize {
        self.block_len as usize
    }

    /// Copies `part` behind the bytes of the block in progress, whose buffer has room for it.
    fn copy(&mut self, part: &[u8]) {
        let begins = self.filled == 0 && part.len() >= LONG_PART;
        if begins && self.options.base.is_none() && self.jobs.leaves_to_caller(self.block_len(), false) {
            self.sample = block::sample(self.block_len(), &self.block_options).map(Box::new);
        }
        match &mut self.sample {
            Some(sample) => sample.copy(part, &mut self.raw, self.filled),
            None => self.raw[self.filled..self.filled + part.len()].copy_from_slice(part),
        }
    }

    /// What every call begins with that adds to the stream.
    fn begin(&mut self) -> Result<(), Error> {
        self.check()?;
        if self.state == State::Finished {
            return Err(Error::Finished);
        }
        self.start();
        self.collect()
    }

    /// Cuts the block in progress. `false`: not all of it is ready yet.
    fn cut_block(&mut self) -> Result<bool, Error> {
        self.start();
        self.collect()?;
        Ok(self.cut()? && self.jobs.len() == 0)
    }

    /// Cuts the block in progress, and ends the stream. `false`: not all of it is ready yet.
    fn end_stream(&mut self) -> Result<bool, Error> {
        if self.state == State::Finished {
            return Ok(true);
        }
        if !self.cut_block()? {
            return Ok(false);
        }
        let ended = self.framer.end(self.output.append());
        self.or_fail(ended)?;
        self.state = State::Finished;
        Ok(true)
    }

    /// Whether what is ready should go out before another block is coded behind it. A stream header
    /// alone should not: it goes out with the first block.
    fn ready_is_full(&self) -> bool {
        self.ready().len() >= self.block_len().min(READY_LEN)
    }

    fn start(&mut self) {
        if self.state == State::Start {
            self.framer.start(self.output.append());
            self.state = State::Blocks;
        }
    }

    /// Hands the block in progress on. `false`: there is no room for it yet.
    fn cut(&mut self) -> Result<bool, Error> {
        if self.filled == 0 {
            return Ok(true);
        }
        if self.jobs.leaves_to_caller(self.filled, self.filled < self.block_len()) {
            if self.ready_is_full() {
                return Ok(false);
            }
            let raw = std::mem::take(&mut self.raw);
            // Before anything can panic in a callback of the user's: the block must not be coded
            // twice.
            let len = std::mem::take(&mut self.filled);
            // What was flushed before it was full is not the block that the sample is of.
            let sample = self.sample.take().filter(|_| len == self.block_len());
            let coded = self.code(&raw[..len], sample);
            self.raw = raw;
            coded?;
            return Ok(true);
        }
        if !self.jobs.has_room() {
            return Ok(false);
        }
        let taken = self.framer.take(&self.raw[..self.filled]);
        self.or_fail(taken)?;
        let (mut raw, coded) = self.spare.pop().unwrap_or_default();
        // It may be from blocks of a longer layout.
        raw.truncate(self.block_len());
        std::mem::swap(&mut raw, &mut self.raw);
        let len = std::mem::take(&mut self.filled);
        self.sample = None;
        let (options, base) = (self.block_options, self.next_base(len));
        self.jobs.submit(EncodeJob { raw, len, coded, options, base, appended: None });
        Ok(true)
    }

    /// Makes the block in progress at least `len` bytes long: small streams get small buffers, one
    /// that goes on gets its final one in few steps.
    fn grow(&mut self, len: usize) {
        if self.raw.len() < len {
            let wanted = len.max(2 * self.raw.len()).min(self.block_len());
            self.raw.resize(wanted, 0);
        }
    }

    /// What the next block, of `len` bytes, may differ from.
    fn next_base(&mut self, len: usize) -> Option<BasePart> {
        let offset = self.base_offset?;
        self.base_offset = offset.checked_add(len as u64);
        self.options.base_part(offset)
    }

    /// Codes a block, by `sample` if one was taken of it.
    fn code(&mut self, raw: &[u8], sample: Option<Box<Sample>>) -> Result<(), Error> {
        let taken = self.framer.take(raw);
        self.or_fail(taken)?;
        let base = self.next_base(raw.len());
        self.framer.append_block(self.output.append(), |out| match sample {
            Some(mut sample) => block::append_sampled(raw, &self.block_options, &mut sample, out),
            None => block::append(raw, &self.block_options, base.as_ref(), out),
        });
        Ok(())
    }

    /// Takes finished jobs back, as long as nothing else is ready.
    fn collect(&mut self) -> Result<(), Error> {
        while self.output.is_empty()
            && let Some(job) = self.jobs.take()
        {
            let Ok(EncodeJob { raw, coded, appended: Some(appended), .. }) = job else {
                return self.fail(Error::WorkerLost { block: self.framer.progress().blocks() });
            };
            let coded_len = coded.len();
            let mut old = self.output.replace(coded);
            old.clear();
            self.spare.push((raw, old));
            self.framer.add_block(&appended, coded_len);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.failed = Some(error.clone());
        Err(error)
    }

    fn or_fail<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        result.or_else(|error| self.fail(error))
    }
}

impl Machine for Encoder {
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn advance(&mut self, input: &[u8], _room: &mut impl Room, op: Op) -> Result<Move, Error> {
        self.check()?;
        self.collect()?;
        let done = match op {
            _ if !input.is_empty() => {
                let taken = self.push(input)?;
                if taken > 0 {
                    return Ok(Move { taken, ..Move::default() });
                }
                false
            }
            Op::Run => self.filled < self.block_len() || self.cut()?,
            Op::Flush => self.cut_block()?,
            Op::Finish => self.end_stream()?,
        };
        let status = match op {
            _ if !self.output.is_empty() => Status::NeedsOutput { ready: self.ready().len() },
            _ if !done => Status::InFlight { blocks: self.jobs.len() },
            Op::Run => Status::NeedsInput { at_least: self.block_len() - self.filled },
            Op::Flush => Status::Flushed,
            Op::Finish => Status::Finished,
        };
        Ok(status.into())
    }
}

mod between;
#[cfg(test)]
mod tests;
