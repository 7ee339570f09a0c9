//! One job on its way to whoever does it, and the place where it is waited for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
    time::Duration,
};

#[cfg(feature = "gpu")]
use crate::gpu::Item;
use crate::{
    parallel::Executor,
    sync::{Arc, Condvar, Guard, Mutex, call_out},
};

/// How long a worker of the pool that waits here sleeps before it looks for work again.
const NAP: Duration = Duration::from_micros(200);

/// A block's work. It owns everything it needs and holds its result afterwards.
pub(crate) trait Job: Send + 'static {
    fn run(&mut self);

    /// The work as a device takes it. `None`: it is not for devices.
    #[cfg(feature = "gpu")]
    fn item(&mut self) -> Option<Item<'_>> {
        None
    }
}

/// The worker did not bring the job back: it panicked, or its pool went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// Where a job is waited for.
#[derive(Debug)]
pub(super) struct Seat<J> {
    place: Mutex<Place<J>>,
    returned: Condvar,
}

#[derive(Debug)]
struct Place<J> {
    result: Option<Result<J, Lost>>,
    /// The task that waits here, if one does.
    waker: Option<Waker>,
}

impl<J> Default for Seat<J> {
    fn default() -> Self {
        Self { place: Mutex::new(Place { result: None, waker: None }), returned: Condvar::default() }
    }
}

impl<J> Seat<J> {
    fn lock(&self) -> Guard<'_, Place<J>> {
        self.place.lock()
    }

    pub(super) fn take(&self) -> Option<Result<J, Lost>> {
        self.lock().result.take()
    }

    pub(super) fn wait(&self, executor: &Executor) {
        let mut place = self.lock();
        while place.result.is_none() {
            drop(place);
            let helped = executor.help();
            place = self.lock();
            if place.result.is_none() && !helped {
                place = self.returned.wait_timeout(place, NAP).0;
            }
        }
    }

    pub(super) fn poll_wait(&self, cx: &Context<'_>) -> Poll<()> {
        // A waker is code of the user's, also where it is cloned and dropped.
        let waker = call_out(|| cx.waker().clone());
        let mut place = self.lock();
        let (poll, unused) = if place.result.is_some() {
            (Poll::Ready(()), Some(waker))
        } else {
            (Poll::Pending, place.waker.replace(waker))
        };
        drop(place);
        call_out(|| drop(unused));
        poll
    }

    fn fill(&self, result: Result<J, Lost>) {
        let mut place = self.lock();
        place.result = Some(result);
        let waker = place.waker.take();
        drop(place);
        self.returned.notify_all();
        if let Some(waker) = waker {
            call_out(|| waker.wake());
        }
    }
}

/// A job on its way. However that ends, its seat is filled: with the job if it ran, else with
/// [`Lost`].
#[derive(Debug)]
pub(super) struct Guest<J> {
    seat: Arc<Seat<J>>,
    job: Option<J>,
    ran: bool,
}

impl<J: Job> Guest<J> {
    pub(super) fn new(seat: Arc<Seat<J>>, job: J) -> Self {
        Self { seat, job: Some(job), ran: false }
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

#[cfg(feature = "gpu")]
impl<J: Job> Guest<J> {
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

impl<J> Drop for Guest<J> {
    fn drop(&mut self) {
        self.seat.fill(self.job.take().filter(|_| self.ran).ok_or(Lost));
    }
}
