//! Coded bytes to the parts of a stream, however the bytes are cut.

mod checks;

use std::{iter, mem};

use crate::{
    block::{Coded, body_len},
    error::{Corruption, Error, Part},
    format::{BlockHeader, CHECK_LEN, HEADER_LEN, IndexFooter, MAGIC, StreamHeader},
    options::{DecodeOptions, TrailingData},
    stream::{
        element::{ElementBuffer, FIRST_LEN},
        event::{BlockEvent, Event, Span, StreamPosition},
        skipped::Skipped,
        totals::Totals,
    },
};

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

/// What a deframer is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Nothing: no more will be read.
    Nothing,
    /// An element that is needed in one piece: so many bytes of it are missing, 1 or more.
    /// `begun`: a first byte of it was read.
    Element { missing: usize, begun: bool },
    /// A payload that is stepped over, however it comes: so many bytes of it are left.
    Payload { left: u64 },
}

#[derive(Debug)]
pub(crate) struct Deframer {
    single_stream: bool,
    trailing_data: TrailingData,
    /// Bytes of application data that a block may have.
    application_data: usize,
    state: State,
    buffer: ElementBuffer,
    /// Where the element in progress starts in the input.
    offset: u64,
    header: StreamHeader,
    stream_offset: u64,
    totals: Totals,
    raw_before: u64,
    is_first: bool,
    /// What an index says of the next block header.
    expected: Option<[u8; HEADER_LEN]>,
    /// Payloads are passed over unread, see [`Deframer::of_headers`].
    headers_only: bool,
}

impl Deframer {
    pub(crate) fn new(options: &DecodeOptions) -> Self {
        Self {
            buffer: ElementBuffer::new(options.limits),
            single_stream: options.single_stream,
            trailing_data: options.trailing_data,
            application_data: options.application_data,
            state: State::StreamHeader(StreamHeader::FIXED_LEN),
            offset: 0,
            header: StreamHeader { max_block_log2: 0, content_length: None, content_check: false, index: false },
            stream_offset: 0,
            totals: Totals::new(),
            raw_before: 0,
            is_first: true,
            expected: None,
            headers_only: false,
        }
    }

    /// Gives headers and totals only: whoever drives it [passes](Deframer::pass) over the payloads
    /// of data blocks, application data and indexes. All checks are those of [`Deframer::new`],
    /// but for those over the payloads.
    pub(crate) fn of_headers(options: &DecodeOptions) -> Self {
        Self { headers_only: true, ..Self::new(options) }
    }

    /// Begins again with the same options, as if made anew. What was buffered is dropped, but the
    /// memory for it stays.
    pub(crate) fn reset(&mut self, options: &DecodeOptions) {
        let mut buffer = mem::replace(&mut self.buffer, ElementBuffer::new(options.limits));
        buffer.clear();
        *self = Self { buffer, headers_only: self.headers_only, ..Self::new(options) };
    }

    /// Goes on at a block header elsewhere in the input, which must be `expected`. What was
    /// buffered is dropped.
    pub(crate) fn resume(&mut self, position: &StreamPosition, expected: [u8; HEADER_LEN]) {
        self.state = State::BlockHeader;
        self.expected = Some(expected);
        self.buffer.clear();
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
        self.buffer.release();
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            match &mut self.state {
                State::Done => return Ok((taken, None)),
                State::StreamEnd => {
                    let more = !self.single_stream;
                    self.state = if more { State::StreamHeader(StreamHeader::FIXED_LEN) } else { State::Done };
                    self.is_first = false;
                    self.raw_before += self.totals.raw_len;
                    return Ok((taken, Some(Event::StreamEnd)));
                }
                State::Skip(..) if self.headers_only => return Ok((taken, None)),
                State::Skip(skipped, left) => {
                    let buffered = !self.buffer.is_empty();
                    let bytes = if buffered { self.buffer.all() } else { rest };
                    let len = read(skipped, left, bytes);
                    self.offset += len as u64;
                    if *left == 0 {
                        self.state = State::SkipEnd(skipped.clone());
                    }
                    if buffered {
                        self.buffer.drop_front(len);
                    } else {
                        taken += len;
                        if matches!(self.state, State::Skip(..)) {
                            return Ok((taken, None));
                        }
                    }
                }
                _ => {
                    let len = self.element_len();
                    let span = if self.buffer.is_empty() && rest.len() >= len {
                        taken += len;
                        Span::Input(taken - len..taken)
                    } else {
                        taken += self.buffer.fill_up_to(len, rest, self.offset)?;
                        if !self.buffer.take(len) {
                            self.check_magic_so_far()?;
                            return Ok((taken, None));
                        }
                        Span::Buffer(self.buffer.place())
                    };
                    if let Some(event) = self.element(input, span)? {
                        return Ok((taken, Some(event)));
                    }
                    if self.is_done() {
                        // Bytes behind the last stream are nobody's: they stay where they are.
                        return Ok((if self.buffer.is_empty() { taken - len } else { taken }, None));
                    }
                    self.buffer.release();
                }
            }
        }
    }

    /// The header of the data block that the [next](Self::next) call gives, if all of it is there:
    /// in the buffer, or in `input` where all that is buffered was used. It is right, and within
    /// the limits: room may be made for the block. What is wrong with its payload is not seen here.
    pub(crate) fn next_block(&self, input: &[u8]) -> Option<BlockHeader> {
        self.next_blocks(input).next()
    }

    /// [`next_block`](Self::next_block), and those behind it that are whole in the same place. They
    /// may be too many for the stream, or for the limits.
    pub(crate) fn next_blocks<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = BlockHeader> + 'a {
        let buffered = self.buffer.unused();
        let (mut there, mut begun) = (if buffered.is_empty() { input } else { buffered }, None);
        match self.state {
            State::Body(header) => begun = Some(header),
            State::BlockHeader => {}
            _ => there = &[],
        }
        iter::from_fn(move || {
            let header = if let Some(header) = begun.take() {
                header
            } else {
                let (bytes, rest) = there.split_first_chunk()?;
                there = rest;
                let Ok(State::Body(header)) = self.block_header(*bytes) else { return None };
                header
            };
            there = there.get(body_len(&header)..)?;
            matches!(header, BlockHeader::Data { .. }).then_some(header)
        })
    }

    /// What it is in the middle of.
    pub(crate) fn wants(&self) -> Wants {
        match &self.state {
            State::Done => Wants::Nothing,
            State::Skip(_, left) => Wants::Payload { left: *left },
            state => Wants::Element {
                missing: self.element_len().saturating_sub(self.buffer.unused().len()).max(1),
                begun: !matches!(state, State::StreamHeader(_) | State::BlockHeader)
                    || !self.buffer.unused().is_empty(),
            },
        }
    }

    /// So many bytes of a payload were passed over.
    pub(crate) fn pass(&mut self, len: u64) {
        let State::Skip(skipped, left) = &mut self.state else { return };
        skipped.pass();
        *left = left.saturating_sub(len);
        self.offset += len;
        if *left == 0 {
            self.state = State::SkipEnd(skipped.clone());
        }
    }

    /// The next bytes of what may be passed over, read for its check. How many they are comes back.
    pub(crate) fn read_payload(&mut self, payload: &[u8]) -> usize {
        let State::Skip(skipped, left) = &mut self.state else { return 0 };
        let len = read(skipped, left, payload);
        self.offset += len as u64;
        if *left == 0 {
            self.state = State::SkipEnd(skipped.clone());
        }
        len
    }

    /// Where the current element begins in the input.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Raw bytes of all streams before this one.
    pub(crate) fn raw_before(&self) -> u64 {
        self.raw_before
    }

    /// Nothing more will be read.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The input ended.
    pub(crate) fn end_of_input(&mut self) -> Result<(), Error> {
        self.buffer.release();
        let may_end = match self.state {
            State::Done => true,
            State::StreamHeader(_) => self.buffer.is_empty() && !self.is_first,
            _ => false,
        };
        if may_end {
            self.state = State::Done;
            return Ok(());
        }
        Err(Error::Truncated { offset: self.offset + self.buffer.all().len() as u64 })
    }

    /// Where the next bytes of the input are to be read to, so that nothing need be copied. Empty
    /// when nothing more is to be read. In the middle of a data block there may be room for so many
    /// `blocks` like it, and some more. With one it never reaches past the block header that
    /// follows the element in progress: a reader that fills it takes no byte behind its stream.
    pub(crate) fn space(&mut self, blocks: usize) -> Result<&mut [u8], Error> {
        self.buffer.release();
        let needed = match &self.state {
            // It comes in pieces.
            State::Skip(_, left) => usize::try_from(*left).unwrap_or(usize::MAX).min(FIRST_LEN),
            _ => self.element_len() + self.lookahead(),
        };
        // Neighbours differ a little. What is there of the block behind them is moved, so it should
        // be little.
        let wanted = match &self.state {
            State::Body(BlockHeader::Data { .. }) if blocks > 1 => {
                needed.saturating_mul(blocks).saturating_add(needed / 8)
            }
            _ => needed,
        };
        self.buffer.space(needed, wanted, self.offset)
    }

    /// The header of the data block that it is in the middle of.
    pub(crate) fn block(&self) -> Option<&BlockHeader> {
        match &self.state {
            State::Body(header @ BlockHeader::Data { .. }) => Some(header),
            _ => None,
        }
    }

    /// So many bytes were written to the start of [`Deframer::space`].
    pub(crate) fn commit(&mut self, len: usize) {
        self.buffer.commit(len);
    }

    /// Gives the buffer's memory back, unless an element's body is on its way in it.
    pub(crate) fn release_buffer(&mut self) {
        self.buffer.release_memory();
    }

    /// The bytes of the last event.
    pub(crate) fn bytes<'a>(&'a self, span: &Span, input: &'a [u8]) -> &'a [u8] {
        match span {
            Span::Input(range) => &input[range.clone()],
            Span::Buffer(place) => self.buffer.at(place.clone()),
        }
    }

    /// Takes over the buffer with the last event's bytes at its start and leaves `spare` in its
    /// place.
    pub(crate) fn exchange_buffer(&mut self, spare: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.buffer.exchange(spare, self.offset)
    }

    /// Bytes that were read but belong to no part yet.
    pub(crate) fn unused(&self) -> &[u8] {
        self.buffer.unused()
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

    /// A live peer may wait for an answer before it sends more: a wrong magic is reported with its
    /// first wrong byte.
    fn check_magic_so_far(&mut self) -> Result<(), Error> {
        let State::StreamHeader(_) = self.state else { return Ok(()) };
        let begun = self.buffer.all();
        let begun = &begun[..begun.len().min(MAGIC.len())];
        if *begun == MAGIC[..begun.len()] {
            return Ok(());
        }
        let found = begun.to_vec();
        self.no_stream(found)
    }

    /// What is there does not begin a stream.
    fn no_stream(&mut self, found: Vec<u8>) -> Result<(), Error> {
        if self.is_first {
            return Err(Error::NotAStream { found });
        }
        match self.trailing_data {
            TrailingData::Reject => Err(Error::TrailingData { offset: self.offset }),
            TrailingData::Ignore => {
                self.state = State::Done;
                self.buffer.keep();
                Ok(())
            }
        }
    }

    /// The element in progress is whole.
    fn element(&mut self, input: &[u8], span: Span) -> Result<Option<Event>, Error> {
        let offset = self.offset;
        let len = self.element_len();
        match std::mem::replace(&mut self.state, State::Done) {
            State::StreamHeader(_) => return self.stream_header(input, &span),
            State::BlockHeader => {
                let bytes = first_header(self.bytes(&span, input));
                if self.expected.take().is_some_and(|expected| expected != bytes) {
                    return Err(Error::Corrupt { part: Part::Index, offset, reason: Corruption::IndexMismatch });
                }
                self.state = self.block_header(bytes)?;
            }
            State::Body(header @ BlockHeader::Data { .. }) => {
                let check = Coded::new(header, self.bytes(&span, input)).check();
                let number = self.totals.blocks;
                self.totals.add(&header, check);
                self.state = State::BlockHeader;
                self.offset += len as u64;
                let block = BlockEvent { header, body: span, number, offset: offset - HEADER_LEN as u64 };
                return Ok(Some(Event::Block(block)));
            }
            State::Body(header @ BlockHeader::Skippable { kind, .. }) => {
                let block = Coded::new(header, self.bytes(&span, input));
                self.verify(block, Part::Block(self.totals.blocks))?;
                let check = block.check();
                self.totals.add(&header, check);
                self.state = State::BlockHeader;
                self.offset += len as u64;
                let (payload, raw_offset) = (span.without_check(), self.raw_before + self.totals.raw_len);
                let offset = offset - HEADER_LEN as u64;
                return Ok(Some(Event::ApplicationData { kind, payload, raw_offset, offset }));
            }
            State::Body(header @ BlockHeader::End { .. }) => {
                let block = self.verify(Coded::new(header, self.bytes(&span, input)), Part::End)?;
                let end = self.end_block(block.payload())?;
                self.state = if self.header.index { State::IndexHeader } else { State::StreamEnd };
                self.offset += len as u64;
                return Ok(Some(Event::End { end, offset: offset - HEADER_LEN as u64 }));
            }
            State::IndexHeader => {
                let bytes = first_header(self.bytes(&span, input));
                self.state = self.index_header(bytes)?;
            }
            State::SkipEnd(skipped) => {
                let mut tail = [0; IndexFooter::TAIL_LEN];
                tail[..len].copy_from_slice(self.bytes(&span, input));
                self.offset += len as u64;
                return self.skip_end(skipped, &tail[..len]);
            }
            state @ (State::Skip(..) | State::StreamEnd | State::Done) => self.state = state,
        }
        self.offset += len as u64;
        Ok(None)
    }

    fn stream_header(&mut self, input: &[u8], span: &Span) -> Result<Option<Event>, Error> {
        let bytes = self.bytes(span, input);
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
            self.buffer.keep();
            if let Span::Input(_) = span {
                self.buffer.fill_up_to(fixed.len(), &fixed, self.offset)?;
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
}

/// What of `bytes` belongs to a block that is stepped over, of which `left` bytes are to come; how
/// many comes back.
fn read(skipped: &mut Skipped, left: &mut u64, bytes: &[u8]) -> usize {
    let len = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    skipped.update(&bytes[..len]);
    *left -= len as u64;
    len
}

fn first_header(bytes: &[u8]) -> [u8; HEADER_LEN] {
    bytes.first_chunk().copied().unwrap_or_default()
}
