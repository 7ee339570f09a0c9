//! Seeking in a [`RansReader`].

use std::io::{self, Read, Seek, SeekFrom};

use crate::{
    error::Error,
    io::{block_map::BlockMap, read::RansReader},
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
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.ask_map(BlockMap::raw_len)?.checked_add_signed(by),
        }
        .ok_or(Error::InvalidSeek)?;
        self.seek_to(target)?;
        Ok(target)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position)
    }
}

impl<R: Read + Seek> RansReader<R> {
    fn seek_to(&mut self, target: u64) -> io::Result<()> {
        if self.skip == 0 && !self.past_end && self.move_in_block(target) {
            self.position = target;
            return Ok(());
        }
        self.verify_index(target)?;
        let Some((position, header, skip)) = self.ask_map(|map| map.find(target))? else {
            (self.position, self.skip, self.past_end) = (target, 0, true);
            let ready = self.decoder.ready().len();
            self.decoder.consume(ready);
            return Ok(());
        };
        let place = self.base()? + position.offset;
        self.displaced = true;
        self.inner.seek(SeekFrom::Start(place))?;
        self.displaced = false;
        self.decoder.resume(&position, header);
        (self.position, self.skip, self.past_end) = (target, skip, false);
        Ok(())
    }

    /// To a place in the block that was decoded last, before or behind this one.
    fn move_in_block(&mut self, target: u64) -> bool {
        if target < self.position {
            return self.decoder.output().take_back(self.position - target);
        }
        let ahead = target - self.position;
        let is_there = ahead <= self.decoder.ready().len() as u64;
        if is_there {
            self.decoder.consume(ahead as usize);
        }
        is_there
    }

    /// Asks the list of blocks. One with a fault is read again the next time: more may have come.
    fn ask_map<T>(&mut self, ask: impl FnOnce(&BlockMap) -> Result<T, Error>) -> io::Result<T> {
        Ok(ask(self.map()?).inspect_err(|_| self.map = None)?)
    }

    /// Where the options ask for it, compares the list of blocks up to raw byte `target` with their
    /// headers.
    fn verify_index(&mut self, target: u64) -> io::Result<()> {
        if !self.options.verify_index {
            return Ok(());
        }
        self.map()?;
        let (base, read) = (self.base()?, self.decoder.progress().coded_bytes());
        let Some(map) = &mut self.map else { return Ok(()) };
        self.displaced = true;
        let verified = map.verify_up_to(target, &mut self.inner, base);
        self.inner.seek(SeekFrom::Start(base + read))?;
        self.displaced = false;
        verified
    }

    /// The list of blocks.
    fn map(&mut self) -> io::Result<&BlockMap> {
        if self.map.is_none() {
            let base = self.base()?;
            self.displaced = true;
            let map = BlockMap::read_from(&mut self.inner, base, &self.options);
            // A reader that only asked for the length goes on where it was.
            self.inner.seek(SeekFrom::Start(base + self.decoder.progress().coded_bytes()))?;
            self.displaced = false;
            self.map = Some(map?);
        }
        Ok(self.map.get_or_insert_default())
    }

    /// Where in the inner reader the input begins.
    fn base(&mut self) -> io::Result<u64> {
        if let Some(base) = self.base {
            return Ok(base);
        }
        let base = self.inner.stream_position()?.saturating_sub(self.decoder.progress().coded_bytes());
        self.base = Some(base);
        Ok(base)
    }
}
