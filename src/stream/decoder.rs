//! A stream to raw bytes.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use self::job::DecodeJob;
use crate::{
    block::{self, Coded, Resources, body_len},
    error::{Corruption, Error, Limit, Part, PayloadError},
    format::{CHECK_LEN, HEADER_LEN, StreamHeader},
    options::{DecodeOptions, TrailingData, Valid},
    parallel::{Lost, Ordered},
    progress::Progress,
    simd::{Spare, Written},
    stream::{
        BlockEvent, Deframer, Event, Op, Room, Span, Status, Step, StreamPosition,
        deframer::Wants,
        output::Output,
        step::{self, Machine, Move},
        tally::Tally,
    },
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
/// [`Decoder::step`] fits every driver. One that need not have the raw bytes in a slice of its own
/// gives no output, and takes them from [`ready`](Decoder::ready); one that reads into a buffer may
/// instead read straight into [`space`](Decoder::space). Neither costs a copy then.
///
/// ```text
///   space/commit ──▶ deframer ──block──▶ jobs (in order, bounded) ──▶ ready ──▶ consume
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
    /// The block that comes out next.
    output: Output,
    tally: Tally,
    /// Comes out when the blocks before it did.
    fault: Option<Error>,
    /// An end block whose content check waits for the blocks before it.
    end: Option<(Option<u64>, u64)>,
    header: Option<StreamHeader>,
    application_data: VecDeque<ApplicationData>,
    failed: Option<Error>,
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
            deframer: Deframer::new(&options),
            jobs: Ordered::for_decoding(&options),
            spare: Vec::new(),
            output: Output::default(),
            tally: Tally::new(options.observer.clone()),
            fault: None,
            end: None,
            header: None,
            application_data: VecDeque::new(),
            failed,
            options,
        }
    }

    /// Moves on as far as input, output and `op` allow. What `output` has no room for stays
    /// [`ready`](Decoder::ready).
    ///
    /// # Errors
    ///
    /// Whatever the stream holds against it, after all bytes before that place. With
    /// [`Op::Finish`], [`Error::Truncated`] when the input ends inside a stream. Every later
    /// call returns the same error.
    pub fn step(&mut self, input: &[u8], mut output: &mut [u8], op: Op) -> Result<Step, Error> {
        self.step_to(input, &mut output, op)
    }

    /// [`step`](Self::step) to any room.
    pub(crate) fn step_to(&mut self, input: &[u8], room: &mut impl Room, op: Op) -> Result<Step, Error> {
        step::step(self, input, room, op)
    }

    /// Raw bytes that are ready.
    #[inline]
    #[must_use]
    pub fn ready(&self) -> &[u8] {
        self.output.ready()
    }

    /// The first `len` bytes that were ready were taken.
    ///
    /// # Panics
    ///
    /// When `len` is more than are ready.
    #[inline]
    pub fn consume(&mut self, len: usize) {
        self.output.consume(len);
    }

    /// The bytes that are ready, for those who move them as a buffer or by the byte, or want
    /// consumed ones back.
    #[inline]
    pub(crate) fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Where the next coded bytes are to be read to. Empty when nothing more is to be read.
    ///
    /// With [`DecodeOptions::single_stream`] it ends where the current element of the stream ends,
    /// or with the block header that is certain to follow: whoever fills it takes no byte behind
    /// the stream. Without, there may be room for some blocks, which are decoded together if they
    /// come; what comes behind the last stream is [unused](Self::unused).
    ///
    /// Call it when [`step`](Decoder::step), with no input, needs input.
    ///
    /// # Errors
    ///
    /// [`Error::LimitExceeded`] when memory for it is not allowed or not there.
    pub fn space(&mut self) -> Result<&mut [u8], Error> {
        self.check()?;
        let block = self.deframer.block().filter(|_| self.reads_ahead());
        let blocks = block.map_or(1, |block| run::blocks_like(block, self.kernel()));
        match self.deframer.space(blocks) {
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
        self.tally.add_coded(len);
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
    }

    /// [`wait`](Decoder::wait) for tasks: pending until the oldest block comes back from its
    /// worker, which then wakes the task. Ready at once when none is under way.
    pub fn poll_wait(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.jobs.poll_wait(cx)
    }

    /// Gives back the memory of buffers that hold nothing, or no more than a part of a block
    /// header, and all that the calling thread keeps for its next block: sections and sequences of
    /// a chunk, planes of a block. Both are allocated again when they are needed. Each thread of a
    /// pool keeps as much, and this does not give it back.
    pub fn release_buffers(&mut self) {
        block::release_thread_memory();
        self.release_stream_buffers();
    }

    /// Gives back the memory of this stream alone. The thread's is for its next block, of whichever
    /// stream.
    pub(crate) fn release_stream_buffers(&mut self) {
        self.output.release();
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
        self.tally.progress()
    }

    /// Coded bytes that were taken and not decoded: a block header, what was read behind it, or
    /// what follows the last stream.
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
        self.deframer.reset(&self.options);
        self.header = None;
        self.tally.clear();
    }

    /// Goes on at a block header elsewhere in the input, which must be `expected`.
    pub(crate) fn resume(&mut self, position: &StreamPosition, expected: [u8; HEADER_LEN]) {
        self.clear();
        self.deframer.resume(position, expected);
        self.begin_stream(position.header);
        // Blocks that were jumped over are missing in the check.
        self.tally.begin_stream(position.blocks == 0 && position.header.content_check);
    }

    pub(crate) fn options(&self) -> &DecodeOptions {
        &self.options
    }

    /// Bytes that the element in progress still needs, and that need not be copied if they come in
    /// one piece. 0: they may come in pieces.
    #[cfg(feature = "codec")]
    pub(crate) fn missing_in_one_piece(&self) -> usize {
        if let Wants::Element { missing, .. } = self.deframer.wants() { missing } else { 0 }
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

    /// What the deframer found in `input`. Comes back: bytes given to `room`, and the status if
    /// that ends a step.
    fn take_event(
        &mut self,
        event: Option<Event>,
        input: &[u8],
        room: &mut impl Room,
        op: Op,
    ) -> Result<(usize, Option<Status>), Error> {
        let mut given = 0;
        let status = match event {
            None => self.pause(op),
            Some(Event::StreamHeader(header)) => {
                self.begin_stream(header);
                self.tally.begin_stream(header.content_check);
                None
            }
            Some(Event::Block(block)) if self.decodes_here(&block) => {
                given = self.decode_here(&block, input, room)?;
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

    /// All input was taken.
    fn pause(&mut self, op: Op) -> Option<Status> {
        let (missing, begun) = match self.deframer.wants() {
            Wants::Nothing => return None,
            Wants::Element { missing, begun } => (missing, begun),
            Wants::Payload { left } => (usize::try_from(left).unwrap_or(usize::MAX), true),
        };
        if op == Op::Finish {
            self.fault = self.deframer.end_of_input().err();
            return None;
        }
        // The rest of an element that has begun is on its way. Before another one begins, its
        // sender may wait for an answer to the blocks that are under way.
        if self.jobs.len() > 0 && (op == Op::Flush || !begun) {
            return Some(Status::InFlight { blocks: self.jobs.len() });
        }
        Some(if op == Op::Flush { Status::Flushed } else { Status::NeedsInput { at_least: missing } })
    }

    fn decodes_here(&self, block: &BlockEvent) -> bool {
        let raw_len = block.header.raw_len();
        // Only a stream's last block, or one that was flushed, has half the length of the largest.
        let full = self.header.map_or(0, |header| 1 << header.max_block_log2);
        self.jobs.leaves_to_caller(raw_len, 2 * raw_len <= full)
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
        self.jobs.expect_blocks(1 << header.max_block_log2, &self.options.work);
        self.header = Some(header);
    }

    /// Decodes a block to `room` if that has some for it, to [`Decoder::ready`] if not. How many
    /// bytes went to `room` comes back.
    fn decode_here(&mut self, block: &BlockEvent, input: &[u8], room: &mut impl Room) -> Result<usize, Error> {
        let (raw_len, resources) = (block.header.raw_len(), self.resources());
        let coded = Coded::new(block.header, self.deframer.bytes(&block.body, input));
        let own = self.output.renew();
        let is_placed = room.has(raw_len);
        let (raw, decoded) = if is_placed {
            own.clear();
            room.write_with(raw_len, |spare| written_or_not(coded.decode(spare, &resources)))
        } else {
            if let Err(error) = self.options.limits.grow(own, raw_len, block.offset) {
                self.output.clear();
                return self.fail(error);
            }
            own.truncate(raw_len);
            let decoded = coded.decode(Spare::from(&mut own[..]), &resources).map(drop);
            (&own[..], decoded)
        };
        if let Err(reason) = decoded {
            // Nothing of a bad block is ever shown, and nothing of an older one.
            self.output.clear();
            return self.fail(reason.at(Part::Block(block.number), block.offset));
        }
        self.tally.add_content(raw);
        self.tally.add_block(raw_len);
        Ok(if is_placed { raw_len } else { 0 })
    }

    fn resources(&self) -> Resources {
        Resources::new(self.options.kernel, self.options.base.as_ref())
    }

    fn submit(&mut self, block: &BlockEvent, input: &[u8]) -> Result<(), Error> {
        let (mut body, mut raw) = self.spare.pop().unwrap_or_default();
        let raw_len = block.header.raw_len();
        let body_len = body_len(&block.header);
        self.options.limits.grow(&mut raw, raw_len, block.offset)?;
        match &block.body {
            Span::Buffer(_) => body = self.deframer.exchange_buffer(body)?,
            span @ Span::Input(_) => {
                self.options.limits.grow(&mut body, body_len, block.offset)?;
                body[..body_len].copy_from_slice(self.deframer.bytes(span, input));
            }
        }
        self.jobs.submit(DecodeJob {
            header: block.header,
            body,
            raw,
            resources: self.resources(),
            number: block.number,
            offset: block.offset,
            result: Ok(()),
        });
        Ok(())
    }

    fn finish_job(&mut self, job: Result<DecodeJob, Lost>) -> Result<(), Error> {
        let Ok(mut job) = job else {
            return self.fail(Error::WorkerLost { block: self.tally.progress().blocks() });
        };
        if let Err(error) = job.result {
            return self.fail(error);
        }
        let raw_len = job.header.raw_len();
        job.raw.truncate(raw_len);
        let old = self.output.replace(job.raw);
        self.spare.push((job.body, old));
        self.tally.add_content(self.output.ready());
        self.tally.add_block(raw_len);
        Ok(())
    }

    fn verify_content(&mut self, stored: Option<u64>, offset: u64) -> Result<(), Error> {
        match (stored, self.tally.content_check()) {
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

    fn clear(&mut self) {
        self.jobs.cancel();
        self.output.clear();
        (self.fault, self.end) = (None, None);
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

/// What a block wrote, and what it has against it.
fn written_or_not(decoded: Result<Written<'_>, PayloadError>) -> (Written<'_>, Result<(), PayloadError>) {
    match decoded {
        Ok(written) => (written, Ok(())),
        Err(reason) => (Written::default(), Err(reason)),
    }
}

impl Machine for Decoder {
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// At most one part of the stream, or one finished block. A block is decoded straight to `room`
    /// if that has some for it.
    fn advance(&mut self, input: &[u8], room: &mut impl Room, op: Op) -> Result<Move, Error> {
        self.check()?;
        if !self.output.is_empty() {
            return Ok(Status::NeedsOutput { ready: self.ready().len() }.into());
        }
        if let Some(job) = self.jobs.take() {
            self.finish_job(job)?;
            return Ok(Move::default());
        }
        if let Some(status) = self.before_next()? {
            return Ok(status.into());
        }
        if self.works_side_by_side(input)
            && let Some(len) = room.side_by_side(input.len())
        {
            let (_, done) = room.write_with(len, |spare| self.decode_side_by_side(input, spare));
            return self.after_stretches(done, input, room, op);
        }
        if self.works_on_runs()
            && let Some(moved) = self.advance_by_run(input, room)?
        {
            return Ok(moved);
        }
        let (taken, event) = match self.deframer.next(input) {
            Ok(next) => next,
            Err(error) => {
                self.fault = Some(error);
                return Ok(Move::default());
            }
        };
        self.tally.add_coded(taken);
        let (given, status) = self.take_event(event, input, room, op)?;
        Ok(Move { taken, given, status })
    }
}

mod job;
mod run;
mod side_by_side;
#[cfg(all(test, any(feature = "gpu", feature = "rayon")))]
mod tests;
