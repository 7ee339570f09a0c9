//! The buffer of an element of a stream that does not come in one piece.

use std::ops::Range;

use crate::{error::Error, format::HEADER_LEN, limits::Limits};

/// No element is waited for with a larger buffer than this, or twice of what has arrived: a header
/// that lies costs its sender real bytes.
pub(super) const FIRST_LEN: usize = 64 << 10;

/// Bytes beyond the element in progress are read where they take no more than this part of the
/// memory that may be.
const AHEAD_SHARE: usize = 8;

/// Bytes from the element in progress on: it, and what was read behind it.
#[derive(Debug)]
pub(super) struct ElementBuffer {
    limits: Limits,
    bytes: Vec<u8>,
    /// What stands before `start` was dropped, and stays where it is until bytes are added.
    start: usize,
    filled: usize,
    /// Bytes from `start` on that were taken as a whole element. They stay for whoever looks at
    /// them, until the next call of [`release`](Self::release).
    used: usize,
    /// The most that has been there at a time.
    most: usize,
}

impl ElementBuffer {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: Vec::new(), start: 0, filled: 0, used: 0, most: 0 }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether there are bytes, used ones too.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.filled
    }

    /// All bytes, used ones too.
    pub(super) fn all(&self) -> &[u8] {
        &self.bytes[self.start..self.filled]
    }

    /// Bytes that belong to no element yet that is whole.
    pub(super) fn unused(&self) -> &[u8] {
        &self.bytes[self.start + self.used..self.filled]
    }

    /// Where the bytes are that were used last, until bytes are added.
    pub(super) fn place(&self) -> Range<usize> {
        self.start..self.start + self.used
    }

    /// What stands there.
    pub(super) fn at(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// Appends from `input` until there are `len` bytes, or `input` ends; how many that were.
    pub(super) fn fill_up_to(&mut self, len: usize, input: &[u8], offset: u64) -> Result<usize, Error> {
        let taken = len.saturating_sub(self.all().len()).min(input.len());
        if taken > 0 {
            self.move_to_front();
            self.limits.grow(&mut self.bytes, self.filled + taken, offset)?;
            self.bytes[self.filled..self.filled + taken].copy_from_slice(&input[..taken]);
            self.commit(taken);
        }
        Ok(taken)
    }

    /// Uses the first `len` bytes, if there are so many.
    pub(super) fn take(&mut self, len: usize) -> bool {
        let is_whole = self.all().len() >= len;
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
        self.start += std::mem::take(&mut self.used);
    }

    /// Drops the first `len` bytes, none of which is used.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.start += len;
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.filled, self.used) = (0, 0, 0);
    }

    /// Room behind what is there, for the element that has `needed` bytes in all, or a first part
    /// of it; up to `wanted` bytes in all, as far as there is or may be memory for more.
    pub(super) fn space(&mut self, needed: usize, wanted: usize, offset: u64) -> Result<&mut [u8], Error> {
        self.move_to_front();
        let arrived = FIRST_LEN.max(2 * self.most);
        let ahead = wanted.min(self.limits.max_memory / AHEAD_SHARE);
        let end = needed.max(ahead).min(arrived).max(self.filled);
        self.limits.grow(&mut self.bytes, end, offset)?;
        Ok(&mut self.bytes[self.filled..end])
    }

    /// So many bytes were written to the start of [`space`](Self::space).
    pub(super) fn commit(&mut self, len: usize) {
        assert!(self.filled + len <= self.bytes.len(), "committed {len} bytes, more than there was room for");
        self.filled += len;
        self.most = self.most.max(self.filled);
    }

    /// Gives the memory back, unless it holds more than a header.
    pub(super) fn release_memory(&mut self) {
        self.release();
        if self.all().len() <= HEADER_LEN {
            self.move_to_front();
            self.bytes.truncate(self.filled);
            self.bytes.shrink_to_fit();
            self.most = self.filled;
        }
    }

    /// Takes the memory with the used bytes at its start and leaves `spare` in its place.
    pub(super) fn exchange(&mut self, mut spare: Vec<u8>, offset: u64) -> Result<Vec<u8>, Error> {
        self.move_to_front();
        let next = self.used..self.filled;
        self.limits.grow(&mut spare, next.len(), offset)?;
        spare[..next.len()].copy_from_slice(&self.bytes[next.clone()]);
        (self.filled, self.used) = (next.len(), 0);
        Ok(std::mem::replace(&mut self.bytes, spare))
    }

    fn move_to_front(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.filled, 0);
            (self.start, self.filled) = (0, self.filled - self.start);
        }
    }
}
