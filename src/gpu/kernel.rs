//! The decode kernel on one device.

use crate::gpu::compute;

/// The kernel of one form on one device.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) bindings: wgpu::BindGroupLayout,
    /// Binding 4 has the same bytes as binding 0.
    pub(super) loads_16_bits: bool,
}

impl Kernel {
    #[expect(unsafe_code, reason = "the host verifies what the shader's own checks would")]
    pub(super) fn new(device: &wgpu::Device, source: String, loads_16_bits: bool) -> Self {
        let shader = wgpu::ShaderModuleDescriptor {
            label: Some("ranstream decode"),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        // SAFETY: every index the shader uses comes from a job, which `stage` writes from a payload
        // that the CPU's own parser verified and places inside the bound ranges; a table's slots
        // are masked to its scale, and a scale that the table is too small for is searched among
        // the cumulatives, whose sum the parser verified; the indices that depend on coded
        // words, that of the next word and that of what is asked for ahead, are clamped to the
        // words of their segment or state; a segment without words has states in front of them, and
        // one that is none the job's table; every loop counts to a number in a job.
        let module = unsafe { device.create_shader_module_trusted(shader, wgpu::ShaderRuntimeChecks::unchecked()) };
        let storage = |binding, read_only| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries = [storage(0, true), storage(1, true), storage(2, false), storage(3, false), storage(4, true)];
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("ranstream decode"),
            entries: &entries[..entries.len() - usize::from(!loads_16_bits)],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("ranstream decode"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pipeline = compute::pipeline(device, "ranstream decode", &module, Some(&layout));
        Self { pipeline, bindings, loads_16_bits }
    }
}
