//! The payload of lanes: segments that share one table (FORMAT.md, 4.4).

use std::{array, cell::Cell, mem, ops::Range};

use crate::{
    error::Corruption,
    format::{
        fields::Fields,
        table::{parse_compact, write_compact},
    },
    kept,
    model::{Frequencies, Histogram},
    rans::{
        parse_state,
        segment::{GROUP, LANES, Payload, QUAD, RIDING, Tail},
        words::WordStack,
    },
    section::sample,
    simd::{self, ABREAST, Encoder, Kernel, Segment, Spare, Written},
};

/// The most segments a block may have.
pub(crate) const MAX_SEGMENTS: usize = 4096;

/// Segments that a kernel gets at a time: a multiple of what any of them decodes side by side, and
/// so many that short ones are worth the tables.
const BATCH: usize = 32;

/// Payloads that a kernel gets at a time.
const TOGETHER: usize = 8;

/// How a block or section is cut into segments, and what becomes of the end of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    raw_len: usize,
    segments: usize,
    segment_len: usize,
    tail: Tail,
}

impl Cut {
    /// `None`: so many segments would leave the last one empty, or too short for what rides on its
    /// states.
    pub(crate) fn new(raw_len: usize, segments: usize, tail: Tail) -> Option<Self> {
        if !(1..=MAX_SEGMENTS).contains(&segments) {
            return None;
        }
        let segment_len = GROUP * raw_len.div_ceil(GROUP * segments);
        let shortest = if tail == Tail::InStates { RIDING } else { 1 };
        let fits = raw_len >= (segments - 1) * segment_len + shortest;
        fits.then_some(Self { raw_len, segments, segment_len, tail })
    }

    /// The cut whose segments come nearest to `segment_len`. `None`: `raw_len` is too short for
    /// any.
    pub(crate) fn aim(raw_len: usize, segment_len: usize, tail: Tail) -> Option<Self> {
        let wanted = ((raw_len + segment_len / 2) / segment_len).clamp(1, MAX_SEGMENTS);
        (1..=wanted).rev().find_map(|segments| Self::new(raw_len, segments, tail))
    }

    /// Where each segment's raw bytes are.
    pub(crate) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.segments).map(move |segment| {
            let start = segment * self.segment_len;
            start..self.raw_len.min(start + self.segment_len)
        })
    }
}

/// Counts the symbols that are coded: all but those that ride on the start states.
pub(crate) fn count_coded(raw: &[u8], cut: Cut) -> Histogram {
    let mut histogram = Histogram::new(raw);
    for range in cut.ranges() {
        if range.len().is_multiple_of(GROUP) {
            let last = &raw[range.end - GROUP..range.end];
            for quad in last.as_chunks::<QUAD>().0 {
                histogram.remove(quad[2]);
                histogram.remove(quad[3]);
            }
        } else if cut.tail == Tail::InStates {
            raw[range.end - RIDING..range.end].iter().for_each(|&byte| histogram.remove(byte));
        }
    }
    histogram
}

/// Fewer bytes than this do not hold a payload of symbols that take so many `bits`: a state takes
/// 32 bits, of which 16 at most are theirs. And all states are there, however few the bits.
pub(crate) fn least_len(bits: u64, cut: Cut) -> u64 {
    let segments = cut.segments as u64;
    let states = 4 * LANES as u64 * segments;
    4 + 4 * segments + states.max(states / 2 + bits / 8)
}

/// Symbols that are to be coded as lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) symbols: &'a [u8],
    pub(crate) cut: Cut,
    /// One symbol of how many is counted, about.
    pub(crate) stride: usize,
}

impl Source<'_> {
    /// About as many counts as of each symbol are coded.
    pub(crate) fn histogram(&self, kernel: Kernel) -> Histogram {
        if self.stride > 1 {
            sample::estimate(self.symbols, self.stride, kernel)
        } else {
            count_coded(self.symbols, self.cut)
        }
    }

    /// Appends the payload. What [`histogram`](Self::histogram) counted became `frequencies` by
    /// `normalize`, and promised so many `bits`; if a sample misled, exact counts take its place.
    pub(crate) fn encode(
        &self,
        frequencies: &Frequencies,
        bits: u64,
        normalize: impl FnOnce(&Histogram) -> Frequencies,
        kernel: Kernel,
        stacks: &mut WordStacks,
        out: &mut Vec<u8>,
    ) {
        let &Self { symbols, cut, stride } = self;
        let start = out.len();
        let words = encode_payload(symbols, cut, frequencies, kernel, stacks, out);
        if stride > 1 && sample::misled(bits, words, cut.segments) {
            out.truncate(start);
            encode_payload(symbols, cut, &normalize(&count_coded(symbols, cut)), kernel, stacks, out);
        }
    }
}

/// Where the words of segments stand before they are written: memory to keep.
pub(crate) type WordStacks = [WordStack; ABREAST];

/// Words that a thread keeps room for in each of its stacks: for segments of twice the default
/// length.
const KEPT_WORDS: usize = 128 << 10;

thread_local! {
    static KEPT: Cell<WordStacks> = const { Cell::new([const { WordStack::new() }; ABREAST]) };
}

/// Lends the stacks of this thread, which keeps up to 1 MiB of them from block to block.
///
/// So much memory comes from the system anew each time it is asked for, and half of an encoder's
/// time went to the faults of its pages.
pub(crate) fn with_stacks<R>(work: impl FnOnce(&mut WordStacks) -> R) -> R {
    kept::with(&KEPT, |stacks| {
        let result = work(stacks);
        for stack in stacks {
            stack.keep(KEPT_WORDS);
        }
        result
    })
}

/// Gives back what the calling thread keeps.
pub(crate) fn release() {
    kept::release(&KEPT);
}

/// Appends the payload of `raw`, whose coded symbols all have a frequency; the number of its words
/// comes back.
pub(crate) fn encode_payload(
    raw: &[u8],
    cut: Cut,
    frequencies: &Frequencies,
    kernel: Kernel,
    stacks: &mut WordStacks,
    out: &mut Vec<u8>,
) -> u64 {
    let start = out.len();
    let counts_at = write_head(cut, frequencies, &[], out);

    let encoder = Encoder::new(kernel, frequencies);
    let (mut ranges, mut words) = (cut.ranges(), 0);
    let stacks = &mut stacks[..encoder.abreast()];
    for first in (0..cut.segments).step_by(stacks.len()) {
        let begin = |(words, range)| encoder.begin(&raw[range], cut.tail, words);
        let mut segments: Vec<_> = stacks.iter_mut().zip(ranges.by_ref()).map(begin).collect();
        encoder.encode(&mut segments);
        for (index, segment) in (first..).zip(segments) {
            out.resize(out.len() + (out.len() - start).wrapping_neg() % 4, 0);
            out.extend(segment.states.iter().flat_map(|state| state.to_le_bytes()));
            segment.words.write(out);
            let count = segment.words.words().len() as u32;
            out[counts_at + 4 * index..][..4].copy_from_slice(&count.to_le_bytes());
            words += u64::from(count);
        }
    }
    words
}

/// Appends the payload up to its segments, without the padding in front of them. Where the word
/// counts stand comes back; those of the segments behind `counts` are 0.
pub(crate) fn write_head(cut: Cut, frequencies: &Frequencies, counts: &[u32], out: &mut Vec<u8>) -> usize {
    out.extend([frequencies.scale_bits(), tail_number(cut.tail)]);
    out.extend((cut.segments as u16).to_le_bytes());
    let counts_at = out.len();
    out.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
    out.resize(counts_at + 4 * cut.segments, 0);
    write_compact(frequencies, out);
    counts_at
}

/// Fills `raw` from a payload. Of several segments that are damaged the first is reported.
pub(crate) fn decode_payload<'r>(
    payload: &[u8],
    tail: Tail,
    raw: Spare<'r>,
    kernel: Kernel,
) -> Result<Written<'r>, Corruption> {
    let mut job = Job::new(payload, tail, raw);
    decode_some(array::from_mut(&mut job), kernel).map_err(|(_, reason)| reason)?;
    Ok(job.written)
}

/// Fills `raw` from the first segment that holds bytes `wanted` to the last of them; some behind
/// that, and all others, may hold anything. A segment that is damaged behind them is not found out.
pub(crate) fn decode_part(
    payload: &[u8],
    tail: Tail,
    raw: &mut [u8],
    wanted: &Range<usize>,
    kernel: Kernel,
) -> Result<(), Corruption> {
    let mut job = Job { wanted: wanted.clone(), ..Job::new(payload, tail, raw.into()) };
    decode_some(array::from_mut(&mut job), kernel).map_err(|(_, reason)| reason)
}

/// A payload, and room for its raw bytes.
#[derive(Debug)]
pub(crate) struct Job<'p, 'r> {
    payload: &'p [u8],
    tail: Tail,
    raw: Spare<'r>,
    /// Which of them must be right in the end.
    wanted: Range<usize>,
    /// What of the room has bytes that are right.
    written: Written<'r>,
}

impl<'p, 'r> Job<'p, 'r> {
    pub(crate) fn new(payload: &'p [u8], tail: Tail, raw: Spare<'r>) -> Self {
        let wanted = 0..raw.len();
        Self { payload, tail, raw, wanted, written: Written::default() }
    }

    /// All of the room, if it was filled.
    pub(crate) fn into_written(self) -> Written<'r> {
        self.written
    }
}

/// Fills the room of all jobs. A processor that waits for the segments of one has time for those of
/// others: payloads of 16 KiB take two thirds of the time that they take one by one (AMD EPYC,
/// Zen 4, AVX-512).
///
/// # Errors
///
/// The index of the first job that is damaged, and what it has against it, as if it were decoded
/// alone. The jobs before it are done.
pub(crate) fn decode_together(jobs: &mut [Job<'_, '_>], kernel: Kernel) -> Result<(), (usize, Corruption)> {
    for (done, jobs) in (0..).step_by(TOGETHER).zip(jobs.chunks_mut(TOGETHER)) {
        decode_some(jobs, kernel).map_err(|(index, reason)| (done + index, reason))?;
    }
    Ok(())
}

/// [`decode_together`] of at most [`TOGETHER`] jobs.
fn decode_some(jobs: &mut [Job<'_, '_>], kernel: Kernel) -> Result<(), (usize, Corruption)> {
    let mut parsed = Vec::with_capacity(jobs.len());
    let mut fault = Ok(());
    for (index, job) in jobs.iter().enumerate() {
        match LanesPayload::parse(job.payload, job.tail, job.raw.len()) {
            Ok(lanes) => parsed.push(lanes),
            Err(reason) => {
                fault = Err((index, reason));
                break;
            }
        }
    }
    let payloads: Vec<_> = parsed.iter().map(LanesPayload::shared).collect();
    let mut batch = Vec::with_capacity(BATCH.min(parsed.iter().map(|lanes| lanes.cut.segments).sum()));
    for (of, lanes) in parsed.iter().enumerate() {
        let mut at = lanes.segments_at;
        for (index, (count, range)) in lanes.counts.iter().zip(lanes.cut.ranges()).enumerate() {
            let Job { raw, wanted, .. } = &mut jobs[of];
            let raw = raw.take(range.len());
            let words = at + 4 * LANES..at + 4 * LANES + words_len(*count);
            let states_at = mem::replace(&mut at, words.end.next_multiple_of(4));
            if range.end <= wanted.start || range.start >= wanted.end {
                continue;
            }
            let (states, tail) = (lanes.states(states_at), lanes.cut.tail);
            let mut segment = Segment { states, of, index: index as u32, words, raw, tail, to_the_end: true };
            if range.end > wanted.end {
                segment.cut_behind(wanted.end - range.start);
            }
            batch.push(segment);
            if batch.len() == BATCH {
                decode_batch(&payloads, &mut batch, jobs, kernel)?;
            }
        }
    }
    decode_batch(&payloads, &mut batch, jobs, kernel)?;
    fault
}

/// Decodes the segments of `batch`, which is empty then, and counts in their jobs what was written.
fn decode_batch<'r>(
    payloads: &[Payload<'_>],
    batch: &mut Vec<Segment<'r>>,
    jobs: &mut [Job<'_, 'r>],
    kernel: Kernel,
) -> Result<(), (usize, Corruption)> {
    let bad = simd::decode(kernel, payloads, batch).map(|bad| (bad, batch[bad].of, batch[bad].index));
    for Segment { of, raw, .. } in batch.drain(..).take(bad.map_or(usize::MAX, |(bad, ..)| bad)) {
        // Behind segments that were left out it is not added: then only a part is wanted.
        let _ = jobs[of].written.append(raw.into_written());
    }
    bad.map_or(Ok(()), |(_, of, segment)| Err((of, Corruption::SegmentEnd { segment })))
}

/// A payload whose every field but the words was verified.
#[derive(Debug)]
pub(crate) struct LanesPayload<'a> {
    pub(crate) frequencies: Frequencies,
    pub(crate) cut: Cut,
    payload: &'a [u8],
    counts: &'a [[u8; 4]],
    /// Where in the payload the first segment begins.
    segments_at: usize,
}

impl<'a> LanesPayload<'a> {
    /// `tail`: what its place in the format asks for.
    pub(crate) fn parse(payload: &'a [u8], tail: Tail, raw_len: usize) -> Result<Self, Corruption> {
        let mut fields = Fields::new(payload);
        let scale_bits = fields.u8("scale_bits")?;
        if !(9..=12).contains(&scale_bits) {
            return Err(Corruption::Field { field: "scale_bits", found: scale_bits.into() });
        }
        let found = fields.u8("tail")?;
        if found != tail_number(tail) {
            return Err(Corruption::Field { field: "tail", found: found.into() });
        }
        let segments = fields.u16("segments")?;
        let Some(cut) = Cut::new(raw_len, segments.into(), tail) else {
            return Err(Corruption::Field { field: "segments", found: segments.into() });
        };
        let counts = fields.bytes(4 * usize::from(segments), "word counts")?.as_chunks().0;
        let frequencies = parse_compact(&mut fields, scale_bits)?;
        fields.padding()?;
        let segments_at = payload.len() - fields.rest().len();
        let lanes = Self { frequencies, cut, payload, counts, segments_at };
        for (index, count) in lanes.counts.iter().enumerate() {
            if index > 0 {
                fields.padding()?;
            }
            for _ in 0..LANES {
                parse_state(&mut fields)?;
            }
            fields.bytes(words_len(*count), "words")?;
        }
        fields.end()?;
        Ok(lanes)
    }

    /// All segments as they stand in the payload, the padding between them included.
    #[cfg(feature = "jobs")]
    pub(crate) fn segment_bytes(&self) -> &'a [u8] {
        &self.payload[self.segments_at..]
    }

    /// Where in [`segment_bytes`](Self::segment_bytes) each segment's states begin, and how many
    /// words follow them.
    #[cfg(feature = "jobs")]
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, u32)> {
        self.counts.iter().scan(0_usize, |at, count| {
            let start = *at;
            *at = (start + 4 * LANES + words_len(*count)).next_multiple_of(4);
            Some((start, u32::from_le_bytes(*count)))
        })
    }

    /// What all segments share.
    fn shared(&self) -> Payload<'_> {
        Payload { bytes: self.payload, frequencies: &self.frequencies }
    }

    /// The start states of the segment that begins at `at`.
    fn states(&self, at: usize) -> [u32; LANES] {
        let mut states = [0; LANES];
        for (state, bytes) in states.iter_mut().zip(self.payload[at..].as_chunks().0) {
            *state = u32::from_le_bytes(*bytes);
        }
        states
    }
}

/// The field `tail` on the wire.
fn tail_number(tail: Tail) -> u8 {
    match tail {
        Tail::Coded => 0,
        Tail::InStates => 1,
    }
}

fn words_len(count: [u8; 4]) -> usize {
    (u32::from_le_bytes(count) as usize).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::normalize;

    fn payload(raw: &[u8], segments: usize, tail: Tail, scale_bits: u8) -> Vec<u8> {
        let cut = Cut::new(raw.len(), segments, tail).unwrap();
        let (mut payload, frequencies) = (Vec::new(), normalize(&count_coded(raw, cut), scale_bits));
        encode_payload(raw, cut, &frequencies, Kernel::Portable, &mut Default::default(), &mut payload);
        payload
    }

    fn decode(payload: &[u8], tail: Tail, raw_len: usize) -> Result<Vec<u8>, Corruption> {
        let mut raw = vec![0xAA; raw_len];
        decode_payload(payload, tail, Spare::from(&mut raw[..]), Kernel::Portable)?;
        Ok(raw)
    }

    const TAILS: [Tail; 2] = [Tail::Coded, Tail::InStates];

    fn sample(len: usize) -> Vec<u8> {
        (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & (i >> 3) as u8).collect()
    }

    #[test]
    fn every_length_round_trips_at_every_scale() {
        for len in 1..=1100 {
            let raw = sample(len);
            for (tail, scale_bits) in TAILS.into_iter().flat_map(|tail| (9..=12).map(move |bits| (tail, bits))) {
                // Of RIDING bytes that all ride, none is left to make a table of.
                if Cut::new(len, 1, tail).is_some() && (len, tail) != (RIDING, Tail::InStates) {
                    let back = decode(&payload(&raw, 1, tail, scale_bits), tail, len);
                    assert_eq!(back.as_ref(), Ok(&raw), "{len} bytes at {scale_bits} bits, {tail:?}");
                }
            }
        }
    }

    #[test]
    fn every_legal_number_of_segments_round_trips() {
        for len in [128, 129, 255, 256, 1000, 1024, 5000] {
            let raw = sample(len);
            for (tail, segments) in TAILS.into_iter().flat_map(|tail| (1..=len).map(move |count| (tail, count))) {
                if Cut::new(len, segments, tail).is_some() {
                    let back = decode(&payload(&raw, segments, tail, 12), tail, len);
                    assert_eq!(back.as_ref(), Ok(&raw), "{len} bytes in {segments} segments, {tail:?}");
                }
            }
        }
    }

    #[test]
    fn a_cut_covers_the_block_in_whole_groups() {
        for len in 1..3000 {
            for segments in [1, 2, 3, 7, 20] {
                let Some(cut) = Cut::new(len, segments, Tail::Coded) else { continue };
                let ranges: Vec<_> = cut.ranges().collect();
                assert_eq!(ranges.len(), segments);
                assert_eq!((ranges[0].start, ranges[segments - 1].end), (0, len));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].len() % GROUP == 0));
                assert!(!ranges[segments - 1].is_empty());
                let rides = Cut::new(len, segments, Tail::InStates).is_some();
                assert_eq!(rides, ranges[segments - 1].len() >= RIDING, "{len} bytes in {segments} segments");
            }
        }
        let aim = |raw_len, segment_len| Cut::aim(raw_len, segment_len, Tail::Coded).map(|cut| cut.segments);
        assert_eq!(Cut::new(129, 3, Tail::Coded), None);
        assert_eq!(aim(256 << 10, 64 << 10), Some(4));
        assert_eq!(aim(31 << 10, 64 << 10), Some(1));
        assert_eq!(aim(1, 64 << 10), Some(1));
        assert_eq!(aim(16 << 20, 128), Some(MAX_SEGMENTS));
        assert_eq!(Cut::aim(RIDING - 1, 64 << 10, Tail::InStates), None);
    }

    #[test]
    fn parts_are_those_of_the_whole_with_every_kernel_and_so_are_their_faults() {
        let raw = sample(3 * 1280 + 700);
        for tail in TAILS {
            let whole = payload(&raw, 4, tail, 11);
            // A whole one, one whose words run out, and damaged ones.
            for at in (0..whole.len()).step_by(53) {
                let mut payload = whole.clone();
                payload[at] ^= if at == 0 { 0 } else { 0x41 };
                for (from, len) in [(0, 1), (3, 126), (1200, 81), (1279, 2), (1300, 3000), (4530, 10), (0, raw.len())] {
                    let wanted = from..from + len;
                    let part = |kernel| {
                        let mut found = vec![0xAA; raw.len()];
                        decode_part(&payload, tail, &mut found, &wanted, kernel)?;
                        Ok::<_, Corruption>(found[wanted.clone()].to_vec())
                    };
                    let expected = part(Kernel::Portable);
                    assert!(at > 0 || expected.as_deref() == Ok(&raw[wanted.clone()]), "{wanted:?}, {tail:?}");
                    for kernel in Kernel::all_available() {
                        assert_eq!(part(kernel), expected, "{wanted:?}, {tail:?}, byte {at}, {kernel}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_that_ride_on_the_states_need_no_frequency() {
        for len in [65, 127, 129, 191, 192, 193, 1000] {
            let mut raw = vec![b'a'; len];
            raw[len - RIDING..].fill(b'b');
            let payload = payload(&raw, 1, Tail::InStates, 12);
            assert_eq!(payload.len(), 4 + 4 + 2 + 2 + 4 * LANES, "{len}: one symbol, no words");
            assert_eq!(decode(&payload, Tail::InStates, len), Ok(raw));
        }
    }

    #[test]
    fn the_tail_is_what_the_place_asks_for() {
        let raw = sample(300);
        for (tail, other) in [(Tail::Coded, Tail::InStates), (Tail::InStates, Tail::Coded)] {
            let found = tail_number(tail).into();
            let error = decode(&payload(&raw, 1, tail, 12), other, 300);
            assert_eq!(error, Err(Corruption::Field { field: "tail", found }));
        }
    }

    #[test]
    fn one_symbol_takes_no_words() {
        for len in [1, 127, 128, 129, 4096] {
            let payload = payload(&vec![b'z'; len], 1, Tail::Coded, 12);
            assert_eq!(payload.len(), 4 + 4 + 2 + 2 + 4 * LANES, "{len}");
        }
    }

    #[test]
    fn equal_symbols_take_eight_bits_each() {
        let raw: Vec<u8> = (0..64 << 10).map(|i| (i * 167) as u8).collect();
        let payload = payload(&raw, 1, Tail::Coded, 12);
        assert!(payload.len() < raw.len() + 300, "{}", payload.len());
        assert_eq!(decode(&payload, Tail::Coded, raw.len()), Ok(raw));
    }

    #[test]
    fn every_flipped_bit_is_an_error_or_other_bytes_never_a_panic() {
        let raw = sample(700);
        for tail in TAILS {
            let good = payload(&raw, 2, tail, 12);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(decode(&bad, tail, raw.len()).as_ref(), Ok(&raw), "bit {bit} has no meaning");
            }
            for cut in 0..good.len() {
                assert!(decode(&good[..cut], tail, raw.len()).is_err(), "cut at {cut}");
            }
        }
    }
}
