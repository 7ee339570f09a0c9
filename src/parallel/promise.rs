//! One job on its way to whoever does it, and the outcome that is waited for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{
    device::Item,
    parallel::Executor,
    sync::{Arc, Condvar, Mutex, call_out},
};

/// How long a worker of the pool that waits here sleeps before it looks for work again.
const NAP: Duration = Duration::from_micros(200);

/// A block's work. It owns everything it needs and holds its result afterwards.
pub(crate) trait Job: Send + 'static {
    fn run(&mut self);

    /// The work as a device takes it. `None`: it is not for devices.
    fn item(&mut self) -> Option<Item<'_>> {
        None
    }
}

/// The worker did not bring the job back: it panicked, or its pool went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// What becomes of a job, for whoever waits for it.
#[derive(Debug)]
pub(super) struct Outcome<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    result: Option<Result<J, Lost>>,
    /// The task that waits here, if one does.
    waker: Option<Waker>,
}

impl<J> Default for Outcome<J> {
    fn default() -> Self {
        Self { state: Mutex::new(State { result: None, waker: None }), changed: Condvar::default() }
    }
}

impl<J> Outcome<J> {
    pub(super) fn take(&self) -> Option<Result<J, Lost>> {
        self.state.lock().result.take()
    }

    /// Whether the job came back, or is lost.
    pub(super) fn is_set(&self) -> bool {
        self.state.lock().result.is_some()
    }

    pub(super) fn wait(&self, executor: &Executor) {
        let mut state = self.state.lock();
        while state.result.is_none() {
            drop(state);
            let helped = executor.help();
            state = self.state.lock();
            if state.result.is_none() && !helped {
                state = self.changed.wait_timeout(state, NAP).0;
            }
        }
    }

    pub(super) fn poll_wait(&self, cx: &Context<'_>) -> Poll<()> {
        // A waker is code of the user's, also where it is cloned and dropped.
        let waker = call_out(|| cx.waker().clone());
        let mut state = self.state.lock();
        let (poll, unused) = if state.result.is_some() {
            (Poll::Ready(()), Some(waker))
        } else {
            (Poll::Pending, state.waker.replace(waker))
        };
        drop(state);
        call_out(|| drop(unused));
        poll
    }

    fn set(&self, result: Result<J, Lost>) {
        let mut state = self.state.lock();
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            call_out(|| waker.wake());
        }
    }
}

/// A job on its way. However that ends, its outcome is set: to the job if it ran, else to
/// [`Lost`].
#[derive(Debug)]
pub(super) struct Promise<J> {
    outcome: Arc<Outcome<J>>,
    job: Option<J>,
    ran: bool,
}

impl<J: Job> Promise<J> {
    pub(super) fn new(outcome: Arc<Outcome<J>>, job: J) -> Self {
        Self { outcome, job: Some(job), ran: false }
    }

    pub(super) fn run(mut self) {
        // A job that panicked is dropped, not looked into: nothing half done is seen.
        if let Some(mut job) = self.job.take()
            && catch_unwind(AssertUnwindSafe(|| job.run())).is_ok()
        {
            self.job = Some(job);
            self.ran = true;
        }
    }
}

impl<J: Job> Promise<J> {
    pub(super) fn item(&mut self) -> Option<Item<'_>> {
        self.job.as_mut()?.item()
    }

    /// Takes the job to where it is done, or put back.
    pub(super) fn take(&mut self) -> Option<J> {
        self.job.take()
    }

    pub(super) fn put(&mut self, job: J) {
        self.job = Some(job);
    }

    /// The job was done elsewhere.
    pub(super) fn give_back(mut self, job: J) {
        self.job = Some(job);
        self.ran = true;
    }
}

impl<J> Drop for Promise<J> {
    fn drop(&mut self) {
        self.outcome.set(self.job.take().filter(|_| self.ran).ok_or(Lost));
    }
}
