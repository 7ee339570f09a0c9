//! What holds for all options, all data, and however the bytes are cut.

use std::io::{self, Read, Write as _};

use proptest::{collection::vec, prelude::*, sample::select};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, Normalization, Policy, RansReader, RansWriter, compress, decompress,
    format::{BLOCK_OVERHEAD, EndBlock, IndexFooter, StreamHeader},
    read::RansEncoder,
    stream::{ApplicationData, Decoder, Encoder},
    write::RansDecoder,
};

use crate::{
    data::GENERATORS,
    steps::{self, Cuts},
};

/// No input has more blocks than this, so that a case stays fast.
const MAX_BLOCKS: usize = 40;

proptest! {
    #[test]
    fn nothing_grows_by_more_than_its_frame(raw in raw(), settings in settings()) {
        let options = settings.options(raw.len());
        let stream = compress(&raw, &options).unwrap();
        prop_assert_eq!(&decompress(&stream, &DecodeOptions::new()).unwrap(), &raw);

        let blocks = raw.len().div_ceil(settings.block_len(raw.len()));
        let index = if settings.index { BLOCK_OVERHEAD + 8 * blocks + IndexFooter::LEN } else { 0 };
        let frame = if settings.content_length { StreamHeader::MAX_LEN } else { StreamHeader::FIXED_LEN }
            + BLOCK_OVERHEAD * (blocks + 1) + EndBlock::payload_len(settings.content_check) + index;
        prop_assert!(stream.len() <= raw.len() + frame, "{} bytes became {}", raw.len(), stream.len());
    }

    #[test]
    fn a_stream_does_not_depend_on_how_it_is_written(raw in raw(), settings in settings(), cuts in cuts(), flushes in flushes()) {
        let options = settings.options(raw.len());
        let mut stream = Vec::new();
        let mut encoder = Encoder::new(options.clone());
        let flushes = positions(&flushes, raw.len());
        prop_assert_eq!(&steps::encode(&mut encoder, &raw, &[], &cuts).unwrap(), &compress(&raw, &options).unwrap());

        let mut writer = RansWriter::with_options(&mut stream, options.clone());
        let mut start = 0;
        for &end in &flushes {
            writer.write_all(&raw[start..end]).unwrap();
            writer.flush().unwrap();
            start = end;
        }
        writer.write_all(&raw[start..]).unwrap();
        writer.finish().unwrap();
        encoder.reset();
        prop_assert_eq!(&steps::encode(&mut encoder, &raw, &flushes, &cuts).unwrap(), &stream);
        prop_assert_eq!(&decompress(&stream, &DecodeOptions::new()).unwrap(), &raw);

        let mut read = Vec::new();
        let inner = InParts { inner: &raw[..], cuts: cuts.clone() };
        RansEncoder::with_options(inner, options.clone()).read_to_end(&mut read).unwrap();
        prop_assert_eq!(read, compress(&raw, &options).unwrap());
    }

    #[test]
    fn raw_bytes_do_not_depend_on_how_a_stream_is_read(parts in vec((raw(), settings()), 1..4), cuts in cuts(), threads in threads()) {
        let (mut stream, mut raw) = (Vec::new(), Vec::new());
        for (part, settings) in &parts {
            stream.extend(compress(part, &settings.options(part.len())).unwrap());
            raw.extend(part);
        }
        let options = DecodeOptions::new().threads(threads);
        let mut decoder = Decoder::new(options.clone());
        prop_assert_eq!(&steps::decode(&mut decoder, &stream, &cuts), &(raw.clone(), Ok(())));

        let inner = InParts { inner: &stream[..], cuts: cuts.clone() };
        let mut outer = InParts { inner: RansReader::with_options(inner, options.clone()), cuts: cuts.clone() };
        let mut back = Vec::new();
        outer.read_to_end(&mut back).unwrap();
        prop_assert_eq!(&back, &raw);

        let mut decoder = RansDecoder::with_options(Vec::new(), options);
        let mut rest = &stream[..];
        let mut sizes = cuts;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(sizes.next()));
            decoder.write_all(part).unwrap();
            rest = after;
        }
        prop_assert_eq!(&decoder.finish().unwrap(), &raw);
    }

    #[test]
    fn the_error_of_a_damaged_stream_does_not_depend_on_how_it_is_read(
        raw in raw(), settings in settings(), place in any::<prop::sample::Index>(), flip in 1_u8.., cuts in cuts(), threads in threads(),
    ) {
        let mut stream = compress(&raw, &settings.options(raw.len())).unwrap();
        let place = place.index(stream.len());
        stream[place] ^= flip;
        let mut back = Vec::new();
        let error = RansReader::new(&stream[..]).read_to_end(&mut back).unwrap_err();
        let error = Error::try_from(error).unwrap();
        prop_assert!(raw.starts_with(&back), "wrong bytes came out before {error}");

        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
        let (good, result) = steps::decode(&mut decoder, &stream, &cuts);
        prop_assert_eq!(good, back);
        match (result, error) {
            // A wrong magic is reported with its first wrong byte.
            (Err(Error::NotAStream { .. }), Error::NotAStream { .. }) => {}
            (result, error) => prop_assert_eq!(result, Err(error)),
        }
    }

    #[test]
    fn application_data_arrives_where_it_was_written(
        raw in raw(), settings in settings(), cuts in cuts(), places in flushes(), threads in threads(), kind in 0..=0x7FFF_u16,
    ) {
        let mut writer = RansWriter::with_options(Vec::new(), settings.options(raw.len()));
        let mut expected = Vec::new();
        let mut start = 0;
        for &end in &positions(&places, raw.len()) {
            writer.write_all(&raw[start..end]).unwrap();
            let data = raw[..end].iter().rev().copied().take(100).collect::<Vec<_>>();
            writer.write_application_data(kind, &data).unwrap();
            expected.push(ApplicationData { kind, raw_offset: end as u64, data });
            start = end;
        }
        writer.write_all(&raw[start..]).unwrap();
        let stream = writer.finish().unwrap();
        prop_assert_eq!(&decompress(&stream, &DecodeOptions::new()).unwrap(), &raw);

        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads).application_data(10_000));
        prop_assert_eq!(steps::decode(&mut decoder, &stream, &cuts), (raw, Ok(())));
        let found: Vec<_> = std::iter::from_fn(|| decoder.next_application_data()).collect();
        prop_assert_eq!(found, expected);
    }
}

/// All options that change a stream, and threads.
#[derive(Debug, Clone)]
struct Settings {
    mode: Mode,
    /// 0 is the only one whose `Mode::Auto` may choose every mode without matches.
    level: u8,
    policy: Policy,
    normalization: Normalization,
    block_len: usize,
    segment_len: usize,
    /// `None`: by the block's length.
    scale_bits: Option<u8>,
    lanes: usize,
    content_length: bool,
    content_check: bool,
    index: bool,
    threads: usize,
    in_flight: usize,
}

impl Settings {
    fn block_len(&self, raw_len: usize) -> usize {
        self.block_len.max(raw_len / MAX_BLOCKS)
    }

    fn options(&self, raw_len: usize) -> EncodeOptions {
        let options = EncodeOptions::new()
            .mode(self.mode)
            .level(self.level)
            .policy(self.policy)
            .normalization(self.normalization)
            .block_len(self.block_len(raw_len))
            .segment_len(self.segment_len)
            .interleaved_lanes(self.lanes)
            .content_check(self.content_check)
            .index(self.index)
            .threads(self.threads)
            .in_flight(self.in_flight);
        let options = if self.content_length { options.content_length(raw_len as u64) } else { options };
        if let Some(bits) = self.scale_bits { options.scale_bits(bits) } else { options }
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let coding = (
        select(&Mode::ALL[..]).prop_map(|(_, mode)| mode),
        policy(),
        any::<bool>().prop_map(|compat| if compat { Normalization::Compat } else { Normalization::Optimal }),
        proptest::option::of(9..=14_u8),
        1..=255_usize,
        select(&[0_u8, 0, 1, 3, 6][..]),
    );
    let cutting =
        (prop_oneof![1..=20_usize, 1..=2000_usize, Just(1 << 24)], prop_oneof![128..=600_usize, Just(1 << 24)]);
    let stream = (any::<bool>(), any::<bool>(), any::<bool>(), threads(), 1..=4_usize);
    (coding, cutting, stream).prop_map(
        |(
            (mode, policy, normalization, bits, lanes, level),
            (block_len, segment_len),
            (content_length, content_check, index, threads, in_flight),
        )| {
            let max_bits = if matches!(mode, Mode::SingleStream | Mode::Interleaved) { 14 } else { 12 };
            Settings {
                mode,
                level,
                policy,
                normalization,
                block_len,
                segment_len,
                scale_bits: bits.map(|bits| bits.min(max_bits)),
                lanes,
                content_length,
                content_check,
                index,
                threads,
                in_flight,
            }
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    (0..=1000_usize, 0..=3000_usize, 0..=1100_u32).prop_map(|(single, interleaved, gain)| {
        Policy::new().single_stream_up_to(single).interleaved_up_to(interleaved).min_gain(gain)
    })
}

/// Pools of their own are slow to make, so they come seldom.
fn threads() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(1_usize), 3 => Just(0_usize), 1 => Just(2_usize)]
}

fn raw() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => (select(&GENERATORS[..]), 0..=4000_usize).prop_map(|((_, generate), len)| generate(len)),
        1 => vec(any::<u8>(), 0..=300),
        1 => vec((any::<u8>(), 1..=200_usize), 0..=20)
            .prop_map(|runs| runs.into_iter().flat_map(|(byte, len)| std::iter::repeat_n(byte, len)).collect()),
    ]
}

/// Sizes of slices, one byte and none among them.
fn cuts() -> impl Strategy<Value = Cuts> {
    let size = prop_oneof![Just(0_usize), Just(1_usize), 1..=20_usize, 1..=5000_usize];
    prop_oneof![
        Just(vec![1]),
        (1..=5000_usize, vec(size, 0..=9)).prop_map(|(first, mut sizes)| {
            sizes.push(first);
            sizes
        })
    ]
    .prop_map(Cuts::new)
}

fn flushes() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    vec(any::<prop::sample::Index>(), 0..=5)
}

/// Ascending positions in `0..=len`.
fn positions(indexes: &[prop::sample::Index], len: usize) -> Vec<usize> {
    let mut positions: Vec<_> = indexes.iter().map(|index| index.index(len + 1)).collect();
    positions.sort_unstable();
    positions
}

/// Gives as many bytes at a time as the cuts say.
struct InParts<R> {
    inner: R,
    cuts: Cuts,
}

impl<R: Read> Read for InParts<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(self.cuts.next_but_zero());
        self.inner.read(&mut buf[..len])
    }
}
