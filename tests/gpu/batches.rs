//! Blocks from memory to memory.

use rand::RngExt;
use ranstream::{
    Error,
    gpu::{Block, Decoder, Gpu, GpuOptions, wgpu},
};

use crate::{
    data::{self, Coded, bytes, lanes, rng},
    forms, gpu,
};

/// Decodes `blocks` and compares; how many the device decoded comes back.
fn decode_all(gpu: &Gpu, decoder: &mut Decoder, blocks: &[Coded], context: &str) -> u64 {
    let parsed: Vec<_> = blocks.iter().map(|coded| Block::parse(&coded.block).unwrap()).collect();
    let expected: Vec<u8> = blocks.iter().flat_map(|coded| coded.raw.iter().copied()).collect();
    let mut out = vec![0xAA; expected.len() + 3];
    let before = gpu.tally();
    assert_eq!(decoder.decode_into(&parsed, &mut out), Ok(expected.len()), "{context}");
    let differs = expected.iter().zip(&out).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{context}, {}", gpu.form());
    assert_eq!(out[expected.len()..], [0xAA; 3], "{context}");
    let after = gpu.tally();
    assert_eq!(gpu.lost(), None, "{context}");
    assert_eq!(after.decoded + after.returned - before.decoded - before.returned, blocks.len() as u64, "{context}");
    after.decoded - before.decoded
}

#[test]
fn random_batches_are_what_the_cpu_gives() {
    let Some(gpu) = gpu() else { return };
    let batches = std::env::var("RANS_GPU_BATCHES").map_or(150, |count| count.parse().unwrap());
    for gpu in forms(gpu) {
        let mut decoder = Decoder::new(&gpu);
        for seed in 0..batches {
            let mut rng = rng(seed);
            let blocks: Vec<_> = (0..rng.random_range(1..8)).map(|_| data::random(&mut rng, 20_000)).collect();
            let decoded = decode_all(&gpu, &mut decoder, &blocks, &format!("seed {seed}"));
            assert_eq!(decoded, blocks.len() as u64, "seed {seed}");
        }
    }
}

#[test]
fn a_device_that_loads_no_16_bits_gives_the_same() {
    let Some(gpu) = gpu() else { return };
    let features = gpu.device().features() & wgpu::Features::SUBGROUP;
    let Some((device, queue)) = crate::limits::device_with(gpu, features, &gpu.device().limits()) else { return };
    let without = Gpu::from_wgpu(device, queue, &GpuOptions::new()).unwrap();
    for gpu in forms(&without) {
        let mut decoder = Decoder::new(&gpu);
        for seed in 0..20 {
            let mut rng = rng(9000 + seed);
            let blocks: Vec<_> = (0..6).map(|_| data::random(&mut rng, 20_000)).collect();
            assert_eq!(decode_all(&gpu, &mut decoder, &blocks, &format!("seed {seed}")), 6);
        }
    }
}

#[test]
fn every_tail_at_every_scale() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(1);
    let mut blocks = Vec::new();
    for scale_bits in 9..=12 {
        for len in (512..=512 + 130).chain([1023, 1024, 1025, 4096, 4097, 5000]) {
            let raw = (0..len).map(|_| rng.random_range(0..9_u8) * rng.random_range(0..3)).collect();
            blocks.push(lanes(raw, 1024, scale_bits));
        }
    }
    assert!(blocks.iter().all(|coded| Block::parse(&coded.block).unwrap().mode().to_string() == "lanes"));
    for gpu in forms(gpu) {
        let decoded = decode_all(&gpu, &mut Decoder::new(&gpu), &blocks, "tails");
        assert_eq!(decoded, blocks.len() as u64);
    }
}

#[test]
fn one_symbol_at_full_frequency_at_every_scale() {
    let Some(gpu) = gpu() else { return };
    let blocks: Vec<_> = (9..=12)
        .flat_map(|scale_bits| [200, 1000, 1024, 70_000].map(|len| lanes(vec![b'z'; len], 16 << 10, scale_bits)))
        .collect();
    for gpu in forms(gpu) {
        assert_eq!(decode_all(&gpu, &mut Decoder::new(&gpu), &blocks, "one symbol"), blocks.len() as u64);
    }
}

#[test]
fn one_block_of_many_segments_and_many_blocks_of_one() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(3);
    let text = |len: usize| (0..len).map(|i| (i * i % 91 + i % 7) as u8).collect::<Vec<u8>>();
    let blocks = vec![lanes(text(4 << 20), 1 << 10, 12), lanes(text(1 << 20), 1 << 20, 11)];
    let many: Vec<_> = (0..300).map(|_| lanes(text(rng.random_range(500..3000)), 16 << 10, 12)).collect();
    for gpu in forms(gpu) {
        let mut decoder = Decoder::new(&gpu);
        assert_eq!(decode_all(&gpu, &mut decoder, &blocks, "many segments"), 2);
        assert_eq!(decode_all(&gpu, &mut decoder, &many, "many blocks"), 300);
    }
}

#[test]
fn batches_that_follow_each_other_use_the_ring_again() {
    let Some(gpu) = gpu() else { return };
    let options = GpuOptions::new().batch_len(64 << 10);
    let mut rng = rng(4);
    let blocks: Vec<_> = (0..60).map(|_| data::random(&mut rng, 30_000)).collect();
    for gpu in crate::forms_with(gpu, &options) {
        let mut decoder = Decoder::new(&gpu);
        for round in 0..3 {
            assert_eq!(decode_all(&gpu, &mut decoder, &blocks, &format!("round {round}")), 60);
        }
    }
}

#[test]
fn nothing_and_too_little_room() {
    let Some(gpu) = gpu() else { return };
    let mut decoder = Decoder::new(gpu);
    assert_eq!(decoder.decode_into(&[], &mut []), Ok(0));
    let coded = lanes(bytes(&mut rng(5), 1000), 1 << 10, 12);
    let block = Block::parse(&coded.block).unwrap();
    let error = decoder.decode_into(&[block, block], &mut [0; 1999]).unwrap_err();
    assert_eq!(error, Error::OutputTooSmall { needed: 2000, available: 1999 });
}

#[test]
fn what_is_no_block_is_refused() {
    let coded = lanes(bytes(&mut rng(6), 1000), 1 << 10, 12).block;
    assert!(matches!(Block::parse(&coded[..coded.len() - 1]), Err(Error::Truncated { .. })));
    assert!(matches!(Block::parse(&[&coded[..], &[0]].concat()), Err(Error::TrailingData { .. })));
    assert!(matches!(Block::parse(&[0; 20]), Err(Error::Corrupt { .. } | Error::Unsupported { .. })));
}
