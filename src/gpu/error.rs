//! Why a device does not do what it was asked to.

use thiserror::Error as ThisError;

use crate::{error::Error, gpu::Form};

/// Why a [`Gpu`](crate::gpu::Gpu) cannot be had, or did not do what it was asked to.
///
/// Decoding never ends in one: [`Decoder`](crate::gpu::Decoder) and streams go on with the CPU.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no adapter, or none of the name that was asked for.
    #[error("no GPU adapter{}", if wanted.is_empty() { String::new() } else { format!(" with {wanted:?} in its name") })]
    NoAdapter {
        /// What was asked for; empty: any.
        wanted: String,
    },
    /// The only adapter computes on the CPU, and such a one was not allowed.
    #[error("the only adapter, {name}, computes on the CPU")]
    Software {
        /// The adapter.
        name: String,
    },
    /// A limit of the device is too low.
    #[error("{limit} is {available}, {needed} are needed")]
    Limit {
        /// The limit's name.
        limit: &'static str,
        /// What the kernel needs.
        needed: u32,
        /// What the device has.
        available: u32,
    },
    /// The device's subgroups cannot run the form that was asked for.
    #[error("subgroups of {smallest} to {largest} invocations cannot run the form {form}")]
    Form {
        /// The form.
        form: Form,
        /// Invocations of the smallest subgroup; 0: the device has no subgroups.
        smallest: u32,
        /// Invocations of the largest subgroup.
        largest: u32,
    },
    /// The device refused or failed.
    #[error("the device failed: {0}")]
    Device(String),
    /// The device was lost, or failed before.
    #[error("the device is not used any more: {0}")]
    Lost(String),
    /// A block is damaged or of no known kind.
    #[error("block {block}: {error}")]
    Block {
        /// The block's place in what was given.
        block: usize,
        /// What is wrong with it.
        error: Error,
    },
    /// A block needs larger buffers than the device has.
    #[error("block {block} does not fit into a batch of this device")]
    BlockTooLarge {
        /// The block's place in what was given.
        block: usize,
    },
    /// A buffer of the caller's does not take the raw bytes.
    #[error(
        "the buffer has {available} bytes from offset {offset}, {needed} are needed; it must have the usage STORAGE, and the offset must be a multiple of 256"
    )]
    Buffer {
        /// Where the raw bytes were to go.
        offset: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
}
