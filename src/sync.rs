//! What threads share: the only locks of the crate, and the one way to call code of the user's
//! beside them.
//!
//! Code of the user's may wait for anything, also for threads that wait for a lock. So none is held
//! when it is called. Builds with debug assertions count the locks that each thread holds, and
//! [`call_out`] checks that there are none.
//!
//! Under `--cfg ranstream_loom` or `--cfg ranstream_shuttle` the unit tests get a model checker's
//! locks in place of std's, and `parallel/models.rs` tries the orders in which threads can run.
//! `scripts/models.sh` does that.

#[cfg(all(test, ranstream_loom))]
use loom as checked;
#[cfg(all(test, ranstream_shuttle, not(ranstream_loom)))]
use shuttle as checked;
#[cfg(not(all(test, any(ranstream_loom, ranstream_shuttle))))]
use std as checked;
use std::{
    ops::{Deref, DerefMut},
    sync::PoisonError,
    time::Duration,
};

pub(crate) use checked::sync::{Arc, atomic::AtomicBool};
#[cfg(all(test, any(ranstream_loom, ranstream_shuttle)))]
pub(crate) use checked::thread;
pub(crate) use checked::thread::JoinHandle;

/// Starts a thread. `None`: the system gives none.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    checked::thread::Builder::new().name(name.into()).spawn(work).ok()
}

/// Calls code of the user's: a callback, a waker, an inner reader or writer.
#[inline]
pub(crate) fn call_out<R>(code: impl FnOnce() -> R) -> R {
    #[cfg(debug_assertions)]
    assert_eq!(held::count(), 0, "locks are held where code of the user's is called");
    code()
}

/// A mutex that nothing poisons: what panics leaves its data whole.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(checked::sync::Mutex<T>);

/// The right to what a [`Mutex`] guards.
#[derive(Debug)]
pub(crate) struct Guard<'a, T> {
    guard: checked::sync::MutexGuard<'a, T>,
    #[cfg(debug_assertions)]
    _held: held::Held,
}

/// Where threads wait for a change of what a [`Mutex`] guards.
#[derive(Debug, Default)]
pub(crate) struct Condvar(checked::sync::Condvar);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checked::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        Guard {
            guard: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            #[cfg(debug_assertions)]
            _held: held::Held::new(),
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl Condvar {
    /// Waits until notified, or for nothing: the caller looks again.
    pub(crate) fn wait<'a, T>(&self, guard: Guard<'a, T>) -> Guard<'a, T> {
        Guard { guard: self.0.wait(guard.guard).unwrap_or_else(PoisonError::into_inner), ..guard }
    }

    /// As [`wait`](Self::wait), and no longer than `timeout`. `true`: the time is over.
    pub(crate) fn wait_timeout<'a, T>(&self, guard: Guard<'a, T>, timeout: Duration) -> (Guard<'a, T>, bool) {
        let waited = self.0.wait_timeout(guard.guard, timeout);
        let (inner, result) = waited.unwrap_or_else(PoisonError::into_inner);
        (Guard { guard: inner, ..guard }, result.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// How many locks each thread holds.
#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    super::checked::thread_local! {
        static LOCKS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() -> usize {
        LOCKS.with(Cell::get)
    }

    /// One lock that this thread holds.
    #[derive(Debug)]
    pub(super) struct Held;

    impl Held {
        pub(super) fn new() -> Self {
            LOCKS.with(|locks| locks.set(locks.get() + 1));
            Self
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            LOCKS.with(|locks| locks.set(locks.get() - 1));
        }
    }
}

#[cfg(all(test, debug_assertions, not(any(ranstream_loom, ranstream_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn code_of_the_users_is_called_when_no_lock_is_held() {
        let (first, second) = (Mutex::new(1), Mutex::new(2));
        assert_eq!(*first.lock() + *second.lock(), 3);
        assert_eq!(call_out(|| 5), 5);
    }

    #[test]
    #[should_panic(expected = "locks are held")]
    fn code_of_the_users_under_a_lock_panics() {
        let lock = Mutex::new(());
        let _guard = lock.lock();
        call_out(|| ());
    }

    #[test]
    #[should_panic(expected = "locks are held")]
    fn a_lock_that_was_waited_with_is_still_held() {
        let lock = Mutex::new(());
        let (_guard, timed_out) = Condvar::default().wait_timeout(lock.lock(), Duration::from_millis(1));
        assert!(timed_out);
        call_out(|| ());
    }
}
