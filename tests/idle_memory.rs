//! What streams hold that wait: DESIGN's promise is less than 1 KiB each, buffers given back.

#![cfg(feature = "tokio")]

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use peak_alloc::PeakAlloc;
use ranstream::{
    EncodeOptions, Mode, compress,
    tokio::{RansDecoder, RansEncoder, RansReader, RansWriter},
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, ReadBuf, Sink, sink};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const STREAMS: usize = 10_000;

/// Gives its bytes, then pends for ever.
struct Live<'a>(&'a [u8]);

impl AsyncRead for Live<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let (now, later) = self.0.split_at(self.0.len().min(buf.remaining()));
        buf.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn now<T>(future: impl Future<Output = io::Result<T>>) -> T {
    match poll_once(future) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("it waits"),
    }
}

/// Reads until it pends. How many bytes came is told.
fn drain(reader: &mut (impl AsyncBufRead + Unpin)) -> usize {
    let mut total = 0;
    while let Poll::Ready(ready) = poll_once(reader.fill_buf()) {
        let len = ready.unwrap().len();
        reader.consume(len);
        total += len;
    }
    total
}

/// Bytes that each of [`STREAMS`] streams holds after `work`.
fn held_by_each<S>(make: impl Fn() -> S, work: impl Fn(&mut S)) -> usize {
    let before = MEMORY.current_usage();
    let streams: Vec<S> = (0..STREAMS)
        .map(|_| {
            let mut stream = make();
            work(&mut stream);
            stream
        })
        .collect();
    let held = MEMORY.current_usage() - before;
    drop(streams);
    held / STREAMS
}

#[test]
fn ten_thousand_idle_streams_hold_less_than_a_kibibyte_each() {
    let raw: Vec<u8> = (0..3000_u32).map(|i| ((i * i) >> 7) as u8 & 31).collect();
    // How blocks are coded does not matter here, and stored ones are quick.
    let options = EncodeOptions::new().block_len(1300).mode(Mode::Stored);
    let mut stream = compress(&raw, &options).unwrap();
    // Without its end block and the payload check before it, the last block is still on its way.
    let whole = stream.len() - 32;
    stream.truncate(whole + 4);

    let writer = held_by_each(
        || RansWriter::with_options(sink(), options.clone()),
        |writer: &mut RansWriter<Sink>| {
            now(writer.write_all(&raw));
            now(writer.flush());
        },
    );
    let reader = held_by_each(|| RansReader::new(Live(&stream)), |reader| assert_eq!(drain(reader), raw.len()));
    let encoder = held_by_each(
        || RansEncoder::with_options(Live(&raw), options.clone()),
        |encoder| assert!(drain(encoder) > 1500),
    );
    let decoder = held_by_each(
        || RansDecoder::new(sink()),
        |decoder: &mut RansDecoder<Sink>| {
            now(decoder.write_all(&stream[..whole]));
            now(decoder.flush());
        },
    );
    println!("bytes held: writer {writer}, reader {reader}, reading encoder {encoder}, writing decoder {decoder}");
    for (name, held) in [("writer", writer), ("reader", reader), ("encoder", encoder), ("decoder", decoder)] {
        assert!(held < 1024, "an idle {name} holds {held} bytes");
    }
}
