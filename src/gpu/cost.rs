//! What a batch costs on a device, and what it costs on a thread of the CPU.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::{
    EncodeOptions, Mode, block,
    gpu::{
        Block, Gpu, GpuError,
        plan::{Capacity, needs},
        slot::{Filled, Slot},
    },
};

/// Fewer raw bytes than this never go to a device that was not asked for.
pub(crate) const SMALLEST_BATCH: usize = 1 << 20;

/// Blocks of a measured batch. One of them takes the time that does not depend on the size, all of them the rest.
const BLOCKS: usize = 16;

const BLOCK_LEN: usize = 256 << 10;

/// The device must be better than the CPU by this much: what was measured once will not hold to the last percent.
const MARGIN: f64 = 1.3;

/// Seconds, measured once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Of a batch, whatever its size.
    batch: f64,
    /// Of a coded byte on its way to the device.
    upload: f64,
    /// Of a raw byte in the kernel.
    kernel: f64,
    /// Of a raw byte on its way back.
    readback: f64,
    /// Of a raw byte on one thread of the CPU.
    cpu: f64,
}

impl Cost {
    /// Decodes a small and a large batch, after one to warm up. `None`: the device failed.
    pub(super) fn measure(gpu: &Gpu) -> Option<Self> {
        let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(16 << 10);
        let raw = skewed(BLOCK_LEN);
        let mut coded = Vec::new();
        block::encode(&raw, &options, &mut coded).ok()?;
        let sample = Block::parse(&coded).ok()?;
        let one = measure_batch(gpu, &sample, 1).and_then(|_| measure_batch(gpu, &sample, 1)).ok()?;
        let all = measure_batch(gpu, &sample, BLOCKS).ok()?;

        let per_byte = |part: fn(&Times) -> Duration, block_len: usize| {
            (part(&all).as_secs_f64() - part(&one).as_secs_f64()).max(0.0) / ((BLOCKS - 1) * block_len) as f64
        };
        let whole = (one.upload + one.kernel + one.readback).as_secs_f64();
        let mut cost = Self {
            batch: 0.0,
            upload: per_byte(|times| times.upload, coded.len()),
            kernel: per_byte(|times| times.kernel, raw.len()),
            readback: per_byte(|times| times.readback, raw.len()),
            cpu: cpu_seconds(&sample)? / raw.len() as f64,
        };
        cost.batch = (whole - cost.on_gpu(coded.len(), raw.len())).max(0.0);
        Some(cost)
    }

    /// Whether the device is the better place for a batch, with `threads` of the CPU as the other.
    pub(crate) fn prefers_gpu(&self, coded_len: usize, raw_len: usize, threads: usize) -> bool {
        let on_cpu = self.cpu * raw_len as f64 / threads.max(1) as f64;
        raw_len >= SMALLEST_BATCH && self.on_gpu(coded_len, raw_len) * MARGIN < on_cpu
    }

    fn on_gpu(&self, coded_len: usize, raw_len: usize) -> f64 {
        self.batch + self.upload * coded_len as f64 + (self.kernel + self.readback) * raw_len as f64
    }
}

#[derive(Debug)]
struct Times {
    upload: Duration,
    kernel: Duration,
    readback: Duration,
}

/// One batch in three submissions, each waited for.
fn measure_batch(gpu: &Gpu, sample: &Block<'_>, blocks: usize) -> Result<Times, GpuError> {
    let capacity = (0..blocks).filter_map(|_| needs(sample)).fold(Capacity::NOTHING, Capacity::plus);
    gpu.attempt(|| {
        let slot = Slot::new(gpu, capacity);
        let start = Instant::now();
        let filled = slot.fill(|stage| {
            for _ in 0..blocks {
                stage.push(sample);
            }
        })?;
        let uploaded = run(gpu, |encoder| filled.record_upload(encoder))?;
        let decoded = run(gpu, |encoder| filled.record_kernel(gpu, encoder))?;
        let read = read_back(gpu, filled)?;
        Ok(Times { upload: uploaded - start, kernel: decoded - uploaded, readback: read - decoded })
    })
}

fn run(gpu: &Gpu, record: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Instant, GpuError> {
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    record(&mut encoder);
    super::slot::wait(gpu, Some(gpu.queue().submit([encoder.finish()])))?;
    Ok(Instant::now())
}

fn read_back(gpu: &Gpu, filled: Filled) -> Result<Instant, GpuError> {
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filled.record_readback(&mut encoder);
    filled.launch(gpu, encoder).finish(gpu, |raw, _| black_box(raw.to_vec()))?;
    Ok(Instant::now())
}

/// The best of three.
fn cpu_seconds(sample: &Block<'_>) -> Option<f64> {
    let mut raw = vec![0; sample.raw_len()];
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        sample.decode(&mut raw).ok()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Some(best)
}

/// About 6 bits per byte, as text and quantised numbers have.
fn skewed(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 26
    };
    (0..len).map(|_| (draw() + draw()) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_preferred_only_where_it_is_clearly_better() {
        let cost = Cost { batch: 1e-3, upload: 1e-10, kernel: 1e-11, readback: 1e-10, cpu: 1e-9 };
        assert!(!cost.prefers_gpu(1 << 19, (1 << 20) - 1, 1), "below the smallest batch");
        assert!(!cost.prefers_gpu(1 << 19, 1 << 20, 1), "1 ms per batch is what the CPU takes");
        assert!(cost.prefers_gpu(8 << 20, 16 << 20, 1));
        assert!(!cost.prefers_gpu(8 << 20, 16 << 20, 8), "eight threads are as fast");
    }
}
