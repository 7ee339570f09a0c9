//! What a batch costs on a device, and how much of what waits is therefore for the device.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::{
    EncodeOptions, Mode, block,
    device::Load,
    gpu::{
        Block, Gpu, GpuError,
        self_test::skewed,
        slot::{Filled, Slot, wait},
    },
    jobs::Capacity,
};

/// Fewer raw bytes than this never go to a device that was not asked for.
const SMALLEST_BATCH: f64 = (1 << 20) as f64;

/// Blocks of a measured batch. One of them takes the time that does not depend on the size, all of
/// them the rest.
const BLOCKS: usize = 16;

const BLOCK_LEN: usize = 256 << 10;

/// A device is reckoned slower than it was measured, by this much: what was measured once will not
/// hold to the last percent, and who waits for a device waits for many blocks.
const MARGIN: f64 = 1.3;

/// What a batch costs on a device, in seconds: measured once, with blocks of `lanes`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// Of a batch, whatever its size.
    pub batch: f64,
    /// Of a coded byte on its way to the device: verified and copied by the host, and then by the
    /// device.
    pub upload: f64,
    /// Of a raw byte in the kernel.
    pub kernel: f64,
    /// Of a raw byte on its way back: copied by the device, and then by the host.
    pub readback: f64,
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
        };
        cost.batch = (whole - cost.seconds(coded.len(), raw.len())).max(0.0);
        Some(cost)
    }

    /// What a batch of so many coded and raw bytes is reckoned to take.
    #[must_use]
    pub fn seconds(&self, coded_len: usize, raw_len: usize) -> f64 {
        self.batch + self.upload * coded_len as f64 + (self.kernel + self.readback) * raw_len as f64
    }

    /// Of the work that waits, the raw bytes that the device will have done, behind those
    /// `under_way` on it, when the threads have done the rest. The threads together take `cpu`
    /// seconds for a raw byte. 0: too few to be worth it.
    pub(crate) fn share(&self, waiting: Load, under_way: Load, cpu: f64) -> u64 {
        let coded_of = |load: Load| load.coded_len as f64 / load.raw_len.max(1) as f64;
        let device = |load: Load| MARGIN * (self.upload * coded_of(load) + self.kernel + self.readback);
        let ahead = MARGIN * self.batch + device(under_way) * under_way.raw_len as f64;
        // Solves: ahead + device * share = cpu * (waiting - share).
        let share = (cpu * waiting.raw_len as f64 - ahead) / (device(waiting) + cpu);
        if share >= SMALLEST_BATCH { share as u64 } else { 0 }
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
    let capacity = (0..blocks).filter_map(|_| Capacity::of(sample)).fold(Capacity::NOTHING, Capacity::plus);
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
    wait(gpu.device(), Some(gpu.queue().submit([encoder.finish()])))?;
    Ok(Instant::now())
}

fn read_back(gpu: &Gpu, filled: Filled) -> Result<Instant, GpuError> {
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    filled.record_readback(&mut encoder);
    black_box(filled.launch(gpu, encoder).arrive(gpu)?.raw().to_vec());
    Ok(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn load(raw_len: u64) -> Load {
        Load { raw_len, coded_len: raw_len / 2 }
    }

    /// A gigabyte takes: up 1 s by its coded bytes, 0.1 s in the kernel, 1 s back.
    const COST: Cost = Cost { batch: 1e-3, upload: 1e-9, kernel: 1e-10, readback: 1e-9 };

    #[test]
    fn device_and_threads_are_done_at_the_same_time() {
        for cpu in [1e-10, 5e-10, 1e-9, 1e-8] {
            for waiting in [4 * MIB, 48 * MIB, 512 * MIB] {
                let share = COST.share(load(waiting), Load::default(), cpu);
                assert!(share <= waiting && (share == 0 || share >= MIB), "{share}");
                let threads = cpu * (waiting - share) as f64;
                let device = MARGIN * COST.seconds(share as usize / 2, share as usize);
                assert!(share == 0 || (device - threads).abs() < 1e-6, "{device} {threads}");
                let all_on_threads = cpu * waiting as f64;
                assert!(threads.max(if share > 0 { device } else { 0.0 }) <= all_on_threads);
            }
        }
    }

    #[test]
    fn a_device_takes_nothing_that_the_threads_will_sooner_have_done() {
        let share = |waiting, under_way, cpu| COST.share(load(waiting), load(under_way), cpu);
        assert_eq!(share(MIB, 0, 1e-9), 0, "the batch alone takes as long as the threads");
        assert_eq!(share(MIB, 0, 1.0), 0, "not all of it, so less than the smallest batch");
        assert!(share(16 * MIB, 0, 1e-9) > MIB);
        assert_eq!(share(16 * MIB, 16 * MIB, 1e-9), 0, "it has enough to do");
        assert_eq!(share(0, 0, 1e-9), 0);
    }

    #[test]
    fn any_device_can_be_measured() {
        let Ok(gpu) = Gpu::request(&crate::gpu::GpuOptions::new().software(true)) else {
            println!("skipped: no adapter");
            return;
        };
        let cost = Cost::measure(&gpu).expect("the device works");
        for seconds in [cost.batch, cost.upload, cost.kernel, cost.readback] {
            assert!((0.0..1.0).contains(&seconds), "{cost:?}");
        }
        assert!(cost.seconds(8 << 20, 16 << 20) > 0.0);
    }
}
