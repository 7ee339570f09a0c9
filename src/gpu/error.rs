//! Why a device does not do what it was asked to.

use std::{error, fmt};

use crate::{error::Error, jobs::Form};

/// Why a [`Gpu`](crate::gpu::Gpu) cannot be had, or did not do what it was asked to.
///
/// Decoding never ends in one: [`Decoder`](crate::gpu::Decoder) and streams go on with the CPU.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no adapter, or none of the name that was asked for.
    NoAdapter {
        /// What was asked for; empty: any.
        wanted: String,
    },
    /// The only adapter computes on the CPU, and such a one was not allowed.
    Software {
        /// The adapter.
        name: String,
    },
    /// A limit of the device is too low.
    Limit {
        /// The limit's name.
        limit: &'static str,
        /// What the kernel needs.
        needed: u32,
        /// What the device has.
        available: u32,
    },
    /// The device's subgroups cannot run the form that was asked for.
    Form {
        /// The form.
        form: Form,
        /// Invocations of the smallest subgroup; 0: the device has no subgroups.
        smallest: u32,
        /// Invocations of the largest subgroup.
        largest: u32,
    },
    /// A form of the kernel did not give the bytes of known blocks on this device, or not the
    /// verdicts: a mistake of a driver or a shader compiler. The form is not used.
    SelfTest {
        /// The form.
        form: Form,
        /// What was wrong.
        reason: String,
    },
    /// An option of the encoder is outside its range.
    Options(Error),
    /// The device refused or failed.
    Device(String),
    /// The device was lost, or failed before.
    Lost(String),
    /// A block is damaged or of no known kind.
    Block {
        /// The block's place in what was given.
        block: usize,
        /// What is wrong with it.
        error: Error,
    },
    /// A block needs larger buffers than the device has.
    BlockTooLarge {
        /// The block's place in what was given.
        block: usize,
    },
    /// A buffer of the caller's does not hold or take the bytes, lacks a usage, or the bytes begin
    /// where they must not: what is asked of it stands at the call.
    Buffer {
        /// Where the bytes begin.
        offset: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes there are, from the offset on.
        available: u64,
    },
}

impl fmt::Display for GpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAdapter { wanted } if wanted.is_empty() => f.write_str("no GPU adapter"),
            Self::NoAdapter { wanted } => write!(f, "no GPU adapter with {wanted:?} in its name"),
            Self::Software { name } => write!(f, "the only adapter, {name}, computes on the CPU"),
            Self::Limit { limit, needed, available } => write!(f, "{limit} is {available}, {needed} are needed"),
            Self::Form { form, smallest, largest } => {
                write!(f, "subgroups of {smallest} to {largest} invocations cannot run the form {form}")
            }
            Self::SelfTest { form, reason } => write!(f, "the form {form} fails its test on this device: {reason}"),
            Self::Options(error) => error.fmt(f),
            Self::Device(message) => write!(f, "the device failed: {message}"),
            Self::Lost(message) => write!(f, "the device is not used any more: {message}"),
            Self::Block { block, error } => write!(f, "block {block}: {error}"),
            Self::BlockTooLarge { block } => write!(f, "block {block} does not fit into a batch of this device"),
            Self::Buffer { offset, needed, available } => write!(
                f,
                "the buffer has {available} bytes from offset {offset}, {needed} are needed; its usages and the offset \
                 must be what the call asks for"
            ),
        }
    }
}

impl error::Error for GpuError {}
