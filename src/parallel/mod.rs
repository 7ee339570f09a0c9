//! The ordered, bounded hand-off of blocks to whoever works on them.
//!
//! A state machine submits jobs and takes them back in the order in which it submitted them, at
//! most [`Ordered::capacity`] at a time. It never sees who ran them, so an executor is chosen here
//! and nowhere else. I/O stays with the caller, who needs no `Send`.
//!
//! Here are the order, the bound and the threads. What a job does is nobody's business here: no
//! room that knows blocks or streams is used, and a device is a trait.

mod device;
#[cfg_attr(all(test, any(ranstream_loom, ranstream_shuttle)), path = "models.rs")]
mod executor;
mod ordered;
mod promise;
mod queue;
mod slices;
mod waiting;

pub(crate) use executor::Executor;
pub(crate) use ordered::Ordered;
pub(crate) use promise::{Job, Lost};
pub(crate) use slices::work_in_order;
