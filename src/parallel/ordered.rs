//! Jobs under way, taken back in order.

use std::{
    collections::VecDeque,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::atomic::Ordering,
    task::{Context, Poll},
};

#[cfg(feature = "gpu")]
use crate::options::environment;
use crate::{device::Device, parallel::device::DeviceThread};
use crate::{
    options::{DecodeOptions, Driver, EncodeOptions, Work},
    parallel::{
        Executor,
        promise::{Job, Lost, Outcome, Promise},
        waiting::Waiting,
    },
    sync::{Arc, AtomicBool},
};

/// A block of up to so many bytes starts no threads: to start them takes longer.
const STARTS_NO_THREADS: usize = 16 << 10;

/// A task works on a block of up to so many bytes itself, in at most some ten microseconds: a
/// worker would not be quicker.
const TASK_LEN: usize = 16 << 10;

/// The caller takes part in the work of blocks of up to so many raw bytes. Threads that sleep and
/// wake for each take longer: with blocks of 16 KiB two of them took longer than one. For longer
/// blocks it makes little difference, and the caller would be away from its I/O for long.
const CALLER_WORKS_LEN: usize = 256 << 10;

/// At most `capacity` jobs, oldest first.
#[derive(Debug)]
pub(crate) struct Ordered<J> {
    executor: Executor,
    driver: Driver,
    capacity: usize,
    /// As the caller's memory allows. No more bits than needed: a stream that waits holds little.
    allowed: u32,
    under_way: VecDeque<Arc<Outcome<J>>>,
    /// The jobs that the caller may do where it would have to wait, if it takes part.
    waiting: Option<Arc<Waiting<J>>>,
    cancelled: Arc<AtomicBool>,
    device: DeviceState<J>,
}

#[derive(Debug)]
enum DeviceState<J> {
    /// There is none, or the system gives no thread for it.
    None,
    /// No job has come yet.
    Idle(std::sync::Arc<dyn Device>),
    Serving(DeviceThread<J>, std::sync::Arc<dyn Device>),
}

/// As [`DeviceThread`].
impl<J> UnwindSafe for DeviceState<J> {}
impl<J> RefUnwindSafe for DeviceState<J> {}

impl<J: Job> DeviceState<J> {
    /// The thread that serves the device, which starts with the first job.
    fn serving(&mut self, executor: &Executor) -> Option<&DeviceThread<J>> {
        // Nobody can ask for a device then. This keeps the thread's code out of the program.
        if !cfg!(any(feature = "gpu", test)) {
            return None;
        }
        if let Self::Idle(device) = self {
            let device = std::sync::Arc::clone(device);
            *self = match DeviceThread::start(std::sync::Arc::clone(&device), executor.clone()) {
                Some(thread) => Self::Serving(thread, device),
                None => Self::None,
            };
        }
        match self {
            Self::Serving(thread, _) => Some(thread),
            Self::None | Self::Idle(_) => None,
        }
    }
}

/// Blocks that may be under way where a device decodes them in batches.
#[cfg(feature = "gpu")]
const MOST_FOR_A_DEVICE: usize = 4096;

impl<J: Job> Ordered<J> {
    pub(crate) fn new(work: &Work) -> Self {
        let executor = Executor::new(work);
        let capacity = executor.in_flight(work);
        Self::with_executor(executor, capacity).driven_by(work.driver)
    }

    /// Jobs of blocks that are as long as the options say, or shorter.
    pub(crate) fn for_encoding(options: &EncodeOptions) -> Self {
        let mut jobs = Self::new(&options.work);
        jobs.expect_blocks(options.block_len, &options.work);
        jobs
    }

    /// Jobs that a device may do, if the options ask for one.
    pub(crate) fn for_decoding(options: &DecodeOptions) -> Self {
        #[cfg(feature = "gpu")]
        if let Some(device) = options.device.clone().filter(|_| !environment::cpu_only()) {
            let capacity = options.work.in_flight.unwrap_or(MOST_FOR_A_DEVICE);
            let jobs = Self::with_device(device.0, Executor::new(&options.work), capacity);
            return jobs.driven_by(options.work.driver);
        }
        Self::new(&options.work)
    }

    /// What the device does not do goes to `executor`.
    pub(crate) fn with_device(device: std::sync::Arc<dyn Device>, executor: Executor, capacity: usize) -> Self {
        let mut jobs = Self::with_executor(executor, capacity);
        jobs.device = DeviceState::Idle(device);
        jobs
    }

    pub(super) fn with_executor(executor: Executor, capacity: usize) -> Self {
        Self {
            executor,
            driver: Driver::Thread,
            capacity,
            allowed: u32::MAX,
            under_way: VecDeque::new(),
            waiting: None,
            cancelled: Arc::default(),
            device: DeviceState::None,
        }
    }

    pub(super) fn driven_by(mut self, driver: Driver) -> Self {
        self.driver = driver;
        self
    }

    /// Blocks of up to `len` raw bytes are to come, from `work`, the options that this was made
    /// with. Where they are short, the caller takes part, and the default for
    /// [`in_flight`](Work::in_flight) is higher: while the caller works, each thread needs another
    /// block.
    pub(crate) fn expect_blocks(&mut self, len: usize, work: &Work) {
        if self.has_device() {
            return;
        }
        let caller_works = len <= CALLER_WORKS_LEN && self.driver == Driver::Thread && self.executor.may_use_caller();
        self.waiting = if caller_works { self.waiting.take().or_else(|| Some(Arc::default())) } else { None };
        let default = self.executor.in_flight(work);
        self.capacity =
            if caller_works && work.in_flight.is_none() { default + self.executor.width() } else { default };
    }

    /// Whether the caller is to do the work of `len` bytes, on buffers of its own. So it is where
    /// jobs run on its thread, where threads would have to be started for a short block, and where
    /// the caller is a task and the block is short. `last`: no other block is to be expected soon.
    pub(crate) fn leaves_to_caller(&self, len: usize, last: bool) -> bool {
        if self.driver == Driver::Task && len <= TASK_LEN && self.len() == 0 {
            return true;
        }
        if self.has_device() {
            return false;
        }
        self.executor.is_inline()
            || (last && len <= STARTS_NO_THREADS && self.len() == 0 && self.executor.has_to_start())
    }

    /// Whether jobs go to a pool, and to no device.
    pub(crate) fn has_pool(&self) -> bool {
        self.executor.is_pool() && !self.has_device()
    }

    /// Who runs the jobs.
    pub(crate) fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Bytes, raw and coded, that may be under way where jobs go to a device. `None`: to none.
    #[cfg(feature = "gpu")]
    pub(crate) fn under_way_on_device(&self) -> Option<usize> {
        match &self.device {
            DeviceState::None => None,
            DeviceState::Idle(device) | DeviceState::Serving(_, device) => Some(device.under_way()),
        }
    }

    fn has_device(&self) -> bool {
        !matches!(self.device, DeviceState::None)
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.len() < self.capacity.min(self.allowed as usize)
    }

    /// From now on at most `jobs` at a time, 1 or more, or the capacity if that is less.
    pub(crate) fn allow(&mut self, jobs: usize) {
        self.allowed = u32::try_from(jobs).unwrap_or(u32::MAX).max(1);
    }

    /// There is room.
    pub(crate) fn submit(&mut self, job: J) {
        let outcome = Arc::new(Outcome::default());
        self.under_way.push_back(Arc::clone(&outcome));
        let promise = Promise::new(outcome, job);
        let cancelled = Arc::clone(&self.cancelled);
        if let Some(device) = self.device.serving(&self.executor) {
            return device.submit(promise, cancelled);
        }
        if let Some(waiting) = &self.waiting {
            if waiting.push(promise, cancelled) {
                let waiting = Arc::clone(waiting);
                self.executor.spawn(move || waiting.run_oldest());
            }
            return;
        }
        self.executor.spawn(move || {
            if !cancelled.load(Ordering::Relaxed) {
                promise.run();
            }
        });
    }

    /// The oldest job, if it is done.
    pub(crate) fn take(&mut self) -> Option<Result<J, Lost>> {
        let result = self.under_way.front()?.take()?;
        self.under_way.pop_front();
        Some(result)
    }

    /// Blocks until the oldest job is done, if there is one. Meanwhile the caller does the newest
    /// ones, if it takes part and others wait for all threads; and the pool's work, if it is one of
    /// its workers.
    pub(crate) fn wait(&self) {
        self.tell_device();
        let Some(oldest) = self.under_way.front() else { return };
        if let Some(waiting) = &self.waiting {
            let others = self.executor.width() - 1;
            while !oldest.is_set() && waiting.run_newest(others) {}
        }
        oldest.wait(&self.executor);
    }

    /// Ready when the oldest job is done or there is none. Pending: the task is woken when that job
    /// comes back, whatever became of it.
    pub(crate) fn poll_wait(&self, cx: &Context<'_>) -> Poll<()> {
        self.tell_device();
        self.under_way.front().map_or(Poll::Ready(()), |outcome| outcome.poll_wait(cx))
    }

    /// A device that gathers a batch need not wait for more.
    fn tell_device(&self) {
        if let DeviceState::Serving(thread, _) = &self.device {
            thread.submitter_waits();
        }
    }

    /// Drops all jobs. Those that have not begun never do.
    pub(crate) fn cancel(&mut self) {
        self.end();
        self.cancelled = Arc::default();
    }
}

impl<J> Ordered<J> {
    /// A thread waits for the jobs that have begun. A task does not: they own all they use, and
    /// nobody sees their results.
    fn end(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        if let Some(waiting) = &self.waiting {
            waiting.clear();
        }
        while let Some(outcome) = self.under_way.pop_front() {
            if self.driver == Driver::Thread {
                outcome.wait(&self.executor);
            }
        }
    }
}

impl<J> Drop for Ordered<J> {
    fn drop(&mut self) {
        self.end();
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

    // An interpreter takes a thousand times as long.
    const END: u64 = if cfg!(miri) { 120 } else { 400 };
    const DROPPED: usize = if cfg!(miri) { 5 } else { 50 };

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
        for (executor, caller_works) in executors().into_iter().flat_map(|each| [(each.clone(), false), (each, true)]) {
            let mut jobs = Ordered::with_executor(executor, 7);
            jobs.waiting = caller_works.then(Arc::default);
            let mut next = 100;
            for number in 100..END {
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
            assert_eq!(next, END);
            assert!(jobs.take().is_none());
        }
    }

    /// Each job says which thread did it.
    #[cfg(feature = "rayon")]
    #[test]
    fn the_caller_does_short_jobs_while_others_wait_for_all_threads() {
        struct Where(mpsc::Receiver<()>, mpsc::Sender<()>, Option<std::thread::ThreadId>);
        impl Job for Where {
            fn run(&mut self) {
                self.0.recv_timeout(Duration::from_secs(60)).unwrap();
                self.2 = Some(std::thread::current().id());
                let _ = self.1.send(());
            }
        }
        let options = EncodeOptions::new().threads(2);
        for (len, by_caller) in [(CALLER_WORKS_LEN, true), (CALLER_WORKS_LEN + 1, false)] {
            let mut jobs = Ordered::new(&options.work);
            assert_eq!(jobs.capacity, 4);
            jobs.expect_blocks(len, &options.work);
            let capacity = if by_caller { 6 } else { 4 };
            assert_eq!(jobs.capacity, capacity);
            let (mut may_run, (done, newest_done)) = (VecDeque::new(), mpsc::channel());
            for _ in 0..capacity {
                let (sender, receiver) = mpsc::channel();
                may_run.push_back(sender);
                jobs.submit(Where(receiver, done.clone(), None));
            }
            assert!(!jobs.has_room());
            // Two threads hold the two oldest. The newest can be done.
            may_run.pop_back().unwrap().send(()).unwrap();
            let others = std::thread::spawn(move || {
                // Nobody else may do it before the caller waits.
                if by_caller {
                    newest_done.recv_timeout(Duration::from_secs(60)).unwrap();
                }
                for sender in &may_run {
                    sender.send(()).unwrap();
                }
                may_run
            });
            let mut done = Vec::new();
            while jobs.len() > 0 {
                jobs.wait();
                done.push(jobs.take().unwrap().unwrap().2.unwrap() == std::thread::current().id());
            }
            others.join().unwrap();
            assert_eq!(done.last(), Some(&by_caller), "{len} bytes");
            assert!(!done[0], "the oldest was begun");
        }
    }

    /// Tasks wait for no work, and a pool that was given has threads enough.
    #[cfg(feature = "rayon")]
    #[test]
    fn tasks_and_callers_with_a_pool_leave_the_work_to_others() {
        let options = EncodeOptions::new().threads(2);
        let mut jobs = Ordered::<Square>::new(&options.work).driven_by(Driver::Task);
        jobs.expect_blocks(1, &options.work);
        assert!(jobs.waiting.is_none() && jobs.capacity == 4, "{}", jobs.capacity);
        let pool = Arc::new(rayon_core::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let options = EncodeOptions::new().pool(pool);
        let mut jobs = Ordered::<Square>::new(&options.work);
        jobs.expect_blocks(1, &options.work);
        assert!(jobs.waiting.is_none() && jobs.capacity == 4, "{}", jobs.capacity);
    }

    #[test]
    fn a_panicking_job_is_lost_at_its_place() {
        for (executor, caller_works) in executors().into_iter().flat_map(|each| [(each.clone(), false), (each, true)]) {
            let mut jobs = Ordered::with_executor(executor, 3);
            jobs.waiting = caller_works.then(Arc::default);
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
            for (driver, caller_works) in [(Driver::Thread, false), (Driver::Thread, true), (Driver::Task, false)] {
                let mut jobs = Ordered::with_executor(executor.clone(), DROPPED).driven_by(driver);
                jobs.waiting = caller_works.then(Arc::default);
                (20..).take(DROPPED).for_each(|number| jobs.submit(Square(number, 0)));
                jobs.cancel();
                assert_eq!(jobs.len(), 0);
                (20..).take(DROPPED).for_each(|number| jobs.submit(Square(number, 0)));
                drop(jobs);
            }
        }
    }
}
