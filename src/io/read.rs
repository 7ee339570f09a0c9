//! Adapters that are read from: [`RansReader`] decodes what its inner reader gives, [`RansEncoder`]
//! codes it.

mod encoder;

use std::io::{self, BufRead, Read};

pub use self::encoder::RansEncoder;

use crate::{
    io::retry::read_retried,
    limits::Limits,
    options::DecodeOptions,
    progress::Progress,
    stream::{ApplicationData, Decoder, Growing, Op, Room, Seeker, Status},
};

/// Reads a compressed stream and gives raw bytes.
///
/// Concatenated streams are read as one. Blocks that are whole and right come out before the error
/// of what follows them; a stream without its end is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). After an error, every call returns that error.
///
/// The inner reader is asked for some blocks at a time, straight into the buffer that they are
/// decoded from, so it needs no [`BufReader`](io::BufReader) around it. What has come is given
/// before more is waited for; only with [threads](DecodeOptions::threads) a block may wait for the
/// rest of the next one, if a part of that has come. With [`DecodeOptions::single_stream`] it is
/// asked for one block at a time, and no byte behind the stream is taken: the inner reader then
/// stands right behind it.
///
/// Blocks are decoded straight to the caller's slice if that has room for all that are decoded
/// together: one of the default length, or some, of 512 KiB at most. So large reads are the
/// fastest, and [`read_to_end`](Read::read_to_end), which decodes to the vector.
///
/// With an inner reader that can [`Seek`](io::Seek), so can this: by the stream's index if it has
/// one, else by hopping over block headers.
///
/// [`Interrupted`](io::ErrorKind::Interrupted) is retried.
/// [`WouldBlock`](io::ErrorKind::WouldBlock) and other errors of the inner reader pass out, and a
/// later call goes on where it was.
///
/// ```
/// use std::io::Read;
///
/// use ranstream::{EncodeOptions, RansReader, compress};
///
/// let stream = compress(b"some bytes", &EncodeOptions::new())?;
/// let mut text = String::new();
/// RansReader::new(&stream[..]).read_to_string(&mut text)?;
/// assert_eq!(text, "some bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RansReader<R> {
    pub(crate) inner: R,
    pub(crate) decoder: Decoder,
    pub(crate) seeker: Seeker,
}

impl<R> RansReader<R> {
    /// Reads from `inner` with the default options.
    pub fn new(inner: R) -> Self {
        Self::with_options(inner, DecodeOptions::default())
    }

    /// Reads from `inner`. Options outside their range are reported by the first read.
    pub fn with_options(inner: R, options: DecodeOptions) -> Self {
        Self { inner, decoder: Decoder::new(options), seeker: Seeker::default() }
    }

    /// The inner reader.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The inner reader. Reading from it tears the stream.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The inner reader. Decoded bytes that were not read are lost.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The inner reader, and coded bytes that were taken from it and not decoded: what was read
    /// ahead, or to see that no stream follows the last one. They go before those that it has left.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        let unused = self.decoder.unused().to_vec();
        (self.inner, unused)
    }

    /// Begins anew with `inner`, with the same options and buffers. The old inner reader comes
    /// back; decoded bytes that were not read are lost.
    pub fn reset(&mut self, inner: R) -> R {
        self.decoder.reset();
        self.seeker.reset();
        std::mem::replace(&mut self.inner, inner)
    }

    /// How far the reader has come: blocks decoded, not bytes given.
    pub fn progress(&self) -> &Progress {
        self.decoder.progress()
    }

    /// Takes the oldest application data that was kept, see [`DecodeOptions::application_data`].
    pub fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.decoder.next_application_data()
    }
}

impl<R: Read> RansReader<R> {
    /// Raw bytes of the current stream, if its header says how many. The header is read first, if
    /// it was not yet, and no byte behind it.
    ///
    /// ```
    /// use ranstream::{EncodeOptions, RansReader, compress};
    ///
    /// let stream = compress(b"some bytes", &EncodeOptions::new().declare_length(true))?;
    /// let mut reader = RansReader::new(&stream[..]);
    /// assert_eq!(reader.content_length()?, Some(10));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As reading.
    pub fn content_length(&mut self) -> io::Result<Option<u64>> {
        let mut op = Op::Run;
        loop {
            if let Some(header) = self.decoder.header() {
                return Ok(header.content_length);
            }
            let step = self.decoder.step(&[], &mut [], op)?;
            if self.decoder.header().is_none() && matches!(step.status, Status::NeedsInput { .. }) && !self.fill()? {
                op = Op::Finish;
            }
        }
    }

    /// [`read`](Read::read), whatever is asked for and whatever is ready. A call of its own, so
    /// that single bytes that are ready need none.
    #[inline(never)]
    fn read_some(&mut self, mut buf: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        if !self.seeker.skips() {
            read = self.decoder.output().read(buf);
        }
        if read == 0 && !buf.is_empty() {
            read = self.advance(&mut buf)?;
            if read == 0 {
                read = self.decoder.output().read(buf);
            }
        }
        Ok(read)
    }

    /// Decodes until there are bytes, in `room` or [ready](Decoder::ready). How many went to `room`
    /// comes back. None anywhere is the end.
    fn advance(&mut self, room: &mut impl Room) -> io::Result<usize> {
        let mut op = Op::Run;
        while !self.seeker.is_past_end() {
            let step = if self.seeker.skips() {
                self.decoder.step(&[], &mut [], op)?
            } else {
                self.decoder.step_to(&[], room, op)?
            };
            self.seeker.skip(&mut self.decoder);
            if step.produced > 0 || !self.decoder.ready().is_empty() {
                return Ok(step.produced);
            }
            match step.status {
                Status::NeedsInput { .. } if !self.fill()? => op = Op::Finish,
                Status::InFlight { .. } => self.decoder.wait(),
                Status::Finished => break,
                _ => {}
            }
        }
        Ok(0)
    }

    /// `false`: there is no more input.
    fn fill(&mut self) -> io::Result<bool> {
        if !self.seeker.is_in_place() {
            return Err(Seeker::displaced());
        }
        let space = self.decoder.space()?;
        let read = read_retried(&mut self.inner, space)?;
        self.decoder.commit(read);
        Ok(read > 0)
    }
}

impl<R: Read> Read for RansReader<R> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let [to] = buf
            && !self.seeker.skips()
            && let Some(byte) = self.decoder.output().read_byte()
        {
            *to = byte;
            return Ok(1);
        }
        self.read_some(buf)
    }

    /// Blocks are decoded straight to the vector. Lanes and stored blocks, as long blocks of level
    /// 0 mostly are, need no zeros there, so this takes as long as a read to a slice of all bytes.
    /// Blocks of other levels take up to a third longer than that (Intel Xeon, Sapphire Rapids or
    /// later): what matches copy must hold bytes, so room for a chunk is zeroed before.
    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let limits = Limits::new().max_memory(usize::MAX);
        let (mut room, mut read) = (Growing::new(buf, limits, false), 0);
        loop {
            let mut given = self.advance(&mut room)?;
            if given == 0 {
                given = self.decoder.output().give(&mut room);
            }
            read += given;
            match self.decoder.ready().len() {
                0 if given == 0 => return Ok(read),
                0 => {}
                ready => return Err(room.refusal(ready, self.decoder.progress().coded_bytes()).into()),
            }
        }
    }
}

impl<R: Read> BufRead for RansReader<R> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.decoder.ready().is_empty() || self.seeker.skips() {
            self.advance(&mut &mut [][..])?;
        }
        Ok(self.decoder.ready())
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        self.decoder.consume(len);
    }
}
