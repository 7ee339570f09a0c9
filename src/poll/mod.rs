//! The one driver behind [`futures`](crate::futures) and [`tokio`](crate::tokio): it moves bytes
//! between the state machines of [`stream`](crate::stream) and an inner stream that is polled. It
//! knows no runtime.
//!
//! ```text
//!   futures::RansWriter ─┐                          ┌─ EncodeSink ──▶ Sink
//!   tokio::RansWriter  ──┴─ adapter: trait methods ─┤
//!                           of one runtime          └─ DecodeSource ─▶ Source
//! ```
//!
//! The two opposite directions go the same way.
//!
//! Three rules hold for every method here. All state is in the adapter, none in a future, so
//! whatever is dropped at a pending point goes on where it was. What is ready goes out before the
//! inner stream is polled. A method that returns pending has left its task's waker with whoever it
//! waits for: the inner stream, a worker, or both.

#[macro_use]
mod adapter;
#[macro_use]
mod duplex;
mod sink;
mod source;

use std::{
    io::{self, SeekFrom},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use crate::sync::call_out;

pub(crate) use adapter::{adapter_methods, reading_adapter, writing_adapter};
pub(crate) use duplex::{pass_buffered_reads, pass_writes};
pub(crate) use sink::{DecodeSink, EncodeSink};
pub(crate) use source::{DecodeSource, EncodeSource};

/// When an asynchronous encoder sends what it has without being asked to.
///
/// Every such point ends a block, and small blocks cost size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// When a block is full, or the caller flushes. The default of `RansWriter`.
    Never,
    /// When the input pauses.
    ///
    /// The input of a `RansEncoder`, whose default this is, pauses when its inner reader has
    /// nothing yet. One that pauses every few bytes would grow: once framing has taken a twentieth
    /// of the stream, a block below 256 bytes waits while some 64 turns of the task bring more. A
    /// source that is slower than that gets a block for each pause; [`FlushPolicy::Interval`]
    /// gathers what it brings.
    ///
    /// The input of a `RansWriter` pauses after each write, as far as it can tell: a task that
    /// writes nothing polls nothing. So write whole messages, and note that it does not wait for
    /// an inner writer that takes no more; what is left then goes out with the next write or
    /// flush. Loops that flush when their reader pauses, as `tokio::io::copy` does, need no policy.
    OnPause,
    /// When bytes have waited for so long.
    ///
    /// The clock is looked at whenever the adapter is polled. Between polls:
    ///
    /// - `tokio::RansEncoder` has a timer, which runs while a read waits and bytes wait with it. It
    ///   is tokio's own: without a runtime whose time is enabled, such a read panics as
    ///   `tokio::time::sleep` does.
    /// - `futures::RansEncoder` knows no timer. Its `next_flush` says when to poll it again.
    /// - Nothing polls a `RansWriter` but its owner. Its `next_flush` says when to flush it:
    #[cfg_attr(feature = "tokio", doc = "```")]
    #[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
    /// use std::time::Duration;
    ///
    /// use ranstream::{FlushPolicy, tokio::RansWriter};
    /// use tokio::{io::{AsyncWrite, AsyncWriteExt}, sync::mpsc, time};
    ///
    /// async fn send(
    ///     mut lines: mpsc::Receiver<String>,
    ///     socket: impl AsyncWrite + Unpin,
    /// ) -> std::io::Result<()> {
    ///     let policy = FlushPolicy::Interval(Duration::from_millis(20));
    ///     let mut writer = RansWriter::new(socket).flush_policy(policy);
    ///     loop {
    ///         let due = writer.next_flush();
    ///         tokio::select! {
    ///             line = lines.recv() => match line {
    ///                 Some(line) => writer.write_all(line.as_bytes()).await?,
    ///                 None => return writer.shutdown().await,
    ///             },
    ///             () = async { time::sleep_until(due.unwrap().into()).await },
    ///                 if due.is_some() => writer.flush().await?,
    ///         }
    ///     }
    /// }
    /// # let (lines, receiver) = mpsc::channel(1);
    /// # drop(lines);
    /// # tokio_test::block_on(send(receiver, tokio::io::sink())).unwrap();
    /// ```
    Interval(Duration),
}

/// What runtimes' writers have in common.
pub(crate) trait Sink {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// What runtimes' readers have in common.
pub(crate) trait Source {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// What runtimes' readers that can seek have in common.
pub(crate) trait SeekSource: Source {
    /// `started`: whether this seek was begun by an earlier call, which came back pending. False
    /// again when it is done.
    fn poll_seek(&mut self, cx: &mut Context<'_>, to: SeekFrom, started: &mut bool) -> Poll<io::Result<u64>>;
}

/// Writes at least one byte. Interrupted writes are repeated.
fn poll_write_some(inner: &mut impl Sink, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        return Poll::Ready(match ready!(inner.poll_write(cx, bytes)) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::WriteZero, "the inner writer takes nothing more")),
            Ok(written) if written > bytes.len() => {
                Err(io::Error::other(format!("the inner writer claims {written} bytes of {}", bytes.len())))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result,
        });
    }
}

/// Reads once. Interrupted reads are repeated.
fn poll_read_some(inner: &mut impl Source, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
    loop {
        return Poll::Ready(match ready!(call_out(|| inner.poll_read(cx, space))) {
            Ok(read) if read > space.len() => {
                Err(io::Error::other(format!("the inner reader claims {read} bytes, room was for {}", space.len())))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result,
        });
    }
}

/// Tells when bytes that wait are to go out.
#[derive(Debug)]
struct FlushTimer {
    policy: FlushPolicy,
    /// When the oldest byte that waits was taken; kept for [`FlushPolicy::Interval`] only.
    oldest: Option<Instant>,
}

impl FlushTimer {
    fn new(policy: FlushPolicy) -> Self {
        Self { policy, oldest: None }
    }

    fn taken(&mut self) {
        if let FlushPolicy::Interval(_) = self.policy {
            self.oldest.get_or_insert_with(Instant::now);
        }
    }

    fn sent(&mut self) {
        self.oldest = None;
    }

    /// When the bytes that wait are to go out. `None`: none wait, or the policy names no time.
    fn due(&self) -> Option<Instant> {
        match self.policy {
            FlushPolicy::Interval(interval) => self.oldest?.checked_add(interval),
            FlushPolicy::Never | FlushPolicy::OnPause => None,
        }
    }

    /// Whether to send now. `pauses`: the input does.
    fn is_due(&self, pauses: bool) -> bool {
        match self.policy {
            FlushPolicy::Never => false,
            FlushPolicy::OnPause => pauses,
            FlushPolicy::Interval(_) => self.due().is_some_and(|due| due <= Instant::now()),
        }
    }
}
