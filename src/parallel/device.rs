//! The thread that serves a device: it takes jobs from the queue, many at a time, and gives back
//! what the device has done.
//!
//! A device that was asked for takes every job, oldest first, and the threads do what it leaves.
//! One that has to be worth it takes the newest of those that wait, as many as it will
//! have done when the threads have done the others: whoever reads the stream wants the oldest next,
//! which the threads have at hand, and a device brings many at once and late.

use std::{
    collections::VecDeque,
    mem,
    panic::{RefUnwindSafe, UnwindSafe},
};

use crate::{
    device::{Device, Item, Launched, Load, OpenDevice},
    parallel::{
        Executor, Job,
        promise::Promise,
        queue::{Queue, Queued},
    },
    sync::{Arc, AtomicBool, JoinHandle, spawn},
};

/// The thread, and the queue.
#[derive(Debug)]
pub(super) struct DeviceThread<J> {
    queue: Arc<Queue<J>>,
    /// Threads that take from the queue, too.
    cpu: Option<Executor>,
    thread: Option<JoinHandle<()>>,
}

/// A job's panic stays with its promise, and nothing else of the thread is seen.
impl<J> UnwindSafe for DeviceThread<J> {}
impl<J> RefUnwindSafe for DeviceThread<J> {}

impl<J: Job> DeviceThread<J> {
    /// A device that has to be worth it is opened once enough jobs have come. `None`: the system
    /// gives no thread.
    pub(super) fn start(device: std::sync::Arc<dyn Device>, cpu: Executor) -> Option<Self> {
        let probe_after = device.probe_after();
        let queue = Arc::new(Queue::default());
        let shared = probe_after.is_some() && !cpu.is_inline();
        let others = shared.then(|| cpu.clone());
        let own = Arc::clone(&queue);
        let thread = spawn("ranstream-gpu", move || {
            // However the thread ends: where nobody else takes jobs, none may wait for it.
            let _closer = (!shared).then(|| Closer(Arc::clone(&own)));
            match probe_after {
                Some(raw_len) => share(&own, &cpu, raw_len, &*device),
                None => take_all(&own, &cpu, &*device),
            }
        });
        Some(Self { queue, cpu: others, thread: Some(thread?) })
    }

    pub(super) fn submit(&self, promise: Promise<J>, cancelled: Arc<AtomicBool>) {
        self.queue.push(promise, cancelled);
        if let Some(cpu) = &self.cpu {
            let queue = Arc::clone(&self.queue);
            // One call for each job; those that find none were outrun by the device.
            cpu.spawn(move || {
                queue.run_oldest();
            });
        }
    }

    pub(super) fn submitter_waits(&self) {
        self.queue.submitter_waits();
    }
}

impl<J> Drop for DeviceThread<J> {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has made its jobs lost, which was reported in their place.
            let _ = thread.join();
        }
    }
}

struct Closer<J>(Arc<Queue<J>>);

impl<J> Drop for Closer<J> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The device does all it can.
fn take_all<J: Job>(queue: &Queue<J>, cpu: &Executor, device: &dyn Device) {
    if !queue.wait() {
        return;
    }
    if let Some(device) = device.open() {
        let mut batches = Batches::new(device, cpu);
        while !batches.device.is_lost()
            && let Some(jobs) = queue.take_oldest(batches.device.batch_len(), batches.are_under_way())
        {
            batches.launch_or_finish(jobs);
        }
        batches.finish_all();
    }
    while let Some(jobs) = queue.take_oldest(1, false) {
        for job in jobs.into_iter().filter(Queued::is_wanted) {
            cpu.spawn(move || job.promise.run());
        }
    }
}

/// Device and threads take from the queue, each as much as brings the end nearer. Where there are
/// no threads, this one is theirs.
fn share<J: Job>(queue: &Queue<J>, cpu: &Executor, probe_after: u64, device: &dyn Device) {
    let alone = cpu.is_inline();
    while alone && queue.submitted() < probe_after && queue.wait() {
        queue.run_oldest();
    }
    if !queue.wait_until_submitted(probe_after) {
        return;
    }
    if let Some(device) = device.open() {
        let mut batches = Batches::new(device, cpu);
        while !batches.device.is_lost() {
            if alone && !batches.are_under_way() && !queue.wait() {
                return;
            }
            let (device, under_way) = (&*batches.device, batches.load);
            let share = |waiting| {
                let seconds = queue.thread_seconds().map(|seconds| seconds / cpu.width() as f64);
                seconds.map_or(0, |seconds| device.share(waiting, under_way, seconds).min(device.batch_len()))
            };
            match queue.take_newest(share, alone || batches.are_under_way()) {
                None => break,
                Some(jobs) if jobs.is_empty() && !batches.are_under_way() => {
                    queue.run_oldest();
                }
                Some(jobs) => batches.launch_or_finish(jobs),
            }
        }
        batches.finish_all();
    }
    while alone && queue.wait() {
        queue.run_oldest();
    }
}

/// Jobs that the device has.
struct Batches<'a, J> {
    device: Box<dyn OpenDevice>,
    cpu: &'a Executor,
    /// The jobs of each batch, oldest first.
    under_way: VecDeque<Vec<Taken<J>>>,
    load: Load,
}

/// A job apart from its promise: if this thread panics it is lost, not taken for decoded.
struct Taken<J> {
    promise: Promise<J>,
    job: J,
    done: bool,
}

impl<'a, J: Job> Batches<'a, J> {
    fn new(device: Box<dyn OpenDevice>, cpu: &'a Executor) -> Self {
        Self { device, cpu, under_way: VecDeque::new(), load: Load::default() }
    }

    fn are_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Sends `jobs` on their way; without any, waits for those that are.
    fn launch_or_finish(&mut self, jobs: Vec<Queued<J>>) {
        if jobs.is_empty() {
            self.finish();
            return;
        }
        let taken = jobs.into_iter().filter(Queued::is_wanted).filter_map(|Queued { mut promise, .. }| {
            let job = promise.take()?;
            Some(Taken { promise, job, done: false })
        });
        let mut jobs: Vec<_> = taken.collect();
        while !jobs.is_empty() {
            if self.under_way.len() == self.device.batches() {
                self.finish();
            }
            let items: Option<Vec<Item<'_>>> = jobs.iter_mut().map(|taken| taken.job.item()).collect();
            match items.map_or(Launched::Failed, |items| self.device.launch(&items)) {
                Launched::Batch(count) => {
                    let behind = jobs.split_off(count);
                    let mut batch = mem::replace(&mut jobs, behind);
                    self.load += load(&mut batch);
                    self.under_way.push_back(batch);
                }
                Launched::Refused(count) => {
                    let behind = jobs.split_off(count);
                    self.give_back(mem::replace(&mut jobs, behind));
                }
                Launched::Failed => self.give_back(mem::take(&mut jobs)),
            }
        }
    }

    /// Waits for the oldest batch.
    fn finish(&mut self) {
        let Some(mut jobs) = self.under_way.pop_front() else { return };
        self.load -= load(&mut jobs);
        // Where the device failed the jobs are undone, which says it all.
        self.device.finish(&mut |index, raw| {
            let Taken { job, done, .. } = &mut jobs[index];
            if let Some(item) = job.item() {
                item.raw.copy_from_slice(raw);
                *done = true;
            }
        });
        self.give_back(jobs);
    }

    fn finish_all(&mut self) {
        while self.are_under_way() {
            self.finish();
        }
    }

    /// Those that are not done go to the threads.
    fn give_back(&self, jobs: Vec<Taken<J>>) {
        for Taken { mut promise, job, done } in jobs {
            self.device.count(usize::from(done), usize::from(!done));
            if done {
                promise.give_back(job);
            } else {
                promise.put(job);
                self.cpu.spawn(move || promise.run());
            }
        }
    }
}

fn load<J: Job>(jobs: &mut [Taken<J>]) -> Load {
    let mut load = Load::default();
    for item in jobs.iter_mut().filter_map(|taken| taken.job.item()) {
        load += item.load();
    }
    load
}

#[cfg(all(test, not(any(ranstream_loom, ranstream_shuttle))))]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{
        EncodeOptions,
        block::{self, Coded, Resources},
        format::{BlockHeader, HEADER_LEN},
        options::Driver,
        parallel::{Lost, Ordered},
        simd::Kernel,
    };

    const JOBS: u32 = 96;
    const LEN: usize = 64 << 10;

    /// What a device made of nothing does.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Nature {
        /// It has done at once what it gets, and gets all that waits.
        Free,
        /// It is never worth it.
        Dear,
        /// It is not there.
        Absent,
        /// It does every third block only, and refuses every fifth batch.
        Choosy,
        /// It is lost after so many blocks, and with it the batches under way.
        LostAfter(usize),
        /// Its driver panics.
        Panics,
    }

    #[derive(Debug)]
    struct Made {
        nature: Nature,
        probe_after: Option<u64>,
        decoded: Arc<AtomicUsize>,
    }

    impl Device for Made {
        fn probe_after(&self) -> Option<u64> {
            self.probe_after
        }

        fn under_way(&self) -> usize {
            1 << 30
        }

        fn open(&self) -> Option<Box<dyn OpenDevice>> {
            assert_ne!(self.nature, Nature::Panics, "a driver that panics");
            let open =
                Open { nature: self.nature, decoded: Arc::clone(&self.decoded), batches: VecDeque::new(), launches: 0 };
            (self.nature != Nature::Absent).then(|| Box::new(open) as Box<dyn OpenDevice>)
        }

        fn key(&self) -> usize {
            0
        }
    }

    struct Open {
        nature: Nature,
        decoded: Arc<AtomicUsize>,
        batches: VecDeque<Vec<Vec<u8>>>,
        launches: usize,
    }

    impl OpenDevice for Open {
        fn is_lost(&self) -> bool {
            matches!(self.nature, Nature::LostAfter(most) if self.decoded.load(Ordering::Relaxed) >= most)
        }

        fn batch_len(&self) -> u64 {
            8 * LEN as u64
        }

        fn batches(&self) -> usize {
            2
        }

        fn share(&self, waiting: Load, _: Load, seconds: f64) -> u64 {
            assert!(seconds > 0.0);
            if self.nature == Nature::Dear { 0 } else { waiting.raw_len }
        }

        fn launch(&mut self, items: &[Item<'_>]) -> Launched {
            self.launches += 1;
            if self.nature == Nature::Choosy && self.launches.is_multiple_of(5) {
                return Launched::Refused(items.len().div_ceil(2));
            }
            if self.is_lost() {
                return Launched::Failed;
            }
            let decode = |item: &Item<'_>| {
                let mut raw = vec![0; item.raw.len()];
                Coded::new(item.header, item.body)
                    .verify()
                    .unwrap()
                    .decode(&mut raw, &Resources::new(Some(Kernel::Portable), None))
                    .unwrap();
                raw
            };
            self.batches.push_back(items.iter().map(decode).collect());
            Launched::Batch(items.len())
        }

        fn finish(&mut self, take: &mut dyn FnMut(usize, &[u8])) {
            let batch = self.batches.pop_front().unwrap();
            for (index, raw) in batch.iter().enumerate() {
                if !self.is_lost() && (self.nature != Nature::Choosy || index % 3 == 0) {
                    take(index, raw);
                }
            }
        }

        fn count(&self, decoded: usize, _: usize) {
            self.decoded.fetch_add(decoded, Ordering::Relaxed);
        }
    }

    #[derive(Debug)]
    struct Decode {
        number: u32,
        coded: std::sync::Arc<[u8]>,
        raw: Vec<u8>,
    }

    impl Job for Decode {
        /// Slow enough for jobs to wait.
        fn run(&mut self) {
            thread::sleep(Duration::from_millis(2));
            block::decode(&self.coded, &mut self.raw).unwrap();
        }

        fn item(&mut self) -> Option<Item<'_>> {
            let header = Coded::parse(&self.coded).ok()?.header().to_bytes();
            let header = BlockHeader::parse(&header, crate::error::Part::Block(0), 0).ok()?;
            Some(Item { header, body: &self.coded[HEADER_LEN..], raw: &mut self.raw })
        }
    }

    fn raw(number: u32) -> Vec<u8> {
        (0..LEN as u32).map(|i| (i.wrapping_mul(i) % 89 + number % 3) as u8).collect()
    }

    fn coded(number: u32) -> std::sync::Arc<[u8]> {
        let mut coded = Vec::new();
        block::encode(&raw(number), &EncodeOptions::new(), &mut coded).unwrap();
        coded.into()
    }

    fn executor(threads: usize) -> Executor {
        Executor::new(&EncodeOptions::new().threads(threads).work)
    }

    fn jobs(nature: Nature, probe_after: Option<u64>, threads: usize) -> (Ordered<Decode>, Arc<AtomicUsize>) {
        let decoded = Arc::new(AtomicUsize::new(0));
        let device = Made { nature, probe_after, decoded: Arc::clone(&decoded) };
        (Ordered::with_device(std::sync::Arc::new(device), executor(threads), JOBS as usize), decoded)
    }

    /// Sends all jobs through a device and checks what comes back, and its order. Comes back: how
    /// many the device decoded.
    fn run(nature: Nature, probe_after: Option<u64>, threads: usize) -> usize {
        let (mut jobs, decoded) = jobs(nature, probe_after, threads);
        let coded: Vec<_> = (0..3).map(coded).collect();
        for number in 0..JOBS {
            let coded = coded[number as usize % 3].clone();
            jobs.submit(Decode { number, coded, raw: vec![0; LEN] });
        }
        for number in 0..JOBS {
            jobs.wait();
            let job = jobs.take().unwrap().unwrap();
            assert_eq!(job.number, number);
            assert!(job.raw == raw(number), "{nature:?}, {threads} threads, job {number}");
        }
        decoded.load(Ordering::Relaxed)
    }

    #[test]
    fn device_and_threads_take_from_one_queue() {
        for threads in [1, 2, 0] {
            let decoded = run(Nature::Free, Some(1 << 20), threads);
            assert!((8..JOBS as usize).contains(&decoded), "{threads} threads: the device decoded {decoded}");
            assert_eq!(run(Nature::Free, None, threads), JOBS as usize, "one that was asked for takes all");
        }
    }

    #[test]
    fn a_device_that_costs_more_than_the_threads_gets_nothing() {
        assert_eq!(run(Nature::Dear, Some(1 << 20), 2), 0);
    }

    #[test]
    fn what_a_device_does_not_do_the_threads_do() {
        for threads in [1, 2] {
            for probe_after in [None, Some(1 << 20)] {
                assert_eq!(run(Nature::Absent, probe_after, threads), 0);
                assert!(run(Nature::Choosy, probe_after, threads) < JOBS as usize);
                assert!(run(Nature::LostAfter(10), probe_after, threads) <= 20);
            }
        }
    }

    #[test]
    fn where_the_thread_panics_jobs_are_lost_or_done_by_others_and_nobody_waits() {
        // Without the feature there are no others.
        if cfg!(feature = "rayon") {
            assert_eq!(run(Nature::Panics, Some(1 << 20), 2), 0);
        }
        let (mut jobs, _) = jobs(Nature::Panics, None, 1);
        for number in 0..2 {
            jobs.submit(Decode { number, coded: coded(0), raw: vec![0; LEN] });
        }
        jobs.wait();
        assert_eq!(jobs.take().unwrap().err(), Some(Lost));
    }

    #[test]
    fn jobs_that_are_cancelled_hold_nobody_up() {
        let drivers = |nature| [(nature, Driver::Thread), (nature, Driver::Task)];
        for (nature, driver) in [Nature::Absent, Nature::Free].into_iter().flat_map(drivers) {
            for probe_after in [None, Some(1 << 20)] {
                let mut jobs = jobs(nature, probe_after, 2).0.driven_by(driver);
                let coded = coded(0);
                for number in 0..40 {
                    jobs.submit(Decode { number, coded: coded.clone(), raw: vec![0; LEN] });
                }
                jobs.cancel();
                assert_eq!(jobs.len(), 0);
                jobs.submit(Decode { number: 40, coded, raw: vec![0; LEN] });
            }
        }
    }
}
