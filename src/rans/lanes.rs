//! The payload of a `lanes` block: segments that share one table (FORMAT.md, 4.4).

use std::ops::Range;

use crate::{
    error::Corruption,
    format::{
        fields::Fields,
        table::{parse_compact, write_compact},
    },
    model::{Frequencies, Histogram, SymbolTable},
    rans::{
        parse_state,
        segment::{self, GROUP, LANES, LaneSlots, QUAD},
        words::{WordReader, WordStack},
    },
};

/// The most segments a block may have.
pub(crate) const MAX_SEGMENTS: usize = 4096;

/// How a block is cut into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    raw_len: usize,
    segments: usize,
    segment_len: usize,
}

impl Cut {
    /// `None`: so many segments would leave the last one empty.
    pub(crate) fn new(raw_len: usize, segments: usize) -> Option<Self> {
        if !(1..=MAX_SEGMENTS).contains(&segments) {
            return None;
        }
        let segment_len = GROUP * raw_len.div_ceil(GROUP * segments);
        (raw_len > (segments - 1) * segment_len).then_some(Self { raw_len, segments, segment_len })
    }

    /// The cut whose segments come nearest to `segment_len`. `raw_len` is not 0.
    pub(crate) fn aim(raw_len: usize, segment_len: usize) -> Self {
        let wanted = ((raw_len + segment_len / 2) / segment_len).clamp(1, MAX_SEGMENTS);
        (1..=wanted).rev().find_map(|segments| Self::new(raw_len, segments)).unwrap_or(Self {
            raw_len,
            segments: 1,
            segment_len: GROUP * raw_len.div_ceil(GROUP),
        })
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
    for range in cut.ranges().filter(|range| range.len() % GROUP == 0) {
        let last = &raw[range.end - GROUP..range.end];
        for quad in last.as_chunks::<QUAD>().0 {
            histogram.remove(quad[2]);
            histogram.remove(quad[3]);
        }
    }
    histogram
}

/// Appends the payload of `raw`, whose coded symbols all have a frequency.
pub(crate) fn encode_payload(raw: &[u8], cut: Cut, frequencies: &Frequencies, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([frequencies.scale_bits(), 0]);
    out.extend((cut.segments as u16).to_le_bytes());
    let counts_at = out.len();
    out.resize(counts_at + 4 * cut.segments, 0);
    write_compact(frequencies, out);

    let symbols = SymbolTable::new(frequencies);
    let mut words = WordStack::default();
    for (index, range) in cut.ranges().enumerate() {
        out.resize(out.len() + (out.len() - start).wrapping_neg() % 4, 0);
        let states = segment::encode(&raw[range], &symbols, &mut words);
        out.extend(states.iter().flat_map(|state| state.to_le_bytes()));
        words.write(out);
        out[counts_at + 4 * index..][..4].copy_from_slice(&(words.words().len() as u32).to_le_bytes());
    }
}

/// Fills `raw` from a payload.
pub(crate) fn decode_payload(payload: &[u8], raw: &mut [u8]) -> Result<(), Corruption> {
    let lanes = LanesPayload::parse(payload, raw.len())?;
    let slots = LaneSlots::new(&lanes.frequencies);
    for (index, (mut segment, range)) in lanes.segments().zip(lanes.cut.ranges()).enumerate() {
        if !segment::decode(&mut segment.states, segment.words, &slots, &mut raw[range]) {
            return Err(Corruption::SegmentEnd { segment: index as u32 });
        }
    }
    Ok(())
}

/// A payload whose every field but the words was verified.
#[derive(Debug)]
pub(crate) struct LanesPayload<'a> {
    pub(crate) frequencies: Frequencies,
    pub(crate) cut: Cut,
    counts: &'a [[u8; 4]],
    segments: &'a [u8],
}

/// What a decoder of one segment starts with.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) states: [u32; LANES],
    pub(crate) words: WordReader<'a>,
}

impl<'a> LanesPayload<'a> {
    pub(crate) fn parse(payload: &'a [u8], raw_len: usize) -> Result<Self, Corruption> {
        let mut fields = Fields::new(payload);
        let scale_bits = fields.u8("scale_bits")?;
        if !(9..=12).contains(&scale_bits) {
            return Err(Corruption::Field { field: "scale_bits", found: scale_bits.into() });
        }
        let reserved = fields.u8("reserved")?;
        if reserved != 0 {
            return Err(Corruption::Field { field: "reserved", found: reserved.into() });
        }
        let segments = fields.u16("segments")?;
        let Some(cut) = Cut::new(raw_len, segments.into()) else {
            return Err(Corruption::Field { field: "segments", found: segments.into() });
        };
        let counts = fields.bytes(4 * usize::from(segments), "word counts")?.as_chunks().0;
        let frequencies = parse_compact(&mut fields, scale_bits)?;
        fields.padding()?;
        let lanes = Self { frequencies, cut, counts, segments: fields.rest() };
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
    #[cfg(feature = "gpu")]
    pub(crate) fn segment_bytes(&self) -> &'a [u8] {
        self.segments
    }

    /// Where in [`segment_bytes`](Self::segment_bytes) each segment's states begin, and how many words follow them.
    #[cfg(feature = "gpu")]
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, u32)> {
        self.counts.iter().scan(0_usize, |at, count| {
            let start = *at;
            *at = (start + 4 * LANES + words_len(*count)).next_multiple_of(4);
            Some((start, u32::from_le_bytes(*count)))
        })
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'a>> {
        let mut rest = self.segments;
        self.counts.iter().map(move |count| {
            let (states, after) = rest.split_at(4 * LANES);
            let (words, after) = after.split_at(words_len(*count));
            rest = after.get(words.len() % 4..).unwrap_or_default();
            let mut values = [0; LANES];
            for (value, bytes) in values.iter_mut().zip(states.as_chunks().0) {
                *value = u32::from_le_bytes(*bytes);
            }
            Segment { states: values, words: WordReader::new(words) }
        })
    }
}

fn words_len(count: [u8; 4]) -> usize {
    (u32::from_le_bytes(count) as usize).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::normalize;

    fn payload(raw: &[u8], segments: usize, scale_bits: u8) -> Vec<u8> {
        let cut = Cut::new(raw.len(), segments).unwrap();
        let mut payload = Vec::new();
        encode_payload(raw, cut, &normalize(&count_coded(raw, cut), scale_bits), &mut payload);
        payload
    }

    fn sample(len: usize) -> Vec<u8> {
        (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & (i >> 3) as u8).collect()
    }

    #[test]
    fn every_length_round_trips_at_every_scale() {
        for len in 1..=1100 {
            let raw = sample(len);
            for scale_bits in 9..=12 {
                let mut back = vec![0xAA; len];
                decode_payload(&payload(&raw, 1, scale_bits), &mut back).unwrap();
                assert_eq!(back, raw, "{len} bytes at {scale_bits} bits");
            }
        }
    }

    #[test]
    fn every_legal_number_of_segments_round_trips() {
        for len in [128, 129, 255, 256, 1000, 1024, 5000] {
            let raw = sample(len);
            for segments in 1..=len {
                if Cut::new(len, segments).is_none() {
                    continue;
                }
                let mut back = vec![0xAA; len];
                decode_payload(&payload(&raw, segments, 12), &mut back).unwrap();
                assert_eq!(back, raw, "{len} bytes in {segments} segments");
            }
        }
    }

    #[test]
    fn a_cut_covers_the_block_in_whole_groups() {
        for len in 1..3000 {
            for segments in [1, 2, 3, 7, 20] {
                let Some(cut) = Cut::new(len, segments) else { continue };
                let ranges: Vec<_> = cut.ranges().collect();
                assert_eq!(ranges.len(), segments);
                assert_eq!((ranges[0].start, ranges[segments - 1].end), (0, len));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].len() % GROUP == 0));
                assert!(!ranges[segments - 1].is_empty());
            }
        }
        assert_eq!(Cut::new(129, 3), None);
        assert_eq!(Cut::aim(256 << 10, 64 << 10).segments, 4);
        assert_eq!(Cut::aim(31 << 10, 64 << 10).segments, 1);
        assert_eq!(Cut::aim(1, 64 << 10).segments, 1);
        assert_eq!(Cut::aim(16 << 20, 128).segments, MAX_SEGMENTS);
    }

    #[test]
    fn one_symbol_takes_no_words() {
        for len in [1, 127, 128, 129, 4096] {
            let payload = payload(&vec![b'z'; len], 1, 12);
            assert_eq!(payload.len(), 4 + 4 + 2 + 2 + 4 * LANES, "{len}");
        }
    }

    #[test]
    fn equal_symbols_take_eight_bits_each() {
        let raw: Vec<u8> = (0..64 << 10).map(|i| (i * 167) as u8).collect();
        let len = payload(&raw, 1, 12).len();
        assert!(len < raw.len() + 300, "{len}");
        let mut back = vec![0; raw.len()];
        decode_payload(&payload(&raw, 1, 12), &mut back).unwrap();
        assert_eq!(back, raw);
    }

    #[test]
    fn every_flipped_bit_is_an_error_or_other_bytes_never_a_panic() {
        let raw = sample(700);
        let good = payload(&raw, 2, 12);
        let mut back = vec![0; raw.len()];
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            if decode_payload(&bad, &mut back).is_ok() {
                assert_ne!(back, raw, "bit {bit} has no meaning");
            }
        }
        for cut in 0..good.len() {
            assert!(decode_payload(&good[..cut], &mut back).is_err(), "cut at {cut}");
        }
    }
}
