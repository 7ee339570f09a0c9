//! Streams of planes: layouts for a whole stream and inside one, sizes, damage.

use std::io::Write;

use proptest::prelude::*;
use ranstream::{
    Base, Column, DecodeOptions, EncodeOptions, Error, Layout, LayoutProfile, RansWriter, block, compress, decompress,
    format::{BlockHeader, BlockMode},
    outline::{OutlinePart, OutlineReader},
    stream::{Encoder, Op, Status},
};

use crate::outcomes::{Outcome, WAYS};

/// Numbers of four bytes with exponents near each other.
fn floats(count: usize) -> Vec<u8> {
    let float = |index: usize| {
        let noise = (index as u32).wrapping_mul(0x9E37_79B1);
        let sum = [0, 8, 16].map(|shift| (noise.rotate_left(shift) >> 16) as f32).iter().sum::<f32>();
        (sum - 98_304.0) / 1e6
    };
    (0..count).flat_map(|index| float(index).to_le_bytes()).collect()
}

/// The upper halves of these.
fn halves(count: usize) -> Vec<u8> {
    floats(count).chunks_exact(4).flat_map(|float| [float[2], float[3]]).collect()
}

/// Mode and raw bytes of each block.
fn blocks(stream: &[u8]) -> Vec<(BlockMode, usize)> {
    let data = |part| match part {
        OutlinePart::Block { header: BlockHeader::Data { mode, raw_len, .. }, .. } => Some((mode, raw_len)),
        _ => None,
    };
    OutlineReader::new(stream, DecodeOptions::new()).filter_map(|part| data(part.unwrap())).collect()
}

fn q8_0() -> Layout {
    Layout::records(&[Column::new(2, 2).rotated(), Column::new(32, 1)]).unwrap()
}

#[test]
fn every_layout_comes_back_in_every_way() {
    let mixed = [floats(9000), vec![0; 4000], halves(9001), vec![1, 2, 3]].concat();
    let scales = halves(2000);
    let record = |scale: &[u8]| [scale, &[scale[0]; 30], &[200, scale[0]]].concat();
    let records: Vec<u8> = scales.chunks_exact(2).flat_map(record).collect();
    let layouts = [Layout::bf16(), Layout::f32(), Layout::f64(), Layout::i16()].map(|layout| (layout, &mixed));
    for (layout, raw) in layouts.into_iter().chain([(q8_0(), &records)]) {
        for profile in [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device] {
            let options =
                EncodeOptions::new().level(0).layout(layout.profile(profile)).block_len(8001).content_check(true);
            let stream = compress(raw, &options).unwrap();
            assert!(blocks(&stream).iter().any(|&(mode, _)| mode == BlockMode::Planes), "{layout:?}");
            let expected = Outcome { raw: raw.clone(), error: None };
            for (way_name, way) in WAYS {
                assert!(way(&stream, &DecodeOptions::new()) == expected, "{layout:?}, {way_name}");
            }
        }
    }
}

#[test]
fn blocks_have_the_length_of_their_layout() {
    let raw = floats(1 << 19);
    let lens = |options: EncodeOptions| -> Vec<usize> {
        let stream = compress(&raw, &options).unwrap();
        assert_eq!(compress(&raw, &options.threads(0)).unwrap(), stream);
        blocks(&stream).into_iter().map(|(_, len)| len).collect()
    };
    let f32 = EncodeOptions::new().level(0).layout(Layout::f32());
    assert_eq!(lens(f32.clone()), [1 << 20; 2]);
    assert_eq!(lens(f32.clone().block_len(1 << 24)), [1 << 20; 2], "the largest block bounds it only");
    assert_eq!(lens(f32.clone().block_len((1 << 19) + 3)), [1 << 19; 4], "whole records");
    let rows = EncodeOptions::new().level(0).layout(Layout::f32().row_len(700_000));
    assert_eq!(lens(rows), [700_000, 700_000, (1 << 21) - 1_400_000]);
    assert_eq!(lens(EncodeOptions::new().level(0).layout(Layout::bytes())), [256 << 10; 8]);
}

#[test]
fn a_layout_may_change_inside_a_stream_however_bytes_are_pushed() {
    let parts: [(Layout, Vec<u8>); 5] = [
        (Layout::bytes(), b"a header of text, a header of text, a header of text".repeat(9)),
        (Layout::bf16(), halves(20_000)),
        (Layout::f32().block_len(20_000), floats(9000)),
        (Layout::bf16().block_len(1000), halves(800)),
        (Layout::bytes().block_len(100), vec![5; 250]),
    ];
    let raw: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let mut streams = Vec::new();
    for (piece, threads) in [(1, 1), (333, 1), (1 << 20, 1), (700, 0), (1 << 20, 2)] {
        let options = EncodeOptions::new().block_len(1 << 16).threads(threads);
        let mut writer = RansWriter::with_options(Vec::new(), options);
        for (layout, bytes) in &parts {
            writer.set_layout(*layout).unwrap();
            bytes.chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
        }
        streams.push(writer.finish().unwrap());
    }
    assert!(streams.iter().all(|stream| *stream == streams[0]));
    assert_eq!(decompress(&streams[0], &DecodeOptions::new()).unwrap(), raw);
    let lens: Vec<usize> = blocks(&streams[0]).into_iter().map(|(_, len)| len).collect();
    assert_eq!(lens, [468, 40_000, 20_000, 16_000, 1000, 600, 100, 100, 50]);
}

#[test]
fn a_layout_out_of_range_harms_nothing() {
    let mut encoder = Encoder::new(EncodeOptions::new());
    let error = encoder.set_layout(Layout::f32().block_len(0)).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "layout block_len", .. }), "{error}");
    assert_eq!(encoder.set_layout(Layout::f32()), Ok(true));
    assert!(compress(b"", &EncodeOptions::new().layout(Layout::f32().row_len(0))).is_err());
    assert_eq!(encoder.step(&[], &mut [0; 100], Op::Finish).unwrap().status, Status::Finished);
    assert_eq!(encoder.set_layout(Layout::f32()), Err(Error::Finished));
    encoder.reset();
    assert_eq!(encoder.set_layout(Layout::bf16()), Ok(true));
}

#[test]
fn a_layout_never_costs_more_than_none() {
    let text = include_str!("planes.rs").as_bytes();
    let noise: Vec<u8> = (0..70_000_u32).map(|i| (i.wrapping_mul(0x9E37_79B1) >> 13) as u8).collect();
    let counted: Vec<u8> = (0..30_000_u32).flat_map(|i| (i * 3).to_le_bytes()).collect();
    for raw in [text, &noise, &counted, &vec![0; 50_000], &floats(30_000), &halves(700), &text[..100]] {
        for level in [0, 3] {
            let bytes = compress(raw, &EncodeOptions::new().level(level).block_len(1 << 20)).unwrap().len();
            for layout in [Layout::bf16(), Layout::f32(), Layout::f64(), Layout::i32(), q8_0()] {
                let options = EncodeOptions::new().level(level).layout(layout).block_len(1 << 20);
                let planes = compress(raw, &options).unwrap().len();
                assert!(planes <= bytes + bytes / 1000, "{planes} bytes, {bytes} without {layout:?}, level {level}");
            }
        }
    }
}

#[test]
fn matches_from_farther_away_than_a_sample_are_found() {
    // Planes are a hundredth smaller than bytes, but for the second half, which repeats the first.
    let byte = |index: u32| {
        let random = index.wrapping_mul(0x9E37_79B1);
        let random = (random ^ random >> 15).wrapping_mul(0x85EB_CA77) >> 16;
        let (first, second) = (random & 63, random >> 6 & 63);
        let large = if random >> 12 < 9 { first.max(second) } else { first };
        (if index.is_multiple_of(2) { large } else { 63 - large }) as u8
    };
    let raw: Vec<u8> = (0..120_000).map(byte).collect::<Vec<u8>>().repeat(2);
    let layout = Layout::records(&[Column::new(1, 1), Column::new(1, 1)]).unwrap();
    let options = |level| EncodeOptions::new().level(level).layout(layout).block_len(1 << 20);
    let (planes, stream) = (compress(&raw, &options(0)).unwrap(), compress(&raw, &options(3)).unwrap());
    assert_eq!([&planes, &stream].map(|stream| blocks(stream)[0].0), [BlockMode::Planes, BlockMode::Lz]);
    assert!(10 * stream.len() < 6 * planes.len(), "{} bytes, {} as planes", stream.len(), planes.len());
}

#[test]
fn every_cut_and_every_bit_of_a_small_stream_is_an_error() {
    let options = EncodeOptions::new().layout(Layout::bf16().profile(LayoutProfile::Small));
    let stream = compress(&halves(150), &options).unwrap();
    assert_eq!(blocks(&stream)[0].0, BlockMode::Planes);
    assert_all_damage_is_seen(&stream);
}

/// The stream is cut at each byte, and each of its bits is flipped.
fn assert_all_damage_is_seen(stream: &[u8]) {
    for len in 0..stream.len() {
        let error = decompress(&stream[..len], &DecodeOptions::new()).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "cut at {len}: {error}");
    }
    for bit in 0..8 * stream.len() {
        let mut damaged = stream.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decompress(&damaged, &DecodeOptions::new()).is_err(), "bit {bit}");
    }
}

/// An image of so many rows and columns: slopes, waves, and some noise.
fn image(rows: usize, columns: usize) -> impl Iterator<Item = f32> {
    (0..rows * columns).map(move |index| {
        let (row, column) = ((index / columns) as f32, (index % columns) as f32);
        let random = (index as u32).wrapping_mul(0x9E37_79B1);
        let noise = (random ^ random >> 15).wrapping_mul(0x85EB_CA77) >> 28;
        (900.0 + 3.0 * row + 500.0 * (column / 40.0 + row / 7.0).sin() + noise as f32).round()
    })
}

#[test]
fn images_are_smaller_when_it_is_known_what_lies_below_what() {
    let (rows, columns) = (100, 250);
    let whole: Vec<u8> = image(rows, columns).flat_map(|value| (value as i16).to_le_bytes()).collect();
    let bytes: Vec<u8> = image(rows, columns).map(|value| (value / 8.0) as u8).collect();
    let floats: Vec<u8> = image(rows, columns).flat_map(|value| (value / 4096.0).to_le_bytes()).collect();
    for (layout, raw) in [(Layout::i16(), whole), (Layout::bytes(), bytes), (Layout::f32(), floats)] {
        let layout = layout.profile(LayoutProfile::Small);
        let stride = columns * layout.record_len();
        for level in [0, 3] {
            let options = |layout| EncodeOptions::new().level(level).layout(layout).block_len(40 * stride);
            let without = compress(&raw, &options(layout)).unwrap().len();
            let stream = compress(&raw, &options(layout.stride(stride))).unwrap();
            assert!(10 * stream.len() < 9 * without, "{} bytes, {without} without, {layout:?}", stream.len());
            assert!(blocks(&stream).iter().all(|&(mode, _)| mode == BlockMode::Planes), "{layout:?}");
            let expected = Outcome { raw: raw.clone(), error: None };
            for (way_name, way) in WAYS {
                assert!(way(&stream, &DecodeOptions::new()) == expected, "{layout:?}, {way_name}");
            }
            let (mut coded, mut row) = (Vec::new(), vec![0; stride]);
            block::encode(&raw, &options(layout.stride(stride)), &mut coded).unwrap();
            block::decode_part(&coded, 7 * stride, &mut row).unwrap();
            assert_eq!(row, raw[7 * stride..][..stride], "a row in the middle of a block");
        }
    }
}

#[test]
fn every_cut_and_every_bit_of_a_small_predicted_stream_is_an_error() {
    let raw: Vec<u8> = image(8, 20).flat_map(|value| (value as i16).to_le_bytes()).collect();
    let layout = Layout::i16().profile(LayoutProfile::Small);
    let stream = compress(&raw, &EncodeOptions::new().layout(layout.stride(40))).unwrap();
    assert!(stream.len() < compress(&raw, &EncodeOptions::new().layout(layout)).unwrap().len());
    assert_all_damage_is_seen(&stream);
}

/// The same weights after some training: most of them are other ones by a little.
fn tuned(weights: &[u8]) -> Vec<u8> {
    let step = |(at, half): (usize, &[u8; 2])| {
        let bits = u16::from_le_bytes(*half);
        bits.wrapping_add((at * at % 7) as u16 / 3).to_le_bytes()
    };
    weights.as_chunks().0.iter().enumerate().flat_map(step).collect()
}

#[test]
fn a_stream_over_a_base_is_small_and_needs_the_base() {
    let old = halves(200_000);
    let new = [&tuned(&old)[..], &[7; 50]].concat();
    let base = Base::from_bytes(old.clone());
    for profile in [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device] {
        let layout = Layout::bf16().profile(profile);
        let options = EncodeOptions::new().layout(layout).block_len(100_000).content_check(true);
        let alone = compress(&new, &options).unwrap();
        let stream = compress(&new, &options.clone().base(base.clone())).unwrap();
        assert!(3 * stream.len() < alone.len(), "{} bytes, {} alone", stream.len(), alone.len());
        assert_eq!(compress(&new, &options.base(base.clone()).threads(2)).unwrap(), stream);
        assert_eq!(blocks(&stream)[0].0, BlockMode::PlanesOverBase);
        let over = DecodeOptions::new().base(base.clone());
        let expected = Outcome { raw: new.clone(), error: None };
        for (way_name, way) in WAYS {
            assert!(way(&stream, &over) == expected, "{profile:?}, {way_name}");
        }
        let none = decompress(&stream, &DecodeOptions::new()).unwrap_err();
        assert!(matches!(none, Error::NeedsBase { base_offset: 0, offset: 8, .. }), "{none}");
        let other = DecodeOptions::new().base(Base::from_bytes(tuned(&new)));
        let wrong = decompress(&stream, &other).unwrap_err();
        assert!(matches!(wrong, Error::WrongBase { base_offset: 0, found: Some(_), offset: 8, .. }), "{wrong}");
    }
}

#[test]
fn a_base_that_is_no_likeness_costs_nothing() {
    let raw = floats(50_000);
    let options = EncodeOptions::new().layout(Layout::f32());
    let alone = compress(&raw, &options).unwrap();
    for base in
        [vec![], vec![1; 100], floats(49_000), (0..200_000_u32).map(|at| (at.wrapping_mul(at) >> 5) as u8).collect()]
    {
        let stream = compress(&raw, &options.clone().base(Base::from_bytes(base.clone()))).unwrap();
        assert!(stream.len() <= alone.len(), "a base of {} bytes", base.len());
    }
}

#[test]
fn a_writer_says_where_in_the_base_its_bytes_are() {
    let (old, new) = (halves(9000), tuned(&halves(9000)));
    let base = Base::from_bytes([b"another header", &old[..]].concat());
    let options = EncodeOptions::new().layout(Layout::bf16()).base(base.clone());
    let mut writer = RansWriter::with_options(Vec::new(), options);
    writer.set_base_offset(None).unwrap();
    writer.write_all(b"a header, a header").unwrap();
    writer.set_base_offset(Some(14)).unwrap();
    writer.write_all(&new).unwrap();
    let stream = writer.finish().unwrap();
    let modes: Vec<BlockMode> = blocks(&stream).into_iter().map(|(mode, _)| mode).collect();
    assert_eq!(modes, [BlockMode::Stored, BlockMode::PlanesOverBase]);
    let whole = [b"a header, a header", &new[..]].concat();
    assert_eq!(decompress(&stream, &DecodeOptions::new().base(base)).unwrap(), whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back_from_any_layout(
        raw in proptest::collection::vec(prop_oneof![Just(0_u8), Just(0x80), Just(0x3F), any::<u8>()], 1..3000),
        columns in proptest::collection::vec((1_u16..40, 0..4_u32, any::<bool>()), 1..9),
        profile in prop_oneof![Just(LayoutProfile::Fast), Just(LayoutProfile::Small), Just(LayoutProfile::Device)],
    ) {
        let column = |(width, log2, rotated): (u16, u32, bool)| {
            let column = Column::new(width << log2, 1 << log2);
            if rotated { column.rotated() } else { column }
        };
        let columns: Vec<Column> = columns.into_iter().map(column).collect();
        let options = EncodeOptions::new().layout(Layout::records(&columns).unwrap().profile(profile));
        let mut coded = Vec::new();
        block::encode(&raw, &options, &mut coded).unwrap();
        let mut back = vec![0; raw.len()];
        block::decode(&coded, &mut back).unwrap();
        prop_assert_eq!(back, raw);
    }
}
