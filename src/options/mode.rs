//! The modes a block can be coded in, by name.

use std::{error, fmt, str::FromStr};

/// How to code a block.
///
/// A forced mode holds for every block, with one exception: a block that would not become smaller
/// is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Choose by the [`Policy`](crate::Policy). The environment variable `RANS_MODE` overrides
    /// the choice (a switch for when one mode is in doubt).
    #[default]
    Auto,
    /// Do not code.
    Stored,
    /// One byte repeated; any other block is stored.
    Fill,
    /// One state. Least overhead, slowest.
    SingleStream,
    /// A few states that take turns, each with its own words.
    Interleaved,
    /// 32 lanes per segment, for SIMD, and the one that GPUs decode. Smallest in most
    /// long blocks.
    Lanes,
    /// A Huffman code, laid out for SIMD (after PivCo-Huffman, arXiv:2606.05765). Decodes fastest;
    /// the size is that of other Huffman coders. GPUs leave such blocks to the CPU, and without
    /// SIMD lanes are encoded faster.
    Pivot,
}

impl Mode {
    /// All modes with their names, as `RANS_MODE` and the command's `--mode` take them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("stored", Self::Stored),
        ("fill", Self::Fill),
        ("single", Self::SingleStream),
        ("interleaved", Self::Interleaved),
        ("lanes", Self::Lanes),
        ("pivot", Self::Pivot),
    ];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, mode)| mode == self).map_or("unknown", |(name, _)| name);
        f.pad(name)
    }
}

/// Takes a name of [`Mode::ALL`].
impl FromStr for Mode {
    type Err = ParseModeError;

    fn from_str(name: &str) -> Result<Self, ParseModeError> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode).ok_or(ParseModeError)
    }
}

/// A name that is not in [`Mode::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseModeError;

impl fmt::Display for ParseModeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown mode; the modes are auto, stored, fill, single, interleaved, lanes, pivot")
    }
}

impl error::Error for ParseModeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_found_by_its_name() {
        for (name, mode) in Mode::ALL {
            assert_eq!(name.parse(), Ok(mode));
            assert_eq!(mode.to_string(), name);
        }
        assert_eq!("zip".parse::<Mode>(), Err(ParseModeError));
    }
}
