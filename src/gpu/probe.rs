//! How large subgroups are when they run.
//!
//! An adapter that says "4 to 64" may have subgroups of 32 alone, as those of Apple do. What was
//! seen is believed: the kernel looks again in every job, and leaves one undone that is not so.

use crate::gpu::{
    GpuError,
    slot::{arrived, map, wait_for, words},
};

/// Workgroups that look.
const WORKGROUPS: u32 = 64;

/// The smallest and the largest subgroup of the device; `None`: it has none. Call it within error
/// scopes.
///
/// # Errors
///
/// [`GpuError::Device`] when the device fails.
pub(super) fn subgroups(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    info: &wgpu::AdapterInfo,
) -> Result<Option<(u32, u32)>, GpuError> {
    if !device.features().contains(wgpu::Features::SUBGROUP) {
        return Ok(None);
    }
    let said = (info.subgroup_min_size, info.subgroup_max_size);
    // Nothing is left to find out then.
    if said.0 == said.1 { Ok(Some(said)) } else { seen(device, queue).map(Some) }
}

fn seen(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<(u32, u32), GpuError> {
    use wgpu::BufferUsages as Usage;
    let buffer = |size, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: Some("probe"), size, usage, mapped_at_creation: false })
    };
    let sizes = [u32::MAX, 0].map(|first| {
        let size = buffer(4, Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST);
        queue.write_buffer(&size, 0, &first.to_ne_bytes());
        size
    });
    let back = buffer(8, Usage::MAP_READ | Usage::COPY_DST);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("ranstream probe"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/probe.wgsl").into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("ranstream probe"),
        layout: None,
        module: &module,
        entry_point: Some("probe"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let entry =
        |index: usize| wgpu::BindGroupEntry { binding: index as u32, resource: sizes[index].as_entire_binding() };
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("ranstream probe"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[entry(0), entry(1)],
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(&pipeline);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups(WORKGROUPS, 1, 1);
    drop(pass);
    for (at, size) in (0..).step_by(4).zip(&sizes) {
        encoder.copy_buffer_to_buffer(size, 0, &back, at, 4);
    }
    let submission = queue.submit([encoder.finish()]);
    let mapped = map(&back, wgpu::MapMode::Read);
    wait_for(device, Some(submission))?;
    arrived(&mapped)?;
    let view = back.get_mapped_range(..).map_err(|error| GpuError::Device(error.to_string()))?;
    match words(&view)[..] {
        [smallest, largest] if smallest <= largest => Ok((smallest, largest)),
        ref found => Err(GpuError::Device(format!("the probe of subgroups did not run: {found:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Gpu, GpuOptions};

    #[test]
    fn subgroups_that_run_are_as_large_as_the_adapter_says() {
        let Ok(gpu) = Gpu::request(&GpuOptions::new().software(true)) else {
            println!("skipped: no adapter");
            return;
        };
        if !gpu.device().features().contains(wgpu::Features::SUBGROUP) {
            println!("skipped: no subgroups");
            return;
        }
        let (smallest, largest) = seen(gpu.device(), gpu.queue()).unwrap();
        let info = gpu.info();
        assert!((info.subgroup_min_size..=info.subgroup_max_size).contains(&smallest), "{smallest}");
        assert!((smallest..=info.subgroup_max_size).contains(&largest), "{largest}");
    }
}
