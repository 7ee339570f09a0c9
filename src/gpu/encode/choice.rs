//! How a block is coded, once its bytes are counted: as `block` decides it, from the same counts.

use crate::{
    model::{Frequencies, Histogram, coded_bits, normalize, normalize_compat},
    options::{BlockOptions, Mode, Normalization},
    rans::segment::Tail,
    section::{
        lanes::Cut,
        sample::{self, misled},
        scale_bits_for,
    },
};

/// How often each byte of a block occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts<'a> {
    /// Among all bytes.
    pub(super) all: &'a [u32; 256],
    /// In the sample.
    pub(super) sampled: &'a [u32; 256],
    /// Among those that ride on start states.
    pub(super) riding: &'a [u32; 256],
}

#[derive(Debug)]
pub(super) enum Choice {
    Fill(u8),
    Stored,
    Lanes(Box<Lanes>),
}

/// A block that becomes lanes if that is short enough.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) cut: Cut,
    pub(super) frequencies: Frequencies,
    /// The most bytes of a payload that is not stored instead.
    worth: u64,
    /// The frequencies are from a sample, by which so many bits are expected.
    sampled: Option<u64>,
}

/// Whether the device codes blocks of so many bytes. The CPU codes the others.
pub(super) fn is_for_device(options: &BlockOptions, raw_len: usize) -> bool {
    match options.mode {
        Mode::Lanes => true,
        Mode::Auto => {
            let plain = options.level == 0 && options.prefer.is_none() && options.layout.is_bytes();
            plain && raw_len > options.policy.interleaved_up_to
        }
        _ => false,
    }
}

/// How a block of `raw_len` bytes is cut.
pub(super) fn cut(options: &BlockOptions, raw_len: usize) -> Option<Cut> {
    Cut::aim(raw_len, options.segment_len, Tail::Coded)
}

/// One piece of how many is sampled in a block of `raw_len` bytes.
pub(super) fn stride(options: &BlockOptions, raw_len: usize) -> usize {
    if options.sampling { sample::stride(raw_len) } else { 1 }
}

pub(super) fn choose(options: &BlockOptions, raw_len: usize, counts: Counts<'_>) -> Choice {
    let Some(cut) = cut(options, raw_len) else { return Choice::Stored };
    if options.mode == Mode::Auto
        && let Some(symbol) = counts.all.iter().position(|&count| count as usize == raw_len)
    {
        return Choice::Fill(symbol as u8);
    }
    let stride = stride(options, raw_len);
    let histogram = if stride > 1 { counts.estimate(stride) } else { counts.coded() };
    let frequencies = frequencies(options, raw_len, &histogram);
    let worth = if options.mode == Mode::Auto { options.policy.worth(raw_len) } else { raw_len as u64 };
    let bits = coded_bits(histogram.counts(), &frequencies);
    if bits / 8 >= worth {
        return Choice::Stored;
    }
    Choice::Lanes(Box::new(Lanes { cut, frequencies, worth, sampled: (stride > 1).then_some(bits) }))
}

fn frequencies(options: &BlockOptions, raw_len: usize, histogram: &Histogram) -> Frequencies {
    let scale_bits = options.scale_bits.unwrap_or_else(|| scale_bits_for(raw_len));
    match options.normalization {
        Normalization::Optimal => normalize(histogram, scale_bits),
        Normalization::Compat => normalize_compat(histogram, scale_bits),
    }
}

impl Counts<'_> {
    /// Of the bytes that are coded.
    fn coded(&self) -> Histogram {
        Histogram::from_counts(std::array::from_fn(|symbol| self.all[symbol] - self.riding[symbol]))
    }

    /// About as many as all, and none of a byte that does not occur.
    fn estimate(&self, stride: usize) -> Histogram {
        Histogram::from_counts(std::array::from_fn(|symbol| {
            u32::from(self.all[symbol] > 0) + stride as u32 * self.sampled[symbol]
        }))
    }
}

impl Lanes {
    /// Looks at how many `words` the block took. `Some`: the sample misled, and the block is to be
    /// coded anew, by exact counts.
    pub(super) fn misled(
        &self,
        options: &BlockOptions,
        raw_len: usize,
        counts: Counts<'_>,
        words: u64,
    ) -> Option<Self> {
        let bits = self.sampled?;
        misled(bits, words, self.cut.ranges().count()).then(|| Self {
            cut: self.cut,
            frequencies: frequencies(options, raw_len, &counts.coded()),
            worth: self.worth,
            sampled: None,
        })
    }

    /// Whether a payload of `len` bytes is worth it.
    pub(super) fn pays(&self, raw_len: usize, len: usize) -> bool {
        len as u64 <= self.worth && len < raw_len
    }
}
