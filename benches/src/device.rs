//! A device to measure on: how to open it, its clock, and what copies to it and from it take.

use std::{env, error::Error, hint::black_box, sync::mpsc::channel, time::Instant};

use ranstream::gpu::{
    Gpu,
    wgpu::{self, BufferUsages},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The adapter whose name has `RANS_GPU_ADAPTER` in it, or any: hardware first.
#[must_use]
pub fn adapter() -> Option<wgpu::Adapter> {
    let part = env::var("RANS_GPU_ADAPTER").unwrap_or_default().to_lowercase();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let named = adapters.into_iter().filter(|adapter| adapter.get_info().name.to_lowercase().contains(&part));
    named.min_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => 2,
        wgpu::DeviceType::Cpu => 3,
    })
}

/// What the decoder wants of the adapter, and its clock.
///
/// # Errors
///
/// When the adapter gives no device.
pub fn open(adapter: &wgpu::Adapter) -> Outcome<(wgpu::Device, wgpu::Queue)> {
    let clock = wgpu::Features::TIMESTAMP_QUERY;
    let descriptor = wgpu::DeviceDescriptor {
        required_features: Gpu::wanted_features(adapter) | (adapter.features() & clock),
        required_limits: Gpu::wanted_limits(adapter),
        ..Default::default()
    };
    Ok(pollster::block_on(adapter.request_device(&descriptor))?)
}

/// The device's clock, or the host's where the device has none.
#[derive(Debug)]
pub struct Timer {
    stamps: Option<Stamps>,
}

#[derive(Debug)]
struct Stamps {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    back: wgpu::Buffer,
    /// Seconds of a tick.
    tick: f64,
}

impl Timer {
    /// A clock for `device`.
    #[must_use]
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false })
        };
        let stamps = device.features().contains(wgpu::Features::TIMESTAMP_QUERY).then(|| Stamps {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC),
            back: buffer(BufferUsages::MAP_READ | BufferUsages::COPY_DST),
            tick: f64::from(queue.get_timestamp_period()) / 1e9,
        });
        Self { stamps }
    }

    /// Whose clock it is, in words.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.stamps {
            Some(_) => "kernel times by the device's clock",
            None => "no timestamps: kernel times by the host's clock, from submission to completion",
        }
    }

    /// Seconds that the device takes for the kernel that `record` records. It gets the queries that
    /// the kernel's clock goes to, the first two, where there is one.
    ///
    /// # Errors
    ///
    /// Those of `record`, and when the device fails.
    pub fn seconds(
        &self,
        gpu: &Gpu,
        record: impl FnOnce(&mut wgpu::CommandEncoder, Option<&wgpu::QuerySet>) -> Outcome<()>,
    ) -> Outcome<f64> {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        record(&mut encoder, self.stamps.as_ref().map(|stamps| &stamps.queries))?;
        if let Some(stamps) = &self.stamps {
            encoder.resolve_query_set(&stamps.queries, 0..2, &stamps.resolved, 0);
            encoder.copy_buffer_to_buffer(&stamps.resolved, 0, &stamps.back, 0, 16);
        }
        let begun = Instant::now();
        gpu.queue().submit([encoder.finish()]);
        gpu.device().poll(wgpu::PollType::wait_indefinitely())?;
        let elapsed = begun.elapsed().as_secs_f64();
        let Some(stamps) = &self.stamps else { return Ok(elapsed) };
        let ticks = read(gpu.device(), &stamps.back, |bytes| {
            let [first, last] = [0, 8].map(|at| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default()));
            last.saturating_sub(first)
        })?;
        Ok(ticks as f64 * stamps.tick)
    }
}

/// Seconds to bring `len` bytes of the host's to the device.
///
/// # Errors
///
/// When the device fails.
pub fn copy_up(device: &wgpu::Device, queue: &wgpu::Queue, len: usize) -> Outcome<f64> {
    let bytes = vec![7; len];
    let upload = buffer(device, len, BufferUsages::MAP_WRITE | BufferUsages::COPY_SRC, true);
    let there = buffer(device, len, BufferUsages::STORAGE | BufferUsages::COPY_DST, false);
    // The first use of a buffer clears it.
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.clear_buffer(&there, 0, None);
    queue.submit([encoder.finish()]);
    device.poll(wgpu::PollType::wait_indefinitely())?;

    let begun = Instant::now();
    upload.get_mapped_range_mut(..)?.slice(..).copy_from_slice(&bytes);
    upload.unmap();
    copy(device, queue, &upload, &there, len)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds to bring `len` bytes of the device to the host.
///
/// # Errors
///
/// When the device fails.
pub fn copy_down(device: &wgpu::Device, queue: &wgpu::Queue, len: usize) -> Outcome<f64> {
    let there = buffer(device, len, BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST, false);
    let readback = buffer(device, len, BufferUsages::MAP_READ | BufferUsages::COPY_DST, false);
    let mut bytes = vec![7; len];
    copy(device, queue, &there, &readback, len)?;

    let begun = Instant::now();
    copy(device, queue, &there, &readback, len)?;
    read(device, &readback, |mapped| bytes.copy_from_slice(mapped))?;
    black_box(&bytes);
    Ok(begun.elapsed().as_secs_f64())
}

fn copy(device: &wgpu::Device, queue: &wgpu::Queue, from: &wgpu::Buffer, to: &wgpu::Buffer, len: usize) -> Outcome<()> {
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(from, 0, to, 0, len as u64);
    queue.submit([encoder.finish()]);
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(())
}

fn buffer(device: &wgpu::Device, len: usize, usage: BufferUsages, mapped: bool) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size: len as u64, usage, mapped_at_creation: mapped })
}

/// Maps all of a buffer and shows it to `look`.
fn read<T>(device: &wgpu::Device, buffer: &wgpu::Buffer, look: impl FnOnce(&[u8]) -> T) -> Outcome<T> {
    let (sender, receiver) = channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        let _ = sender.send(result);
    });
    device.poll(wgpu::PollType::wait_indefinitely())?;
    receiver.recv()??;
    let seen = look(&buffer.get_mapped_range(..)?);
    buffer.unmap();
    Ok(seen)
}
