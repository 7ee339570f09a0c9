//! From symbols to payloads: which form, and with what table.

use crate::{
    format::section::{Descriptor, SectionForm},
    model::{Histogram, coded_bits, entropy_len, least_bits, normalize},
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
    /// How sections are coded as pivot. `None`: all are lanes.
    pub(crate) pivot: Option<pivot::Setting>,
    /// Sections that take so many 1024ths more as pivot than as lanes, or fewer, are pivot, and
    /// others lanes: with 0 the smaller one is taken. `None`: lanes are not looked at, which saves
    /// an encoder some time. It means nothing without `pivot`.
    pub(crate) over_lanes: Option<u32>,
    /// Whether counts alone decide between pivot and lanes, also where they do not quite tell, of a
    /// section that keeps a quarter of its length: hardly any is then coded as both.
    pub(crate) by_counts: bool,
    /// A section is stored when coding saves less than so many 1024ths of its length.
    pub(crate) min_gain: u32,
}

impl Settings {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            segment_len: 64 << 10,
            scale_bits: None,
            sampling: true,
            pivot: None,
            over_lanes: None,
            by_counts: false,
            min_gain: 8,
        }
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
            _ => self.append_coded(symbols, out).unwrap_or_else(|| {
                out.truncate(start);
                out.extend_from_slice(symbols);
                SectionForm::Stored
            }),
        };
        Descriptor { form, symbols: symbols.len(), payload_len: out.len() - start }
    }

    /// `None`: too little would be gained, and what was appended is to be thrown away.
    fn append_coded(&mut self, symbols: &[u8], out: &mut Vec<u8>) -> Option<SectionForm> {
        let Settings { kernel, sampling, pivot, over_lanes, .. } = self.settings;
        let Some(setting) = pivot else {
            return self.append_lanes(symbols, None, out).then_some(SectionForm::Lanes);
        };
        let worth = self.worth(symbols.len());
        if sampling && sample::looks_longer(symbols, worth) {
            return None;
        }
        let source = section::pivot::Source { symbols, setting, sampling, kernel };
        match over_lanes {
            None => source.append(worth, out).then_some(SectionForm::Pivot),
            Some(more) => self.append_better(&source, more, out),
        }
    }

    /// Appends pivot where it takes at most `more` 1024ths more than lanes, and else lanes. Both
    /// are coded only where counts alone do not tell.
    fn append_better(
        &mut self,
        source: &section::pivot::Source<'_>,
        more: u32,
        out: &mut Vec<u8>,
    ) -> Option<SectionForm> {
        let symbols = source.symbols;
        let worth = self.worth(symbols.len());
        let most = |lanes: u64| worth.min((lanes * (1024 + u64::from(more)) / 1024) as usize);
        let histogram = source.histogram();
        let least = entropy_len(&histogram, symbols.len());
        if least > worth {
            return None;
        }
        let least_lanes = self.cut(symbols.len()).map(|cut| lanes::least_len(8 * least as u64, cut));
        let (surely, start) = (least_lanes.map_or(worth, most), out.len());
        // What lanes take beyond their least is the table. What is expected of pivot is not exact,
        // least so with bitmaps that are coded once more.
        let by_counts = self.settings.by_counts && 4 * least > symbols.len();
        let likely = if by_counts {
            surely + histogram.counts().iter().filter(|count| **count > 0).count()
        } else {
            surely + surely / 1024 + 256
        };
        let is_coded = source.append_counted(&histogram, worth, likely, out);
        let (end, pivot_len) = (out.len(), out.len() - start);
        let most_pivot = if by_counts { worth.min(likely + likely / 256) } else { surely };
        if is_coded && pivot_len <= most_pivot {
            return Some(SectionForm::Pivot);
        }
        if self.append_lanes(symbols, Some(&histogram), out)
            && !(is_coded && pivot_len <= most((out.len() - end) as u64))
        {
            out.drain(start..end);
            return Some(SectionForm::Lanes);
        }
        out.truncate(end);
        (is_coded && pivot_len <= worth).then_some(SectionForm::Pivot)
    }

    /// `None`: they are too few for lanes.
    fn cut(&self, symbols: usize) -> Option<Cut> {
        Cut::aim(symbols, self.settings.segment_len, Tail::InStates)
    }

    /// The most bytes of a payload that is not stored instead.
    fn worth(&self, symbols: usize) -> usize {
        (symbols as u64 * u64::from(1024_u32.saturating_sub(self.settings.min_gain)) / 1024) as usize
    }

    /// `counted`: what pivot would be coded by. `false`: too little would be gained, and what was
    /// appended is to be thrown away.
    fn append_lanes(&mut self, symbols: &[u8], counted: Option<&Histogram>, out: &mut Vec<u8>) -> bool {
        let Settings { kernel, scale_bits, sampling, .. } = self.settings;
        let worth = self.worth(symbols.len()) as u64;
        let cut = match self.cut(symbols.len()) {
            Some(cut) if lanes::least_len(0, cut) < worth => cut,
            _ => return false,
        };
        let source = lanes::Source { symbols, cut, stride: if sampling { sample::stride(symbols.len()) } else { 1 } };
        // A sample is the same for both.
        let histogram = match counted {
            Some(sample) if source.stride > 1 => sample.clone(),
            _ => source.histogram(kernel),
        };
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
