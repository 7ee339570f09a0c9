//! Fields of a binary header, one behind the other.

use super::HeaderError;

/// Why a field could not be read.
#[derive(Debug)]
pub(super) enum Stop {
    /// The header has at least so many bytes, and fewer are there.
    Needs(u64),
    Broken(HeaderError),
}

impl From<HeaderError> for Stop {
    fn from(error: HeaderError) -> Self {
        Self::Broken(error)
    }
}

/// A place in the first bytes of a file.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes before this place.
    pub(super) fn offset(&self) -> u64 {
        self.at as u64
    }

    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8], Stop> {
        let end = self.offset().saturating_add(len);
        match usize::try_from(end).ok().and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(Stop::Needs(end)),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let taken = self.take(N as u64)?;
        Ok(*taken.first_chunk().unwrap_or(&[0; N]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Stop> {
        self.array().map(u64::from_le_bytes)
    }

    /// Text with its length before it.
    pub(super) fn text(&mut self) -> Result<&'a str, Stop> {
        let len = self.u64()?;
        let offset = self.offset();
        let taken = self.take(len)?;
        Ok(std::str::from_utf8(taken).map_err(|_| HeaderError::Text { offset })?)
    }

    /// Steps over text, whatever it holds.
    pub(super) fn pass_text(&mut self) -> Result<(), Stop> {
        let len = self.u64()?;
        self.take(len).map(drop)
    }
}
