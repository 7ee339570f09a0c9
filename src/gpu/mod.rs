//! Batches of blocks decoded by a GPU, through [wgpu].
//!
//! A [`Gpu`] is a device with the decode kernel on it. What works through one:
//!
//! | you want | you take |
//! |---|---|
//! | blocks in memory decoded to memory | [`Decoder`] |
//! | the same, read where the device left it, without a copy | [`Pipeline`] |
//! | bytes that stay on the device, for shaders of your own | [`ResidentBlocks`] |
//! | bytes that are on the device, encoded | [`Encoder`] |
//! | the blocks of a stream in memory | [`Blocks`](crate::stream::Blocks), then the others |
//! | a stream | `DecodeOptions::`[`backend`], or [`gpu`] with a device of your own |
//!
//! [`backend`]: crate::DecodeOptions::backend
//! [`gpu`]: crate::DecodeOptions::gpu
//!
//! Blocks of `lanes`, stored and fill blocks, and single-stream and interleaved ones of up to
//! 64 KiB are decoded on the device. The CPU decodes the others: those with matches (levels 1 to
//! 9), of pivot and of planes. The host verifies every block's check while it uploads the block,
//! and the kernel tells for every segment whether it ends as the encoder began it. Bytes, errors
//! and verdicts are those of the CPU.
//!
//! No failure of a device reaches the caller of a [`Decoder`] or a stream, and none panics: the CPU
//! does what the device did not. [`Gpu::lost`] says why, [`Gpu::tally`] how much.
//!
//! Encode for a GPU with [`segment_len(16 << 10)`](crate::EncodeOptions::segment_len) and blocks of
//! 128 KiB or more: one workgroup decodes eight segments of one block. `docs/gpu.md` in the
//! repository says what runs where, and what was measured.
//!
//! [wgpu] is re-exported, since its types are part of this module; a change of its major version is
//! one of this module.
//!
//! [wgpu]: https://docs.rs/wgpu

mod backend;
mod capacity;
mod compute;
mod cost;
mod decoder;
mod device;
mod encode;
mod error;
mod kernel;
mod options;
mod pipeline;
mod probe;
mod resident;
mod self_test;
mod slot;

pub use crate::{
    block::Block,
    jobs::{Form, ParseFormError},
};
pub use backend::{Backend, ParseBackendError};
pub use cost::Cost;
pub use decoder::Decoder;
pub use device::{Gpu, GpuOptions, Tally};
pub use encode::Encoder;
pub use error::GpuError;
pub use pipeline::{Decoded, Pipeline};
pub use resident::{FailedSegment, ResidentBlocks, StatusTicket};
pub use wgpu;

use backend::Choice;
