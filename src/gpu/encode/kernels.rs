//! The three shaders of the encoder, and how they are run.

use bytemuck::{Pod, Zeroable};

use crate::{
    gpu::{
        Gpu, GpuError,
        slot::{arrived, map, wait},
    },
    jobs::Shader,
};

/// What one workgroup counts. The twin of `Piece` in `shaders/encode/count.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Piece {
    pub(super) raw_at: u32,
    pub(super) block_len: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) segment_len: u32,
    pub(super) stride: u32,
    pub(super) counts_at: u32,
}

/// A segment that is brought to its place. The twin of `Packed` in `shaders/encode/pack.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Packed {
    pub(super) head_at: u32,
    pub(super) words_at: u32,
    pub(super) words: u32,
    pub(super) out_at: u32,
}

/// Of a segment: 32 states, and the number of its words with the bit [`ENCODED`].
pub(super) const HEAD_WORDS: usize = 33;

/// The kernel of a segment has run.
pub(super) const ENCODED: u32 = 1 << 31;

#[derive(Debug, Clone)]
pub(in crate::gpu) struct Kernels {
    pub(super) count: wgpu::ComputePipeline,
    pub(super) segment: wgpu::ComputePipeline,
    pub(super) pack: wgpu::ComputePipeline,
}

impl Kernels {
    /// Call it within [`Gpu::attempt`].
    pub(super) fn new(gpu: &Gpu, shader: Shader) -> Self {
        let pipeline = |source: String| {
            // With every check of wgpu's: nobody has measured what they cost on a GPU.
            let module = gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("ranstream encode"),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
            gpu.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("ranstream encode"),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        };
        Self {
            count: pipeline(include_str!("../../../shaders/encode/count.wgsl").into()),
            segment: pipeline(shader.encoder_source()),
            pack: pipeline(include_str!("../../../shaders/encode/pack.wgsl").into()),
        }
    }
}

/// A buffer that the kernels read, with `contents`.
pub(super) fn filled(gpu: &Gpu, contents: &[u8]) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let buffer = empty(gpu, contents.len() as u64, usage);
    gpu.queue().write_buffer(&buffer, 0, contents);
    buffer
}

/// A buffer of zeros that the kernels use.
pub(super) fn empty(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("encoder"),
        size: size.max(4),
        usage: wgpu::BufferUsages::STORAGE | usage,
        mapped_at_creation: false,
    })
}

/// Records `workgroups` of `pipeline` over `bindings`.
pub(super) fn record(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    pipeline: &wgpu::ComputePipeline,
    bindings: &[wgpu::BindingResource<'_>],
    workgroups: usize,
) {
    let entries: Vec<_> = (0..)
        .zip(bindings)
        .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
        .collect();
    let group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("ranstream encode"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, &group, &[]);
    let (x, y) = gpu.grid(workgroups);
    pass.dispatch_workgroups(x, y, 1);
}

/// Submits what was recorded and brings pieces of buffers, (offset, bytes), to the host, one behind
/// the other. Offsets and lengths are multiples of 4.
pub(super) fn fetch(
    gpu: &Gpu,
    mut encoder: wgpu::CommandEncoder,
    pieces: &[(&wgpu::Buffer, u64, u64)],
) -> Result<Vec<u8>, GpuError> {
    let size: u64 = pieces.iter().map(|piece| piece.2).sum();
    let back = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("encoder readback"),
        size: size.max(4),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut at = 0;
    for &(buffer, offset, len) in pieces {
        encoder.copy_buffer_to_buffer(buffer, offset, &back, at, len);
        at += len;
    }
    let submission = gpu.queue().submit([encoder.finish()]);
    let mapped = map(&back, wgpu::MapMode::Read);
    wait(gpu, Some(submission))?;
    arrived(&mapped)?;
    let view = back.get_mapped_range(..size).map_err(|error| GpuError::Device(error.to_string()))?;
    Ok(view.to_vec())
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use wgpu::naga;

    use super::*;
    use crate::jobs::Form;

    /// (name, offset) of the members, and the size.
    fn members(source: &str, name: &str) -> (Vec<(String, usize)>, usize) {
        let module = naga::front::wgsl::parse_str(source).unwrap();
        let (_, of) = module.types.iter().find(|(_, of)| of.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &of.inner else { panic!("{name} is no struct") };
        let members = members.iter().map(|member| (member.name.clone().unwrap(), member.offset as usize));
        (members.collect(), *span as usize)
    }

    #[test]
    fn structs_and_numbers_are_those_of_the_shaders() {
        let count = include_str!("../../../shaders/encode/count.wgsl");
        let pack = include_str!("../../../shaders/encode/pack.wgsl");
        let named = |of: &[(&str, usize)]| of.iter().map(|(name, at)| ((*name).to_string(), *at)).collect::<Vec<_>>();
        let piece = named(&[
            ("raw_at", offset_of!(Piece, raw_at)),
            ("block_len", offset_of!(Piece, block_len)),
            ("start", offset_of!(Piece, start)),
            ("end", offset_of!(Piece, end)),
            ("segment_len", offset_of!(Piece, segment_len)),
            ("stride", offset_of!(Piece, stride)),
            ("counts_at", offset_of!(Piece, counts_at)),
        ]);
        assert_eq!(members(count, "Piece"), (piece, size_of::<Piece>()));
        let packed = named(&[
            ("head_at", offset_of!(Packed, head_at)),
            ("words_at", offset_of!(Packed, words_at)),
            ("words", offset_of!(Packed, words)),
            ("out_at", offset_of!(Packed, out_at)),
        ]);
        assert_eq!(members(pack, "Packed"), (packed, size_of::<Packed>()));
        let segment = Form::Workgroup.shader(None).unwrap().encoder_source();
        for source in [pack, &segment] {
            assert!(source.contains("const HEAD_WORDS: u32 = LANES + 1u;") && HEAD_WORDS == 33);
        }
        assert!(segment.contains(&format!("const ENCODED: u32 = {ENCODED:#x}u;")));
    }
}
