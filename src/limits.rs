//! What a decoder may spend on its input, and the one place where a length from the wire becomes an
//! allocation.

use crate::error::{Error, Limit};

/// The largest raw length of a block that the format has: 16 MiB.
pub const MAX_BLOCK_LEN: usize = 1 << 24;

/// The most raw bytes of a chunk of a block with matches.
pub(crate) const MAX_CHUNK_LEN: usize = 1 << 20;

/// The most columns of a record of planes.
pub(crate) const MAX_COLUMNS: usize = 8;

/// The most bytes of a column in a record.
pub(crate) const MAX_COLUMN_WIDTH: usize = 4096;

/// The most bytes of a record.
pub(crate) const MAX_RECORD_LEN: usize = 8192;

/// What a decoder may spend, whatever its input says.
///
/// A stream that asks for more ends in [`Error::LimitExceeded`], which names the limit.
///
/// ```
/// use ranstream::{DecodeOptions, EncodeOptions, Error, Limits, compress, decompress};
///
/// let stream = compress(&[0; 100_000], &EncodeOptions::new())?;
/// let small = DecodeOptions::new().limits(Limits::new().max_output(50_000));
/// assert!(matches!(decompress(&stream, &small), Err(Error::LimitExceeded { .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Raw bytes that the largest block may have.
    pub max_block_len: usize,
    /// Raw bytes that may come out in all.
    pub max_output: u64,
    /// Bytes that a decoder may hold at a time.
    pub max_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_block_len: MAX_BLOCK_LEN, max_output: u64::MAX, max_memory: 1 << 30 }
    }
}

impl Limits {
    /// The defaults: blocks of up to 16 MiB (all that the format has), output without end, 1 GiB of
    /// memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raw bytes that the largest block may have. A block that has more is refused at its header,
    /// before anything is allocated for it.
    #[must_use]
    pub fn max_block_len(mut self, bytes: usize) -> Self {
        self.max_block_len = bytes;
        self
    }

    /// Raw bytes that may come out in all, over all concatenated streams. Default: no limit, which
    /// is safe for a reader that handles bytes as they come; set it where a peer chooses how
    /// much that is.
    #[must_use]
    pub fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = bytes;
        self
    }

    /// Bytes that a decoder may hold at a time: the payload and raw bytes of its blocks in flight,
    /// the block list of a seekable reader, and the result of
    /// [`decompress`](crate::decompress()). Default: 1 GiB.
    #[must_use]
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// `len` raw bytes in one block that is announced at `offset`.
    pub(crate) fn check_block_len(&self, len: usize, offset: u64) -> Result<(), Error> {
        check(Limit::BlockLen, len as u64, self.max_block_len as u64, offset)
    }

    /// `total` raw bytes in all after the block at `offset`.
    pub(crate) fn check_output(&self, total: u64, offset: u64) -> Result<(), Error> {
        check(Limit::Output, total, self.max_output, offset)
    }

    /// `total` bytes held at a time, because of what stands at `offset`.
    pub(crate) fn check_memory(&self, total: usize, offset: u64) -> Result<(), Error> {
        check(Limit::Memory, total as u64, self.max_memory as u64, offset)
    }

    /// Makes `buffer` at least `len` bytes long. What it held stays; it is never shortened.
    pub(crate) fn grow(&self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> Result<(), Error> {
        if len <= buffer.len() {
            return Ok(());
        }
        self.check_memory(len, offset)?;
        buffer.try_reserve_exact(len - buffer.len()).map_err(|_| Error::LimitExceeded {
            limit: Limit::Memory,
            found: len as u64,
            allowed: buffer.capacity() as u64,
            offset,
        })?;
        buffer.resize(len, 0);
        Ok(())
    }
}

/// # Errors
///
/// [`Error::InvalidOption`] when `given` is outside `min..=max`.
pub(crate) fn within(option: &'static str, given: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&given) {
        return Ok(());
    }
    Err(Error::InvalidOption { option, given: given as u64, min: min as u64, max: max as u64 })
}

fn check(limit: Limit, found: u64, allowed: u64, offset: u64) -> Result<(), Error> {
    if found > allowed { Err(Error::LimitExceeded { limit, found, allowed, offset }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grow_refuses_what_memory_does_not_allow() {
        let limits = Limits::new().max_memory(100);
        let mut buffer = vec![1, 2];
        limits.grow(&mut buffer, 100, 0).unwrap();
        assert_eq!(buffer[..3], [1, 2, 0]);
        let error = limits.grow(&mut buffer, 101, 9).unwrap_err();
        assert_eq!(error, Error::LimitExceeded { limit: Limit::Memory, found: 101, allowed: 100, offset: 9 });
        assert_eq!(buffer.len(), 100);
    }

    #[test]
    fn grow_allocates_no_more_than_is_asked_for() {
        let mut buffer = vec![0; 1000];
        Limits::new().grow(&mut buffer, 1500, 0).unwrap();
        assert_eq!(buffer.len(), 1500);
        assert!(buffer.capacity() < 2000, "{}", buffer.capacity());
    }
}
