//! Jobs that no thread has begun, where the caller may do some of them itself.

use std::{collections::VecDeque, mem, sync::atomic::Ordering};

use crate::{
    parallel::promise::{Job, Promise},
    sync::{Arc, AtomicBool, Mutex},
};

/// The jobs of a stream.
#[derive(Debug)]
pub(super) struct Waiting<J>(Mutex<Queue<J>>);

#[derive(Debug)]
struct Queue<J> {
    /// Oldest first.
    jobs: VecDeque<Unbegun<J>>,
    /// Tasks of the pool that are still to come for one: no fewer than there are jobs. Those that
    /// the caller does leave theirs to the jobs behind them. A busy pool would gather tasks
    /// otherwise.
    tasks: usize,
}

#[derive(Debug)]
struct Unbegun<J> {
    promise: Promise<J>,
    cancelled: Arc<AtomicBool>,
}

impl<J> Default for Waiting<J> {
    fn default() -> Self {
        Self(Mutex::new(Queue { jobs: VecDeque::new(), tasks: 0 }))
    }
}

impl<J: Job> Waiting<J> {
    /// Whether another task of the pool has to come for it, to [`run_oldest`](Self::run_oldest).
    #[must_use]
    pub(super) fn push(&self, promise: Promise<J>, cancelled: Arc<AtomicBool>) -> bool {
        let mut queue = self.0.lock();
        queue.jobs.push_back(Unbegun { promise, cancelled });
        let lacks_one = queue.tasks < queue.jobs.len();
        queue.tasks += usize::from(lacks_one);
        lacks_one
    }

    /// Runs the oldest job on this thread, which a task of the pool brought here, if there is one.
    pub(super) fn run_oldest(&self) {
        let mut queue = self.0.lock();
        queue.tasks -= 1;
        let oldest = queue.jobs.pop_front();
        drop(queue);
        if let Some(oldest) = oldest {
            oldest.run();
        }
    }

    /// Runs the newest job on this thread, whose core is likely to have its bytes near, if more
    /// than `others` wait. `false`: they do not.
    pub(super) fn run_newest(&self, others: usize) -> bool {
        let mut queue = self.0.lock();
        let newest = if queue.jobs.len() > others { queue.jobs.pop_back() } else { None };
        drop(queue);
        newest.map(Unbegun::run).is_some()
    }
}

impl<J> Waiting<J> {
    /// All are lost.
    pub(super) fn clear(&self) {
        let jobs = mem::take(&mut self.0.lock().jobs);
        // Whoever waits for one is woken, and may come here: not under the lock.
        drop(jobs);
    }
}

impl<J: Job> Unbegun<J> {
    fn run(self) {
        if !self.cancelled.load(Ordering::Relaxed) {
            self.promise.run();
        }
    }
}

#[cfg(all(test, not(any(ranstream_loom, ranstream_shuttle))))]
mod tests {
    use super::*;
    use crate::parallel::promise::Outcome;

    struct Mark(u32);

    impl Job for Mark {
        fn run(&mut self) {
            self.0 += 1;
        }
    }

    #[test]
    fn a_busy_pool_gathers_no_more_tasks_than_jobs() {
        let waiting = Waiting::default();
        let mut outcomes = Vec::new();
        let mut push = || {
            let outcome = Arc::new(Outcome::default());
            outcomes.push(Arc::clone(&outcome));
            waiting.push(Promise::new(outcome, Mark(0)), Arc::default())
        };
        assert_eq!([push(), push(), push()], [true; 3]);
        for _ in 0..3 {
            assert!(waiting.run_newest(0));
        }
        assert!(!waiting.run_newest(0));
        assert_eq!([push(), push(), push(), push()], [false, false, false, true]);
        for _ in 0..4 {
            waiting.run_oldest();
        }
        assert!(outcomes.iter().all(|outcome| outcome.take().is_some_and(|job| job.is_ok_and(|Mark(runs)| runs == 1))));
    }
}
