//! Where the bytes of a state machine go to.

use crate::{
    error::{Error, Limit},
    limits::Limits,
    simd::{Spare, Written, append},
};

/// Where bytes go to.
pub(crate) trait Room {
    /// Takes bytes from the start of `ready`, as many as it has room for.
    fn put(&mut self, ready: &[u8]) -> usize;

    /// Whether there is room for `len` bytes more: for a block, or several.
    fn has(&mut self, len: usize) -> bool;

    /// How many bytes there is room for that workers may decode the blocks in so many coded bytes
    /// to, side by side. All of them may be written to. `None`: that is not wanted.
    fn side_by_side(&mut self, _coded_len: usize) -> Option<usize> {
        None
    }

    /// Whether there is no more room than this: who has bytes left has too many.
    fn is_all(&self) -> bool {
        false
    }

    /// Gives `write` the next `len` bytes, which there is room for. What it wrote, from the first
    /// of them on, is taken, and comes back beside its result.
    fn write_with<R>(&mut self, len: usize, write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R)) -> (&[u8], R);
}

impl Room for &mut [u8] {
    fn put(&mut self, ready: &[u8]) -> usize {
        let len = ready.len().min(self.len());
        self[..len].copy_from_slice(&ready[..len]);
        *self = &mut std::mem::take(self)[len..];
        len
    }

    fn has(&mut self, len: usize) -> bool {
        len <= self.len()
    }

    fn write_with<R>(&mut self, len: usize, write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R)) -> (&[u8], R) {
        let (written, result) = write(Spare::from(&mut self[..len]));
        let len = written.len();
        let (filled, rest) = std::mem::take(self).split_at_mut(len);
        *self = rest;
        (filled, result)
    }
}

/// All the room there is. It may be written to behind the bytes that are given, too: where there is
/// a pool, its workers decode blocks there side by side.
#[derive(Debug)]
pub(crate) struct Anywhere<'a>(pub(crate) &'a mut [u8]);

impl Room for Anywhere<'_> {
    fn put(&mut self, ready: &[u8]) -> usize {
        self.0.put(ready)
    }

    fn has(&mut self, len: usize) -> bool {
        self.0.has(len)
    }

    fn side_by_side(&mut self, _coded_len: usize) -> Option<usize> {
        Some(self.0.len())
    }

    fn is_all(&self) -> bool {
        true
    }

    fn write_with<R>(&mut self, len: usize, write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R)) -> (&[u8], R) {
        self.0.write_with(len, write)
    }
}

/// Raw bytes that room is made for at a time, where blocks are decoded side by side: enough for
/// some dozens of blocks of the default length.
const SIDE_BY_SIDE_LEN: usize = 16 << 20;

/// The end of a vector, which grows as far as limits and memory allow.
#[derive(Debug)]
pub(crate) struct Growing<'a> {
    bytes: &'a mut Vec<u8>,
    limits: Limits,
    side_by_side: bool,
}

impl<'a> Growing<'a> {
    /// `side_by_side`: workers may decode blocks so.
    pub(crate) fn new(bytes: &'a mut Vec<u8>, limits: Limits, side_by_side: bool) -> Self {
        Self { bytes, limits, side_by_side }
    }

    /// Why there was no room for `len` bytes, because of what stands at `offset`.
    pub(crate) fn refusal(&self, len: usize, offset: u64) -> Error {
        let (limit, total) = (Limit::Memory, self.bytes.len() + len);
        let memory =
            || Error::LimitExceeded { limit, found: total as u64, allowed: self.bytes.capacity() as u64, offset };
        self.limits.check_memory(total, offset).err().unwrap_or_else(memory)
    }
}

impl Room for Growing<'_> {
    fn put(&mut self, ready: &[u8]) -> usize {
        if !self.has(ready.len()) {
            return 0;
        }
        self.bytes.extend_from_slice(ready);
        ready.len()
    }

    /// Memory for so many is reserved then.
    fn has(&mut self, len: usize) -> bool {
        self.bytes.len() + len <= self.limits.max_memory && self.bytes.try_reserve(len).is_ok()
    }

    fn side_by_side(&mut self, coded_len: usize) -> Option<usize> {
        let left = self.limits.max_memory.saturating_sub(self.bytes.len());
        let len = coded_len.saturating_mul(8).min(SIDE_BY_SIDE_LEN).min(left);
        (self.side_by_side && self.has(len)).then_some(len)
    }

    fn is_all(&self) -> bool {
        true
    }

    fn write_with<R>(&mut self, len: usize, write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R)) -> (&[u8], R) {
        let before = self.bytes.len();
        let result = append(self.bytes, len, write);
        (&self.bytes[before..], result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threes(mut spare: Spare<'_>, len: usize) -> Written<'_> {
        let mut first = spare.take(len);
        first.zero().fill(3);
        first.into_written()
    }

    #[test]
    fn a_vector_that_must_not_grow_says_why_and_keeps_what_is_good() {
        let mut bytes = vec![1, 2];
        let mut room = Growing::new(&mut bytes, Limits::new().max_memory(8), true);
        assert!(room.has(4));
        assert_eq!(room.write_with(4, |spare| (threes(spare, 3), 9)), (&[3; 3][..], 9));
        assert_eq!(room.put(&[4; 6]), 0);
        assert!(!room.has(6));
        let error = Error::LimitExceeded { limit: Limit::Memory, found: 11, allowed: 8, offset: 7 };
        assert_eq!(room.refusal(6, 7), error);
        assert_eq!(room.side_by_side(100), Some(3), "all that there may be");
        assert_eq!(room.put(&[4]), 1);
        assert_eq!(bytes, [1, 2, 3, 3, 3, 4]);
    }

    #[test]
    fn a_slice_is_filled_from_its_start() {
        let mut bytes = [0; 6];
        let mut room = &mut bytes[..];
        assert_eq!(room.put(&[1, 2]), 2);
        assert!(!room.has(5));
        assert_eq!(room.side_by_side(5), None);
        assert_eq!(room.write_with(4, |spare| (threes(spare, 3), 9)), (&[3; 3][..], 9));
        assert_eq!(room.put(&[4, 5]), 1, "there is room for one");
        assert_eq!(bytes, [1, 2, 3, 3, 3, 4]);
    }
}
