//! Single and interleaved blocks: states that take turns.

use rand::{RngExt, rngs::StdRng};
use ranstream::{
    EncodeOptions, Error, Mode, Normalization, block,
    error::{Corruption, Part},
    format::{BlockMode, TableKind},
    gpu::{Block, Decoder, FailedSegment, Gpu, ResidentBlocks},
};

use crate::{
    data::{self, Coded, code, rng, seal},
    forms, gpu,
    resident::decode_resident,
};

/// Few symbols, so that tables and states never take more room than is gained.
fn raw(rng: &mut StdRng, len: usize) -> Vec<u8> {
    (0..len).map(|_| rng.random_range(0..3_u8) * rng.random_range(0..3_u8)).collect()
}

fn options(lanes: usize, scale_bits: u8, normalization: Normalization) -> EncodeOptions {
    let mode = if lanes == 0 { Mode::SingleStream } else { Mode::Interleaved };
    let options = EncodeOptions::new().mode(mode).scale_bits(scale_bits).normalization(normalization);
    if lanes == 0 { options } else { options.interleaved_lanes(lanes) }
}

fn mode(coded: &[u8]) -> BlockMode {
    Block::parse(coded).unwrap().mode()
}

/// Decodes all on the device at once and compares each verdict with what the CPU says, and the
/// bytes of those that are right. How many are not comes back.
fn compare(gpu: &Gpu, blocks: &[Vec<u8>], context: &str) -> usize {
    let verdicts: Vec<_> = blocks
        .iter()
        .map(|coded| {
            let mut raw = vec![0; block::raw_len(coded).unwrap()];
            block::decode(coded, &mut raw).map(|_| raw)
        })
        .collect();
    let failures = (0..).zip(&verdicts).filter(|(_, verdict)| verdict.is_err());
    let expected: Vec<_> = failures.map(|(block, _)| FailedSegment { block, segment: 0 }).collect();
    let parsed: Vec<_> = blocks.iter().map(|coded| Block::parse(coded).unwrap()).collect();
    let resident = ResidentBlocks::upload(gpu, &parsed).unwrap();
    let (bytes, failed) = decode_resident(gpu, &resident);
    assert_eq!(failed, expected, "{context}, {}", gpu.form());
    for (block, verdict) in verdicts.iter().enumerate() {
        let range = resident.range(block).unwrap();
        if let Ok(raw) = verdict {
            assert!(bytes[range.start as usize..range.end as usize] == raw[..], "{context}: block {block}");
        }
    }
    expected.len()
}

/// Whether the damage is for the kernel to see: every field is as the format asks.
fn reaches_the_kernel(coded: &[u8]) -> bool {
    match block::decode(coded, &mut vec![0; block::raw_len(coded).unwrap()]) {
        Ok(_) | Err(Error::Corrupt { reason: Corruption::LaneEnd { .. }, .. }) => true,
        Err(_) => false,
    }
}

#[test]
fn every_number_of_states_comes_back() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(700);
    let blocks: Vec<_> = (0..=255)
        .map(|lanes| {
            // Some with whole turns and tiles, some without.
            let len = if lanes % 3 == 1 { 16 * lanes * (256 / lanes) } else { rng.random_range(5000..9000) };
            let len = len.max(5000);
            code(raw(&mut rng, len), &options(lanes, 9 + (lanes % 6) as u8, Normalization::Optimal)).block
        })
        .collect();
    assert!(
        blocks.iter().skip(1).all(|coded| mode(coded) == BlockMode::Interleaved(TableKind::Compact)),
        "none is stored"
    );
    for gpu in forms(gpu) {
        assert_eq!(compare(&gpu, &blocks, "states"), 0);
    }
}

#[test]
fn every_scale_both_tables_and_every_tail() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(701);
    let mut blocks = Vec::new();
    for scale_bits in 9..=14 {
        for normalization in [Normalization::Optimal, Normalization::Compat] {
            for lanes in [0, 1, 2, 4, 5, 7] {
                for len in (900..905).chain([1024, 4096, 5000]) {
                    blocks.push(code(raw(&mut rng, len), &options(lanes, scale_bits, normalization)).block);
                }
            }
            // One symbol has all slots.
            blocks.push(code(vec![9; 3000], &options(4, scale_bits, normalization)).block);
            // The longest that a device takes, and all symbols.
            let long = (0..64 << 10).map(|_| rng.random_range(0..16_u8) * rng.random_range(0..17_u8)).collect();
            blocks.push(code(long, &options(0, scale_bits, normalization)).block);
        }
    }
    assert!(!blocks.iter().any(|coded| mode(coded) == BlockMode::Stored));
    for gpu in forms(gpu) {
        assert_eq!(compare(&gpu, &blocks, "scales"), 0);
    }
}

#[test]
fn every_flipped_bit_has_the_cpus_verdict() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(702);
    for (lanes, scale_bits) in [(0, 11), (0, 14), (4, 12), (3, 13), (40, 10)] {
        let raw = raw(&mut rng, 700);
        let Coded { block: good, .. } = code(raw.clone(), &options(lanes, scale_bits, Normalization::Optimal));
        let payload = &good[8..good.len() - 4];
        let damaged: Vec<_> = (0..payload.len() * 8)
            .map(|bit| {
                let mut payload = payload.to_vec();
                payload[bit / 8] ^= 1 << (bit % 8);
                seal(mode(&good), raw.len(), &payload)
            })
            .filter(|coded| reaches_the_kernel(coded))
            .collect();
        let failed = compare(gpu, &damaged, &format!("{lanes} states"));
        assert!(failed > payload.len() * 3, "{failed} of {} failed", damaged.len());
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn garbage_has_the_cpus_verdict() {
    let Some(gpu) = gpu() else { return };
    for gpu in forms(gpu) {
        let mut failed = 0;
        for seed in 0..40 {
            let mut rng = rng(710 + seed);
            let lanes = rng.random_range(0..60);
            let len = rng.random_range(1500..6000);
            let scale_bits = rng.random_range(9..=14);
            let good = code(raw(&mut rng, len), &options(lanes, scale_bits, Normalization::Optimal)).block;
            let blocks: Vec<_> = (0..20)
                .map(|_| {
                    let mut payload = good[8..good.len() - 4].to_vec();
                    let at = rng.random_range(0..payload.len());
                    let end = rng.random_range(at..=payload.len());
                    payload[at..end].fill_with(|| rng.random());
                    // Another length, too: the words run out, or some are left.
                    let raw_len = (len + rng.random_range(0..3)).max(payload.len());
                    seal(mode(&good), raw_len, &payload)
                })
                .filter(|coded| reaches_the_kernel(coded))
                .collect();
            failed += compare(&gpu, &blocks, &format!("seed {seed}"));
        }
        assert!(failed > 100, "{failed}");
        assert_eq!(gpu.lost(), None);
    }
}

#[test]
fn errors_are_the_cpus() {
    let Some(gpu) = gpu() else { return };
    let mut decoder = Decoder::new(gpu);
    let mut rng = rng(703);
    for case in 0..60 {
        let good = data::code(raw(&mut rng, 3000), &options(case % 6, 12, Normalization::Optimal));
        let mut payload = good.block[8..good.block.len() - 4].to_vec();
        let at = rng.random_range(0..payload.len());
        payload[at] ^= 1 << rng.random_range(0..8);
        let bad = seal(mode(&good.block), 3000, &payload);
        let (mut on_cpu, mut on_gpu) = (vec![0; 3000], vec![0; 6000]);
        let expected = block::decode(&bad, &mut on_cpu).map_err(|error| match error {
            Error::Corrupt { offset, reason, .. } => Error::Corrupt { part: Part::Block(1), offset, reason },
            other => other,
        });
        let blocks = [&good.block, &bad].map(|coded| Block::parse(coded).unwrap());
        assert_eq!(decoder.decode_into(&blocks, &mut on_gpu).map(|_| 3000), expected, "case {case}");
        assert_eq!(on_gpu[..3000], good.raw, "case {case}");
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn a_chain_that_would_take_too_long_is_for_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let len = (64 << 10) + 1;
    let raw: Vec<u8> = (0..len).map(|i: usize| (i * i % 7) as u8).collect();
    let coded = code(raw, &options(0, 12, Normalization::Optimal));
    assert_eq!(mode(&coded.block), BlockMode::SingleStream(TableKind::Compact));
    let (before, mut out) = (gpu.tally(), vec![0; len]);
    Decoder::new(gpu).decode_into(&[Block::parse(&coded.block).unwrap()], &mut out).unwrap();
    assert!(out == coded.raw);
    // Other tests use the device, too: only what is certain is compared.
    assert!(gpu.tally().returned > before.returned);
    // It can stay on a device all the same: it goes there decoded.
    assert_eq!(compare(gpu, &[coded.block], "long"), 0);
}
