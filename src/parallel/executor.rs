//! Who runs jobs.

use std::panic::{RefUnwindSafe, UnwindSafe};
#[cfg(feature = "rayon")]
use std::{
    sync::{Arc, OnceLock},
    thread,
};

#[cfg(feature = "rayon")]
use crate::options::Pool;
use crate::options::Work;

/// More threads than so many for each core only wait for each other.
#[cfg(feature = "rayon")]
const THREADS_PER_CORE: usize = 4;

/// Work that many threads do at the same time. What it is given starts another one.
pub(super) type Worker<'a> = dyn Fn(&dyn Fn()) + Sync + 'a;

/// Where a job goes.
#[derive(Debug, Clone, Default)]
pub(crate) enum Executor {
    /// To the caller, at once.
    #[default]
    Inline,
    /// To rayon's global pool.
    #[cfg(feature = "rayon")]
    Global,
    /// To a pool of the caller's.
    #[cfg(feature = "rayon")]
    Given(Arc<rayon_core::ThreadPool>),
    /// To a pool of so many threads, which is made with the first job. Where the system gives none,
    /// to the caller.
    #[cfg(feature = "rayon")]
    Shared(Arc<OnceLock<Option<rayon_core::ThreadPool>>>, usize),
}

/// A pool survives the panics of its jobs, and nothing of it is seen but what its jobs give back.
impl UnwindSafe for Executor {}
impl RefUnwindSafe for Executor {}

impl Executor {
    /// As the options have it. Without the `rayon` feature the caller does the work.
    pub(crate) fn new(work: &Work) -> Self {
        #[cfg(feature = "rayon")]
        match (&work.pool, work.threads) {
            (Pool::Given(pool), _) => return Self::Given(Arc::clone(pool)),
            (_, 0) => return Self::Global,
            (_, 1) => {}
            (Pool::Shared(pool), threads) => {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                let threads = threads.min(THREADS_PER_CORE * cores);
                // Whoever wrote to the options' fields may have asked for other threads since.
                let fits = pool.get().and_then(Option::as_ref).is_none_or(|pool| pool.current_num_threads() == threads);
                return Self::Shared(if fits { Arc::clone(pool) } else { Arc::default() }, threads);
            }
        }
        let _ = work;
        Self::Inline
    }

    /// Jobs that may be under way.
    pub(crate) fn in_flight(&self, work: &Work) -> usize {
        work.in_flight.unwrap_or(self.width() + 2)
    }

    /// Whether there are threads that would have to be made for a job.
    pub(super) fn has_to_start(&self) -> bool {
        match self {
            #[cfg(feature = "rayon")]
            Self::Shared(pool, _) => pool.get().is_none(),
            _ => false,
        }
    }

    pub(crate) fn is_inline(&self) -> bool {
        matches!(self, Self::Inline)
    }

    pub(crate) fn is_pool(&self) -> bool {
        match self {
            #[cfg(feature = "rayon")]
            Self::Global | Self::Given(_) | Self::Shared(..) => true,
            _ => false,
        }
    }

    /// Whether the caller may do some of the work itself. Whoever gives a pool says where it is
    /// done.
    pub(super) fn may_use_caller(&self) -> bool {
        match self {
            #[cfg(feature = "rayon")]
            Self::Global | Self::Shared(..) => true,
            _ => false,
        }
    }

    /// Calls `work` on as many threads as there are, and once more each time it calls what it is
    /// given. Returns when all calls have. A panic of one goes on to the caller then.
    ///
    /// The caller is one of those threads, unless the pool was given: whoever gives a pool says
    /// where the work is done. If the caller slept meanwhile, the system often woke two workers on
    /// one core, and took milliseconds to move one of them.
    pub(super) fn run_workers(&self, work: &Worker<'_>) {
        match self {
            #[cfg(feature = "rayon")]
            Self::Global => rayon_core::in_place_scope(|scope| with_caller(scope, self.width(), work)),
            #[cfg(feature = "rayon")]
            Self::Given(pool) => pool.scope(|scope| (0..self.width()).for_each(|_| start(scope, work))),
            #[cfg(feature = "rayon")]
            Self::Shared(pool, threads) => match started(pool, *threads) {
                Some(pool) => pool.in_place_scope(|scope| with_caller(scope, *threads, work)),
                None => work(&|| {}),
            },
            _ => work(&|| {}),
        }
    }

    /// How many jobs run at a time.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Inline => 1,
            #[cfg(feature = "rayon")]
            Self::Global => rayon_core::current_num_threads(),
            #[cfg(feature = "rayon")]
            Self::Given(pool) => pool.current_num_threads(),
            #[cfg(feature = "rayon")]
            Self::Shared(_, threads) => *threads,
        }
    }

    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        match self {
            Self::Inline => work(),
            #[cfg(feature = "rayon")]
            Self::Global => rayon_core::spawn_fifo(work),
            #[cfg(feature = "rayon")]
            Self::Given(pool) => pool.spawn_fifo(work),
            #[cfg(feature = "rayon")]
            Self::Shared(pool, threads) => match started(pool, *threads) {
                Some(pool) => pool.spawn_fifo(work),
                None => work(),
            },
        }
    }

    /// Runs some other work of the pool, if the caller is one of its workers: they would wait for
    /// each other otherwise. `false`: there is none, or the caller is no worker.
    pub(crate) fn help(&self) -> bool {
        match self {
            Self::Inline => false,
            #[cfg(feature = "rayon")]
            Self::Global => matches!(rayon_core::yield_now(), Some(rayon_core::Yield::Executed)),
            #[cfg(feature = "rayon")]
            Self::Given(pool) => matches!(pool.yield_now(), Some(rayon_core::Yield::Executed)),
            #[cfg(feature = "rayon")]
            Self::Shared(pool, _) => {
                let pool = pool.get().and_then(Option::as_ref);
                matches!(pool.and_then(rayon_core::ThreadPool::yield_now), Some(rayon_core::Yield::Executed))
            }
        }
    }
}

/// The pool, made now if it was not before. `None`: the system gives no threads.
#[cfg(feature = "rayon")]
fn started(pool: &OnceLock<Option<rayon_core::ThreadPool>>, threads: usize) -> Option<&rayon_core::ThreadPool> {
    let build = || {
        let builder = rayon_core::ThreadPoolBuilder::new().num_threads(threads);
        builder.thread_name(|index| format!("ranstream-{index}")).build().ok()
    };
    pool.get_or_init(build).as_ref()
}

/// Calls `work` on so many threads, the caller's among them.
#[cfg(feature = "rayon")]
fn with_caller<'scope>(scope: &rayon_core::Scope<'scope>, threads: usize, work: &'scope Worker<'_>) {
    (1..threads).for_each(|_| start(scope, work));
    work(&|| start(scope, work));
}

#[cfg(feature = "rayon")]
fn start<'scope>(scope: &rayon_core::Scope<'scope>, work: &'scope Worker<'_>) {
    scope.spawn(move |scope| work(&|| start(scope, work)));
}
