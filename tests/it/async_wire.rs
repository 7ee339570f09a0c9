//! Inner streams that pend, cut and fail by plan, and an executor that misses nothing.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// When an inner stream is ready, and for how many bytes.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Always, for everything.
    Ready,
    /// Every second time, for everything.
    PendsOnce { pended: bool },
    /// Every second time, for one byte: a slow peer.
    Trickle { pended: bool },
    /// By chance, for by chance many bytes.
    Random { seed: u64, calls: u64 },
}

impl Schedule {
    /// One of each kind.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Ready, Self::PendsOnce { pended: false }, Self::Trickle { pended: false }];
        all.extend((0..3).map(Self::random));
        all
    }

    pub fn random(seed: u64) -> Self {
        Self::Random { seed, calls: 0 }
    }

    /// How many of `len` bytes the next call moves. Pending: the task was woken at once.
    fn poll(&mut self, cx: &Context<'_>, len: usize) -> Poll<usize> {
        let (pends, len) = match self {
            Self::Ready => (false, len),
            Self::PendsOnce { pended } => {
                *pended = !*pended;
                (*pended, len)
            }
            Self::Trickle { pended } => {
                *pended = !*pended;
                (*pended, len.min(1))
            }
            Self::Random { seed, calls } => {
                *calls += 1;
                let mut random = StdRng::seed_from_u64(*seed << 32 | *calls);
                (random.random_ratio(1, 3), random.random_range(len.min(1)..=len))
            }
        };
        if pends {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(len)
    }
}

/// What comes when a [`Wire`]'s bytes are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Eof,
    Reset,
    /// Nothing, for ever. The task is not woken.
    Silence,
}

/// Bytes to be read.
#[derive(Debug, Clone)]
pub struct Wire {
    pub bytes: Vec<u8>,
    pub schedule: Schedule,
    pub ending: Ending,
    /// Bytes that were read.
    pub at: usize,
    pub polls: usize,
    pub ended: bool,
}

impl Wire {
    pub fn new(bytes: &[u8], schedule: Schedule, ending: Ending) -> Self {
        Self { bytes: bytes.to_vec(), schedule, ending, at: 0, polls: 0, ended: false }
    }

    fn poll(&mut self, cx: &Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!self.ended, "the wire was polled after its end");
        assert!(!buf.is_empty(), "a read of no bytes looks like the end");
        self.polls += 1;
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return match self.ending {
                Ending::Eof => {
                    self.ended = true;
                    Poll::Ready(Ok(0))
                }
                Ending::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Ending::Silence => Poll::Pending,
            };
        }
        let Poll::Ready(len) = self.schedule.poll(cx, rest.len().min(buf.len())) else { return Poll::Pending };
        buf[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        Poll::Ready(Ok(len))
    }
}

/// For the std flavour: never pends.
impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Poll::Ready(result) = self.poll(&Context::from_waker(Waker::noop()), buf) {
                return result;
            }
        }
    }
}

impl futures_util::AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll(cx, buf)
    }
}

impl tokio::io::AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = self.get_mut().poll(cx, buf.initialize_unfilled());
        polled.map_ok(|len| buf.advance(len))
    }
}

/// A place for bytes that are written.
#[derive(Debug, Clone)]
pub struct Store {
    pub bytes: Vec<u8>,
    pub schedule: Schedule,
    /// After so many bytes, every write fails.
    pub resets_at: usize,
    pub polls: usize,
    /// Bytes that had arrived at the last flush.
    pub flushed: usize,
    pub closed: usize,
}

impl Store {
    pub fn new(schedule: Schedule) -> Self {
        Self { bytes: Vec::new(), schedule, resets_at: usize::MAX, polls: 0, flushed: 0, closed: 0 }
    }

    fn poll_write(&mut self, cx: &Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        assert_eq!(self.closed, 0, "the store was written to after its shutdown");
        assert!(!buf.is_empty(), "a write of no bytes does nothing");
        self.polls += 1;
        let room = self.resets_at.saturating_sub(self.bytes.len());
        if room == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let Poll::Ready(len) = self.schedule.poll(cx, buf.len().min(room)) else { return Poll::Pending };
        // A writer that takes nothing says so by pending, never by 0.
        let len = len.max(1);
        self.bytes.extend(&buf[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        assert_eq!(self.closed, 0, "the store was flushed after its shutdown");
        self.polls += 1;
        if self.schedule.poll(cx, 1).is_pending() {
            return Poll::Pending;
        }
        self.flushed = self.bytes.len();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.polls += 1;
        if self.schedule.poll(cx, 1).is_pending() {
            return Poll::Pending;
        }
        assert_eq!(self.flushed, self.bytes.len(), "shut down before it was flushed");
        self.closed += 1;
        Poll::Ready(Ok(()))
    }
}

/// For the std flavour: never pends.
impl Write for Store {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            if let Poll::Ready(result) = self.poll_write(&Context::from_waker(Waker::noop()), buf) {
                return result;
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = self.bytes.len();
        Ok(())
    }
}

impl futures_util::AsyncWrite for Store {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_close(cx)
    }
}

impl tokio::io::AsyncWrite for Store {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_close(cx)
    }
}

/// Wakes of one task. A task that pends and is not woken within a minute has lost its wake.
#[derive(Debug, Default)]
pub struct Wakes {
    woken: Mutex<bool>,
    arrived: Condvar,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.arrived.notify_all();
    }
}

impl Wakes {
    pub fn wait(&self) {
        let woken = self.woken.lock().unwrap();
        let (mut woken, timeout) =
            self.arrived.wait_timeout_while(woken, Duration::from_secs(60), |woken| !*woken).unwrap();
        assert!(!timeout.timed_out(), "the task pends, and nothing woke it");
        *woken = false;
    }
}

/// Polls until ready. Each poll makes its future anew and drops it, with a waker of its own: what
/// pends is abandoned and resumed at every point where that can be.
pub fn complete<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    for _ in 0..10_000_000 {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        if let Poll::Ready(value) = poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        wakes.wait();
    }
    panic!("ten million polls, and no end: it spins");
}
