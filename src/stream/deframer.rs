//! Coded bytes to the parts of a stream, however the bytes are cut.

use crate::{
    block::{Coded, Verified, body_len, split_check},
    error::{Corruption, Error, Limit, Part},
    format::{BlockHeader, BlockMode, CHECK_LEN, EndBlock, HEADER_LEN, INDEX_KIND, IndexFooter, MAGIC, StreamHeader},
    options::{DecodeOptions, TrailingData},
    stream::{
        event::{BlockEvent, Event, Place, StreamPosition, without_check},
        skipped::Skipped,
        totals::Totals,
    },
};

/// No element is waited for with a larger buffer than this, or twice of what has arrived: a header
/// that lies costs its sender real bytes.
const FIRST_BUFFER_LEN: usize = 64 << 10;

/// ```text
///   StreamHeader ─▶ BlockHeader ─▶ Body ──(data)──▶ BlockHeader
///        ▲              ▲   │        └──(end)──▶ IndexHeader ─▶ Skip ─▶ SkipEnd ─▶ StreamEnd
///        │              │   └─▶ Skip ─▶ SkipEnd ─┐       └────(no index)─────────────▲  │
///        │              └────────────────────────┘                                      │
///        └────────────────────────(concatenated)────────────────────────────────────────┤
///                                                                                 Done ◀┘
/// ```
#[derive(Debug)]
enum State {
    /// So many bytes of the header are known to be there.
    StreamHeader(usize),
    BlockHeader,
    Body(BlockHeader),
    /// So many payload bytes are left to step over.
    Skip(Skipped, u64),
    /// What stands behind the skipped bytes: the check, and in an index the footer before it.
    SkipEnd(Skipped),
    IndexHeader,
    StreamEnd,
    Done,
}

#[derive(Debug)]
pub(crate) struct Deframer {
    options: DecodeOptions,
    state: State,
    /// The element in progress, and behind it up to one block header of the next.
    buffer: Vec<u8>,
    filled: usize,
    /// Bytes at the start of the buffer that belong to the last event.
    used: usize,
    /// Where the element in progress starts in the input.
    offset: u64,
    header: StreamHeader,
    stream_offset: u64,
    totals: Totals,
    raw_before: u64,
    is_first: bool,
    /// What an index says of the next block header.
    expected: Option<[u8; HEADER_LEN]>,
}

impl Deframer {
    pub(crate) fn new(options: DecodeOptions) -> Self {
        Self {
            options,
            state: State::StreamHeader(StreamHeader::FIXED_LEN),
            buffer: Vec::new(),
            filled: 0,
            used: 0,
            offset: 0,
            header: StreamHeader { max_block_log2: 0, content_length: None, content_check: false, index: false },
            stream_offset: 0,
            totals: Totals::new(),
            raw_before: 0,
            is_first: true,
            expected: None,
        }
    }

    /// Goes on at a block header elsewhere in the input, which must be `expected`. What was
    /// buffered is dropped.
    pub(crate) fn resume(&mut self, position: &StreamPosition, expected: [u8; HEADER_LEN]) {
        self.state = State::BlockHeader;
        self.expected = Some(expected);
        (self.filled, self.used) = (0, 0);
        self.offset = position.offset;
        self.header = position.header;
        self.stream_offset = position.stream_offset;
        self.totals = Totals::resumed(position.raw_len, position.blocks);
        self.raw_before = position.raw_before;
        self.is_first = false;
    }

    /// The next part, and how many bytes of `input` were taken. Without a part, all of `input` was
    /// taken and more is needed.
    pub(crate) fn next(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), Error> {
        self.release();
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            match &mut self.state {
                State::Done => return Ok((taken, None)),
                State::StreamEnd => {
                    let more = !self.options.single_stream;
                    self.state = if more { State::StreamHeader(StreamHeader::FIXED_LEN) } else { State::Done };
                    self.is_first = false;
                    self.raw_before += self.totals.raw_len;
                    return Ok((taken, Some(Event::StreamEnd)));
                }
                State::Skip(skipped, left) => {
                    let buffered = self.filled > 0;
                    let bytes = if buffered { &self.buffer[..self.filled] } else { rest };
                    let len = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    skipped.update(&bytes[..len]);
                    *left -= len as u64;
                    self.offset += len as u64;
                    if *left == 0 {
                        self.state = State::SkipEnd(skipped.clone());
                    }
                    if buffered {
                        self.drop_front(len);
                    } else {
                        taken += len;
                        if matches!(self.state, State::Skip(..)) {
                            return Ok((taken, None));
                        }
                    }
                }
                _ => {
                    let len = self.element_len();
                    let place = if self.filled == 0 && rest.len() >= len {
                        taken += len;
                        Place::Input(taken - len..taken)
                    } else {
                        taken += self.buffer_up_to(len, rest)?;
                        if self.filled < len {
                            self.check_magic_so_far()?;
                            return Ok((taken, None));
                        }
                        self.used = len;
                        Place::Buffer(len)
                    };
                    if let Some(event) = self.element(input, place)? {
                        return Ok((taken, Some(event)));
                    }
                    if self.is_done() {
                        // Bytes behind the last stream are nobody's: they stay where they are.
                        return Ok((if self.filled == 0 { taken - len } else { taken }, None));
                    }
                    self.release();
                }
            }
        }
    }

    /// Bytes that the element in progress still needs, 1 or more.
    pub(crate) fn missing(&self) -> usize {
        match &self.state {
            State::Skip(_, left) => usize::try_from(*left).unwrap_or(usize::MAX).max(1),
            _ => self.element_len().saturating_sub(self.filled - self.used).max(1),
        }
    }

    /// As [`missing`](Deframer::missing), but 0 for what is stepped over piece by piece.
    #[cfg(feature = "codec")]
    pub(crate) fn missing_in_one_piece(&self) -> usize {
        if let State::Skip(..) = self.state { 0 } else { self.missing() }
    }

    /// Whether a first byte of the current element was read.
    pub(crate) fn has_begun(&self) -> bool {
        match self.state {
            State::StreamHeader(_) | State::BlockHeader => self.filled > self.used,
            _ => true,
        }
    }

    /// Nothing more will be read.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Between streams: a place where the input may end.
    pub(crate) fn may_end(&self) -> bool {
        match self.state {
            State::Done => true,
            State::StreamHeader(_) => self.filled == self.used && !self.is_first,
            _ => false,
        }
    }

    /// The input ended.
    pub(crate) fn end_of_input(&mut self) -> Result<(), Error> {
        self.release();
        if self.may_end() {
            self.state = State::Done;
            return Ok(());
        }
        Err(Error::Truncated { offset: self.offset + self.filled as u64 })
    }

    /// Where the next bytes of the input are to be read to, so that nothing need be copied. Empty
    /// when nothing more is to be read. It never reaches past the block header that follows the
    /// element in progress: a reader that fills it takes no byte behind its stream.
    pub(crate) fn space(&mut self) -> Result<&mut [u8], Error> {
        self.release();
        let wanted = match &self.state {
            State::Skip(_, left) => usize::try_from(*left).unwrap_or(usize::MAX).min(FIRST_BUFFER_LEN),
            _ => self.element_len() + self.lookahead(),
        };
        let end = wanted.min(FIRST_BUFFER_LEN.max(2 * self.filled));
        self.options.limits.grow(&mut self.buffer, end, self.offset)?;
        Ok(&mut self.buffer[self.filled..end.max(self.filled)])
    }

    /// So many bytes were written to the start of [`Deframer::space`].
    pub(crate) fn commit(&mut self, len: usize) {
        assert!(self.filled + len <= self.buffer.len(), "committed {len} bytes, more than there was room for");
        self.filled += len;
    }

    /// Gives the buffer's memory back, unless an element's body is on its way in it.
    pub(crate) fn release_buffer(&mut self) {
        self.release();
        if self.filled <= HEADER_LEN {
            self.buffer.truncate(self.filled);
            self.buffer.shrink_to_fit();
        }
    }

    /// The bytes of the last event.
    pub(crate) fn bytes<'a>(&'a self, place: &Place, input: &'a [u8]) -> &'a [u8] {
        match place {
            Place::Input(range) => &input[range.clone()],
            Place::Buffer(len) => &self.buffer[..*len],
        }
    }

    /// Takes over the buffer with the last event's bytes at its start and leaves `spare` in its
    /// place.
    pub(crate) fn exchange_buffer(&mut self, mut spare: Vec<u8>) -> Result<Vec<u8>, Error> {
        let next = self.used..self.filled;
        self.options.limits.grow(&mut spare, next.len(), self.offset)?;
        spare[..next.len()].copy_from_slice(&self.buffer[next.clone()]);
        (self.filled, self.used) = (next.len(), 0);
        Ok(std::mem::replace(&mut self.buffer, spare))
    }

    /// Bytes that were read but belong to no part yet.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.buffer[self.used..self.filled]
    }

    fn element_len(&self) -> usize {
        match &self.state {
            State::StreamHeader(len) => *len,
            State::BlockHeader | State::IndexHeader => HEADER_LEN,
            State::Body(header) => body_len(header),
            State::SkipEnd(skipped) if skipped.is_index => IndexFooter::TAIL_LEN,
            State::SkipEnd(_) => CHECK_LEN,
            State::Skip(..) | State::StreamEnd | State::Done => 0,
        }
    }

    /// How far beyond the element in progress a reader may read: over the block header that is
    /// certain to follow.
    fn lookahead(&self) -> usize {
        match &self.state {
            State::Body(BlockHeader::End { .. }) if !self.header.index => 0,
            State::Body(..) => HEADER_LEN,
            State::SkipEnd(skipped) if !skipped.is_index => HEADER_LEN,
            _ => 0,
        }
    }

    /// Appends to the buffer from `input` until it holds `len` bytes, or `input` ends.
    fn buffer_up_to(&mut self, len: usize, input: &[u8]) -> Result<usize, Error> {
        let taken = len.saturating_sub(self.filled).min(input.len());
        self.options.limits.grow(&mut self.buffer, self.filled + taken, self.offset)?;
        self.buffer[self.filled..self.filled + taken].copy_from_slice(&input[..taken]);
        self.filled += taken;
        Ok(taken)
    }

    fn release(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.drop_front(used);
    }

    fn drop_front(&mut self, len: usize) {
        self.buffer.copy_within(len..self.filled, 0);
        self.filled -= len;
    }

    /// A live peer may wait for an answer before it sends more: a wrong magic is reported with its
    /// first wrong byte.
    fn check_magic_so_far(&mut self) -> Result<(), Error> {
        let State::StreamHeader(_) = self.state else { return Ok(()) };
        let len = self.filled.min(MAGIC.len());
        if self.buffer[..len] == MAGIC[..len] {
            return Ok(());
        }
        let mut found = [0; 4];
        found[..len].copy_from_slice(&self.buffer[..len]);
        self.no_stream(found)
    }

    /// What is there does not begin a stream.
    fn no_stream(&mut self, found: [u8; 4]) -> Result<(), Error> {
        if self.is_first {
            return Err(Error::NotAStream { found });
        }
        match self.options.trailing_data {
            TrailingData::Reject => Err(Error::TrailingData { offset: self.offset }),
            TrailingData::Ignore => {
                self.state = State::Done;
                self.used = 0;
                Ok(())
            }
        }
    }

    /// The element in progress is whole.
    fn element(&mut self, input: &[u8], place: Place) -> Result<Option<Event>, Error> {
        let offset = self.offset;
        let len = self.element_len();
        match std::mem::replace(&mut self.state, State::Done) {
            State::StreamHeader(_) => return self.stream_header(input, &place),
            State::BlockHeader => {
                let bytes = first_header(self.bytes(&place, input));
                if self.expected.take().is_some_and(|expected| expected != bytes) {
                    return Err(Error::Corrupt { part: Part::Index, offset, reason: Corruption::IndexMismatch });
                }
                self.state = self.block_header(bytes)?;
            }
            State::Body(header @ BlockHeader::Data { .. }) => {
                let check = Coded::new(header, self.bytes(&place, input)).check();
                let number = self.totals.blocks;
                self.totals.add(&header, check);
                self.state = State::BlockHeader;
                self.offset += len as u64;
                let block = BlockEvent { header, body: place, number, offset: offset - HEADER_LEN as u64 };
                return Ok(Some(Event::Block(block)));
            }
            State::Body(header @ BlockHeader::Skippable { kind, .. }) => {
                let block = Coded::new(header, self.bytes(&place, input));
                self.verify(block, Part::Block(self.totals.blocks))?;
                let check = block.check();
                self.totals.add(&header, check);
                self.state = State::BlockHeader;
                self.offset += len as u64;
                let (payload, raw_offset) = (without_check(&place), self.raw_before + self.totals.raw_len);
                let offset = offset - HEADER_LEN as u64;
                return Ok(Some(Event::ApplicationData { kind, payload, raw_offset, offset }));
            }
            State::Body(header @ BlockHeader::End { .. }) => {
                let block = self.verify(Coded::new(header, self.bytes(&place, input)), Part::End)?;
                let end = self.end_block(block.payload())?;
                self.state = if self.header.index { State::IndexHeader } else { State::StreamEnd };
                self.offset += len as u64;
                return Ok(Some(Event::End { end, offset: offset - HEADER_LEN as u64 }));
            }
            State::IndexHeader => {
                let bytes = first_header(self.bytes(&place, input));
                self.state = self.index_header(bytes)?;
            }
            State::SkipEnd(skipped) => {
                let mut tail = [0; IndexFooter::TAIL_LEN];
                tail[..len].copy_from_slice(self.bytes(&place, input));
                self.offset += len as u64;
                self.state = self.skip_end(skipped, &tail[..len])?;
                return Ok(None);
            }
            state @ (State::Skip(..) | State::StreamEnd | State::Done) => self.state = state,
        }
        self.offset += len as u64;
        Ok(None)
    }

    fn stream_header(&mut self, input: &[u8], place: &Place) -> Result<Option<Event>, Error> {
        let bytes = self.bytes(place, input);
        let Some(&fixed) = bytes.first_chunk() else { return Ok(None) };
        let len = match StreamHeader::len_from(&fixed, self.offset) {
            Err(Error::NotAStream { found }) => {
                self.no_stream(found)?;
                return Ok(None);
            }
            result => result?,
        };
        if bytes.len() < len {
            // The first part is taken again with the second, so it stays in the buffer, or goes
            // there.
            self.used = 0;
            if let Place::Input(_) = place {
                self.buffer_up_to(fixed.len(), &fixed)?;
            }
            self.state = State::StreamHeader(len);
            return Ok(None);
        }
        let header = StreamHeader::parse(bytes, self.offset)?;
        self.stream_offset = self.offset;
        self.offset += len as u64;
        self.header = header;
        self.totals = Totals::new();
        self.state = State::BlockHeader;
        Ok(Some(Event::StreamHeader(header)))
    }

    fn block_header(&self, bytes: [u8; HEADER_LEN]) -> Result<State, Error> {
        let part = Part::Block(self.totals.blocks);
        self.check_end(bytes, Part::End)?;
        let header = BlockHeader::parse(&bytes, part, self.offset)?;
        let corrupt = |reason| Error::Corrupt { part, offset: self.offset, reason };
        match header {
            BlockHeader::Data { raw_len, payload_len, mode } => {
                let max = 1_u64 << self.header.max_block_log2;
                if raw_len as u64 > max {
                    return Err(corrupt(Corruption::Length { found: raw_len as u64, min: 1, max }));
                }
                let total = self.totals.raw_len + raw_len as u64;
                if let Some(stored) = self.header.content_length.filter(|&declared| total > declared) {
                    return Err(corrupt(Corruption::RawLength { stored, actual: total }));
                }
                let limits = &self.options.limits;
                limits.check_block_len(raw_len, self.offset)?;
                limits.check_output(self.raw_before.saturating_add(total), self.offset)?;
                let held = payload_len + CHECK_LEN + if mode == BlockMode::Stored { 0 } else { raw_len };
                limits.check_memory(held, self.offset)?;
            }
            BlockHeader::End { payload_len } => {
                let expected = EndBlock::payload_len(self.header.content_check);
                if payload_len != expected {
                    let (found, expected) = (payload_len as u64, expected as u64);
                    return Err(Error::Corrupt {
                        part: Part::End,
                        offset: self.offset,
                        reason: Corruption::Length { found, min: expected, max: expected },
                    });
                }
            }
            BlockHeader::Skippable { kind: INDEX_KIND, .. } => {
                return Err(corrupt(Corruption::Field { field: "kind", found: INDEX_KIND.into() }));
            }
            BlockHeader::Skippable { kind, payload_len } => {
                let allowed = self.options.application_data as u64;
                if kind & 0x8000 != 0 || allowed == 0 {
                    return Ok(skip(Skipped::data(header, self.offset), payload_len.into()));
                }
                if u64::from(payload_len) > allowed {
                    return Err(Error::LimitExceeded {
                        limit: Limit::ApplicationData,
                        found: payload_len.into(),
                        allowed,
                        offset: self.offset,
                    });
                }
            }
        }
        Ok(State::Body(header))
    }

    /// A stream header in a block's place: whoever wrote the stream before it never came to its
    /// end.
    fn check_end(&self, bytes: [u8; HEADER_LEN], missing: Part) -> Result<(), Error> {
        if bytes[..MAGIC.len()] != MAGIC {
            return Ok(());
        }
        Err(Error::Corrupt { part: missing, offset: self.offset, reason: Corruption::EndMissing })
    }

    /// The block whose body was read last.
    fn verify<'a>(&self, block: Coded<'a>, part: Part) -> Result<Verified<'a>, Error> {
        let offset = self.offset - HEADER_LEN as u64;
        block.verify().map_err(|reason| Error::Corrupt { part, offset, reason })
    }

    fn end_block(&self, payload: &[u8]) -> Result<EndBlock, Error> {
        let corrupt = |reason| Error::Corrupt { part: Part::End, offset: self.offset - HEADER_LEN as u64, reason };
        let length = payload.len() as u64;
        let end = EndBlock::parse(payload).ok_or(corrupt(Corruption::PayloadEnds { field: "totals", length }))?;
        self.totals.verify(&end).map_err(corrupt)?;
        match self.header.content_length {
            Some(declared) if declared != end.raw_len => {
                Err(corrupt(Corruption::RawLength { stored: declared, actual: end.raw_len }))
            }
            _ => Ok(end),
        }
    }

    fn index_header(&self, bytes: [u8; HEADER_LEN]) -> Result<State, Error> {
        let corrupt = |reason| Error::Corrupt { part: Part::Index, offset: self.offset, reason };
        self.check_end(bytes, Part::Index)?;
        let (header, payload_len) = match BlockHeader::parse(&bytes, Part::Index, self.offset) {
            Ok(header @ BlockHeader::Skippable { kind: INDEX_KIND, payload_len }) => (header, payload_len),
            Ok(BlockHeader::Skippable { kind, .. }) => {
                return Err(corrupt(Corruption::Field { field: "kind", found: kind.into() }));
            }
            Ok(_) | Err(Error::Unsupported { .. }) => {
                return Err(corrupt(Corruption::Field { field: "tag", found: bytes[0].into() }));
            }
            Err(error) => return Err(error),
        };
        let (found, footer) = (u64::from(payload_len), IndexFooter::LEN as u64);
        let full = self.totals.blocks.saturating_mul(HEADER_LEN as u64).saturating_add(footer);
        if found != full && found != footer {
            return Err(corrupt(Corruption::Length { found, min: footer, max: full }));
        }
        Ok(skip(Skipped::index(header, self.offset, found != footer), found - footer))
    }

    /// `bytes`: the check, in an index the footer before it.
    fn skip_end(&mut self, mut skipped: Skipped, bytes: &[u8]) -> Result<State, Error> {
        let (footer, stored) = split_check(bytes);
        skipped.check.update(footer);
        let computed = skipped.check.value();
        let part = if skipped.is_index { Part::Index } else { Part::Block(self.totals.blocks) };
        let corrupt = |reason| Error::Corrupt { part, offset: skipped.offset, reason };
        if stored != computed {
            return Err(corrupt(Corruption::PayloadCheck { stored, computed }));
        }
        if !skipped.is_index {
            self.totals.add(&skipped.header, stored);
            return Ok(State::BlockHeader);
        }
        let footer = footer.first_chunk().and_then(IndexFooter::parse);
        let entries_agree = !skipped.has_entries
            || self.totals.headers_check().is_none_or(|headers| headers == skipped.entries.value());
        let agrees = footer.is_some_and(|footer| {
            let entries = if skipped.has_entries { self.totals.blocks } else { 0 };
            footer.stream_len == self.offset - self.stream_offset && u64::from(footer.entries) == entries
        });
        if agrees && entries_agree { Ok(State::StreamEnd) } else { Err(corrupt(Corruption::IndexMismatch)) }
    }
}

/// So many bytes, then what stands behind them.
fn skip(skipped: Skipped, len: u64) -> State {
    if len == 0 { State::SkipEnd(skipped) } else { State::Skip(skipped, len) }
}

fn first_header(bytes: &[u8]) -> [u8; HEADER_LEN] {
    bytes.first_chunk().copied().unwrap_or_default()
}
