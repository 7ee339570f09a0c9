//! The one queue of jobs that nobody works on yet, oldest first. Threads take from its front, one
//! at a time; a device takes many, from its front or from its end.

use std::{
    collections::VecDeque,
    mem,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    device::Load,
    parallel::{Job, promise::Promise},
    sync::{Arc, AtomicBool, Condvar, Guard, Mutex},
};

/// How long the next job is waited for where a device wants more.
const SILENCE: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    throughput: Throughput,
}

#[derive(Debug)]
struct State<J> {
    waiting: VecDeque<Queued<J>>,
    load: Load,
    /// Raw bytes of all jobs that ever came, and how many those were.
    submitted: u64,
    jobs: u64,
    /// The submitter has come to wait since the last job: no more will come before one is done.
    submitter_waits: bool,
    closed: bool,
}

/// A job in the queue.
#[derive(Debug)]
pub(super) struct Queued<J> {
    pub(super) promise: Promise<J>,
    cancelled: Arc<AtomicBool>,
    load: Load,
}

/// What the threads have done so far.
#[derive(Debug, Default)]
struct Throughput {
    raw_len: AtomicU64,
    nanoseconds: AtomicU64,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let state = State {
            waiting: VecDeque::new(),
            load: Load::default(),
            submitted: 0,
            jobs: 0,
            submitter_waits: false,
            closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::default(), throughput: Throughput::default() }
    }
}

impl<J: Job> Queue<J> {
    /// If the queue is closed the job is lost: dropping it says so.
    pub(super) fn push(&self, mut promise: Promise<J>, cancelled: Arc<AtomicBool>) {
        let load = promise.item().map(|item| item.load()).unwrap_or_default();
        let mut state = self.lock();
        if state.closed {
            // No promise is dropped under the lock: who waits for it is woken, and may come here.
            drop(state);
            return;
        }
        state.waiting.push_back(Queued { promise, cancelled, load });
        state.load += load;
        state.submitted += load.raw_len;
        state.jobs += 1;
        state.submitter_waits = false;
        drop(state);
        self.changed.notify_one();
    }

    /// Runs the oldest job here, on a thread of the CPU. `false`: there is none.
    pub(super) fn run_oldest(&self) -> bool {
        let mut state = self.lock();
        let Some(oldest) = state.waiting.pop_front() else { return false };
        state.load -= oldest.load;
        drop(state);
        if oldest.is_wanted() {
            let begun = Instant::now();
            oldest.promise.run();
            self.throughput.add(oldest.load.raw_len, begun.elapsed());
        }
        true
    }
}

impl<J> Queue<J> {
    /// Takes the oldest jobs: one at least, and as many others as make up to `most` raw bytes.
    /// Waits until so many have come, or nothing came for a while, or the submitter waits;
    /// `busy`: does not wait, and takes no fewer. `None`: the queue is closed.
    pub(super) fn take_oldest(&self, most: u64, busy: bool) -> Option<Vec<Queued<J>>> {
        let mut state = self.lock();
        while state.load.raw_len < most {
            let jobs = state.jobs;
            if state.closed {
                return None;
            } else if busy {
                return Some(Vec::new());
            } else if state.waiting.is_empty() {
                state = self.changed.wait(state);
            } else if state.submitter_waits {
                break;
            } else {
                let (next, timed_out) = self.changed.wait_timeout(state, SILENCE);
                state = next;
                if timed_out && state.jobs == jobs {
                    break;
                }
            }
        }
        let (mut taken, mut load) = (Vec::new(), Load::default());
        while let Some(oldest) = state.waiting.front()
            && (taken.is_empty() || load.raw_len + oldest.load.raw_len <= most)
        {
            load += oldest.load;
            taken.extend(state.waiting.pop_front());
        }
        state.load -= load;
        Some(taken)
    }

    /// Takes the newest jobs, up to as many raw bytes as `share` says for those that wait. Waits
    /// until that is more than nothing; `busy`: does not wait. `None`: the queue is closed.
    pub(super) fn take_newest(&self, share: impl Fn(Load) -> u64, busy: bool) -> Option<Vec<Queued<J>>> {
        let mut state = self.lock();
        let most = loop {
            match share(state.load) {
                _ if state.closed => return None,
                0 if busy => return Some(Vec::new()),
                0 => state = self.changed.wait(state),
                most => break most,
            }
        };
        let (mut taken, mut load) = (VecDeque::new(), Load::default());
        while let Some(newest) = state.waiting.back()
            && load.raw_len + newest.load.raw_len <= most
        {
            load += newest.load;
            if let Some(newest) = state.waiting.pop_back() {
                taken.push_front(newest);
            }
        }
        state.load -= load;
        Some(taken.into())
    }

    /// Waits for a job. `false`: the queue is closed.
    pub(super) fn wait(&self) -> bool {
        self.wait_while(|state| state.waiting.is_empty())
    }

    /// Waits until jobs of `raw_len` bytes have come, from the first one on. `false`: the queue is
    /// closed.
    pub(super) fn wait_until_submitted(&self, raw_len: u64) -> bool {
        self.wait_while(|state| state.submitted < raw_len)
    }

    /// Raw bytes of all jobs that ever came.
    pub(super) fn submitted(&self) -> u64 {
        self.lock().submitted
    }

    /// Seconds that a thread takes for a raw byte of these jobs, on the mean. `None`: no thread has
    /// done one yet.
    pub(super) fn thread_seconds(&self) -> Option<f64> {
        let [raw_len, nanoseconds] =
            [&self.throughput.raw_len, &self.throughput.nanoseconds].map(|of| of.load(Ordering::Relaxed));
        (raw_len > 0).then(|| nanoseconds as f64 / 1e9 / raw_len as f64)
    }

    /// The submitter waits.
    pub(super) fn submitter_waits(&self) {
        self.lock().submitter_waits = true;
        self.changed.notify_one();
    }

    /// Nobody will submit any more, or nobody will take. Jobs that wait are lost.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.load = Load::default();
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        drop(waiting);
    }

    fn wait_while(&self, waits: impl Fn(&State<J>) -> bool) -> bool {
        let mut state = self.lock();
        while !state.closed && waits(&state) {
            state = self.changed.wait(state);
        }
        !state.closed
    }

    fn lock(&self) -> Guard<'_, State<J>> {
        self.state.lock()
    }
}

impl<J> Queued<J> {
    pub(super) fn is_wanted(&self) -> bool {
        !self.cancelled.load(Ordering::Relaxed)
    }
}

impl Throughput {
    fn add(&self, raw_len: u64, elapsed: Duration) {
        self.raw_len.fetch_add(raw_len, Ordering::Relaxed);
        self.nanoseconds.fetch_add(elapsed.as_nanos() as u64, Ordering::Relaxed);
    }
}
