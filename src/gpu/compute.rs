//! A shader, buffers for it, and what comes back: for what is run now and then. Batches that are
//! decoded one after the other keep their buffers, in `slot`.

use std::ops::Range;

use crate::gpu::{GpuError, slot::read};

/// The pipeline of a module's one entry point. Without a `layout`: the one that the shader tells.
pub(super) fn pipeline(
    device: &wgpu::Device,
    label: &str,
    module: &wgpu::ShaderModule,
    layout: Option<&wgpu::PipelineLayout>,
) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(label),
        layout,
        module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            // Every shader of ours writes what it reads there.
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}

/// The pipeline of a shader, with every check of wgpu's.
pub(super) fn checked_pipeline(device: &wgpu::Device, label: &str, source: String) -> wgpu::ComputePipeline {
    let source = wgpu::ShaderSource::Wgsl(source.into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(label), source });
    pipeline(device, label, &module, None)
}

/// A buffer that shaders use, of zeros.
pub(super) fn empty(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("ranstream"),
        // No buffer may be empty.
        size: size.max(4),
        usage: wgpu::BufferUsages::STORAGE | usage,
        mapped_at_creation: false,
    })
}

/// A buffer that shaders use, with `contents`.
pub(super) fn filled(device: &wgpu::Device, queue: &wgpu::Queue, contents: &[u8]) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let buffer = empty(device, contents.len() as u64, usage);
    queue.write_buffer(&buffer, 0, contents);
    buffer
}

pub(super) fn new_encoder(device: &wgpu::Device) -> wgpu::CommandEncoder {
    device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
}

/// Records a run of `pipeline`, over a grid of workgroups, with `resources` as its bindings 0, 1
/// and so on.
pub(super) fn record(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    pipeline: &wgpu::ComputePipeline,
    resources: &[wgpu::BindingResource<'_>],
    (x, y): (u32, u32),
) {
    let entries: Vec<_> = (0..)
        .zip(resources)
        .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
        .collect();
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("ranstream"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups(x, y, 1);
}

/// Bytes of a buffer: from a multiple of 4 on, and the buffer has as many as fill their last word.
#[derive(Debug, Clone)]
pub(super) struct Region<'b> {
    pub(super) buffer: &'b wgpu::Buffer,
    pub(super) at: u64,
    pub(super) len: usize,
}

/// Bytes that came from the device, in mapped memory.
pub(super) struct Fetched {
    /// `None`: no bytes were asked for.
    view: Option<wgpu::BufferView>,
    places: Vec<Range<usize>>,
}

impl Fetched {
    /// The bytes of each region.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let all = self.view.as_deref().unwrap_or_default();
        self.places.iter().map(|place| &all[place.clone()])
    }

    /// The bytes of the first region.
    pub(super) fn first(&self) -> &[u8] {
        self.iter().next().unwrap_or_default()
    }
}

/// Submits what was recorded, and brings regions to the host. Where they have no bytes, the device
/// is not waited for.
pub(super) fn fetch(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    mut encoder: wgpu::CommandEncoder,
    regions: &[Region<'_>],
) -> Result<Fetched, GpuError> {
    let (mut places, mut end) = (Vec::with_capacity(regions.len()), 0);
    for region in regions {
        places.push(end..end + region.len);
        end += region.len.next_multiple_of(4);
    }
    if end == 0 {
        queue.submit([encoder.finish()]);
        return Ok(Fetched { view: None, places });
    }
    let back = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("ranstream readback"),
        size: end as u64,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    for (region, place) in regions.iter().zip(&places).filter(|(region, _)| region.len > 0) {
        let len = region.len.next_multiple_of(4) as u64;
        encoder.copy_buffer_to_buffer(region.buffer, region.at, &back, place.start as u64, len);
    }
    let submission = queue.submit([encoder.finish()]);
    Ok(Fetched { view: Some(read(device, &back, Some(submission))?), places })
}
