//! Who runs jobs.

use std::panic::{self, AssertUnwindSafe};
#[cfg(feature = "rayon")]
use std::sync::Arc;

#[cfg(feature = "rayon")]
use rayon::prelude::*;

#[cfg(feature = "gpu")]
use crate::gpu::Choice;

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
    Pool(Arc<rayon::ThreadPool>),
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
                let pool = rayon::ThreadPoolBuilder::new()
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

    /// Does `work` with all `items`, in any order, and returns when that is done. After a panic
    /// some are left as they were.
    pub(crate) fn for_each<T: Send>(&self, items: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
        let all = || match self {
            #[cfg(feature = "rayon")]
            Self::Global if items.len() > 1 => items.par_iter_mut().for_each(work),
            #[cfg(feature = "rayon")]
            Self::Pool(pool) if items.len() > 1 => pool.install(|| items.par_iter_mut().for_each(work)),
            _ => items.iter_mut().for_each(work),
        };
        let _ = panic::catch_unwind(AssertUnwindSafe(all));
    }

    /// How many jobs run at a time.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Inline => 1,
            #[cfg(feature = "rayon")]
            Self::Global => rayon::current_num_threads(),
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
            Self::Global => rayon::spawn_fifo(work),
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
            Self::Global => matches!(rayon::yield_now(), Some(rayon::Yield::Executed)),
            #[cfg(feature = "rayon")]
            Self::Pool(pool) => matches!(pool.yield_now(), Some(rayon::Yield::Executed)),
            #[cfg(feature = "gpu")]
            Self::Device(_, cpu) => cpu.help(),
        }
    }
}

#[cfg(all(test, feature = "rayon"))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_items_and_nothing_else() {
        for executor in [Executor::Inline, Executor::Global, Executor::with_threads(1), Executor::with_threads(3)] {
            let mut items: Vec<Result<u32, u32>> = (0..100).map(Err).collect();
            executor.for_each(&mut items, |item| {
                let number = item.unwrap_err();
                assert_ne!(number, 50, "this panic is meant");
                *item = Ok(number);
            });
            assert_eq!(items[50], Err(50), "{executor:?}");
            assert!(items.iter().zip(0..).all(|(item, number)| matches!(item, Ok(n) | Err(n) if *n == number)));
            executor.for_each(&mut items, |item| *item = Ok(7));
            assert_eq!(items, [Ok(7); 100], "{executor:?}");
        }
    }
}
