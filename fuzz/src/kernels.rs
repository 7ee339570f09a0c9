//! Any payload of any mode in a block whose checks are right: every kernel gives the same bytes or
//! the same error, whatever its buffers held before. And every kernel codes any bytes to the same
//! payload.

use ranstream::{
    DecodeOptions, EncodeOptions, Kernel, Limits, Mode, block,
    format::{BlockHeader, BlockMode, StreamHeader},
};

use super::{drive, repair::repaired};

/// The first byte: mode, its top bit whether to code instead, and the next one whether a long block
/// then. Two bytes: how many raw bytes more than payload bytes there are, or how long a segment is.
pub fn run(input: &[u8]) {
    let Some((&[mode, a, b], bytes)) = input.split_first_chunk() else { return };
    let more = usize::from(u16::from_le_bytes([a, b])) % (16 << 10);
    if bytes.is_empty() {
    } else if mode & 0x80 == 0 {
        decode(mode, more, bytes);
    } else if mode & 0x40 == 0 {
        encode(more, bytes);
    } else {
        encode(more, &lengthened(bytes));
    }
}

/// So long that the encoder takes a sample: the first half of `bytes` over and over, and each of
/// the other half at one place.
pub(crate) fn lengthened(bytes: &[u8]) -> Vec<u8> {
    let (often, once) = bytes.split_at(bytes.len().div_ceil(2));
    let len = (128 << 10) + bytes.len();
    let mut raw: Vec<u8> = often.iter().copied().cycle().take(len).collect();
    for (index, &byte) in once.iter().enumerate() {
        raw[index * 7919 % len] = byte;
    }
    raw
}

/// `lanes` has every second number: it alone has kernels. The others are here for what they do with
/// garbage.
fn decode(mode: u8, more: usize, payload: &[u8]) {
    let mode = if mode.is_multiple_of(2) {
        BlockMode::Lanes
    } else {
        BlockMode::ALL[usize::from(mode / 2) % BlockMode::ALL.len()].1
    };
    decode_alike(mode, more, payload);
}

/// Every kernel decodes a block with this payload alike, which has so many raw bytes more than the
/// payload has bytes.
pub(crate) fn decode_alike(mode: BlockMode, more: usize, payload: &[u8]) {
    decode_alike_with(&DecodeOptions::new(), mode, more, payload);
}

/// The same, with a base in `options`, say.
pub(crate) fn decode_alike_with(options: &DecodeOptions, mode: BlockMode, more: usize, payload: &[u8]) {
    let mut stream = Vec::new();
    StreamHeader { max_block_log2: 24, content_length: None, content_check: false, index: false }.write(&mut stream);
    let header = BlockHeader::Data { mode, raw_len: payload.len() + more, payload_len: payload.len() };
    stream.extend(header.to_bytes());
    stream.extend(payload);
    stream.extend([0; 4]);
    let stream = repaired(&stream);
    let outcome = |kernel, fill| {
        let options = options.clone().kernel(kernel).limits(Limits::new().max_memory(1 << 20));
        drive::decode(&stream, options, usize::MAX, payload.len() + more, fill)
    };
    let expected = outcome(Kernel::Portable, 0);
    assert!(expected.1.is_some(), "the stream has no end");
    for (kernel, fill) in Kernel::all_available().zip([0xFF, 0x55].into_iter().cycle()) {
        assert_eq!(outcome(kernel, fill), expected, "{kernel}");
    }
}

fn encode(segment_len: usize, raw: &[u8]) {
    encode_alike(raw, &EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len.clamp(128, 1 << 16)));
}

/// Every kernel codes alike, and it decodes.
pub(crate) fn encode_alike(raw: &[u8], options: &EncodeOptions) {
    let coded = |kernel| {
        let mut coded = Vec::new();
        block::encode(raw, &options.clone().kernel(kernel), &mut coded).expect("the options are valid");
        coded
    };
    let expected = coded(Kernel::Portable);
    let mut back = vec![0; raw.len()];
    assert_eq!(block::decode(&expected, &mut back), Ok(raw.len()));
    assert_eq!(back, raw);
    for kernel in Kernel::all_available() {
        assert_eq!(coded(kernel), expected, "{kernel}");
    }
}
