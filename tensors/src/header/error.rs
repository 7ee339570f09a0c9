//! Why a header is none.

use std::fmt;

use super::MAX_HEADER_LEN;

/// The rule that a header breaks. A file with such a header is opaque: bytes without tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The file begins like neither safetensors nor GGUF.
    NotAContainer,
    /// A header of more than [`MAX_HEADER_LEN`] bytes.
    TooLong {
        /// Bytes that it has, or asks for.
        found: u64,
    },
    /// The file ends before its header does.
    EndsEarly {
        /// Bytes that the header asks for, as far as known.
        needed: u64,
        /// Bytes of the file.
        file_len: u64,
    },
    /// A version of GGUF that is not known here, or a big-endian file.
    Version {
        /// As stored, read as little-endian.
        found: u32,
    },
    /// Text that is not as JSON, or as safetensors' JSON, has to be.
    Json {
        /// What the parser says, with line and column.
        message: String,
    },
    /// A field of GGUF has a value that the format does not allow.
    Field {
        /// The field.
        field: &'static str,
        /// As stored.
        found: u64,
        /// Where in the file.
        offset: u64,
    },
    /// A name or text of GGUF is not UTF-8.
    Text {
        /// Where in the file.
        offset: u64,
    },
    /// Two tensors, or two entries of the metadata, have one name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The shape of a tensor has more elements than can be counted, or not whole bytes of them.
    Shape {
        /// The tensor.
        tensor: String,
    },
    /// A tensor's bytes are not as many as its shape and type ask for.
    Size {
        /// The tensor.
        tensor: String,
        /// Bytes that shape and type ask for.
        expected: u64,
        /// Bytes of its range.
        found: u64,
    },
    /// A tensor does not begin where the one before it ends, or shares bytes with it.
    Place {
        /// The tensor.
        tensor: String,
        /// Where it is to begin, counted from the first tensor's byte; at least, in GGUF.
        expected: u64,
        /// Where it begins.
        found: u64,
    },
    /// The tensors end elsewhere than the file does; in GGUF, behind it.
    FileLength {
        /// Where the tensors end.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAContainer => f.write_str("neither safetensors nor GGUF"),
            Self::TooLong { found } => write!(f, "a header of {found} bytes, more than {MAX_HEADER_LEN}"),
            Self::EndsEarly { needed, file_len } => {
                write!(f, "the header has {needed} bytes or more, and the file {file_len}")
            }
            Self::Version { found } => write!(f, "GGUF version {found:#x} is not supported"),
            Self::Json { message } => write!(f, "the header is not as safetensors asks: {message}"),
            Self::Field { field, found, offset } => {
                write!(f, "the header's field {field} at byte {offset} is {found}")
            }
            Self::Text { offset } => write!(f, "the header's text at byte {offset} is not UTF-8"),
            Self::DuplicateName { name } => write!(f, "the header has the name {name:?} twice"),
            Self::Shape { tensor } => write!(f, "the shape of tensor {tensor:?} gives no whole bytes, or too many"),
            Self::Size { tensor, expected, found } => {
                write!(f, "tensor {tensor:?} has {found} bytes, and its shape asks for {expected}")
            }
            Self::Place { tensor, expected, found } => {
                write!(f, "tensor {tensor:?} begins at byte {found} of the tensors, not at {expected}")
            }
            Self::FileLength { expected, found } => {
                write!(f, "the tensors end at byte {expected}, and the file has {found}")
            }
        }
    }
}

impl std::error::Error for HeaderError {}
