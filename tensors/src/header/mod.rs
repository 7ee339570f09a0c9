//! The headers of model files: which tensors there are, and which bytes are theirs.
//!
//! The parsers are strict. What breaks a rule of its format has no tensors here, whatever else it
//! may be good for; the rule comes back as a [`HeaderError`].

mod cursor;
mod dtype;
mod error;
pub mod gguf;
mod metadata;
pub mod safetensors;

use std::ops::Range;

pub use self::{
    dtype::DType,
    error::HeaderError,
    metadata::{Metadata, Value},
};

/// The most bytes that a header may have: safetensors' own bound, and ours for GGUF.
pub const MAX_HEADER_LEN: u64 = 100_000_000;

/// What a file holds its tensors in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// safetensors: a length of 8 bytes, a JSON object, the tensors without gaps.
    SafeTensors,
    /// GGUF, little-endian, version 2 or 3.
    Gguf,
    /// Something else, or one of these that breaks its rules: bytes.
    Opaque,
}

/// A tensor as its file's header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name, which no other tensor of the file has.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// Its dimensions, the outermost first; empty for a single value.
    pub shape: Vec<u64>,
    /// Its bytes in the file.
    pub range: Range<u64>,
}

impl TensorInfo {
    /// Its length in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a tensor without bytes is none that anybody asks for")]
    pub fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Bytes of one row: of everything but the outermost dimension. `None`: it has no rows that are
    /// whole bytes.
    #[must_use]
    pub fn row_len(&self) -> Option<u64> {
        let (&rows, row) = self.shape.split_first()?;
        let elements = row.iter().try_fold(1_u64, |product, &dimension| product.checked_mul(dimension))?;
        let len = self.dtype.byte_len(elements)?;
        (rows.checked_mul(len)? == self.len()).then_some(len)
    }
}

/// What a header says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Its format.
    pub container: Container,
    /// Where in the file it ends, and the tensors' bytes begin.
    pub len: u64,
    /// What it says beside the tensors.
    pub metadata: Metadata,
    /// The tensors, in the order of their bytes. No two share a name or a byte.
    pub tensors: Vec<TensorInfo>,
}

/// What was made of the first bytes of a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Parsed {
    /// All of the header was there.
    Whole(Header),
    /// It has at least so many bytes in all; parse again with them.
    Needs(u64),
}

/// Bytes that tell which parser a file is for.
pub const SIGNATURE_LEN: usize = 9;

/// What the first bytes of a file may be the header of; [`SIGNATURE_LEN`] of them, or all it has.
/// [`Container::Opaque`]: of nothing that is known here.
#[must_use]
pub fn recognise(first: &[u8]) -> Container {
    if first.starts_with(gguf::MAGIC) {
        return Container::Gguf;
    }
    match first.split_first_chunk() {
        Some((len, [b'{', ..])) if (2..=MAX_HEADER_LEN).contains(&u64::from_le_bytes(*len)) => Container::SafeTensors,
        _ => Container::Opaque,
    }
}

/// Parses the header that a file of `file_len` bytes, if that is known, begins with. `first` are
/// its first bytes, or all.
///
/// # Errors
///
/// The rule that it breaks; [`HeaderError::NotAContainer`] where it is the header of nothing that
/// is known here.
pub fn parse(first: &[u8], file_len: Option<u64>) -> Result<Parsed, HeaderError> {
    if first.len() < SIGNATURE_LEN && file_len.is_none_or(|len| len > first.len() as u64) {
        return Ok(Parsed::Needs(SIGNATURE_LEN as u64));
    }
    match recognise(first) {
        Container::SafeTensors => safetensors::parse(first, file_len),
        Container::Gguf => gguf::parse(first, file_len),
        Container::Opaque => Err(HeaderError::NotAContainer),
    }
}

/// The file cannot have so many bytes: a header must not ask for more than there is.
fn needs(bytes: u64, file_len: Option<u64>) -> Result<Parsed, HeaderError> {
    if bytes > MAX_HEADER_LEN {
        return Err(HeaderError::TooLong { found: bytes });
    }
    match file_len {
        Some(file_len) if bytes > file_len => Err(HeaderError::EndsEarly { needed: bytes, file_len }),
        _ => Ok(Parsed::Needs(bytes)),
    }
}

/// No two tensors have the same name.
fn check_names(tensors: &[TensorInfo]) -> Result<(), HeaderError> {
    let mut names: Vec<&str> = tensors.iter().map(|tensor| &*tensor.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(HeaderError::DuplicateName { name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes() {
        assert_eq!(recognise(b"GGUF\x03\0\0\0\0"), Container::Gguf);
        assert_eq!(recognise(b"\x08\0\0\0\0\0\0\0{"), Container::SafeTensors);
        assert_eq!(recognise(b"\x08\0\0\0\0\0\0\0{\"a\""), Container::SafeTensors);
        for other in
            [&b""[..], b"GGU", b"\x08\0\0\0\0\0\0\0", b"\x08\0\0\0\0\0\0\0[", b"\x01\0\0\0\0\0\0\0{", b"{{{{{{{{{"]
        {
            assert_eq!(recognise(other), Container::Opaque, "{other:?}");
        }
    }

    #[test]
    fn rows_are_whole_bytes_or_none() {
        let info = |dtype, shape: &[u64], len: u64| TensorInfo {
            name: String::new(),
            dtype,
            shape: shape.to_vec(),
            range: 5..5 + len,
        };
        assert_eq!(info(DType::BF16, &[3, 4, 5], 120).row_len(), Some(40));
        assert_eq!(info(DType::F32, &[7], 28).row_len(), Some(4));
        assert_eq!(info(DType::F32, &[], 4).row_len(), None);
        assert_eq!(info(DType::F4, &[4, 3], 6).row_len(), None);
        assert_eq!(info(DType::Ggml(2), &[10, 64], 360).row_len(), Some(36));
        assert_eq!(info(DType::Ggml(2), &[64], 36).row_len(), None);
        assert_eq!(info(DType::Unknown, &[4, 3], 60).row_len(), None);
    }
}
