//! A file that may have another length than it had when it was opened.

use std::io::{self, Read};

/// Reads as many bytes as a file claimed to have, and sees whether that was true.
#[derive(Debug)]
pub(crate) struct Claimed<R> {
    inner: R,
    left: u64,
    ended: bool,
}

impl<R: Read> Claimed<R> {
    pub(crate) fn new(inner: R, len: u64) -> Self {
        Self { inner, left: len, ended: false }
    }

    /// Whether it ended before what it claimed.
    pub(crate) fn is_short(&self) -> bool {
        self.ended && self.left > 0
    }

    /// Whether more is there than it claimed, once that has been read.
    pub(crate) fn is_long(&mut self) -> bool {
        self.left == 0 && matches!(self.inner.read(&mut [0]), Ok(1))
    }
}

impl<R: Read> Read for Claimed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        if len == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut bytes[..len])?;
        self.left -= read as u64;
        self.ended = read == 0;
        Ok(read)
    }
}
