//! How one block is coded: what the block coder reads, and nothing of the stream around it.

use crate::{
    error::Error,
    limits::{MAX_BLOCK_LEN, MAX_CHUNK_LEN, within},
    options::{Kernel, Layout, Mode, Normalization, Pipeline, Policy, Prefer},
};

/// How one block is coded. A part of [`EncodeOptions`](crate::EncodeOptions), whose methods set it
/// and say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockOptions {
    /// The mode of every block.
    pub mode: Mode,
    /// How hard to look for matches, 0..=9.
    pub level: u8,
    /// How repeats are written.
    pub pipeline: Pipeline,
    /// Raw bytes of a chunk of a block with matches, 128 bytes to 1 MiB.
    pub entropy_chunk_len: usize,
    /// How the raw bytes repeat, for [`Mode::Auto`].
    pub layout: Layout,
    /// How [`Mode::Auto`] chooses.
    pub policy: Policy,
    /// What counts more between lanes and pivot. `None`: a trade by level and layout; at level 0
    /// blocks without a layout are not pivot.
    pub prefer: Option<Prefer>,
    /// How frequencies are made.
    pub normalization: Normalization,
    /// Whether the frequencies of a long block are estimated from a sample.
    pub sampling: bool,
    /// Raw bytes per segment of a [`Mode::Lanes`] block, 128..=16 MiB.
    pub segment_len: usize,
    /// Precision of the frequencies, 9..=12 bits, or up to 14 in [`Mode::SingleStream`] and
    /// [`Mode::Interleaved`]. `None`: by the block's length.
    pub scale_bits: Option<u8>,
    /// States of an [`Mode::Interleaved`] block, 1..=255.
    pub interleaved_lanes: usize,
    /// `None`: the fastest one, or what `RANS_KERNEL` names.
    pub kernel: Option<Kernel>,
}

impl Default for BlockOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            level: 3,
            pipeline: Pipeline::Lzr,
            entropy_chunk_len: Pipeline::Lzr.chunk_len(),
            layout: Layout::bytes(),
            policy: Policy::default(),
            prefer: None,
            normalization: Normalization::Optimal,
            sampling: true,
            segment_len: 64 << 10,
            scale_bits: None,
            interleaved_lanes: 4,
            kernel: None,
        }
    }
}

impl BlockOptions {
    /// Whether blocks may have matches.
    pub(crate) fn finds_matches(&self) -> bool {
        self.mode == Mode::Auto && self.level > 0
    }

    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let max_bits = match self.mode {
            Mode::SingleStream | Mode::Interleaved => 14,
            _ => 12,
        };
        self.layout.check()?;
        within("level", self.level.into(), 0, 9)?;
        within("entropy_chunk_bytes", self.entropy_chunk_len, 128, MAX_CHUNK_LEN)?;
        within("segment_len", self.segment_len, 128, MAX_BLOCK_LEN)?;
        within("scale_bits", self.scale_bits.unwrap_or(9).into(), 9, max_bits)?;
        within("interleaved_lanes", self.interleaved_lanes, 1, 255)
    }
}
