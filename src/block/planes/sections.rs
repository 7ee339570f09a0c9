//! The sections of a payload in the making.

use std::ops::Range;

use crate::{
    format::{
        planes::{BaseRange, Bounds, Column, Head},
        section::{Descriptor, SymbolCount},
    },
    options::{BlockOptions, LayoutProfile, Prefer},
    planes::buckets::Buckets,
    section::{Encoder, Settings, pivot},
    simd::Kernel,
};

/// Where decoding fast is the aim, a section is pivot if that takes at most so many 1024ths more
/// than lanes: files of tensors then decode 1.1 to 1.9 times as fast (AMD EPYC, Zen 4). Exponents
/// are a third of what their block takes, and a file of bf16 becomes 0.25 % longer.
const FAST_OVER_LANES: u32 = 20;

/// The same of columns of mere bytes, which are most of what their block takes.
const FAST_OVER_LANES_OF_BYTES: u32 = 5;

/// Symbols of a segment of lanes, for devices.
const DEVICE_SEGMENT_LEN: usize = 16 << 10;

/// Sections in their order, coded, before they are written.
#[derive(Debug)]
pub(super) struct Sections {
    coder: Encoder,
    settings: Settings,
    coded: Vec<(Descriptor, Range<usize>)>,
    payloads: Vec<u8>,
}

impl Default for Sections {
    fn default() -> Self {
        let settings = Settings::new(Kernel::Portable);
        Self { coder: Encoder::new(settings), settings, coded: Vec::new(), payloads: Vec::new() }
    }
}

impl Sections {
    /// Begins a new payload.
    pub(super) fn begin(&mut self, options: &BlockOptions) {
        let profile = options.layout.asked_profile();
        let device = profile == LayoutProfile::Device;
        let (pivot, over_lanes) = match (profile, options.prefer) {
            // No device decodes pivot.
            (LayoutProfile::Device, _) => (None, None),
            (_, Some(Prefer::Speed)) => (Some(pivot::Setting::SPEED), None),
            (LayoutProfile::Small, _) | (_, Some(Prefer::Ratio)) => (Some(pivot::Setting::RATIO), Some(0)),
            (LayoutProfile::Fast, None) => (Some(pivot::Setting::BALANCED), Some(FAST_OVER_LANES)),
        };
        self.settings = Settings {
            segment_len: if device { DEVICE_SEGMENT_LEN.min(options.segment_len) } else { options.segment_len },
            scale_bits: options.scale_bits,
            sampling: options.sampling && profile != LayoutProfile::Small,
            pivot,
            over_lanes,
            // A stored plane is decoded at no cost; the smallest block is another aim.
            min_gain: if profile == LayoutProfile::Small { 1 } else { options.policy.min_gain },
            ..Settings::new(Kernel::or_default(options.kernel))
        };
        self.coder.configure(self.settings);
        self.coded.clear();
        self.payloads.clear();
    }

    /// Says what the next sections are of.
    pub(super) fn begin_column(&mut self, column: &Column) {
        let most = if column.element == 1 { FAST_OVER_LANES_OF_BYTES } else { FAST_OVER_LANES };
        self.coder
            .configure(Settings { over_lanes: self.settings.over_lanes.map(|more| more.min(most)), ..self.settings });
    }

    /// Codes the next section.
    pub(super) fn add(&mut self, symbols: &[u8]) {
        let start = self.payloads.len();
        let descriptor = self.coder.encode(symbols, &mut self.payloads);
        self.coded.push((descriptor, start..self.payloads.len()));
    }

    /// Codes each of `planes` as one section, or cut by `keys` as several, whichever is smaller:
    /// whether they are cut. `cut` is memory to keep.
    pub(super) fn add_smaller(&mut self, planes: &[u8], keys: &[u8], bounds: &Bounds, cut: &mut Vec<u8>) -> bool {
        let (sections, start) = (self.coded.len(), self.payloads.len());
        planes.chunks_exact(keys.len()).for_each(|plane| self.add(plane));
        let (whole_sections, end) = (self.coded.len(), self.payloads.len());
        let buckets = Buckets::new(*bounds, keys);
        cut.resize(keys.len(), 0);
        for plane in planes.chunks_exact(keys.len()) {
            buckets.cut(plane, keys, cut);
            let mut rest = &cut[..];
            for &count in buckets.counts() {
                let (bucket, behind) = rest.split_at(count);
                self.add(bucket);
                rest = behind;
            }
        }
        // Descriptors and padding take some bytes for each.
        let cut_len = self.payloads.len() - end + 4 * (self.coded.len() - whole_sections);
        if cut_len < end - start {
            self.payloads.drain(start..end);
            self.coded.drain(sections..whole_sections);
            for (_, range) in &mut self.coded[sections..] {
                *range = range.start - (end - start)..range.end - (end - start);
            }
            return true;
        }
        self.payloads.truncate(end);
        self.coded.truncate(whole_sections);
        false
    }

    /// Appends head, descriptors and payloads.
    pub(super) fn write(&self, base: Option<BaseRange>, head: &Head, out: &mut Vec<u8>) {
        let start = out.len();
        if let Some(range) = base {
            range.write(out);
        }
        head.write(base.is_some(), out);
        debug_assert_eq!(self.coded.len(), head.sections(base.is_some()));
        for (descriptor, _) in &self.coded {
            descriptor.write(SymbolCount::Derived(descriptor.symbols), out);
        }
        for (descriptor, range) in &self.coded {
            descriptor.write_payload(&self.payloads[range.clone()], start, out);
        }
    }
}
