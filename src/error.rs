//! The one error type, and its way to and from [`std::io::Error`].

use std::io;

use thiserror::Error as ThisError;

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
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The input ended inside a stream. [`io::ErrorKind::UnexpectedEof`].
    #[error("input ends at byte {offset}, inside a stream")]
    Truncated {
        /// Where the input ended.
        offset: u64,
    },
    /// The input does not begin like a stream. [`io::ErrorKind::InvalidData`].
    #[error("not a ranstream stream: it begins with {found:02x?}, not [89, 52, 4e, 53]")]
    NotAStream {
        /// The first four bytes of the input.
        found: [u8; 4],
    },
    /// A complete stream is followed by bytes that are no stream. [`io::ErrorKind::InvalidData`].
    #[error("a complete stream ends at byte {offset}, and what follows is not another one")]
    TrailingData {
        /// Where the complete stream ended.
        offset: u64,
    },
    /// A part of the stream is not as the format asks. [`io::ErrorKind::InvalidData`].
    #[error("{part} at byte {offset} is corrupt: {reason}")]
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
    #[error("{feature} at byte {offset} is not supported by this version")]
    Unsupported {
        /// What it asks for.
        feature: Feature,
        /// Where it asks.
        offset: u64,
    },
    /// The input asks for more than [`Limits`](crate::Limits) allow.
    /// [`io::ErrorKind::InvalidData`].
    #[error("{limit} of {found} bytes at byte {offset} exceeds the limit of {allowed}")]
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
    #[error("option {option} is {given}, outside {min}..={max}")]
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
    #[error("the output has room for {available} bytes, {needed} or more are needed")]
    OutputTooSmall {
        /// Bytes needed, as far as known.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The raw bytes written are not as many as
    /// [`EncodeOptions::content_length`](crate::EncodeOptions::content_length) said.
    /// [`io::ErrorKind::InvalidInput`].
    #[error("content length was declared as {declared} bytes, {actual} were written")]
    ContentLength {
        /// The declared length.
        declared: u64,
        /// The bytes written so far.
        actual: u64,
    },
    /// Something was written to a stream after its end. [`io::ErrorKind::InvalidInput`].
    #[error("the stream is finished; nothing can be written to it any more")]
    Finished,
    /// A seek to a place before the first byte. [`io::ErrorKind::InvalidInput`].
    #[error("cannot seek to a negative or overflowing position")]
    InvalidSeek,
    /// A message was coded with a model that the decoder was not given.
    /// [`io::ErrorKind::InvalidData`].
    #[error("the message is coded with model {id}, which this decoder was not given")]
    UnknownModel {
        /// The model's id.
        id: u32,
    },
    /// The worker that had block `block` did not return it. [`io::ErrorKind::Other`].
    #[error("the worker for block {block} was lost")]
    WorkerLost {
        /// The block.
        block: u64,
    },
}

/// One of the [`Limits`](crate::Limits), as [`Error::LimitExceeded`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_block_len`](crate::Limits::max_block_len).
    #[error("largest block")]
    BlockLen,
    /// [`Limits::max_output`](crate::Limits::max_output).
    #[error("total output")]
    Output,
    /// [`Limits::max_memory`](crate::Limits::max_memory).
    #[error("memory")]
    Memory,
    /// [`DecodeOptions::application_data`](crate::DecodeOptions::application_data).
    #[error("application data")]
    ApplicationData,
}

/// A part of a stream, as [`Error::Corrupt`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Part {
    /// The stream's first bytes.
    #[error("stream header")]
    StreamHeader,
    /// A data block or skippable block.
    #[error("block {0}")]
    Block(u64),
    /// The end block.
    #[error("end block")]
    End,
    /// The index block.
    #[error("index block")]
    Index,
    /// A payload of the original coder outside a stream.
    #[error("payload")]
    Payload,
    /// A message frame.
    #[error("message")]
    Message,
    /// A saved model.
    #[error("model")]
    Model,
}

/// What is wrong with a corrupt part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Corruption {
    /// The header's check differs.
    #[error("header check is {stored:#x}, computed {computed:#x}")]
    HeaderCheck {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The payload's check differs.
    #[error("payload check is {stored:#010x}, computed {computed:#010x}")]
    PayloadCheck {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The XXH3-64 over the raw bytes differs.
    #[error("content check is {stored:#018x}, computed {computed:#018x}")]
    ContentCheck {
        /// As stored.
        stored: u64,
        /// As computed.
        computed: u64,
    },
    /// The check over the sequence of blocks differs: a block was dropped, doubled or moved.
    #[error("sequence check is {stored:#010x}, computed {computed:#010x}: a block was dropped, doubled or moved")]
    Sequence {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The count of blocks differs.
    #[error("it counts {stored} blocks, there were {actual}")]
    Blocks {
        /// As stored.
        stored: u64,
        /// As counted.
        actual: u64,
    },
    /// The count of raw bytes differs.
    #[error("it counts {stored} raw bytes, there were {actual}")]
    RawLength {
        /// As stored.
        stored: u64,
        /// As counted.
        actual: u64,
    },
    /// A length field has a value that its mode or stream does not allow.
    #[error("length field {found} is outside {min}..={max}")]
    Length {
        /// As stored.
        found: u64,
        /// The smallest legal value.
        min: u64,
        /// The largest legal value.
        max: u64,
    },
    /// A field has a value that the format does not allow.
    #[error("{field} is {found}")]
    Field {
        /// The field's name in FORMAT.md.
        field: &'static str,
        /// As stored.
        found: u64,
    },
    /// The payload ends before its fields do.
    #[error("payload of {length} bytes ends inside its {field}")]
    PayloadEnds {
        /// The field that is cut.
        field: &'static str,
        /// The payload's length in bytes.
        length: u64,
    },
    /// The payload goes on after its last field.
    #[error("payload has {extra} bytes more than its fields say")]
    PayloadGoesOn {
        /// Bytes left over.
        extra: u64,
    },
    /// The frequencies do not sum to the scale.
    #[error("frequencies sum to {sum}, not {scale}")]
    FrequencySum {
        /// Their sum.
        sum: u32,
        /// `1 << scale_bits`.
        scale: u32,
    },
    /// Padding that is not zero.
    #[error("padding is not zero")]
    Padding,
    /// A lane does not end as it was begun: it ran out of words, has words left, or ends in another
    /// state than the encoder started in.
    #[error("lane {lane} does not end as the encoder began it")]
    LaneEnd {
        /// The lane.
        lane: u32,
    },
    /// A segment does not end as it was begun: it ran out of words, has words left, or a lane ends
    /// in another state than the encoder started in.
    #[error("segment {segment} does not end as the encoder began it")]
    SegmentEnd {
        /// The first such segment of the block.
        segment: u32,
    },
    /// Another stream begins before this one ended: its end block or index block is missing.
    #[error("another stream begins here, and this one has not ended")]
    EndMissing,
    /// The index does not describe the stream before it.
    #[error("index does not agree with the stream")]
    IndexMismatch,
}

/// A feature that a stream asks for and this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ThisError)]
#[non_exhaustive]
pub enum Feature {
    /// Another version of the format.
    #[error("format version {0}")]
    Version(u8),
    /// Flags of the stream header that have no meaning yet.
    #[error("stream header flags {0:#010b}")]
    Flags(u8),
    /// A block whose tag has no meaning yet.
    #[error("block tag {0:#04x}")]
    Tag(u8),
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
            | Self::UnknownModel { .. } => io::ErrorKind::InvalidData,
            Self::Unsupported { .. } => io::ErrorKind::Unsupported,
            Self::InvalidOption { .. }
            | Self::OutputTooSmall { .. }
            | Self::ContentLength { .. }
            | Self::Finished
            | Self::InvalidSeek => io::ErrorKind::InvalidInput,
            Self::WorkerLost { .. } => io::ErrorKind::Other,
        }
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
}
