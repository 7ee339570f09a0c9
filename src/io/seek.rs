//! Seeking in a [`RansReader`].

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

#[cfg(doc)]
use crate::error::Error;
use crate::{
    io::{read::RansReader, retry::read_retried},
    stream::Call,
};

/// Positions count raw bytes from where the reader began. A place inside the block that was decoded
/// last costs nothing; any other needs the list of blocks, which is read once: from the
/// index at the tail if every stream has one, else by hopping from header to header.
///
/// What is wrong behind a place does not keep it from being found: only a seek to the fault, behind
/// it or from the end reports what reading would.
///
/// The end block's totals and content check are not verified for a stream whose first block was
/// jumped over; every block's own check is. An index is compared with the end block, and with the
/// block that is jumped to; [`DecodeOptions::verify_index`](crate::DecodeOptions::verify_index)
/// compares it with the blocks before that, too.
///
/// When a seek fails in the inner reader, reading fails as well until a seek succeeds, unless the
/// inner reader could be put back where it was.
impl<R: Read + Seek> Seek for RansReader<R> {
    /// # Errors
    ///
    /// What the inner reader reports, or the streams have against it; [`Error::InvalidSeek`] for a
    /// place before the first byte.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seeker.begin(to, &mut self.decoder);
        self.make_calls()
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.seeker.position())
    }
}

impl<R: Read + Seek> RansReader<R> {
    /// The coded bytes of the blocks that hold raw bytes `raw`, counted from where the reader
    /// began: what reading those takes from the inner reader. Raw bytes that are not there
    /// count for nothing, so the range may be empty. A reader that has not sought yet also reads
    /// what is before the first block: the stream's header.
    ///
    /// For those who fetch before they read: over a network, one request for all of it is faster
    /// than one for each block.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use ranstream::{EncodeOptions, RansReader, compress};
    ///
    /// let options = EncodeOptions::new().block_len(100_000).index(true);
    /// let stream = compress(&[7; 1_000_000], &options)?;
    /// let mut reader = RansReader::new(Cursor::new(stream));
    /// // A header of the stream has 8 bytes, a block of one repeated byte 13.
    /// assert_eq!(reader.coded_range(250_000..300_001)?, 8 + 2 * 13..8 + 4 * 13);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the inner reader reports, or the streams have against it up to the first of these
    /// bytes. What is wrong behind it ends the range.
    pub fn coded_range(&mut self, raw: Range<u64>) -> io::Result<Range<u64>> {
        self.seeker.begin_map_alone();
        self.make_calls()?;
        Ok(self.seeker.coded_range(&raw)?)
    }

    fn make_calls(&mut self) -> io::Result<u64> {
        loop {
            match self.seeker.call(&mut self.decoder)? {
                Call::Done(position) => return Ok(position),
                Call::Seek(to) => {
                    let place = self.inner.seek(to).inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.sought(place, &mut self.decoder);
                }
                Call::Read => {
                    let space = self.seeker.space();
                    let read = read_retried(&mut self.inner, space).inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.commit(read);
                }
            }
        }
    }
}
