//! Adapters over the traits of [tokio](https://docs.rs/tokio). Any runtime may drive them: what [`read`](crate::read) and [`write`](crate::write) are for std.
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
//! Blocks of up to 16 KiB are worked on by the polling task; larger ones too with one thread, else on the pool that the options name, whose worker wakes the task. No thread is held
//! by a stream that waits, and at most [`in_flight`](crate::EncodeOptions::in_flight) blocks are under way. For many streams name one pool, or `threads(0)`: `threads(4)` would
//! make four threads for each. A stream that waits with nothing buffered holds less than 1 KiB.
//!
//! A reader asks its inner one for a block's header, then for the block. Where small blocks are the rule a buffered inner reader saves a system call for each; large blocks pass its buffer by.
//!
//! # Cancel safety
//!
//! All state is in the adapters, so a future over any method may be dropped and made anew: nothing is lost, doubled or half done. What the runtime's own combinators promise (`write_all` does not
//! say how much it wrote) holds as ever.

mod timed;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    options::{DecodeOptions, EncodeOptions},
    poll::{DecodeSink, DecodeSource, EncodeSink, FlushPolicy, Sink, Source, reading_adapter, writing_adapter},
    progress::Progress,
    stream::ApplicationData,
    tokio::timed::TimedSource,
};

writing_adapter! {
    /// Takes raw bytes and writes a compressed stream.
    ///
    /// - `flush` cuts the block, writes everything and flushes the inner writer: the peer can decode all bytes written so far.
    /// - [`finish`](RansWriter::finish) ends the stream and flushes. `shutdown` ends the stream, flushes, and shuts the inner writer down. All of them may be called any number of times.
    /// - A stream that is dropped without either is truncated, and seen as that by every reader.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and shutdown go on where they were.
    #[must_use = "a stream that is not finished is truncated"]
    RansWriter over AsyncWrite, EncodeSink, EncodeOptions
}

impl<W> RansWriter<W> {
    /// When to send without being asked to. Default: [`FlushPolicy::Never`].
    #[must_use = "a stream that is not finished is truncated"]
    pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.state.set_flush_policy(policy);
        self
    }

    /// When the bytes written since the last flush are to be flushed, see [`FlushPolicy::Interval`]. `None`: there are none, or the policy names no time.
    pub fn next_flush(&self) -> Option<Instant> {
        self.state.next_flush()
    }
}

impl<W: AsyncWrite> RansWriter<W> {
    /// Writes application data behind the bytes written so far, whose block is cut. `kind` is 0..=0x7FFF and the application's to choose. Readers step over it unless they ask for
    /// it.
    ///
    /// # Errors
    ///
    /// As writing; [`Error::InvalidOption`](crate::Error::InvalidOption) for a kind or length outside its range, which does not harm the stream.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped while it is pending wrote no application data.
    pub fn poll_write_application_data(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        kind: u16,
        data: &[u8],
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        this.state.poll_application_data(&mut Io(this.inner), cx, kind, data)
    }

    /// [`poll_write_application_data`](Self::poll_write_application_data), to be awaited.
    ///
    /// # Errors
    ///
    /// As [`poll_write_application_data`](Self::poll_write_application_data).
    ///
    /// # Cancel safety
    ///
    /// As [`poll_write_application_data`](Self::poll_write_application_data).
    pub async fn write_application_data(&mut self, kind: u16, data: &[u8]) -> io::Result<()>
    where
        W: Unpin,
    {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_write_application_data(cx, kind, data)).await
    }
}

writing_adapter! {
    /// Takes a compressed stream and writes raw bytes: the push form of [`RansReader`].
    ///
    /// Blocks that are whole and right are written before the error of what follows them is reported. [`finish`](RansDecoder::finish) and `shutdown` report a stream that is not whole.
    ///
    /// # Cancel safety
    ///
    /// A write that is dropped while it is pending took nothing. Flush, finish and shutdown go on where they were.
    #[must_use = "without finish nobody knows whether the stream was whole"]
    RansDecoder over AsyncWrite, DecodeSink, DecodeOptions
}

impl<W> RansDecoder<W> {
    /// Takes the oldest application data that was kept, see [`DecodeOptions::application_data`].
    pub fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.state.next_application_data()
    }
}

reading_adapter! {
    /// Reads a compressed stream and gives raw bytes.
    ///
    /// What is decoded is given before the inner reader is polled, and blocks that are whole and right come out before the error of what follows them. Concatenated streams are read as one. No byte behind
    /// the last stream is taken with [`DecodeOptions::single_stream`].
    ///
    /// # Cancel safety
    ///
    /// A read that is dropped while it is pending gave nothing, and nothing is lost.
    RansReader, DecodeSource, DecodeOptions
}

impl<R> RansReader<R> {
    /// The inner reader, and coded bytes that were taken from it but belong to no block yet: at most one block header, or what was read to see that no stream follows the last one.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        let unused = self.state.unused().to_vec();
        (self.inner, unused)
    }

    /// Raw bytes of the current stream, if its header says how many and has been read.
    pub fn content_length(&self) -> Option<u64> {
        self.state.content_length()
    }

    /// Takes the oldest application data that was kept, see [`DecodeOptions::application_data`].
    pub fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.state.next_application_data()
    }
}

reading_adapter! {
    /// Reads raw bytes from its inner reader and gives a compressed stream: the pull form of [`RansWriter`].
    ///
    /// When the inner reader has nothing yet, what was read before is coded and given, so that a live source is not held back; [`flush_policy`](RansEncoder::flush_policy) can
    /// say otherwise.
    ///
    /// # Cancel safety
    ///
    /// A read that is dropped while it is pending gave nothing, and nothing is lost.
    RansEncoder, TimedSource, EncodeOptions
}

impl<R> RansEncoder<R> {
    /// When to give what was read before a block is full. Default: [`FlushPolicy::OnPause`].
    #[must_use]
    pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.state.set_flush_policy(policy);
        self
    }

    /// When the bytes that wait are to be given, see [`FlushPolicy::Interval`]. `None`: none wait, or the policy names no time.
    pub fn next_flush(&self) -> Option<Instant> {
        self.state.next_flush()
    }

    /// The inner reader, and raw bytes that were taken from it but are in no block yet. Coded bytes that were not read, and blocks that workers have, are lost.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        let uncoded = self.state.uncoded().to_vec();
        (self.inner, uncoded)
    }
}

impl<W: AsyncWrite> AsyncWrite for RansWriter<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.state.poll_write(&mut Io(this.inner), cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.state.poll_flush(&mut Io(this.inner), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.state.poll_close(&mut Io(this.inner), cx)
    }
}

impl<W: AsyncWrite> AsyncWrite for RansDecoder<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.state.poll_write(&mut Io(this.inner), cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.state.poll_flush(&mut Io(this.inner), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.state.poll_close(&mut Io(this.inner), cx)
    }
}

impl<R: AsyncRead> AsyncBufRead for RansReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        this.state.poll_fill(&mut Io(this.inner), cx)
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.project().state.consume(len);
    }
}

impl<R: AsyncRead> AsyncBufRead for RansEncoder<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        ready!(this.state.poll_ready(&mut Io(this.inner), cx))?;
        Poll::Ready(Ok(this.state.pending()))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.project().state.consume(len);
    }
}

impl<R: AsyncRead> AsyncRead for RansReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        read_buffered(self, cx, buf)
    }
}

impl<R: AsyncRead> AsyncRead for RansEncoder<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        read_buffered(self, cx, buf)
    }
}

/// Fills `buf`, which may be uninitialised, from what is buffered.
fn read_buffered(
    mut reader: Pin<&mut impl AsyncBufRead>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if buf.remaining() > 0 {
        let ready = ready!(reader.as_mut().poll_fill_buf(cx))?;
        let len = ready.len().min(buf.remaining());
        buf.put_slice(&ready[..len]);
        reader.consume(len);
    }
    Poll::Ready(Ok(()))
}

/// An inner stream as the driver sees it.
struct Io<'a, T>(Pin<&'a mut T>);

impl<W: AsyncWrite> Sink for Io<'_, W> {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(cx)
    }
}

impl<R: AsyncRead> Source for Io<'_, R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(space);
        ready!(self.0.as_mut().poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}
