//! The timer behind [`FlushPolicy::Interval`] of a reading encoder.

use std::{
    io,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use ::tokio::time::{Sleep, sleep};

use crate::{
    options::EncodeOptions,
    poll::{EncodeSource, FlushPolicy, Source},
    progress::Progress,
};

/// An [`EncodeSource`] that has its task polled again when bytes have waited long enough.
#[derive(Debug)]
pub(super) struct TimedSource {
    source: EncodeSource,
    /// Runs only while a read waits and bytes wait with it.
    timer: Option<Pin<Box<Sleep>>>,
}

/// tokio's timer alone says otherwise. After a panic it is at worst polled once more.
impl UnwindSafe for TimedSource {}
impl RefUnwindSafe for TimedSource {}

impl TimedSource {
    pub(super) fn new(options: EncodeOptions) -> Self {
        Self { source: EncodeSource::new(options), timer: None }
    }

    pub(super) fn set_flush_policy(&mut self, policy: FlushPolicy) {
        self.source.set_flush_policy(policy);
        self.timer = None;
    }

    pub(super) fn reset(&mut self) {
        self.source.reset();
        self.timer = None;
    }

    pub(super) fn progress(&self) -> &Progress {
        self.source.progress()
    }

    pub(super) fn next_flush(&self) -> Option<Instant> {
        self.source.next_flush()
    }

    pub(super) fn uncoded(&self) -> &[u8] {
        self.source.uncoded()
    }

    pub(super) fn ready(&self) -> &[u8] {
        self.source.ready()
    }

    pub(super) fn consume(&mut self, len: usize) {
        self.source.consume(len);
    }

    /// Ready when coded bytes are, or at the end.
    pub(super) fn poll_ready(&mut self, inner: &mut impl Source, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.source.poll_ready(inner, cx)?.is_pending() {
            let Some(due) = self.source.next_flush() else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer =
                self.timer.get_or_insert_with(|| Box::pin(sleep(due.saturating_duration_since(Instant::now()))));
            ready!(timer.as_mut().poll(cx));
            // The timer has the say, not the clock: time that a test has paused passes for it
            // alone.
            self.timer = None;
            self.source.flush_now()?;
        }
        self.timer = None;
        Poll::Ready(Ok(()))
    }
}
