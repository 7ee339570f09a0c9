//! Blocks encoded on the device: the CPU's to the byte.

use std::{ops::Range, slice::from_ref as one};

use rand::{RngExt, rngs::StdRng};
use ranstream::{
    EncodeOptions, Error, Layout, Mode, Normalization, Policy, Prefer, block,
    format::BlockMode,
    gpu::{Block, Encoder, Gpu, GpuError, GpuOptions, wgpu},
};

use crate::{
    data::{bytes, rng},
    forms, gpu,
    resident::decode_resident,
};

const USAGES: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

/// A buffer of the caller's with the bytes of all blocks, and where each is: at a multiple of 4,
/// with something between some of them.
fn upload(gpu: &Gpu, rng: &mut StdRng, raws: &[Vec<u8>]) -> (wgpu::Buffer, Vec<Range<u64>>) {
    let (mut all, mut pieces) = (Vec::new(), Vec::new());
    for raw in raws {
        all.resize(all.len().next_multiple_of(4) + 4 * rng.random_range(0..3) * rng.random_range(0..100), 0x5A);
        pieces.push(all.len() as u64..(all.len() + raw.len()) as u64);
        all.extend(raw);
    }
    all.resize(all.len().next_multiple_of(4), 0x5A);
    let buffer = buffer(gpu, all.len() as u64, USAGES);
    gpu.queue().write_buffer(&buffer, 0, &all);
    (buffer, pieces)
}

fn buffer(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

fn read(gpu: &Gpu, from: &wgpu::Buffer) -> Vec<u8> {
    let back = buffer(gpu, from.size(), wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(from, 0, &back, 0, from.size());
    gpu.queue().submit([encoder.finish()]);
    back.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    back.get_mapped_range(..).unwrap().to_vec()
}

/// Encodes all, to the host and to a buffer, and compares with the CPU. The blocks come back.
fn compare(gpu: &Gpu, rng: &mut StdRng, raws: &[Vec<u8>], options: &EncodeOptions, context: &str) -> Vec<Vec<u8>> {
    let expected: Vec<_> = raws
        .iter()
        .map(|raw| {
            let mut coded = Vec::new();
            block::encode(raw, options, &mut coded).unwrap();
            coded
        })
        .collect();
    let (raw, pieces) = upload(gpu, rng, raws);
    let mut encoder = Encoder::new(gpu, options).unwrap();
    let found = encoder.encode(&raw, &pieces).unwrap();
    let differs = expected.iter().zip(&found).position(|(right, found)| right != found);
    assert_eq!((differs, found.len()), (None, raws.len()), "{context}, {}", gpu.form());

    let room = expected.iter().map(|coded| coded.len().next_multiple_of(4) as u64).sum::<u64>();
    let out = buffer(gpu, 512 + room, USAGES);
    let ranges = encoder.encode_to(&raw, &pieces, &out, 512).unwrap();
    let bytes = read(gpu, &out);
    for (index, (right, range)) in expected.iter().zip(&ranges).enumerate() {
        let found = &bytes[range.start as usize..range.end as usize];
        assert!(range.start % 4 == 0 && found == right, "{context}, {}: block {index} in a buffer", gpu.form());
    }
    assert_eq!(gpu.lost(), None);
    found
}

/// So many symbols, all as likely.
fn text(rng: &mut StdRng, len: usize, symbols: u8) -> Vec<u8> {
    (0..len).map(|_| rng.random_range(0..symbols)).collect()
}

fn random_options(rng: &mut StdRng) -> EncodeOptions {
    let mode = match rng.random_range(0..10) {
        0 => Mode::Stored,
        1 => Mode::Interleaved,
        2..=4 => Mode::Auto,
        _ => Mode::Lanes,
    };
    let mut options = EncodeOptions::new()
        .mode(mode)
        .segment_len(128 << rng.random_range(0..9))
        .sampling(rng.random())
        .normalization(if rng.random_ratio(1, 4) { Normalization::Compat } else { Normalization::Optimal });
    if rng.random() {
        options = options.scale_bits(rng.random_range(9..=12));
    }
    if rng.random_ratio(1, 10) {
        options = options.prefer(Prefer::Ratio);
    }
    if rng.random_ratio(1, 10) {
        options = options.layout(Layout::f32());
    }
    if rng.random_ratio(1, 4) {
        let policy = Policy::new().single_stream_up_to(1 << rng.random_range(4..15));
        options =
            options.policy(policy.interleaved_up_to(1 << rng.random_range(4..15)).min_gain(rng.random_range(0..90)));
    }
    if rng.random() { options.level(0) } else { options }
}

#[test]
fn blocks_that_the_policy_makes_no_lanes_of_are_the_cpus_too() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(26_000);
    let raws = [100, 5000, 20_000, 40_000, 80_000].map(|len| text(&mut rng, len, 30));
    for (single_up_to, interleaved_up_to, lanes) in
        [(64 << 10, 8 << 10, 1), (0, 30_000, 2), (50, 8 << 10, 3), (64 << 10, 0, 1), (0, 0, 4)]
    {
        let policy = Policy::new().single_stream_up_to(single_up_to).interleaved_up_to(interleaved_up_to).min_gain(0);
        let options = EncodeOptions::new().level(0).policy(policy);
        let blocks = compare(gpu, &mut rng, &raws, &options, &format!("{policy:?}"));
        let modes = blocks.iter().map(|block| Block::parse(block).unwrap().mode());
        assert_eq!(modes.filter(|&mode| mode == BlockMode::Lanes).count(), lanes, "{policy:?}");
    }
}

#[test]
fn random_batches_are_the_cpus_blocks() {
    let Some(gpu) = gpu() else { return };
    let batches = std::env::var("RANS_GPU_ENCODE_BATCHES").map_or(40, |count| count.parse().unwrap());
    for gpu in forms(gpu) {
        for seed in 0..batches {
            let mut rng = rng(20_000 + seed);
            let most = if seed % 16 == 0 { 300_000 } else { 20_000 };
            let raws: Vec<_> = (0..rng.random_range(1..6))
                .map(|_| {
                    let len = match rng.random_range(0..3) {
                        0 => 128 * rng.random_range(1..=most / 128),
                        _ => rng.random_range(1..=most),
                    };
                    bytes(&mut rng, len)
                })
                .collect();
            let options = random_options(&mut rng);
            compare(&gpu, &mut rng, &raws, &options, &format!("seed {seed}"));
        }
    }
}

#[test]
fn every_tail_and_every_scale() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(21_000);
    for gpu in forms(gpu) {
        for scale_bits in 9..=12 {
            let lens = (512..=512 + 130).chain([1, 127, 128, 129, 1024, 4097]);
            let raws: Vec<Vec<u8>> = lens
                .map(|len| (0..len).map(|_| rng.random_range(0..9_u8) * rng.random_range(0..3)).collect())
                .collect();
            let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(1024).scale_bits(scale_bits);
            compare(&gpu, &mut rng, &raws, &options, &format!("{scale_bits} bits"));
        }
    }
}

#[test]
fn one_symbol_rare_symbols_and_4096_segments() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(22_000);
    // One segment is of symbols that are rare in the block: it has more words than bytes / 2.
    let mut rare = vec![0; 200_000];
    (40_000..42_048).for_each(|at| rare[at] = rng.random());
    let raws = [vec![b'z'; 70_000], rare, text(&mut rng, 4096 * 512 - 77, 3)];
    for gpu in forms(gpu) {
        for (segment_len, sampling) in [(512, true), (64 << 10, false)] {
            let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len).sampling(sampling);
            let blocks = compare(&gpu, &mut rng, &raws, &options, &format!("segments of {segment_len}"));
            let segments = u16::from_le_bytes([blocks[2][10], blocks[2][11]]);
            assert_eq!(usize::from(segments), (2 << 20) / segment_len);
        }
    }
}

/// The rule of `src/section/sample.rs`: which of four pieces of 64 bytes is counted.
fn in_sample(at: usize) -> bool {
    let mut turn = ((at / 256) as u32).wrapping_mul(0x9E37_79B9);
    turn = (turn ^ turn >> 16).wrapping_mul(0x85EB_CA6B);
    turn = (turn ^ turn >> 13).wrapping_mul(0xC2B2_AE35);
    at / 64 % 4 == ((u64::from(turn) * 4) >> 32) as usize
}

#[test]
fn a_block_whose_sample_misleads_is_encoded_anew() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(23_000);
    let noise = |at: usize| (((at * 167) >> 3) as u8 % 64) & (at * 59) as u8;
    let misleading: Vec<u8> = (0..256 << 10).map(|at| noise(at) / if in_sample(at) { 8 } else { 1 }).collect();
    let honest: Vec<u8> = (0..256 << 10).map(noise).collect();
    let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(16 << 10);
    for gpu in forms(gpu) {
        let raws = [honest.clone(), misleading.clone(), honest.clone()];
        let sampled = compare(&gpu, &mut rng, &raws, &options, "a sample that misleads");
        let exact = compare(&gpu, &mut rng, &raws, &options.clone().sampling(false), "no sample");
        assert!(sampled[1] == exact[1] && sampled[0] != exact[0], "one was coded anew, the other was not");
    }
}

#[test]
fn what_the_device_encodes_it_decodes() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(24_000);
    let raws: Vec<_> = (0..8).map(|_| bytes(&mut rng, 60_001)).collect();
    let options = EncodeOptions::new().level(0).segment_len(4 << 10);
    let coded = compare(gpu, &mut rng, &raws, &options, "both ways");
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(coded).unwrap()).collect();
    let resident = ranstream::gpu::ResidentBlocks::upload(gpu, &blocks).unwrap();
    let (bytes, failed) = decode_resident(gpu, &resident);
    assert_eq!(failed, []);
    for (index, raw) in raws.iter().enumerate() {
        let range = resident.range(index).unwrap();
        assert!(bytes[range.start as usize..range.end as usize] == raw[..], "block {index}");
    }
}

#[test]
fn batches_are_cut_to_the_bindings() {
    let Some(gpu) = gpu() else { return };
    let limits = wgpu::Limits { max_storage_buffer_binding_size: 1 << 20, ..gpu.device().limits() };
    let Some((device, queue)) = crate::limits::device(gpu, &limits) else { return };
    let gpu = Gpu::from_wgpu(device, queue, &GpuOptions::new()).unwrap();
    let mut rng = rng(25_000);
    let raws: Vec<Vec<u8>> = (0..20).map(|_| text(&mut rng, 100_000, 30)).collect();
    let options = EncodeOptions::new().level(0).segment_len(4 << 10);
    compare(&gpu, &mut rng, &raws, &options, "small bindings");
    // Their counts take more room than their words.
    let small: Vec<Vec<u8>> = (0..500).map(|_| text(&mut rng, 128, 30)).collect();
    compare(&gpu, &mut rng, &small, &options.clone().mode(Mode::Lanes), "small blocks, small bindings");
    let (raw, _) = upload(&gpu, &mut rng, &[vec![0; 2 << 20]]);
    let error = Encoder::new(&gpu, &options).unwrap().encode(&raw, one(&(0..2 << 20))).unwrap_err();
    assert_eq!(error, GpuError::BlockTooLarge { block: 0 });
    assert_eq!(gpu.lost(), None);
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let Some(gpu) = gpu() else { return };
    let mut encoder = Encoder::new(gpu, &EncodeOptions::new()).unwrap();
    let raw = buffer(gpu, 40_000, USAGES);
    for (piece, lacks) in
        [(0..0, "a byte"), (Range { start: 8, end: 4 }, "order"), (0..(16 << 20) + 1, "room in a block")]
    {
        let error = encoder.encode(&raw, &[0..4, piece]).unwrap_err();
        assert!(matches!(error, GpuError::Block { block: 1, error: Error::InvalidOption { .. } }), "{lacks}: {error}");
    }
    for piece in [2..10, 39_996..40_004, 1 << 40..(1 << 40) + 4] {
        let error = encoder.encode(&raw, one(&piece)).unwrap_err();
        assert!(matches!(error, GpuError::Buffer { .. }), "{piece:?}: {error}");
    }
    let bare = buffer(gpu, 4000, wgpu::BufferUsages::STORAGE);
    assert!(matches!(encoder.encode(&bare, one(&(0..4000))), Err(GpuError::Buffer { .. })));
    assert!(matches!(encoder.encode_to(&raw, one(&(0..4000)), &bare, 0), Err(GpuError::Buffer { .. })));
    assert!(matches!(encoder.encode_to(&raw, one(&(0..4000)), &raw, 128), Err(GpuError::Buffer { .. })));
    for offset in [40_192, 1 << 40, u64::MAX - 255] {
        let error = encoder.encode_to(&raw, one(&(0..4000)), &raw, offset).unwrap_err();
        assert_eq!(error, GpuError::Buffer { offset, needed: 0, available: 0 });
    }
    let small = buffer(gpu, 12, USAGES);
    assert!(matches!(encoder.encode_to(&raw, one(&(0..40_000)), &small, 0), Err(GpuError::Buffer { needed: 16, .. })));
    let error = Encoder::new(gpu, &EncodeOptions::new().scale_bits(40)).unwrap_err();
    assert!(matches!(error, GpuError::Options(Error::InvalidOption { .. })), "{error}");
    assert_eq!(gpu.lost(), None);
    assert_eq!(encoder.encode(&raw, &[]).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_device_that_is_destroyed_is_an_error() {
    let Some(gpu) = crate::request(&GpuOptions::new()) else { return };
    let raw = buffer(&gpu, 40_000, USAGES);
    let mut encoder = Encoder::new(&gpu, &EncodeOptions::new().level(0)).unwrap();
    assert_eq!(encoder.encode(&raw, one(&(0..40_000))).unwrap().len(), 1);
    gpu.device().destroy();
    assert!(encoder.encode(&raw, one(&(0..40_000))).is_err());
    let error = encoder.encode(&raw, one(&(0..40_000))).unwrap_err();
    assert!(matches!(error, GpuError::Lost(_)), "{error}");
}
