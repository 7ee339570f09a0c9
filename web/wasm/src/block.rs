//! Blocks on their way to workers: cut from a stream on one side, decoded on the other.

use std::{collections::VecDeque, hash::Hasher as _, mem, ops::Range};

use ranstream::{
    DecodeOptions, Error, Limits, block,
    error::{Corruption, Part},
    format::BlockHeader,
    stream::{Outline, OutlinePart},
};
use twox_hash::XxHash3_64;

use crate::session::{BlockInfo, Op, Outcome, Session, lengthen};

/// Cuts streams into their blocks, by [`Outline`]: it verifies everything but the payloads. Where a
/// stream has a check over its raw bytes, whoever decodes the blocks gives those back by
/// [`seek`](Session::seek)ing to 1 and writing them, in their order.
#[derive(Debug)]
pub struct Cutter {
    outline: Outline,
    limits: Limits,
    /// Coded bytes: before `block` they are done with, before `at` the outline has them.
    buffer: Vec<u8>,
    at: usize,
    /// Where the element in progress begins in the buffer.
    element: usize,
    /// Coded bytes before the buffer.
    dropped: u64,
    /// The block that is ready.
    block: Range<usize>,
    number: u64,
    raw: RawBytes,
}

/// Tags of the end block, the index and application data begin here (FORMAT.md, 3).
const FIRST_TAG_WITHOUT_DATA: u8 = 0x40;

/// Raw bytes that come back, and the checks that wait for them.
#[derive(Debug, Default)]
struct RawBytes {
    takes: bool,
    buffer: Vec<u8>,
    hashes: VecDeque<Expected>,
    hash: Hash,
}

#[derive(Debug)]
struct Expected {
    stored: Option<u64>,
    offset: u64,
}

#[derive(Default)]
struct Hash(XxHash3_64);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hash").field(&self.0.finish()).finish()
    }
}

impl Cutter {
    /// As the options say.
    #[must_use]
    pub fn new(options: DecodeOptions) -> Self {
        Self {
            limits: options.limits,
            outline: Outline::new(options),
            buffer: Vec::new(),
            at: 0,
            element: 0,
            dropped: 0,
            block: 0..0,
            number: 0,
            raw: RawBytes::default(),
        }
    }

    fn part(&mut self, part: &OutlinePart) -> Option<Outcome> {
        match *part {
            OutlinePart::Stream { header, .. } => {
                self.number = 0;
                Some(Outcome::StreamBegin { content_check: header.content_check })
            }
            OutlinePart::Block { header, offset, raw_offset, coded_len, .. } => {
                let start = (offset - self.dropped) as usize;
                self.block = start..start + coded_len as usize;
                self.number += 1;
                let (mode, raw_len) = match header {
                    BlockHeader::Data { mode, raw_len, .. } => (name_of(mode), raw_len as u64),
                    _ => ("application-data", 0),
                };
                Some(Outcome::Block(BlockInfo { number: self.number - 1, offset, raw_offset, raw_len, mode }))
            }
            OutlinePart::End { end, offset, .. } => {
                self.raw.hashes.push_back(Expected { stored: end.content_check, offset });
                Some(Outcome::StreamEnd { content_check: end.content_check.is_some() })
            }
            _ => None,
        }
    }

    /// Compares the raw bytes so far with the oldest check.
    fn verify(&mut self) -> Result<(), Error> {
        let hash = mem::take(&mut self.raw.hash);
        let Some(Expected { stored: Some(stored), offset }) = self.raw.hashes.pop_front() else { return Ok(()) };
        let computed = hash.0.finish();
        if stored == computed {
            return Ok(());
        }
        let reason = Corruption::ContentCheck { stored, computed };
        Err(Error::Corrupt { part: Part::End, offset, reason })
    }

    /// Goes over what is here of a payload. Whoever decodes a data block verifies it; all others
    /// are verified here.
    fn payload(&mut self) -> usize {
        let here = &self.buffer[self.at..];
        if self.buffer.get(self.element).is_some_and(|tag| *tag >= FIRST_TAG_WITHOUT_DATA) {
            return self.outline.read_payload(here);
        }
        let passed = self.outline.to_pass().min(here.len() as u64);
        self.outline.pass(passed);
        passed as usize
    }

    /// Forgets what is done with.
    fn compact(&mut self) {
        let done = self.element.min(self.at);
        self.buffer.drain(..done);
        self.dropped += done as u64;
        (self.at, self.element, self.block) = (self.at - done, self.element - done, 0..0);
    }
}

impl Session for Cutter {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        if self.raw.takes {
            self.raw.buffer.resize(wanted.min(64 << 10), 0);
            return Ok(&mut self.raw.buffer);
        }
        self.compact();
        let held = self.buffer.len();
        if held + wanted > self.limits.max_memory {
            let (found, allowed) = ((held + wanted) as u64, self.limits.max_memory as u64);
            let offset = self.dropped;
            return Err(Error::LimitExceeded { limit: ranstream::Limit::Memory, found, allowed, offset });
        }
        lengthen(&mut self.buffer, wanted)?;
        Ok(&mut self.buffer[held..])
    }

    /// All of the space has to be written.
    fn commit(&mut self, len: usize) -> Result<(), Error> {
        if self.raw.takes {
            self.raw.hash.0.write(&self.raw.buffer[..len]);
        }
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        if op == Op::Verify {
            self.verify()?;
            return Ok(Outcome::NeedsInput(1));
        }
        loop {
            let passed = self.payload();
            self.at += passed;
            let (taken, part) = match self.outline.to_pass() {
                0 => self.outline.step(&self.buffer[self.at..])?,
                _ => (0, None),
            };
            self.at += taken;
            if let Some(part) = part {
                let outcome = self.part(&part);
                if let Some(end) = element_end(&part) {
                    self.element = (end - self.dropped) as usize;
                }
                if let Some(outcome) = outcome {
                    return Ok(outcome);
                }
            } else if self.outline.is_done() {
                return Ok(Outcome::Finished);
            } else if taken == 0 && passed == 0 {
                if op != Op::Finish {
                    return Ok(Outcome::NeedsInput(1));
                }
                self.outline.end_of_input()?;
            }
        }
    }

    fn ready(&mut self) -> &[u8] {
        self.buffer.get(self.block.clone()).unwrap_or_default()
    }

    fn consume(&mut self, _: usize) {
        self.block = 0..0;
    }

    /// `from` is 1: what is written next are raw bytes. 0: coded ones.
    fn seek(&mut self, from: u64, _: u64) {
        self.raw.takes = from == 1;
    }
}

/// Where the part ends, if what follows it is another element.
fn element_end(part: &OutlinePart) -> Option<u64> {
    match *part {
        OutlinePart::Stream { header, offset, .. } => Some(offset + header.encoded_len() as u64),
        OutlinePart::Block { offset, coded_len, .. } | OutlinePart::Index { offset, coded_len, .. } => {
            Some(offset + coded_len)
        }
        OutlinePart::StreamEnd { offset, .. } => Some(offset),
        _ => None,
    }
}

fn name_of(mode: ranstream::format::BlockMode) -> &'static str {
    ranstream::format::BlockMode::ALL.iter().find(|(_, known, _)| *known == mode).map_or("unknown", |(.., name)| name)
}

/// One coded block after another. [`seek`](Session::seek) says which block of which stream it is,
/// and where.
#[derive(Debug)]
pub struct OneBlock {
    limits: Limits,
    number: u64,
    offset: u64,
    coded: Vec<u8>,
    raw: Vec<u8>,
}

impl OneBlock {
    /// Within the limits of the options.
    #[must_use]
    pub fn new(options: &DecodeOptions) -> Self {
        Self { limits: options.limits, number: 0, offset: 0, coded: Vec::new(), raw: Vec::new() }
    }
}

impl Session for OneBlock {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        self.coded.clear();
        lengthen(&mut self.coded, wanted)?;
        Ok(&mut self.coded)
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        self.coded.truncate(len);
        Ok(())
    }

    fn step(&mut self, _: Op) -> Result<Outcome, Error> {
        // The last block's memory serves this one, too: a worker lives for many.
        let decode = |raw: &mut Vec<u8>| {
            let raw_len = block::raw_len(&self.coded)?;
            raw.clear();
            if raw_len > self.limits.max_memory {
                let (found, allowed) = (raw_len as u64, self.limits.max_memory as u64);
                return Err(Error::LimitExceeded { limit: ranstream::Limit::Memory, found, allowed, offset: 0 });
            }
            lengthen(raw, raw_len)?;
            block::decode(&self.coded, raw)
        };
        let mut raw = mem::take(&mut self.raw);
        let decoded = decode(&mut raw);
        self.raw = raw;
        decoded.map(|_| Outcome::Ready).map_err(|error| {
            self.raw.clear();
            placed(error, self.number, self.offset)
        })
    }

    fn ready(&mut self) -> &[u8] {
        &self.raw
    }

    fn consume(&mut self, _: usize) {
        self.coded.clear();
    }

    fn seek(&mut self, number: u64, offset: u64) {
        (self.number, self.offset) = (number, offset);
    }
}

/// The error of a block by itself as it stands in a stream, where it is block `number` at `offset`.
pub(crate) fn placed(mut error: Error, number: u64, place: u64) -> Error {
    match &mut error {
        Error::Corrupt { part, offset, .. } => (*part, *offset) = (Part::Block(number), place),
        Error::Unsupported { offset, .. }
        | Error::LimitExceeded { offset, .. }
        | Error::NeedsBase { offset, .. }
        | Error::WrongBase { offset, .. }
        | Error::UnreadBase { offset, .. } => *offset = place,
        _ => {}
    }
    error
}
