//! Adapters that are read from.

use std::{
    io::{self, SeekFrom},
    task::{Context, Poll, ready},
    time::Instant,
};

use crate::{
    options::{DecodeOptions, EncodeOptions},
    poll::{FlushPolicy, FlushTimer, SeekSource, Source, poll_read_some},
    progress::Progress,
    stream::{ApplicationData, Call, Decoder, Need, Op, PullEncoder, Room, Seeker, Status, Step},
    sync::call_out,
};

/// Decodes what its inner reader gives: the state of a `RansReader`.
#[derive(Debug)]
pub(crate) struct DecodeSource {
    decoder: Decoder,
    seeker: Seeker,
    /// The inner reader has begun the seek that it was asked for last.
    inner_seeks: bool,
}

impl DecodeSource {
    pub(crate) fn new(options: DecodeOptions) -> Self {
        Self { decoder: Decoder::new(options.for_task()), seeker: Seeker::default(), inner_seeks: false }
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.decoder.progress()
    }

    pub(crate) fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.decoder.next_application_data()
    }

    pub(crate) fn unused(&self) -> &[u8] {
        self.decoder.unused()
    }

    /// Begins anew, without waiting for blocks under way.
    pub(crate) fn reset(&mut self) {
        self.decoder.reset();
        self.seeker.reset();
        self.inner_seeks = false;
    }

    /// Raw bytes that the stream's header declares, which is read first.
    pub(crate) fn poll_content_length(
        &mut self,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<u64>>> {
        loop {
            if let Some(header) = self.decoder.header() {
                return Poll::Ready(Ok(header.content_length));
            }
            let step = self.decoder.step(&[], &mut [], Op::Run)?;
            // No byte behind the header is waited for.
            if self.decoder.header().is_none() {
                ready!(self.poll_behind(step, inner, cx, &mut &mut [][..]))?;
            }
        }
    }

    /// Begins a seek. One that is under way is given up.
    pub(crate) fn begin_seek(&mut self, to: SeekFrom) {
        self.seeker.begin(to, &mut self.decoder);
        self.inner_seeks = false;
    }

    /// Begins a seek unless it is under way, and goes on with it.
    #[cfg(feature = "futures-io")]
    pub(crate) fn poll_seek(
        &mut self,
        inner: &mut impl SeekSource,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        if !self.seeker.is_on_its_way(to, &self.decoder) {
            self.begin_seek(to);
        }
        self.poll_sought(inner, cx)
    }

    /// Goes on with the seek that was begun, and gives the place. Without one that is this place.
    pub(crate) fn poll_sought(&mut self, inner: &mut impl SeekSource, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            match self.seeker.call(&mut self.decoder)? {
                Call::Done(position) => return Poll::Ready(Ok(position)),
                Call::Seek(to) => {
                    let sought = ready!(call_out(|| inner.poll_seek(cx, to, &mut self.inner_seeks)));
                    let place = sought.inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.sought(place, &mut self.decoder);
                }
                Call::Read => {
                    let read = ready!(poll_read_some(inner, cx, self.seeker.space()));
                    let read = read.inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.commit(read);
                }
            }
        }
    }

    /// Raw bytes that are ready; none at the end.
    pub(crate) fn poll_fill(&mut self, inner: &mut impl Source, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.decoder.ready().is_empty() || self.seeker.skips() {
            ready!(self.poll_next(inner, cx, &mut &mut [][..]))?;
        }
        Poll::Ready(Ok(self.decoder.ready()))
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.decoder.consume(len);
    }

    /// How many bytes went to `room`, which has some; 0 at the end. A block that it has room for is
    /// decoded straight to it.
    pub(crate) fn poll_read(
        &mut self,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
        room: &mut impl Room,
    ) -> Poll<io::Result<usize>> {
        let mut read = if self.seeker.skips() { 0 } else { self.decoder.output().give(room) };
        if read == 0 {
            read = ready!(self.poll_next(inner, cx, room))?;
        }
        if read == 0 {
            read = self.decoder.output().give(room);
        }
        Poll::Ready(Ok(read))
    }

    /// Ready when so many bytes went to `room`, when bytes are ready, or at the end.
    fn poll_next(
        &mut self,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
        room: &mut impl Room,
    ) -> Poll<io::Result<usize>> {
        while !self.seeker.is_past_end() {
            // What is before the place that was sought goes nowhere.
            let step = if self.seeker.skips() {
                let step = self.decoder.step(&[], &mut [], Op::Run)?;
                ready!(self.poll_behind(step, inner, cx, &mut &mut [][..]))?
            } else {
                let step = self.decoder.step_to(&[], room, Op::Run)?;
                ready!(self.poll_behind(step, inner, cx, room))?
            };
            self.seeker.skip(&mut self.decoder);
            if step.produced > 0 || !self.decoder.ready().is_empty() {
                return Poll::Ready(Ok(step.produced));
            }
            if step.status == Status::Finished {
                break;
            }
        }
        Poll::Ready(Ok(0))
    }

    /// Brings what a step waits for: input, or a block of a worker.
    fn poll_behind(
        &mut self,
        step: Step,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
        room: &mut impl Room,
    ) -> Poll<io::Result<Step>> {
        if step.produced > 0 {
            return Poll::Ready(Ok(step));
        }
        match step.status {
            Status::NeedsInput { .. } => {
                if !self.seeker.is_in_place() {
                    return Poll::Ready(Err(Seeker::displaced()));
                }
                match poll_read_some(inner, cx, self.decoder.space()?) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Ok(self.decoder.step_to(&[], room, Op::Finish)?)),
                    Poll::Ready(Ok(read)) => self.decoder.commit(read),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if self.decoder.in_flight() > 0 => ready!(self.decoder.poll_wait(cx)),
                    Poll::Pending => {
                        self.decoder.release_stream_buffers();
                        return Poll::Pending;
                    }
                }
            }
            Status::InFlight { .. } => ready!(self.decoder.poll_wait(cx)),
            _ => {}
        }
        Poll::Ready(Ok(step))
    }
}

/// Codes what its inner reader gives: the state of a reading `RansEncoder`.
#[derive(Debug)]
pub(crate) struct EncodeSource {
    encoder: PullEncoder,
    flush_timer: FlushTimer,
    /// Turns that the source had since its last byte to bring another, see [`Self::spares_a_turn`].
    turns: u32,
}

/// A block of so many raw bytes spends less than a twentieth of them on its framing.
const SMALL_LEN: usize = 256;

/// Small blocks that every stream may have, whatever their share: a dialogue's first words go out
/// at once.
const FIRST_SMALL_BLOCKS: u64 = 8;

/// Enough for tokio's scheduler, which looks at its sockets every 61 turns of its tasks.
const MAX_TURNS: u32 = 64;

impl EncodeSource {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        let encoder = PullEncoder::new(options.for_task());
        Self { encoder, flush_timer: FlushTimer::new(FlushPolicy::OnPause), turns: 0 }
    }

    pub(crate) fn set_flush_policy(&mut self, policy: FlushPolicy) {
        self.flush_timer = FlushTimer::new(policy);
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.encoder.progress()
    }

    /// When what was read is to be given. `None` also while there is something to give.
    pub(crate) fn next_flush(&self) -> Option<Instant> {
        if self.encoder.has_output() { None } else { self.flush_timer.due() }
    }

    /// What was read is to be given now, whatever the clock says.
    #[cfg(feature = "tokio")]
    pub(crate) fn flush_now(&mut self) -> io::Result<()> {
        self.cut()
    }

    /// Raw bytes that were read and are in no block yet.
    pub(crate) fn uncoded(&self) -> &[u8] {
        self.encoder.uncoded()
    }

    /// Coded bytes that are ready.
    pub(crate) fn ready(&self) -> &[u8] {
        self.encoder.ready()
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.encoder.consume(len);
    }

    /// Begins a new stream, without waiting for the blocks of the old one.
    pub(crate) fn reset(&mut self) {
        self.encoder.reset();
        self.flush_timer.sent();
        self.turns = 0;
    }

    /// Ready when coded bytes are, or at the end.
    pub(crate) fn poll_ready(&mut self, inner: &mut impl Source, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.flush_timer.is_due(false) && !self.encoder.has_output() {
                self.cut()?;
            }
            match self.encoder.need()? {
                Need::Nothing => return Poll::Ready(Ok(())),
                Need::Worker => ready!(self.encoder.poll_wait(cx)),
                Need::Input => match poll_read_some(inner, cx, self.encoder.space()?) {
                    Poll::Ready(Ok(read)) => self.take(read)?,
                    Poll::Ready(Err(error)) => self.encoder.fail(error),
                    Poll::Pending => ready!(self.poll_pause(cx))?,
                },
            }
        }
    }

    fn take(&mut self, read: usize) -> io::Result<()> {
        self.encoder.commit(read)?;
        self.turns = 0;
        if self.encoder.uncoded().is_empty() {
            self.flush_timer.sent();
        } else {
            self.flush_timer.taken();
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.encoder.cut()?;
        if self.encoder.uncoded().is_empty() {
            self.flush_timer.sent();
        }
        Ok(())
    }

    /// The inner reader has nothing yet. Ready: there is something to look at.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.encoder.uncoded().is_empty() && self.flush_timer.is_due(true) {
            if self.spares_a_turn() {
                self.turns += 1;
                call_out(|| cx.waker().wake_by_ref());
                return Poll::Pending;
            }
            self.cut()?;
        }
        if self.encoder.has_output() {
            return Poll::Ready(Ok(()));
        }
        if self.encoder.in_flight() > 0 {
            ready!(self.encoder.poll_wait(cx));
            return Poll::Ready(Ok(()));
        }
        if self.encoder.uncoded().is_empty() {
            self.encoder.release_stream_buffers();
        }
        Poll::Pending
    }

    /// Whether a small block waits for more bytes: framing has taken more than its share of the
    /// stream, and the source gets some turns to go on. One that does not within these really
    /// pauses. This needs no timer, which not every runtime has.
    fn spares_a_turn(&self) -> bool {
        let progress = self.encoder.progress();
        let framing = PullEncoder::framing(progress.blocks().saturating_sub(FIRST_SMALL_BLOCKS));
        self.flush_timer.policy == FlushPolicy::OnPause
            && self.encoder.uncoded().len() < SMALL_LEN
            && framing > progress.raw_bytes() / 20
            && self.turns < MAX_TURNS
    }
}
