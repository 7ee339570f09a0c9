//! The ordered, bounded hand-off of blocks to whoever works on them.
//!
//! A state machine submits jobs and takes them back in the order in which it submitted them, at most [`Ordered::capacity`] at a time. It never sees who
//! ran them, so an executor is chosen here and nowhere else. I/O stays with the caller, who needs no `Send`.

#[cfg_attr(all(test, any(ranstream_loom, ranstream_shuttle)), path = "models.rs")]
mod executor;
#[cfg(feature = "gpu")]
mod gather;
mod ordered;
mod sync;

pub(crate) use executor::Executor;
#[cfg(feature = "gpu")]
pub(crate) use gather::GATHERED;
pub(crate) use ordered::{Job, Lost, Ordered};
