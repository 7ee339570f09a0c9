//! Devices that go away.

use std::{
    io::{Cursor, Read},
    thread,
    time::Duration,
};

use ranstream::{
    DecodeOptions, EncodeOptions, Mode, RansReader, compress,
    gpu::{Block, Decoder, Gpu, GpuError, GpuOptions, ResidentBlocks, wgpu},
};

use crate::{
    data::{lanes, rng},
    gpu, request,
};

fn sample(len: usize) -> Vec<u8> {
    use rand::RngExt;
    let mut rng = rng(500);
    (0..len).map(|_| rng.random_range(0..12_u8) * rng.random_range(0..12)).collect()
}

/// One that nobody else uses.
fn doomed() -> Option<Gpu> {
    request(&GpuOptions::new().batch_len(256 << 10))
}

#[test]
fn the_cpu_goes_on_where_a_destroyed_device_stopped() {
    let Some(gpu) = doomed() else { return };
    let mut decoder = Decoder::new(&gpu);
    let raw = sample(200_000);
    let coded = lanes(raw.clone(), 16 << 10, 12);
    let blocks = [Block::parse(&coded.block).unwrap(); 4];
    let mut out = vec![0; 800_000];
    decoder.decode_into(&blocks, &mut out).unwrap();
    assert_eq!(out, raw.repeat(4));
    let before = gpu.tally();
    assert_eq!(before.decoded, 4);
    let resident = ResidentBlocks::upload(&gpu, &blocks).unwrap();

    gpu.device().destroy();
    out.fill(0);
    decoder.decode_into(&blocks, &mut out).unwrap();
    assert_eq!(out, raw.repeat(4));
    let reason = gpu.lost().expect("it is known to be gone").to_string();
    assert_eq!(gpu.tally().decoded, before.decoded, "{reason}");
    assert_eq!(gpu.tally().returned, before.returned + 4);
    assert_eq!(ResidentBlocks::upload(&gpu, &blocks).unwrap_err(), GpuError::Lost(reason.clone()));
    let out = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: resident.buffer_len(),
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    assert_eq!(resident.record_decode(&mut encoder, &out, 0).unwrap_err(), GpuError::Lost(reason));
}

#[test]
fn a_device_of_the_callers_without_handlers_does_not_panic() {
    let Some(gpu) = gpu() else { return };
    let Some((device, queue)) = crate::limits::device(gpu, &gpu.device().limits()) else { return };
    let gpu = Gpu::from_wgpu(device, queue, &GpuOptions::new()).unwrap();
    gpu.device().destroy();
    let coded = lanes(sample(100_000), 16 << 10, 12);
    let mut out = vec![0; 100_000];
    Decoder::new(&gpu).decode_into(&[Block::parse(&coded.block).unwrap()], &mut out).unwrap();
    assert_eq!(out, coded.raw);
    assert!(gpu.lost().is_some());
    assert_eq!(gpu.tally().decoded, 0);
}

#[test]
fn a_stream_whose_device_is_destroyed_yields_every_byte() {
    // Half of the raw bytes are far more than blocks under way: the second half is submitted after
    // the end of the device.
    let raw = sample(6 << 20);
    let options = EncodeOptions::new().mode(Mode::Lanes).block_len(64 << 10).segment_len(16 << 10).content_check(true);
    let stream = compress(&raw, &options).unwrap();
    for threads in [1, 2] {
        let Some(gpu) = doomed() else { return };
        let options = DecodeOptions::new().gpu(&gpu).threads(threads).in_flight(12);
        let mut reader = RansReader::with_options(Cursor::new(&stream), options);
        let mut back = vec![0; raw.len() / 2];
        reader.read_exact(&mut back).unwrap();
        assert!(gpu.tally().decoded > 0, "the device had its part");
        gpu.device().destroy();
        reader.read_to_end(&mut back).unwrap();
        assert!(back == raw, "{threads} threads");
        assert!(gpu.tally().decoded < 96, "and the CPU had its part: {:?}", gpu.tally());
        assert!(gpu.lost().is_some());
    }
}

#[test]
fn a_device_destroyed_at_any_moment_costs_no_byte() {
    let raw = sample(3 << 20);
    let options = EncodeOptions::new().mode(Mode::Lanes).block_len(128 << 10).segment_len(16 << 10);
    let stream = compress(&raw, &options).unwrap();
    for pause in [0, 1, 3, 7, 15, 40] {
        let Some(gpu) = doomed() else { return };
        let device = gpu.device().clone();
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(pause));
            device.destroy();
        });
        let mut back = Vec::new();
        RansReader::with_options(&stream[..], DecodeOptions::new().gpu(&gpu)).read_to_end(&mut back).unwrap();
        assert!(back == raw, "destroyed after {pause} ms");
        killer.join().unwrap();
    }
}
