//! The order of events: what goes out when, in which order a stream ends, and what may be called
//! again.

use std::{
    future::Future as _,
    io::ErrorKind,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::{Pin, pin},
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, FlushPolicy, decompress,
    futures::{RansEncoder, RansReader, RansWriter},
};

use crate::{
    async_wire::{Ending, Schedule, Store, Wire, complete},
    data,
};

fn once<T>(poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
    poll(&mut Context::from_waker(Waker::noop()))
}

fn pends_once() -> Schedule {
    Schedule::PendsOnce { pended: false }
}

#[test]
fn shutdown_ends_flushes_and_closes_once_however_often_it_is_asked() {
    let mut writer = RansWriter::new(Store::new(pends_once()));
    complete(|cx| pin!(writer.write(b"some bytes")).poll(cx)).unwrap();
    for _ in 0..3 {
        complete(|cx| Pin::new(&mut writer).poll_finish(cx)).unwrap();
    }
    assert_eq!(writer.get_ref().closed, 0, "finish leaves the inner writer open");
    assert_eq!(writer.get_ref().flushed, writer.get_ref().bytes.len());
    for _ in 0..3 {
        complete(|cx| pin!(writer.close()).poll(cx)).unwrap();
        complete(|cx| pin!(writer.flush()).poll(cx)).unwrap();
        complete(|cx| Pin::new(&mut writer).poll_finish(cx)).unwrap();
    }
    assert_eq!(writer.get_ref().closed, 1);
    assert_eq!(decompress(&writer.get_ref().bytes, &DecodeOptions::new()).unwrap(), b"some bytes");
}

#[test]
fn a_flush_after_a_pending_shutdown_is_no_error_and_tears_nothing() {
    for polls_before in 1..8 {
        let mut writer = RansWriter::new(Store::new(Schedule::Trickle { pended: false }));
        complete(|cx| pin!(writer.write(b"some bytes")).poll(cx)).unwrap();
        for _ in 0..polls_before {
            assert!(once(|cx| pin!(writer.close()).poll(cx)).is_pending());
        }
        complete(|cx| pin!(writer.flush()).poll(cx)).unwrap();
        let refused = complete(|cx| pin!(writer.write(b"more")).poll(cx));
        assert_eq!(Error::try_from(refused.unwrap_err()).unwrap(), Error::Finished);
        complete(|cx| pin!(writer.close()).poll(cx)).unwrap();
        assert_eq!(decompress(&writer.get_ref().bytes, &DecodeOptions::new()).unwrap(), b"some bytes");
    }
}

#[test]
fn what_was_flushed_is_read_while_the_wire_is_silent() {
    for threads in [1, 0] {
        let raw = data::text(70_000);
        let options = EncodeOptions::new().block_len(30_000).threads(threads);
        let mut writer = RansWriter::with_options(Store::new(Schedule::random(1)), options);
        let mut at = 0;
        while at < raw.len() {
            at += complete(|cx| pin!(writer.write(&raw[at..])).poll(cx)).unwrap();
        }
        complete(|cx| pin!(writer.flush()).poll(cx)).unwrap();
        let wire = Wire::new(&writer.get_ref().bytes, Schedule::random(2), Ending::Silence);
        let mut reader = RansReader::with_options(wire, DecodeOptions::new().threads(threads));
        let mut back = vec![0; raw.len()];
        let mut at = 0;
        while at < raw.len() {
            at += complete(|cx| pin!(reader.read(&mut back[at..])).poll(cx)).unwrap();
        }
        assert!(back == raw);
        assert!(once(|cx| pin!(reader.read(&mut back)).poll(cx)).is_pending());
    }
}

#[test]
fn a_reading_encoder_gives_what_it_has_when_its_source_pauses() {
    for (threads, len) in [(1, 100), (0, 100), (0, 40_000)] {
        let raw = data::text(len);
        let options = EncodeOptions::new().threads(threads);
        let mut encoder = RansEncoder::with_options(Wire::new(&raw, Schedule::Ready, Ending::Silence), options);
        let mut stream: Vec<u8> = Vec::new();
        // The stream header may come alone before a block of another thread.
        while stream.len() < 21 {
            let mut buffer = vec![0; 60_000];
            let read = complete(|cx| pin!(encoder.read(&mut buffer)).poll(cx)).unwrap();
            stream.extend(&buffer[..read]);
        }
        let mut reader = RansReader::new(Wire::new(&stream, Schedule::Ready, Ending::Silence));
        let mut back = vec![0; len];
        complete(|cx| pin!(reader.read_exact(&mut back)).poll(cx)).unwrap();
        assert!(back == raw);
    }
}

#[test]
fn a_paused_source_is_heard_with_blocks_shorter_than_the_stream_header() {
    let mut encoder = RansEncoder::with_options(
        Wire::new(b"abcde", Schedule::Ready, Ending::Silence),
        EncodeOptions::new().block_len(8),
    );
    let mut stream: Vec<u8> = Vec::new();
    while stream.len() < 8 + 12 + 5 {
        let mut buffer = [0; 100];
        let read = complete(|cx| pin!(encoder.read(&mut buffer)).poll(cx)).unwrap();
        stream.extend(&buffer[..read]);
    }
    assert!(once(|cx| pin!(encoder.read(&mut [0; 9])).poll(cx)).is_pending());
}

#[test]
fn flush_policies_say_when_a_writer_sends() {
    let sent = |policy, writes: &[&[u8]]| {
        let mut writer = RansWriter::new(Store::new(Schedule::Ready)).flush_policy(policy);
        for write in writes {
            complete(|cx| pin!(writer.write(write)).poll(cx)).unwrap();
        }
        let bytes = &writer.get_ref().bytes;
        assert_eq!(writer.get_ref().flushed, bytes.len());
        let reader = ranstream::RansReader::new(&bytes[..]);
        std::io::Read::bytes(reader).map_while(Result::ok).collect::<Vec<_>>()
    };
    let writes: [&[u8]; 2] = [b"first", b"second"];
    assert_eq!(sent(FlushPolicy::Never, &writes), b"");
    assert_eq!(sent(FlushPolicy::OnPause, &writes), b"firstsecond");
    assert_eq!(sent(FlushPolicy::Interval(Duration::ZERO), &writes), b"firstsecond");
    assert_eq!(sent(FlushPolicy::Interval(Duration::from_secs(3600)), &writes), b"");
}

#[test]
fn an_error_while_sending_ahead_is_reported_by_the_next_call() {
    let store = Store { resets_at: 10, ..Store::new(Schedule::Ready) };
    let mut writer = RansWriter::new(store).flush_policy(FlushPolicy::OnPause);
    let taken = complete(|cx| pin!(writer.write(b"first")).poll(cx)).unwrap();
    assert_eq!(taken, 5, "the bytes were taken, so the write itself succeeded");
    let error = complete(|cx| pin!(writer.write(b"second")).poll(cx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reader_leaves_what_follows_its_stream() {
    let mut stream = ranstream::compress(b"some bytes", &EncodeOptions::new()).unwrap();
    let len = stream.len();
    stream.extend(b"another protocol");
    for schedule in Schedule::all() {
        let wire = Wire::new(&stream, schedule, Ending::Eof);
        let mut reader = RansReader::with_options(wire, DecodeOptions::new().single_stream(true));
        let mut back = [0; 10];
        complete(|cx| pin!(reader.read_exact(&mut back)).poll(cx)).unwrap();
        assert_eq!(complete(|cx| pin!(reader.read(&mut back)).poll(cx)).unwrap(), 0);
        let (wire, unused) = reader.into_parts();
        assert_eq!((wire.at, unused), (len, Vec::new()));
    }
}

/// Polls of a reader whose inner stream is silent must not be answered by a wake of its own.
#[test]
fn a_silent_stream_is_polled_once_for_each_poll() {
    let mut reader = RansReader::new(Wire::new(b"", Schedule::Ready, Ending::Silence));
    for polls in 1..5 {
        assert!(once(|cx| pin!(reader.read(&mut [0; 9])).poll(cx)).is_pending());
        assert_eq!(reader.get_ref().polls, polls);
    }
}

const _: fn() = || {
    fn sendable<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    sendable::<RansWriter<Store>>();
    sendable::<RansReader<Wire>>();
    sendable::<ranstream::futures::RansEncoder<Wire>>();
    sendable::<ranstream::futures::RansDecoder<Store>>();
    sendable::<ranstream::tokio::RansWriter<Store>>();
    sendable::<ranstream::tokio::RansReader<Wire>>();
    sendable::<ranstream::tokio::RansEncoder<Wire>>();
    sendable::<ranstream::tokio::RansDecoder<Store>>();
};
