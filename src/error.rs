//! The one error type, and its way to and from [`std::io::Error`].

mod display;

use std::io;

/// Everything that can go wrong in this crate, apart from I/O itself.
///
/// Offsets count coded bytes from the start of the input, blocks count from 0 in the stream they
/// belong to. The adapters return [`io::Error`]; an `Error` travels inside and comes out again
/// unchanged:
///
/// ```
/// use std::io;
///
/// use ranstream::Error;
///
/// let error = Error::Truncated { offset: 7 };
/// let outer = io::Error::from(error.clone());
/// assert_eq!(outer.kind(), io::ErrorKind::UnexpectedEof);
/// assert_eq!(Error::try_from(outer).unwrap(), error);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The input ended inside a stream, a bare block or a message.
    /// [`io::ErrorKind::UnexpectedEof`].
    Truncated {
        /// Where the input ended.
        offset: u64,
    },
    /// The input does not begin like a stream. [`io::ErrorKind::InvalidData`].
    NotAStream {
        /// The first four bytes of the input, or as many as came before the first wrong one was
        /// seen.
        found: Vec<u8>,
    },
    /// A complete stream is followed by bytes that are no stream, or a complete block or message by
    /// any byte. [`io::ErrorKind::InvalidData`].
    TrailingData {
        /// Where what is complete ended.
        offset: u64,
    },
    /// A part of the stream is not as the format asks. [`io::ErrorKind::InvalidData`].
    Corrupt {
        /// Which part of a stream it is.
        part: Part,
        /// Where that part starts.
        offset: u64,
        /// What is wrong with it.
        reason: Corruption,
    },
    /// The stream asks for something that this version does not know.
    /// [`io::ErrorKind::Unsupported`].
    Unsupported {
        /// What it asks for.
        feature: Feature,
        /// Where it asks.
        offset: u64,
    },
    /// The input asks for more than [`Limits`](crate::Limits) allow.
    /// [`io::ErrorKind::InvalidData`].
    LimitExceeded {
        /// Which limit it is.
        limit: Limit,
        /// What the input asks for, in bytes.
        found: u64,
        /// What is allowed, in bytes.
        allowed: u64,
        /// Where it asks.
        offset: u64,
    },
    /// An option is outside its range. [`io::ErrorKind::InvalidInput`].
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// Its value.
        given: u64,
        /// The smallest value it may have.
        min: u64,
        /// The largest value it may have.
        max: u64,
    },
    /// The output slice is too short for the raw bytes. [`io::ErrorKind::InvalidInput`].
    OutputTooSmall {
        /// Bytes needed, as far as known.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The raw bytes written are not as many as
    /// [`EncodeOptions::content_length`](crate::EncodeOptions::content_length) said.
    /// [`io::ErrorKind::InvalidInput`].
    ContentLength {
        /// The declared length.
        declared: u64,
        /// The bytes written so far.
        actual: u64,
    },
    /// Something was written to a stream after its end. [`io::ErrorKind::InvalidInput`].
    Finished,
    /// A seek to a place before the first byte. [`io::ErrorKind::InvalidInput`].
    InvalidSeek,
    /// A message was coded with a model that the decoder was not given.
    /// [`io::ErrorKind::InvalidData`].
    UnknownModel {
        /// The model's id.
        id: u32,
    },
    /// A block is a difference from a [`Base`](crate::Base), and none was given, or none can be
    /// given here. [`io::ErrorKind::InvalidInput`].
    NeedsBase {
        /// Where the bytes begin that the block needs.
        base_offset: u64,
        /// XXH3-64 of them.
        hash: u64,
        /// Where the block's header is.
        offset: u64,
    },
    /// The base is not the one that a block is a difference from. [`io::ErrorKind::InvalidData`].
    WrongBase {
        /// Where the bytes begin that the block needs.
        base_offset: u64,
        /// XXH3-64 of them.
        expected: u64,
        /// XXH3-64 of what is there. `None`: the base ends before.
        found: Option<u64>,
        /// Where the block's header is.
        offset: u64,
    },
    /// The base cannot be read. The kind is that of its error.
    UnreadBase {
        /// What its error is.
        kind: io::ErrorKind,
        /// Where the block's header is.
        offset: u64,
    },
    /// The worker that had block `block` did not return it. [`io::ErrorKind::Other`].
    WorkerLost {
        /// The block.
        block: u64,
    },
}

/// One of the [`Limits`](crate::Limits), as [`Error::LimitExceeded`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_block_len`](crate::Limits::max_block_len).
    BlockLen,
    /// [`Limits::max_output`](crate::Limits::max_output).
    Output,
    /// [`Limits::max_memory`](crate::Limits::max_memory).
    Memory,
    /// [`DecodeOptions::application_data`](crate::DecodeOptions::application_data).
    ApplicationData,
}

/// A part of a stream, as [`Error::Corrupt`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The stream's first bytes.
    StreamHeader,
    /// A data block or skippable block.
    Block(u64),
    /// The end block.
    End,
    /// The index block.
    Index,
    /// A payload of the original coder outside a stream.
    Payload,
    /// A message frame.
    Message,
    /// A saved model.
    Model,
}

/// What is wrong with a corrupt part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Corruption {
    /// The header's check differs.
    HeaderCheck {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The payload's check differs.
    PayloadCheck {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The XXH3-64 over the raw bytes differs.
    ContentCheck {
        /// As stored.
        stored: u64,
        /// As computed.
        computed: u64,
    },
    /// The check over the sequence of blocks differs: a block was dropped, doubled or moved.
    Sequence {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The count of blocks differs.
    Blocks {
        /// As stored.
        stored: u64,
        /// As counted.
        actual: u64,
    },
    /// The count of raw bytes differs.
    RawLength {
        /// As stored.
        stored: u64,
        /// As counted.
        actual: u64,
    },
    /// A length field has a value that its mode or stream does not allow.
    Length {
        /// As stored.
        found: u64,
        /// The smallest legal value.
        min: u64,
        /// The largest legal value.
        max: u64,
    },
    /// A field has a value that the format does not allow.
    Field {
        /// The field's name in FORMAT.md.
        field: &'static str,
        /// As stored.
        found: u64,
    },
    /// The payload ends before its fields do.
    PayloadEnds {
        /// The field that is cut.
        field: &'static str,
        /// The payload's length in bytes.
        length: u64,
    },
    /// The payload goes on after its last field.
    PayloadGoesOn {
        /// Bytes left over.
        extra: u64,
    },
    /// The frequencies do not sum to the scale.
    FrequencySum {
        /// Their sum.
        sum: u32,
        /// `1 << scale_bits`.
        scale: u32,
    },
    /// Padding that is not zero.
    Padding,
    /// Groups of symbols of a pivot table are not in their order.
    GroupOrder,
    /// A lane does not end as it was begun: it ran out of words, has words left, or ends in another
    /// state than the encoder started in.
    LaneEnd {
        /// The lane.
        lane: u32,
    },
    /// A segment does not end as it was begun: it ran out of words, has words left, or a lane ends
    /// in another state than the encoder started in.
    SegmentEnd {
        /// The first such segment of the block.
        segment: u32,
    },
    /// A section holds a symbol that has no meaning there.
    Symbol {
        /// The section's name in FORMAT.md.
        section: &'static str,
    },
    /// The sequences of a chunk ask for more of one of its parts than there is, or for less.
    Sequences {
        /// The part's name in FORMAT.md.
        part: &'static str,
    },
    /// A match begins before the block, or ends behind its chunk.
    Match {
        /// How far back it begins.
        offset: u32,
        /// Its bytes.
        length: u32,
    },
    /// Another stream begins before this one ended: its end block or index block is missing.
    EndMissing,
    /// The index does not describe the stream before it.
    IndexMismatch,
}

/// A feature that a stream asks for and this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// Another version of the format.
    Version(u8),
    /// Flags of the stream header that have no meaning yet.
    Flags(u8),
    /// A block whose tag has no meaning yet.
    Tag(u8),
    /// Flags of a block with matches that have no meaning yet.
    LzFlags(u8),
    /// A chunk whose kind has no meaning yet.
    Chunk(u8),
    /// A section of a block whose form has no meaning yet.
    Form(u8),
    /// Flags of a block of planes that have no meaning yet.
    PlanesFlags(u8),
    /// Flags of a column of planes that have no meaning yet.
    Column(u8),
}

/// Why a payload cannot be decoded, before the place of its block is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadError {
    Corrupt(Corruption),
    Unsupported(Feature),
    NeedsBase { base_offset: u64, hash: u64 },
    WrongBase { base_offset: u64, expected: u64, found: Option<u64> },
    UnreadBase(io::ErrorKind),
}

impl PayloadError {
    /// The error of the payload of `part`, whose header is at `offset`.
    pub(crate) fn at(self, part: Part, offset: u64) -> Error {
        match self {
            Self::Corrupt(reason) => Error::Corrupt { part, offset, reason },
            Self::Unsupported(feature) => Error::Unsupported { feature, offset },
            Self::NeedsBase { base_offset, hash } => Error::NeedsBase { base_offset, hash, offset },
            Self::WrongBase { base_offset, expected, found } => {
                Error::WrongBase { base_offset, expected, found, offset }
            }
            Self::UnreadBase(kind) => Error::UnreadBase { kind, offset },
        }
    }
}

impl From<Corruption> for PayloadError {
    fn from(reason: Corruption) -> Self {
        Self::Corrupt(reason)
    }
}

impl Error {
    /// The kind this error has as an [`io::Error`].
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            Self::NotAStream { .. }
            | Self::TrailingData { .. }
            | Self::Corrupt { .. }
            | Self::LimitExceeded { .. }
            | Self::WrongBase { .. }
            | Self::UnknownModel { .. } => io::ErrorKind::InvalidData,
            Self::Unsupported { .. } => io::ErrorKind::Unsupported,
            Self::InvalidOption { .. }
            | Self::OutputTooSmall { .. }
            | Self::ContentLength { .. }
            | Self::Finished
            | Self::NeedsBase { .. }
            | Self::InvalidSeek => io::ErrorKind::InvalidInput,
            Self::UnreadBase { kind, .. } => *kind,
            Self::WorkerLost { .. } => io::ErrorKind::Other,
        }
    }

    /// An error of one block by itself, as [`block::decode`](crate::block::decode) gives it, as
    /// that of a file: the block is number `block` there, and its header is at byte `start`.
    ///
    /// ```
    /// use ranstream::{Error, block, error::Part};
    ///
    /// let error = block::decode(&[0; 20], &mut []).unwrap_err().in_file(3, 4096);
    /// assert!(matches!(error, Error::Corrupt { part: Part::Block(3), offset: 4096, .. }));
    /// ```
    #[must_use]
    pub fn in_file(mut self, block: u64, start: u64) -> Self {
        if let Self::Corrupt { part: Part::Block(number), .. } = &mut self {
            *number = block;
        }
        match &mut self {
            Self::Truncated { offset }
            | Self::TrailingData { offset }
            | Self::Corrupt { offset, .. }
            | Self::Unsupported { offset, .. }
            | Self::LimitExceeded { offset, .. }
            | Self::NeedsBase { offset, .. }
            | Self::WrongBase { offset, .. }
            | Self::UnreadBase { offset, .. } => *offset = offset.saturating_add(start),
            Self::NotAStream { .. }
            | Self::InvalidOption { .. }
            | Self::OutputTooSmall { .. }
            | Self::ContentLength { .. }
            | Self::Finished
            | Self::InvalidSeek
            | Self::UnknownModel { .. }
            | Self::WorkerLost { .. } => {}
        }
        self
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

/// Takes the [`Error`] out again; an [`io::Error`] that holds none comes back unchanged.
impl TryFrom<io::Error> for Error {
    type Error = io::Error;

    fn try_from(error: io::Error) -> Result<Self, io::Error> {
        error.downcast::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_of_another_source_comes_back_unchanged() {
        let outer = io::Error::new(io::ErrorKind::ConnectionReset, "peer");
        let back = Error::try_from(outer).unwrap_err();
        assert_eq!(back.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(back.to_string(), "peer");
    }

    #[test]
    fn messages_name_place_and_numbers() {
        let error = Error::Corrupt {
            part: Part::Block(3),
            offset: 4096,
            reason: Corruption::PayloadCheck { stored: 1, computed: 2 },
        };
        assert_eq!(
            error.to_string(),
            "block 3 at byte 4096 is corrupt: payload check is 0x00000001, computed 0x00000002"
        );
        let error = Error::Unsupported { feature: Feature::Tag(0x0a), offset: 8 };
        assert_eq!(error.to_string(), "block tag 0x0a at byte 8 is not supported by this version");
    }

    /// A bare block and a message stand in no stream.
    #[test]
    fn messages_that_concern_streams_blocks_and_messages_name_none_of_them() {
        for error in [Error::Truncated { offset: 7 }, Error::TrailingData { offset: 7 }] {
            let text = error.to_string();
            assert!(text.contains("at byte 7"), "{text}");
            assert!(["stream", "block", "message"].iter().all(|word| !text.contains(word)), "{text}");
        }
    }
}
