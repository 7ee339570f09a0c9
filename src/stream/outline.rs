//! The structure of streams: every header, no payload.

use crate::{
    error::Error,
    format::{BLOCK_OVERHEAD, BlockHeader, EndBlock, StreamHeader},
    options::DecodeOptions,
    stream::{Deframer, Event, deframer::Wants},
};

/// A part of an input, as [`Outline`] finds it. Offsets count coded bytes from the start of the
/// input, raw offsets count raw bytes over all streams before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutlinePart {
    /// A stream begins.
    #[non_exhaustive]
    Stream {
        /// What its header says.
        header: StreamHeader,
        /// Where its header is.
        offset: u64,
        /// Raw bytes before it.
        raw_offset: u64,
    },
    /// A data block or application data, whole but for its payload's being right.
    #[non_exhaustive]
    Block {
        /// What its header says.
        header: BlockHeader,
        /// Where its header is.
        offset: u64,
        /// Raw bytes before it.
        raw_offset: u64,
        /// Its own bytes, header and check among them.
        coded_len: u64,
    },
    /// The end block: the totals agree with the blocks before it.
    #[non_exhaustive]
    End {
        /// The totals.
        end: EndBlock,
        /// Where its header is.
        offset: u64,
    },
    /// The index behind a stream. Its entries were not read.
    #[non_exhaustive]
    Index {
        /// Where its header is.
        offset: u64,
        /// Its own bytes, header and check among them.
        coded_len: u64,
        /// Whether it lists the blocks: one that grew too long does not.
        has_entries: bool,
    },
    /// The last byte of a stream.
    #[non_exhaustive]
    StreamEnd {
        /// The byte behind it.
        offset: u64,
    },
}

/// Walks over the headers of concatenated streams and passes over the payloads: what lists, seeks,
/// splits and plans need. It knows no I/O;
/// [`OutlineReader`](crate::outline::OutlineReader) drives it over a reader.
///
/// It is the decoder's own walk, so it finds the same errors in the same places, except those in
/// payloads: header checks, order, totals, the sequence of the blocks' checks, the index's footer.
///
/// Give it bytes with [`step`](Outline::step). Without a part and with
/// [`to_pass`](Outline::to_pass) above 0, so many bytes of the input need not be read: tell it by
/// [`pass`](Outline::pass) that they are there. Else read at least [`missing`](Outline::missing)
/// more.
///
/// ```
/// use ranstream::{
///     DecodeOptions, EncodeOptions, compress,
///     stream::{Outline, OutlinePart},
/// };
///
/// let stream = compress(&[7; 1_000_000], &EncodeOptions::new().block_len(1 << 18))?;
/// let (mut outline, mut at, mut blocks) = (Outline::new(DecodeOptions::new()), 0, 0);
/// while at < stream.len() {
///     let (taken, part) = outline.step(&stream[at..])?;
///     at += taken;
///     blocks += usize::from(matches!(part, Some(OutlinePart::Block { .. })));
///     at += outline.to_pass() as usize;
///     outline.pass(outline.to_pass());
/// }
/// assert_eq!(blocks, 4);
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Debug)]
pub struct Outline {
    deframer: Deframer,
}

impl Outline {
    /// Of `options` it takes limits, whether there may be several streams, and what may stand
    /// behind them.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "taken as everything else takes its options")]
    pub fn new(options: DecodeOptions) -> Self {
        Self { deframer: Deframer::of_headers(&options) }
    }

    /// How many bytes of `input` were taken, and the part that is whole with them. Call it again
    /// with the rest, until there is no part.
    ///
    /// # Errors
    ///
    /// Those of [`Decoder::step`](crate::stream::Decoder::step) for a stream, its payloads apart.
    pub fn step(&mut self, input: &[u8]) -> Result<(usize, Option<OutlinePart>), Error> {
        let (taken, event) = self.deframer.next(input)?;
        Ok((taken, event.and_then(|event| self.part(&event))))
    }

    /// Payload bytes that need not be read. 0: what comes next is to be read.
    #[must_use]
    pub fn to_pass(&self) -> u64 {
        match self.deframer.wants() {
            Wants::Payload { left } => left,
            Wants::Nothing | Wants::Element { .. } => 0,
        }
    }

    /// The next `len` bytes of the input are there, and were passed over.
    ///
    /// # Panics
    ///
    /// When `len` is more than [`to_pass`](Outline::to_pass).
    pub fn pass(&mut self, len: u64) {
        let left = self.to_pass();
        assert!(len <= left, "passed over {len} bytes of {left}");
        if len > 0 {
            self.deframer.pass(len);
        }
    }

    /// Reads payload bytes instead of [passing](Outline::pass) over them; how many of `payload` are
    /// those of the current block comes back, at most [`to_pass`](Outline::to_pass). If all of
    /// its payload comes this way, the block's check is verified as well, and the entries of an
    /// index are compared with the blocks.
    pub fn read_payload(&mut self, payload: &[u8]) -> usize {
        self.deframer.read_payload(payload)
    }

    /// Bytes to the end of the current header or check, 1 or more.
    #[must_use]
    pub fn missing(&self) -> usize {
        match self.deframer.wants() {
            Wants::Element { missing, .. } => missing,
            Wants::Payload { left } => usize::try_from(left).unwrap_or(usize::MAX),
            Wants::Nothing => 1,
        }
    }

    /// There is no more input.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], unless a stream ended here.
    pub fn end_of_input(&mut self) -> Result<(), Error> {
        self.deframer.end_of_input()
    }

    /// Nothing more will be read: the input ended, or what the options let be read of it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.deframer.is_done()
    }

    /// Bytes that were taken but belong to no part: what follows the last stream, perhaps.
    #[must_use]
    pub fn unused(&self) -> &[u8] {
        self.deframer.unused()
    }

    fn part(&self, event: &Event) -> Option<OutlinePart> {
        let coded_len = |header: &BlockHeader| header.payload_len() + BLOCK_OVERHEAD as u64;
        Some(match *event {
            Event::StreamHeader(header) => OutlinePart::Stream {
                header,
                offset: self.deframer.offset() - header.encoded_len() as u64,
                raw_offset: self.deframer.raw_before(),
            },
            Event::Passed { header, offset, raw_offset } => {
                OutlinePart::Block { coded_len: coded_len(&header), header, offset, raw_offset }
            }
            Event::End { end, offset } => OutlinePart::End { end, offset },
            Event::Index { header, offset, has_entries } => {
                OutlinePart::Index { offset, coded_len: coded_len(&header), has_entries }
            }
            Event::StreamEnd => OutlinePart::StreamEnd { offset: self.deframer.offset() },
            // A deframer of headers gives neither.
            Event::Block(_) | Event::ApplicationData { .. } => return None,
        })
    }
}
