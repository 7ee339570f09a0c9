//! What the tests code: raw bytes of many kinds, and a stream that holds everything a stream can
//! hold.

use std::iter;

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use rand_distr::{Distribution as _, Geometric, Normal};
use ranstream::{
    EncodeOptions, Layout, Mode, Normalization,
    format::{BlockMode, StreamHeader, TableKind},
};

use crate::assembly::{Assembled, Assembly};

/// Makes so many raw bytes, the same ones every time. A shorter result is a prefix of a longer one.
pub type Generator = fn(usize) -> Vec<u8>;

/// All kinds of data, with names for messages.
pub const GENERATORS: [(&str, Generator); 12] = [
    ("uniform", uniform),
    ("skewed", skewed),
    ("one symbol", one_symbol),
    ("two symbols", two_symbols),
    ("one rare byte", one_rare_byte),
    ("ramp", ramp),
    ("slow ramp", slow_ramp),
    ("all 256 equal", all_256_equal),
    ("runs", runs),
    ("gaussian", gaussian),
    ("sixteen symbols", sixteen_symbols),
    ("text", text),
];

/// Every byte is as likely as any other: nothing to gain.
pub fn uniform(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    StdRng::seed_from_u64(1).fill_bytes(&mut bytes);
    bytes
}

/// Each value is half as frequent as the one below it.
pub fn skewed(len: usize) -> Vec<u8> {
    let half = Geometric::new(0.5).expect("0.5 is a probability");
    half.sample_iter(StdRng::seed_from_u64(2)).map(|value| value.min(255) as u8).take(len).collect()
}

pub fn one_symbol(len: usize) -> Vec<u8> {
    vec![b'z'; len]
}

/// One byte in sixteen is the other one.
pub fn two_symbols(len: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(3);
    iter::repeat_with(|| if random.random_ratio(1, 16) { b'b' } else { b'a' }).take(len).collect()
}

/// A single byte is another one. In 128 bytes it stands where `lanes` has it ride on a start state.
pub fn one_rare_byte(len: usize) -> Vec<u8> {
    (0..len).map(|i| if i == 2 { 255 } else { 0 }).collect()
}

pub fn ramp(len: usize) -> Vec<u8> {
    (0..len).map(|i| i as u8).collect()
}

pub fn slow_ramp(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 37) as u8).collect()
}

/// All 256 values in turn, in no simple order.
pub fn all_256_equal(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 167) as u8).collect()
}

/// Runs of one to forty times the same byte.
pub fn runs(len: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(4);
    iter::repeat_with(|| iter::repeat_n(random.random(), random.random_range(1..=40))).flatten().take(len).collect()
}

/// Quantised weights: `i8` values around 0.
pub fn gaussian(len: usize) -> Vec<u8> {
    let weights = Normal::new(0.0_f32, 12.0).expect("12 is a deviation");
    weights.sample_iter(StdRng::seed_from_u64(5)).map(|value| (value.round() as i8).cast_unsigned()).take(len).collect()
}

pub fn sixteen_symbols(len: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(6);
    iter::repeat_with(|| 0x30 | random.random_range(0..16)).take(len).collect()
}

/// Whole numbers of two bytes, whose upper byte is 7.
pub fn pairs(len: usize) -> Vec<u8> {
    uniform(len.div_ceil(2)).into_iter().flat_map(|low| [low, 7]).take(len).collect()
}

/// The text of the specification, over and over.
pub fn text(len: usize) -> Vec<u8> {
    include_bytes!("../../FORMAT.md").iter().copied().cycle().take(len).collect()
}

/// Application data in [`every_mode_stream`], in its order: kind, data, raw bytes before it.
pub const APPLICATION_DATA: [(u16, &[u8], u64); 2] = [(7, b"application data", 340), (0x7FFF, b"", 2440)];

/// Two streams, less than 4 KiB in all, that hold every block mode, lanes of several segments and
/// of one, application data, content length, content check and index.
pub fn every_mode_stream() -> Assembled {
    let first = Assembly::new(StreamHeader {
        max_block_log2: 10,
        content_length: Some(2440),
        content_check: true,
        index: true,
    })
    .data(&uniform(40), &forced(Mode::Stored), BlockMode::Stored)
    .data(&one_symbol(300), &forced(Mode::Fill), BlockMode::Fill)
    .application_data(APPLICATION_DATA[0].0, APPLICATION_DATA[0].1)
    .data(&two_symbols(600), &compat(Mode::SingleStream), BlockMode::SingleStream(TableKind::Dense))
    .data(&one_rare_byte(600), &compat(Mode::Interleaved), BlockMode::Interleaved(TableKind::Dense))
    .data(&skewed(50), &forced(Mode::SingleStream), BlockMode::SingleStream(TableKind::Compact))
    .data(
        &sixteen_symbols(150),
        &forced(Mode::Interleaved).interleaved_lanes(3),
        BlockMode::Interleaved(TableKind::Compact),
    )
    .data(&skewed(700), &forced(Mode::Lanes).segment_len(256), BlockMode::Lanes)
    .application_data(APPLICATION_DATA[1].0, APPLICATION_DATA[1].1)
    .finish();
    let second =
        Assembly::new(StreamHeader { max_block_log2: 8, content_length: None, content_check: false, index: false })
            .data(&two_symbols(256), &forced(Mode::Lanes), BlockMode::Lanes)
            .data(&two_symbols(250), &forced(Mode::Pivot), BlockMode::Pivot)
            .data(&text(30).repeat(4), &EncodeOptions::new().level(1), BlockMode::Lz)
            .data(&pairs(250), &EncodeOptions::new().layout(Layout::i16()), BlockMode::Planes)
            .data(&text(30), &forced(Mode::Stored), BlockMode::Stored)
            .finish();
    first.then(&second)
}

fn forced(mode: Mode) -> EncodeOptions {
    EncodeOptions::new().mode(mode)
}

fn compat(mode: Mode) -> EncodeOptions {
    forced(mode).normalization(Normalization::Compat)
}

mod tests {
    use ranstream::{DecodeOptions, decompress};

    use super::*;

    #[test]
    fn the_stream_of_every_mode_is_what_it_says() {
        let Assembled { stream, raw, elements } = every_mode_stream();
        assert!(stream.len() < 4 << 10, "{} bytes", stream.len());
        assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw);
        // One mode needs more than its bytes.
        for (_, mode, name) in BlockMode::ALL.into_iter().filter(|(_, mode, _)| *mode != BlockMode::PlanesOverBase) {
            assert!(elements.iter().any(|element| stream[element.coded.start] == mode.tag()), "{name} is missing");
        }
        let mut places = (0, 0);
        for element in &elements {
            assert_eq!((element.coded.start, element.raw.start), places);
            places = (element.coded.end, element.raw.end);
        }
        assert_eq!(places, (stream.len(), raw.len()));
    }
}
