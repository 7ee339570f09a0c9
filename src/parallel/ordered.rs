//! Jobs under way, taken back in order.

use std::{
    collections::VecDeque,
    sync::atomic::Ordering,
    task::{Context, Poll},
};

#[cfg(feature = "gpu")]
use crate::parallel::device::DeviceThread;
use crate::{
    options::{DecodeOptions, Work},
    parallel::{
        Executor,
        seat::{Guest, Job, Lost, Seat},
    },
    sync::{Arc, AtomicBool},
};

/// A block of up to so many bytes starts no threads: to start them takes longer.
const STARTS_NO_THREADS: usize = 16 << 10;

/// At most `capacity` jobs, oldest first.
#[derive(Debug)]
pub(crate) struct Ordered<J> {
    executor: Executor,
    capacity: usize,
    /// As the caller's memory allows.
    allowed: usize,
    under_way: VecDeque<Arc<Seat<J>>>,
    cancelled: Arc<AtomicBool>,
    #[cfg(feature = "gpu")]
    device: Option<DeviceThread<J>>,
}

impl<J: Job> Ordered<J> {
    pub(crate) fn new(work: &Work) -> Self {
        let executor = Executor::new(work);
        let capacity = executor.in_flight(work);
        Self::with_executor(executor, capacity)
    }

    /// Jobs that a device may do, if the options ask for one.
    pub(crate) fn for_decoding(options: &DecodeOptions) -> Self {
        let executor = Executor::for_decoding(options);
        let capacity = executor.in_flight(&options.work);
        Self::with_executor(executor, capacity)
    }

    pub(super) fn with_executor(executor: Executor, capacity: usize) -> Self {
        Self {
            #[cfg(feature = "gpu")]
            device: if let Executor::Device(choice, cpu) = &executor {
                DeviceThread::start(choice.clone(), (**cpu).clone())
            } else {
                None
            },
            executor,
            capacity,
            allowed: usize::MAX,
            under_way: VecDeque::new(),
            cancelled: Arc::default(),
        }
    }

    #[cfg(all(test, feature = "gpu"))]
    pub(super) fn with_device(device: DeviceThread<J>, capacity: usize) -> Self {
        let mut jobs = Self::with_executor(Executor::Inline, capacity);
        jobs.device = Some(device);
        jobs
    }

    /// Whether the caller is to do the work of `len` bytes, on buffers of its own. So it is where
    /// jobs run on its thread, and where threads would have to be started for a short block.
    /// `last`: no other block is to be expected soon.
    pub(crate) fn leaves_to_caller(&self, len: usize, last: bool) -> bool {
        self.executor.is_inline()
            || (last && len <= STARTS_NO_THREADS && self.len() == 0 && self.executor.has_to_start())
    }

    /// Whether jobs go to a pool, and to no device.
    pub(crate) fn has_pool(&self) -> bool {
        self.executor.is_pool()
    }

    /// Who runs the jobs.
    pub(crate) fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Whether jobs go to a device in batches.
    #[cfg(feature = "gpu")]
    pub(crate) fn has_device(&self) -> bool {
        self.device.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.len() < self.capacity.min(self.allowed)
    }

    /// From now on at most `jobs` at a time, 1 or more, or the capacity if that is less.
    pub(crate) fn allow(&mut self, jobs: usize) {
        self.allowed = jobs.max(1);
    }

    /// There is room.
    pub(crate) fn submit(&mut self, job: J) {
        let seat = Arc::new(Seat::default());
        self.under_way.push_back(Arc::clone(&seat));
        let guest = Guest::new(seat, job);
        let cancelled = Arc::clone(&self.cancelled);
        #[cfg(feature = "gpu")]
        if let Some(device) = &self.device {
            return device.submit(guest, cancelled);
        }
        self.executor.spawn(move || {
            if !cancelled.load(Ordering::Relaxed) {
                guest.run();
            }
        });
    }

    /// The oldest job, if it is done.
    pub(crate) fn take(&mut self) -> Option<Result<J, Lost>> {
        let result = self.under_way.front()?.take()?;
        self.under_way.pop_front();
        Some(result)
    }

    /// Blocks until the oldest job is done, if there is one. A caller who is a worker of the pool
    /// does the pool's work meanwhile.
    pub(crate) fn wait(&self) {
        #[cfg(feature = "gpu")]
        if let Some(device) = &self.device {
            device.hurry();
        }
        if let Some(seat) = self.under_way.front() {
            seat.wait(&self.executor);
        }
    }

    /// Ready when the oldest job is done or there is none. Pending: the task is woken when that job
    /// comes back, whatever became of it.
    pub(crate) fn poll_wait(&self, cx: &Context<'_>) -> Poll<()> {
        #[cfg(feature = "gpu")]
        if let Some(device) = &self.device {
            device.hurry();
        }
        self.under_way.front().map_or(Poll::Ready(()), |seat| seat.poll_wait(cx))
    }

    /// Drops all jobs without waiting for those that have begun: they own all they use, and nobody
    /// sees their results.
    #[cfg(any(feature = "futures-io", feature = "tokio", all(test, not(ranstream_shuttle))))]
    pub(crate) fn abandon(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.under_way.clear();
        self.cancelled = Arc::default();
    }

    /// Drops all jobs. Those that have not begun never do; the others are waited for.
    pub(crate) fn cancel(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        while let Some(seat) = self.under_way.pop_front() {
            seat.wait(&self.executor);
        }
        self.cancelled = Arc::default();
    }
}

impl<J> Drop for Ordered<J> {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        for seat in &self.under_way {
            seat.wait(&self.executor);
        }
    }
}

#[cfg(all(test, not(any(ranstream_loom, ranstream_shuttle))))]
mod tests {
    use std::{
        sync::mpsc,
        task::{Wake, Waker},
        time::Duration,
    };

    use super::*;
    use crate::EncodeOptions;

    #[derive(Debug)]
    struct Square(u64, u64);

    impl Job for Square {
        fn run(&mut self) {
            assert_ne!(self.0, 13, "an unlucky job");
            self.1 = self.0 * self.0;
        }
    }

    fn executors() -> Vec<Executor> {
        [1, 0, 2, 5].map(|threads| Executor::new(&EncodeOptions::new().threads(threads).work)).into()
    }

    #[test]
    fn jobs_come_back_in_order_and_bounded() {
        for executor in executors() {
            let mut jobs = Ordered::with_executor(executor, 7);
            let mut next = 100;
            for number in 100..400 {
                if !jobs.has_room() {
                    jobs.wait();
                    let Square(number, square) = jobs.take().unwrap().unwrap();
                    assert_eq!((number, square), (next, next * next));
                    next += 1;
                }
                jobs.submit(Square(number, 0));
                assert!(jobs.len() <= 7);
            }
            while jobs.len() > 0 {
                jobs.wait();
                assert_eq!(jobs.take().unwrap().unwrap().0, next);
                next += 1;
            }
            assert_eq!(next, 400);
            assert!(jobs.take().is_none());
        }
    }

    #[test]
    fn a_panicking_job_is_lost_at_its_place() {
        for executor in executors() {
            let mut jobs = Ordered::with_executor(executor, 3);
            (12..15).for_each(|number| jobs.submit(Square(number, 0)));
            let results: Vec<_> = (0..3)
                .map(|_| {
                    jobs.wait();
                    jobs.take().unwrap().map(|Square(_, square)| square)
                })
                .collect();
            assert_eq!(results, [Ok(144), Err(Lost), Ok(196)]);
        }
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn a_caller_inside_a_pool_of_one_does_the_work_itself() {
        let pool = Arc::new(rayon_core::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
        let executor = Executor::Given(Arc::clone(&pool));
        let sum = pool.install(|| {
            let mut jobs = Ordered::with_executor(executor, 4);
            (0..4).for_each(|number| jobs.submit(Square(number, 0)));
            (0..4)
                .map(|_| {
                    jobs.wait();
                    jobs.take().unwrap().unwrap().1
                })
                .sum::<u64>()
        });
        assert_eq!(sum, 14);
    }

    #[test]
    fn a_task_is_woken_by_the_oldest_job_and_by_a_lost_one() {
        struct Woken(mpsc::Sender<()>);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.send(()).unwrap();
            }
        }
        for executor in executors() {
            let (sender, woken) = mpsc::channel();
            let waker = Waker::from(Arc::new(Woken(sender)));
            let cx = Context::from_waker(&waker);
            let mut jobs = Ordered::with_executor(executor, 2);
            assert_eq!(jobs.poll_wait(&cx), Poll::Ready(()), "there is nothing to wait for");
            for number in [3, 13] {
                jobs.submit(Square(number, 0));
                while jobs.poll_wait(&cx).is_pending() {
                    woken.recv_timeout(Duration::from_secs(60)).unwrap();
                }
                assert_eq!(jobs.take().unwrap().is_err(), number == 13);
            }
        }
    }

    #[test]
    fn dropping_and_cancelling_hang_nothing() {
        for executor in executors() {
            let mut jobs = Ordered::with_executor(executor.clone(), 50);
            (20..70).for_each(|number| jobs.submit(Square(number, 0)));
            jobs.cancel();
            assert_eq!(jobs.len(), 0);
            (20..70).for_each(|number| jobs.submit(Square(number, 0)));
            jobs.abandon();
            assert_eq!(jobs.len(), 0);
            (20..70).for_each(|number| jobs.submit(Square(number, 0)));
            drop(jobs);
        }
    }
}
