//! Keyword arguments to options, and the pool of threads.

use std::{
    mem,
    num::NonZeroUsize,
    process,
    sync::{Arc, Mutex, OnceLock},
    thread,
};

use pyo3::{exceptions::PyValueError, prelude::*};
use ranstream::{DecodeOptions, EncodeOptions, Layout, Limits};
use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// How to write, as Python has it.
#[derive(Clone, Copy)]
pub(crate) struct EncodeArgs {
    /// `None`: all cores where there is more than one block.
    pub(crate) threads: Option<usize>,
    pub(crate) block_size: Option<usize>,
    pub(crate) index: bool,
    pub(crate) check: bool,
    pub(crate) level: Option<u8>,
    pub(crate) layout: Layout,
}

impl EncodeArgs {
    /// For so many raw bytes, which only matters where `threads` is `None`.
    ///
    /// # Errors
    ///
    /// `ValueError` for a level that there is not. Other values are checked where they are used.
    pub(crate) fn options(self, raw_len: usize) -> PyResult<EncodeOptions> {
        let mut options = EncodeOptions::new().index(self.index).content_check(self.check).layout(self.layout);
        match self.level {
            Some(level @ 0..=9) => options = options.level(level),
            Some(level) => {
                return Err(PyValueError::new_err(format!("level is {level}, outside 0..=9")));
            }
            None => {}
        }
        if let Some(block_size) = self.block_size {
            options = options.block_len(block_size);
        }
        Ok(match pool(threads_for(self.threads, raw_len, options.block_len))? {
            Some(pool) => options.in_flight(pool.current_num_threads() + 2).pool(pool),
            None => options,
        })
    }
}

/// The layout that `types` names. `None`: bytes.
///
/// # Errors
///
/// `ValueError` for a name that there is not.
pub(crate) fn layout(types: Option<&str>) -> PyResult<Layout> {
    Ok(match types {
        None => Layout::bytes(),
        Some("bf16") => Layout::bf16(),
        Some("f16") => Layout::f16(),
        Some("f32") => Layout::f32(),
        Some("f64") => Layout::f64(),
        Some("i16") => Layout::i16(),
        Some("i32") => Layout::i32(),
        Some("i64") => Layout::i64(),
        Some(types) => {
            let known = "auto, bf16, f16, f32, f64, i16, i32 and i64";
            return Err(PyValueError::new_err(format!("types is {types:?}, none of {known}")));
        }
    })
}

/// How to read.
///
/// # Errors
///
/// `ValueError` for a number of threads that there is not.
pub(crate) fn decode_options(threads: usize, max_size: Option<u64>) -> PyResult<DecodeOptions> {
    let limits = Limits::new().max_output(max_size.unwrap_or(u64::MAX));
    let options = DecodeOptions::new().limits(limits);
    Ok(match pool(threads)? {
        Some(pool) => options.in_flight(pool.current_num_threads() + 2).pool(pool),
        None => options,
    })
}

/// Threads for `len` raw bytes: what was asked for, else all cores; the caller's own is enough
/// where there is but one block.
pub(crate) fn threads_for(asked: Option<usize>, len: usize, block_len: usize) -> usize {
    match asked {
        Some(threads) => threads,
        None if len <= block_len => 1,
        None => 0,
    }
}

/// The pool that was made last, by which process.
static LAST: Mutex<Option<(u32, usize, Arc<ThreadPool>)>> = Mutex::new(None);

/// A pool of so many threads, 0: as many as there are cores. `None`: the caller's own thread.
///
/// Threads do not survive a fork, so a pool belongs to the process that made it. A lock that
/// another thread held at the fork is never released in the child: whoever does not get it makes a
/// pool for itself.
fn pool(threads: usize) -> PyResult<Option<Arc<ThreadPool>>> {
    let threads = match threads {
        1 => return Ok(None),
        0 => cores(),
        2..=1024 => threads.min(4 * cores()),
        _ => {
            return Err(PyValueError::new_err(format!("threads is {threads}, outside 0..=1024")));
        }
    };
    if threads == 1 {
        return Ok(None);
    }
    let mut last = LAST.try_lock().ok();
    let id = process::id();
    if let Some(Some((owner, width, pool))) = last.as_deref()
        && (*owner, *width) == (id, threads)
    {
        return Ok(Some(Arc::clone(pool)));
    }
    let Ok(pool) = ThreadPoolBuilder::new().num_threads(threads).build() else {
        return Ok(None);
    };
    let pool = Arc::new(pool);
    if let Some(last) = last.as_deref_mut()
        && let Some((owner, _, stale)) = last.replace((id, threads, Arc::clone(&pool)))
        && owner != id
    {
        // Its threads are the parent's: there is nobody here to be told to end.
        mem::forget(stale);
    }
    Ok(Some(pool))
}

/// Asked once: the system's answer takes longer than a short call does.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}
