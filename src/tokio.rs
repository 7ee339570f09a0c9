//! Adapters over the traits of [tokio](https://docs.rs/tokio): what [`read`](crate::read) and
//! [`write`](crate::write) are for std. Any runtime may drive them.
//!
//! ```
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use ranstream::tokio::{RansReader, RansWriter};
//!
//! # tokio_test::block_on(async {
//! let mut writer = RansWriter::new(Vec::new());
//! writer.write_all(b"What was written and flushed ").await?;
//! writer.flush().await?; // the peer can decode up to here
//! writer.write_all(b"can be read by the peer.").await?;
//! writer.finish().await?; // without this the stream is truncated, and every reader says so
//!
//! let mut text = String::new();
//! RansReader::new(&writer.into_inner()[..]).read_to_string(&mut text).await?;
//! assert_eq!(text, "What was written and flushed can be read by the peer.");
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! Blocks of up to 16 KiB are worked on by the polling task; larger ones too with one thread, else
//! on the pool that the options name, whose worker wakes the task. No thread is held by a stream
//! that waits, and at most [`in_flight`](crate::EncodeOptions::in_flight) blocks are under way. For
//! many streams name one pool, or `threads(0)`: `threads(4)` would make four threads for each. A
//! stream that waits with nothing buffered holds less than 1 KiB.
//!
//! A reader asks its inner one for a block's header, then for the block. Where small blocks are the
//! rule a buffered inner reader saves a system call for each; large blocks pass its buffer by.
//!
//! # Cancel safety
//!
//! All state is in the adapters, so a future over any method may be dropped and made anew: nothing
//! is lost, doubled or half done. What the runtime's own combinators promise (`write_all` does not
//! say how much it wrote) holds as ever.

mod duplex;
mod timed;

use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::{
    options::{DecodeOptions, EncodeOptions},
    poll::{
        DecodeSink, DecodeSource, EncodeSink, FlushPolicy, SeekSource, Sink, Source, adapter_methods, reading_adapter,
        writing_adapter,
    },
    progress::Progress,
    stream::{ApplicationData, Room, Spare, Written},
    tokio::timed::TimedSource,
};

writing_adapter! {
    /// Takes raw bytes and writes a compressed stream.
    ///
    /// - `flush` cuts the block, writes everything and flushes the inner writer: the peer can
    ///   decode all bytes written so far.
    /// - [`finish`](RansWriter::finish) ends the stream and flushes. `shutdown` ends the stream,
    ///   flushes, and shuts the inner writer down. All of them may be called any number of times.
    /// - A stream that is dropped without either is truncated, and seen as that by every reader.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and shutdown go on
    /// where they were.
    #[must_use = "a stream that is not finished is truncated"]
    RansWriter over AsyncWrite, EncodeSink, EncodeOptions
}

writing_adapter! {
    /// Takes a compressed stream and writes raw bytes: the push form of [`RansReader`].
    ///
    /// Blocks that are whole and right are written before the error of what follows them is
    /// reported. [`finish`](RansDecoder::finish) and `shutdown` report a stream that is not whole.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and shutdown go on
    /// where they were.
    #[must_use = "without finish nobody knows whether the stream was whole"]
    RansDecoder over AsyncWrite, DecodeSink, DecodeOptions
}

reading_adapter! {
    /// Reads a compressed stream and gives raw bytes.
    ///
    /// What is decoded is given before the inner reader is polled, and blocks that are whole and
    /// right come out before the error of what follows them. Concatenated streams are read as one.
    /// The inner reader is asked for some blocks at a time, but what has come is given before more
    /// is waited for. With [`DecodeOptions::single_stream`] it is asked for one, and no byte behind
    /// the stream is taken.
    ///
    /// # Cancel safety
    ///
    /// A read that is dropped while it is pending gave nothing, and nothing is lost.
    RansReader, DecodeSource, DecodeOptions
}

reading_adapter! {
    /// Reads raw bytes from its inner reader and gives a compressed stream: the pull form of
    /// [`RansWriter`].
    ///
    /// When the inner reader has nothing yet, what was read before is coded and given, so that a
    /// live source is not held back; [`flush_policy`](RansEncoder::flush_policy) can say otherwise.
    ///
    /// # Cancel safety
    ///
    /// A read that is dropped while it is pending gave nothing, and nothing is lost.
    RansEncoder, TimedSource, EncodeOptions
}

adapter_methods!(AsyncRead, AsyncBufRead, AsyncWrite, poll_shutdown);

impl<R: AsyncRead> AsyncRead for RansReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = self.project();
        this.state.poll_read(&mut Io(this.inner), cx, &mut Unfilled(buf)).map_ok(drop)
    }
}

/// What is left of a buffer. As much of it as a block takes is initialised, if it was not yet.
struct Unfilled<'a, 'b>(&'a mut ReadBuf<'b>);

impl Room for Unfilled<'_, '_> {
    fn put(&mut self, ready: &[u8]) -> usize {
        let len = ready.len().min(self.0.remaining());
        self.0.put_slice(&ready[..len]);
        len
    }

    fn has(&mut self, len: usize) -> bool {
        len <= self.0.remaining()
    }

    fn write_with<R>(&mut self, len: usize, write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R)) -> (&[u8], R) {
        let before = self.0.filled().len();
        let (written, result) = write(Spare::from(self.0.initialize_unfilled_to(len)));
        let len = written.len();
        self.0.advance(len);
        (&self.0.filled()[before..], result)
    }
}

/// Seeks as [`read::RansReader`](crate::RansReader) does: within the block that was decoded last
/// nothing is read, else the list of blocks comes from the index or from the headers, once.
///
/// A seek that is dropped while it is pending may leave the inner reader anywhere. Reading fails
/// then, behind what was read ahead, until a seek succeeds.
impl<R: AsyncRead + AsyncSeek> AsyncSeek for RansReader<R> {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.project().state.begin_seek(to);
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.project();
        this.state.poll_sought(&mut Io(this.inner), cx)
    }
}

impl<R: AsyncRead> AsyncRead for RansEncoder<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() > 0 {
            let ready = ready!(self.as_mut().poll_fill_buf(cx))?;
            let len = ready.len().min(buf.remaining());
            buf.put_slice(&ready[..len]);
            self.consume(len);
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead> Source for Io<'_, R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(space);
        ready!(self.0.as_mut().poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<R: AsyncRead + AsyncSeek> SeekSource for Io<'_, R> {
    fn poll_seek(&mut self, cx: &mut Context<'_>, to: SeekFrom, started: &mut bool) -> Poll<io::Result<u64>> {
        if !*started {
            // What a future that was dropped has begun comes first.
            ready!(self.0.as_mut().poll_complete(cx))?;
            self.0.as_mut().start_seek(to)?;
            *started = true;
        }
        let place = ready!(self.0.as_mut().poll_complete(cx));
        *started = false;
        Poll::Ready(place)
    }
}
