//! Devices that allow little.

use ranstream::gpu::{Block, Decoder, Gpu, GpuError, GpuOptions, wgpu};

use crate::{
    data::{self, rng},
    gpu,
};

/// A device on the same adapter, with `limits`.
pub fn device(gpu: &Gpu, limits: &wgpu::Limits) -> Option<(wgpu::Device, wgpu::Queue)> {
    device_with(gpu, gpu.device().features(), limits)
}

/// The same, with `features` alone.
pub fn device_with(
    gpu: &Gpu,
    required_features: wgpu::Features,
    limits: &wgpu::Limits,
) -> Option<(wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name == gpu.info().name)?;
    let descriptor =
        wgpu::DeviceDescriptor { required_features, required_limits: limits.clone(), ..Default::default() };
    Some(pollster::block_on(adapter.request_device(&descriptor)).unwrap())
}

fn least(gpu: &Gpu) -> wgpu::Limits {
    wgpu::Limits {
        max_buffer_size: 64 << 10,
        max_storage_buffer_binding_size: 40 << 10,
        max_storage_buffers_per_shader_stage: 4,
        max_compute_workgroup_storage_size: 18_536,
        max_compute_invocations_per_workgroup: 256,
        max_compute_workgroup_size_x: 256,
        max_compute_workgroups_per_dimension: 3,
        ..gpu.device().limits()
    }
}

#[test]
fn batches_are_cut_to_the_limits_and_larger_blocks_are_for_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let Some((device, queue)) = device(gpu, &least(gpu)) else { return };
    let gpu = Gpu::from_wgpu(device, queue, &GpuOptions::new()).unwrap();
    let mut decoder = Decoder::new(&gpu);
    let mut rng = rng(400);
    let coded: Vec<_> =
        (0..200).map(|index| data::random(&mut rng, if index % 10 == 0 { 200_000 } else { 20_000 })).collect();
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(&coded.block).unwrap()).collect();
    let mut out = vec![0; coded.iter().map(|coded| coded.raw.len()).sum()];
    decoder.decode_into(&blocks, &mut out).unwrap();
    assert_eq!(gpu.lost(), None);
    assert!(out.iter().eq(coded.iter().flat_map(|coded| &coded.raw)));
    let tally = gpu.tally();
    assert!(tally.decoded > 100 && tally.returned > 5, "{tally:?}");
}

#[test]
fn a_limit_below_what_the_kernel_needs_is_named() {
    let Some(gpu) = gpu() else { return };
    let lower: [(_, fn(&mut wgpu::Limits)); 3] = [
        ("max_compute_workgroup_storage_size", |limits| limits.max_compute_workgroup_storage_size = 16_384),
        ("max_storage_buffers_per_shader_stage", |limits| limits.max_storage_buffers_per_shader_stage = 3),
        ("max_compute_invocations_per_workgroup", |limits| limits.max_compute_invocations_per_workgroup = 128),
    ];
    for (name, lower) in lower {
        let mut limits = least(gpu);
        lower(&mut limits);
        let Some((device, queue)) = device(gpu, &limits) else { return };
        let error = Gpu::from_wgpu(device, queue, &GpuOptions::new()).unwrap_err();
        assert!(
            matches!(error, GpuError::Limit { limit, needed, available } if limit == name && needed > available),
            "{error}"
        );
    }
}
