//! ranstream

pub mod block;
pub mod error;
pub mod format;
pub mod rans;
pub mod read;
pub mod recover;
pub mod stream;
pub mod write;

mod limits;
mod model;
mod oneshot;
mod options;
mod parallel;
mod progress;
mod seek;
#[allow(unsafe_code)]
mod simd;

#[doc(inline)]
pub use error::Error;
pub use limits::{Limit, Limits, MAX_BLOCK_LEN};
pub use oneshot::{compress, compress_into, copy_decode, copy_encode, decompress, decompress_into};
pub use options::{DecodeOptions, EncodeOptions, Mode, Normalization, ParseModeError, Policy, TrailingData};
pub use progress::Progress;
pub use read::RansReader;
pub use simd::{Kernel, ParseKernelError};
pub use write::RansWriter;
