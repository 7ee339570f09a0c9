//! Who does the work of a stream, and how much of it at a time: the same in both directions.

#[cfg(feature = "rayon")]
use std::sync::{Arc, OnceLock};
use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use crate::{
    error::Error,
    limits::within,
    options::{DecodeOptions, EncodeOptions},
};

/// Who does the work of a stream, and how much of it at a time. A part of [`EncodeOptions`] and
/// [`DecodeOptions`], whose methods set it and say more.
#[derive(Clone)]
#[non_exhaustive]
pub struct Work {
    /// Threads, 0..=1024: 1 is the caller's own, 0 rayon's global pool.
    pub threads: usize,
    /// Blocks that may be under way at a time, 1..=4096. `None`: see
    /// [`in_flight`](crate::EncodeOptions::in_flight).
    pub in_flight: Option<usize>,
    #[cfg(feature = "rayon")]
    pub(crate) pool: Pool,
    pub(crate) driver: Driver,
}

/// Who moves a stream on, and may wait for its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Driver {
    /// A thread, which waits.
    #[default]
    Thread,
    /// A task, which is woken and waits for nothing, also when it drops the stream.
    #[cfg_attr(not(any(feature = "futures-io", feature = "tokio")), allow(dead_code, reason = "nobody has tasks"))]
    Task,
}

/// The threads of a stream.
#[cfg(feature = "rayon")]
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    /// The caller's.
    Given(Arc<rayon_core::ThreadPool>),
    /// One that all clones of these options share. It is made when a block first needs it. `None`:
    /// the system gave no threads.
    Shared(Arc<OnceLock<Option<rayon_core::ThreadPool>>>),
}

/// A pool survives the panics of its jobs, and nothing of it is seen but what its jobs give back.
impl UnwindSafe for Work {}
impl RefUnwindSafe for Work {}

impl Default for Work {
    /// The caller's own thread.
    fn default() -> Self {
        Self {
            threads: 1,
            in_flight: None,
            #[cfg(feature = "rayon")]
            pool: Pool::Shared(Arc::default()),
            driver: Driver::Thread,
        }
    }
}

impl Work {
    /// The caller's own thread.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pool that the caller gave, if that is so.
    #[cfg(feature = "rayon")]
    #[must_use]
    pub fn pool(&self) -> Option<&Arc<rayon_core::ThreadPool>> {
        match &self.pool {
            Pool::Given(pool) => Some(pool),
            Pool::Shared(_) => None,
        }
    }

    /// A pool of other threads is another one.
    pub(super) fn set_threads(&mut self, threads: usize) {
        #[cfg(feature = "rayon")]
        if let Pool::Shared(pool) = &mut self.pool
            && threads != self.threads
        {
            *pool = Arc::default();
        }
        self.threads = threads;
    }

    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first option that is outside its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("in_flight", self.in_flight.unwrap_or(1), 1, 4096)?;
        within("threads", self.threads, 0, 1024)
    }
}

/// The methods that set [`Work`], the same for both directions.
macro_rules! work_setters {
    ($options:ty) => {
        impl $options {
            /// Threads that work on blocks, 1..=1024: 1 is the caller's own, more are a pool, 0 is
            /// rayon's global pool. Default: 1. I/O stays on the caller's thread, which is one of
            /// these where all bytes are in memory. A reader or writer of `std`'s traits that would
            /// have to wait for blocks of up to 256 KiB works on some itself, beside these; tasks
            /// do not, and nobody does with `pool`. Without the feature `rayon` the caller does
            /// all the work.
            ///
            /// The pool is made when a block first needs it, and belongs to all clones of these
            /// options. It has no more than four threads for each core: more would only wait for
            /// each other.
            #[must_use]
            pub fn threads(mut self, threads: usize) -> Self {
                self.work.set_threads(threads);
                self
            }

            /// Uses a pool of the caller's, whatever [`threads`](Self::threads) says. Where all
            /// bytes are in memory, its workers do all the work, and the caller only waits.
            ///
            /// A caller that is one of the pool's workers does other work of the pool while it
            /// waits for a block, so that the two never wait for each other. As with every wait
            /// inside a rayon pool: hold no lock then that such work takes. The type is the
            /// `ThreadPool` of the crate rayon.
            #[cfg(feature = "rayon")]
            #[must_use]
            pub fn pool(mut self, pool: Arc<rayon_core::ThreadPool>) -> Self {
                self.work.pool = Pool::Given(pool);
                self
            }

            /// Blocks that may be under way at a time, 1..=4096, when there is more than one
            /// thread. Default: two more than threads, and as many again as there are threads
            /// where a reader or writer works on blocks itself, see [`threads`](Self::threads).
            /// Each takes its raw and its coded bytes of memory. Where a stream in memory is
            /// decoded to memory none takes any, and neighbours that one thread decodes in a row,
            /// up to 8 MiB of them or one block, count as one.
            #[must_use]
            pub fn in_flight(mut self, blocks: usize) -> Self {
                self.work.in_flight = Some(blocks);
                self
            }

            /// For tasks, which must not wait.
            #[cfg(any(feature = "futures-io", feature = "tokio"))]
            pub(crate) fn for_task(mut self) -> Self {
                self.work.driver = Driver::Task;
                self
            }
        }
    };
}

work_setters!(EncodeOptions);
work_setters!(DecodeOptions);

/// Pools that the caller gave are equal if they are the same. Pools that are made for streams make
/// no difference.
impl PartialEq for Work {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(feature = "rayon")]
        let same_pool = self.pool().map(Arc::as_ptr) == other.pool().map(Arc::as_ptr);
        #[cfg(not(feature = "rayon"))]
        let same_pool = true;
        (self.threads, self.in_flight, self.driver) == (other.threads, other.in_flight, other.driver) && same_pool
    }
}

impl Eq for Work {}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut work = f.debug_struct("Work");
        work.field("threads", &self.threads).field("in_flight", &self.in_flight);
        #[cfg(feature = "rayon")]
        work.field("pool", &self.pool());
        work.field("driver", &self.driver).finish()
    }
}
