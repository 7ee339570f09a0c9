//! How large subgroups are when they run.
//!
//! An adapter that says "4 to 64" may have subgroups of 32 alone, as those of Apple do. What was
//! seen is believed: the kernel looks again in every job, and leaves one undone that is not so.

use crate::gpu::{
    GpuError,
    compute::{Region, checked_pipeline, fetch, filled, new_encoder, record},
    slot::words,
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
    let sizes = [u32::MAX, 0].map(|first| filled(device, queue, &first.to_ne_bytes()));
    let pipeline = checked_pipeline(device, "ranstream probe", include_str!("../../shaders/probe.wgsl").into());
    let mut encoder = new_encoder(device);
    let bindings: Vec<_> = sizes.iter().map(wgpu::Buffer::as_entire_binding).collect();
    record(device, &mut encoder, &pipeline, &bindings, (WORKGROUPS, 1));
    let fetched = fetch(device, queue, encoder, &sizes.each_ref().map(|buffer| Region { buffer, at: 0, len: 4 }))?;
    match fetched.iter().flat_map(words).collect::<Vec<_>>()[..] {
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
