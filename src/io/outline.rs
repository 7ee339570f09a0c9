//! The structure of compressed input: every header, its payloads unread.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{
    io::retry::{read_retried, seek},
    options::DecodeOptions,
    stream::Outline,
    sync::call_out,
};

pub use crate::{
    io::reindex::Reindex,
    stream::{BlockMap, MappedBlock, OutlinePart},
};

/// How much is read at a time of what is not passed over by seeking. A header with the check before
/// it has 12 bytes, and where blocks are small several of them are near.
const BUFFER_LEN: usize = 4 << 10;

/// Reads the headers of an input, see [`Outline`]: an iterator over [`OutlinePart`]s.
///
/// ```
/// use std::io::Cursor;
///
/// use ranstream::{
///     DecodeOptions, EncodeOptions, compress,
///     outline::{OutlinePart, OutlineReader},
/// };
///
/// let stream = compress(&[7; 1_000_000], &EncodeOptions::new().block_len(100_000))?;
/// let mut longest = 0;
/// for part in OutlineReader::seeking(Cursor::new(stream), DecodeOptions::new())? {
///     if let OutlinePart::Block { header, .. } = part? {
///         longest = longest.max(header.raw_len());
///     }
/// }
/// assert_eq!(longest, 100_000);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct OutlineReader<R> {
    inner: R,
    outline: Outline,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are not given to the outline yet.
    at: usize,
    filled: usize,
    seeks: Option<Seeks<R>>,
    /// An error of the outline ends the walk.
    failed: bool,
}

/// How an inner reader is moved on.
#[derive(Debug)]
struct Seeks<R> {
    seek: fn(&mut R, i64) -> io::Result<()>,
    /// Bytes between the inner reader's place and its end.
    left: u64,
}

impl<R: Read> OutlineReader<R> {
    /// Reads all of the input, and forgets the payloads.
    pub fn new(inner: R, options: DecodeOptions) -> Self {
        Self { inner, outline: Outline::new(options), buffer: Vec::new(), at: 0, filled: 0, seeks: None, failed: false }
    }

    /// Seeks over the payloads. The streams begin where `inner` stands.
    ///
    /// # Errors
    ///
    /// What `inner` reports of its place and length.
    pub fn seeking(mut inner: R, options: DecodeOptions) -> io::Result<Self>
    where
        R: Seek,
    {
        let start = call_out(|| inner.stream_position())?;
        let left = seek(&mut inner, SeekFrom::End(0))?.saturating_sub(start);
        seek(&mut inner, SeekFrom::Start(start))?;
        let seeks = Some(Seeks { seek: R::seek_relative, left });
        Ok(Self { seeks, ..Self::new(inner, options) })
    }

    /// The inner reader, which may stand anywhere.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The inner reader, and bytes that were read from it but belong to no part. At the end of the
    /// walk, where the options ignore what follows the last stream, these are the first of that.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        let unused = [self.outline.unused(), &self.buffer[self.at..self.filled]].concat();
        (self.inner, unused)
    }

    /// The next part; `None` at the end of the last stream.
    ///
    /// # Errors
    ///
    /// What the inner reader reports: a later call goes on where it was. What the streams have
    /// against them: nothing follows.
    pub fn next_part(&mut self) -> io::Result<Option<OutlinePart>> {
        if self.failed {
            return Ok(None);
        }
        self.advance().inspect_err(|error| {
            self.failed = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<crate::Error>);
        })
    }

    fn advance(&mut self) -> io::Result<Option<OutlinePart>> {
        loop {
            let (taken, part) = self.outline.step(&self.buffer[self.at..self.filled])?;
            self.at += taken;
            if part.is_some() || self.outline.is_done() {
                return Ok(part);
            }
            if self.outline.to_pass() > 0 {
                self.pass()?;
            } else if self.fill()? == 0 {
                self.outline.end_of_input()?;
            }
        }
    }

    /// Passes over what is in the buffer, then over what is not.
    fn pass(&mut self) -> io::Result<()> {
        let buffered = (self.filled - self.at).min(usize::try_from(self.outline.to_pass()).unwrap_or(usize::MAX));
        self.at += buffered;
        self.outline.pass(buffered as u64);
        let left = self.outline.to_pass();
        if left == 0 {
            return Ok(());
        }
        let Some(Seeks { seek, left: input_left }) = &mut self.seeks else {
            if self.fill()? == 0 {
                self.outline.end_of_input()?;
            }
            return Ok(());
        };
        let there = left.min(*input_left);
        call_out(|| seek(&mut self.inner, there.cast_signed()))?;
        *input_left -= there;
        self.outline.pass(there);
        if there < left { Ok(self.outline.end_of_input()?) } else { Ok(()) }
    }

    /// Fills the buffer anew. 0: the input ended.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.resize(BUFFER_LEN, 0);
        (self.at, self.filled) = (0, 0);
        self.filled = read_retried(&mut self.inner, &mut self.buffer)?;
        if let Some(Seeks { left, .. }) = &mut self.seeks {
            *left = left.saturating_sub(self.filled as u64);
        }
        Ok(self.filled)
    }
}

impl<R: Read> Iterator for OutlineReader<R> {
    type Item = io::Result<OutlinePart>;

    fn next(&mut self) -> Option<io::Result<OutlinePart>> {
        self.next_part().transpose()
    }
}
