//! Bytes on their way out of a state machine.

use crate::stream::room::Room;

/// Bytes that are ready, from the first one that was not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    taken: usize,
}

impl Output {
    #[inline]
    pub(crate) fn ready(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// # Panics
    ///
    /// When `len` is more than are ready.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize) {
        assert!(len <= self.ready().len(), "consumed {len} bytes of {} that are ready", self.ready().len());
        self.taken += len;
    }

    /// Takes the next byte.
    #[inline]
    pub(crate) fn read_byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.taken)?;
        self.taken += 1;
        Some(byte)
    }

    /// Moves bytes to the start of `out`; how many comes back. A slice's own way to read never
    /// fails.
    #[inline]
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let len = std::io::Read::read(&mut self.ready(), out).unwrap_or_default();
        self.taken += len;
        len
    }

    /// Moves as many bytes to `room` as that takes.
    pub(crate) fn give(&mut self, room: &mut impl Room) -> usize {
        let len = room.put(self.ready());
        self.taken += len;
        len
    }

    /// How many consumed bytes can be taken back.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the last `len` consumed bytes back, at most [`taken`](Self::taken).
    pub(crate) fn take_back(&mut self, len: usize) {
        self.taken -= len.min(self.taken);
    }

    /// The buffer, to append to. Without this a driver who always leaves a few bytes would make it
    /// grow for ever: what was taken is dropped from its start.
    pub(crate) fn append(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        &mut self.bytes
    }

    /// The buffer, to be written anew: what is in it is nobody's any more.
    pub(crate) fn renew(&mut self) -> &mut Vec<u8> {
        self.taken = 0;
        &mut self.bytes
    }

    /// The whole buffer, with bytes that were taken. Another one takes its place.
    pub(crate) fn replace(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.taken = 0;
        std::mem::replace(&mut self.bytes, bytes)
    }

    /// Everything is taken, and nothing can be taken back. The buffer is kept.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.taken = 0;
    }

    /// Gives the buffer back if it holds nothing.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}
