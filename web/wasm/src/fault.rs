//! What JavaScript is told of an error.

use ranstream::{Error, error::Part};

/// An error in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The variant's name, in kebab case.
    pub code: &'static str,
    /// Where it is, in coded bytes from the start of the input.
    pub offset: Option<u64>,
    /// Which block of its stream it is.
    pub block: Option<u64>,
    /// What the library says.
    pub message: String,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let (code, offset) = match *error {
            Error::Truncated { offset } => ("truncated", Some(offset)),
            Error::NotAStream { .. } => ("not-a-stream", Some(0)),
            Error::TrailingData { offset } => ("trailing-data", Some(offset)),
            Error::Corrupt { offset, .. } => ("corrupt", Some(offset)),
            Error::Unsupported { offset, .. } => ("unsupported", Some(offset)),
            Error::LimitExceeded { offset, .. } => ("limit-exceeded", Some(offset)),
            Error::InvalidOption { .. } => ("invalid-option", None),
            Error::OutputTooSmall { .. } => ("output-too-small", None),
            Error::ContentLength { .. } => ("content-length", None),
            Error::Finished => ("finished", None),
            Error::InvalidSeek => ("invalid-seek", None),
            Error::UnknownModel { .. } => ("unknown-model", None),
            Error::NeedsBase { offset, .. } => ("needs-base", Some(offset)),
            Error::WrongBase { offset, .. } => ("wrong-base", Some(offset)),
            Error::UnreadBase { offset, .. } => ("unread-base", Some(offset)),
            Error::WorkerLost { .. } => ("worker-lost", None),
            _ => ("other", None),
        };
        let block = match *error {
            Error::Corrupt { part: Part::Block(block), .. } | Error::WorkerLost { block } => Some(block),
            _ => None,
        };
        Self { code, offset, block, message: error.to_string() }
    }
}
