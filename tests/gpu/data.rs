//! Blocks to decode.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use ranstream::{
    EncodeOptions, Mode, Normalization, block,
    format::{BlockHeader, BlockMode},
};

pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Bytes of one of several kinds: skewed, equal, one symbol with a few others, runs, text-like.
pub fn bytes(rng: &mut StdRng, len: usize) -> Vec<u8> {
    match rng.random_range(0..6) {
        0 => {
            let mut bytes = vec![0; len];
            rng.fill_bytes(&mut bytes);
            bytes
        }
        1 => vec![rng.random(); len],
        2 => {
            let symbol = rng.random();
            (0..len).map(|_| if rng.random_ratio(1, 500) { rng.random() } else { symbol }).collect()
        }
        3 => {
            let mut bytes = Vec::with_capacity(len);
            while bytes.len() < len {
                let symbol = rng.random();
                let run = rng.random_range(1..300).min(len - bytes.len());
                bytes.resize(bytes.len() + run, symbol);
            }
            bytes
        }
        4 => {
            let symbols = rng.random_range(2..64_u32);
            (0..len).map(|_| (rng.random_range(0..symbols) * rng.random_range(0..symbols) % 251) as u8).collect()
        }
        _ => {
            let width = rng.random_range(1..=8);
            (0..len).map(|_| (0..width).map(|_| rng.random_range(0..32_u8)).sum()).collect()
        }
    }
}

/// Raw bytes with their block.
#[derive(Debug)]
pub struct Coded {
    pub raw: Vec<u8>,
    pub block: Vec<u8>,
}

pub fn code(raw: Vec<u8>, options: &EncodeOptions) -> Coded {
    let mut block = Vec::new();
    block::encode(&raw, options, &mut block).unwrap();
    Coded { raw, block }
}

/// A `lanes` block, if its bytes are worth coding.
pub fn lanes(raw: Vec<u8>, segment_len: usize, scale_bits: u8) -> Coded {
    code(raw, &EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len).scale_bits(scale_bits))
}

/// The block of a payload, with a right check.
pub fn seal(mode: BlockMode, raw_len: usize, payload: &[u8]) -> Vec<u8> {
    let header = BlockHeader::Data { mode, raw_len, payload_len: payload.len() };
    let mut coded = [&header.to_bytes()[..], payload].concat();
    let check = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&coded);
    coded.extend(check.to_le_bytes());
    coded
}

/// Any mode, any length up to `max_len`, any cut, any number of states.
pub fn random(rng: &mut StdRng, max_len: usize) -> Coded {
    let len = match rng.random_range(0..4) {
        0 => rng.random_range(1..=300.min(max_len)),
        1 => 128 * rng.random_range(1..=max_len / 128),
        _ => rng.random_range(1..=max_len),
    };
    let mode = match rng.random_range(0..9) {
        0 => Mode::Auto,
        1 => Mode::Stored,
        2 => Mode::Fill,
        3 => Mode::SingleStream,
        4 | 5 => Mode::Interleaved,
        _ => Mode::Lanes,
    };
    let most_bits = if matches!(mode, Mode::SingleStream | Mode::Interleaved) { 14 } else { 12 };
    let normalization = if rng.random_ratio(1, 4) { Normalization::Compat } else { Normalization::Optimal };
    let options = EncodeOptions::new()
        .level(0)
        .mode(mode)
        .segment_len(128 << rng.random_range(0..9))
        .scale_bits(rng.random_range(9..=most_bits))
        .interleaved_lanes(if rng.random() { 4 } else { rng.random_range(1..=255) })
        .normalization(normalization);
    code(bytes(rng, len), &options)
}
