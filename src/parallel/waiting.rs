//! Jobs that no thread has begun, where the caller may do some of them itself.

use std::{collections::VecDeque, mem, sync::atomic::Ordering};

use crate::{
    parallel::promise::{Job, Promise},
    sync::{Arc, AtomicBool, Mutex},
};

/// Oldest first.
#[derive(Debug)]
pub(super) struct Waiting<J>(Mutex<VecDeque<Unbegun<J>>>);

#[derive(Debug)]
struct Unbegun<J> {
    promise: Promise<J>,
    cancelled: Arc<AtomicBool>,
}

impl<J> Default for Waiting<J> {
    fn default() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }
}

impl<J: Job> Waiting<J> {
    pub(super) fn push(&self, promise: Promise<J>, cancelled: Arc<AtomicBool>) {
        self.0.lock().push_back(Unbegun { promise, cancelled });
    }

    /// Runs the oldest job on this thread, if there is one.
    pub(super) fn run_oldest(&self) {
        let oldest = self.0.lock().pop_front();
        if let Some(oldest) = oldest {
            oldest.run();
        }
    }

    /// Runs the newest job on this thread, whose core is likely to have its bytes near, if more
    /// than `others` wait. `false`: they do not.
    pub(super) fn run_newest(&self, others: usize) -> bool {
        let mut waiting = self.0.lock();
        let newest = if waiting.len() > others { waiting.pop_back() } else { None };
        drop(waiting);
        newest.map(Unbegun::run).is_some()
    }
}

impl<J> Waiting<J> {
    /// All are lost.
    pub(super) fn clear(&self) {
        let waiting = mem::take(&mut *self.0.lock());
        // Whoever waits for one is woken, and may come here: not under the lock.
        drop(waiting);
    }
}

impl<J: Job> Unbegun<J> {
    fn run(self) {
        if !self.cancelled.load(Ordering::Relaxed) {
            self.promise.run();
        }
    }
}
