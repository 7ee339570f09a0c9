//! What threads share. Under `--cfg ranstream_loom` or `--cfg ranstream_shuttle` the unit tests get
//! a model checker's in place of std's, and `models.rs` tries the orders in which threads
//! can run. `scripts/models.sh` does that.

#[cfg(all(test, ranstream_loom))]
pub(super) use loom::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic::AtomicBool},
    thread,
};
#[cfg(all(test, ranstream_shuttle, not(ranstream_loom)))]
pub(super) use shuttle::{
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic::AtomicBool},
    thread,
};
#[cfg(not(all(test, any(ranstream_loom, ranstream_shuttle))))]
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, atomic::AtomicBool};
