//! Any bytes with any options come back.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ranstream::{DecodeOptions, EncodeOptions, Mode, Normalization, compress, decompress};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    mode: u8,
    compat: bool,
    block_len: u16,
    segment_len: u16,
    scale_bits: u8,
    lanes: u8,
    content_length: bool,
    content_check: bool,
    index: bool,
    repeat: u8,
    raw: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let (_, mode) = Mode::ALL[usize::from(input.mode) % Mode::ALL.len()];
    let raw = input.raw.repeat(1 + usize::from(input.repeat % 8));
    let mut options = EncodeOptions::new()
        .mode(mode)
        .normalization(if input.compat { Normalization::Compat } else { Normalization::Optimal })
        .block_len(usize::from(input.block_len).max(1))
        .segment_len(usize::from(input.segment_len).max(128))
        .interleaved_lanes(usize::from(input.lanes).max(1))
        .content_check(input.content_check)
        .index(input.index);
    if input.scale_bits % 8 < 4 {
        options = options.scale_bits(9 + input.scale_bits % 8);
    }
    if input.content_length {
        options = options.content_length(raw.len() as u64);
    }
    let stream = compress(&raw, &options).expect("the options are valid");
    let blocks = raw.len().div_ceil(usize::from(input.block_len).max(1));
    assert!(stream.len() <= raw.len() + blocks * 20 + 100);
    assert_eq!(decompress(&stream, &DecodeOptions::new()).expect("our own stream"), raw);
});
