//! The three shaders of the encoder, and how they are run.

use bytemuck::{Pod, Zeroable};

use crate::{
    gpu::{Gpu, compute::checked_pipeline},
    jobs::encoder_sources,
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
    pub(super) fn new(gpu: &Gpu) -> Self {
        // Nobody has measured what wgpu's checks cost on a GPU.
        let pipeline = |source: String| checked_pipeline(gpu.device(), "ranstream encode", source);
        let [count, pack] = encoder_sources().map(pipeline);
        Self { count, segment: pipeline(gpu.shader().encoder_source()), pack }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use wgpu::naga::front::wgsl::parse_str;

    use super::*;
    use crate::{
        jobs::{Form, members},
        rans::segment::LANES,
    };

    #[test]
    fn structs_and_numbers_are_those_of_the_shaders() {
        let [count, pack] = encoder_sources().map(|source| parse_str(&source).unwrap());
        let piece = vec![
            ("raw_at", offset_of!(Piece, raw_at)),
            ("block_len", offset_of!(Piece, block_len)),
            ("start", offset_of!(Piece, start)),
            ("end", offset_of!(Piece, end)),
            ("segment_len", offset_of!(Piece, segment_len)),
            ("stride", offset_of!(Piece, stride)),
            ("counts_at", offset_of!(Piece, counts_at)),
        ];
        assert_eq!(members(&count, "Piece"), (piece, size_of::<Piece>()));
        let packed = vec![
            ("head_at", offset_of!(Packed, head_at)),
            ("words_at", offset_of!(Packed, words_at)),
            ("words", offset_of!(Packed, words)),
            ("out_at", offset_of!(Packed, out_at)),
        ];
        assert_eq!(members(&pack, "Packed"), (packed, size_of::<Packed>()));
        let segment = Form::Workgroup.shader(None).unwrap().encoder_source();
        assert!(segment.contains("const HEAD_WORDS: u32 = LANES + 1u;"));
        assert_eq!(HEAD_WORDS, LANES + 1);
        assert!(segment.contains(&format!("const ENCODED: u32 = {ENCODED:#x}u;")));
    }
}
