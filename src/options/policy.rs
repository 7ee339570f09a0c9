//! How blocks are coded where no mode is forced, and how frequencies are made.

#[cfg(doc)]
use crate::{Layout, Mode};

/// How [`Mode::Auto`] chooses: by the raw length of a block, and by what coding gains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Blocks of up to so many raw bytes become [`Mode::SingleStream`].
    pub single_stream_up_to: usize,
    /// Longer ones of up to so many raw bytes become [`Mode::Interleaved`], and all above
    /// [`Mode::Lanes`].
    pub interleaved_up_to: usize,
    /// So many 1024ths of its length coding has to save, or a block is stored, and so is a part of
    /// one: a chunk without matches, a plane.
    pub min_gain: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { single_stream_up_to: 256, interleaved_up_to: 8 << 10, min_gain: 8 }
    }
}

impl Policy {
    /// The defaults: single stream up to 256 bytes, interleaved up to 8 KiB, lanes above; stored
    /// where coding gains less than 8/1024.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks of up to so many raw bytes become [`Mode::SingleStream`].
    #[must_use]
    pub fn single_stream_up_to(mut self, bytes: usize) -> Self {
        self.single_stream_up_to = bytes;
        self
    }

    /// Longer blocks of up to so many raw bytes become [`Mode::Interleaved`]; all above become
    /// [`Mode::Lanes`].
    #[must_use]
    pub fn interleaved_up_to(mut self, bytes: usize) -> Self {
        self.interleaved_up_to = bytes;
        self
    }

    /// A block is stored when coding saves less than `per_1024 / 1024` of its length, and so is a
    /// chunk without matches, or a plane of a [layout](crate::EncodeOptions::layout) that is not to
    /// be [smallest](crate::LayoutProfile::Small). Stored bytes decode several times faster.
    #[must_use]
    pub fn min_gain(mut self, per_1024: u32) -> Self {
        self.min_gain = per_1024;
        self
    }

    /// The longest payload of `raw_len` bytes that is not stored instead.
    pub(crate) fn worth(&self, raw_len: usize) -> u64 {
        raw_len as u64 * u64::from(1024_u32.saturating_sub(self.min_gain)) / 1024
    }
}

/// What [`Mode::Auto`] prefers among modes of about equal size, and among the two forms of the
/// sections of a block with matches or planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prefer {
    /// The smallest block: [`Mode::Pivot`] where it is smaller than what the policy names, which is
    /// so for short blocks and for bytes of which one or a few are most; chunks of 128 KiB with a
    /// table each where a longer block changes so much that they are smaller still. With matches or
    /// planes each section is lanes or pivot, whichever is smaller.
    Ratio,
    /// The block that decodes fastest: [`Mode::Pivot`] where it costs at most 1.5 % of size. With
    /// matches that goes for each section. With a [`Layout`] each section that is coded is pivot,
    /// but for devices.
    Speed,
}

impl Prefer {
    /// With [`Speed`](Self::Speed) pivot costs at most so many 1024ths.
    pub(crate) const SPEED_MOST: u32 = 15;

    /// All with their names, as the command's `--prefer` takes them.
    pub const ALL: [(&'static str, Self); 2] = [("ratio", Self::Ratio), ("speed", Self::Speed)];
}

/// How counts become frequencies that sum to a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Normalization {
    /// The frequencies with the smallest coded size there is for the scale.
    #[default]
    Optimal,
    /// As the original coder did it, with its dense table: single-stream and interleaved payloads
    /// are byte-identical to its frames.
    Compat,
}
