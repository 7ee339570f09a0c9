//! Adapters that are read from.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Instant,
};

use crate::{
    options::{DecodeOptions, EncodeOptions},
    poll::{FlushPolicy, INLINE_LEN, Pace, Source, poll_read_some},
    progress::Progress,
    stream::{ApplicationData, Decoder, Encoder, Status},
};

/// Decodes what its inner reader gives: the state of a `RansReader`.
#[derive(Debug)]
pub(crate) struct DecodeSource {
    decoder: Decoder,
}

impl DecodeSource {
    pub(crate) fn new(options: DecodeOptions) -> Self {
        let mut decoder = Decoder::new(options);
        decoder.set_inline_up_to(INLINE_LEN);
        Self { decoder }
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.decoder.progress()
    }

    pub(crate) fn next_application_data(&mut self) -> Option<ApplicationData> {
        self.decoder.next_application_data()
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        self.decoder.header()?.content_length
    }

    pub(crate) fn unused(&self) -> &[u8] {
        self.decoder.unused()
    }

    /// Raw bytes that are ready; none at the end.
    pub(crate) fn poll_fill(&mut self, inner: &mut impl Source, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(self.poll_next(inner, cx, &mut []))?;
        Poll::Ready(Ok(self.decoder.decoded()))
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.decoder.consume(len);
    }

    /// A block that fits into `output` is decoded straight to it.
    #[cfg(feature = "futures-io")]
    pub(crate) fn poll_read(
        &mut self,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
        output: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if output.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let given = ready!(self.poll_next(inner, cx, output))?;
        if given > 0 {
            return Poll::Ready(Ok(given));
        }
        let ready = self.decoder.decoded();
        let len = ready.len().min(output.len());
        output[..len].copy_from_slice(&ready[..len]);
        self.decoder.consume(len);
        Poll::Ready(Ok(len))
    }

    /// Ready when bytes are decoded, so many of them to `output`, or at the end.
    fn poll_next(
        &mut self,
        inner: &mut impl Source,
        cx: &mut Context<'_>,
        mut output: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.decoder.decoded().is_empty() {
            let (_, given, status) = self.decoder.advance(&[], &mut output)?;
            if given > 0 {
                return Poll::Ready(Ok(given));
            }
            match status {
                Some(Status::NeedsInput { .. }) => match poll_read_some(inner, cx, self.decoder.space()?) {
                    Poll::Ready(Ok(0)) => self.decoder.end_of_input(),
                    Poll::Ready(Ok(read)) => self.decoder.commit(read),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if self.decoder.in_flight() > 0 => ready!(self.decoder.poll_wait(cx)),
                    Poll::Pending => {
                        self.decoder.release_buffers();
                        return Poll::Pending;
                    }
                },
                Some(Status::InFlight { .. }) => ready!(self.decoder.poll_wait(cx)),
                Some(Status::Finished) => break,
                _ => {}
            }
        }
        Poll::Ready(Ok(0))
    }
}

impl Drop for DecodeSource {
    /// A task must not wait for workers.
    fn drop(&mut self) {
        self.decoder.abandon();
    }
}

/// Codes what its inner reader gives: the state of a reading `RansEncoder`.
#[derive(Debug)]
pub(crate) struct EncodeSource {
    encoder: Encoder,
    pace: Pace,
    ended: bool,
    /// A block is to be cut, but what is pending has to go out before it.
    held_up: bool,
}

impl EncodeSource {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        let mut encoder = Encoder::new(options);
        encoder.set_inline_up_to(INLINE_LEN);
        Self { encoder, pace: Pace::new(FlushPolicy::OnPause), ended: false, held_up: false }
    }

    pub(crate) fn set_flush_policy(&mut self, policy: FlushPolicy) {
        self.pace = Pace::new(policy);
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.encoder.progress()
    }

    /// When what was read is to be given. `None` also while there is something to give.
    pub(crate) fn next_flush(&self) -> Option<Instant> {
        if self.has_output() { None } else { self.pace.due() }
    }

    /// What was read is to be given now, whatever the clock says.
    #[cfg(feature = "tokio")]
    pub(crate) fn flush_now(&mut self) -> io::Result<()> {
        self.cut()
    }

    /// Raw bytes that were read and are in no block yet.
    pub(crate) fn uncoded(&self) -> &[u8] {
        self.encoder.uncoded()
    }

    /// Coded bytes that are ready.
    pub(crate) fn pending(&self) -> &[u8] {
        self.encoder.pending()
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.encoder.consume(len);
    }

    /// Ready when coded bytes are pending, or at the end.
    pub(crate) fn poll_ready(&mut self, inner: &mut impl Source, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.has_output() {
            if self.ended {
                if self.encoder.end_stream()? {
                    break;
                }
            } else {
                if self.pace.is_due(false) {
                    self.cut()?;
                    if self.has_output() {
                        break;
                    }
                }
                let space = self.encoder.space()?;
                if !space.is_empty() {
                    match poll_read_some(inner, cx, space) {
                        Poll::Ready(read) => self.take(read?)?,
                        Poll::Pending => ready!(self.poll_pause(cx))?,
                    }
                    continue;
                }
            }
            if !self.encoder.pending().is_empty() {
                break;
            }
            ready!(self.encoder.poll_wait(cx));
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there is something to give. A stream header is not given alone, unless a block waits
    /// for it.
    fn has_output(&self) -> bool {
        let has_block = self.encoder.progress().blocks() > 0 || self.encoder.in_flight() > 0;
        !self.encoder.pending().is_empty() && (has_block || self.held_up)
    }

    fn take(&mut self, read: usize) -> io::Result<()> {
        self.encoder.commit(read)?;
        self.ended = read == 0;
        if self.encoder.buffered() > 0 {
            self.pace.taken();
        } else {
            self.pace.sent();
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.held_up = !self.encoder.cut_block()?;
        if self.encoder.buffered() == 0 {
            self.pace.sent();
        }
        Ok(())
    }

    /// The inner reader has nothing yet. Ready: there is something to look at.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.encoder.buffered() > 0 && self.pace.is_due(true) {
            self.cut()?;
        }
        if self.has_output() {
            return Poll::Ready(Ok(()));
        }
        if self.encoder.in_flight() > 0 {
            ready!(self.encoder.poll_wait(cx));
            return Poll::Ready(Ok(()));
        }
        if self.encoder.buffered() == 0 {
            self.encoder.release_buffers();
        }
        Poll::Pending
    }
}

impl Drop for EncodeSource {
    /// A task must not wait for workers.
    fn drop(&mut self) {
        self.encoder.abandon();
    }
}
