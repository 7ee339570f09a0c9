//! From symbols to payloads: which form, and with what table.

use crate::{
    format::section::{Descriptor, SectionForm},
    model::{coded_bits, least_bits, normalize},
    pivot,
    rans::segment::Tail,
    section::{
        self,
        lanes::{self, Cut, WordStacks},
        sample,
    },
    simd::Kernel,
};

/// What an [`Encoder`] goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) kernel: Kernel,
    /// Symbols of a segment of lanes, about: at least 1.
    pub(crate) segment_len: usize,
    /// 9..=12. `None`: by the number of symbols.
    pub(crate) scale_bits: Option<u8>,
    /// Whether the symbols of a long section are counted by a sample.
    pub(crate) sampling: bool,
    /// Whether sections are coded as pivot, and not as lanes.
    pub(crate) pivot: Option<pivot::Setting>,
    /// A section is stored when coding saves less than so many 1024ths of its length.
    pub(crate) min_gain: u32,
}

impl Settings {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self { kernel, segment_len: 64 << 10, scale_bits: None, sampling: true, pivot: None, min_gain: 8 }
    }
}

/// Of sections of up to so many symbols, many are too short for the states of lanes.
const SHORT: usize = 2048;

/// Codes sections one after the other, with memory that is kept between them.
#[derive(Debug)]
pub(crate) struct Encoder {
    settings: Settings,
    stacks: WordStacks,
}

impl Encoder {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, stacks: WordStacks::default() }
    }

    /// Goes by other settings from now on. The memory stays.
    pub(crate) fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    #[cfg(test)]
    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Appends the payload of `symbols`, less than 2^28, to `out`. It is never longer than
    /// `symbols`.
    pub(crate) fn encode(&mut self, symbols: &[u8], out: &mut Vec<u8>) -> Descriptor {
        let start = out.len();
        let form = match symbols {
            [] => SectionForm::Empty,
            [first, second, rest @ ..] if first == second && rest.iter().all(|symbol| symbol == first) => {
                out.push(*first);
                SectionForm::Fill
            }
            _ if self.append_pivot(symbols, out) => SectionForm::Pivot,
            _ if self.settings.pivot.is_none() && self.append_lanes(symbols, out) => SectionForm::Lanes,
            _ => {
                out.truncate(start);
                out.extend_from_slice(symbols);
                SectionForm::Stored
            }
        };
        Descriptor { form, symbols: symbols.len(), payload_len: out.len() - start }
    }

    /// `false`: pivot is not asked for, or too little would be gained, and what was appended is to
    /// be thrown away.
    fn append_pivot(&mut self, symbols: &[u8], out: &mut Vec<u8>) -> bool {
        let Settings { kernel, sampling, pivot: Some(setting), .. } = self.settings else { return false };
        section::pivot::Source { symbols, setting, sampling, kernel }.append(self.worth(symbols.len()), out)
    }

    /// The most bytes of a payload that is not stored instead.
    fn worth(&self, symbols: usize) -> usize {
        (symbols as u64 * u64::from(1024_u32.saturating_sub(self.settings.min_gain)) / 1024) as usize
    }

    /// `false`: too little would be gained, and what was appended is to be thrown away.
    fn append_lanes(&mut self, symbols: &[u8], out: &mut Vec<u8>) -> bool {
        let Settings { kernel, segment_len, scale_bits, sampling, .. } = self.settings;
        let worth = self.worth(symbols.len()) as u64;
        let cut = match Cut::aim(symbols.len(), segment_len, Tail::InStates) {
            Some(cut) if lanes::least_len(0, cut) < worth => cut,
            _ => return false,
        };
        let source = lanes::Source { symbols, cut, stride: if sampling { sample::stride(symbols.len()) } else { 1 } };
        let histogram = source.histogram(kernel);
        // Where no frequencies would do there is no need to find them.
        if symbols.len() <= SHORT && lanes::least_len(least_bits(histogram.counts()), cut) > worth {
            return false;
        }
        let scale_bits = scale_bits.unwrap_or_else(|| scale_bits_for(symbols.len()));
        let frequencies = normalize(&histogram, scale_bits);
        let bits = coded_bits(histogram.counts(), &frequencies);
        if lanes::least_len(bits, cut) > worth {
            return false;
        }
        let start = out.len();
        let normalize = |histogram: &_| normalize(histogram, scale_bits);
        source.encode(&frequencies, bits, normalize, kernel, &mut self.stacks, out);
        (out.len() - start) as u64 <= worth
    }
}

/// The precision for so many symbols. The thresholds are where the mean coded size over a corpus of
/// text, logs, images, executables and weights is smallest.
pub(crate) fn scale_bits_for(symbols: usize) -> u8 {
    match symbols {
        0..=0x800 => 9,
        0x801..=0x2000 => 10,
        0x2001..=0x1_0000 => 11,
        _ => 12,
    }
}
