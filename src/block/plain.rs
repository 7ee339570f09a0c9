//! Blocks of one payload: which mode it is coded in. And from every mode back.

use std::array;

use super::{coded::Resources, planes, tables};
use crate::{
    error::PayloadError,
    format::{BlockMode, TableKind, table::least_len_of_table},
    lz,
    model::{Frequencies, Histogram, coded_bits, least_bits, most_bits, normalize, normalize_compat},
    options::{BlockOptions, Mode, Normalization, Prefer},
    rans::{interleaved, segment::Tail, single},
    section::{
        lanes,
        pivot::{self, Setting},
        sample::{self, Sample},
        scale_bits_for,
    },
    simd::Kernel,
};

/// Codes `raw` without matches. `None`: it is to be stored, and what was appended is to be thrown
/// away.
pub(super) fn append(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    match (options.mode, options.prefer) {
        (Mode::Pivot, Some(Prefer::Ratio)) => append_pivot(raw, options, Setting::RATIO, raw.len(), out),
        (Mode::Pivot, _) => append_pivot(raw, options, Setting::SPEED, raw.len(), out),
        (Mode::Auto, Some(prefer)) => append_preferred(raw, options, prefer, out),
        _ => append_coded(raw, options, None, out),
    }
}

/// A sample that may be taken of a block of so many bytes before [`append_sampled`] codes it.
/// `None`: such a block is not coded by a sample of it alone.
pub(super) fn sample(raw_len: usize, options: &BlockOptions) -> Option<Sample> {
    let plan = Plan { options, raw_len };
    (plan.is_lanes_alone() && plan.stride() > 1).then(|| Sample::new(plan.stride()))
}

/// [`append`] with a [`sample()`] for so many bytes, and of no others than those of `raw`.
pub(super) fn append_sampled(
    raw: &[u8],
    options: &BlockOptions,
    sample: &mut Sample,
    out: &mut Vec<u8>,
) -> Option<BlockMode> {
    append_coded(raw, options, Some(sample), out)
}

/// Whether blocks of so many bytes are coded by their counts alone, as [`append_counted`] does it.
pub(super) fn codes_by_counts(raw_len: usize, options: &BlockOptions) -> bool {
    let plan = Plan { options, raw_len };
    plan.states().is_some() && plan.is_its_mode_alone()
}

/// [`append`] for bytes that were counted, which [are coded so](codes_by_counts). `None`: the
/// payload would have more than `most` bytes, or is to be stored.
pub(super) fn append_counted(
    raw: &[u8],
    histogram: &Histogram,
    options: &BlockOptions,
    most: u64,
    out: &mut Vec<u8>,
) -> Option<BlockMode> {
    let plan = Plan { options, raw_len: raw.len() };
    if options.mode == Mode::Auto && is_fill(raw, histogram) {
        out.push(raw[0]);
        return Some(BlockMode::Fill);
    }
    plan.append_turns(raw, histogram, most.min(plan.worth()), out)
}

/// Fills `raw` from a payload whose check was verified.
pub(super) fn decode(
    mode: BlockMode,
    payload: &[u8],
    raw: &mut [u8],
    resources: &Resources,
) -> Result<(), PayloadError> {
    let kernel = resources.kernel;
    match mode {
        BlockMode::Stored => raw.copy_from_slice(payload),
        BlockMode::Fill => raw.fill(payload[0]),
        BlockMode::SingleStream(table) => single::decode_payload(payload, table, raw)?,
        BlockMode::Interleaved(table) => interleaved::decode_payload(payload, table, raw)?,
        BlockMode::Lanes => {
            lanes::decode_payload(payload, Tail::Coded, raw.into(), kernel)?;
        }
        BlockMode::Lz => lz::decode_payload(payload, &mut raw.into(), kernel)?,
        BlockMode::Pivot => pivot::decode_payload(payload, raw, kernel)?,
        BlockMode::Planes => planes::decode_payload(payload, raw, kernel)?,
        BlockMode::PlanesOverBase => planes::decode_over_base(payload, raw, resources.base.as_ref(), kernel)?,
    }
    Ok(())
}

/// `None`: the payload would have more than `most` bytes, and what was appended is to be thrown
/// away.
fn append_pivot(
    raw: &[u8],
    options: &BlockOptions,
    setting: Setting,
    most: usize,
    out: &mut Vec<u8>,
) -> Option<BlockMode> {
    let kernel = Kernel::or_default(options.kernel);
    let source = pivot::Source { symbols: raw, setting, sampling: options.sampling, kernel };
    source.append(most, out).then_some(BlockMode::Pivot)
}

/// Codes `raw` as the policy names it, and as pivot or with several tables where that may be
/// preferred. `None`: as below.
fn append_preferred(raw: &[u8], options: &BlockOptions, prefer: Prefer, out: &mut Vec<u8>) -> Option<BlockMode> {
    let start = out.len();
    let mode = append_coded(raw, options, None, out);
    if mode == Some(BlockMode::Fill) {
        return mode;
    }
    let len = |mode: Option<BlockMode>, out: &Vec<u8>| if mode.is_some() { out.len() - start } else { raw.len() };
    let pivot = |setting, most, out: &mut Vec<u8>| append_pivot(raw, options, setting, most, out).is_some();
    match (prefer, mode) {
        (Prefer::Ratio, mut mode) => {
            let most = len(mode, out) - 1;
            if replace(start, out, |out| pivot(Setting::RATIO, most, out)) {
                mode = Some(BlockMode::Pivot);
            }
            let most = len(mode, out);
            if replace(start, out, |out| tables::append(raw, options, most, out)) {
                mode = Some(BlockMode::Lz);
            }
            mode
        }
        (Prefer::Speed, Some(_)) => {
            let named = len(mode, out);
            let most = named + named * Prefer::SPEED_MOST as usize / 1024;
            // Where the fastest payload is too long, one that is a little less fast may do.
            let mut settings = [Setting::SPEED, Setting::NEAR_SPEED].into_iter();
            let is_pivot = settings.any(|setting| replace(start, out, |out| pivot(setting, most, out)));
            if is_pivot { Some(BlockMode::Pivot) } else { mode }
        }
        // Stored bytes decode faster still.
        (Prefer::Speed, None) => None,
    }
}

/// Puts what `append` appends in the place of all from `start` on, if that is `true`.
fn replace(start: usize, out: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let end = out.len();
    let replaces = append(out);
    if replaces {
        out.drain(start..end);
    } else {
        out.truncate(end);
    }
    replaces
}

/// Codes `raw` as the options ask, by `sample` if it was taken before. `None`: it is to be stored,
/// and what was appended is to be thrown away.
fn append_coded(
    raw: &[u8],
    options: &BlockOptions,
    sample: Option<&mut Sample>,
    out: &mut Vec<u8>,
) -> Option<BlockMode> {
    let plan = Plan { options, raw_len: raw.len() };
    let mode = plan.mode();
    if mode == Mode::Stored {
        return None;
    }
    let source = lanes::Source { symbols: raw, cut: plan.cut()?, stride: plan.stride() };
    let kernel = Kernel::or_default(options.kernel);
    let histogram = match (mode, sample) {
        (Mode::Lanes, Some(sample)) => sample.estimate(raw, kernel),
        (Mode::Lanes, None) => source.histogram(kernel),
        _ => Histogram::new(raw),
    };
    if (options.mode == Mode::Auto || mode == Mode::Fill) && is_fill(raw, &histogram) {
        out.push(raw[0]);
        return Some(BlockMode::Fill);
    }
    if mode == Mode::Fill {
        return None;
    }
    if plan.states().is_some() {
        return plan.append_turns(raw, &histogram, plan.worth(), out);
    }
    let payload_at = out.len();
    let (frequencies, bits) = plan.model(&histogram)?;
    lanes::with_stacks(|stacks| {
        let exact = |histogram: &Histogram| plan.frequencies(histogram);
        source.encode(&frequencies, bits, exact, kernel, stacks, out);
    });
    ((out.len() - payload_at) as u64 <= plan.worth()).then_some(BlockMode::Lanes)
}

/// How a block without matches is coded, as far as that is known before its symbols are coded.
/// Whoever codes them goes by it, the CPU or a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'o> {
    pub(crate) options: &'o BlockOptions,
    /// 1..=16 Mi.
    pub(crate) raw_len: usize,
}

impl Plan<'_> {
    /// What was asked for, or what [`Mode::Auto`] is for so many bytes.
    pub(crate) fn mode(self) -> Mode {
        let policy = &self.options.policy;
        match self.options.mode {
            Mode::Auto if self.raw_len <= policy.single_stream_up_to => Mode::SingleStream,
            Mode::Auto if self.raw_len <= policy.interleaved_up_to => Mode::Interleaved,
            Mode::Auto => Mode::Lanes,
            forced => forced,
        }
    }

    /// Whether a block becomes lanes, unless it is stored or one symbol: no other payload is tried.
    pub(crate) fn is_lanes_alone(self) -> bool {
        self.mode() == Mode::Lanes && self.is_its_mode_alone()
    }

    /// Whether a block is tried in no other mode than [`mode`](Self::mode), unless it is stored or
    /// one symbol.
    fn is_its_mode_alone(self) -> bool {
        let layout = &self.options.layout;
        let bytes = layout.is_bytes() && !layout.may_predict();
        let plain = bytes && !self.options.finds_matches() && self.options.prefer.is_none();
        self.options.mode != Mode::Auto || plain
    }

    /// Into segments. It is there for every block.
    pub(crate) fn cut(self) -> Option<lanes::Cut> {
        lanes::Cut::aim(self.raw_len, self.options.segment_len, Tail::Coded)
    }

    /// One piece of how many is sampled; 1: no sample is taken.
    pub(crate) fn stride(self) -> usize {
        if self.options.sampling { sample::stride(self.raw_len) } else { 1 }
    }

    fn scale_bits(self) -> u8 {
        self.options.scale_bits.unwrap_or_else(|| scale_bits_for(self.raw_len))
    }

    pub(crate) fn frequencies(self, histogram: &Histogram) -> Frequencies {
        match self.options.normalization {
            Normalization::Optimal => normalize(histogram, self.scale_bits()),
            Normalization::Compat => normalize_compat(histogram, self.scale_bits()),
        }
    }

    /// How frequencies are written, in front of states that take turns.
    fn table(self) -> TableKind {
        match self.options.normalization {
            Normalization::Optimal => TableKind::Compact,
            Normalization::Compat => TableKind::Dense,
        }
    }

    /// How many states take turns. `None`: none do, in this mode.
    fn states(self) -> Option<usize> {
        match self.mode() {
            Mode::SingleStream => Some(1),
            Mode::Interleaved => Some(self.options.interleaved_lanes),
            _ => None,
        }
    }

    /// Codes `raw` with [states](Self::states) that take turns. `None`: the payload would have more
    /// than `most` bytes.
    fn append_turns(self, raw: &[u8], histogram: &Histogram, most: u64, out: &mut Vec<u8>) -> Option<BlockMode> {
        let states = self.states()?;
        if self.is_longer_by_counts(states, histogram, most) {
            return None;
        }
        let payload_at = out.len();
        let (frequencies, bits) = self.model(histogram)?;
        let table = self.table();
        table.write(&frequencies, out);
        if self.least_len(states, out.len() - payload_at, bits) > most {
            return None;
        }
        let mode = lanes::with_stacks(|stacks| {
            if self.mode() == Mode::SingleStream {
                let [stack, ..] = stacks;
                single::encode_behind_table(raw, &frequencies, array::from_mut(stack), out);
                BlockMode::SingleStream(table)
            } else {
                interleaved::encode_behind_table(raw, states, &frequencies, stacks, out);
                BlockMode::Interleaved(table)
            }
        });
        ((out.len() - payload_at) as u64 <= most).then_some(mode)
    }

    /// Whether the symbols alone show that a payload has more than `most` bytes, whatever their
    /// frequencies. The first bound is cheap, and asked first; the others hold for fewer than 4096
    /// symbols.
    fn is_longer_by_counts(self, states: usize, histogram: &Histogram, most: u64) -> bool {
        let counts = histogram.counts();
        let len = |table_len, bits| self.least_len(states, table_len, bits);
        if self.raw_len >= 4096 || len(MOST_SYMBOLS_LEN, most_bits(counts)) <= most {
            return false;
        }
        let bits = least_bits(counts);
        len(0, bits) > most || len(MOST_SYMBOLS_LEN, bits) > most && len(least_len_of_table(counts), bits) > most
    }

    /// Bytes that a payload has at least, if so many states take turns and so many `bits` are what
    /// its symbols take by their frequencies, or at best.
    ///
    /// A state and the number of its words take 64 bits, of which 16 at most are those of symbols.
    /// One step may lose the fraction of a slot: of a state above 2^16, with slots of `1 / scale`,
    /// that is at most `2 * scale / 2^16` bits, and what the renormalisation before it cuts off is
    /// a part of that fraction. And `bits` is at most 0.001 for each symbol too large: logarithms
    /// of frequencies are rounded down.
    fn least_len(self, states: usize, table_len: usize, bits: u64) -> u64 {
        let raw_len = self.raw_len as u64;
        let lost = (raw_len << self.scale_bits() >> 15) + raw_len / 512 + 1;
        table_len as u64 + 6 * states as u64 + bits.saturating_sub(lost) / 8
    }

    /// The most bytes of a payload that is not stored instead.
    pub(crate) fn worth(self) -> u64 {
        if self.options.mode == Mode::Auto { self.options.policy.worth(self.raw_len) } else { self.raw_len as u64 }
    }

    /// Frequencies, and the bits that the symbols then take. `None`: the block is to be stored.
    pub(crate) fn model(self, histogram: &Histogram) -> Option<(Frequencies, u64)> {
        let frequencies = self.frequencies(histogram);
        let bits = coded_bits(histogram.counts(), &frequencies);
        (bits / 8 < self.worth()).then_some((frequencies, bits))
    }
}

/// About how many bytes a table takes at most to say which symbols there are.
const MOST_SYMBOLS_LEN: usize = 36;

/// Whether `raw` is one byte repeated. The histogram may lack the bytes that ride on start states,
/// so it only decides whether to look.
fn is_fill(raw: &[u8], histogram: &Histogram) -> bool {
    histogram.only_symbol().is_some_and(|symbol| raw.iter().all(|&byte| byte == symbol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EncodeOptions;

    /// Words of a few letters: some symbols are frequent, most are not.
    fn text() -> Vec<u8> {
        let mut state = 1_u64;
        (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                b' ' + (state >> 60) as u8 * ((state >> 50) as u8 & 7)
            })
            .collect()
    }

    /// Bytes that are equally frequent.
    fn noise(raw_len: usize, symbols: usize) -> Vec<u8> {
        let mut state = (raw_len * 1000 + symbols) as u64;
        let byte = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % symbols as u64) as u8
        };
        (0..raw_len).map(byte).collect()
    }

    /// Whether it pays to code `raw` with states that take turns: it is coded to see. And whether
    /// that was known before.
    fn pays(raw: &[u8], options: &BlockOptions) -> (bool, bool) {
        let plan = Plan { options, raw_len: raw.len() };
        let (histogram, states) = (Histogram::new(raw), plan.states().unwrap());
        let frequencies = plan.frequencies(&histogram);
        let bits = coded_bits(histogram.counts(), &frequencies);
        let mut payload = Vec::new();
        plan.table().write(&frequencies, &mut payload);
        let is_stored = plan.is_longer_by_counts(states, &histogram, plan.worth())
            || plan.least_len(states, payload.len(), bits) > plan.worth();
        lanes::with_stacks(|stacks| match plan.mode() {
            Mode::SingleStream => {
                single::encode_behind_table(raw, &frequencies, array::from_mut(&mut stacks[0]), &mut payload);
            }
            _ => interleaved::encode_behind_table(raw, states, &frequencies, stacks, &mut payload),
        });
        (payload.len() as u64 <= plan.worth(), is_stored)
    }

    #[test]
    fn what_is_stored_without_being_coded_would_be_longer() {
        let options = |mode| EncodeOptions::new().level(0).mode(mode);
        let mut all = vec![options(Mode::Auto)];
        for scale_bits in 9..=14 {
            for normalization in [Normalization::Optimal, Normalization::Compat] {
                let forced = [
                    options(Mode::SingleStream),
                    options(Mode::Interleaved).interleaved_lanes(1),
                    options(Mode::Interleaved).interleaved_lanes(255),
                ];
                all.extend(forced.map(|options| options.scale_bits(scale_bits).normalization(normalization)));
            }
        }
        let (mut coded, mut stored, mut known) = (0, 0, 0);
        for options in &all {
            for raw_len in [20, 60, 100, 200, 256, 257, 300, 500, 1000, 1500, 2048, 2100, 4000, 5000, 8192] {
                for symbols in [10, 40, 64, 100, 128, 160, 180, 200, 210, 220, 230, 240, 250, 256] {
                    let raw = noise(raw_len, symbols);
                    let (pays, is_stored) = pays(&raw, &options.block);
                    let what = || format!("{raw_len} bytes of {symbols}: {options:?}");
                    assert!(!(pays && is_stored), "{}", what());
                    assert_eq!(append(&raw, &options.block, &mut Vec::new()).is_some(), pays, "{}", what());
                    *(if pays { &mut coded } else { &mut stored }) += 1;
                    known += usize::from(is_stored);
                }
            }
            let (pays, is_stored) = pays(&noise(1024, 256), &options.block);
            assert!(!pays && is_stored, "{options:?}");
        }
        assert!(coded > 1000 && stored > 1000 && known > 1000, "{coded} coded, {stored} stored, {known} known");
    }

    #[test]
    fn speed_costs_no_more_than_it_may() {
        let mut forms = Vec::new();
        for symbols in (2..=60).chain([100, 200, 256]) {
            // Symbols of equal frequency: codes of whole bits cost up to a twentieth.
            let raw: Vec<u8> = (0..40_000_u32)
                .map(|i| (i.wrapping_mul(0x9E37_79B1) >> 8) % symbols)
                .map(|symbol| symbol as u8)
                .collect();
            let coded = |prefer| {
                let mut options = EncodeOptions::new().level(0).block;
                options.prefer = prefer;
                let mut out = Vec::new();
                let mode = append(&raw, &options, &mut out);
                (mode, if mode.is_some() { out.len() } else { raw.len() })
            };
            let ((_, named), (mode, len)) = (coded(None), coded(Some(Prefer::Speed)));
            assert!(1000 * len <= 1015 * named, "{symbols} symbols: {len} and {named}");
            forms.push(mode);
        }
        assert!(forms.contains(&Some(BlockMode::Pivot)) && forms.contains(&Some(BlockMode::Lanes)));
    }

    #[test]
    fn a_fast_payload_that_is_too_long_gives_way_to_one_that_is_less_fast() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        // Each symbol is 0.9 times as frequent as the one before.
        let raw: Vec<u8> = (0..40_000)
            .map(|_| std::iter::repeat_with(&mut next).take_while(|number| number % 10 > 0).count() % 20)
            .map(|symbol| symbol as u8)
            .collect();
        let coded = |mode, prefer| {
            let mut options = EncodeOptions::new().level(0).mode(mode).block;
            options.prefer = prefer;
            let mut out = Vec::new();
            (append(&raw, &options, &mut out), out.len())
        };
        let ((_, named), (_, fastest)) = (coded(Mode::Auto, None), coded(Mode::Pivot, Some(Prefer::Speed)));
        assert!(fastest > named + named / 50, "{fastest} and {named}");
        let (mode, len) = coded(Mode::Auto, Some(Prefer::Speed));
        assert!(mode == Some(BlockMode::Pivot) && len < named + named / 100, "{len} and {named}");
    }

    #[test]
    fn a_block_that_changes_has_several_tables_where_size_is_preferred() {
        let first = &text()[..128 << 10];
        let changed: Vec<u8> = first.iter().map(|byte| byte ^ 0x80).collect();
        let coded = |raw: &[u8], prefer| {
            let mut options = EncodeOptions::new().level(0).block;
            options.prefer = prefer;
            let mut out = Vec::new();
            (append(raw, &options, &mut out), out)
        };
        let raw = [first, &changed, first, &changed[..1000]].concat();
        let (mode, payload) = coded(&raw, Some(Prefer::Ratio));
        let (_, named) = coded(&raw, None);
        assert_eq!(mode, Some(BlockMode::Lz));
        assert!(payload.len() < named.len() - raw.len() / 10, "{} and {}", payload.len(), named.len());
        let mut back = vec![0; raw.len()];
        decode(BlockMode::Lz, &payload, &mut back, &Resources::new(None, None)).unwrap();
        assert!(back == raw);

        // More tables gain nothing here, and speed is not size.
        assert_ne!(coded(&[first; 3].concat(), Some(Prefer::Ratio)).0, Some(BlockMode::Lz));
        assert_ne!(coded(&raw, Some(Prefer::Speed)).0, Some(BlockMode::Lz));
    }

    #[test]
    fn a_forced_pivot_goes_by_what_is_preferred() {
        let raw = text();
        let coded = |prefer| {
            let mut options = EncodeOptions::new().level(0).mode(Mode::Pivot).block;
            options.prefer = prefer;
            let mut out = Vec::new();
            assert_eq!(append(&raw, &options, &mut out), Some(BlockMode::Pivot));
            out
        };
        let speed = coded(None);
        assert_eq!(coded(Some(Prefer::Speed)), speed);
        let ratio = coded(Some(Prefer::Ratio));
        assert!(ratio.len() < speed.len(), "{} and {}", ratio.len(), speed.len());
        let mut back = vec![0; raw.len()];
        decode(BlockMode::Pivot, &ratio, &mut back, &Resources::new(None, None)).unwrap();
        assert!(back == raw);
    }
}
