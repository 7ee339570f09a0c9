//! Adapters over the traits of [futures-io](https://docs.rs/futures-io): what
//! [`read`](crate::read) and [`write`](crate::write) are for std.
//!
//! ```
//! use futures_util::{AsyncReadExt, AsyncWriteExt};
//! use ranstream::futures::{RansReader, RansWriter};
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

use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

use crate::{
    options::{DecodeOptions, EncodeOptions},
    poll::{
        DecodeSink, DecodeSource, EncodeSink, EncodeSource, FlushPolicy, SeekSource, Sink, Source, adapter_methods,
        reading_adapter, writing_adapter,
    },
    progress::Progress,
    stream::ApplicationData,
};

writing_adapter! {
    /// Takes raw bytes and writes a compressed stream.
    ///
    /// - `flush` cuts the block, writes everything and flushes the inner writer: the peer can
    ///   decode all bytes written so far.
    /// - [`finish`](RansWriter::finish) ends the stream and flushes. `close` ends the stream,
    ///   flushes, and shuts the inner writer down. All of them may be called any number of times.
    /// - A stream that is dropped without either is truncated, and seen as that by every reader.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and close go on
    /// where they were.
    #[must_use = "a stream that is not finished is truncated"]
    RansWriter over AsyncWrite, EncodeSink, EncodeOptions
}

writing_adapter! {
    /// Takes a compressed stream and writes raw bytes: the push form of [`RansReader`].
    ///
    /// Blocks that are whole and right are written before the error of what follows them is
    /// reported. [`finish`](RansDecoder::finish) and `close` report a stream that is not whole.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and close go on
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
    RansEncoder, EncodeSource, EncodeOptions
}

adapter_methods!(AsyncRead, AsyncBufRead, AsyncWrite, poll_close);

impl<R: AsyncRead> AsyncRead for RansReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.project();
        this.state.poll_read(&mut Io(this.inner), cx, &mut buf)
    }
}

/// Seeks as [`read::RansReader`](crate::RansReader) does: within the block that was decoded last
/// nothing is read, else the list of blocks comes from the index or from the headers, once.
///
/// A seek that is dropped while it is pending may leave the inner reader anywhere. Reading fails
/// then, behind what was read ahead, until a seek succeeds.
impl<R: AsyncRead + AsyncSeek> AsyncSeek for RansReader<R> {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let this = self.project();
        this.state.poll_seek(&mut Io(this.inner), cx, to)
    }
}

impl<R: AsyncRead> AsyncRead for RansEncoder<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let ready = ready!(self.as_mut().poll_fill_buf(cx))?;
        let len = ready.len().min(buf.len());
        buf[..len].copy_from_slice(&ready[..len]);
        self.consume(len);
        Poll::Ready(Ok(len))
    }
}

impl<R: AsyncRead> Source for Io<'_, R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_read(cx, space)
    }
}

impl<R: AsyncRead + AsyncSeek> SeekSource for Io<'_, R> {
    fn poll_seek(&mut self, cx: &mut Context<'_>, to: SeekFrom, _started: &mut bool) -> Poll<io::Result<u64>> {
        self.0.as_mut().poll_seek(cx, to)
    }
}
