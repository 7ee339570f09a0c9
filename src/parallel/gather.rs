//! Jobs gathered into batches for a device.
//!
//! A device wants many blocks at a time, a state machine submits one after the other. A thread in between takes what has come: it waits for more while more keeps coming, and not when
//! the state machine waits itself. While the device has one batch, the next one gathers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    gpu::{Choice, Decoder, Item},
    parallel::{Executor, Job, ordered::Guest},
};

/// How long the next job is waited for.
const SILENCE: Duration = Duration::from_millis(1);

/// Raw bytes that go to the device at a time, as several batches that overlap.
pub(crate) const GATHERED: usize = 48 << 20;

/// The thread, and the way to it.
#[derive(Debug)]
pub(super) struct Gatherer<J> {
    /// `None` only while it is dropped.
    sender: Option<Sender<Message<J>>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Message<J> {
    Job(Guest<J>, Arc<AtomicBool>),
    /// The submitter waits: no more will come before a job comes back.
    Hurry,
}

impl<J: Job> Gatherer<J> {
    /// `None`: the system gives no thread.
    pub(super) fn start(choice: Choice, cpu: Executor) -> Option<Self> {
        let (sender, receiver) = channel();
        let thread =
            thread::Builder::new().name("ranstream-gpu".into()).spawn(move || gather(&receiver, &choice, &cpu));
        Some(Self { sender: Some(sender), thread: Some(thread.ok()?) })
    }

    /// If the thread is gone, the job is lost: dropping it says so.
    pub(super) fn submit(&self, guest: Guest<J>, cancelled: Arc<AtomicBool>) {
        self.send(Message::Job(guest, cancelled));
    }

    pub(super) fn hurry(&self) {
        self.send(Message::Hurry);
    }

    fn send(&self, message: Message<J>) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(message);
        }
    }
}

impl<J> Drop for Gatherer<J> {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has made its jobs lost, which was reported in their place.
            let _ = thread.join();
        }
    }
}

fn gather<J: Job>(receiver: &Receiver<Message<J>>, choice: &Choice, cpu: &Executor) {
    let (mut decoder, mut before) = (None, 0);
    loop {
        let mut guests = next_batch(receiver);
        if guests.is_empty() {
            return;
        }
        guests.retain(|(_, cancelled)| !cancelled.load(Ordering::Relaxed));
        let mut guests: Vec<_> = guests.into_iter().map(|(guest, _)| guest).collect();
        // Jobs apart from their seats: those whose batch panics are lost, not taken for decoded.
        if guests.is_empty() {
            continue;
        }
        let mut jobs: Vec<J> = guests.iter_mut().filter_map(Guest::take).collect();
        let done = on_device(&mut jobs, choice, cpu.width(), &mut decoder, &mut before);
        for ((mut guest, job), done) in guests.into_iter().zip(jobs).zip(done) {
            if done {
                guest.give_back(job);
            } else {
                guest.put(job);
                cpu.spawn(move || guest.run());
            }
        }
    }
}

/// Empty: nobody will submit any more.
fn next_batch<J: Job>(receiver: &Receiver<Message<J>>) -> Vec<(Guest<J>, Arc<AtomicBool>)> {
    let (mut batch, mut raw_len, mut hurry) = (Vec::new(), 0, false);
    while raw_len < GATHERED {
        let message = match receiver.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) if batch.is_empty() => match receiver.recv() {
                Ok(message) => message,
                Err(_) => break,
            },
            Err(TryRecvError::Empty) if hurry => break,
            Err(TryRecvError::Empty) => match receiver.recv_timeout(SILENCE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            },
        };
        match message {
            Message::Job(mut guest, cancelled) => {
                raw_len += guest.item().map_or(0, |item| item.raw.len());
                batch.push((guest, cancelled));
            }
            Message::Hurry => hurry = true,
        }
    }
    batch
}

/// Which of the jobs the device has done.
fn on_device<J: Job>(
    jobs: &mut [J],
    choice: &Choice,
    threads: usize,
    decoder: &mut Option<Decoder>,
    before: &mut u64,
) -> Vec<bool> {
    let count = jobs.len();
    let mut items: Vec<Item<'_>> = jobs.iter_mut().filter_map(Job::item).collect();
    if items.len() < count {
        return vec![false; count];
    }
    let raw_len = items.iter().map(|item| item.raw.len()).sum();
    let coded_len = items.iter().map(|item| item.block.coded_len()).sum();
    let device = choice.device(*before, coded_len, raw_len, threads);
    *before += raw_len as u64;
    if let Some(gpu) = device {
        decoder.get_or_insert_with(|| Decoder::new(&gpu)).run(&mut items);
    } else {
        *decoder = None;
    }
    items.iter().map(|item| item.done).collect()
}
