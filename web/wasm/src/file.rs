//! A file that is somewhere else, read in ranges.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    ops::Range,
};

use ranstream::{DecodeOptions, Error, RansReader, outline::BlockMap};

use crate::session::{Op, Outcome, Session, lengthen};

/// The last bytes of a file, where an index is: fetched in one piece. Room for that of 500 MB in
/// blocks of 256 KiB.
const TAIL_LEN: u64 = 16 << 10;

/// The least that is fetched of headers elsewhere.
const HEADERS_LEN: u64 = 1 << 10;

/// The most that is fetched of blocks at a time.
const WINDOW_LEN: u64 = 8 << 20;

/// [`RansReader`] over the pieces of a file that were fetched so far. [`seek`](Session::seek) asks
/// for a range of raw bytes. A step that misses a piece says which; write it and take the step
/// again.
#[derive(Debug)]
pub struct File {
    reader: RansReader<Pieces>,
    options: DecodeOptions,
    /// Where the blocks are, once it is known. One with a fault is read again the next time.
    map: Option<BlockMap>,
    /// Raw bytes that are still to be read.
    wanted: Range<u64>,
    /// The coded bytes of those, once they are known.
    coded: Option<Range<u64>>,
    /// The reader stands at `wanted.start`.
    is_there: bool,
    /// Bytes the reader has ready, no more than wanted.
    ready: usize,
    /// What is asked for.
    missing: Range<u64>,
}

/// What of a file is here.
#[derive(Debug)]
struct Pieces {
    len: u64,
    at: u64,
    /// Pieces with their place, in order. They do not overlap.
    held: Vec<(u64, Vec<u8>)>,
    /// What was missing when it was last read.
    missing: Option<Range<u64>>,
}

impl File {
    /// A file of `len` coded bytes.
    #[must_use]
    pub fn new(len: u64, options: DecodeOptions) -> Self {
        let pieces = Pieces { len, at: 0, held: Vec::new(), missing: None };
        Self {
            reader: RansReader::with_options(pieces, options.clone()),
            options,
            map: None,
            wanted: 0..0,
            coded: None,
            is_there: false,
            ready: 0,
            missing: 0..len.min(HEADERS_LEN),
        }
    }

    /// One move. `Err` may be a piece that is not here.
    fn advance(&mut self, op: Op) -> io::Result<Outcome> {
        if op == Op::Finish {
            return Ok(Outcome::RawLen(self.ask_map(BlockMap::raw_len)?));
        }
        if self.coded.is_none() {
            let wanted = self.wanted.clone();
            self.coded = Some(self.ask_map(|map| coded_range(map, wanted))?);
        }
        if self.wanted.is_empty() {
            return Ok(Outcome::Finished);
        }
        if !self.is_there {
            self.reader.seek(SeekFrom::Start(self.wanted.start))?;
            self.is_there = true;
        }
        let ready = self.reader.fill_buf()?.len() as u64;
        self.ready = ready.min(self.wanted.end - self.wanted.start) as usize;
        Ok(if self.ready == 0 { Outcome::Finished } else { Outcome::Ready })
    }

    fn ask_map<T>(&mut self, ask: impl FnOnce(&BlockMap) -> Result<T, Error>) -> io::Result<T> {
        if self.map.is_none() {
            // Reading goes on where it was: a step that was asked for bytes is not taken yet.
            let at = self.reader.get_ref().at;
            let map = BlockMap::read(self.reader.get_mut(), &self.options);
            self.reader.get_mut().at = at;
            self.map = Some(map?);
        }
        Ok(ask(self.map.get_or_insert_default()).inspect_err(|_| self.map = None)?)
    }

    /// What to fetch, when `at` is missing: little of headers, much of blocks.
    fn to_fetch(&self, missing: Range<u64>) -> Range<u64> {
        let len = self.reader.get_ref().len;
        let end = match &self.coded {
            Some(coded) if coded.contains(&missing.start) => coded.end.min(missing.start + WINDOW_LEN).max(missing.end),
            _ if missing.start + TAIL_LEN >= len => {
                return self.reader.get_ref().hole(len.saturating_sub(TAIL_LEN)..len);
            }
            _ => missing.end.max(missing.start + HEADERS_LEN),
        };
        self.reader.get_ref().hole(missing.start..end.min(len))
    }
}

/// The coded bytes of the blocks that hold raw bytes `raw`: those that are there.
///
/// # Errors
///
/// What the streams have against them before the first of these bytes.
fn coded_range(map: &BlockMap, raw: Range<u64>) -> Result<Range<u64>, Error> {
    let block = |raw| map.position_of(raw).and_then(|position| map.block(position));
    let Some(first) = block(raw.start) else { return map.raw_len().map(|_| 0..0) };
    let last = raw.end.checked_sub(1).and_then(block).or_else(|| map.block(map.len() - 1)).unwrap_or(first);
    Ok(first.offset..(last.offset + last.coded_len).max(first.offset))
}

impl Session for File {
    /// Room for all of the piece that was asked for.
    fn space(&mut self, _: usize) -> Result<&mut [u8], Error> {
        let Range { start, end } = self.missing;
        let pieces = self.reader.get_mut();
        let mut piece = Vec::new();
        lengthen(&mut piece, (end - start) as usize)?;
        let place = pieces.held.partition_point(|(at, _)| *at < start);
        pieces.held.insert(place, (start, piece));
        Ok(&mut pieces.held[place].1)
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        let start = self.missing.start;
        if let Some((_, piece)) = self.reader.get_mut().held.iter_mut().find(|(at, _)| *at == start) {
            piece.truncate(len);
        }
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        let error = match self.advance(op) {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        // A reader whose seek failed stands anywhere, and one that read on stands where it was.
        let failed_to_read = self.is_there;
        match (Error::try_from(error), self.reader.get_mut().missing.take()) {
            (Err(_), Some(missing)) => {
                self.is_there = failed_to_read;
                self.missing = self.to_fetch(missing);
                Ok(Outcome::NeedsRange(self.missing.clone()))
            }
            (Ok(error), _) => Err(error),
            // No other source of errors exists.
            (Err(_), None) => Err(Error::InvalidSeek),
        }
    }

    fn ready(&mut self) -> &[u8] {
        let ready = self.ready;
        match self.reader.fill_buf() {
            Ok(bytes) => bytes.get(..ready).unwrap_or_default(),
            Err(_) => &[],
        }
    }

    fn consume(&mut self, len: usize) {
        self.reader.consume(len);
        self.wanted.start += len as u64;
        self.ready -= len;
        // Blocks that were read are not needed again.
        if let Some(coded) = &self.coded {
            let pieces = self.reader.get_mut();
            let at = pieces.at;
            pieces.held.retain(|&(start, ref piece)| {
                let end = start + piece.len() as u64;
                start < coded.start || end > at || end > coded.end
            });
        }
    }

    fn seek(&mut self, from: u64, to: u64) {
        (self.wanted, self.coded, self.is_there, self.ready) = (from..to.max(from), None, false, 0);
    }
}

impl Pieces {
    /// What of `range` is missing, from its first missing byte to the next one that is here.
    fn hole(&self, range: Range<u64>) -> Range<u64> {
        let Range { mut start, mut end } = range;
        for &(at, ref piece) in &self.held {
            let piece_end = at + piece.len() as u64;
            if at <= start && start < piece_end {
                start = piece_end;
            } else if start < at && at < end {
                end = at;
            }
        }
        start..end.max(start)
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || out.is_empty() {
            return Ok(0);
        }
        let before = self.held.partition_point(|(start, _)| *start <= self.at);
        let here = before.checked_sub(1).map(|place| &self.held[place]);
        let here = here.and_then(|(start, piece)| piece.get((self.at - start) as usize..)).unwrap_or_default();
        if !here.is_empty() {
            let len = out.len().min(here.len());
            out[..len].copy_from_slice(&here[..len]);
            self.at += len as u64;
            return Ok(len);
        }
        self.missing = Some(self.at..self.len.min(self.at + out.len() as u64));
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        }
        .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
