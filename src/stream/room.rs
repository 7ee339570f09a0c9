//! Where the bytes of a state machine go to.

use crate::{
    error::{Error, Limit},
    limits::Limits,
};

/// Where bytes go to.
pub(crate) trait Room {
    /// Takes bytes from the start of `ready`, as many as it has room for.
    fn put(&mut self, ready: &[u8]) -> usize;

    /// Exactly `len` bytes behind those before, if there is room for so many: a block is decoded
    /// there, or several.
    fn block(&mut self, len: usize) -> Option<&mut [u8]>;

    /// As much as there is for the blocks in so many coded bytes, all of which may be written to,
    /// if that is wanted: workers decode many blocks there.
    fn blocks(&mut self, _coded_len: usize) -> Option<&mut [u8]> {
        None
    }

    /// Whether there is no more room than this: who has bytes left has too many.
    fn is_all(&self) -> bool {
        false
    }

    /// So many bytes at the start of what [`block`](Self::block) or [`blocks`](Self::blocks) gave
    /// are good.
    fn filled(&mut self, len: usize);
}

impl Room for &mut [u8] {
    fn put(&mut self, ready: &[u8]) -> usize {
        let len = ready.len().min(self.len());
        self[..len].copy_from_slice(&ready[..len]);
        self.filled(len);
        len
    }

    fn block(&mut self, len: usize) -> Option<&mut [u8]> {
        self.get_mut(..len)
    }

    fn filled(&mut self, len: usize) {
        *self = &mut std::mem::take(self)[len..];
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

    fn block(&mut self, len: usize) -> Option<&mut [u8]> {
        self.0.block(len)
    }

    fn blocks(&mut self, _coded_len: usize) -> Option<&mut [u8]> {
        Some(self.0)
    }

    fn is_all(&self) -> bool {
        true
    }

    fn filled(&mut self, len: usize) {
        self.0.filled(len);
    }
}

/// Raw bytes that room is made for at a time, where blocks are decoded side by side: enough for
/// some dozens of blocks of the default length.
const SIDE_BY_SIDE_LEN: usize = 16 << 20;

/// The end of a vector, which grows as far as limits and memory allow.
#[derive(Debug)]
pub(crate) struct Growing<'a> {
    bytes: &'a mut Vec<u8>,
    /// So many of them are good. What is behind them goes when this does.
    filled: usize,
    limits: Limits,
    side_by_side: bool,
}

impl<'a> Growing<'a> {
    /// `side_by_side`: workers may decode blocks so.
    pub(crate) fn new(bytes: &'a mut Vec<u8>, limits: Limits, side_by_side: bool) -> Self {
        Self { filled: bytes.len(), bytes, limits, side_by_side }
    }

    /// Why there was no room for `len` bytes, because of what stands at `offset`.
    pub(crate) fn refusal(&self, len: usize, offset: u64) -> Error {
        let (limit, total) = (Limit::Memory, self.filled + len);
        let memory =
            || Error::LimitExceeded { limit, found: total as u64, allowed: self.bytes.capacity() as u64, offset };
        self.limits.check_memory(total, offset).err().unwrap_or_else(memory)
    }

    /// Whether there is memory for `len` bytes, which is reserved then.
    fn grows(&mut self, len: usize) -> bool {
        let end = self.filled + len;
        let more = end.saturating_sub(self.bytes.len());
        more == 0 || (end <= self.limits.max_memory && self.bytes.try_reserve(more).is_ok())
    }
}

impl Room for Growing<'_> {
    fn put(&mut self, ready: &[u8]) -> usize {
        if !self.grows(ready.len()) {
            return 0;
        }
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(ready);
        self.filled(ready.len());
        ready.len()
    }

    fn block(&mut self, len: usize) -> Option<&mut [u8]> {
        if !self.grows(len) {
            return None;
        }
        let end = self.filled + len;
        self.bytes.resize(end.max(self.bytes.len()), 0);
        self.bytes.get_mut(self.filled..end)
    }

    fn blocks(&mut self, coded_len: usize) -> Option<&mut [u8]> {
        let left = self.limits.max_memory.saturating_sub(self.filled);
        let len = coded_len.saturating_mul(8).min(SIDE_BY_SIDE_LEN).min(left);
        if self.side_by_side { self.block(len) } else { None }
    }

    fn is_all(&self) -> bool {
        true
    }

    fn filled(&mut self, len: usize) {
        self.filled += len;
    }
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.filled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_that_must_not_grow_says_why_and_keeps_what_is_good() {
        let mut bytes = vec![1, 2];
        let mut room = Growing::new(&mut bytes, Limits::new().max_memory(8), true);
        room.block(4).unwrap().fill(3);
        room.filled(3);
        assert_eq!(room.put(&[4; 6]), 0);
        assert_eq!(room.block(6), None);
        let error = Error::LimitExceeded { limit: Limit::Memory, found: 11, allowed: 8, offset: 7 };
        assert_eq!(room.refusal(6, 7), error);
        assert_eq!(room.blocks(100).map(|room| room.len()), Some(3), "all that there may be");
        assert_eq!(room.put(&[4]), 1);
        room.block(2).unwrap().fill(9);
        drop(room);
        assert_eq!(bytes, [1, 2, 3, 3, 3, 4]);
    }

    #[test]
    fn a_slice_is_filled_from_its_start() {
        let mut bytes = [0; 6];
        let mut room = &mut bytes[..];
        assert_eq!(room.put(&[1, 2]), 2);
        assert_eq!(room.block(5), None);
        assert_eq!(room.blocks(5), None);
        room.block(3).unwrap().fill(3);
        room.filled(3);
        assert_eq!(room.put(&[4, 5]), 1, "there is room for one");
        assert_eq!(bytes, [1, 2, 3, 3, 3, 4]);
    }
}
