//! Damage that the block check does not see, because it is computed anew: the kernel must see it,
//! segment by segment, where the CPU does.

use rand::{RngExt, rngs::StdRng};
use ranstream::{
    Error, block,
    format::BlockMode,
    gpu::{Block, Decoder, FailedSegment, Gpu, GpuError, ResidentBlocks},
};

use crate::{
    data::{lanes, rng, seal},
    forms, gpu,
    resident::decode_resident,
};

const STATES: usize = 128;

/// A `lanes` payload, cut apart.
struct Parts {
    scale_bits: u8,
    table: Vec<u8>,
    /// States and words, without padding.
    segments: Vec<Vec<u8>>,
    /// Raw bytes of each segment.
    raw_lens: Vec<usize>,
}

impl Parts {
    fn new(coded: &[u8]) -> Self {
        let payload = &coded[8..coded.len() - 4];
        let raw_len = block::raw_len(coded).unwrap();
        let count = usize::from(u16::from_le_bytes([payload[2], payload[3]]));
        let words: Vec<usize> = payload[4..4 + 4 * count]
            .chunks_exact(4)
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
            .collect();
        // The last segment has no padding, so the first one's place follows from the end.
        let before_last: usize = words[..count - 1].iter().map(|words| (STATES + 2 * words).next_multiple_of(4)).sum();
        let mut at = payload.len() - before_last - STATES - 2 * words[count - 1];
        let table = payload[4 + 4 * count..at].to_vec();
        let mut segments = Vec::new();
        for words in words {
            segments.push(payload[at..at + STATES + 2 * words].to_vec());
            at = (at + STATES + 2 * words).next_multiple_of(4);
        }
        let len = 128 * raw_len.div_ceil(128 * count);
        let raw_lens = (0..count).map(|index| len.min(raw_len - index * len)).collect();
        Self { scale_bits: payload[0], table, segments, raw_lens }
    }

    /// The block of some of the segments, with a right check.
    fn block(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        let segments = &self.segments[range.clone()];
        let mut payload = vec![self.scale_bits, 0];
        payload.extend((segments.len() as u16).to_le_bytes());
        for segment in segments {
            payload.extend((((segment.len() - STATES) / 2) as u32).to_le_bytes());
        }
        payload.extend(&self.table);
        for segment in segments {
            payload.resize(payload.len().next_multiple_of(4), 0);
            payload.extend(segment);
        }
        let raw_len = self.raw_lens[range].iter().sum();
        seal(BlockMode::Lanes, raw_len, &payload)
    }

    fn whole(&self) -> Vec<u8> {
        self.block(0..self.segments.len())
    }

    /// What the CPU says of each segment alone: its bytes, or that they are bad.
    fn verdicts(&self) -> Vec<Option<Vec<u8>>> {
        let decode = |index: usize| {
            let mut raw = vec![0; self.raw_lens[index]];
            block::decode(&self.block(index..index + 1), &mut raw).ok().map(|_| raw)
        };
        (0..self.segments.len()).map(decode).collect()
    }

    fn damage(&mut self, rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..=3) {
            let index = rng.random_range(0..self.segments.len());
            let segment = &mut self.segments[index];
            match rng.random_range(0..5) {
                // A bit of a state's lower half: the upper one decides whether it is a state.
                0 => segment[4 * rng.random_range(0..32) + rng.random_range(0..2)] ^= 1 << rng.random_range(0..8),
                // A word too few, a word too many.
                1 if segment.len() > STATES => segment.truncate(segment.len() - 2),
                2 => segment.extend([rng.random::<u8>(), rng.random()]),
                3 if segment.len() > STATES => segment[STATES..].fill_with(|| rng.random()),
                _ if segment.len() > STATES => {
                    let at = rng.random_range(STATES..segment.len());
                    segment[at] ^= 1 << rng.random_range(0..8);
                }
                _ => {}
            }
        }
    }
}

fn sample(rng: &mut StdRng) -> Parts {
    loop {
        let segment_len = 128 * rng.random_range(6..30);
        let len = rng.random_range(4 * segment_len..20 * segment_len);
        let symbols = rng.random_range(2..40_u32);
        let symbol = |rng: &mut StdRng| (rng.random_range(0..symbols) * rng.random_range(0..symbols) / symbols) as u8;
        let raw = (0..len).map(|_| symbol(rng)).collect();
        let parts = Parts::new(&lanes(raw, segment_len, rng.random_range(9..=12)).block);
        // A block must not be longer than its raw bytes, and each segment becomes one of its own.
        if parts.raw_lens.last().is_some_and(|&len| len >= 600) {
            return parts;
        }
    }
}

/// Compares every segment's verdict, and the bytes of those that are right. How many failed comes
/// back.
fn compare(gpu: &Gpu, parts: &Parts, context: &str) -> usize {
    let coded = parts.whole();
    let verdicts = parts.verdicts();
    let expected: Vec<_> = (0..)
        .zip(&verdicts)
        .filter(|(_, raw)| raw.is_none())
        .map(|(segment, _)| FailedSegment { block: 0, segment })
        .collect();
    let blocks = ResidentBlocks::upload(gpu, &[Block::parse(&coded).unwrap()]).unwrap();
    let (raw, failed) = decode_resident(gpu, &blocks);
    assert_eq!(failed, expected, "{context}, {}", gpu.form());
    let mut at = 0;
    for (verdict, len) in verdicts.iter().zip(&parts.raw_lens) {
        if let Some(right) = verdict {
            assert!(raw[at..at + len] == right[..], "{context}, {}: a good segment has other bytes", gpu.form());
        }
        at += len;
    }
    expected.len()
}

/// The same for blocks of one segment each.
fn compare_blocks(gpu: &Gpu, blocks: &[Vec<u8>], verdicts: &[Option<Vec<u8>>]) {
    let failures = (0..).zip(verdicts).filter(|(_, verdict)| verdict.is_none());
    let expected: Vec<_> = failures.map(|(block, _)| FailedSegment { block, segment: 0 }).collect();
    let parsed: Vec<_> = blocks.iter().map(|coded| Block::parse(coded).unwrap()).collect();
    let resident = ResidentBlocks::upload(gpu, &parsed).unwrap();
    let (bytes, failed) = decode_resident(gpu, &resident);
    assert_eq!(failed, expected);
    for (block, raw) in verdicts.iter().enumerate() {
        let range = resident.range(block).unwrap();
        if let Some(raw) = raw {
            assert!(bytes[range.start as usize..range.end as usize] == raw[..], "block {block}");
        }
    }
}

#[test]
fn every_segment_has_the_verdict_that_the_cpu_gives() {
    let Some(gpu) = gpu() else { return };
    for gpu in forms(gpu) {
        let (mut bad, mut good) = (0, 0);
        for seed in 0..60 {
            let mut rng = rng(100 + seed);
            let mut parts = sample(&mut rng);
            assert_eq!(compare(&gpu, &parts, &format!("seed {seed}, whole")), 0);
            parts.damage(&mut rng);
            let failed = compare(&gpu, &parts, &format!("seed {seed}"));
            bad += failed;
            good += parts.segments.len() - failed;
        }
        assert!(bad > 60 && good > 300, "{bad} bad, {good} good");
        assert_eq!(gpu.lost(), None);
    }
}

#[test]
fn every_flipped_bit_of_a_small_segment_has_the_cpus_verdict() {
    let Some(gpu) = gpu() else { return };
    // One with a tail, and one whose last two rounds ride on the states: they end in different
    // checks.
    for len in [1200_usize, 1280] {
        let raw = (0..len).map(|i| (i * i % 13 % 5) as u8).collect();
        let whole = Parts::new(&lanes(raw, len, 10).block);
        let bits = 0..whole.segments[0].len() * 8;
        // The upper half of a state decides whether it is one, which is no matter of the kernel.
        let flipped = bits.clone().filter(|bit| bit / 8 >= STATES || bit / 16 % 2 == 0);
        let damaged: Vec<_> = flipped
            .map(|bit| {
                let mut segments = whole.segments.clone();
                segments[0][bit / 8] ^= 1 << (bit % 8);
                Parts { segments, table: whole.table.clone(), raw_lens: whole.raw_lens.clone(), ..whole }.whole()
            })
            .collect();
        let verdicts: Vec<_> = damaged
            .iter()
            .map(|coded| {
                let mut raw = vec![0; len];
                block::decode(coded, &mut raw).ok().map(|_| raw)
            })
            .collect();
        let failures = verdicts.iter().filter(|verdict| verdict.is_none()).count();
        assert!(failures * 3 > bits.len(), "{failures} of {}", bits.len());
        // Few enough that a device which computes on the CPU is soon done with a batch.
        for (damaged, verdicts) in damaged.chunks(500).zip(verdicts.chunks(500)) {
            compare_blocks(gpu, damaged, verdicts);
        }
        // Through a decoder too, whose errors are the CPU's.
        let (mut decoder, returned) = (Decoder::new(gpu), gpu.tally().returned);
        for (index, (coded, verdict)) in damaged.iter().zip(&verdicts).enumerate().step_by(97) {
            let mut raw = vec![0; len];
            let found = decoder.decode_into(&[Block::parse(coded).unwrap()], &mut raw);
            assert_eq!(found, block::decode(coded, &mut vec![0; len]), "flip {index}");
            assert!(verdict.as_ref().is_none_or(|right| *right == raw), "flip {index}");
        }
        assert!(gpu.tally().returned > returned, "the device took all for good");
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn errors_are_the_cpus_and_blocks_before_them_are_there() {
    let Some(gpu) = gpu() else { return };
    let mut decoder = Decoder::new(gpu);
    for seed in 0..40 {
        let mut rng = rng(200 + seed);
        let good = lanes(vec![3; 5000], 1 << 10, 12);
        let mut parts = sample(&mut rng);
        let mut bad = match seed % 4 {
            0 => {
                parts.damage(&mut rng);
                parts.whole()
            }
            1 => {
                // The table, so that the metadata may be no payload at all.
                let at = rng.random_range(0..parts.table.len());
                parts.table[at] ^= 1 << rng.random_range(0..8);
                parts.whole()
            }
            2 => {
                parts.scale_bits = rng.random();
                parts.whole()
            }
            _ => parts.whole(),
        };
        if seed % 4 == 3 {
            // No right check this time.
            let at = rng.random_range(8..bad.len());
            bad[at] ^= 1 << rng.random_range(0..8);
        }
        let len = block::raw_len(&bad).unwrap();
        let expected = block::decode(&bad, &mut vec![0; len]);
        let blocks = [&good.block, &bad, &good.block].map(|coded| Block::parse(coded).unwrap());
        let mut out = vec![0; 10_000 + len];
        let found = decoder.decode_into(&blocks, &mut out);
        match (expected, found) {
            (Err(Error::Corrupt { reason, .. }), Err(Error::Corrupt { part, reason: found, .. })) => {
                assert_eq!((part, found), (ranstream::error::Part::Block(1), reason), "seed {seed}");
            }
            (Ok(_), Ok(_)) => {}
            (expected, found) => panic!("seed {seed}: {expected:?}, {found:?}"),
        }
        assert_eq!(out[..5000], good.raw, "seed {seed}");
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn a_damaged_block_is_not_uploaded() {
    let Some(gpu) = gpu() else { return };
    let good = lanes(vec![3; 5000], 1 << 10, 12);
    let mut bad = good.block.clone();
    *bad.last_mut().unwrap() ^= 1;
    let blocks = [&good.block, &bad].map(|coded| Block::parse(coded).unwrap());
    let error = ResidentBlocks::upload(gpu, &blocks).unwrap_err();
    assert!(matches!(error, GpuError::Block { block: 1, error: Error::Corrupt { .. } }), "{error}");
    assert_eq!(gpu.lost(), None, "that is no failure of the device");
}
