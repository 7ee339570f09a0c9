//! An encoder that is read from: when it reads, codes, gives and fails, without what it reads from.

use std::{
    io,
    panic::{RefUnwindSafe, UnwindSafe},
};

use crate::{
    options::EncodeOptions,
    progress::Progress,
    stream::{Encoder, Op, Status},
};

/// The state of everything called `RansEncoder` that is read from. A driver asks what it
/// [needs](PullEncoder::need), provides that, and gives what is [ready](PullEncoder::ready).
#[derive(Debug)]
pub(crate) struct PullEncoder {
    encoder: Encoder,
    ended: bool,
    /// An error of the source. It comes out behind all bytes that were read before it.
    failed: Option<io::Error>,
    /// A block is to be cut, but what is ready has to go out before it.
    held_up: bool,
}

/// What has to happen before more bytes are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Raw bytes are to be read to [`PullEncoder::space`].
    Input,
    /// A worker has to bring a block back.
    Worker,
    /// Nothing: bytes are ready, or this is the end of the stream.
    Nothing,
}

/// `io::Error` alone says otherwise, because it may hold any error type. Nothing looks into it
/// here.
impl UnwindSafe for PullEncoder {}
impl RefUnwindSafe for PullEncoder {}

impl PullEncoder {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        Self { encoder: Encoder::new(options), ended: false, failed: None, held_up: false }
    }

    /// # Errors
    ///
    /// What the encoder reports, or [`fail`](Self::fail) was told: once, when all bytes before it
    /// were given. The next call goes on with the source.
    pub(crate) fn need(&mut self) -> io::Result<Need> {
        if self.has_output() {
            return Ok(Need::Nothing);
        }
        if self.ended || self.failed.is_some() {
            let op = if self.failed.is_some() { Op::Flush } else { Op::Finish };
            let status = self.encoder.step(&[], &mut [], op)?.status;
            let is_out = match status {
                Status::InFlight { .. } => return Ok(Need::Worker),
                Status::NeedsOutput { .. } => !self.has_block(),
                _ => true,
            };
            return match self.failed.take_if(|_| is_out) {
                Some(error) => Err(error),
                None => Ok(Need::Nothing),
            };
        }
        Ok(match self.encoder.space()?.is_empty() {
            false => Need::Input,
            true if self.ready().is_empty() => Need::Worker,
            true => Need::Nothing,
        })
    }

    /// Where raw bytes are to be read to.
    pub(crate) fn space(&mut self) -> io::Result<&mut [u8]> {
        Ok(self.encoder.space()?)
    }

    /// So many bytes were read to [`space`](Self::space); 0 is the source's end.
    pub(crate) fn commit(&mut self, read: usize) -> io::Result<()> {
        self.ended = read == 0;
        Ok(self.encoder.commit(read)?)
    }

    /// The source has an error in place of bytes.
    pub(crate) fn fail(&mut self, error: io::Error) {
        self.failed = Some(error);
    }

    /// Coded bytes to be given.
    pub(crate) fn ready(&self) -> &[u8] {
        self.encoder.ready()
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.encoder.consume(len);
    }

    /// Raw bytes that were read and are in no block yet.
    pub(crate) fn uncoded(&self) -> &[u8] {
        self.encoder.uncoded()
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.encoder.progress()
    }

    pub(crate) fn wait(&mut self) {
        self.encoder.wait();
    }

    /// Begins a new stream. Buffers are kept.
    pub(crate) fn reset(&mut self) {
        self.encoder.reset();
        (self.ended, self.failed, self.held_up) = (false, None, false);
    }

    /// Whether there is something to give. A stream header says nothing alone, and is not given
    /// alone, unless a block waits for it.
    pub(crate) fn has_output(&self) -> bool {
        !self.ready().is_empty() && (self.has_block() || self.held_up)
    }

    fn has_block(&self) -> bool {
        self.progress().blocks() > 0 || self.encoder.in_flight() > 0
    }
}

/// For drivers that are polled.
#[cfg(any(feature = "futures-io", feature = "tokio"))]
impl PullEncoder {
    /// Cuts the block, so that what was read can be given.
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        self.encoder.step(&[], &mut [], Op::Flush)?;
        self.held_up = !self.encoder.uncoded().is_empty();
        Ok(())
    }

    /// Bytes that so many blocks have around their payloads.
    pub(crate) fn framing(blocks: u64) -> u64 {
        blocks * crate::format::BLOCK_OVERHEAD as u64
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.encoder.in_flight()
    }

    pub(crate) fn poll_wait(&mut self, cx: &std::task::Context<'_>) -> std::task::Poll<()> {
        self.encoder.poll_wait(cx)
    }

    pub(crate) fn release_stream_buffers(&mut self) {
        self.encoder.release_stream_buffers();
    }
}
