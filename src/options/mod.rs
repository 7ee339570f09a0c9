//! Everything that a user can turn, as plain data, checked once.
//!
//! Here are options, their ranges, and the environment variables that override them. What an option
//! does is nobody's business here: no room above this one is used.

mod block;
mod decode;
#[cfg(feature = "gpu")]
mod device;
mod encode;
mod kernel;
mod layout;
mod mode;
mod pipeline;
mod policy;
mod valid;
mod work;

pub(crate) mod environment;

pub use block::BlockOptions;
pub use decode::{DecodeOptions, TrailingData};
pub use encode::EncodeOptions;
pub use kernel::{Kernel, ParseKernelError};
pub use layout::{Column, Layout, LayoutProfile};
pub use mode::{Mode, ParseModeError};
pub use pipeline::Pipeline;
pub use policy::{Normalization, Policy, Prefer};
pub use work::Work;

#[cfg(feature = "gpu")]
pub(crate) use device::DeviceChoice;
pub(crate) use valid::Valid;
pub(crate) use work::Driver;
#[cfg(feature = "rayon")]
pub(crate) use work::Pool;
