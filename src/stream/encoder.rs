//! Raw bytes to a stream.

use std::task::{Context, Poll, ready};

use crate::{
    block::{self, Appended},
    error::Error,
    options::{BlockOptions, EncodeOptions, Valid},
    parallel::{Job, Ordered},
    progress::Progress,
    stream::{Framer, Op, Status, Step},
};

/// Cuts raw bytes into blocks, codes and frames them.
///
/// [`Encoder::step`] fits every driver. One that owns its output may instead
/// [`push`](Encoder::push), and take what becomes ready from [`pending`](Encoder::pending) without
/// another copy.
///
/// ```text
///   push ──▶ raw block ──cut──▶ jobs (in order, bounded) ──▶ framer ──▶ pending ──▶ consume
/// ```
///
/// With one thread a block whose bytes come in one slice is coded from that slice.
#[derive(Debug)]
pub struct Encoder {
    options: Valid<EncodeOptions>,
    block_options: Valid<BlockOptions>,
    framer: Framer,
    state: State,
    /// The block in progress, `filled` bytes of it.
    raw: Vec<u8>,
    filled: usize,
    jobs: Ordered<EncodeJob>,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
    pending: Vec<u8>,
    pending_at: usize,
    /// Blocks of up to so many bytes are coded by the caller when no other is under way.
    inline_up_to: usize,
    failed: Option<Error>,
}

/// The block in progress begins with room for so many bytes when [`Encoder::space`] is asked for.
/// Little, because making room costs time: a live source brings a few bytes, gets its memory back,
/// and brings a few again.
const FIRST_BUFFER_LEN: usize = 8 << 10;

/// With so many bytes pending no further block is coded.
const PENDING_LEN: usize = 4096;

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
    appended: Option<Appended>,
}

impl Job for EncodeJob {
    fn run(&mut self) {
        self.appended = Some(block::append(&self.raw[..self.len], &self.options, &mut self.coded));
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
            jobs: Ordered::new(&options.work),
            block_options: options.block(),
            spare: Vec::new(),
            pending: Vec::new(),
            pending_at: 0,
            inline_up_to: 0,
            failed,
            options,
        }
    }

    /// Moves on as far as input, output and `op` allow.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`], [`Error::ContentLength`]; every later call returns the same error.
    /// [`Error::Finished`] for input after [`Op::Finish`], which harms nothing.
    pub fn step(&mut self, input: &[u8], output: &mut [u8], op: Op) -> Result<Step, Error> {
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let ready = self.pending();
            let len = ready.len().min(output.len() - produced);
            output[produced..produced + len].copy_from_slice(&ready[..len]);
            self.consume(len);
            produced += len;
            let stop = |consumed, status| Ok(Step { consumed, produced, status });
            if !self.pending().is_empty() {
                if produced < output.len() {
                    continue;
                }
                return stop(consumed, Status::NeedsOutput { ready: self.pending().len() });
            }
            if consumed < input.len() {
                let taken = self.push(&input[consumed..])?;
                consumed += taken;
                if taken == 0 && self.pending().is_empty() {
                    return stop(consumed, Status::InFlight { blocks: self.jobs.len() });
                }
                continue;
            }
            let done = match op {
                Op::Run if self.filled < self.options.block_len => {
                    return stop(consumed, Status::NeedsInput { at_least: self.options.block_len - self.filled });
                }
                Op::Run => self.cut()?,
                Op::Flush => self.cut_block()?,
                Op::Finish => self.end_stream()?,
            };
            if !self.pending().is_empty() || (done && op == Op::Run) {
                continue;
            }
            return stop(
                consumed,
                match (done, op) {
                    (false, _) => Status::InFlight { blocks: self.jobs.len() },
                    (true, Op::Finish) => Status::Finished,
                    (true, _) => Status::Flushed,
                },
            );
        }
    }

    /// Takes raw bytes from the start of `input`; how many comes back. It is 0 while a whole block
    /// waits for [`Encoder::pending`] bytes to be consumed or for a worker.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn push(&mut self, input: &[u8]) -> Result<usize, Error> {
        self.check()?;
        if input.is_empty() {
            return Ok(0);
        }
        if self.state == State::Finished {
            return Err(Error::Finished);
        }
        self.start();
        self.collect()?;
        let block_len = self.options.block_len;
        if self.filled == 0 && input.len() >= block_len && self.jobs.leaves_to_caller(block_len, false) {
            if self.pending_is_full() {
                return Ok(0);
            }
            self.code(&input[..block_len])?;
            return Ok(block_len);
        }
        if self.filled == block_len && !self.cut()? {
            return Ok(0);
        }
        let len = input.len().min(block_len - self.filled);
        self.grow(self.filled + len);
        self.raw[self.filled..self.filled + len].copy_from_slice(&input[..len]);
        self.commit(len)?;
        Ok(len)
    }

    /// Takes all of `input`, if the block in progress has room for it and for more. `false`: it
    /// took nothing, and [`push`](Encoder::push) is to see to it.
    ///
    /// A way for those who write a few bytes at a time: whatever else there is to do can wait until
    /// the block is full.
    #[inline]
    pub(crate) fn push_few(&mut self, input: &[u8]) -> bool {
        let end = self.filled + input.len();
        // A block in progress says that the stream has begun and has not ended. Its buffer is no
        // longer than a block.
        if self.filled == 0 || end >= self.raw.len() || self.failed.is_some() {
            return false;
        }
        match input {
            &[byte] => self.raw[self.filled] = byte,
            _ => self.raw[self.filled..end].copy_from_slice(input),
        }
        self.filled = end;
        true
    }

    /// Where the next raw bytes may be written to instead of [`push`](Encoder::push)ing them: up to
    /// the end of the block in progress. Empty while a whole block waits for
    /// [`Encoder::pending`] bytes to be consumed or for a worker.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn space(&mut self) -> Result<&mut [u8], Error> {
        self.check()?;
        if self.state == State::Finished {
            return Err(Error::Finished);
        }
        self.start();
        self.collect()?;
        if self.filled == self.options.block_len {
            self.cut()?;
        }
        let wanted = self.options.block_len.min((2 * self.filled).max(FIRST_BUFFER_LEN).max(self.raw.len()));
        self.grow(wanted);
        Ok(&mut self.raw[self.filled..self.options.block_len.min(wanted)])
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
        if self.filled == self.options.block_len {
            self.cut()?;
        }
        Ok(())
    }

    /// Cuts the block in progress, so that everything pushed so far becomes
    /// [`pending`](Encoder::pending). `false`: not all of it is there yet; consume what is pending,
    /// and if nothing is, [`wait`](Encoder::wait).
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn cut_block(&mut self) -> Result<bool, Error> {
        self.check()?;
        self.start();
        self.collect()?;
        Ok(self.cut()? && self.jobs.len() == 0)
    }

    /// Flushes, and ends the stream. `true`: everything is [`pending`](Encoder::pending) or was
    /// consumed; further calls change nothing.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]; [`Error::ContentLength`] when fewer bytes were pushed than declared.
    pub fn end_stream(&mut self) -> Result<bool, Error> {
        self.check()?;
        if self.state == State::Finished {
            return Ok(true);
        }
        if !self.cut_block()? {
            return Ok(false);
        }
        let ended = self.framer.end(&mut self.pending);
        self.or_fail(ended)?;
        self.state = State::Finished;
        Ok(true)
    }

    /// Writes `data` into the stream as a skippable block, behind everything pushed so far. Readers
    /// that do not ask for it step over it. `kind` is 0..=0x7FFF and the application's to
    /// choose.
    ///
    /// `false`: blocks before it are not out yet, and it was not written; consume what is pending,
    /// and if nothing is, [`wait`](Encoder::wait), then call again.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]; [`Error::InvalidOption`] for a kind or length outside its range.
    pub fn application_data(&mut self, kind: u16, data: &[u8]) -> Result<bool, Error> {
        self.check()?;
        if self.state == State::Finished {
            return Err(Error::Finished);
        }
        if !self.cut_block()? || self.pending_at < self.pending.len() {
            return Ok(false);
        }
        self.framer.append_application_data(kind, data, &mut self.pending)?;
        Ok(true)
    }

    /// Coded bytes that are ready to go out.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.pending[self.pending_at..]
    }

    /// The first `len` pending bytes went out.
    ///
    /// # Panics
    ///
    /// When `len` is more than are pending.
    pub fn consume(&mut self, len: usize) {
        assert!(len <= self.pending().len(), "consumed {len} bytes of {} that are pending", self.pending().len());
        self.pending_at += len;
        if self.pending_at == self.pending.len() {
            self.pending.clear();
            self.pending_at = 0;
            // A finished job's bytes are next. An error stays for the next call that can report it.
            let _ = self.collect();
        }
    }

    /// Blocks until the oldest block comes back from its worker. Returns at once with one thread.
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

    /// Blocks that workers have.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.jobs.len()
    }

    /// Gives back the memory of buffers that hold nothing, and what the calling thread keeps for
    /// the coder, up to 1 MiB. They are allocated again when they are needed. Threads of a pool
    /// keep as much each.
    pub fn release_buffers(&mut self) {
        block::release_buffers();
        if self.filled == 0 {
            self.raw = Vec::new();
        }
        if self.pending_at == self.pending.len() {
            self.pending = Vec::new();
            self.pending_at = 0;
        }
        self.spare = Vec::new();
    }

    /// Raw bytes that were pushed and are in no block yet.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.filled
    }

    /// The bytes that [`buffered`](Encoder::buffered) counts.
    #[must_use]
    pub fn uncoded(&self) -> &[u8] {
        &self.raw[..self.filled]
    }

    /// How far the stream has come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        self.framer.progress()
    }

    /// Begins a new stream with the same options, as if made anew. Buffers are kept.
    pub fn reset(&mut self) {
        self.jobs.cancel();
        self.framer = Framer::new(&self.options);
        self.state = State::Start;
        self.filled = 0;
        self.pending.clear();
        self.pending_at = 0;
        // Options do not become right by beginning again.
        self.failed.take_if(|error| !matches!(error, Error::InvalidOption { .. }));
    }

    /// For drivers that must not wait: blocks of up to `len` bytes are coded by the caller, unless
    /// others are under way before them.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn set_inline_up_to(&mut self, len: usize) {
        self.inline_up_to = len;
    }

    /// Lets go of the blocks under way without waiting for them. The stream is torn then.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn abandon(&mut self) {
        self.jobs.abandon();
    }

    /// Whether what is pending should go out before another block is coded behind it. A stream
    /// header alone should not: it goes out with the first block.
    fn pending_is_full(&self) -> bool {
        self.pending().len() >= self.options.block_len.min(PENDING_LEN)
    }

    fn start(&mut self) {
        if self.state == State::Start {
            self.framer.start(&mut self.pending);
            self.state = State::Blocks;
        }
    }

    /// Hands the block in progress on. `false`: there is no room for it yet.
    fn cut(&mut self) -> Result<bool, Error> {
        if self.filled == 0 {
            return Ok(true);
        }
        if self.jobs.leaves_to_caller(self.filled, self.filled < self.options.block_len)
            || (self.filled <= self.inline_up_to && self.jobs.len() == 0)
        {
            if self.pending_is_full() {
                return Ok(false);
            }
            let raw = std::mem::take(&mut self.raw);
            // Before anything can panic in a callback of the user's: the block must not be coded
            // twice.
            let len = std::mem::take(&mut self.filled);
            let coded = self.code(&raw[..len]);
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
        std::mem::swap(&mut raw, &mut self.raw);
        let len = std::mem::take(&mut self.filled);
        self.jobs.submit(EncodeJob { raw, len, coded, options: self.block_options, appended: None });
        Ok(true)
    }

    /// Makes the block in progress at least `len` bytes long: small streams get small buffers, one
    /// that goes on gets its final one in few steps.
    fn grow(&mut self, len: usize) {
        if self.raw.len() < len {
            let wanted = len.max(2 * self.raw.len()).min(self.options.block_len);
            self.raw.resize(wanted, 0);
        }
    }

    fn code(&mut self, raw: &[u8]) -> Result<(), Error> {
        let taken = self.framer.take(raw);
        self.or_fail(taken)?;
        // A driver that always leaves a few bytes pending would else make the buffer grow for ever.
        self.pending.drain(..self.pending_at);
        self.pending_at = 0;
        self.framer.append_block(raw, &self.block_options, &mut self.pending);
        self.observe();
        Ok(())
    }

    /// Takes finished jobs back, as long as nothing else is pending.
    fn collect(&mut self) -> Result<(), Error> {
        while self.pending_at == self.pending.len()
            && let Some(job) = self.jobs.take()
        {
            let Ok(EncodeJob { raw, mut coded, appended: Some(appended), .. }) = job else {
                return self.fail(Error::WorkerLost { block: self.framer.progress().blocks() });
            };
            self.framer.add_block(&appended, coded.len());
            std::mem::swap(&mut self.pending, &mut coded);
            self.pending_at = 0;
            coded.clear();
            self.spare.push((raw, coded));
            self.observe();
        }
        Ok(())
    }

    fn observe(&self) {
        self.options.observe(self.framer.progress());
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

#[cfg(all(test, feature = "rayon"))]
mod tests {
    use super::*;

    #[test]
    fn a_lost_worker_ends_the_stream_behind_the_blocks_before_it() {
        for threads in [2, 0] {
            let mut encoder = Encoder::new(EncodeOptions::new().block_len(100).threads(threads).in_flight(3));
            assert_eq!(encoder.push(&[7; 100]), Ok(100));
            // Its bytes are not there, which makes its worker panic.
            let (options, coded) = (encoder.block_options, Vec::new());
            encoder.jobs.submit(EncodeJob { raw: Vec::new(), len: 1, coded, options, appended: None });
            assert_eq!(encoder.push(&[7; 100]), Ok(100));
            let (mut stream, lost) = (Vec::<u8>::new(), Err(Error::WorkerLost { block: 1 }));
            while encoder.cut_block().is_ok() {
                stream.extend(encoder.pending());
                encoder.consume(encoder.pending().len());
                encoder.wait();
            }
            assert_eq!(stream.len(), 8 + 13, "the header and a fill block");
            assert_eq!(encoder.cut_block(), lost);
            assert_eq!(encoder.end_stream(), lost, "the stream gets no end");
            encoder.reset();
            assert_eq!(encoder.end_stream(), Ok(true));
        }
    }
}
