//! `FlushPolicy::Interval`, by a clock that only moves when everything waits.

use std::{
    future::Future as _,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_util::AsyncRead as _;
use ranstream::{EncodeOptions, FlushPolicy, futures, tokio as adapters};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
    time::{Instant, advance, sleep, sleep_until},
};

use crate::{
    async_wire::{Ending, Schedule, Wire},
    data,
};

const INTERVAL: Duration = Duration::from_millis(50);

fn live(raw: &[u8]) -> Wire {
    Wire::new(raw, Schedule::Ready, Ending::Silence)
}

/// What a reader can decode of what has come.
fn decoded(stream: &[u8]) -> Vec<u8> {
    let bytes = std::io::Read::bytes(ranstream::RansReader::new(stream));
    bytes.map_while(Result::ok).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reading_encoder_gives_what_waits_when_its_timer_says_so() {
    let (mut source, read) = duplex(10_000);
    let mut encoder = adapters::RansEncoder::new(read).flush_policy(FlushPolicy::Interval(INTERVAL));
    let (mut stream, mut raw) = (Vec::new(), Vec::new());
    for text in ["first", "second", "third"] {
        let start = Instant::now();
        source.write_all(text.as_bytes()).await.unwrap();
        raw.extend(text.as_bytes());
        while decoded(&stream) != raw {
            assert!(encoder.read_buf(&mut stream).await.unwrap() > 0);
        }
        let waited = start.elapsed();
        assert!(waited > INTERVAL / 2 && waited < 2 * INTERVAL, "{text} came after {waited:?}");
        assert_eq!(encoder.next_flush(), None);
        sleep(Duration::from_secs(3600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_trickle_in_wait_for_one_interval_together() {
    let (mut source, read) = duplex(10_000);
    let writer = async {
        for _ in 0..10 {
            source.write_all(b"letter").await.unwrap();
            sleep(INTERVAL / 10).await;
        }
        sleep(10 * INTERVAL).await;
    };
    let reader = async {
        let mut encoder = adapters::RansEncoder::new(read).flush_policy(FlushPolicy::Interval(2 * INTERVAL));
        let mut stream = Vec::new();
        while decoded(&stream).is_empty() {
            assert!(encoder.read_buf(&mut stream).await.unwrap() > 0);
        }
        stream
    };
    let stream = tokio::select! {
        stream = reader => stream,
        () = writer => panic!("nothing came within ten intervals"),
    };
    assert_eq!(decoded(&stream), b"letter".repeat(10));
}

#[tokio::test(start_paused = true)]
async fn no_timer_runs_while_nothing_waits() {
    let mut encoder = tokio_test::task::spawn(
        adapters::RansEncoder::with_options(live(&data::text(4096)), EncodeOptions::new().block_len(4096))
            .flush_policy(FlushPolicy::Interval(INTERVAL)),
    );
    let mut buffer = vec![0; 10_000];
    let mut poll = |encoder: &mut tokio_test::task::Spawn<adapters::RansEncoder<Wire>>| {
        encoder.enter(|cx, encoder| pin!(encoder.get_mut().read(&mut buffer)).poll(cx))
    };
    // A full block needs no timer, and leaves none behind.
    while let Poll::Ready(read) = poll(&mut encoder) {
        assert!(read.unwrap() > 0);
    }
    assert_eq!(encoder.next_flush(), None);
    advance(Duration::from_secs(3600)).await;
    assert!(!encoder.is_woken(), "it is woken with nothing to do");
}

#[tokio::test(start_paused = true)]
async fn a_timer_wakes_once() {
    let encoder = adapters::RansEncoder::new(live(b"some bytes")).flush_policy(FlushPolicy::Interval(INTERVAL));
    let mut encoder = tokio_test::task::spawn(encoder);
    let mut buffer = [0; 100];
    assert!(encoder.enter(|cx, encoder| pin!(encoder.get_mut().read(&mut buffer)).poll(cx)).is_pending());
    assert!(encoder.next_flush().is_some());
    advance(INTERVAL / 2).await;
    assert!(!encoder.is_woken());
    advance(INTERVAL).await;
    assert!(encoder.is_woken());
    let Poll::Ready(read) = encoder.enter(|cx, encoder| pin!(encoder.get_mut().read(&mut buffer)).poll(cx)) else {
        panic!("the time has come")
    };
    assert_eq!(decoded(&buffer[..read.unwrap()]), b"some bytes");
    assert!(encoder.enter(|cx, encoder| pin!(encoder.get_mut().read(&mut buffer)).poll(cx)).is_pending());
    advance(Duration::from_secs(3600)).await;
    assert!(!encoder.is_woken());
}

/// What the documentation shows.
#[tokio::test(start_paused = true)]
async fn a_writer_says_when_its_owner_is_to_flush() {
    let (near, far) = duplex(10_000);
    let mut writer = adapters::RansWriter::new(near).flush_policy(FlushPolicy::Interval(INTERVAL));
    assert_eq!(writer.next_flush(), None);
    writer.write_all(b"some bytes").await.unwrap();
    let due = writer.next_flush().expect("bytes wait");
    writer.write_all(b", and more").await.unwrap();
    assert_eq!(writer.next_flush(), Some(due), "the oldest byte counts");
    sleep_until(due.into()).await;
    writer.flush().await.unwrap();
    assert_eq!(writer.next_flush(), None);
    let mut text = [0; 20];
    adapters::RansReader::new(far).read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"some bytes, and more");
}

/// The flavour that knows no timer, with one of its owner's.
#[tokio::test]
async fn a_futures_encoder_says_when_it_is_to_be_polled_again() {
    let mut encoder = futures::RansEncoder::new(live(b"some bytes")).flush_policy(FlushPolicy::Interval(INTERVAL));
    let (mut timer, mut buffer) = (None, [0; 100]);
    let start = std::time::Instant::now();
    let read = std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(read) = Pin::new(&mut encoder).poll_read(cx, &mut buffer) {
                return Poll::Ready(read);
            }
            let due = encoder.next_flush().expect("bytes wait");
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due.into())));
            std::task::ready!(timer.as_mut().poll(cx));
        }
    });
    let read = read.await.unwrap();
    assert!(start.elapsed() >= INTERVAL);
    assert_eq!(decoded(&buffer[..read]), b"some bytes");
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_runtime_without_time_is_told_by_tokio() {
    let encoder = adapters::RansEncoder::new(live(b"some bytes"));
    let mut encoder = encoder.flush_policy(FlushPolicy::Interval(INTERVAL));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _ = runtime.block_on(async { encoder.read(&mut [0; 100]).await });
}
