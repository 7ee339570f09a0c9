//! The buffer of an element of a stream that does not come in one piece.

use crate::{error::Error, format::HEADER_LEN, limits::Limits};

/// No element is waited for with a larger buffer than this, or twice of what has arrived: a header
/// that lies costs its sender real bytes.
const FIRST_LEN: usize = 64 << 10;

/// The element in progress, and behind it up to one block header of the next.
#[derive(Debug)]
pub(super) struct ElementBuffer {
    limits: Limits,
    bytes: Vec<u8>,
    filled: usize,
    /// Bytes at the start that were taken as a whole element. They stay for whoever looks at them,
    /// until the next call of [`release`](Self::release).
    used: usize,
}

impl ElementBuffer {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: Vec::new(), filled: 0, used: 0 }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether there are bytes, used ones too.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// All bytes, used ones too.
    pub(super) fn all(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Bytes that belong to no element yet that is whole.
    pub(super) fn unused(&self) -> &[u8] {
        &self.bytes[self.used..self.filled]
    }

    /// Appends from `input` until there are `len` bytes, or `input` ends; how many that were.
    pub(super) fn fill_up_to(&mut self, len: usize, input: &[u8], offset: u64) -> Result<usize, Error> {
        let taken = len.saturating_sub(self.filled).min(input.len());
        self.limits.grow(&mut self.bytes, self.filled + taken, offset)?;
        self.bytes[self.filled..self.filled + taken].copy_from_slice(&input[..taken]);
        self.filled += taken;
        Ok(taken)
    }

    /// Uses the first `len` bytes, if there are so many.
    pub(super) fn take(&mut self, len: usize) -> bool {
        let is_whole = self.filled >= len;
        if is_whole {
            self.used = len;
        }
        is_whole
    }

    /// Used bytes are not used after all.
    pub(super) fn keep(&mut self) {
        self.used = 0;
    }

    /// Drops what was used.
    pub(super) fn release(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.drop_front(used);
    }

    pub(super) fn drop_front(&mut self, len: usize) {
        self.bytes.copy_within(len..self.filled, 0);
        self.filled -= len;
    }

    pub(super) fn clear(&mut self) {
        (self.filled, self.used) = (0, 0);
    }

    /// Room behind what is there, for the element that has `wanted` bytes in all, or a first part
    /// of it.
    pub(super) fn space(&mut self, wanted: usize, offset: u64) -> Result<&mut [u8], Error> {
        let end = wanted.min(FIRST_LEN.max(2 * self.filled));
        self.limits.grow(&mut self.bytes, end, offset)?;
        Ok(&mut self.bytes[self.filled..end.max(self.filled)])
    }

    /// So many bytes were written to the start of [`space`](Self::space).
    pub(super) fn commit(&mut self, len: usize) {
        assert!(self.filled + len <= self.bytes.len(), "committed {len} bytes, more than there was room for");
        self.filled += len;
    }

    /// Gives the memory back, unless it holds more than a header.
    pub(super) fn release_memory(&mut self) {
        self.release();
        if self.filled <= HEADER_LEN {
            self.bytes.truncate(self.filled);
            self.bytes.shrink_to_fit();
        }
    }

    /// Takes the memory with the used bytes at its start and leaves `spare` in its place.
    pub(super) fn exchange(&mut self, mut spare: Vec<u8>, offset: u64) -> Result<Vec<u8>, Error> {
        let next = self.used..self.filled;
        self.limits.grow(&mut spare, next.len(), offset)?;
        spare[..next.len()].copy_from_slice(&self.bytes[next.clone()]);
        (self.filled, self.used) = (next.len(), 0);
        Ok(std::mem::replace(&mut self.bytes, spare))
    }
}
