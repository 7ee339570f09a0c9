//! Any bytes with any options come back.

use ranstream::{DecodeOptions, EncodeOptions, Mode, Normalization, compress, decompress};

/// The first bytes: mode, switches (the level is among them), block length, segment length, scale
/// bits, lanes, how often the rest is repeated.
pub fn run(input: &[u8]) {
    let Some((&[mode, switches, a, b, c, d, scale_bits, lanes, repeat], raw)) = input.split_first_chunk() else {
        return;
    };
    let on = |bit: u8| switches >> bit & 1 == 1;
    let (_, mode) = Mode::ALL[usize::from(mode) % Mode::ALL.len()];
    let raw = raw.repeat(1 + usize::from(repeat % 8));
    let block_len = usize::from(u16::from_le_bytes([a, b])).max(1);
    let mut options = EncodeOptions::new()
        .mode(mode)
        .normalization(if on(0) { Normalization::Compat } else { Normalization::Optimal })
        .block_len(block_len)
        .segment_len(usize::from(u16::from_le_bytes([c, d])).max(128))
        .interleaved_lanes(usize::from(lanes).max(1))
        .content_check(on(1))
        .index(on(2))
        .level(if on(4) { 0 } else { 3 });
    if scale_bits % 8 < 4 {
        options = options.scale_bits(9 + scale_bits % 8);
    }
    if on(3) {
        options = options.content_length(raw.len() as u64);
    }
    let stream = compress(&raw, &options).expect("the options are valid");
    assert!(stream.len() <= raw.len() + raw.len().div_ceil(block_len) * 20 + 100);
    assert_eq!(decompress(&stream, &DecodeOptions::new()).expect("our own stream"), raw);
}
