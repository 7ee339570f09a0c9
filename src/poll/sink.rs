//! Adapters that are written to.

use std::{
    io,
    panic::{RefUnwindSafe, UnwindSafe},
    task::{Context, Poll, ready},
    time::Instant,
};

use crate::{
    error::Error,
    options::{DecodeOptions, EncodeOptions},
    poll::{FlushPolicy, FlushTimer, Sink, poll_write_some},
    progress::Progress,
    stream::{ApplicationData, Decoder, Encoder, Op, Status},
};

/// How far the end of a stream has come. Each step is taken once, however often it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Takes no more bytes.
    Finishing,
    /// Everything is out, and the inner writer was flushed.
    Finished,
    /// The inner writer was shut down.
    Closed,
}

/// What every call looks at first.
#[derive(Debug)]
struct Course {
    phase: Phase,
    /// An error of a write that had already taken bytes.
    deferred: Option<io::Error>,
}

/// `io::Error` alone says otherwise, because it may hold any error type. Nothing looks into it
/// here.
impl UnwindSafe for Course {}
impl RefUnwindSafe for Course {}

impl Course {
    fn new() -> Self {
        Self { phase: Phase::Open, deferred: None }
    }

    /// The deferred error, once.
    fn report(&mut self) -> io::Result<()> {
        self.deferred.take().map_or(Ok(()), Err)
    }

    /// Bytes are still taken.
    fn expect_open(&self) -> io::Result<()> {
        if self.phase == Phase::Open { Ok(()) } else { Err(Error::Finished.into()) }
    }

    fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished | Phase::Closed)
    }
}

/// Codes what is written to it: the state of a `RansWriter`.
#[derive(Debug)]
pub(crate) struct EncodeSink {
    encoder: Encoder,
    flush_timer: FlushTimer,
    course: Course,
}

impl EncodeSink {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        let encoder = Encoder::new(options.for_task());
        Self { encoder, flush_timer: FlushTimer::new(FlushPolicy::Never), course: Course::new() }
    }

    pub(crate) fn set_flush_policy(&mut self, policy: FlushPolicy) {
        self.flush_timer = FlushTimer::new(policy);
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.encoder.progress()
    }

    /// Begins a new stream, without waiting for the blocks of the old one.
    pub(crate) fn reset(&mut self) {
        self.encoder.reset();
        self.flush_timer.sent();
        self.course = Course::new();
    }

    /// When what was taken is to be flushed.
    pub(crate) fn next_flush(&self) -> Option<Instant> {
        self.flush_timer.due()
    }

    /// Application data behind everything taken so far, once that is out.
    pub(crate) fn poll_application_data(
        &mut self,
        inner: &mut impl Sink,
        cx: &mut Context<'_>,
        kind: u16,
        data: &[u8],
    ) -> Poll<io::Result<()>> {
        self.course.report()?;
        self.course.expect_open()?;
        while !self.encoder.application_data(kind, data)? {
            ready!(self.poll_advance(inner, cx))?;
        }
        self.flush_timer.taken();
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_write(
        &mut self,
        inner: &mut impl Sink,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.course.report()?;
        self.course.expect_open()?;
        // A stream header goes out with the first block.
        if self.encoder.progress().blocks() > 0
            && let Poll::Ready(sent) = self.poll_drain(inner, cx)
        {
            sent?;
        }
        loop {
            let taken = self.encoder.step(buf, &mut [], Op::Run)?.consumed;
            if taken > 0 || buf.is_empty() {
                if taken > 0 {
                    self.flush_timer.taken();
                }
                if self.flush_timer.is_due(true) {
                    self.course.deferred = self.send(inner, cx).err();
                }
                return Poll::Ready(Ok(taken));
            }
            ready!(self.poll_advance(inner, cx))?;
        }
    }

    pub(crate) fn poll_flush(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.course.report()?;
        if self.course.is_finished() {
            return Poll::Ready(Ok(()));
        }
        while self.encoder.step(&[], &mut [], Op::Flush)?.status != Status::Flushed {
            ready!(self.poll_advance(inner, cx))?;
        }
        self.poll_settle(inner, cx)
    }

    /// End mark and flush.
    pub(crate) fn poll_finish(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.course.report()?;
        if self.course.is_finished() {
            return Poll::Ready(Ok(()));
        }
        self.course.phase = Phase::Finishing;
        while self.encoder.step(&[], &mut [], Op::Finish)?.status != Status::Finished {
            ready!(self.poll_advance(inner, cx))?;
        }
        ready!(self.poll_settle(inner, cx))?;
        self.course.phase = Phase::Finished;
        Poll::Ready(Ok(()))
    }

    /// End mark, flush and shutdown.
    pub(crate) fn poll_close(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.course.phase != Phase::Closed {
            ready!(self.poll_finish(inner, cx))?;
            ready!(inner.poll_close(cx))?;
            self.course.phase = Phase::Closed;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what was taken, as far as the inner writer takes it at once.
    fn send(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> io::Result<()> {
        self.encoder.step(&[], &mut [], Op::Flush)?;
        if let Poll::Ready(sent) = self.poll_drain(inner, cx) {
            sent?;
            let status = self.encoder.step(&[], &mut [], Op::Flush)?.status;
            if status == Status::Flushed
                && let Poll::Ready(flushed) = self.poll_settle(inner, cx)
            {
                return flushed;
            }
        }
        Ok(())
    }

    /// Everything is out: flushes the inner writer and gives memory back.
    fn poll_settle(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush_timer.sent();
        self.encoder.release_stream_buffers();
        inner.poll_flush(cx)
    }

    /// Sends what is ready; with nothing ready, waits for a worker.
    fn poll_advance(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(inner, cx))?;
        if self.encoder.ready().is_empty() {
            ready!(self.encoder.poll_wait(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_drain(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.encoder.ready().is_empty() {
            let written = ready!(poll_write_some(inner, cx, self.encoder.ready()))?;
            self.encoder.consume(written);
        }
        Poll::Ready(Ok(()))
    }
}

/// Decodes what is written to it: the state of a writing `RansDecoder`.
#[derive(Debug)]
pub(crate) struct DecodeSink {
    decoder: Decoder,
    course: Course,
}

impl DecodeSink {
    pub(crate) fn new(options: DecodeOptions) -> Self {
        Self { decoder: Decoder::new(options.for_task()), course: Course::new() }
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.decoder.progress()
    }

    /// Begins anew, without waiting for blocks under way.
    pub(crate) fn reset(&mut self) {
        self.decoder.reset();
        self.course = Course::new();
    }

    pub(crate) fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.decoder.next_application_data()
    }

    pub(crate) fn poll_write(
        &mut self,
        inner: &mut impl Sink,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.course.report()?;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.course.expect_open()?;
        loop {
            ready!(self.poll_drain(inner, cx))?;
            let step = self.decoder.step(buf, &mut [], Op::Run)?;
            if step.consumed > 0 {
                if let Poll::Ready(sent) = self.poll_drain(inner, cx) {
                    self.course.deferred = sent.err();
                }
                return Poll::Ready(Ok(step.consumed));
            }
            match step.status {
                Status::Finished if self.decoder.ignores_the_rest() => return Poll::Ready(Ok(buf.len())),
                Status::Finished => return Poll::Ready(Err(Error::Finished.into())),
                Status::InFlight { .. } => ready!(self.decoder.poll_wait(cx)),
                _ => {}
            }
        }
    }

    pub(crate) fn poll_flush(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.course.report()?;
        if self.course.is_finished() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_run(inner, cx, Op::Flush))?;
        self.decoder.release_stream_buffers();
        inner.poll_flush(cx)
    }

    /// There is no more input: everything out, and flush.
    pub(crate) fn poll_finish(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.course.report()?;
        if self.course.is_finished() {
            return Poll::Ready(Ok(()));
        }
        self.course.phase = Phase::Finishing;
        ready!(self.poll_run(inner, cx, Op::Finish))?;
        self.decoder.release_stream_buffers();
        ready!(inner.poll_flush(cx))?;
        self.course.phase = Phase::Finished;
        Poll::Ready(Ok(()))
    }

    /// There is no more input: everything out, flush and shutdown.
    pub(crate) fn poll_close(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.course.phase != Phase::Closed {
            ready!(self.poll_finish(inner, cx))?;
            ready!(inner.poll_close(cx))?;
            self.course.phase = Phase::Closed;
        }
        Poll::Ready(Ok(()))
    }

    /// Until everything is out that `op` asks for.
    fn poll_run(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>, op: Op) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_drain(inner, cx))?;
            match self.decoder.step(&[], &mut [], op)?.status {
                Status::Flushed | Status::Finished => return Poll::Ready(Ok(())),
                Status::InFlight { .. } => ready!(self.decoder.poll_wait(cx)),
                _ => {}
            }
        }
    }

    fn poll_drain(&mut self, inner: &mut impl Sink, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.decoder.ready().is_empty() {
            let written = ready!(poll_write_some(inner, cx, self.decoder.ready()))?;
            self.decoder.consume(written);
        }
        Poll::Ready(Ok(()))
    }
}
