//! How repeats are written, by name.

use crate::limits::MAX_CHUNK_LEN;
#[cfg(doc)]
use crate::{EncodeOptions, Mode};

/// How a block says what stands in it already, in [`Mode::Auto`] at [`level`](EncodeOptions::level)
/// 1 and above. The symbols of each are entropy coded in the same way.
///
/// [`Lzr`](Self::Lzr) is the smallest and by far the fastest to decode: the others have no kernels.
/// They are there for comparison, and for those who want their simpler structure; decoders
/// understand all three. Figures are in [`EncodeOptions::pipeline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Pipeline {
    /// Sequences of literals and a match, with a memory of the offsets used last.
    #[default]
    Lzr,
    /// LZSS: a flag for each literal and each match. Offsets are said in full. (J. Storer and T.
    /// Szymanski, "Data compression via textual substitution", 1982.)
    Lzssr,
    /// LZ78: each phrase is an earlier phrase of its chunk and one more byte. (J. Ziv and A.
    /// Lempel, "Compression of individual sequences via variable-rate coding", 1978.) There is no
    /// search, so levels above 0 are alike.
    Lz78r,
}

impl Pipeline {
    /// All pipelines with their names.
    pub const ALL: [(&'static str, Self); 3] = [("lzr", Self::Lzr), ("lzssr", Self::Lzssr), ("lz78r", Self::Lz78r)];

    /// Raw bytes of a chunk, where no others are asked for.
    pub(crate) fn chunk_len(self) -> usize {
        match self {
            Self::Lzr | Self::Lzssr => 256 << 10,
            Self::Lz78r => MAX_CHUNK_LEN,
        }
    }
}
