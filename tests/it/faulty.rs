//! Readers and writers that do what their contracts allow but few do, and some that break them.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    panic,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// What an operation does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fails with this kind.
    Error(io::ErrorKind),
    /// Does one byte of work.
    OneByte,
    /// Does nothing and says so.
    Zero,
    /// Does nothing and claims more bytes than it was given.
    TooMany,
    /// Does nothing and panics.
    Panic,
}

/// Which operations are faulty, counted from 1. Reads, writes, flushes and seeks count.
#[derive(Debug, Clone)]
pub enum When {
    During(Range<u64>),
    Every(u64),
}

impl When {
    pub fn never() -> Self {
        Self::During(0..0)
    }

    pub fn once(op: u64) -> Self {
        Self::During(op..op + 1)
    }

    pub fn from(op: u64) -> Self {
        Self::During(op..u64::MAX)
    }
}

/// Some operations of `inner` are faulty, all others work.
#[derive(Debug)]
pub struct Faulty<T> {
    pub inner: T,
    pub fault: Fault,
    pub when: When,
    /// Operations so far.
    pub ops: u64,
    /// Faulty ones among them.
    pub faults: u64,
}

impl<T> Faulty<T> {
    pub fn new(inner: T, fault: Fault, when: When) -> Self {
        Self { inner, fault, when, ops: 0, faults: 0 }
    }

    /// From now on everything works.
    pub fn heal(&mut self) {
        self.when = When::never();
    }

    /// Counts an operation that can have some faults; the fault, if it has one.
    fn begin(&mut self, can_have: impl Fn(Fault) -> bool) -> Option<Fault> {
        self.ops += 1;
        let faulty = match &self.when {
            When::During(ops) => ops.contains(&self.ops),
            When::Every(nth) => self.ops.is_multiple_of(*nth),
        };
        let faulty = faulty && can_have(self.fault);
        self.faults += u64::from(faulty);
        faulty.then_some(self.fault)
    }

    /// An operation that moves up to `len` bytes with `work`.
    fn bytes(&mut self, len: usize, work: impl FnOnce(&mut T, usize) -> io::Result<usize>) -> io::Result<usize> {
        match self.begin(|_| true) {
            None => work(&mut self.inner, len),
            Some(Fault::OneByte) => work(&mut self.inner, len.min(1)),
            Some(Fault::Zero) => Ok(0),
            Some(Fault::TooMany) => Ok(len + 1),
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::Panic) => unwind(),
        }
    }

    /// An operation that moves no bytes.
    fn plain<O>(&mut self, work: impl FnOnce(&mut T) -> io::Result<O>) -> io::Result<O> {
        match self.begin(|fault| matches!(fault, Fault::Error(_) | Fault::Panic)) {
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(_) => unwind(),
            None => work(&mut self.inner),
        }
    }
}

impl<R: Read> Read for Faulty<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.bytes(buf.len(), |inner, len| inner.read(&mut buf[..len]))
    }
}

impl<W: Write> Write for Faulty<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.bytes(buf.len(), |inner, len| inner.write(&buf[..len]))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.plain(Write::flush)
    }
}

impl<S: Seek> Seek for Faulty<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.plain(|inner| inner.seek(to))
    }
}

/// Panics without the message of the panic hook: thousands of them would hide what matters.
fn unwind() -> ! {
    panic::resume_unwind(Box::new("the inner reader or writer panics"))
}

/// Moves a random number of bytes at a time, 1 up to a limit.
#[derive(Debug)]
pub struct Short<T> {
    pub inner: T,
    most: usize,
    random: StdRng,
}

impl<T> Short<T> {
    pub fn new(inner: T, most: usize, seed: u64) -> Self {
        Self { inner, most, random: StdRng::seed_from_u64(seed) }
    }

    pub fn into_inner(self) -> T {
        self.inner
    }

    fn cut(&mut self, len: usize) -> usize {
        len.min(self.random.random_range(1..=self.most))
    }
}

impl<R: Read> Read for Short<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.cut(buf.len());
        self.inner.read(&mut buf[..len])
    }
}

impl<W: Write> Write for Short<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = self.cut(buf.len());
        self.inner.write(&buf[..len])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Panics when it is read again after it gave its end, as a terminal would wait for another line.
#[derive(Debug)]
pub struct EndsOnce<R> {
    inner: R,
    ended: bool,
}

impl<R> EndsOnce<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, ended: false }
    }
}

impl<R: Read> Read for EndsOnce<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        assert!(!self.ended, "read again after the end");
        let read = self.inner.read(buf)?;
        self.ended = read == 0 && !buf.is_empty();
        Ok(read)
    }
}

/// Panics when it is asked for a byte behind its first `left`, as a socket would wait for the
/// peer's next message.
#[derive(Debug)]
pub struct NoFurther<R> {
    pub inner: R,
    left: usize,
}

impl<R> NoFurther<R> {
    pub fn new(inner: R, left: usize) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for NoFurther<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        assert!(buf.len() <= self.left, "asked for {} bytes, {} are left", buf.len(), self.left);
        let read = self.inner.read(buf)?;
        self.left -= read;
        Ok(read)
    }
}
