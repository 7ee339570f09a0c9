//! What the decode kernel needs of its host: job lists and shaders, for those who run it on a
//! device of their own, as a page does in a browser. The module `gpu` is made of this and of wgpu.
//!
//! A [`Stage`] takes blocks, verifies each one's check while it copies the payload to where the
//! device will read it, and lists the [`Job`]s. [`Shader::source`] is the shader, whose entry point
//! `main` does one job per workgroup. It binds, in group 0:
//!
//! | binding | what | in words of 32 bits |
//! |---:|---|---|
//! | 0 | what the stage wrote, read only | [`Capacity::coded_words`] |
//! | 1 | the jobs, exactly as many as there are ([`bytes_of`]), read only | 36 each |
//! | 2 | room for the raw bytes | [`Capacity::raw_words`] |
//! | 3 | a status per job, cleared before | [`Capacity::jobs`] |
//! | 4 | the same as 0, where [`Shader::loads_16_bits`] | |
//!
//! Job `n` is that of workgroup `x + y * width of the grid`. A block is right if the status of each
//! of its jobs is [`STATUS_DONE`] alone; if not, [`Block::decode_into`] decodes it again on the
//! CPU, for its bytes or its error. A compiler can make a mistake of a shader that no status shows:
//! compare the bytes of known blocks before a device is used.
//!
//! ```
//! use ranstream::{
//!     EncodeOptions, block,
//!     jobs::{Block, Capacity, Push, Stage, bytes_of},
//! };
//!
//! let mut coded = Vec::new();
//! block::encode(&[1, 2, 3, 4].repeat(5000), &EncodeOptions::new().level(0), &mut coded)?;
//! let block = Block::parse(&coded)?;
//! let capacity = Capacity::of(&block).ok_or("not for devices")?;
//!
//! let mut words = vec![0; 4 * capacity.coded_words];
//! let mut stage = Stage::new(&mut words, capacity);
//! let Push::Placed(place) = stage.push(&block) else { return Err("damaged".into()) };
//! assert_eq!((place.raw_at, place.raw_len), (0, 20_000));
//! let (jobs, used) = stage.finish();
//! assert_eq!(bytes_of(&jobs).len(), 144 * jobs.len());
//! words.truncate(4 * used.coded_words);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod form;
mod layout;
mod plan;
mod stage;

pub use crate::block::Block;
#[cfg(feature = "gpu")]
pub(crate) use form::encoder_sources;
pub use form::{Form, INVOCATIONS, ParseFormError, Shader, WORKGROUP_MEMORY};
#[cfg(feature = "gpu")]
pub(crate) use layout::push_segments;
#[cfg(all(test, feature = "gpu"))]
pub(crate) use layout::tests::members;
pub use layout::{Job, SEGMENTS, STATUS_DONE, Segment, bytes_of};
#[cfg(feature = "gpu")]
pub(crate) use plan::segment_len;
pub use plan::{Capacity, PIECE};
pub use stage::{Placed, Push, Stage, WriteAt};
