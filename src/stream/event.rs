//! The whole parts of a stream, as the deframer gives them.

use std::ops::Range;

use crate::format::{BlockHeader, CHECK_LEN, EndBlock, StreamHeader};

/// A whole part of a stream.
#[derive(Debug)]
pub(crate) enum Event {
    StreamHeader(StreamHeader),
    /// A data block whose payload check is not verified yet.
    Block(BlockEvent),
    /// Application data that is to be kept. Its check was verified.
    ApplicationData {
        kind: u16,
        payload: Span,
        raw_offset: u64,
        /// Where its header starts in the input.
        offset: u64,
    },
    /// The end block. Everything but its content check was verified.
    End {
        end: EndBlock,
        offset: u64,
    },
    /// A block whose payload was passed over, see [`Deframer::of_headers`].
    Passed {
        header: BlockHeader,
        /// Where its header starts in the input.
        offset: u64,
        /// Raw bytes of all streams before it.
        raw_offset: u64,
    },
    /// An index whose entries were passed over.
    Index {
        header: BlockHeader,
        offset: u64,
        has_entries: bool,
    },
    /// The last byte of a stream was read.
    StreamEnd,
}

#[derive(Debug)]
pub(crate) struct BlockEvent {
    pub(crate) header: BlockHeader,
    /// Payload and payload check.
    pub(crate) body: Span,
    /// Its number in the stream, skippable blocks counted.
    pub(crate) number: u64,
    /// Where its header starts in the input.
    pub(crate) offset: u64,
}

/// Where the bytes of an event are. It owns none and borrows none, because whoever takes a block
/// may take the deframer's buffer with it.
#[derive(Debug, Clone)]
pub(crate) enum Span {
    /// In the slice that was given to [`Deframer::next`].
    Input(Range<usize>),
    /// In the deframer's own buffer, until bytes are added there.
    Buffer(Range<usize>),
}

/// Where in a stream a block header stands, for a reader that jumps there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamPosition {
    pub(crate) header: StreamHeader,
    /// Where the stream starts in the input.
    pub(crate) stream_offset: u64,
    /// Where the block starts in the input.
    pub(crate) offset: u64,
    /// Blocks of the stream before it.
    pub(crate) blocks: u64,
    /// Raw bytes of the stream before it.
    pub(crate) raw_len: u64,
    /// Raw bytes of all streams before this one.
    pub(crate) raw_before: u64,
}

impl Span {
    /// Without the check at its end.
    pub(crate) fn without_check(self) -> Self {
        match self {
            Self::Input(range) => Self::Input(range.start..range.end - CHECK_LEN),
            Self::Buffer(range) => Self::Buffer(range.start..range.end - CHECK_LEN),
        }
    }

    /// The same bytes, in an input that begins so many bytes earlier.
    pub(crate) fn behind(self, len: usize) -> Self {
        match self {
            Self::Input(range) => Self::Input(range.start + len..range.end + len),
            in_buffer @ Self::Buffer(_) => in_buffer,
        }
    }
}
