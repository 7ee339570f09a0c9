//! One thread at a time in an object.

use std::{
    sync::{Mutex, PoisonError, TryLockError},
    thread::{self, ThreadId},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};

/// A value that one thread at a time works with, while it does not hold the interpreter's lock.
///
/// A file object of Python may run any code, and so may come back to the object that called it.
/// That is an error and no deadlock.
pub(crate) struct Exclusive<T> {
    value: Mutex<T>,
    owner: Mutex<Option<ThreadId>>,
}

impl<T: Send> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), owner: Mutex::new(None) }
    }

    /// Waits for other threads, then works.
    ///
    /// # Errors
    ///
    /// What `work` returns; `RuntimeError` when this thread is at work with the value already.
    pub(crate) fn with<R: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut T) -> PyResult<R> + Send) -> PyResult<R> {
        py.detach(|| {
            let mut value = match self.value.try_lock() {
                Ok(value) => value,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    if *self.owner() == Some(thread::current().id()) {
                        return Err(PyRuntimeError::new_err("reentrant call"));
                    }
                    self.value.lock().unwrap_or_else(PoisonError::into_inner)
                }
            };
            *self.owner() = Some(thread::current().id());
            let result = work(&mut value);
            *self.owner() = None;
            result
        })
    }

    fn owner(&self) -> std::sync::MutexGuard<'_, Option<ThreadId>> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
