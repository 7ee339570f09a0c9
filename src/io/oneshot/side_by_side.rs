//! Raw bytes that lie in memory: workers take block after block and code each from where it lies.
//! Whoever finishes the oldest one moves it to its place, while the processor still has it near,
//! and with it those behind it that are finished.

use std::{
    collections::VecDeque,
    mem,
    slice::Chunks,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{
    block::{self, Appended},
    error::Error,
    options::EncodeOptions,
    parallel::Executor,
    stream::Framer,
};

/// Appends `raw` as one stream to `out`.
pub(super) fn compress_into(
    raw: &[u8],
    out: &mut Vec<u8>,
    options: &EncodeOptions,
    executor: &Executor,
) -> Result<(), Error> {
    let mut framer = Framer::new(options);
    framer.start(out);
    let width = executor.width();
    let shared = Shared {
        options,
        capacity: options.in_flight.unwrap_or(width + 2),
        state: Mutex::new(State {
            rest: raw.chunks(options.block_len),
            oldest: 0,
            under_way: VecDeque::new(),
            spare: Vec::new(),
            framer,
            out,
            failed: None,
        }),
        changed: Condvar::new(),
    };
    executor.for_each(&mut vec![(); width], |()| shared.work());
    let mut state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.failed {
        Some(error) => Err(error),
        None => state.framer.end(state.out),
    }
}

/// What all workers see.
struct Shared<'a> {
    options: &'a EncodeOptions,
    /// Blocks under way, at most.
    capacity: usize,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    /// Blocks that nobody took.
    rest: Chunks<'a, u8>,
    /// The number of the first block under way.
    oldest: usize,
    /// `None`: somebody has it.
    under_way: VecDeque<Option<Coded>>,
    spare: Vec<Vec<u8>>,
    framer: Framer,
    out: &'a mut Vec<u8>,
    failed: Option<Error>,
}

/// A block on the way to its place.
struct Coded {
    raw_len: usize,
    bytes: Vec<u8>,
    appended: Appended,
}

impl<'a> Shared<'a> {
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Codes blocks until none is left.
    fn work(&self) {
        let lost = Watch(self);
        while let Some((number, raw, mut bytes)) = self.take() {
            let appended = block::append(raw, self.options, &mut bytes);
            self.put(number, Coded { raw_len: raw.len(), bytes, appended });
        }
        mem::forget(lost);
    }

    /// The next block, its number, and an empty buffer for it. Who has the oldest block never waits
    /// here, so all who wait are woken.
    fn take(&self) -> Option<(usize, &'a [u8], Vec<u8>)> {
        let mut state = self.lock();
        while state.under_way.len() >= self.capacity && state.failed.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failed.is_some() {
            return None;
        }
        let raw = state.rest.next()?;
        if let Err(error) = state.framer.take(raw) {
            // The blocks before it are still to come.
            state.rest = [].chunks(1);
            state.failed = Some(error);
            return None;
        }
        state.under_way.push_back(None);
        Some((state.oldest + state.under_way.len() - 1, raw, state.spare.pop().unwrap_or_default()))
    }

    fn put(&self, number: usize, coded: Coded) {
        let mut state = self.lock();
        let index = number - state.oldest;
        state.under_way[index] = Some(coded);
        while state.under_way.front().is_some_and(Option::is_some)
            && let Some(Some(Coded { raw_len, mut bytes, appended })) = state.under_way.pop_front()
        {
            state.oldest += 1;
            state.out.extend_from_slice(&bytes);
            state.framer.add_block(&appended, raw_len, bytes.len());
            bytes.clear();
            state.spare.push(bytes);
            if let Some(observer) = &self.options.observer {
                (observer.0)(state.framer.progress());
            }
        }
        drop(state);
        self.changed.notify_all();
    }
}

/// Dropped by a worker that panics: its block does not come back.
struct Watch<'s, 'a>(&'s Shared<'a>);

impl Drop for Watch<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let block = state.framer.progress().blocks();
        state.failed.get_or_insert(Error::WorkerLost { block });
        drop(state);
        self.0.changed.notify_all();
    }
}
