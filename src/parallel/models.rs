//! The hand-off under a model checker: loom tries every order in which up to three threads can run,
//! shuttle many random orders of the whole encoder and decoder. This file stands in for
//! `executor.rs` in those runs, see `scripts/models.sh`.

use crate::{options::Work, sync::thread};

/// Work that many threads do at the same time. What it is given starts another one.
pub(super) type Worker<'a> = dyn Fn(&dyn Fn()) + Sync + 'a;

/// Where a job goes.
#[derive(Debug, Clone, Default)]
pub(crate) enum Executor {
    /// To the caller, at once.
    #[default]
    Inline,
    /// Each to a thread of the model checker. The number is how many the options ask for.
    Threads(usize),
}

impl Executor {
    pub(crate) fn new(work: &Work) -> Self {
        if work.threads == 1 { Self::Inline } else { Self::Threads(work.threads) }
    }

    pub(crate) fn in_flight(&self, work: &Work) -> usize {
        work.in_flight.unwrap_or(self.width() + 2)
    }

    /// Its threads cost nothing.
    pub(super) fn has_to_start(&self) -> bool {
        false
    }

    pub(crate) fn is_inline(&self) -> bool {
        matches!(self, Self::Inline)
    }

    pub(crate) fn is_pool(&self) -> bool {
        !self.is_inline()
    }

    pub(super) fn may_use_caller(&self) -> bool {
        self.is_pool()
    }

    /// Under shuttle. What loom tries is `Items::work` itself.
    pub(super) fn run_workers(&self, work: &Worker<'_>) {
        #[cfg(not(ranstream_loom))]
        if let Self::Threads(threads) = *self {
            thread::scope(|scope| {
                (1..threads).for_each(|_| start(scope, work));
                work(&|| start(scope, work));
            });
            return;
        }
        work(&|| {});
    }

    pub(crate) fn width(&self) -> usize {
        if let Self::Threads(threads) = self { *threads } else { 1 }
    }

    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        match self {
            Self::Inline => work(),
            Self::Threads(_) => drop(thread::spawn(work)),
        }
    }

    /// Nobody waits on a thread that others need.
    pub(crate) fn help(&self) -> bool {
        false
    }
}

#[cfg(not(ranstream_loom))]
fn start<'scope>(scope: &'scope thread::Scope<'scope, '_>, work: &'scope Worker<'_>) {
    drop(scope.spawn(move || work(&|| start(scope, work))));
}

#[cfg(ranstream_loom)]
mod every_order {
    use std::{
        cell::Cell,
        ops::ControlFlow,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Wake, Waker},
    };

    use loom::sync::Notify;

    use super::Executor;
    use crate::{
        options::{Driver, Work},
        parallel::{Job, Lost, Ordered, slices::Items},
        sync::{Mutex, call_out, thread},
    };

    fn try_orders(body: impl Fn() + Send + Sync + 'static) {
        let orders = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&orders);
        loom::model(move || {
            count.fetch_add(1, Ordering::Relaxed);
            body();
        });
        println!("{} orders", orders.load(Ordering::Relaxed));
    }

    /// The job of 13 panics.
    struct Number(u32);

    impl Job for Number {
        fn run(&mut self) {
            assert_ne!(self.0, 13, "an unlucky job");
            self.0 += 100;
        }
    }

    fn jobs(numbers: &[u32]) -> Ordered<Number> {
        let mut jobs = Ordered::with_executor(Executor::Threads(2), numbers.len());
        numbers.iter().for_each(|&number| jobs.submit(Number(number)));
        jobs
    }

    /// Where the caller may do some itself: with two threads one other has to wait as well.
    fn short_jobs(numbers: &[u32]) -> Ordered<Number> {
        let mut jobs = jobs(&[]);
        jobs.expect_blocks(1, &Work { threads: 2, ..Work::default() });
        numbers.iter().for_each(|&number| jobs.submit(Number(number)));
        jobs
    }

    fn next(jobs: &mut Ordered<Number>) -> Result<u32, Lost> {
        jobs.wait();
        jobs.take().expect("it was waited for").map(|Number(number)| number)
    }

    #[test]
    fn jobs_come_back_in_their_order() {
        try_orders(|| {
            let mut jobs = jobs(&[1, 2]);
            assert_eq!([next(&mut jobs), next(&mut jobs)], [Ok(101), Ok(102)]);
            assert!(jobs.take().is_none());
        });
    }

    #[test]
    fn jobs_of_which_the_caller_does_some_come_back_in_their_order() {
        try_orders(|| {
            let mut jobs = short_jobs(&[1, 2]);
            assert_eq!([next(&mut jobs), next(&mut jobs)], [Ok(101), Ok(102)]);
            assert!(jobs.take().is_none());
        });
        try_orders(|| {
            let mut jobs = short_jobs(&[1, 13]);
            assert_eq!([next(&mut jobs), next(&mut jobs)], [Ok(101), Err(Lost)]);
        });
    }

    #[test]
    fn jobs_that_the_caller_might_have_done_are_cancelled() {
        try_orders(|| {
            let mut jobs = short_jobs(&[1, 2]);
            jobs.cancel();
            assert_eq!(jobs.len(), 0);
        });
    }

    #[test]
    fn a_panicking_job_is_lost_and_nobody_waits_for_it() {
        try_orders(|| {
            let mut jobs = jobs(&[13, 2]);
            assert_eq!([next(&mut jobs), next(&mut jobs)], [Err(Lost), Ok(102)]);
        });
    }

    /// Wakes the thread that polls.
    struct Woken(Notify);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    #[test]
    fn no_wake_is_lost() {
        try_orders(|| {
            let mut jobs = jobs(&[1, 13]);
            for expected in [Ok(101), Err(Lost)] {
                let woken = Arc::new(Woken(Notify::new()));
                let waker = Waker::from(Arc::clone(&woken));
                while jobs.poll_wait(&Context::from_waker(&waker)).is_pending() {
                    woken.0.wait();
                }
                let taken = jobs.take().expect("it is ready").map(|Number(number)| number);
                assert_eq!(taken, expected);
            }
        });
    }

    /// A job that was cancelled before it began never runs, and one that runs is waited for.
    #[test]
    fn cancelled_jobs_are_waited_for() {
        try_orders(|| {
            let mut first = jobs(&[1, 2]);
            first.cancel();
            assert_eq!(first.len(), 0);
            first.submit(Number(3));
            assert_eq!(next(&mut first), Ok(103));
        });
    }

    /// Three items and two workers of a pool. What is started goes to the pool's queue, which
    /// whoever put it there looks through.
    fn work_through(capacity: usize, unlucky: u32, breaks_at: u32) -> (Vec<u32>, Result<(), Lost>) {
        let put = loom::sync::Arc::new(Mutex::new(Vec::new()));
        let (mut numbers, own) = (1..=3, loom::sync::Arc::clone(&put));
        let items = loom::sync::Arc::new(Items::new(
            capacity,
            move || numbers.next(),
            move |number| {
                assert_ne!(number, unlucky, "an unlucky item");
                number
            },
            move |number| {
                call_out(|| own.lock().push(number));
                if number == breaks_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        ));
        let other = loom::sync::Arc::clone(&items);
        let workers = [items, other].map(|items| {
            thread::spawn(move || {
                let starts = Cell::new(1);
                while starts.get() > 0 {
                    starts.set(starts.get() - 1);
                    items.work(&|| starts.set(starts.get() + 1));
                }
                items
            })
        });
        let [first, second] = workers.map(|worker| worker.join().expect("no worker panics"));
        drop(second);
        let ended = loom::sync::Arc::try_unwrap(first).unwrap_or_else(|_| unreachable!("the workers ended")).end();
        let put = put.lock().clone();
        (put, ended)
    }

    #[test]
    fn results_are_put_in_their_order() {
        for capacity in [1, 2] {
            try_orders(move || assert_eq!(work_through(capacity, 0, 0), (vec![1, 2, 3], Ok(()))));
        }
    }

    #[test]
    fn a_panicking_item_is_lost_and_those_before_it_are_put() {
        try_orders(|| assert_eq!(work_through(2, 2, 0), (vec![1], Err(Lost))));
    }

    #[test]
    fn nothing_is_put_after_a_break() {
        try_orders(|| assert_eq!(work_through(2, 0, 2), (vec![1, 2], Ok(()))));
    }

    #[test]
    fn cancelled_and_dropped_jobs_hang_nothing() {
        for driver in [Driver::Thread, Driver::Task] {
            try_orders(move || {
                let mut jobs = jobs(&[1]).driven_by(driver);
                jobs.cancel();
                jobs.submit(Number(2));
                drop(jobs);
            });
        }
    }
}

#[cfg(all(ranstream_shuttle, not(ranstream_loom)))]
mod many_orders {
    use std::io::{Read as _, Write as _};

    use shuttle::{Config, Runner, scheduler::RandomScheduler};

    use crate::{
        DecodeOptions, EncodeOptions, Error, RansReader, RansWriter, compress, decompress, decompress_into,
        sync::thread,
    };

    /// So many random orders of each. `RANSTREAM_SHUTTLE` is another number.
    const ORDERS: usize = 100_000;

    /// What a coder has on its stack is more than shuttle's threads have by default.
    const STACK: usize = 256 << 10;

    fn try_orders(body: impl Fn() + Send + Sync + 'static) {
        let orders = std::env::var("RANSTREAM_SHUTTLE").map_or(ORDERS, |orders| orders.parse().expect("a number"));
        let mut config = Config::new();
        config.stack_size = STACK;
        let tried = Runner::new(RandomScheduler::new(orders), config).run(body);
        println!("{tried} orders");
    }

    fn raw() -> Vec<u8> {
        (0..450_u32).map(|i| (i * i >> 6) as u8 & 15).collect()
    }

    fn options() -> EncodeOptions {
        EncodeOptions::new().block_len(100).index(true).content_check(true)
    }

    fn stream() -> Vec<u8> {
        compress(&raw(), &options()).expect("the options are valid")
    }

    fn read(stream: &[u8], threads: usize) -> (Vec<u8>, Option<Error>) {
        let mut raw = Vec::new();
        let result = RansReader::with_options(stream, DecodeOptions::new().threads(threads)).read_to_end(&mut raw);
        (raw, result.err().map(|error| Error::try_from(error).expect("the error is one of ours")))
    }

    #[test]
    fn a_writer_writes_the_same_stream() {
        try_orders(|| {
            for in_flight in [1, 3] {
                let mut writer = RansWriter::with_options(Vec::new(), options().threads(2).in_flight(in_flight));
                writer.write_all(&raw()).expect("a Vec takes everything");
                assert_eq!(writer.finish().expect("a Vec takes everything"), stream());
            }
        });
    }

    #[test]
    fn a_reader_gives_the_same_bytes_and_the_same_error() {
        try_orders(|| {
            let mut stream = stream();
            assert_eq!(read(&stream, 3), (raw(), None));
            let middle = stream.len() / 2;
            stream[middle] ^= 1;
            let expected = read(&stream, 1);
            assert!(expected.1.is_some());
            assert_eq!(read(&stream, 3), expected);
        });
    }

    /// Of `compress`, `decompress` and `decompress_into`, whose callbacks let others run.
    #[test]
    fn slices_give_the_same_bytes_and_the_same_error() {
        try_orders(|| {
            let stream = stream();
            let options = options().threads(3).in_flight(2).on_progress(|_| thread::yield_now());
            assert_eq!(compress(&raw(), &options).as_ref(), Ok(&stream));
            let options = DecodeOptions::new().threads(3).in_flight(2).on_progress(|_| thread::yield_now());
            assert_eq!(decompress(&stream, &options), Ok(raw()));
            let mut bad = stream;
            let middle = bad.len() / 2;
            bad[middle] ^= 1;
            let expected = decompress(&bad, &DecodeOptions::new());
            assert!(expected.is_err());
            assert_eq!(decompress(&bad, &options), expected);
            assert_eq!(decompress_into(&bad, &mut [0; 450], &options), expected.map(|raw| raw.len()));
        });
    }

    #[test]
    fn adapters_are_dropped_with_blocks_under_way() {
        try_orders(|| {
            let mut writer = RansWriter::with_options(Vec::new(), options().threads(3));
            writer.write_all(&raw()).expect("a Vec takes everything");
            drop(writer);
            let stream = stream();
            let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().threads(3));
            reader.read_exact(&mut [0; 10]).expect("the stream is good");
        });
    }
}
