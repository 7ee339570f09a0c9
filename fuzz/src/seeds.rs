//! What the fuzz targets start from: the golden files, and data that is coded in every mode. The
//! settings before them are such that each body gets to its end.

use std::{fs, io, path::Path};

use ranstream::{
    EncodeOptions, Mode, Normalization, compress,
    error::Part,
    format::{BlockHeader, BlockMode, TableKind},
    message::{self, Model},
    rans::{interleaved, single},
};

use super::{message::model, section::BEFORE};

/// Longer golden files are left out: a fuzzer makes little of them.
const MAX_LEN: usize = 4096;

/// One input of one target.
#[derive(Debug)]
pub struct Seed {
    pub target: &'static str,
    pub bytes: Vec<u8>,
}

/// All seeds; `golden` is the folder of the golden files.
///
/// # Errors
///
/// What reading the folder failed with.
pub fn all(golden: &Path) -> io::Result<Vec<Seed>> {
    let mut streams = streams();
    let mut paths: Vec<_> = fs::read_dir(golden)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rans")) {
        let stream = fs::read(path)?;
        if stream.len() <= MAX_LEN {
            streams.push(stream);
        }
    }
    let mut seeds = Vec::new();
    for stream in &streams {
        for (target, settings) in BEFORE_A_STREAM {
            let bytes = [settings, stream].concat();
            seeds.push(Seed { target, bytes });
        }
        seeds.extend(payloads(stream));
    }
    for raw in raws() {
        for (target, settings) in BEFORE_DATA {
            let bytes = [settings, &raw[..]].concat();
            seeds.push(Seed { target, bytes });
        }
        seeds.extend(messages(&raw));
    }
    seeds.push(Seed { target: "message", bytes: model().save() });
    seeds.push(Seed { target: "message", bytes: Model::train(300, raws()).expect("the id is in range").save() });
    Ok(seeds)
}

/// Each target that takes a stream, with settings to stand before it.
const BEFORE_A_STREAM: [(&str, &[u8]); 15] = [
    ("header", &[]),
    ("decode", &[]),
    ("decode_no_check", &[1]),
    ("decode_no_check", &[0]),
    ("decode_chunks", &[1, 255, 0]),
    ("decode_chunks", &[13, 1, 1]),
    ("no_leak", &[0]),
    ("no_leak", &[1]),
    ("recover", &[0]),
    ("recover", &[1]),
    ("index", &[100, 0, 0]),
    ("index", &[0, 3, 1]),
    ("async_schedule", &[1, 77, 8, 0, 5, 0, 1, 9, 0, 0, 200]),
    ("async_schedule", &[3, 1, 4, 0, 255, 0, 1]),
    ("async_schedule", &[7, 40, 3, 0, 1, 0]),
];

/// Each target that takes data, with settings to stand before it.
const BEFORE_DATA: [(&str, &[u8]); 31] = [
    ("roundtrip", &[0, 0, 0, 4, 0, 1, 7, 4, 0]),
    ("roundtrip", &[1, 0b1111, 0, 1, 0, 0, 0, 4, 3]),
    ("roundtrip", &[3, 0b0110, 100, 0, 0, 0, 3, 4, 1]),
    ("roundtrip", &[4, 0b1001, 255, 1, 0, 0, 5, 255, 2]),
    ("roundtrip", &[5, 0b0010, 0, 8, 200, 0, 1, 1, 7]),
    ("kernels", &[0x80, 128, 0]),
    ("kernels", &[0x80, 0, 16]),
    ("legacy", &[40, 0, 4, 3]),
    ("lz_decode", &[1, 9, 0, 0]),
    ("lz_decode", &[5, 200, 1, 4]),
    ("lz_decode", &[19, 200, 1, 4]),
    ("lz_decode", &[33, 60, 0, 1]),
    ("lz_roundtrip", &[1, 255, 255, 0, 2, 1]),
    ("lz_roundtrip", &[13, 0, 8, 255, 255, 30]),
    ("lz_roundtrip", &[23, 0, 8, 0, 4, 2]),
    ("lz_roundtrip", &[6, 0, 8, 255, 255, 30]),
    ("lz_roundtrip", &[9, 0, 8, 255, 255, 6]),
    ("lz_roundtrip", &[18, 0, 8, 0, 4, 2]),
    ("section", &[1, 0, 1]),
    ("section", &[1, 200, 0]),
    ("faulty_io", &[8, 100, 2, 0, 1, 5, 1, 0, 255, 2, 1]),
    ("faulty_io", &[3, 255, 0, 1, 0, 3]),
    ("async_schedule", &[0, 100, 8, 0, 5, 0, 1, 9, 0, 0, 200]),
    ("async_schedule", &[4, 20, 4, 0, 255, 0, 1]),
    ("async_schedule", &[0, 1, 0]),
    ("planes", &[1, 0, 3, 0x11, 1]),
    ("planes", &[1, 2, 7, 0x11, 0, 0, 15, 0x21, 2]),
    ("planes", &[5, 0, 255, 0x11, 1, 1, 2, 3, 4, 5, 6, 7, 8]),
    ("planes", &[6, 2, 254, 0x11, 0, 0, 15, 0x21, 2, 9, 8, 7, 6]),
    ("planes", &[0x51, 0, 253, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("planes", &[0x92, 0, 253, 0x11, 0, 1, 0x3C, 2, 0x3C, 4, 0x3C, 5, 0x3C]),
];

/// The data blocks that follow a short stream header, as payloads.
fn payloads(stream: &[u8]) -> Vec<Seed> {
    let (mut seeds, mut rest) = (Vec::new(), stream.get(8..).unwrap_or_default());
    while let Some(header) = rest.first_chunk()
        && let Ok(header @ BlockHeader::Data { mode, raw_len, payload_len }) =
            BlockHeader::parse(header, Part::Block(0), 0)
        && let Some(payload) = rest.get(BlockHeader::LEN..BlockHeader::LEN + payload_len)
    {
        let [a, b] = u16::try_from(raw_len - payload_len).unwrap_or(u16::MAX).to_le_bytes();
        let number = BlockMode::ALL.iter().position(|(_, known, _)| *known == mode).unwrap_or_default() as u8;
        // Odd numbers are those of all modes, even ones of `lanes`.
        let before = [if mode == BlockMode::Lanes { 0 } else { 2 * number + 1 }, a, b];
        if mode == BlockMode::Pivot {
            seeds.push(Seed { target: "pivot", bytes: [&[0, a, b], payload].concat() });
        }
        if mode == BlockMode::Lz {
            seeds.push(Seed { target: "lz_decode", bytes: [&[0, a, b, 0], payload].concat() });
        }
        if mode == BlockMode::Planes {
            seeds.push(Seed { target: "planes", bytes: [&[0, a, b], payload].concat() });
        }
        if let (BlockMode::PlanesOverBase, Some(payload)) = (mode, payload.get(16..)) {
            let more = u16::try_from(raw_len - payload.len()).unwrap_or(u16::MAX).to_le_bytes();
            seeds.push(Seed { target: "planes", bytes: [&[3], &more[..], payload].concat() });
        }
        seeds.push(Seed { target: "kernels", bytes: [&before, payload].concat() });
        seeds.extend(section(mode, raw_len, payload));
        if matches!(mode, BlockMode::SingleStream(TableKind::Dense) | BlockMode::Interleaved(TableKind::Dense)) {
            let [a, b] = u16::try_from(raw_len).unwrap_or(u16::MAX).to_le_bytes();
            seeds.push(Seed { target: "legacy", bytes: [&[a, b, 4, 3], payload].concat() });
        }
        rest = rest.get(header.payload_len() as usize + ranstream::format::BLOCK_OVERHEAD..).unwrap_or_default();
    }
    seeds
}

/// A descriptor before the payload of lanes, whose field `tail` is 1 then. Nothing else is changed:
/// it parses, and ends otherwise than it was begun.
fn section(mode: BlockMode, raw_len: usize, payload: &[u8]) -> Option<Seed> {
    let (BlockMode::Lanes, Some((scale_bits, [_, rest @ ..]))) = (mode, payload.split_first()) else { return None };
    // With the kind of the chunk before it, the descriptor has 4 bytes then: there is no padding.
    let has_two_bytes = (128..1 << 14).contains(&payload.len());
    let more = raw_len.checked_sub(payload.len() + 3 + BEFORE)?;
    let [a, b] = u16::try_from(more).ok()?.to_le_bytes();
    let [low, high] = [payload.len() as u8 | 0x80, (payload.len() >> 7) as u8];
    let bytes = [&[0, a, b, 0x07, low, high, *scale_bits, 1], rest].concat();
    has_two_bytes.then_some(Seed { target: "section", bytes })
}

fn messages(raw: &[u8]) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for model in [None, Some(model())] {
        let mut bytes = Vec::new();
        message::encode(raw, model, &EncodeOptions::new(), &mut bytes).expect("the options are valid");
        seeds.push(Seed { target: "message", bytes });
    }
    let [a, b] = u16::try_from(raw.len()).unwrap_or(u16::MAX).to_le_bytes();
    for payload in [single::encode(raw, 12), interleaved::encode(raw, 3, 10)] {
        let payload = payload.expect("the options are valid");
        seeds.push(Seed { target: "legacy", bytes: [&[a, b, 4, 3], &payload[..]].concat() });
    }
    seeds
}

/// Data of several kinds, short.
fn raws() -> Vec<Vec<u8>> {
    let stirred = |i: usize| (i as u32).wrapping_mul(0x9E37_79B1) >> 16;
    vec![
        Vec::new(),
        b"a".to_vec(),
        b"a message, and another one like it".to_vec(),
        vec![b'z'; 700],
        (0..700).map(|i| b"aaaaaaaabbbbccde"[stirred(i) as usize % 16]).collect(),
        (0..1500).map(|i| if stirred(i).is_multiple_of(50) { i as u8 } else { b'e' }).collect(),
        (0..600).map(|i| stirred(i) as u8).collect(),
    ]
}

/// The same data as streams of every mode and with every feature.
fn streams() -> Vec<Vec<u8>> {
    let mut streams = Vec::new();
    for raw in raws() {
        for (number, (_, mode)) in Mode::ALL.into_iter().enumerate() {
            let compat = number % 2 == 1;
            let options = EncodeOptions::new()
                .mode(mode)
                .block_len(500)
                .segment_len(130)
                .normalization(if compat { Normalization::Compat } else { Normalization::Optimal })
                .content_check(number % 3 > 0)
                .index(number % 3 > 1);
            streams.push(compress(&raw, &options).expect("the options are valid"));
        }
    }
    streams
}
