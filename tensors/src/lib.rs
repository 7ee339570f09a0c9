//! Model files as compressed streams that open by tensor, by row and by shard.
//!
//! A `.rans` of a safetensors or GGUF file is a plain stream of that file: decoding it gives every
//! byte back, with or without this crate. What makes it an archive is where its blocks end, and the
//! file's own header, which is the only directory: [`Archive::open`] reads the index at the tail
//! and the header, and from then on each tensor costs its own blocks. A file that is not compressed
//! opens as the same [`Archive`].
//!
//! ```
//! use ranstream_tensors::Archive;
//!
//! # let header = br#"{"bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#;
//! # let mut file = (header.len() as u64).to_le_bytes().to_vec();
//! # file.extend(header);
//! # file.extend([1.0_f32, 2.0, 3.0].map(f32::to_le_bytes).as_flattened());
//! # let stream = ranstream::compress(&file, &ranstream::EncodeOptions::new().index(true))?;
//! let archive = Archive::open(&stream[..])?;
//! let bias = archive.tensor("bias")?;
//! assert_eq!(bias.info().shape, [3]);
//!
//! let mut bytes = vec![0; bias.info().len() as usize];
//! bias.decode_into(&mut bytes)?;
//! assert_eq!(bytes[4..8], 2.0_f32.to_le_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to find what
//!
//! | you have | you take |
//! |---|---|
//! | one file | [`Archive`]; [`Archive::tensor`] for one, [`Archive::decode_all`] for all |
//! | a folder with `model.safetensors.index.json` | [`Shards`] |
//! | a store that serves ranges | [`ReadAt`] over it; or [`Archive::plan`], which does no I/O |
//! | a file to compress | [`TensorWriter`] |
//! | a fine-tune, and what it was tuned from | [`BaseModel`], for both |
//! | only a header | [`header::parse`] |
//!
//! # What it promises
//!
//! - A header is parsed once, strictly, and kept. It names ranges of raw bytes and nothing else:
//!   which blocks are decoded follows from the stream's own structure. A file whose header breaks a
//!   rule of its format is *opaque*: its bytes decode, and it has no tensors.
//! - Every block is verified before it is decoded, and its header is compared with the index.
//! - Outputs are the caller's: nothing is decoded to memory that is not asked for, and beside the
//!   outputs each thread holds one block's raw bytes and at most 1 MiB or one block of coded ones.

pub mod header;

mod archive;
mod base;
mod error;
mod pairs;
mod read_at;
mod shards;
mod writer;

pub use archive::{Archive, ArchiveBuilder, Part, Plan, Readable, Tensor, Want};
pub use base::BaseModel;
pub use error::{TensorError, TensorErrorKind};
pub use header::{Container, DType, Metadata, TensorInfo, Value};
pub use read_at::ReadAt;
pub use shards::Shards;
pub use writer::{Profile, TensorOptions, TensorWriter};
