//! Counters that a user can watch.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use crate::sync::call_out;

/// How far a stream has come. All counts start at 0 with the adapter and go over concatenated
/// streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    raw_bytes: u64,
    coded_bytes: u64,
    blocks: u64,
}

impl Progress {
    /// Raw bytes of all blocks that were coded or decoded.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Coded bytes, headers and checks included. Of a reader, those it has read ahead, too.
    #[must_use]
    pub fn coded_bytes(&self) -> u64 {
        self.coded_bytes
    }

    /// Data blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Coded bytes per raw byte, 1.0 before the first one.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.raw_bytes == 0 { 1.0 } else { self.coded_bytes as f64 / self.raw_bytes as f64 }
    }

    pub(crate) fn add_block(&mut self, raw: usize) {
        self.raw_bytes += raw as u64;
        self.blocks += 1;
    }

    pub(crate) fn add_coded(&mut self, bytes: usize) {
        self.coded_bytes += bytes as u64;
    }
}

/// A user's callback.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&Progress) + Send + Sync>);

/// Equal if it is the same.
impl PartialEq for Observer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Observer {
    pub(crate) fn new(callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }

    pub(crate) fn call(&self, progress: &Progress) {
        call_out(|| (self.0)(progress));
    }
}

/// It is called with no state of ours half changed. What it does to its own when it panics, it does
/// to whoever gave it.
impl UnwindSafe for Observer {}
impl RefUnwindSafe for Observer {}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
