//! The buffers of one batch, made once and used again, and its way to the device and back.

use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use crate::{
    gpu::{Gpu, GpuError},
    jobs::{Capacity, Job, Stage, WriteAt, bytes_of},
};

/// A device that takes longer than this over one batch is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a batch lives.
#[derive(Debug)]
pub(super) struct Slot {
    capacity: Capacity,
    /// Coded words, then jobs.
    upload: wgpu::Buffer,
    buffers: DeviceBuffers,
    raw: wgpu::Buffer,
    /// Raw words, then statuses.
    readback: wgpu::Buffer,
}

/// What the kernel reads, and its verdicts.
#[derive(Debug)]
pub(super) struct DeviceBuffers {
    pub(super) coded: wgpu::Buffer,
    pub(super) jobs: wgpu::Buffer,
    pub(super) status: wgpu::Buffer,
}

/// A batch that is filled.
#[derive(Debug)]
pub(super) struct Filled {
    slot: Slot,
    jobs: usize,
    used: Capacity,
}

/// A batch that the device has.
#[derive(Debug)]
pub(super) struct Flight {
    slot: Slot,
    jobs: usize,
    used: Capacity,
    submission: wgpu::SubmissionIndex,
    mapped: [Mapped; 2],
}

/// A batch that is done, its raw bytes and statuses mapped.
pub(super) struct Arrived {
    slot: Slot,
    view: wgpu::BufferView,
    raw_len: usize,
    statuses: Vec<u32>,
}

/// Tells when a buffer is mapped.
type Mapped = Receiver<Result<(), wgpu::BufferAsyncError>>;

impl Slot {
    /// Call it within [`Gpu::attempt`].
    pub(super) fn new(gpu: &Gpu, capacity: Capacity) -> Self {
        use wgpu::BufferUsages as Usage;
        let create = |label, words: usize, usage, mapped| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                // No buffer may be empty.
                size: 4 * words.max(1) as u64,
                usage,
                mapped_at_creation: mapped,
            })
        };
        let job_words = capacity.jobs * (size_of::<Job>() / 4);
        Self {
            capacity,
            upload: create("upload", capacity.coded_words + job_words, Usage::MAP_WRITE | Usage::COPY_SRC, true),
            buffers: DeviceBuffers {
                coded: create("coded", capacity.coded_words, Usage::STORAGE | Usage::COPY_DST, false),
                jobs: create("jobs", job_words, Usage::STORAGE | Usage::COPY_DST, false),
                status: create("status", capacity.jobs, Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST, false),
            },
            raw: create("raw", capacity.raw_words, Usage::STORAGE | Usage::COPY_SRC, false),
            readback: create("readback", capacity.raw_words + capacity.jobs, Usage::MAP_READ | Usage::COPY_DST, false),
        }
    }

    pub(super) fn holds(&self, capacity: Capacity) -> bool {
        self.capacity.take(capacity).is_some()
    }

    /// Lets `fill` put blocks into the upload buffer. Call it within [`Gpu::attempt`].
    pub(super) fn fill(self, fill: impl FnOnce(&mut Stage<'_>)) -> Result<Filled, GpuError> {
        let mut view = self.upload.get_mapped_range_mut(..).map_err(|error| GpuError::Device(error.to_string()))?;
        let mut stage = Stage::new(&mut view, self.capacity);
        fill(&mut stage);
        let (jobs, used) = stage.finish();
        let bytes = bytes_of(&jobs);
        let at = 4 * used.coded_words;
        view.slice(at..at + bytes.len()).copy_from_slice(bytes);
        drop(view);
        Ok(Filled { slot: self, jobs: jobs.len(), used })
    }
}

impl Filled {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs == 0
    }

    /// Coded bytes that travel to the device.
    pub(super) fn coded_len(&self) -> usize {
        4 * self.used.coded_words
    }

    /// The slot, with nothing done.
    pub(super) fn into_slot(self) -> Slot {
        self.slot
    }

    /// Copy up, decode, copy down. Call it within [`Gpu::attempt`].
    pub(super) fn submit(self, gpu: &Gpu) -> Flight {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.record_upload(&mut encoder);
        self.record_kernel(gpu, &mut encoder);
        self.record_readback(&mut encoder);
        self.launch(gpu, encoder)
    }

    pub(super) fn record_upload(&self, encoder: &mut wgpu::CommandEncoder) {
        let (slot, coded) = (&self.slot, self.coded_len() as u64);
        slot.upload.unmap();
        if coded > 0 {
            encoder.copy_buffer_to_buffer(&slot.upload, 0, &slot.buffers.coded, 0, coded);
        }
        let jobs = (self.jobs * size_of::<Job>()) as u64;
        encoder.copy_buffer_to_buffer(&slot.upload, coded, &slot.buffers.jobs, 0, jobs);
    }

    pub(super) fn record_kernel(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder) {
        let raw = wgpu::BufferBinding { buffer: &self.slot.raw, offset: 0, size: None };
        self.slot.buffers.record_kernel(gpu, encoder, self.jobs, raw, None);
    }

    pub(super) fn record_readback(&self, encoder: &mut wgpu::CommandEncoder) {
        let (slot, raw) = (&self.slot, 4 * self.used.raw_words as u64);
        encoder.copy_buffer_to_buffer(&slot.raw, 0, &slot.readback, 0, raw);
        encoder.copy_buffer_to_buffer(&slot.buffers.status, 0, &slot.readback, raw, 4 * self.jobs as u64);
    }

    /// Submits `encoder`, which holds the last of the records.
    pub(super) fn launch(self, gpu: &Gpu, encoder: wgpu::CommandEncoder) -> Flight {
        let Self { slot, jobs, used } = self;
        let submission = gpu.queue().submit([encoder.finish()]);
        let mapped = [(&slot.upload, wgpu::MapMode::Write), (&slot.readback, wgpu::MapMode::Read)]
            .map(|(buffer, mode)| map(buffer, mode));
        Flight { slot, jobs, used, submission, mapped }
    }
}

impl DeviceBuffers {
    /// Clears the statuses and runs `jobs`, whose raw bytes go to `raw`.
    pub(super) fn record_kernel(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        jobs: usize,
        raw: wgpu::BufferBinding<'_>,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) {
        // The kernel asks the binding how many jobs there are.
        let jobs_len = wgpu::BufferSize::new((jobs * size_of::<Job>()) as u64);
        let list = wgpu::BufferBinding { buffer: &self.jobs, offset: 0, size: jobs_len };
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let entries = [
            entry(0, self.coded.as_entire_binding()),
            entry(1, wgpu::BindingResource::Buffer(list)),
            entry(2, wgpu::BindingResource::Buffer(raw)),
            entry(3, self.status.as_entire_binding()),
            entry(4, self.coded.as_entire_binding()),
        ];
        let group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("ranstream decode"),
            layout: &gpu.kernel().bindings,
            entries: &entries[..entries.len() - usize::from(!gpu.kernel().loads_16_bits)],
        });
        encoder.clear_buffer(&self.status, 0, None);
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        pass.set_pipeline(&gpu.kernel().pipeline);
        pass.set_bind_group(0, &group, &[]);
        let (x, y) = gpu.grid(jobs);
        pass.dispatch_workgroups(x, y, 1);
    }
}

impl Flight {
    /// Waits for the batch. Call it within [`Gpu::attempt`].
    pub(super) fn arrive(self, gpu: &Gpu) -> Result<Arrived, GpuError> {
        let Self { slot, jobs, used, submission, mapped } = self;
        wait(gpu.device(), Some(submission))?;
        mapped.iter().try_for_each(arrived)?;
        let (raw, end) = (4 * used.raw_words, 4 * (used.raw_words + jobs));
        let view = view(&slot.readback, end as u64)?;
        let statuses = words(&view[raw..]);
        Ok(Arrived { slot, view, raw_len: raw, statuses })
    }
}

impl Arrived {
    pub(super) fn raw(&self) -> &[u8] {
        &self.view[..self.raw_len]
    }

    pub(super) fn statuses(&self) -> &[u32] {
        &self.statuses
    }

    pub(super) fn release(self) -> Slot {
        let Self { slot, view, .. } = self;
        drop(view);
        slot.readback.unmap();
        slot
    }
}

impl WriteAt for wgpu::QueueWriteBufferView {
    fn write_at(&mut self, at: usize, bytes: &[u8]) {
        self.slice(at..at + bytes.len()).copy_from_slice(bytes);
    }
}

impl WriteAt for wgpu::BufferViewMut {
    fn write_at(&mut self, at: usize, bytes: &[u8]) {
        self.slice(at..at + bytes.len()).copy_from_slice(bytes);
    }
}

/// The numbers in `bytes`, which need not be aligned for them.
pub(super) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word)).collect()
}

/// Maps a whole buffer and waits for it, once `submission` is done, or all there are.
pub(super) fn read(
    device: &wgpu::Device,
    buffer: &wgpu::Buffer,
    submission: Option<wgpu::SubmissionIndex>,
) -> Result<wgpu::BufferView, GpuError> {
    let mapped = map(buffer, wgpu::MapMode::Read);
    wait(device, submission)?;
    arrived(&mapped)?;
    view(buffer, buffer.size())
}

/// Waits for a submission, or for all there are.
pub(super) fn wait(device: &wgpu::Device, submission_index: Option<wgpu::SubmissionIndex>) -> Result<(), GpuError> {
    let wait = wgpu::PollType::Wait { submission_index, timeout: Some(PATIENCE) };
    match device.poll(wait) {
        Ok(_) => Ok(()),
        Err(error) => Err(GpuError::Device(error.to_string())),
    }
}

fn map(buffer: &wgpu::Buffer, mode: wgpu::MapMode) -> Mapped {
    let (sender, receiver) = channel();
    buffer.map_async(mode, .., move |result| {
        let _ = sender.send(result);
    });
    receiver
}

/// The mapping is done, after [`wait`]. The callback may still be on its way: whoever polls the
/// device, another thread perhaps, calls it.
fn arrived(mapped: &Mapped) -> Result<(), GpuError> {
    match mapped.recv_timeout(PATIENCE) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(GpuError::Device(error.to_string())),
        Err(_) => Err(GpuError::Device("a buffer was never mapped".into())),
    }
}

/// The first `len` bytes of a buffer that is mapped.
fn view(buffer: &wgpu::Buffer, len: u64) -> Result<wgpu::BufferView, GpuError> {
    buffer.get_mapped_range(..len).map_err(|error| GpuError::Device(error.to_string()))
}
