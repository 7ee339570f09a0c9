//! The ordered, bounded hand-off of blocks to whoever works on them.
//!
//! A state machine submits jobs and takes them back in the order in which it submitted them, at
//! most [`Ordered::capacity`] at a time. It never sees who ran them, so an executor is chosen here
//! and nowhere else. I/O stays with the caller, who needs no `Send`.

#[cfg(feature = "gpu")]
mod device;
#[cfg_attr(all(test, any(ranstream_loom, ranstream_shuttle)), path = "models.rs")]
mod executor;
mod ordered;
#[cfg(feature = "gpu")]
mod queue;
mod seat;
mod slices;

pub(crate) use executor::Executor;
pub(crate) use ordered::Ordered;
pub(crate) use seat::{Job, Lost};
pub(crate) use slices::work_in_order;
