//! Raw bytes in, a compressed stream out, at the pace of whoever reads it.

use std::io::{self, BufRead, Read};

use crate::{
    io::retry::read_retried,
    options::EncodeOptions,
    progress::Progress,
    stream::{Need, PullEncoder},
};

/// Reads raw bytes from its inner reader and gives a compressed stream: the pull form of
/// [`RansWriter`](crate::RansWriter).
///
/// An error of the inner reader comes out behind all bytes that were read before it: the block is
/// cut there, and the next call reads on. So a source that
/// [would block](io::ErrorKind::WouldBlock) every few bytes makes small blocks.
/// [`Interrupted`](io::ErrorKind::Interrupted) is retried.
///
/// ```
/// use std::io::Read;
///
/// use ranstream::{DecodeOptions, decompress, read::RansEncoder};
///
/// let mut stream = Vec::new();
/// RansEncoder::new(&b"some bytes"[..]).read_to_end(&mut stream)?;
/// assert_eq!(decompress(&stream, &DecodeOptions::new())?, b"some bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RansEncoder<R> {
    pub(in crate::io) inner: R,
    state: PullEncoder,
}

impl<R> RansEncoder<R> {
    /// Codes what `inner` gives, with the default options.
    pub fn new(inner: R) -> Self {
        Self::with_options(inner, EncodeOptions::default())
    }

    /// Codes what `inner` gives. Options outside their range are reported by the first read.
    pub fn with_options(inner: R, options: EncodeOptions) -> Self {
        Self { inner, state: PullEncoder::new(options) }
    }

    /// The inner reader.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The inner reader. Bytes read from it are missing in the stream.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The inner reader. Bytes that were taken from it and not given are lost.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The inner reader, and raw bytes that were taken from it but are in no block yet. Coded bytes
    /// that were not read, and blocks that workers have, are lost.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        let uncoded = self.state.uncoded().to_vec();
        (self.inner, uncoded)
    }

    /// Begins a new stream that is read from `inner`, with the same options and buffers. The old
    /// inner reader comes back; bytes that were taken from it and not given are lost.
    pub fn reset(&mut self, inner: R) -> R {
        self.state.reset();
        std::mem::replace(&mut self.inner, inner)
    }

    /// How far the stream has come.
    pub fn progress(&self) -> &Progress {
        self.state.progress()
    }
}

impl<R: Read> Read for RansEncoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.fill_buf()?.read(buf).inspect(|&read| self.state.consume(read))
    }
}

impl<R: Read> BufRead for RansEncoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.state.need()? {
                Need::Nothing => return Ok(self.state.ready()),
                Need::Worker => self.state.wait(),
                Need::Input => match read_retried(&mut self.inner, self.state.space()?) {
                    Ok(read) => self.state.commit(read)?,
                    Err(error) => self.state.fail(error),
                },
            }
        }
    }

    fn consume(&mut self, len: usize) {
        self.state.consume(len);
    }
}
