//! The file's own bytes, and the ends of it that are read first.

use std::io::{self, Read, Seek, SeekFrom};

use crate::ReadAt;

/// So many bytes are read at once from each end of a file: enough for most headers and indexes.
const END_LEN: u64 = 64 << 10;

/// A source whose ends are kept while it is opened, so that short reads there cost nothing.
pub(super) struct Source<'s> {
    inner: Box<dyn ReadAt + 's>,
    len: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl<'s> Source<'s> {
    /// Reads the head, which is all of a short file.
    pub(super) fn open(inner: Box<dyn ReadAt + 's>) -> io::Result<Self> {
        let len = inner.len()?;
        let mut source = Self { inner, len, head: Vec::new(), tail: Vec::new() };
        if source.inner.in_memory().is_none() {
            let head_len = if len <= 2 * END_LEN { len } else { END_LEN };
            source.head = vec![0; head_len as usize];
            source.inner.read_exact_at(&mut source.head, 0)?;
        }
        Ok(source)
    }

    /// Reads so many bytes of the tail, at least; those of `END_LEN` if it is asked for fewer.
    pub(super) fn read_tail(&mut self, len: u64) -> io::Result<()> {
        let len = len.max(END_LEN).min(self.len);
        if self.inner.in_memory().is_none() && len > self.tail.len() as u64 && self.head.len() as u64 != self.len {
            self.tail = vec![0; len as usize];
            self.inner.read_exact_at(&mut self.tail, self.len - len)?;
        }
        Ok(())
    }

    /// Lets go of both ends.
    pub(super) fn forget_ends(&mut self) {
        (self.head, self.tail) = (Vec::new(), Vec::new());
    }

    /// Reads and seeks, for those who do.
    pub(super) fn reader(&self) -> Reader<'_, 's> {
        Reader { source: self, position: 0 }
    }

    /// The bytes from `offset` on that are kept.
    fn kept(&self, offset: u64) -> &[u8] {
        let tail_at = self.len - self.tail.len() as u64;
        let (kept, start) = if offset >= tail_at { (&self.tail, offset - tail_at) } else { (&self.head, offset) };
        usize::try_from(start).ok().and_then(|start| kept.get(start..)).unwrap_or_default()
    }
}

impl ReadAt for Source<'_> {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        match self.kept(offset).get(..buf.len()) {
            Some(kept) => {
                buf.copy_from_slice(kept);
                Ok(())
            }
            None => self.inner.read_exact_at(buf, offset),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.inner.in_memory()
    }
}

/// A place in a source.
pub(super) struct Reader<'a, 's> {
    source: &'a Source<'s>,
    position: u64,
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.source.len.saturating_sub(self.position);
        let kept = self.source.kept(self.position).len() as u64;
        let len = (buf.len() as u64).min(left).min(if kept > 0 { kept } else { u64::MAX }) as usize;
        self.source.read_exact_at(&mut buf[..len], self.position)?;
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Reader<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.source.len.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
