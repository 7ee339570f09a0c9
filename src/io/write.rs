//! Adapters that are written to: [`RansWriter`] codes what it is given, [`RansDecoder`] decodes it.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

use crate::{
    error::Error,
    format::BaseHint,
    io::append::close_unfinished,
    options::{BlockOptions, DecodeOptions, EncodeOptions, Layout},
    progress::Progress,
    stream::{ApplicationData, Decoder, Encoder, Op, Status},
    sync::call_out,
};

/// Takes raw bytes and writes a compressed stream.
///
/// - [`flush`](Write::flush) cuts the block, writes everything and flushes the inner writer: the
///   peer can decode all bytes written so far. Small blocks cost size, so flush when the peer has
///   to see them, not more often.
/// - [`finish`](RansWriter::finish) ends the stream. A stream without its end is seen as truncated
///   by every reader, and that is what dropping a writer leaves behind: an aborted stream never
///   looks whole. [`auto_finish`](RansWriter::auto_finish) is for those who want the other.
/// - [`Interrupted`](io::ErrorKind::Interrupted) is retried.
///   [`WouldBlock`](io::ErrorKind::WouldBlock) and other errors of the inner writer pass out, and
///   repeating the call goes on where it was: nothing is lost or written twice.
///
/// ```
/// use std::io::Write;
///
/// use ranstream::{DecodeOptions, RansWriter, decompress};
///
/// let mut writer = RansWriter::new(Vec::new());
/// writer.write_all(b"some bytes")?;
/// let stream = writer.finish()?;
/// assert_eq!(decompress(&stream, &DecodeOptions::new())?, b"some bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a stream that is not finished is truncated"]
pub struct RansWriter<W> {
    sink: Sink<W>,
    encoder: Encoder,
}

impl<W> RansWriter<W> {
    /// Writes to `inner` with the default options.
    pub fn new(inner: W) -> Self {
        Self::with_options(inner, EncodeOptions::default())
    }

    /// Writes to `inner`. Options outside their range are reported by the first write, flush or
    /// finish.
    pub fn with_options(inner: W, options: EncodeOptions) -> Self {
        Self { sink: Sink::new(inner), encoder: Encoder::new(options) }
    }

    /// The inner writer.
    pub fn get_ref(&self) -> &W {
        &self.sink.inner
    }

    /// The inner writer. Writing to it tears the stream.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.sink.inner
    }

    /// The inner writer, without the end of the stream: what was written stays truncated.
    pub fn into_inner(self) -> W {
        self.sink.inner
    }

    /// Begins a new stream that is written to `inner`, with the same options and buffers. The old
    /// inner writer comes back; unless [`try_finish`](RansWriter::try_finish) came before, the
    /// stream in it stays truncated.
    pub fn reset(&mut self, inner: W) -> W {
        self.encoder.reset();
        std::mem::replace(&mut self.sink, Sink::new(inner)).inner
    }

    /// How far the stream has come: blocks coded, not bytes taken.
    pub fn progress(&self) -> &Progress {
        self.encoder.progress()
    }
}

impl RansWriter<File> {
    /// Goes on behind the streams of `file`, a log say, with a new stream: a reader reads all of
    /// them as one. If the last writer never came to its end, its stream gets one first, behind its
    /// last whole block: see [`close_unfinished`]. The file is to be readable and writable; one
    /// opened to append will do.
    ///
    /// ```
    /// use std::{fs::{File, OpenOptions}, io::{Read, Write}};
    ///
    /// use ranstream::{EncodeOptions, RansReader, RansWriter};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log.rans");
    /// let open = || OpenOptions::new().read(true).append(true).create(true).open(&path);
    /// let mut log = RansWriter::append(open()?, EncodeOptions::new())?;
    /// writeln!(log, "before the crash")?;
    /// log.flush()?;
    /// drop(log); // a crash: the stream has no end
    ///
    /// let mut log = RansWriter::append(open()?, EncodeOptions::new())?;
    /// writeln!(log, "after the crash")?;
    /// log.finish()?;
    ///
    /// let mut text = String::new();
    /// RansReader::new(File::open(&path)?).read_to_string(&mut text)?;
    /// assert_eq!(text, "before the crash\nafter the crash\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`close_unfinished`]: nothing is written to a file that has more against it than a
    /// missing end.
    pub fn append(mut file: File, options: EncodeOptions) -> io::Result<Self> {
        close_unfinished(&mut file)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self::with_options(file, options))
    }
}

impl<W: Write> RansWriter<W> {
    /// Ends the stream, flushes the inner writer and gives it back.
    ///
    /// # Errors
    ///
    /// What the inner writer reports; [`Error::ContentLength`] when fewer bytes were written than
    /// declared. The writer is dropped then: who wants to try again, or to keep the inner writer,
    /// calls [`try_finish`](RansWriter::try_finish).
    pub fn finish(mut self) -> io::Result<W> {
        self.try_finish()?;
        Ok(self.sink.inner)
    }

    /// Ends the stream and flushes the inner writer. Once it has succeeded it does nothing any
    /// more, and [`into_inner`](RansWriter::into_inner) has the inner writer.
    ///
    /// # Errors
    ///
    /// As [`RansWriter::finish`], but the writer stays, and may be finished again.
    pub fn try_finish(&mut self) -> io::Result<()> {
        self.run(Op::Finish)?;
        self.sink.finish()
    }

    /// A writer that finishes when it is dropped, unless a panic is under way. Errors at that point
    /// are lost.
    pub fn auto_finish(self) -> AutoFinish<W> {
        AutoFinish { writer: Some(self) }
    }

    /// Cuts the block, so that the next byte begins a new one, without waiting for it to go out.
    ///
    /// # Errors
    ///
    /// As [`Write::write`].
    pub fn cut_block(&mut self) -> io::Result<()> {
        self.until(|encoder| {
            encoder.step(&[], &mut [], Op::Flush)?;
            Ok(encoder.uncoded().is_empty())
        })
    }

    /// How the bytes repeat that are written from here on: those so far become a block of their
    /// own. So one stream holds tensors of several types, or a header and a table.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use ranstream::{DecodeOptions, EncodeOptions, Layout, RansWriter, decompress};
    ///
    /// let numbers: Vec<u8> = (1..9000_u32).flat_map(|i| (1.0 / i as f32).to_le_bytes()).collect();
    /// let options = EncodeOptions::new().block_len(1 << 20);
    /// let mut writer = RansWriter::with_options(Vec::new(), options);
    /// writer.write_all(b"a header, ")?;
    /// writer.set_layout(Layout::f32())?;
    /// writer.write_all(&numbers)?;
    /// let stream = writer.finish()?;
    /// let whole = [b"a header, ", &numbers[..]].concat();
    /// assert_eq!(decompress(&stream, &DecodeOptions::new())?, whole);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Write::write`]; [`Error::InvalidOption`] for a length of the layout outside its range,
    /// which does not harm the stream.
    pub fn set_layout(&mut self, layout: Layout) -> io::Result<()> {
        self.until(|encoder| encoder.set_layout(layout))
    }

    /// How blocks are coded from here on: [`set_layout`](RansWriter::set_layout), and the same for
    /// everything else that concerns a block by itself, its level say.
    ///
    /// # Errors
    ///
    /// As [`set_layout`](RansWriter::set_layout), for any value outside its range.
    pub fn set_block_options(&mut self, options: BlockOptions) -> io::Result<()> {
        self.until(|encoder| encoder.set_block_options(options))
    }

    /// Where in the [base](EncodeOptions::base) the bytes are that those written from here on may
    /// differ from. `None`: nowhere. See [`Encoder::set_base_offset`].
    ///
    /// # Errors
    ///
    /// As [`Write::write`].
    pub fn set_base_offset(&mut self, offset: Option<u64>) -> io::Result<()> {
        self.until(|encoder| encoder.set_base_offset(offset))
    }

    /// Writes application data behind the bytes written so far. `kind` is 0..=0x7FFF and the
    /// application's to choose. Readers step over it unless they ask for it.
    ///
    /// # Errors
    ///
    /// As [`Write::write`]; [`Error::InvalidOption`] for a kind or length outside its range, which
    /// does not harm the stream.
    pub fn write_application_data(&mut self, kind: u16, data: &[u8]) -> io::Result<()> {
        self.until(|encoder| encoder.application_data(kind, data))
    }

    /// Writes what helps people to find the [base](EncodeOptions::base) of the blocks behind it.
    /// Readers step over it. It belongs at the start of a stream.
    ///
    /// # Errors
    ///
    /// As [`Write::write`].
    pub fn write_base_hint(&mut self, hint: &BaseHint) -> io::Result<()> {
        self.until(|encoder| encoder.base_hint(hint))
    }

    /// Repeats `call` until it says that it is done, and sends what is ready in between.
    fn until(&mut self, mut call: impl FnMut(&mut Encoder) -> Result<bool, Error>) -> io::Result<()> {
        while !call(&mut self.encoder)? {
            self.drain()?;
            self.wait();
        }
        Ok(())
    }

    fn write_on(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            let taken = self.encoder.step(buf, &mut [], Op::Run)?.consumed;
            if taken > 0 || buf.is_empty() {
                return Ok(taken);
            }
            self.drain()?;
            self.wait();
        }
    }

    /// Until everything is out that `op` asks for.
    fn run(&mut self, op: Op) -> io::Result<()> {
        loop {
            match self.encoder.step(&[], &mut [], op)?.status {
                Status::Flushed | Status::Finished => return Ok(()),
                Status::InFlight { .. } => self.encoder.wait(),
                _ => self.drain()?,
            }
        }
    }

    fn write_all_on(&mut self, mut buf: &[u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match self.write_on(buf) {
                Ok(taken) => buf = &buf[taken..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        while !self.encoder.ready().is_empty() {
            let written = self.sink.write(self.encoder.ready())?;
            self.encoder.consume(written);
        }
        Ok(())
    }

    fn wait(&mut self) {
        if self.encoder.ready().is_empty() {
            self.encoder.wait();
        }
    }
}

impl<W: Write> Write for RansWriter<W> {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.encoder.push_few(buf) { Ok(buf.len()) } else { self.write_on(buf) }
    }

    #[inline]
    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        if self.encoder.push_few(buf) { Ok(()) } else { self.write_all_on(buf) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.run(Op::Flush)?;
        self.sink.flush()
    }
}

/// A [`RansWriter`] that finishes when it is dropped.
#[derive(Debug)]
pub struct AutoFinish<W: Write> {
    writer: Option<RansWriter<W>>,
}

impl<W: Write> AutoFinish<W> {
    /// The writer, which no longer finishes by itself.
    ///
    /// # Panics
    ///
    /// Never: the writer is there until the drop.
    #[must_use = "a stream that is not finished is truncated"]
    pub fn into_inner(mut self) -> RansWriter<W> {
        self.writer.take().expect("the writer is taken only here and in drop")
    }
}

impl<W: Write> Write for AutoFinish<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or(Ok(0), |writer| writer.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl<W: Write> Drop for AutoFinish<W> {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take()
            && !writer.sink.torn
            && !std::thread::panicking()
        {
            let _ = writer.try_finish();
        }
    }
}

/// Takes a compressed stream and writes raw bytes: the push form of
/// [`RansReader`](crate::RansReader).
///
/// Blocks that are whole and right are written before the error of what follows them is reported.
///
/// ```
/// use std::io::Write;
///
/// use ranstream::{EncodeOptions, compress, write::RansDecoder};
///
/// let stream = compress(b"some bytes", &EncodeOptions::new())?;
/// let mut decoder = RansDecoder::new(Vec::new());
/// decoder.write_all(&stream)?;
/// assert_eq!(decoder.finish()?, b"some bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "without finish nobody knows whether the stream was whole"]
pub struct RansDecoder<W> {
    sink: Sink<W>,
    decoder: Decoder,
}

impl<W> RansDecoder<W> {
    /// Writes to `inner` with the default options.
    pub fn new(inner: W) -> Self {
        Self::with_options(inner, DecodeOptions::default())
    }

    /// Writes to `inner`. Options outside their range are reported by the first write, flush or
    /// finish.
    pub fn with_options(inner: W, options: DecodeOptions) -> Self {
        Self { sink: Sink::new(inner), decoder: Decoder::new(options) }
    }

    /// The inner writer.
    pub fn get_ref(&self) -> &W {
        &self.sink.inner
    }

    /// The inner writer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.sink.inner
    }

    /// The inner writer. Decoded bytes that were not written are lost.
    pub fn into_inner(self) -> W {
        self.sink.inner
    }

    /// Begins anew with a stream whose raw bytes go to `inner`, with the same options and buffers.
    /// The old inner writer comes back; unless [`try_finish`](RansDecoder::try_finish) came before,
    /// decoded bytes may be missing in it.
    pub fn reset(&mut self, inner: W) -> W {
        self.decoder.reset();
        std::mem::replace(&mut self.sink, Sink::new(inner)).inner
    }

    /// How far the decoder has come.
    pub fn progress(&self) -> &Progress {
        self.decoder.progress()
    }

    /// Takes the oldest application data that was kept, see [`DecodeOptions::application_data`].
    pub fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.decoder.next_application_data()
    }
}

impl<W: Write> RansDecoder<W> {
    /// Writes what is left, flushes the inner writer and gives it back.
    ///
    /// # Errors
    ///
    /// What the inner writer or the stream has against it: [`Error::Truncated`] when the stream is
    /// not whole. The decoder is dropped then: who wants to try again, or to keep the inner writer,
    /// calls [`try_finish`](RansDecoder::try_finish).
    pub fn finish(mut self) -> io::Result<W> {
        self.try_finish()?;
        Ok(self.sink.inner)
    }

    /// Writes what is left and flushes the inner writer. Once it has succeeded it does nothing any
    /// more, and [`into_inner`](RansDecoder::into_inner) has the inner writer.
    ///
    /// # Errors
    ///
    /// As [`RansDecoder::finish`], but the decoder stays, and may be finished again.
    pub fn try_finish(&mut self) -> io::Result<()> {
        self.run(Op::Finish)?;
        self.sink.finish()
    }

    /// Until everything is out that `op` asks for.
    fn run(&mut self, op: Op) -> io::Result<()> {
        loop {
            self.drain()?;
            match self.decoder.step(&[], &mut [], op)?.status {
                Status::Flushed | Status::Finished => return Ok(()),
                Status::InFlight { .. } => self.decoder.wait(),
                _ => {}
            }
        }
    }

    fn drain(&mut self) -> io::Result<()> {
        while !self.decoder.ready().is_empty() {
            let written = self.sink.write(self.decoder.ready())?;
            self.decoder.consume(written);
        }
        Ok(())
    }
}

impl<W: Write> Write for RansDecoder<W> {
    /// # Errors
    ///
    /// What the inner writer or the stream has against it; [`Error::Finished`] for bytes behind a
    /// single stream's end, or after [`finish`](RansDecoder::finish).
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        while !buf.is_empty() {
            self.drain()?;
            let step = self.decoder.step(buf, &mut [], Op::Run)?;
            match step.status {
                _ if step.consumed > 0 => return Ok(step.consumed),
                Status::Finished if self.decoder.ignores_the_rest() && !self.sink.finished => return Ok(buf.len()),
                Status::Finished => return Err(Error::Finished.into()),
                Status::InFlight { .. } => self.decoder.wait(),
                _ => {}
            }
        }
        Ok(0)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.run(Op::Flush)?;
        self.sink.flush()
    }
}

/// The inner writer.
#[derive(Debug)]
struct Sink<W> {
    inner: W,
    /// It panicked in the middle of a call: nobody knows what it took.
    torn: bool,
    /// It was flushed behind the last byte.
    finished: bool,
}

impl<W> Sink<W> {
    fn new(inner: W) -> Self {
        Self { inner, torn: false, finished: false }
    }
}

impl<W: Write> Sink<W> {
    /// Writes at least one byte.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.retried(|inner| inner.write(bytes))? {
            0 => Err(io::Error::new(io::ErrorKind::WriteZero, "the inner writer takes nothing more")),
            written if written > bytes.len() => {
                Err(io::Error::other(format!("the inner writer claims {written} bytes of {}", bytes.len())))
            }
            written => Ok(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.retried(W::flush)
    }

    /// Flushes for the last time, once.
    fn finish(&mut self) -> io::Result<()> {
        if !self.finished {
            self.flush()?;
            self.finished = true;
        }
        Ok(())
    }

    /// Interrupted calls are repeated.
    fn retried<T>(&mut self, mut call: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            self.torn = true;
            let result = call_out(|| call(&mut self.inner));
            self.torn = false;
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}
