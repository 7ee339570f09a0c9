//! A stream to raw bytes.

use std::{
    collections::VecDeque,
    io, mem,
    task::{Context, Poll},
};

use self::job::DecodeJob;
use crate::{
    block::{Coded, body_len},
    error::{Corruption, Error, Limit, Part},
    format::{CHECK_LEN, HEADER_LEN, StreamHeader, check::ContentHash},
    options::{DecodeOptions, TrailingData, Valid},
    parallel::{Lost, Ordered},
    progress::Progress,
    simd::Kernel,
    stream::{BlockEvent, Deframer, Event, Op, Place, Status, Step, StreamPosition},
};

/// Application data that stood in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationData {
    /// What the application said it is.
    pub kind: u16,
    /// How many raw bytes came before it, over all streams.
    pub raw_offset: u64,
    /// The data.
    pub data: Vec<u8>,
}

/// Deframes blocks, verifies and decodes them.
///
/// [`Decoder::step`] fits every driver. One that reads into a buffer may instead read straight into
/// [`space`](Decoder::space), and one that hands slices on may take raw bytes from
/// [`decoded`](Decoder::decoded); neither costs a copy.
///
/// ```text
///   space/commit ──▶ deframer ──block──▶ jobs (in order, bounded) ──▶ decoded ──▶ consume
///                        └──────error, end: wait for the jobs before them──────▶
/// ```
///
/// Every block that is whole and right comes out before the error of what follows it.
#[derive(Debug)]
pub struct Decoder {
    options: Valid<DecodeOptions>,
    deframer: Deframer,
    jobs: Ordered<DecodeJob>,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
    /// The block that comes out next, from `front_at` on.
    front: Vec<u8>,
    front_at: usize,
    /// Comes out when the blocks before it did.
    fault: Option<Error>,
    /// An end block whose content check waits for the blocks before it.
    end: Option<(Option<u64>, u64)>,
    content: Option<Box<ContentHash>>,
    header: Option<StreamHeader>,
    application_data: VecDeque<ApplicationData>,
    progress: Progress,
    /// Blocks of up to so many raw bytes are decoded by the caller when no other is under way.
    inline_up_to: usize,
    failed: Option<Error>,
}

/// Somewhere a block can be decoded to without a copy.
pub(crate) trait Room {
    /// Exactly `raw_len` bytes behind what was given before, if there is room.
    fn room(&mut self, raw_len: usize) -> Option<&mut [u8]>;
}

impl Room for &mut [u8] {
    fn room(&mut self, raw_len: usize) -> Option<&mut [u8]> {
        self.get_mut(..raw_len)
    }
}

impl Decoder {
    /// A decoder of one stream or several. Options outside their range are reported by the first
    /// call that can fail.
    #[must_use]
    pub fn new(options: DecodeOptions) -> Self {
        let (options, failed) = match options.validated() {
            Ok(options) => (options, None),
            Err(error) => (Valid::default(), Some(error)),
        };
        Self {
            deframer: Deframer::new(DecodeOptions::clone(&options)),
            jobs: Ordered::for_decoding(&options),
            spare: Vec::new(),
            front: Vec::new(),
            front_at: 0,
            fault: None,
            end: None,
            content: None,
            header: None,
            application_data: VecDeque::new(),
            progress: Progress::default(),
            inline_up_to: 0,
            failed,
            options,
        }
    }

    /// Moves on as far as input, output and `op` allow.
    ///
    /// # Errors
    ///
    /// Whatever the stream holds against it, after all bytes before that place. With
    /// [`Op::Finish`], [`Error::Truncated`] when the input ends inside a stream. Every later
    /// call returns the same error.
    pub fn step(&mut self, input: &[u8], output: &mut [u8], op: Op) -> Result<Step, Error> {
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let ready = self.decoded();
            let len = ready.len().min(output.len() - produced);
            output[produced..produced + len].copy_from_slice(&ready[..len]);
            self.consume(len);
            produced += len;
            if !self.decoded().is_empty() {
                return Ok(Step { consumed, produced, status: Status::NeedsOutput { ready: self.decoded().len() } });
            }
            let (taken, given, status) = match self.advance(&input[consumed..], &mut &mut output[produced..]) {
                // What came before the error goes out first; the next call returns the error.
                Err(_) if produced > 0 => (0, 0, Some(Status::NeedsOutput { ready: 0 })),
                result => result?,
            };
            consumed += taken;
            produced += given;
            let Some(status) = status else { continue };
            let status = match (status, op) {
                (Status::NeedsInput { .. }, Op::Finish) => {
                    self.end_of_input();
                    continue;
                }
                (Status::NeedsInput { .. }, Op::Flush) if self.in_flight() > 0 => {
                    Status::InFlight { blocks: self.in_flight() }
                }
                (Status::NeedsInput { .. }, Op::Flush) => Status::Flushed,
                (status, _) => status,
            };
            return Ok(Step { consumed, produced, status });
        }
    }

    /// Raw bytes that are ready.
    #[inline]
    #[must_use]
    pub fn decoded(&self) -> &[u8] {
        &self.front[self.front_at..]
    }

    /// The first `len` decoded bytes were taken.
    ///
    /// # Panics
    ///
    /// When `len` is more than are ready.
    #[inline]
    pub fn consume(&mut self, len: usize) {
        assert!(len <= self.decoded().len(), "consumed {len} bytes of {} that are decoded", self.decoded().len());
        self.front_at += len;
    }

    /// Moves decoded bytes to the start of `output`; how many that were comes back. A slice's own
    /// way to read never fails, and is the fastest for single bytes.
    #[inline]
    pub(crate) fn read_decoded(&mut self, output: &mut [u8]) -> usize {
        let len = io::Read::read(&mut self.decoded(), output).unwrap_or_default();
        self.front_at += len;
        len
    }

    /// Where the next coded bytes are to be read to. It ends where the current element of the
    /// stream ends, or with the block header that is certain to follow: whoever fills it
    /// takes no byte behind the stream. Empty when nothing more is to be read.
    ///
    /// Call it when [`step`](Decoder::step), with no input, needs input.
    ///
    /// # Errors
    ///
    /// [`Error::LimitExceeded`] when memory for it is not allowed or not there.
    pub fn space(&mut self) -> Result<&mut [u8], Error> {
        self.check()?;
        match self.deframer.space() {
            Ok(space) => Ok(space),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// `len` coded bytes were written to the start of [`space`](Decoder::space).
    ///
    /// # Panics
    ///
    /// When `len` is more than that has room for.
    pub fn commit(&mut self, len: usize) {
        self.deframer.commit(len);
        self.progress.add_coded(len);
    }

    /// There is no more input: unless this is a place where a stream ends, [`Error::Truncated`]
    /// follows the blocks under way.
    pub fn end_of_input(&mut self) {
        if self.fault.is_none() {
            self.fault = self.deframer.end_of_input().err();
        }
    }

    /// Blocks that workers have.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.jobs.len()
    }

    /// Blocks until the oldest block comes back from its worker. Returns at once with one thread.
    pub fn wait(&mut self) {
        self.jobs.wait();
    }

    /// [`wait`](Decoder::wait) for tasks: pending until the oldest block comes back from its
    /// worker, which then wakes the task. Ready at once when none is under way.
    pub fn poll_wait(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.jobs.poll_wait(cx)
    }

    /// Gives back the memory of buffers that hold nothing, or no more than a part of a block
    /// header. They are allocated again when they are needed.
    pub fn release_buffers(&mut self) {
        if self.decoded().is_empty() {
            self.front = Vec::new();
            self.front_at = 0;
        }
        self.spare = Vec::new();
        self.deframer.release_buffer();
    }

    /// Takes the oldest application data that was kept, see [`DecodeOptions::application_data`].
    pub fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.application_data.pop_front()
    }

    /// The header of the stream that is being read, once it was.
    #[must_use]
    pub fn header(&self) -> Option<&StreamHeader> {
        self.header.as_ref()
    }

    /// How far the decoder has come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Coded bytes that were taken but belong to no block yet: up to one block header, or what
    /// follows the last stream.
    #[must_use]
    pub fn unused(&self) -> &[u8] {
        self.deframer.unused()
    }

    /// Whether bytes behind the end are to be thrown away, not left to the caller.
    pub(crate) fn ignores_the_rest(&self) -> bool {
        self.options.trailing_data == TrailingData::Ignore && !self.options.single_stream
    }

    /// Begins again with the same options, as if made anew. Buffers are kept.
    pub fn reset(&mut self) {
        self.clear();
        self.deframer = Deframer::new(DecodeOptions::clone(&self.options));
        self.header = None;
        self.progress = Progress::default();
    }

    /// Goes on at a block header elsewhere in the input, which must be `expected`.
    pub(crate) fn resume(&mut self, position: &StreamPosition, expected: [u8; HEADER_LEN]) {
        self.clear();
        self.deframer.resume(position, expected);
        self.begin_stream(position.header);
        self.content = (position.blocks == 0 && position.header.content_check).then(Box::default);
    }

    /// Skips decoded bytes up to `len`; how many were is told.
    pub(crate) fn skip(&mut self, len: u64) -> u64 {
        let skipped = (self.decoded().len() as u64).min(len);
        self.front_at += skipped as usize;
        skipped
    }

    /// Takes the last `len` consumed bytes back. `false`: they are not there any more.
    pub(crate) fn take_back(&mut self, len: u64) -> bool {
        let is_there = self.front_at as u64 >= len;
        if is_there {
            self.front_at -= len as usize;
        }
        is_there
    }

    /// Takes all decoded bytes with their buffer. None of them were consumed.
    #[cfg(feature = "codec")]
    pub(crate) fn take_decoded(&mut self) -> Vec<u8> {
        self.front_at = 0;
        mem::take(&mut self.front)
    }

    /// Bytes that the element in progress still needs, and that need not be copied if they come in
    /// one piece. 0: they may come in pieces.
    #[cfg(feature = "codec")]
    pub(crate) fn missing_in_one_piece(&self) -> usize {
        self.deframer.missing_in_one_piece()
    }

    /// For drivers that must not wait: blocks of up to `len` raw bytes are decoded by the caller,
    /// unless others are under way before them.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn set_inline_up_to(&mut self, len: usize) {
        self.inline_up_to = len;
    }

    /// Lets go of the blocks under way without waiting for them.
    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn abandon(&mut self) {
        self.jobs.abandon();
    }

    /// One move: at most one part of the stream, or one finished block. Nothing is decoded and
    /// waiting when this is called. A block is decoded straight to `output` if that has room.
    /// Comes back: bytes taken, bytes given to `output`, and the status if the move ends a step.
    pub(crate) fn advance(
        &mut self,
        input: &[u8],
        output: &mut impl Room,
    ) -> Result<(usize, usize, Option<Status>), Error> {
        self.check()?;
        if let Some(job) = self.jobs.take() {
            self.finish_job(job)?;
            return Ok((0, 0, None));
        }
        if let Some(status) = self.before_next()? {
            return Ok((0, 0, Some(status)));
        }
        let (taken, event) = match self.deframer.next(input) {
            Ok(next) => next,
            Err(error) => {
                self.fault = Some(error);
                return Ok((0, 0, None));
            }
        };
        self.progress.add_coded(taken);
        let (given, status) = self.take_event(event, input, output)?;
        Ok((taken, given, status))
    }

    /// What stands between the blocks so far and the next part of the stream: a fault, a content
    /// check, the end, or that too many blocks are under way.
    fn before_next(&mut self) -> Result<Option<Status>, Error> {
        if self.jobs.len() == 0 {
            if let Some(fault) = self.fault.take() {
                return self.fail(fault);
            }
            if let Some((stored, offset)) = self.end.take() {
                self.verify_content(stored, offset)?;
            }
            if self.deframer.is_done() {
                return Ok(Some(Status::Finished));
            }
        } else if self.fault.is_some() || self.end.is_some() || !self.jobs.has_room() {
            return Ok(Some(Status::InFlight { blocks: self.jobs.len() }));
        }
        Ok(None)
    }

    /// What the deframer found in `input`. Comes back: bytes given to `output`, and the status if
    /// that ends a step.
    fn take_event(
        &mut self,
        event: Option<Event>,
        input: &[u8],
        output: &mut impl Room,
    ) -> Result<(usize, Option<Status>), Error> {
        let mut given = 0;
        let status = match event {
            None if self.deframer.is_done() => None,
            // The rest of an element that has begun is on its way. Before another one begins, its
            // sender may wait for an answer to the blocks that are under way.
            None if self.jobs.len() > 0 && !self.deframer.has_begun() => {
                Some(Status::InFlight { blocks: self.jobs.len() })
            }
            None => Some(Status::NeedsInput { at_least: self.deframer.missing() }),
            Some(Event::StreamHeader(header)) => {
                self.begin_stream(header);
                self.content = header.content_check.then(Box::default);
                None
            }
            Some(Event::Block(block)) if self.decodes_here(&block) => {
                given = self.decode_here(&block, input, output)?;
                None
            }
            Some(Event::Block(block)) => {
                if let Err(error) = self.submit(&block, input) {
                    self.fault = Some(error);
                }
                None
            }
            Some(Event::ApplicationData { kind, payload, raw_offset, offset }) => {
                let data = self.deframer.bytes(&payload, input).to_vec();
                self.keep(ApplicationData { kind, raw_offset, data }, offset);
                None
            }
            Some(Event::End { end, offset }) => {
                self.end = Some((end.content_check, offset));
                None
            }
            Some(Event::StreamEnd) => Some(Status::StreamEnd),
            // Those of a deframer of headers.
            Some(Event::Passed { .. } | Event::Index { .. }) => None,
        };
        Ok((given, status))
    }

    fn decodes_here(&self, block: &BlockEvent) -> bool {
        let raw_len = block.header.raw_len();
        // Only a stream's last block, or one that was flushed, has half the length of the largest.
        let full = self.header.map_or(0, |header| 1 << header.max_block_log2);
        self.jobs.leaves_to_caller(raw_len, 2 * raw_len <= full)
            || (raw_len <= self.inline_up_to && self.jobs.len() == 0)
    }

    /// Where memory is short, fewer blocks are under way: so many that all may be the largest this
    /// stream can have.
    fn begin_stream(&mut self, header: StreamHeader) {
        let largest = 2 * (1 << header.max_block_log2) + CHECK_LEN;
        let memory = self.options.limits.max_memory;
        // A device wants many blocks under way, whose number alone would allow too many.
        #[cfg(feature = "gpu")]
        let memory = self.jobs.under_way_on_device().map_or(memory, |most| memory.min(most));
        self.jobs.allow(memory / largest);
        self.header = Some(header);
    }

    /// Decodes a block to `output` if that has room, to [`Decoder::decoded`] if not. How many bytes
    /// went to `output` comes back.
    fn decode_here(&mut self, block: &BlockEvent, input: &[u8], output: &mut impl Room) -> Result<usize, Error> {
        let raw_len = block.header.raw_len();
        let body = self.deframer.bytes(&block.body, input);
        let room = output.room(raw_len);
        let fits = room.is_some();
        let raw = if let Some(room) = room {
            room
        } else {
            if let Err(error) = self.options.limits.grow(&mut self.front, raw_len, block.offset) {
                return self.fail(error);
            }
            self.front.truncate(raw_len);
            &mut self.front[..]
        };
        let decoded = job::decode(Coded::new(block.header, body), raw, Kernel::or_default(self.options.kernel));
        if let (Ok(()), Some(content)) = (&decoded, &mut self.content) {
            content.update(raw);
        }
        // Nothing of a bad block is ever shown, and nothing of an older one.
        self.front_at = 0;
        if fits || decoded.is_err() {
            self.front.clear();
        }
        if let Err(reason) = decoded {
            return self.fail(reason.at(Part::Block(block.number), block.offset));
        }
        self.count_block(raw_len);
        Ok(if fits { raw_len } else { 0 })
    }

    fn submit(&mut self, block: &BlockEvent, input: &[u8]) -> Result<(), Error> {
        let (mut body, mut raw) = self.spare.pop().unwrap_or_default();
        let raw_len = block.header.raw_len();
        let body_len = body_len(&block.header);
        self.options.limits.grow(&mut raw, raw_len, block.offset)?;
        match &block.body {
            Place::Buffer(_) => body = self.deframer.exchange_buffer(body)?,
            place @ Place::Input(_) => {
                self.options.limits.grow(&mut body, body_len, block.offset)?;
                body[..body_len].copy_from_slice(self.deframer.bytes(place, input));
            }
        }
        self.jobs.submit(DecodeJob {
            header: block.header,
            body,
            raw,
            kernel: Kernel::or_default(self.options.kernel),
            number: block.number,
            offset: block.offset,
            result: Ok(()),
        });
        Ok(())
    }

    fn finish_job(&mut self, job: Result<DecodeJob, Lost>) -> Result<(), Error> {
        let Ok(mut job) = job else {
            return self.fail(Error::WorkerLost { block: self.progress.blocks() });
        };
        if let Err(error) = job.result {
            return self.fail(error);
        }
        let raw_len = job.header.raw_len();
        job.raw.truncate(raw_len);
        mem::swap(&mut self.front, &mut job.raw);
        self.front_at = 0;
        self.spare.push((job.body, job.raw));
        if let Some(content) = &mut self.content {
            content.update(&self.front);
        }
        self.count_block(raw_len);
        Ok(())
    }

    fn verify_content(&mut self, stored: Option<u64>, offset: u64) -> Result<(), Error> {
        let computed = self.content.take().map(|content| content.value());
        match (stored, computed) {
            (Some(stored), Some(computed)) if stored != computed => self.fail(Error::Corrupt {
                part: Part::End,
                offset,
                reason: Corruption::ContentCheck { stored, computed },
            }),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, data: ApplicationData, offset: u64) {
        let held: usize = self.application_data.iter().map(|kept| kept.data.len()).sum();
        let (found, allowed) = ((held + data.data.len()) as u64, self.options.application_data as u64);
        if found > allowed {
            self.fault = Some(Error::LimitExceeded { limit: Limit::ApplicationData, found, allowed, offset });
        } else {
            self.application_data.push_back(data);
        }
    }

    fn count_block(&mut self, raw_len: usize) {
        self.progress.add_block(raw_len);
        self.options.observe(&self.progress);
    }

    fn clear(&mut self) {
        self.jobs.cancel();
        self.front.clear();
        self.front_at = 0;
        (self.fault, self.end, self.content) = (None, None, None);
        self.application_data.clear();
        // Options do not become right by beginning again.
        self.failed.take_if(|error| !matches!(error, Error::InvalidOption { .. }));
    }

    fn check(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.failed = Some(error.clone());
        Err(error)
    }
}

mod job;
mod side_by_side;
#[cfg(all(test, any(feature = "gpu", feature = "rayon")))]
mod tests;
