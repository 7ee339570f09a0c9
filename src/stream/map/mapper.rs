//! Makes a [`BlockMap`] of an input that somebody else reads.

use std::mem;

use super::{BlockMap, block_len};
use crate::{
    block::Coded,
    error::{Corruption, Error, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, EndBlock, HEADER_LEN, INDEX_KIND, IndexFooter, StreamHeader},
    limits::Limits,
    options::DecodeOptions,
    stream::{Outline, OutlinePart},
};

/// How much is asked for at a time from header to header. A header with the check before it has 12
/// bytes, and where blocks are small several of them are near.
const HOP_LEN: usize = 4 << 10;

/// What a [`Mapper`] has to be told next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// How long the input is.
    Length,
    /// `len` bytes from `offset` on, or as many as there are.
    Bytes { offset: u64, len: usize },
    /// Nothing: the map is made.
    Nothing,
}

/// Goes from index to index, from the last stream to the first, or from header to header if not
/// every stream has an index.
#[derive(Debug)]
pub(crate) struct Mapper {
    options: DecodeOptions,
    input_len: u64,
    way: Way,
    map: BlockMap,
}

#[derive(Debug)]
enum Way {
    Unknown,
    ByIndex(Indexes),
    ByHopping(Box<Hopping>),
    Done,
}

impl Mapper {
    /// Of `options` it takes limits, whether there may be several streams, and what may stand
    /// behind them.
    pub(crate) fn new(options: DecodeOptions) -> Self {
        Self { options, input_len: 0, way: Way::Unknown, map: BlockMap::default() }
    }

    pub(crate) fn want(&self) -> Want {
        match &self.way {
            Way::Unknown => Want::Length,
            Way::ByIndex(indexes) => indexes.want(),
            Way::ByHopping(hopping) => Want::Bytes { offset: hopping.offset, len: HOP_LEN },
            Way::Done => Want::Nothing,
        }
    }

    pub(crate) fn tell_length(&mut self, len: u64) {
        self.input_len = len;
        self.way = match Indexes::new(len) {
            Some(indexes) => Way::ByIndex(indexes),
            None => self.hop(),
        };
    }

    /// The bytes that are [wanted](Self::want). Fewer: the input ends behind them.
    ///
    /// # Errors
    ///
    /// What an index has against it; [`Error::LimitExceeded`]. What the streams have against them
    /// is in the map.
    pub(crate) fn tell_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match mem::replace(&mut self.way, Way::Done) {
            Way::ByIndex(mut indexes) => match indexes.take(bytes, &self.options.limits)? {
                Found::More => self.way = Way::ByIndex(indexes),
                Found::Whole => self.list(indexes.streams)?,
                Found::NoIndex => self.way = self.hop(),
            },
            Way::ByHopping(mut hopping) => {
                if hopping.take(bytes, self.input_len, &mut self.map, &self.options.limits)? {
                    self.map.has_read_all();
                } else {
                    self.way = Way::ByHopping(hopping);
                }
            }
            way => self.way = way,
        }
        Ok(())
    }

    pub(crate) fn into_map(self) -> BlockMap {
        self.map
    }

    fn hop(&self) -> Way {
        Way::ByHopping(Box::new(Hopping { outline: Outline::new(self.options.clone()), offset: 0 }))
    }

    /// The streams, from the last to the first, have all that there is.
    fn list(&mut self, mut streams: Vec<Indexed>) -> Result<(), Error> {
        let limits = &self.options.limits;
        streams.reverse();
        if self.options.single_stream {
            streams.truncate(1);
        }
        for Indexed { start, header, entries } in streams {
            self.map.begin_stream(header, start, limits)?;
            let mut offset = start + header.encoded_len() as u64;
            for bytes in entries.as_chunks().0 {
                let block = BlockHeader::parse(bytes, Part::Index, offset)?;
                self.map.add_block(*bytes, block.raw_len(), offset, limits)?;
                offset += block_len(&block);
            }
        }
        Ok(())
    }
}

/// A stream as its index describes it.
#[derive(Debug)]
struct Indexed {
    start: u64,
    header: StreamHeader,
    entries: Vec<u8>,
}

/// What came of bytes about an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    More,
    /// Every stream has an index, and these are all.
    Whole,
    /// Nothing is believed that leads elsewhere: those who read all headers say what is wrong.
    NoIndex,
}

/// The indexes from the tail of the input on.
#[derive(Debug)]
struct Indexes {
    /// Where the stream ends whose index is read.
    end: u64,
    part: IndexPart,
    streams: Vec<Indexed>,
    /// Bytes that these streams hold.
    held: usize,
}

/// What of a stream is read next.
#[derive(Debug)]
enum IndexPart {
    /// The end of its index.
    Footer,
    /// The whole block of the index, which is to have this header.
    Entries {
        footer: IndexFooter,
        start: u64,
        index_at: u64,
        header: BlockHeader,
    },
    StreamHeader {
        footer: IndexFooter,
        start: u64,
        index_at: u64,
        entries: Vec<u8>,
    },
    /// The end block at this place, which is to have this header, and to say so many raw bytes.
    End {
        footer: IndexFooter,
        index_at: u64,
        stream: Indexed,
        offset: u64,
        header: BlockHeader,
        raw_len: u64,
    },
}

impl Indexes {
    /// `None`: there is no room for an index.
    fn new(end: u64) -> Option<Self> {
        let has_room = end >= IndexFooter::TAIL_LEN as u64;
        has_room.then(|| Self { end, part: IndexPart::Footer, streams: Vec::new(), held: 0 })
    }

    fn want(&self) -> Want {
        let whole = |offset, header: &BlockHeader| Want::Bytes { offset, len: block_len(header) as usize };
        match &self.part {
            IndexPart::Footer => {
                Want::Bytes { offset: self.end - IndexFooter::TAIL_LEN as u64, len: IndexFooter::TAIL_LEN }
            }
            IndexPart::Entries { index_at, header, .. } => whole(*index_at, header),
            IndexPart::StreamHeader { start, .. } => Want::Bytes { offset: *start, len: StreamHeader::MAX_LEN },
            IndexPart::End { offset, header, .. } => whole(*offset, header),
        }
    }

    fn take(&mut self, bytes: &[u8], limits: &Limits) -> Result<Found, Error> {
        match mem::replace(&mut self.part, IndexPart::Footer) {
            IndexPart::Footer => Ok(self.take_footer(bytes)),
            IndexPart::Entries { footer, start, index_at, header } => {
                let Some(entries) = verified_payload(bytes, header) else { return Ok(Found::NoIndex) };
                let entries = entries[..entries.len() - IndexFooter::LEN].to_vec();
                self.part = IndexPart::StreamHeader { footer, start, index_at, entries };
                Ok(Found::More)
            }
            IndexPart::StreamHeader { footer, start, index_at, entries } => {
                let header = match bytes.first_chunk().map(|fixed| StreamHeader::len_from(fixed, start)) {
                    Some(Ok(len)) => bytes.get(..len).map(|bytes| StreamHeader::parse(bytes, start)),
                    _ => None,
                };
                match header {
                    Some(Ok(header)) if header.index => {
                        self.take_entries(footer, index_at, Indexed { start, header, entries })
                    }
                    _ => Ok(Found::NoIndex),
                }
            }
            IndexPart::End { footer, index_at, stream, header, raw_len, .. } => {
                let Some(payload) = verified_payload(bytes, header) else { return Ok(Found::NoIndex) };
                match EndBlock::parse(payload) {
                    Some(end) if end.raw_len == raw_len && end.blocks == u64::from(footer.entries) => {
                        self.take_stream(stream, limits)
                    }
                    _ => Err(mismatch(index_at)),
                }
            }
        }
    }

    fn take_footer(&mut self, bytes: &[u8]) -> Found {
        let Some(footer) = bytes.first_chunk().and_then(IndexFooter::parse) else { return Found::NoIndex };
        let (Some(start), Some(index_at), Ok(payload_len)) = (
            self.end.checked_sub(footer.stream_len),
            self.end.checked_sub(footer.block_len()),
            u32::try_from(footer.payload_len()),
        ) else {
            return Found::NoIndex;
        };
        let header = BlockHeader::Skippable { kind: INDEX_KIND, payload_len };
        self.part = IndexPart::Entries { footer, start, index_at, header };
        Found::More
    }

    /// The entries say where the end block is.
    fn take_entries(&mut self, footer: IndexFooter, index_at: u64, stream: Indexed) -> Result<Found, Error> {
        let header = BlockHeader::End { payload_len: EndBlock::payload_len(stream.header.content_check) };
        let (mut raw_len, mut offset) = (0, stream.start + stream.header.encoded_len() as u64);
        for bytes in stream.entries.as_chunks().0 {
            let block = BlockHeader::parse(bytes, Part::Index, index_at)?;
            if matches!(block, BlockHeader::End { .. } | BlockHeader::Skippable { kind: INDEX_KIND, .. }) {
                return Err(mismatch(index_at));
            }
            raw_len += block.raw_len() as u64;
            offset = offset.saturating_add(block_len(&block));
        }
        if offset.saturating_add(block_len(&header)) != index_at {
            // An index without entries stands for a list that grew too long.
            return if stream.entries.is_empty() { Ok(Found::NoIndex) } else { Err(mismatch(index_at)) };
        }
        self.part = IndexPart::End { footer, index_at, stream, offset, header, raw_len };
        Ok(Found::More)
    }

    fn take_stream(&mut self, stream: Indexed, limits: &Limits) -> Result<Found, Error> {
        self.held += stream.entries.len() + size_of::<Indexed>();
        limits.check_memory(self.held, stream.start)?;
        self.end = stream.start;
        self.streams.push(stream);
        Ok(match self.end {
            0 => Found::Whole,
            end if end < IndexFooter::TAIL_LEN as u64 => Found::NoIndex,
            _ => Found::More,
        })
    }
}

/// The payload of a block that is to have this header. `None`: it has another one, or a wrong
/// check, or is not whole.
fn verified_payload(bytes: &[u8], header: BlockHeader) -> Option<&[u8]> {
    let (found, body) = bytes.split_at_checked(HEADER_LEN)?;
    if found != header.to_bytes() || bytes.len() < header.payload_len() as usize + BLOCK_OVERHEAD {
        return None;
    }
    Coded::new(header, body).verify().ok().map(|block| block.payload())
}

fn mismatch(index_at: u64) -> Error {
    Error::Corrupt { part: Part::Index, offset: index_at, reason: Corruption::IndexMismatch }
}

/// A walk from header to header, payloads unread.
#[derive(Debug)]
struct Hopping {
    outline: Outline,
    /// Where in the input it is.
    offset: u64,
}

impl Hopping {
    /// Goes as far as `bytes` reach, which begin where it is. `true`: that was all.
    fn take(&mut self, mut bytes: &[u8], input_len: u64, map: &mut BlockMap, limits: &Limits) -> Result<bool, Error> {
        let is_end = bytes.is_empty();
        loop {
            let (taken, part) = match self.outline.step(bytes) {
                Ok(step) => step,
                Err(fault) => return Ok(map.end_with(fault)),
            };
            self.offset += taken as u64;
            bytes = &bytes[taken..];
            match part {
                Some(OutlinePart::Stream { header, offset, .. }) => map.begin_stream(header, offset, limits)?,
                Some(OutlinePart::Block { header, offset, .. }) => {
                    map.add_block(header.to_bytes(), header.raw_len(), offset, limits)?;
                }
                Some(_) => {}
                None if self.outline.is_done() => return Ok(true),
                None => {
                    let to_pass = self.outline.to_pass();
                    let passed = to_pass.min(input_len.saturating_sub(self.offset));
                    self.outline.pass(passed);
                    self.offset += passed;
                    bytes = bytes.get(usize::try_from(passed).unwrap_or(usize::MAX)..).unwrap_or_default();
                    if is_end || passed < to_pass {
                        return Ok(self.end_of_input(map));
                    }
                    if bytes.is_empty() {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// The input ends here.
    fn end_of_input(&mut self, map: &mut BlockMap) -> bool {
        self.outline.end_of_input().map_or_else(|fault| map.end_with(fault), |()| true)
    }
}
