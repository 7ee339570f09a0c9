//! What errors say.

use std::{error, fmt};

use super::{Corruption, Error, Feature, Limit, Part};

impl error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { offset } => write!(f, "input ends at byte {offset}, too early"),
            Self::NotAStream { found } => {
                write!(f, "not a ranstream stream: it begins with {found:02x?}, not [89, 52, 4e, 53]")
            }
            Self::TrailingData { offset } => {
                write!(f, "all is complete at byte {offset}, and what follows does not belong to it")
            }
            Self::Corrupt { part, offset, reason } => write!(f, "{part} at byte {offset} is corrupt: {reason}"),
            Self::Unsupported { feature, offset } => {
                write!(f, "{feature} at byte {offset} is not supported by this version")
            }
            Self::LimitExceeded { limit, found, allowed, offset } => {
                write!(f, "{limit} of {found} bytes at byte {offset} exceeds the limit of {allowed}")
            }
            Self::InvalidOption { option, given, min, max } => {
                write!(f, "option {option} is {given}, outside {min}..={max}")
            }
            Self::OutputTooSmall { needed, available } => {
                write!(f, "the output has room for {available} bytes, {needed} or more are needed")
            }
            Self::ContentLength { declared, actual } => {
                write!(f, "content length was declared as {declared} bytes, {actual} were written")
            }
            Self::Finished => f.write_str("the stream is finished; nothing can be written to it any more"),
            Self::InvalidSeek => f.write_str("cannot seek to a negative or overflowing position"),
            Self::UnknownModel { id } => {
                write!(f, "the message is coded with model {id}, which this decoder was not given")
            }
            Self::NeedsBase { base_offset, hash, offset } => write!(
                f,
                "the block at byte {offset} is a difference from bytes at {base_offset} of a base, XXH3-64 {hash:016x}"
            ),
            Self::WrongBase { base_offset, expected, found: Some(found), offset } => write!(
                f,
                "the block at byte {offset} is a difference from another base: XXH3-64 of bytes at {base_offset} is \
                 {found:016x}, not {expected:016x}"
            ),
            Self::WrongBase { base_offset, offset, .. } => {
                write!(f, "the block at byte {offset} is a difference from bytes at {base_offset}, where the base ends")
            }
            Self::UnreadBase { kind, offset } => write!(f, "the base of the block at byte {offset}: {kind}"),
            Self::WorkerLost { block } => write!(f, "the worker for block {block} was lost"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockLen => f.write_str("largest block"),
            Self::Output => f.write_str("total output"),
            Self::Memory => f.write_str("memory"),
            Self::ApplicationData => f.write_str("application data"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StreamHeader => f.write_str("stream header"),
            Self::Block(block) => write!(f, "block {block}"),
            Self::End => f.write_str("end block"),
            Self::Index => f.write_str("index block"),
            Self::Payload => f.write_str("payload"),
            Self::Message => f.write_str("message"),
            Self::Model => f.write_str("model"),
        }
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderCheck { stored, computed } => write!(f, "header check is {stored:#x}, computed {computed:#x}"),
            Self::PayloadCheck { stored, computed } => {
                write!(f, "payload check is {stored:#010x}, computed {computed:#010x}")
            }
            Self::ContentCheck { stored, computed } => {
                write!(f, "content check is {stored:#018x}, computed {computed:#018x}")
            }
            Self::Sequence { stored, computed } => write!(
                f,
                "sequence check is {stored:#010x}, computed {computed:#010x}: a block was dropped, doubled or moved"
            ),
            Self::Blocks { stored, actual } => write!(f, "it counts {stored} blocks, there were {actual}"),
            Self::RawLength { stored, actual } => write!(f, "it counts {stored} raw bytes, there were {actual}"),
            Self::Length { found, min, max } => write!(f, "length field {found} is outside {min}..={max}"),
            Self::Field { field, found } => write!(f, "{field} is {found}"),
            Self::PayloadEnds { field, length } => write!(f, "payload of {length} bytes ends inside its {field}"),
            Self::PayloadGoesOn { extra } => write!(f, "payload has {extra} bytes more than its fields say"),
            Self::FrequencySum { sum, scale } => write!(f, "frequencies sum to {sum}, not {scale}"),
            Self::Padding => f.write_str("padding is not zero"),
            Self::GroupOrder => f.write_str("groups of one shape are not ordered by their first symbols"),
            Self::LaneEnd { lane } => write!(f, "lane {lane} does not end as the encoder began it"),
            Self::SegmentEnd { segment } => write!(f, "segment {segment} does not end as the encoder began it"),
            Self::Symbol { section } => write!(f, "section of {section} holds a symbol without a meaning"),
            Self::Sequences { part } => {
                write!(f, "sequences do not use up the {part} of their chunk, or need more")
            }
            Self::Match { offset, length } => {
                write!(f, "match of {length} bytes, {offset} back, leaves its block or chunk")
            }
            Self::EndMissing => f.write_str("another stream begins here, and this one has not ended"),
            Self::IndexMismatch => f.write_str("index does not agree with the stream"),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "format version {version}"),
            Self::Flags(flags) => write!(f, "stream header flags {flags:#010b}"),
            Self::Tag(tag) => write!(f, "block tag {tag:#04x}"),
            Self::LzFlags(flags) => write!(f, "flags {flags:#010b} of a block with matches"),
            Self::Chunk(kind) => write!(f, "chunk kind {kind:#04x}"),
            Self::Form(form) => write!(f, "section form {form:#04x}"),
            Self::PlanesFlags(flags) => write!(f, "flags {flags:#010b} of a block of planes"),
            Self::Column(how) => write!(f, "flags {how:#010b} of a column of planes"),
        }
    }
}
