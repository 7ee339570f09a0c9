//! Items that lie in the caller's memory: workers take one after another, work on it where it lies,
//! and the results are put in their places in the order of the items.
//!
//! Whoever brings the oldest result puts it, while the processor still has it near, and after it
//! those that are there already. The others only leave theirs. Nobody waits: a worker that finds
//! too many items under way ends, and whoever puts a result starts another one. So whoever puts may
//! call code of the user's, without a lock and whatever that waits for.
//!
//! ```text
//!   next ──item──▶ work, side by side ──result──▶ under way, oldest first ──▶ put, one at a time
//!     ▲ under the lock                                                          │ no lock
//!     └────────────────── a worker that found no room starts again ◀────────────┘
//! ```

use std::{
    collections::VecDeque,
    mem,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    parallel::{Executor, Lost},
    sync::Mutex,
};

/// Takes items from `next`, does `work` with each, and gives the results to `put` in the order of
/// the items, until there are no more, or `put` breaks. At most `capacity` items are between `next`
/// and `put`, and one more is in `put`.
///
/// `next` is called under a lock. Where it or `put` panics, the panic goes on to the caller once
/// all workers have ended.
///
/// # Errors
///
/// [`Lost`] where `work` panics. The results before that one were put.
pub(crate) fn work_in_order<T, R: Send>(
    executor: &Executor,
    capacity: usize,
    next: impl FnMut() -> Option<T> + Send,
    work: impl Fn(T) -> R + Sync,
    put: impl FnMut(R) -> ControlFlow<()> + Send,
) -> Result<(), Lost> {
    let items = Items::new(capacity, next, work, put);
    executor.run_workers(&|more| items.work(more));
    items.end()
}

/// What all workers see: the items between `next` and `put`.
pub(super) struct Items<R, Next, Work, Put> {
    capacity: usize,
    work: Work,
    state: Mutex<State<R, Next, Put>>,
}

struct State<R, Next, Put> {
    /// `None`: there are no more items, or nobody wants more.
    next: Option<Next>,
    /// `None`: somebody puts, or nobody may any more.
    put: Option<Put>,
    /// The number of the first item under way.
    oldest: usize,
    /// `None`: somebody works on it.
    under_way: VecDeque<Option<R>>,
    /// Workers that ended for want of room.
    ended: usize,
    lost: bool,
}

impl<T, R, Next, Work, Put> Items<R, Next, Work, Put>
where
    Next: FnMut() -> Option<T>,
    Work: Fn(T) -> R,
    Put: FnMut(R) -> ControlFlow<()>,
{
    pub(super) fn new(capacity: usize, next: Next, work: Work, put: Put) -> Self {
        let state =
            State { next: Some(next), put: Some(put), oldest: 0, under_way: VecDeque::new(), ended: 0, lost: false };
        Self { capacity: capacity.max(1), work, state: Mutex::new(state) }
    }

    /// One worker. `more` starts another one.
    pub(super) fn work(&self, more: &dyn Fn()) {
        let panicked = Stop(self);
        while let Some((number, item)) = self.take() {
            // What panicked is dropped, not looked into: nothing half done is seen.
            if let Ok(result) = catch_unwind(AssertUnwindSafe(|| (self.work)(item))) {
                self.bring(number, result, more);
            } else {
                let mut state = self.state.lock();
                (state.lost, state.next) = (true, None);
            }
        }
        mem::forget(panicked);
    }

    /// The next item, and its number.
    fn take(&self) -> Option<(usize, T)> {
        let mut state = self.state.lock();
        if state.under_way.len() >= self.capacity {
            state.ended += 1;
            return None;
        }
        let item = state.next.as_mut()?();
        if item.is_none() {
            state.next = None;
        }
        let item = item?;
        state.under_way.push_back(None);
        Some((state.oldest + state.under_way.len() - 1, item))
    }

    /// Leaves a result. Puts all that are in turn, unless somebody else is about it.
    fn bring(&self, number: usize, result: R, more: &dyn Fn()) {
        let mut state = self.state.lock();
        let index = number - state.oldest;
        state.under_way[index] = Some(result);
        while state.under_way.front().is_some_and(Option::is_some)
            && let Some(mut put) = state.put.take()
            && let Some(Some(oldest)) = state.under_way.pop_front()
        {
            state.oldest += 1;
            // There is room again.
            let starts = state.ended > 0 && state.next.is_some();
            state.ended -= usize::from(starts);
            drop(state);
            if starts {
                more();
            }
            let flow = put(oldest);
            state = self.state.lock();
            if flow.is_continue() {
                state.put = Some(put);
            } else {
                state.next = None;
            }
        }
    }
}

impl<R, Next, Work, Put> Items<R, Next, Work, Put> {
    pub(super) fn end(self) -> Result<(), Lost> {
        if self.state.into_inner().lost { Err(Lost) } else { Ok(()) }
    }
}

/// Dropped by a worker that panics: the others need not go on.
struct Stop<'a, R, Next, Work, Put>(&'a Items<R, Next, Work, Put>);

impl<R, Next, Work, Put> Drop for Stop<'_, R, Next, Work, Put> {
    fn drop(&mut self) {
        self.0.state.lock().next = None;
    }
}

#[cfg(all(test, not(any(ranstream_loom, ranstream_shuttle))))]
mod tests {
    use super::*;
    use crate::EncodeOptions;

    // An interpreter takes a thousand times as long.
    const END: u64 = if cfg!(miri) { 20 } else { 500 };

    /// Squares the numbers below `END` with so many threads. `put` gets the squares in their order.
    fn squares(
        threads: usize,
        unlucky: Option<u64>,
        put: impl FnMut(u64) -> ControlFlow<()> + Send,
    ) -> Result<(), Lost> {
        let mut numbers = 0..END;
        let square = |number| {
            assert_ne!(Some(number), unlucky, "an unlucky item");
            number * number
        };
        let executor = Executor::new(&EncodeOptions::new().threads(threads).work);
        work_in_order(&executor, 3, move || numbers.next(), square, put)
    }

    #[test]
    fn results_are_put_in_the_order_of_the_items() {
        for threads in [1, 0, 2, 5] {
            let mut put = Vec::new();
            let worked = squares(threads, None, |square| {
                put.push(square);
                ControlFlow::Continue(())
            });
            assert!(worked.is_ok());
            assert!(put.iter().copied().eq((0..END).map(|number| number * number)), "{threads} threads");
        }
    }

    #[test]
    fn what_is_before_an_item_that_panics_is_put_and_nothing_behind_it() {
        for threads in [1, 0, 2, 5] {
            let mut put = Vec::new();
            let worked = squares(threads, Some(11), |square| {
                put.push(square);
                ControlFlow::Continue(())
            });
            assert_eq!(worked, Err(Lost));
            assert!(put.iter().copied().eq((0..11).map(|number| number * number)), "{threads} threads");
        }
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn the_caller_is_one_of_the_threads() {
        use std::{
            collections::HashSet,
            thread,
            time::{Duration, Instant},
        };

        for threads in [2, 0] {
            let executor = Executor::new(&EncodeOptions::new().threads(threads).work);
            let width = executor.width();
            if width == 1 {
                continue;
            }
            // As many items as threads, and each waits until all have one.
            let (mut items, at_work, mut workers) = (0..width, Mutex::new(0), HashSet::new());
            let deadline = Instant::now() + Duration::from_secs(60);
            let at_a_time = |_| {
                *at_work.lock() += 1;
                while *at_work.lock() < width && Instant::now() < deadline {
                    thread::yield_now();
                }
                thread::current().id()
            };
            let put = |worker| {
                workers.insert(worker);
                ControlFlow::Continue(())
            };
            let worked = work_in_order(&executor, width, || items.next(), at_a_time, put);
            assert!(worked.is_ok());
            assert!(workers.contains(&thread::current().id()), "{threads} threads");
            assert_eq!(workers.len(), width, "{threads} threads");
        }
    }

    #[test]
    fn nothing_is_put_after_a_break() {
        for threads in [1, 0, 2, 5] {
            let mut puts = 0;
            let worked = squares(threads, None, |_| {
                puts += 1;
                if puts == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(worked.is_ok());
            assert_eq!(puts, 7, "{threads} threads");
        }
    }
}
