//! The sizes that FORMAT.md and the documentation promise.

use std::io::Write as _;

use crate::data::{self, GENERATORS};
use ranstream::{
    EncodeOptions, Mode, Normalization, RansWriter, block, compress,
    format::{BLOCK_OVERHEAD, EndBlock, StreamHeader},
};

fn coded(raw: &[u8], options: &EncodeOptions) -> usize {
    compress(raw, options).unwrap().len()
}

/// Payload bytes of one block.
fn payload(raw: &[u8], options: &EncodeOptions) -> usize {
    let mut bytes = Vec::new();
    block::encode(raw, options, &mut bytes).unwrap() - BLOCK_OVERHEAD
}

#[test]
fn frames() {
    assert_eq!((StreamHeader::FIXED_LEN, StreamHeader::MAX_LEN, BLOCK_OVERHEAD), (8, 20, 12));
    assert_eq!((EndBlock::payload_len(false), EndBlock::payload_len(true)), (20, 28));

    let plain = EncodeOptions::new();
    assert_eq!(coded(b"", &plain), 40);
    assert_eq!(coded(b"", &plain.clone().content_length(0)), 40 + 12);
    assert_eq!(coded(b"", &plain.clone().content_check(true)), 40 + 8);
    assert_eq!(coded(b"", &plain.clone().index(true)), 40 + 28);
    assert_eq!(coded(b"x", &plain), 40 + 12 + 1);
}

#[test]
fn an_index_takes_eight_bytes_per_block() {
    let raw = data::text(1000);
    for (block_len, blocks) in [(1000, 1), (100, 10), (1, 1000)] {
        let options = EncodeOptions::new().block_len(block_len);
        let without = coded(&raw, &options);
        assert_eq!(coded(&raw, &options.clone().index(true)), without + 28 + 8 * blocks);
        let short = if blocks > 9 { 0 } else { 8 * blocks };
        assert_eq!(coded(&raw, &options.index(true).index_max_blocks(9)), without + 28 + short);
    }
}

#[test]
fn a_flush_costs_one_frame() {
    let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().mode(Mode::Stored));
    for message in 1..=20 {
        writer.write_all(b"message").unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.get_ref().len(), 8 + message * (7 + BLOCK_OVERHEAD));
        writer.flush().unwrap();
    }
    writer.write_application_data(1, b"data").unwrap();
    assert_eq!(writer.finish().unwrap().len(), 8 + 20 * (7 + 12) + (4 + 12) + 32);
}

#[test]
fn one_symbol_takes_only_fields() {
    let raw = [b'o'; 9000];
    let forced = |mode| EncodeOptions::new().mode(mode).scale_bits(12);
    let compat = |mode| forced(mode).normalization(Normalization::Compat);
    assert_eq!(payload(&raw, &forced(Mode::Auto)), 1);
    assert_eq!(payload(&raw, &forced(Mode::Fill)), 1);
    assert_eq!(payload(&raw, &forced(Mode::SingleStream)), 1 + 2 + 4 + 4);
    assert_eq!(payload(&raw, &compat(Mode::SingleStream)), 1 + 512 + 4 + 4);
    for lanes in [1, 4, 255] {
        let fields = 1 + 8 * lanes;
        assert_eq!(payload(&raw, &forced(Mode::Interleaved).interleaved_lanes(lanes)), 1 + 2 + fields);
        assert_eq!(payload(&raw, &compat(Mode::Interleaved).interleaved_lanes(lanes)), 1 + 512 + fields);
    }
    // Head, word counts, table, padding, states.
    assert_eq!(payload(&raw, &forced(Mode::Lanes)), 4 + 4 + 2 + 2 + 128);
    assert_eq!(payload(&raw, &forced(Mode::Lanes).segment_len(3000)), 4 + 12 + 2 + 2 + 3 * 128);
}

#[test]
fn compact_tables() {
    // Besides the table a payload has scale_bits, state, word count and words: the words of equal
    // symbols are known.
    let four: Vec<u8> = (0..400).map(|i| [0, 85, 170, 255][i % 4]).collect();
    let options = EncodeOptions::new().mode(Mode::SingleStream).scale_bits(12);
    assert!(payload(&four, &options) <= 1 + 9 + 8 + 400 / 4);
    let sixteen = data::sixteen_symbols(4000);
    assert!(payload(&sixteen, &options) <= 1 + 30 + 8 + 4000 / 2 + 10);
}

#[test]
fn nothing_grows_by_more_than_frames() {
    for (name, generate) in GENERATORS {
        for (_, mode) in Mode::ALL {
            for len in [1, 100, 1000, 10_000] {
                let raw = generate(len);
                let options = EncodeOptions::new().mode(mode).block_len(1000);
                let blocks = len.div_ceil(1000);
                let limit = len + 40 + 12 * blocks;
                let size = coded(&raw, &options);
                assert!(size <= limit, "{len} bytes of {name}, {mode}: {size}, not more than {limit}");
            }
        }
    }
}

/// The promise over whole corpora: within 0.2 % of the order-0 entropy, and 800 bytes per block.
#[test]
fn lanes_stay_near_the_entropy() {
    const BLOCK_LEN: usize = 256 << 10;
    for (name, generate) in GENERATORS {
        let raw = generate(BLOCK_LEN + 50_000);
        let bound: f64 = raw.chunks(BLOCK_LEN).map(|block| entropy(block).min(block.len() as f64)).sum();
        let size = coded(&raw, &EncodeOptions::new().mode(Mode::Lanes)) as f64;
        assert!(size <= bound * 1.002 + 2.0 * 800.0, "{name}: {size} bytes, the entropy is {bound}");
    }
}

/// Bytes that the order-0 entropy of `block` amounts to.
fn entropy(block: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in block {
        counts[usize::from(byte)] += 1;
    }
    let total = block.len() as f64;
    let bits = |count: u32| f64::from(count) * (total / f64::from(count)).log2();
    counts.iter().filter(|&&count| count > 0).map(|&count| bits(count)).sum::<f64>() / 8.0
}
