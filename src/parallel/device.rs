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
    thread::{self, JoinHandle},
};

use crate::{
    gpu::{Batch, Choice, Cost, Decoder, Gpu, Load, PROBE_AFTER, RING},
    parallel::{
        Executor, Job,
        queue::{Queue, Waiting},
        seat::Guest,
    },
    sync::{Arc, AtomicBool},
};

/// The thread, and the queue.
#[derive(Debug)]
pub(super) struct DeviceThread<J> {
    queue: Arc<Queue<J>>,
    /// Threads that take from the queue, too.
    cpu: Option<Executor>,
    thread: Option<JoinHandle<()>>,
}

/// A job's panic stays with its seat, and nothing else of the thread is seen.
impl<J> UnwindSafe for DeviceThread<J> {}
impl<J> RefUnwindSafe for DeviceThread<J> {}

impl<J: Job> DeviceThread<J> {
    /// `None`: the system gives no thread.
    pub(super) fn start(choice: Choice, cpu: Executor) -> Option<Self> {
        Self::with(choice.is_measured().then_some(PROBE_AFTER), move || choice.open(), cpu)
    }

    /// A device that has to be worth it is opened once jobs of so many raw bytes have come,
    /// `probe_after`; without that number it takes all.
    fn with(
        probe_after: Option<u64>,
        open: impl FnOnce() -> Option<(Gpu, Option<Cost>)> + Send + 'static,
        cpu: Executor,
    ) -> Option<Self> {
        let queue = Arc::new(Queue::default());
        let shared = probe_after.is_some() && !cpu.is_inline();
        let others = shared.then(|| cpu.clone());
        let own = Arc::clone(&queue);
        let thread = thread::Builder::new().name("ranstream-gpu".into()).spawn(move || {
            // However the thread ends: where nobody else takes jobs, none may wait for it.
            let _closer = (!shared).then(|| Closer(Arc::clone(&own)));
            match probe_after {
                Some(raw_len) => share(&own, &cpu, raw_len, open),
                None => take_all(&own, &cpu, open),
            }
        });
        Some(Self { queue, cpu: others, thread: Some(thread.ok()?) })
    }

    pub(super) fn submit(&self, guest: Guest<J>, cancelled: Arc<AtomicBool>) {
        self.queue.push(guest, cancelled);
        if let Some(cpu) = &self.cpu {
            let queue = Arc::clone(&self.queue);
            // One call for each job; those that find none were outrun by the device.
            cpu.spawn(move || {
                queue.run_oldest();
            });
        }
    }

    pub(super) fn hurry(&self) {
        self.queue.hurry();
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
fn take_all<J: Job>(queue: &Queue<J>, cpu: &Executor, open: impl FnOnce() -> Option<(Gpu, Option<Cost>)>) {
    if !queue.wait() {
        return;
    }
    if let Some((gpu, _)) = open() {
        let mut flights = Flights::new(&gpu, cpu);
        while gpu.lost().is_none()
            && let Some(jobs) = queue.take_oldest(gpu.batch_len(), flights.are_under_way())
        {
            flights.launch_or_land(jobs);
        }
        flights.land_all();
    }
    while let Some(jobs) = queue.take_oldest(1, false) {
        for job in jobs.into_iter().filter(Waiting::is_wanted) {
            cpu.spawn(move || job.guest.run());
        }
    }
}

/// Device and threads take from the queue, each as much as brings the end nearer. Where there are
/// no threads, this one is theirs.
fn share<J: Job>(
    queue: &Queue<J>,
    cpu: &Executor,
    probe_after: u64,
    open: impl FnOnce() -> Option<(Gpu, Option<Cost>)>,
) {
    let alone = cpu.is_inline();
    while alone && queue.submitted() < probe_after && queue.wait() {
        queue.run_oldest();
    }
    if !queue.wait_until_submitted(probe_after) {
        return;
    }
    if let Some((gpu, Some(cost))) = open() {
        let mut flights = Flights::new(&gpu, cpu);
        while gpu.lost().is_none() {
            if alone && !flights.are_under_way() && !queue.wait() {
                return;
            }
            let under_way = flights.load;
            let share = |waiting| {
                let seconds = queue.thread_seconds().map(|seconds| seconds / cpu.width() as f64);
                seconds.map_or(0, |seconds| cost.share(waiting, under_way, seconds).min(gpu.batch_len()))
            };
            match queue.take_newest(share, alone || flights.are_under_way()) {
                None => break,
                Some(jobs) if jobs.is_empty() && !flights.are_under_way() => {
                    queue.run_oldest();
                }
                Some(jobs) => flights.launch_or_land(jobs),
            }
        }
        flights.land_all();
    }
    while alone && queue.wait() {
        queue.run_oldest();
    }
}

/// Jobs that the device has.
struct Flights<'a, J> {
    decoder: Decoder,
    cpu: &'a Executor,
    under_way: VecDeque<(Batch, Vec<Seated<J>>)>,
    load: Load,
}

/// A job apart from its seat: if this thread panics it is lost, not taken for decoded.
struct Seated<J> {
    guest: Guest<J>,
    job: J,
    done: bool,
}

impl<'a, J: Job> Flights<'a, J> {
    fn new(gpu: &Gpu, cpu: &'a Executor) -> Self {
        Self { decoder: Decoder::new(gpu), cpu, under_way: VecDeque::new(), load: Load::default() }
    }

    fn are_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Sends `jobs` on their way; without any, waits for those that are.
    fn launch_or_land(&mut self, jobs: Vec<Waiting<J>>) {
        if jobs.is_empty() {
            self.land();
            return;
        }
        let seated = jobs.into_iter().filter(Waiting::is_wanted).filter_map(|Waiting { mut guest, .. }| {
            let job = guest.take()?;
            Some(Seated { guest, job, done: false })
        });
        let mut jobs: Vec<_> = seated.collect();
        while !jobs.is_empty() {
            if self.under_way.len() == RING {
                self.land();
            }
            let count = jobs.len();
            let blocks: Vec<_> = jobs.iter_mut().filter_map(|seated| Some(seated.job.item()?.block)).collect();
            let all_are_blocks = blocks.len() == count;
            let launched = if all_are_blocks { self.decoder.launch(&blocks).ok() } else { None };
            match launched {
                Some((count, Some(batch))) => {
                    let behind = jobs.split_off(count);
                    let mut these = mem::replace(&mut jobs, behind);
                    self.load += load(&mut these);
                    self.under_way.push_back((batch, these));
                }
                Some((count, None)) => {
                    let behind = jobs.split_off(count);
                    self.give_back(mem::replace(&mut jobs, behind));
                }
                None => self.give_back(mem::take(&mut jobs)),
            }
        }
    }

    /// Waits for the oldest batch.
    fn land(&mut self) {
        let Some((batch, mut jobs)) = self.under_way.pop_front() else { return };
        self.load -= load(&mut jobs);
        // Where the device failed the jobs are undone, which says it all.
        let _ = self.decoder.land(batch, |index, raw| {
            let Seated { job, done, .. } = &mut jobs[index];
            if let Some(item) = job.item() {
                item.raw.copy_from_slice(raw);
                *done = true;
            }
        });
        self.give_back(jobs);
    }

    fn land_all(&mut self) {
        while self.are_under_way() {
            self.land();
        }
    }

    /// Those that are not done go to the threads.
    fn give_back(&self, jobs: Vec<Seated<J>>) {
        let gpu = self.decoder.gpu();
        for Seated { mut guest, job, done } in jobs {
            if done {
                gpu.count_decoded(1);
                guest.give_back(job);
            } else {
                gpu.count_returned(1);
                guest.put(job);
                self.cpu.spawn(move || guest.run());
            }
        }
    }
}

fn load<J: Job>(jobs: &mut [Seated<J>]) -> Load {
    let mut load = Load::default();
    for item in jobs.iter_mut().filter_map(|seated| seated.job.item()) {
        load += item.load();
    }
    load
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        EncodeOptions, block,
        gpu::{Block, GpuOptions, Item},
        parallel::{Lost, Ordered},
    };

    const JOBS: u32 = 96;

    /// A device on which everything is for nothing: it gets all that waits.
    const FREE: Cost = Cost { batch: 0.0, upload: 0.0, kernel: 0.0, readback: 0.0 };

    #[derive(Debug)]
    struct Decode {
        number: u32,
        coded: Arc<[u8]>,
        raw: Vec<u8>,
    }

    impl Job for Decode {
        /// Slow enough for jobs to wait.
        fn run(&mut self) {
            thread::sleep(Duration::from_millis(2));
            block::decode(&self.coded, &mut self.raw).unwrap();
        }

        fn item(&mut self) -> Option<Item<'_>> {
            Some(Item { block: Block::parse(&self.coded).unwrap(), raw: &mut self.raw, done: false })
        }
    }

    fn raw(number: u32) -> Vec<u8> {
        (0..64 << 10).map(|i: u32| (i.wrapping_mul(i) % 89 + number % 3) as u8).collect()
    }

    /// Sends all jobs through `device` and checks what comes back, and its order.
    fn run(device: DeviceThread<Decode>, during: impl FnOnce()) {
        let coded: Vec<Arc<[u8]>> = (0..3)
            .map(|number| {
                let mut coded = Vec::new();
                block::encode(&raw(number), &EncodeOptions::new(), &mut coded).unwrap();
                coded.into()
            })
            .collect();
        let mut jobs = Ordered::with_device(device, JOBS as usize);
        for number in 0..JOBS {
            let coded = Arc::clone(&coded[number as usize % 3]);
            jobs.submit(Decode { number, coded, raw: vec![0; 64 << 10] });
        }
        during();
        for number in 0..JOBS {
            jobs.wait();
            let job = jobs.take().unwrap().unwrap();
            assert_eq!(job.number, number);
            assert!(job.raw == raw(number), "job {number}");
        }
    }

    fn gpu() -> Option<Gpu> {
        let gpu = Gpu::request(&GpuOptions::new().software(true));
        gpu.inspect_err(|error| println!("skipped: {error}")).ok()
    }

    #[test]
    fn device_and_threads_take_from_one_queue() {
        for threads in [1, 2, 0] {
            let Some(gpu) = gpu() else { return };
            let own = gpu.clone();
            let open = move || Some((own, Some(FREE)));
            run(
                DeviceThread::with(
                    Some(1 << 20),
                    open,
                    Executor::new(&crate::EncodeOptions::new().threads(threads).work),
                )
                .unwrap(),
                || {},
            );
            let decoded = gpu.tally().decoded;
            assert!((16..u64::from(JOBS)).contains(&decoded), "{threads} threads: the device decoded {decoded}");
        }
    }

    #[test]
    fn a_device_that_costs_more_than_the_threads_gets_nothing() {
        let Some(gpu) = gpu() else { return };
        let own = gpu.clone();
        let open = move || Some((own, Some(Cost { kernel: 1.0, ..FREE })));
        run(
            DeviceThread::with(Some(1 << 20), open, Executor::new(&crate::EncodeOptions::new().threads(2).work))
                .unwrap(),
            || {},
        );
        assert_eq!(gpu.tally().decoded, 0);
    }

    #[test]
    fn without_a_device_the_threads_do_it_all() {
        for threads in [1, 2] {
            for probe_after in [None, Some(1 << 20)] {
                run(
                    DeviceThread::with(
                        probe_after,
                        || None,
                        Executor::new(&crate::EncodeOptions::new().threads(threads).work),
                    )
                    .unwrap(),
                    || {},
                );
            }
        }
    }

    #[test]
    fn a_device_that_is_lost_costs_nothing() {
        for probe_after in [None, Some(1 << 20)] {
            let Some(gpu) = gpu() else { return };
            let own = gpu.clone();
            let open = move || Some((own, Some(FREE)));
            run(
                DeviceThread::with(probe_after, open, Executor::new(&crate::EncodeOptions::new().threads(2).work))
                    .unwrap(),
                || {
                    thread::sleep(Duration::from_millis(20));
                    gpu.device().destroy();
                },
            );
        }
    }

    #[test]
    fn where_the_thread_panics_jobs_are_lost_or_done_by_others_and_nobody_waits() {
        let open = || panic!("a driver that panics");
        run(
            DeviceThread::with(Some(1 << 20), open, Executor::new(&crate::EncodeOptions::new().threads(2).work))
                .unwrap(),
            || {},
        );

        let mut jobs = Ordered::with_device(DeviceThread::with(None, open, Executor::Inline).unwrap(), 8);
        let mut coded = Vec::new();
        block::encode(&raw(0), &EncodeOptions::new(), &mut coded).unwrap();
        for number in 0..2 {
            jobs.submit(Decode { number, coded: coded.clone().into(), raw: vec![0; 64 << 10] });
        }
        jobs.wait();
        assert_eq!(jobs.take().unwrap().err(), Some(Lost));
    }

    #[test]
    fn jobs_that_are_cancelled_or_abandoned_hold_nobody_up() {
        for probe_after in [None, Some(1 << 20)] {
            let device =
                DeviceThread::with(probe_after, || None, Executor::new(&crate::EncodeOptions::new().threads(2).work))
                    .unwrap();
            let mut jobs = Ordered::with_device(device, 40);
            let mut coded = Vec::new();
            block::encode(&raw(0), &EncodeOptions::new(), &mut coded).unwrap();
            for abandon in [false, true] {
                for number in 0..40 {
                    jobs.submit(Decode { number, coded: coded.clone().into(), raw: vec![0; 64 << 10] });
                }
                if abandon {
                    jobs.abandon();
                } else {
                    jobs.cancel();
                }
                assert_eq!(jobs.len(), 0);
            }
        }
    }
}
