//! Memory that a thread keeps from one use to the next.

use std::{cell::Cell, thread::LocalKey};

/// Lends what a thread keeps. It is taken while it is in use: a panic leaves none behind. A thread
/// that ends has no memory to keep.
pub(crate) fn with<T: Default, R>(key: &'static LocalKey<Cell<T>>, work: impl FnOnce(&mut T) -> R) -> R {
    let mut kept = key.try_with(Cell::take).unwrap_or_default();
    let result = work(&mut kept);
    let _ = key.try_with(|cell| cell.set(kept));
    result
}
