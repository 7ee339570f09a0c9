//! Which of several ways makes a sample of a tensor smallest.

use ranstream::{BlockOptions, EncodeOptions, Layout, LayoutProfile, Prefer, block};

use super::{Profile, layouts::plain, spans::Content};

/// Elements of a sample.
pub(super) const SAMPLE_ELEMENTS: usize = 64 << 10;

/// How much of a sample is looked at first.
const PART: usize = 4;

/// The level of a header, which is text for the most part.
const HEADER_LEVEL: u8 = 6;

/// The level of tensors that repeat.
const LEVEL: u8 = 3;

/// How a span is coded.
pub(super) struct Probe<'a> {
    /// What is the same for all blocks.
    pub(super) options: &'a EncodeOptions,
    pub(super) profile: Profile,
}

impl Probe<'_> {
    /// How many bytes of a span are to be seen before it is coded.
    pub(super) fn sample_len(content: &Content) -> usize {
        match content {
            Content::Header | Content::Rest => 0,
            Content::Tensors(layout) => match layout.columns() {
                [column] => SAMPLE_ELEMENTS * column.element(),
                _ => SAMPLE_ELEMENTS,
            },
        }
    }

    /// What makes `sample`, with which a span begins, smallest.
    ///
    /// Planes, bytes and stored compete block by block, and need no sample. What has to be found
    /// out is whether a layout of whole numbers is worth it, and whether the tensor repeats: a
    /// table of waves, an embedding of positions.
    pub(super) fn choose(&self, content: &Content, sample: &[u8]) -> BlockOptions {
        match content {
            Content::Header => self.block(Layout::bytes(), HEADER_LEVEL),
            Content::Rest => self.block(plain(), 0),
            Content::Tensors(layout) => {
                let layout = layout.profile(self.layout_profile());
                let mut planes = self.block(layout, 0);
                if layout == plain().profile(LayoutProfile::Fast) {
                    planes.prefer = planes.prefer.or(Some(Prefer::Speed));
                }
                if sample.is_empty() || self.profile == Profile::Device {
                    return planes;
                }
                // A tensor may begin otherwise than it goes on: with a level, each block has the
                // choice once more.
                let matches = self.block(layout, LEVEL);
                if self.repeats(sample, &planes) { matches } else { planes }
            }
        }
    }

    /// Whether matches make `sample` so much smaller than `planes` do that they are worth the time
    /// that they take to decode.
    fn repeats(&self, sample: &[u8], planes: &BlockOptions) -> bool {
        let gain = if self.profile == Profile::Small { 1000 } else { 50 };
        let matches = self.block(Layout::bytes(), LEVEL);
        let lens = |part: &[u8]| (self.coded_len(part, planes), self.coded_len(part, &matches));
        // Most tensors do not repeat, and a part of the sample tells.
        let record_len = planes.layout.record_len();
        let (without, with) = lens(&sample[..sample.len() / PART / record_len * record_len]);
        if with > without + without / 32 {
            return false;
        }
        let (without, with) = lens(sample);
        with + without / gain < without
    }

    fn layout_profile(&self) -> LayoutProfile {
        match self.profile {
            Profile::Fast => LayoutProfile::Fast,
            Profile::Small => LayoutProfile::Small,
            Profile::Device => LayoutProfile::Device,
        }
    }

    fn block(&self, layout: Layout, level: u8) -> BlockOptions {
        self.options.clone().level(level).layout(layout).block
    }

    fn coded_len(&self, sample: &[u8], block: &BlockOptions) -> usize {
        let mut options = self.options.clone();
        options.block = *block;
        let mut coded = Vec::with_capacity(sample.len());
        // An option outside its range is the stream's to report.
        block::encode(sample, &options, &mut coded).unwrap_or(0)
    }
}
