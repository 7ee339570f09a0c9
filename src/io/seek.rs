//! Seeking in a [`RansReader`].

use std::io::{self, Read, Seek, SeekFrom};

#[cfg(doc)]
use crate::error::Error;
use crate::{
    io::{read::RansReader, retry},
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
/// When a seek fails in the inner reader, reading fails as well, behind what was read ahead, until
/// a seek succeeds, unless the inner reader could be put back where it was.
impl<R: Read + Seek> Seek for RansReader<R> {
    /// # Errors
    ///
    /// What the inner reader reports, or the streams have against it; [`Error::InvalidSeek`] for a
    /// place before the first byte.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seeker.begin(to, &mut self.decoder);
        loop {
            match self.seeker.call(&mut self.decoder)? {
                Call::Done(position) => return Ok(position),
                Call::Seek(to) => {
                    let place = retry::seek(&mut self.inner, to).inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.sought(place, &mut self.decoder);
                }
                Call::Read => {
                    let space = self.seeker.space();
                    let read = retry::read_retried(&mut self.inner, space).inspect_err(|_| self.seeker.give_up())?;
                    self.seeker.commit(read);
                }
            }
        }
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.seeker.position(&self.decoder))
    }
}
