//! Inner streams that pend, stall and give little, on a schedule from the input: what is written
//! comes back, and any stream gives what it gives without a schedule. No wake is lost, and
//! nothing spins.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limits,
    tokio::{RansDecoder, RansEncoder, RansReader, RansWriter},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    drive::{self, Outcome},
    repair::repaired_if,
};

/// The first three bytes: what to do, how long blocks or pieces are, how long the schedule is. Bits
/// of the first: decode, repair, threads.
pub fn run(input: &[u8]) {
    let Some((&[what, len, schedule_len], rest)) = input.split_first_chunk() else { return };
    let (schedule, bytes) = rest.split_at(rest.len().min(schedule_len.into()));
    let len = usize::from(len).max(1);
    let threads = usize::from(what & 4 == 0);
    if what & 1 == 0 {
        both_ways(schedule, bytes, len, threads);
    } else {
        as_without_schedule(schedule, &repaired_if(what & 2 != 0, bytes), len, threads);
    }
}

fn both_ways(schedule: &[u8], raw: &[u8], block_len: usize, threads: usize) {
    // Above the length that the polling task works on itself, so that workers have something to do.
    let block_len = if threads == 1 { block_len.max(16) } else { block_len << 10 };
    let options = EncodeOptions::new().block_len(block_len).threads(threads).in_flight(3);
    let mut writer = RansWriter::with_options(Scheduled::new(Vec::new(), schedule), options.clone());
    for part in raw.chunks(300) {
        let mut rest = part;
        while !rest.is_empty() {
            let taken = complete(|cx| Pin::new(&mut writer).poll_write(cx, rest)).expect("nothing fails");
            rest = &rest[taken..];
        }
        complete(|cx| Pin::new(&mut writer).poll_flush(cx)).expect("nothing fails");
    }
    complete(|cx| Pin::new(&mut writer).poll_shutdown(cx)).expect("nothing fails");
    assert_eq!(drive::decode(&writer.into_inner().inner, DecodeOptions::new(), 4096, 4096, 0), (raw.to_vec(), None));

    let encoder = RansEncoder::with_options(Scheduled::new(raw, schedule), options);
    let (stream, error) = read_all(encoder, 200);
    assert_eq!(error, None);
    let reader = RansReader::with_options(Scheduled::new(&stream[..], schedule), DecodeOptions::new().threads(threads));
    assert_eq!(read_all(reader, 100), (raw.to_vec(), None));
}

fn as_without_schedule(schedule: &[u8], stream: &[u8], len: usize, threads: usize) {
    let options = DecodeOptions::new().limits(Limits::new().max_output(1 << 16));
    let expected = drive::decode(stream, options.clone(), usize::MAX, 1 << 16, 0);
    let options = options.threads(threads);
    let reader = RansReader::with_options(Scheduled::new(stream, schedule), options.clone());
    assert_eq!(read_all(reader, len), expected);

    let mut decoder = RansDecoder::with_options(Scheduled::new(Vec::new(), schedule), options);
    let error = write_all(&mut decoder, stream, len).err().map(from_io);
    assert_eq!((decoder.into_inner().inner, error), expected);
}

fn read_all(mut reader: impl AsyncRead + Unpin, len: usize) -> Outcome {
    let (mut bytes, mut space) = (Vec::new(), vec![0; len]);
    loop {
        let read = complete(|cx| {
            let mut buf = ReadBuf::new(&mut space);
            Pin::new(&mut reader).poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
        });
        match read {
            Ok(0) => return (bytes, None),
            Ok(len) => bytes.extend(&space[..len]),
            Err(error) => return (bytes, Some(from_io(error))),
        }
    }
}

fn write_all(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8], len: usize) -> io::Result<()> {
    for part in bytes.chunks(len) {
        let mut rest = part;
        while !rest.is_empty() {
            let taken = complete(|cx| Pin::new(&mut *writer).poll_write(cx, rest))?;
            assert!(taken > 0 && taken <= rest.len());
            rest = &rest[taken..];
        }
    }
    complete(|cx| Pin::new(&mut *writer).poll_shutdown(cx))
}

fn from_io(error: io::Error) -> Error {
    drive::comparable(Error::try_from(error).expect("the inner stream does not fail"))
}

/// Each byte of the schedule is one operation: 0 pends once, else at most so many bytes.
struct Scheduled<T> {
    inner: T,
    schedule: Vec<u8>,
    next: usize,
}

impl<T> Scheduled<T> {
    fn new(inner: T, schedule: &[u8]) -> Self {
        Self { inner, schedule: schedule.to_vec(), next: 0 }
    }

    fn poll_most(&mut self, cx: &Context<'_>) -> Poll<usize> {
        self.next += 1;
        match self.schedule.get(self.next - 1) {
            None => Poll::Ready(usize::MAX),
            Some(0) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(&most) => Poll::Ready(most.into()),
        }
    }
}

impl AsyncRead for Scheduled<&[u8]> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_most(cx).map(|most| {
            let (given, rest) = self.inner.split_at(self.inner.len().min(most).min(buf.remaining()));
            buf.put_slice(given);
            self.inner = rest;
            Ok(())
        })
    }
}

impl AsyncWrite for Scheduled<Vec<u8>> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_most(cx).map(|most| {
            let len = most.min(bytes.len());
            self.inner.extend(&bytes[..len]);
            Ok(len)
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_most(cx).map(|_| Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[derive(Default)]
struct Wakes {
    woken: Mutex<bool>,
    arrived: Condvar,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().expect("nothing panics while it is held") = true;
        self.arrived.notify_all();
    }
}

/// Polls until ready, each time when the waker of the poll before was woken.
fn complete<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    // Every byte of a schedule pends once at most, and a worker brings one block back at a time.
    for _ in 0..100_000 {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        if let Poll::Ready(value) = poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let woken = wakes.woken.lock().expect("nothing panics while it is held");
        let wait = wakes.arrived.wait_timeout_while(woken, Duration::from_secs(60), |woken| !*woken);
        assert!(!wait.expect("nothing panics while it is held").1.timed_out(), "the task pends, and nothing woke it");
    }
    panic!("it spins");
}
