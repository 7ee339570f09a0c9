//! A stream of bytes through `Framed`.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};

use crate::{
    framed::{MAX_FRAME_LEN, reserve},
    limits::Limits,
    options::{DecodeOptions, EncodeOptions},
    progress::Progress,
    stream::{Decoder, Encoder, Machine as _, Move, Op, Status},
};

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Raw bytes. They wait for a full block, a flush or the end.
    Data(Bytes),
    /// The block ends here: the peer can decode everything up to this.
    Flush,
    /// The stream ends here. Nothing can be sent after it. `Framed` tells a codec nothing of the
    /// connection's end, so without this the stream is truncated.
    Finish,
}

/// A compressed stream over a connection: [`Frame`]s in, [`Bytes`] out.
///
/// Bytes may also be sent as they are: `Bytes`, `BytesMut`, `Vec<u8>`, `&[u8]`. They are flushed
/// each time, so that they arrive as those of `BytesCodec` do; [`Frame::Data`] gathers a full
/// block, which costs less. Only [`Frame::Finish`] ends the stream. Methods of `SinkExt` that name
/// no item want it named: `SinkExt::<Frame>::close(&mut framed)`.
///
/// The cuts between the items do not survive: what comes out are the blocks, each in the buffer
/// that it was decoded to. [`MessageCodec`](super::MessageCodec) keeps them.
///
/// `FramedWrite` starts writing when 8 KiB wait, less than a block: `set_backpressure_boundary`
/// with the block length keeps the pipe full.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::{SinkExt, TryStreamExt};
/// use ranstream::codec::{Frame, RansCodec};
/// use tokio_util::codec::Framed;
///
/// # tokio_test::block_on(async {
/// let (here, there) = tokio::io::duplex(1000);
/// let send = async {
///     let mut framed = Framed::new(here, RansCodec::new());
///     framed.send(Frame::Data(Bytes::from_static(b"some bytes"))).await?;
///     framed.send(Frame::Finish).await
/// };
/// let receive = async { Framed::new(there, RansCodec::new()).try_collect::<Vec<Bytes>>().await };
/// let (sent, received) = tokio::join!(send, receive);
/// sent?;
/// assert_eq!(received?.concat(), b"some bytes");
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct RansCodec {
    encoder: Encoder,
    decoder: Decoder,
}

impl Default for RansCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl RansCodec {
    /// The default options, but for blocks of up to 8 MiB only.
    #[must_use]
    pub fn new() -> Self {
        let limits = Limits::new().max_block_len(MAX_FRAME_LEN);
        Self::with_options(EncodeOptions::new(), DecodeOptions::new().limits(limits))
    }

    /// [`Limits::max_block_len`] is the longest frame that is accepted. Concatenated streams are
    /// read as one, [`DecodeOptions::single_stream`] is not used. Options outside their
    /// range are reported by the first item.
    #[must_use]
    pub fn with_options(encode: EncodeOptions, decode: DecodeOptions) -> Self {
        Self { encoder: Encoder::new(encode.inline()), decoder: Decoder::new(decode.inline().single_stream(false)) }
    }

    /// How far the stream has come that is sent.
    #[must_use]
    pub fn sent(&self) -> &Progress {
        self.encoder.progress()
    }

    /// How far the stream has come that is received.
    #[must_use]
    pub fn received(&self) -> &Progress {
        self.decoder.progress()
    }

    fn take_ready(&mut self, dst: &mut BytesMut) {
        let ready = self.encoder.ready();
        dst.extend_from_slice(ready);
        self.encoder.consume(ready.len());
    }
}

impl tokio_util::codec::Encoder<Frame> for RansCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> io::Result<()> {
        match frame {
            Frame::Data(bytes) => self.encode_data(&bytes, dst)?,
            Frame::Flush => self.run(Op::Flush, dst)?,
            Frame::Finish => self.run(Op::Finish, dst)?,
        }
        Ok(())
    }
}

impl RansCodec {
    fn encode_data(&mut self, mut raw: &[u8], dst: &mut BytesMut) -> io::Result<()> {
        while !raw.is_empty() {
            raw = &raw[self.encoder.step(raw, &mut [], Op::Run)?.consumed..];
            self.take_ready(dst);
        }
        Ok(())
    }

    /// Until everything is out that `op` asks for.
    fn run(&mut self, op: Op, dst: &mut BytesMut) -> io::Result<()> {
        while !matches!(self.encoder.step(&[], &mut [], op)?.status, Status::Flushed | Status::Finished) {
            self.take_ready(dst);
        }
        self.encoder.release_stream_buffers();
        Ok(())
    }
}

macro_rules! encodes_and_flushes {
    ($($item:ty),*) => {$(
        impl tokio_util::codec::Encoder<$item> for RansCodec {
            type Error = io::Error;

            /// As [`Frame::Data`] and [`Frame::Flush`].
            fn encode(&mut self, bytes: $item, dst: &mut BytesMut) -> io::Result<()> {
                self.encode_data(&bytes, dst)?;
                self.run(Op::Flush, dst)
            }
        }
    )*};
}

encodes_and_flushes!(Bytes, BytesMut, Vec<u8>, &[u8]);

impl tokio_util::codec::Decoder for RansCodec {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Bytes>> {
        loop {
            if !self.decoder.ready().is_empty() {
                return Ok(Some(Bytes::from(self.decoder.output().replace(Vec::new()))));
            }
            // A payload is decoded from where it is. What is shorter than that is taken as it
            // comes, so that a wrong header is seen at once.
            let missing = self.decoder.missing_in_one_piece();
            if missing > crate::format::StreamHeader::MAX_LEN && src.len() < missing {
                reserve(src, missing - src.len());
                return Ok(None);
            }
            let Move { taken, status, .. } = self.decoder.advance(src, &mut &mut [][..], Op::Run)?;
            src.advance(taken);
            match status {
                Some(Status::NeedsInput { .. }) => {
                    self.decoder.release_stream_buffers();
                    return Ok(None);
                }
                Some(Status::Finished) => {
                    src.clear();
                    return Ok(None);
                }
                _ => {}
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if let Some(bytes) = self.decode(src)? {
            return Ok(Some(bytes));
        }
        // A part of a payload waits in `src`: it counts in the place where the input ends.
        loop {
            let step = self.decoder.step(src, &mut [], Op::Finish)?;
            src.advance(step.consumed);
            if step.status == Status::Finished {
                return Ok(None);
            }
        }
    }
}
