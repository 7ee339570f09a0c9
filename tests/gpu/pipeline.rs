//! Bytes handed out where the device left them.

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, block, compress,
    error::Part,
    gpu::{Block, Decoded, Gpu, GpuOptions, Pipeline},
    stream::Blocks,
};

use crate::{
    data::{self, Coded, lanes, rng},
    forms_with, gpu, request,
};

/// Everything that comes out, block by block.
fn run(gpu: &Gpu, blocks: &[Block<'_>]) -> Vec<Result<Vec<u8>, Error>> {
    let mut pipeline = Pipeline::new(gpu);
    let (mut rest, mut out) = (blocks, Vec::new());
    loop {
        rest = &rest[pipeline.push(rest)..];
        let Some(batch) = pipeline.pop() else {
            assert!(rest.is_empty());
            return out;
        };
        collect(&batch, &mut out);
    }
}

fn collect(batch: &Decoded<'_>, out: &mut Vec<Result<Vec<u8>, Error>>) {
    assert!(batch.len() > 0);
    out.extend(batch.iter().map(|raw| raw.map(<[u8]>::to_vec)));
}

#[test]
fn a_stream_goes_through_batch_by_batch() {
    let Some(gpu) = gpu() else { return };
    let mut raw = Vec::new();
    let mut rng = rng(900);
    while raw.len() < 3 << 20 {
        raw.extend(data::bytes(&mut rng, 90_000));
    }
    let stream = compress(&raw, &EncodeOptions::new().level(0).block_len(64 << 10).segment_len(4 << 10)).unwrap();
    let blocks: Vec<_> = Blocks::new(&stream, &DecodeOptions::new()).collect::<Result<_, _>>().unwrap();
    for gpu in forms_with(gpu, &GpuOptions::new().batch_len(300 << 10)) {
        let back: Vec<_> = run(&gpu, &blocks).into_iter().collect::<Result<_, _>>().unwrap();
        assert!(back.concat() == raw, "{}", gpu.form());
        assert_eq!(gpu.tally().decoded, blocks.len() as u64);
    }
}

#[test]
fn blocks_that_are_damaged_or_not_for_the_device_come_from_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(901);
    let mut coded: Vec<Coded> = (0..40).map(|_| data::random(&mut rng, 20_000)).collect();
    let chain = (0..70_000_u32).map(|i| (i % 5) as u8).collect();
    coded[7] = data::code(chain, &EncodeOptions::new().mode(Mode::SingleStream));
    let mut bad = lanes(vec![3; 5000], 1 << 10, 12);
    *bad.block.last_mut().unwrap() ^= 1;
    coded[20] = bad;
    let expected: Vec<_> = (0..)
        .zip(&coded)
        .map(|(number, coded)| {
            let mut raw = vec![0; coded.raw.len()];
            block::decode(&coded.block, &mut raw).map(|_| raw).map_err(|error| match error {
                Error::Corrupt { offset, reason, .. } => Error::Corrupt { part: Part::Block(number), offset, reason },
                other => other,
            })
        })
        .collect();
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(&coded.block).unwrap()).collect();
    assert_eq!(run(gpu, &blocks), expected);
    assert_eq!(gpu.lost(), None);
}

#[test]
fn a_device_destroyed_between_two_batches_costs_no_byte() {
    let Some(gpu) = request(&GpuOptions::new().batch_len(64 << 10)) else { return };
    let raw: Vec<u8> = (0..20_000).map(|i: usize| (i * i % 23) as u8).collect();
    let coded = lanes(raw.clone(), 4 << 10, 12);
    let blocks = [Block::parse(&coded.block).unwrap(); 30];
    let mut pipeline = Pipeline::new(&gpu);
    let (mut rest, mut out) = (&blocks[..], Vec::new());
    for batches in 0.. {
        rest = &rest[pipeline.push(rest)..];
        let Some(batch) = pipeline.pop() else { break };
        if batches == 1 {
            // With bytes of it still mapped.
            gpu.device().destroy();
        }
        collect(&batch, &mut out);
    }
    assert_eq!(out.len(), 30);
    assert!(out.iter().all(|back| back.as_ref() == Ok(&raw)));
    assert!(gpu.lost().is_some() && gpu.tally().decoded < 30, "{:?}", gpu.tally());
}
