//! Who runs jobs.

#[cfg(feature = "rayon")]
use std::sync::Arc;

#[cfg(feature = "gpu")]
use crate::gpu::Choice;

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
    /// To one pool.
    #[cfg(feature = "rayon")]
    Pool(Arc<rayon_core::ThreadPool>),
    /// To a device in batches, and to another executor what the device does not do.
    #[cfg(feature = "gpu")]
    Device(Choice, Box<Executor>),
}

impl Executor {
    /// `threads` as the options have it: 1 is the caller alone, 0 the global pool. Without the
    /// `rayon` feature, or where the system gives no threads, the caller does the work.
    pub(crate) fn with_threads(threads: usize) -> Self {
        #[cfg(feature = "rayon")]
        match threads {
            0 => return Self::Global,
            1 => {}
            _ => {
                let pool = rayon_core::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|index| format!("ranstream-{index}"))
                    .build();
                if let Ok(pool) = pool {
                    return Self::Pool(Arc::new(pool));
                }
            }
        }
        let _ = threads;
        Self::Inline
    }

    pub(crate) fn is_inline(&self) -> bool {
        matches!(self, Self::Inline)
    }

    pub(crate) fn is_pool(&self) -> bool {
        match self {
            #[cfg(feature = "rayon")]
            Self::Global | Self::Pool(_) => true,
            _ => false,
        }
    }

    /// Calls `work` on as many threads as there are, and once more each time it calls what it is
    /// given. Returns when all calls have. A panic of one goes on to the caller then.
    pub(super) fn run_workers(&self, work: &Worker<'_>) {
        match self {
            #[cfg(feature = "rayon")]
            Self::Global => rayon_core::scope(|scope| (0..self.width()).for_each(|_| start(scope, work))),
            #[cfg(feature = "rayon")]
            Self::Pool(pool) => pool.scope(|scope| (0..self.width()).for_each(|_| start(scope, work))),
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
            Self::Pool(pool) => pool.current_num_threads(),
            #[cfg(feature = "gpu")]
            Self::Device(_, cpu) => cpu.width(),
        }
    }

    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        match self {
            Self::Inline => work(),
            #[cfg(feature = "rayon")]
            Self::Global => rayon_core::spawn_fifo(work),
            #[cfg(feature = "rayon")]
            Self::Pool(pool) => pool.spawn_fifo(work),
            #[cfg(feature = "gpu")]
            Self::Device(_, cpu) => cpu.spawn(work),
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
            Self::Pool(pool) => matches!(pool.yield_now(), Some(rayon_core::Yield::Executed)),
            #[cfg(feature = "gpu")]
            Self::Device(_, cpu) => cpu.help(),
        }
    }
}

#[cfg(feature = "rayon")]
fn start<'scope>(scope: &rayon_core::Scope<'scope>, work: &'scope Worker<'_>) {
    scope.spawn(move |scope| work(&|| start(scope, work)));
}
