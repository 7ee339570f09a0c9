//! What can go wrong with an archive, and where.

use std::{fmt, io, sync::Arc};

use ranstream::Error;

use crate::header::HeaderError;

/// What went wrong, and with which tensor, block and byte, as far as that is known.
///
/// It travels inside an [`io::Error`] and comes out again unchanged, as the library's [`Error`]
/// does.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TensorError {
    /// The tensor that was asked for.
    pub tensor: Option<Box<str>>,
    /// The block, counted from 0 over the whole file, skippable blocks among them.
    pub block: Option<u64>,
    /// Where in the file: coded bytes from its start.
    pub offset: Option<u64>,
    /// What went wrong.
    pub kind: TensorErrorKind,
    /// Errors of other blocks and tensors, where more was decoded than one tensor. Everything that
    /// no error names was decoded.
    pub others: Box<[TensorError]>,
}

/// What went wrong, see [`TensorError`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TensorErrorKind {
    /// The source reports an error.
    Io(Arc<io::Error>),
    /// The stream is damaged, or asks for more than is allowed.
    Stream(Error),
    /// The file has no tensors: what its header has against it.
    Opaque(HeaderError),
    /// No tensor has this name.
    NotFound,
    /// The tensor has no rows that are whole bytes.
    NoRows,
    /// Rows or bytes that the tensor or file does not have.
    OutOfRange {
        /// The first one that is asked for.
        start: u64,
        /// The one behind the last.
        end: u64,
        /// How many there are.
        len: u64,
    },
    /// The caller's buffer is not as long as what is to be decoded.
    BufferLen {
        /// Bytes needed.
        needed: u64,
        /// Bytes given.
        given: u64,
    },
    /// A plan has more wants, or fewer, than buffers were given for.
    BufferCount {
        /// Wants of the plan.
        needed: usize,
        /// Buffers given.
        given: usize,
    },
    /// The bytes of a plan's ranges were not all given.
    RangesMissing {
        /// Ranges of the plan.
        needed: usize,
        /// Ranges given, or those before the first one of another length.
        given: usize,
    },
    /// The folder's index of shards is not as it has to be.
    ShardIndex {
        /// What is wrong with it.
        message: String,
    },
    /// A shard is not there, neither plain nor compressed.
    ShardMissing {
        /// Its name in the index.
        shard: String,
    },
    /// The index of shards says that a shard has the tensor, and it has not.
    NotInShard {
        /// The shard's name in the index.
        shard: String,
    },
}

impl TensorError {
    pub(crate) fn new(kind: TensorErrorKind) -> Self {
        Self { tensor: None, block: None, offset: None, kind, others: Box::default() }
    }

    pub(crate) fn of_tensor(mut self, name: &str) -> Self {
        self.tensor.get_or_insert_with(|| name.into());
        self
    }

    pub(crate) fn at(mut self, block: Option<u64>, offset: u64) -> Self {
        (self.block, self.offset) = (block, Some(offset));
        self
    }

    /// The kind this error has as an [`io::Error`].
    #[must_use]
    pub fn io_kind(&self) -> io::ErrorKind {
        match &self.kind {
            TensorErrorKind::Io(error) => error.kind(),
            TensorErrorKind::Stream(error) => error.kind(),
            TensorErrorKind::Opaque(_) | TensorErrorKind::ShardIndex { .. } | TensorErrorKind::NotInShard { .. } => {
                io::ErrorKind::InvalidData
            }
            TensorErrorKind::NotFound | TensorErrorKind::ShardMissing { .. } => io::ErrorKind::NotFound,
            TensorErrorKind::NoRows
            | TensorErrorKind::OutOfRange { .. }
            | TensorErrorKind::BufferLen { .. }
            | TensorErrorKind::BufferCount { .. }
            | TensorErrorKind::RangesMissing { .. } => io::ErrorKind::InvalidInput,
        }
    }

    /// All errors: this one, and the others.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }
}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tensor) = &self.tensor {
            write!(f, "tensor {tensor:?}: ")?;
        }
        match (&self.kind, self.block, self.offset) {
            // It names the place itself.
            (TensorErrorKind::Stream(_), ..) | (_, None, None) => {}
            (_, Some(block), Some(offset)) => write!(f, "block {block} at byte {offset}: ")?,
            (_, Some(block), None) => write!(f, "block {block}: ")?,
            (_, None, Some(offset)) => write!(f, "at byte {offset}: ")?,
        }
        write!(f, "{}", self.kind)?;
        match self.others.len() {
            0 => Ok(()),
            1 => f.write_str(", and 1 more error"),
            others => write!(f, ", and {others} more errors"),
        }
    }
}

impl fmt::Display for TensorErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Stream(error) => write!(f, "{error}"),
            Self::Opaque(error) => write!(f, "the file has no tensors: {error}"),
            Self::NotFound => f.write_str("there is no such tensor"),
            Self::NoRows => f.write_str("its rows are not whole bytes"),
            Self::OutOfRange { start, end, len } => write!(f, "{start}..{end} is asked for, of {len}"),
            Self::BufferLen { needed, given } => write!(f, "{needed} bytes go into a buffer of {given}"),
            Self::BufferCount { needed, given } => write!(f, "the plan has {needed} wants, {given} buffers were given"),
            Self::RangesMissing { needed, given } => write!(f, "the plan has {needed} ranges, {given} were given"),
            Self::ShardIndex { message } => write!(f, "the index of shards is not as it has to be: {message}"),
            Self::ShardMissing { shard } => write!(f, "shard {shard:?} is not there, nor {shard:?}.rans"),
            Self::NotInShard { shard } => write!(f, "shard {shard:?} does not have it"),
        }
    }
}

impl std::error::Error for TensorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            TensorErrorKind::Io(error) => Some(error),
            TensorErrorKind::Stream(error) => Some(error),
            TensorErrorKind::Opaque(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TensorErrorKind> for TensorError {
    fn from(kind: TensorErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<Error> for TensorError {
    fn from(error: Error) -> Self {
        Self::new(TensorErrorKind::Stream(error))
    }
}

/// Takes out what the library put in, or this crate.
impl From<io::Error> for TensorError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>().map_err(Error::try_from) {
            Ok(error) => error,
            Err(Ok(error)) => error.into(),
            Err(Err(error)) => Self::new(TensorErrorKind::Io(Arc::new(error))),
        }
    }
}

impl From<TensorError> for io::Error {
    fn from(error: TensorError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_through_io() {
        let error = TensorError::from(Error::Truncated { offset: 9 }).of_tensor("a").at(Some(2), 5);
        let outer = io::Error::from(error);
        assert_eq!(outer.kind(), io::ErrorKind::UnexpectedEof);
        let back = TensorError::from(outer);
        assert_eq!((back.tensor.as_deref(), back.block, back.offset), (Some("a"), Some(2), Some(5)));
        assert!(matches!(back.kind, TensorErrorKind::Stream(Error::Truncated { offset: 9 })));
        let back = TensorError::from(io::Error::from(Error::InvalidSeek));
        assert!(matches!(back.kind, TensorErrorKind::Stream(Error::InvalidSeek)));
        let back = TensorError::from(io::Error::other("disk"));
        assert_eq!(back.to_string(), "disk");
    }

    #[test]
    fn messages_name_tensor_and_place() {
        let mut error = TensorError::from(io::Error::other("disk")).of_tensor("w").at(Some(3), 70);
        assert_eq!(error.to_string(), "tensor \"w\": block 3 at byte 70: disk");
        error.others = Box::new([TensorErrorKind::NotFound.into()]);
        assert_eq!(error.to_string(), "tensor \"w\": block 3 at byte 70: disk, and 1 more error");
        assert_eq!(error.all().count(), 2);
    }
}
