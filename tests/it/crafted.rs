//! Streams whose every check is right and whose contents are not: only a sender that means it makes
//! them.
//!
//! Each must end in the error that FORMAT.md, section 7 asks for, in every way of decoding, after
//! the good block before it.

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, Normalization, block,
    error::{Corruption, Feature, Part},
    format::{BlockMode, StreamHeader, TableKind},
    rans,
};

use crate::{
    assembly::{Assembled, Assembly, crc8, data_block, sealed, skippable},
    data,
    outcomes::{Outcome, agreed},
};

const HEADER: StreamHeader =
    StreamHeader { max_block_log2: 13, content_length: None, content_check: false, index: false };

/// `scale_bits` and 256 frequencies.
const DENSE_TABLE_END: usize = 1 + 512;

/// What stands before the word counts of a `lanes` payload.
const LANES_HEAD: usize = 4;

const STATES_OF_A_SEGMENT: usize = 4 * 32;

/// A payload and what it codes.
#[derive(Debug, Clone)]
struct Payload {
    mode: BlockMode,
    raw: Vec<u8>,
    bytes: Vec<u8>,
}

impl Payload {
    fn new(mode: BlockMode, raw: &[u8], options: &EncodeOptions) -> Self {
        let mut coded = Vec::new();
        block::encode(raw, options, &mut coded).unwrap();
        assert_eq!(coded[0], mode.tag());
        Self { mode, raw: raw.to_vec(), bytes: coded[8..coded.len() - 4].to_vec() }
    }

    fn dense(mode: BlockMode) -> Self {
        let options = EncodeOptions::new().normalization(Normalization::Compat).scale_bits(12).interleaved_lanes(3);
        let options = options.mode(if mode == BlockMode::SingleStream(TableKind::Dense) {
            Mode::SingleStream
        } else {
            Mode::Interleaved
        });
        Self::new(mode, &data::skewed(2000), &options)
    }

    fn compact(mode: BlockMode) -> Self {
        let options = EncodeOptions::new().scale_bits(12).interleaved_lanes(3);
        let options = options.mode(if mode == BlockMode::SingleStream(TableKind::Compact) {
            Mode::SingleStream
        } else {
            Mode::Interleaved
        });
        Self::new(mode, &data::skewed(2000), &options)
    }

    /// Three segments, the last of which is shorter and no multiple of 128.
    fn lanes() -> Self {
        let options = EncodeOptions::new().scale_bits(12).mode(Mode::Lanes).segment_len(700);
        let payload = Self::new(BlockMode::Lanes, &data::skewed(2000), &options);
        assert_eq!(payload.bytes[2..LANES_HEAD], [3, 0]);
        payload
    }

    /// One of each coded mode.
    fn all() -> [Self; 5] {
        [
            Self::dense(BlockMode::SingleStream(TableKind::Dense)),
            Self::dense(BlockMode::Interleaved(TableKind::Dense)),
            Self::compact(BlockMode::SingleStream(TableKind::Compact)),
            Self::compact(BlockMode::Interleaved(TableKind::Compact)),
            Self::lanes(),
        ]
    }

    /// The payload after a change.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.bytes);
        changed
    }

    fn read_u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    /// Where the states start, and how many there are; for `lanes` those of the first segment.
    fn states(&self) -> (usize, usize) {
        let len = self.bytes.len() as u64;
        let words_len = |at| 2 * u64::from(self.read_u32(at));
        // With a compact table, the place from which the counts add up to the payload's length.
        let fits = |&at: &usize| {
            if self.mode == BlockMode::SingleStream(TableKind::Compact) {
                return at as u64 + 8 + words_len(at + 4) == len;
            }
            let words: u64 = (0..3).map(|lane| words_len(at + 13 + 4 * lane)).sum();
            self.bytes[at] == 3 && at as u64 + 1 + 24 + words == len
        };
        match self.mode {
            BlockMode::SingleStream(TableKind::Dense) => (DENSE_TABLE_END, 1),
            BlockMode::Interleaved(TableKind::Dense) => (DENSE_TABLE_END + 1, 3),
            BlockMode::SingleStream(TableKind::Compact) => ((1..self.bytes.len()).find(fits).unwrap(), 1),
            BlockMode::Interleaved(TableKind::Compact) => ((1..self.bytes.len()).find(fits).unwrap() + 1, 3),
            _ => (self.segments()[0], 32),
        }
    }

    /// Where the segments of a `lanes` payload start, counted from its end.
    fn segments(&self) -> Vec<usize> {
        let padded = |len: usize| len.next_multiple_of(4);
        let lens: Vec<_> =
            (0..3).map(|segment| STATES_OF_A_SEGMENT + 2 * self.read_u32(LANES_HEAD + 4 * segment) as usize).collect();
        let last = self.bytes.len() - lens[2];
        vec![last - padded(lens[1]) - padded(lens[0]), last - padded(lens[1]), last]
    }

    /// Every way of decoding a stream with this block gives the good block before it and then this
    /// reason.
    fn reason(&self) -> Corruption {
        let good = data::text(100);
        let coded = data_block(self.mode.tag(), self.raw.len() as u32, &self.bytes);
        let Assembled { stream, elements, .. } = Assembly::new(HEADER)
            .data(&good, &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored)
            .block(&coded, &self.raw)
            .finish();
        let outcome = agreed(&stream, &DecodeOptions::new());
        assert_eq!(outcome.raw, good);
        let Some(Error::Corrupt { part: Part::Block(1), offset, reason }) = outcome.error else {
            panic!("{:?}", outcome.error)
        };
        assert_eq!(offset, elements[2].coded.start as u64);

        assert_eq!(self.bare_reason(), reason);
        reason
    }

    /// The same from the functions for bare blocks and bare payloads.
    fn bare_reason(&self) -> Corruption {
        let coded = data_block(self.mode.tag(), self.raw.len() as u32, &self.bytes);
        let reason = match block::decode(&coded, &mut vec![0; self.raw.len()]) {
            Err(Error::Corrupt { part: Part::Block(0), offset: 0, reason }) => reason,
            other => panic!("{other:?}"),
        };
        let alone = match self.mode {
            BlockMode::SingleStream(TableKind::Dense) => rans::single::decode(&self.bytes, self.raw.len()),
            BlockMode::Interleaved(TableKind::Dense) => rans::interleaved::decode(&self.bytes, self.raw.len()),
            _ => return reason,
        };
        assert_eq!(alone, Err(Error::Corrupt { part: Part::Payload, offset: 0, reason }));
        reason
    }
}

fn write_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn scale_bits_outside_their_range() {
    for payload in Payload::all() {
        let most = if payload.mode == BlockMode::Lanes { 12 } else { 14 };
        for bits in (0..=255).filter(|bits| !(9..=most).contains(bits)) {
            let reason = payload.with(|bytes| bytes[0] = bits).bare_reason();
            assert_eq!(reason, Corruption::Field { field: "scale_bits", found: bits.into() });
        }
        assert_eq!(payload.with(|bytes| bytes[0] = 8).reason(), Corruption::Field { field: "scale_bits", found: 8 });
    }
}

#[test]
fn every_cut_of_a_payload() {
    for payload in Payload::all() {
        for cut in 1..payload.bytes.len() {
            let payload = payload.with(|bytes| bytes.truncate(cut));
            let reason = if cut % 50 == 0 { payload.reason() } else { payload.bare_reason() };
            assert!(
                matches!(reason, Corruption::PayloadEnds { length, .. } if length == cut as u64),
                "{cut}: {reason}"
            );
        }
    }
}

#[test]
fn bytes_behind_a_payload() {
    for payload in Payload::all() {
        for extra in 1..=4 {
            let reason = payload.with(|bytes| bytes.extend(vec![0; extra])).reason();
            assert_eq!(reason, Corruption::PayloadGoesOn { extra: extra as u64 });
        }
    }
}

#[test]
fn states_below_their_bound() {
    for payload in Payload::all() {
        let (states, count) = payload.states();
        for state in 0..count {
            for low in [0, 1, 0xFFFF] {
                let reason = payload.with(|bytes| write_u32(bytes, states + 4 * state, low)).reason();
                assert_eq!(reason, Corruption::Field { field: "state", found: low.into() });
            }
        }
    }
    let lanes = Payload::lanes();
    for segment in lanes.segments() {
        let reason = lanes.with(|bytes| write_u32(bytes, segment + 4 * 31, 0x8000)).reason();
        assert_eq!(reason, Corruption::Field { field: "state", found: 0x8000 });
    }
}

#[test]
fn states_that_lead_elsewhere() {
    for payload in Payload::all() {
        let (mut states, count) = payload.states();
        if payload.mode == BlockMode::Lanes {
            // In whole groups of 128 the states carry raw bytes, so another one may be right. Only
            // the last segment has others.
            states = payload.segments()[2];
        }
        for state in 0..count {
            for bit in [0, 7, 15, 31] {
                let changed = payload.read_u32(states + 4 * state) ^ 1 << bit;
                let reason = payload.with(|bytes| write_u32(bytes, states + 4 * state, changed)).reason();
                match payload.mode {
                    BlockMode::Lanes => assert_eq!(reason, Corruption::SegmentEnd { segment: 2 }),
                    _ => assert_eq!(reason, Corruption::LaneEnd { lane: state as u32 }),
                }
            }
        }
    }
}

#[test]
fn dense_tables_that_do_not_sum_to_their_scale() {
    for mode in [BlockMode::SingleStream(TableKind::Dense), BlockMode::Interleaved(TableKind::Dense)] {
        let payload = Payload::dense(mode);
        let sum = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&low| u32::from(u16::from_le_bytes(low))).sum();
        let changes: [fn(&mut [u8]); 5] = [
            |table| table[0] = table[0].wrapping_add(1),
            |table| table[511] = 0xFF,
            |table| table.fill(0),
            |table| table.fill(0xFF),
            |table| table.copy_within(0..256, 256),
        ];
        for change in changes {
            let changed = payload.with(|bytes| change(&mut bytes[1..DENSE_TABLE_END]));
            let expected = Corruption::FrequencySum { sum: sum(&changed.bytes[1..DENSE_TABLE_END]), scale: 4096 };
            assert_eq!(changed.reason(), expected);
        }
        let reason = payload.with(|bytes| bytes[0] = 11).reason();
        assert_eq!(reason, Corruption::FrequencySum { sum: 4096, scale: 2048 });
    }
}

#[test]
fn compact_tables_that_are_none() {
    for payload in Payload::all() {
        let table = match payload.mode {
            BlockMode::SingleStream(TableKind::Compact) | BlockMode::Interleaved(TableKind::Compact) => 1,
            BlockMode::Lanes => LANES_HEAD + 4 * 3,
            _ => continue,
        };
        // Seven one bits before the zero, or six and a number that makes more than 256.
        for count in [[0x7F, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x3F, 0xFF, 0, 0]] {
            let reason = payload.with(|bytes| bytes[table..table + 4].copy_from_slice(&count)).reason();
            assert_eq!(reason, Corruption::Field { field: "table", found: count[0].into() });
        }
    }
}

#[test]
fn padding_that_is_not_zero() {
    // One symbol: its table has 3 bits for the count and 8 for the symbol, so the second byte has 5
    // bits of padding.
    for (mode, forced) in
        [(BlockMode::SingleStream(TableKind::Compact), Mode::SingleStream), (BlockMode::Lanes, Mode::Lanes)]
    {
        let options = EncodeOptions::new().mode(forced).scale_bits(12);
        let payload = Payload::new(mode, &[b'z'; 300], &options);
        let table = if mode == BlockMode::Lanes { LANES_HEAD + 4 } else { 1 };
        for bit in 3..8 {
            assert_eq!(payload.with(|bytes| bytes[table + 1] |= 1 << bit).reason(), Corruption::Padding);
        }
        if mode == BlockMode::Lanes {
            for padding in table + 2..table + 4 {
                assert_eq!(payload.with(|bytes| bytes[padding] = 0x80).reason(), Corruption::Padding);
            }
        }
    }
    let lanes = Payload::lanes();
    let mut padded = 0;
    for segment in 0..2 {
        let words = 2 * lanes.read_u32(LANES_HEAD + 4 * segment) as usize;
        let end = lanes.segments()[segment] + STATES_OF_A_SEGMENT + words;
        for padding in end..end.next_multiple_of(4) {
            assert_eq!(lanes.with(|bytes| bytes[padding] = 1).reason(), Corruption::Padding);
            padded += 1;
        }
    }
    assert!(padded > 0, "no segment has padding behind it: choose other raw bytes");
}

#[test]
fn words_that_are_missing_or_left() {
    for payload in Payload::all() {
        let (states, lanes) = payload.states();
        let (counts, lanes) = match payload.mode {
            BlockMode::Lanes => (LANES_HEAD, 3),
            _ => (states + 4 * lanes, lanes),
        };
        for lane in 0..lanes {
            let count = counts + 4 * lane;
            let words = payload.read_u32(count) as usize;
            let start = match payload.mode {
                BlockMode::Lanes => payload.segments()[lane] + STATES_OF_A_SEGMENT,
                _ => {
                    counts
                        + 4 * lanes
                        + (0..lane).map(|before| 2 * payload.read_u32(counts + 4 * before)).sum::<u32>() as usize
                }
            };
            let end = start + 2 * words;
            let padded =
                |end: usize| if payload.mode == BlockMode::Lanes && lane < 2 { end.next_multiple_of(4) } else { end };
            let with_words = |kept: usize| {
                payload.with(|bytes| {
                    let mut now = bytes[start..end].to_vec();
                    now.resize(2 * kept, 0xA5);
                    now.resize(padded(start + 2 * kept) - start, 0);
                    bytes.splice(start..padded(end), now);
                    write_u32(bytes, count, kept as u32);
                })
            };
            let expected = match payload.mode {
                BlockMode::Lanes => Corruption::SegmentEnd { segment: lane as u32 },
                _ => Corruption::LaneEnd { lane: lane as u32 },
            };
            for kept in [0, 1, words / 2, words - 1, words + 1, words + 40] {
                assert_eq!(with_words(kept).reason(), expected, "{kept} of {words} words of {lane}");
            }
        }
        for count in [u32::MAX, 1 << 31, 1 << 30, 0x7FFF_FFFF, 100_000] {
            let reason = payload.with(|bytes| write_u32(bytes, counts, count)).reason();
            assert!(matches!(reason, Corruption::PayloadEnds { field: "words", .. }), "{count} words: {reason}");
        }
    }
}

#[test]
fn words_that_are_garbage() {
    let mut random = StdRng::seed_from_u64(7);
    for payload in Payload::all() {
        for _ in 0..20 {
            let end = payload.bytes.len();
            let reason = payload.with(|bytes| random.fill_bytes(&mut bytes[end - 40..])).reason();
            match payload.mode {
                BlockMode::Lanes => assert_eq!(reason, Corruption::SegmentEnd { segment: 2 }),
                BlockMode::SingleStream(_) => {
                    assert_eq!(reason, Corruption::LaneEnd { lane: 0 });
                }
                _ => assert_eq!(reason, Corruption::LaneEnd { lane: 2 }),
            }
        }
    }
}

#[test]
fn raw_lengths_that_the_payload_does_not_have() {
    for payload in Payload::all() {
        for raw_len in [1999, 2001, 2005] {
            let mut wrong = payload.clone();
            wrong.raw.resize(raw_len, 0);
            let reason = wrong.reason();
            assert!(matches!(reason, Corruption::LaneEnd { .. } | Corruption::SegmentEnd { .. }), "{reason}");
        }
    }
}

#[test]
fn numbers_of_lanes_and_segments_that_cannot_be() {
    for payload in [
        Payload::dense(BlockMode::Interleaved(TableKind::Dense)),
        Payload::compact(BlockMode::Interleaved(TableKind::Compact)),
    ] {
        let lanes = payload.states().0 - 1;
        let reason = payload.with(|bytes| bytes[lanes] = 0).reason();
        assert_eq!(reason, Corruption::Field { field: "lanes", found: 0 });
        let short = payload.with(|bytes| bytes.truncate(lanes + 1 + 12)).with(|bytes| bytes[lanes] = 255);
        let length = short.bytes.len() as u64;
        assert_eq!(short.reason(), Corruption::PayloadEnds { field: "state", length });
    }
    let lanes = Payload::lanes();
    // 2000 bytes are 16 groups of 128: more segments than that, or 9 of two groups each, leave the
    // last one empty.
    for segments in [0, 9, 17, 4096, 4097, 0xFFFF] {
        let reason = lanes.with(|bytes| bytes[2..LANES_HEAD].copy_from_slice(&u16::to_le_bytes(segments))).reason();
        assert_eq!(reason, Corruption::Field { field: "segments", found: segments.into() });
    }
    for reserved in [1, 0x80, 0xFF] {
        let reason = lanes.with(|bytes| bytes[1] = reserved).reason();
        assert_eq!(reason, Corruption::Field { field: "tail", found: reserved.into() });
    }
}

#[test]
fn payloads_of_random_bytes() {
    let mut random = StdRng::seed_from_u64(8);
    for (tag, ..) in &BlockMode::ALL[2..] {
        for _ in 0..200 {
            let raw_len = random.random_range(1..=3000);
            let mut payload = vec![0; random.random_range(1..=raw_len)];
            random.fill_bytes(&mut payload);
            // Fields that would end it at once are mostly right.
            if random.random_ratio(9, 10) {
                payload[0] = random.random_range(9..=12);
                for (byte, lanes) in payload[1..].iter_mut().zip([0, random.random_range(1..=3), 0]) {
                    *byte = if *tag == 7 { lanes } else { *byte };
                }
            }
            same_everywhere(*tag, raw_len as u32, &payload);
        }
    }
}

#[test]
fn good_payloads_with_random_changes() {
    let mut random = StdRng::seed_from_u64(9);
    for payload in Payload::all() {
        for _ in 0..200 {
            let mut bytes = payload.bytes.clone();
            for _ in 0..random.random_range(1..=8) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            same_everywhere(payload.mode.tag(), payload.raw.len() as u32, &bytes);
        }
    }
}

/// Good or bad, every way of decoding agrees on what the payload is.
fn same_everywhere(tag: u8, raw_len: u32, payload: &[u8]) {
    let coded = data_block(tag, raw_len, payload);
    let Assembled { stream, .. } = Assembly::new(HEADER).block(&coded, &vec![0; raw_len as usize]).finish();
    let outcome = agreed(&stream, &DecodeOptions::new());
    let mut raw = vec![0; raw_len as usize];
    match (outcome, block::decode(&coded, &mut raw)) {
        (Outcome { raw: given, error: None }, Ok(_)) => assert_eq!(given, raw),
        (Outcome { raw: given, error: Some(Error::Corrupt { reason, .. }) }, bare) => {
            assert_eq!(bare, Err(Error::Corrupt { part: Part::Block(0), offset: 0, reason }));
            assert!(given.is_empty());
        }
        (Outcome { raw: given, error: Some(Error::Unsupported { feature, .. }) }, bare) => {
            assert_eq!(bare, Err(Error::Unsupported { feature, offset: 0 }));
            assert!(given.is_empty());
        }
        (Outcome { raw: given, error: Some(Error::NeedsBase { base_offset, hash, .. }) }, bare) => {
            assert_eq!(bare, Err(Error::NeedsBase { base_offset, hash, offset: 0 }));
            assert!(given.is_empty());
        }
        (outcome, bare) => panic!("{outcome:?} in a stream, {bare:?} alone"),
    }
}

#[test]
fn payloads_of_impossible_length() {
    for (tag, raw_len, payload_len, min, max) in
        [(1, 9, 8, 9, 9), (1, 9, 10, 9, 9), (2, 9, 2, 1, 1), (3, 600, 601, 1, 600), (7, 1, 2, 1, 1)]
    {
        let reason = first_block_error(HEADER, &data_block(tag, raw_len, &vec![0; payload_len]));
        let expected = Corruption::Length { found: payload_len as u64, min, max };
        assert_eq!(reason, Error::Corrupt { part: Part::Block(0), offset: 8, reason: expected });
    }
}

#[test]
fn blocks_larger_than_the_header_announced() {
    for max_block_log2 in [0, 1, 10] {
        let max = 1_u64 << max_block_log2;
        let error = first_block_error(StreamHeader { max_block_log2, ..HEADER }, &data_block(2, max as u32 + 1, b"x"));
        let reason = Corruption::Length { found: max + 1, min: 1, max };
        assert_eq!(error, Error::Corrupt { part: Part::Block(0), offset: 8, reason });
    }
}

#[test]
fn tags_without_a_meaning() {
    for tag in (0..=255).filter(|tag| !matches!(tag, 1..=7 | 0x0A | 0x0B | 0x0D | 0x0E | 0x40 | 0x41)) {
        let error = first_block_error(HEADER, &data_block(tag, 1, b"x"));
        assert_eq!(error, Error::Unsupported { feature: Feature::Tag(tag), offset: 8 });
    }
}

fn first_block_error(header: StreamHeader, coded: &[u8]) -> Error {
    let outcome = agreed(&Assembly::new(header).block(coded, b"").finish().stream, &DecodeOptions::new());
    assert_eq!(outcome.raw, b"");
    outcome.error.expect("the block is bad")
}

#[test]
fn stream_headers_of_another_time() {
    let bytes = |version, flags, largest| {
        let mut stream = vec![0x89, b'R', b'N', b'S', version, flags, largest];
        stream.push(crc8(&stream));
        stream.extend([0; 20]);
        stream
    };
    let error = |stream: &[u8]| agreed(stream, &DecodeOptions::new()).error.unwrap();
    for version in (0..=255).filter(|&version| version != 1) {
        let feature = Feature::Version(version);
        assert_eq!(error(&bytes(version, 0, 10)), Error::Unsupported { feature, offset: 0 });
    }
    for flags in 8..=255 {
        assert_eq!(error(&bytes(1, flags, 10)), Error::Unsupported { feature: Feature::Flags(flags), offset: 0 });
    }
    for largest in 25..=255 {
        let reason = Corruption::Field { field: "largest block", found: largest.into() };
        assert_eq!(error(&bytes(1, 0, largest)), Error::Corrupt { part: Part::StreamHeader, offset: 0, reason });
    }
}

#[test]
fn a_later_version_of_a_known_kind_is_stepped_over() {
    for kind in [0x8000, 0x8002, 0xFFFF] {
        let Assembled { stream, raw, .. } = Assembly::new(HEADER)
            .block(&skippable(kind, b"from the future"), b"")
            .data(b"text", &EncodeOptions::new().mode(Mode::Stored), BlockMode::Stored)
            .finish();
        let options = DecodeOptions::new().application_data(100);
        assert_eq!(agreed(&stream, &options), Outcome { raw, error: None });
    }
}

#[test]
fn end_blocks_with_a_raw_length() {
    let payload = [0; 20];
    for raw_len in [1, 0xFF_FFFF] {
        let [a, b, c, _] = u32::to_le_bytes(raw_len);
        let error = first_block_error(HEADER, &sealed([0x40, a, b, c, 19, 0, 0], &payload));
        let reason = Corruption::Field { field: "raw length - 1", found: raw_len.into() };
        assert_eq!(error, Error::Corrupt { part: Part::End, offset: 8, reason });
    }
}
