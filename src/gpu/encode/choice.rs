//! How a block is coded, once its bytes are counted: as `block` plans it, from the same counts.

use crate::{
    block::Plan,
    model::{Frequencies, Histogram},
    options::{BlockOptions, Mode},
    section::{lanes::Cut, sample},
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
    sampled: Option<Sampled>,
}

/// Frequencies are from a sample.
#[derive(Debug)]
struct Sampled {
    /// What the sample promised.
    bits: u64,
    /// The counts to go by if it misled.
    exact: Histogram,
}

/// Whether the device codes blocks of so many bytes. The CPU codes the others.
pub(super) fn is_for_device(options: &BlockOptions, raw_len: usize) -> bool {
    Plan { options, raw_len }.is_lanes_alone()
}

/// Of a block that is [for the device](is_for_device) and has this `cut`.
pub(super) fn choose(plan: Plan<'_>, cut: Cut, counts: Counts<'_>) -> Choice {
    if plan.options.mode == Mode::Auto
        && let Some(symbol) = counts.all.iter().position(|&count| count as usize == plan.raw_len)
    {
        return Choice::Fill(symbol as u8);
    }
    let (stride, exact) = (plan.stride(), counts.coded());
    let estimate = (stride > 1).then(|| counts.estimate(stride));
    let Some((frequencies, bits)) = plan.model(estimate.as_ref().unwrap_or(&exact)) else { return Choice::Stored };
    let sampled = estimate.is_some().then_some(Sampled { bits, exact });
    Choice::Lanes(Box::new(Lanes { cut, frequencies, sampled }))
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
    pub(super) fn misled(&self, plan: Plan<'_>, words: u64) -> Option<Self> {
        let Sampled { bits, exact } = self.sampled.as_ref()?;
        sample::misled(*bits, words, self.cut.ranges().count()).then(|| Self {
            cut: self.cut,
            frequencies: plan.frequencies(exact),
            sampled: None,
        })
    }
}
