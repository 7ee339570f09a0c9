//! A network in memory whose links delay, cut, reset and half-close by plan, and an executor that
//! knows when nothing can move any more.
//!
//! Time does not pass: bytes that were sent arrive when no task can go on. So a run is the same for
//! the same seed, and a task that waits for what never comes is seen at once.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

/// Bytes that a link holds for a reader that does not read.
const CAPACITY: usize = 3000;

/// How a link's stream ends, if not as its writer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// After so many bytes both sides get `ConnectionReset`.
    Reset(usize),
    /// After so many bytes the reader sees the end.
    End(usize),
}

/// Whether anything more arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    /// The end has arrived behind the last byte.
    Ended,
    Reset,
}

#[derive(Debug)]
struct Link {
    sent: VecDeque<u8>,
    arrived: VecDeque<u8>,
    delivered: usize,
    cut: bool,
    fault: Fault,
    closed: bool,
    over: Over,
    reader_is_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Link {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }

    /// `len` of the bytes that were sent arrive, in order.
    fn deliver(&mut self, len: usize) {
        let until_fault = match self.fault {
            Fault::None => usize::MAX,
            Fault::Reset(at) | Fault::End(at) => at - self.delivered,
        };
        let len = len.min(self.sent.len()).min(until_fault);
        self.arrived.extend(self.sent.drain(..len));
        self.delivered += len;
        if len == until_fault {
            self.over = if let Fault::Reset(_) = self.fault { Over::Reset } else { Over::Ended };
            self.sent.clear();
        } else if self.closed && self.sent.is_empty() {
            self.over = Over::Ended;
        }
        self.wake();
    }

    fn is_over(&self) -> bool {
        self.over != Over::No || self.reader_is_gone
    }

    fn is_moving(&self) -> bool {
        !self.is_over() && (self.cut || self.closed || !self.sent.is_empty())
    }

    fn poll_read(&mut self, cx: &Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.over == Over::Reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.arrived.is_empty() && self.over == Over::No {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = buf.len().min(self.arrived.len());
        for (to, from) in buf.iter_mut().zip(self.arrived.drain(..len)) {
            *to = from;
        }
        self.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(len))
    }

    fn poll_write(&mut self, cx: &Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!self.closed, "written to after its shutdown");
        if self.over == Over::Reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.reader_is_gone || self.over == Over::Ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let len = buf.len().min(CAPACITY - self.sent.len() - self.arrived.len());
        if len == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.sent.extend(&buf[..len]);
        Poll::Ready(Ok(len))
    }
}

/// The end of a link that is read from. Dropped early, it breaks the writer's pipe.
#[derive(Debug)]
pub struct ReadEnd(Arc<Mutex<Link>>);

/// The end of a link that is written to. Dropped, it closes the link.
#[derive(Debug)]
pub struct WriteEnd(Arc<Mutex<Link>>);

impl Drop for ReadEnd {
    fn drop(&mut self) {
        let mut link = self.0.lock().unwrap();
        link.reader_is_gone = true;
        link.wake();
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.0.lock().unwrap().closed = true;
    }
}

impl tokio::io::AsyncRead for ReadEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = self.0.lock().unwrap().poll_read(cx, buf.initialize_unfilled());
        polled.map_ok(|len| buf.advance(len))
    }
}

impl futures_util::AsyncRead for ReadEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().poll_read(cx, buf)
    }
}

macro_rules! write_end {
    ($write:path, $close:ident) => {
        impl $write for WriteEnd {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.0.lock().unwrap().poll_write(cx, buf)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn $close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.lock().unwrap().closed = true;
                Poll::Ready(Ok(()))
            }
        }
    };
}

write_end!(tokio::io::AsyncWrite, poll_shutdown);
write_end!(futures_util::AsyncWrite, poll_close);

/// All links, and what happens on them.
#[derive(Debug)]
pub struct Network {
    random: StdRng,
    links: Vec<Arc<Mutex<Link>>>,
    /// How often a link was cut while bytes were on it.
    pub cuts: usize,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), links: Vec::new(), cuts: 0 }
    }

    /// One direction.
    pub fn link(&mut self, fault: Fault) -> (WriteEnd, ReadEnd) {
        let link = Arc::new(Mutex::new(Link {
            sent: VecDeque::new(),
            arrived: VecDeque::new(),
            delivered: 0,
            cut: false,
            fault,
            closed: false,
            over: Over::No,
            reader_is_gone: false,
            reader: None,
            writer: None,
        }));
        self.links.push(Arc::clone(&link));
        (WriteEnd(Arc::clone(&link)), ReadEnd(link))
    }

    /// Every link is cut or comes back by chance; by chance many bytes arrive on those that are
    /// whole. `false`: nothing will ever move.
    fn tick(&mut self) -> bool {
        let mut moves = false;
        for link in &self.links {
            let mut link = link.lock().unwrap();
            if !link.is_moving() {
                continue;
            }
            moves = true;
            link.cut = self.random.random_ratio(1, 3);
            if link.cut {
                self.cuts += usize::from(!link.sent.is_empty());
            } else {
                let len = link.sent.len();
                link.deliver(self.random.random_range(len.min(1)..=len));
            }
        }
        moves
    }
}

pub type Task = Pin<Box<dyn Future<Output = io::Result<()>>>>;

#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs the tasks to their ends, which come back in their order. Polls only what was woken, in an
/// order by chance.
pub fn run(network: &mut Network, tasks: Vec<Task>) -> Vec<io::Result<()>> {
    let mut results: Vec<Option<io::Result<()>>> = tasks.iter().map(|_| None).collect();
    let mut tasks: Vec<(usize, Task, Arc<Woken>)> =
        tasks.into_iter().enumerate().map(|(index, task)| (index, task, Arc::new(Woken(true.into())))).collect();
    while !tasks.is_empty() {
        tasks.shuffle(&mut network.random);
        let mut ran = false;
        tasks.retain_mut(|(index, task, woken)| {
            if !woken.0.swap(false, Ordering::Acquire) {
                return true;
            }
            ran = true;
            let waker = Waker::from(Arc::clone(woken));
            match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => results[*index] = Some(result),
                Poll::Pending => return true,
            }
            false
        });
        assert!(ran || network.tick(), "{} tasks wait, and nothing moves: {network:?}", tasks.len());
    }
    results.into_iter().flatten().collect()
}
