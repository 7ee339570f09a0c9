//! Blocks that stay on the device.

use ranstream::gpu::{Block, FailedSegment, Gpu, GpuError, GpuOptions, ResidentBlocks, wgpu};

use crate::{
    data::{self, lanes, rng},
    forms, gpu,
};

const OFFSET: u64 = 512;

fn buffer(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

/// Decodes to a buffer of our own and brings the bytes and the verdicts back.
pub fn decode_resident(gpu: &Gpu, blocks: &ResidentBlocks) -> (Vec<u8>, Vec<FailedSegment>) {
    let len = blocks.buffer_len();
    let out = buffer(gpu, OFFSET + len, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let back = buffer(gpu, len, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let ticket = blocks.record_decode(&mut encoder, &out, OFFSET).unwrap();
    encoder.copy_buffer_to_buffer(&out, OFFSET, &back, 0, len);
    gpu.queue().submit([encoder.finish()]);
    let failed = ticket.failed_segments().unwrap();
    back.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = back.get_mapped_range(..).unwrap().to_vec();
    (bytes, failed)
}

#[test]
fn blocks_decode_on_the_device_as_often_as_one_likes() {
    let Some(gpu) = gpu() else { return };
    let mut rng = rng(300);
    let coded: Vec<_> = (0..40).map(|_| data::random(&mut rng, 50_000)).collect();
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(&coded.block).unwrap()).collect();
    for gpu in forms(gpu) {
        let resident = ResidentBlocks::upload(&gpu, &blocks).unwrap();
        for _ in 0..2 {
            let (bytes, failed) = decode_resident(&gpu, &resident);
            assert_eq!(failed, []);
            for (index, coded) in coded.iter().enumerate() {
                let range = resident.range(index).unwrap();
                assert_eq!(range.start % 4, 0);
                assert!(bytes[range.start as usize..range.end as usize] == coded.raw[..], "block {index}");
            }
        }
        assert_eq!(resident.range(40), None);
    }
}

#[test]
fn what_no_dispatch_holds_is_decoded_by_several() {
    let Some(gpu) = gpu() else { return };
    // 1 MiB of bindings, 6 MiB of blocks.
    let limits = wgpu::Limits { max_storage_buffer_binding_size: 1 << 20, ..gpu.device().limits() };
    let Some(gpu) = crate::limits::device(gpu, &limits) else { return };
    let gpu = Gpu::from_wgpu(gpu.0, gpu.1, &GpuOptions::new()).unwrap();
    let coded: Vec<_> =
        (0..24_usize).map(|k| lanes((0..250_001).map(|i: usize| (i * k % 31) as u8).collect(), 16 << 10, 12)).collect();
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(&coded.block).unwrap()).collect();
    let resident = ResidentBlocks::upload(&gpu, &blocks).unwrap();
    let (bytes, failed) = decode_resident(&gpu, &resident);
    assert_eq!(failed, []);
    for (index, coded) in coded.iter().enumerate() {
        let range = resident.range(index).unwrap();
        assert!(bytes[range.start as usize..range.end as usize] == coded.raw[..], "block {index}");
    }
}

#[test]
fn a_buffer_that_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let coded = lanes(vec![9; 5000], 1 << 10, 12);
    let resident = ResidentBlocks::upload(gpu, &[Block::parse(&coded.block).unwrap()]).unwrap();
    assert_eq!(resident.buffer_len(), 5000);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let storage = wgpu::BufferUsages::STORAGE;
    for (size, usage, offset) in [
        (4996, storage, 0),
        (5252, storage, 256),
        (8000, storage, 128),
        (5000, wgpu::BufferUsages::COPY_SRC, 0),
        (8000, storage, u64::MAX - 255),
    ] {
        let error = resident.record_decode(&mut encoder, &buffer(gpu, size, usage), offset).unwrap_err();
        assert!(matches!(error, GpuError::Buffer { needed: 5000, .. }), "{size} {offset}: {error}");
    }
    assert_eq!(gpu.lost(), None);
}

#[test]
fn a_ticket_whose_commands_never_ran_says_so() {
    let Some(gpu) = gpu() else { return };
    let coded = lanes(vec![9; 5000], 1 << 10, 12);
    let resident = ResidentBlocks::upload(gpu, &[Block::parse(&coded.block).unwrap()]).unwrap();
    let out = buffer(gpu, 5000, wgpu::BufferUsages::STORAGE);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let ticket = resident.record_decode(&mut encoder, &out, 0).unwrap();
    let error = ticket.failed_segments().unwrap_err();
    assert!(error.to_string().contains("did not run"), "{error}");
    assert_eq!(gpu.lost(), None);
}
