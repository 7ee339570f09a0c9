//! Messages through `Framed`.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::{
    error::{Error, Limit},
    framed::{MAX_FRAME_LEN, reserve},
    limits::{Limits, within},
    message::{self, Lengths, Model, Payload},
    options::EncodeOptions,
};

/// One item, one frame of [`message`]: what is sent as one message is received as one.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::{SinkExt, TryStreamExt};
/// use ranstream::{codec::MessageCodec, message::Model};
/// use tokio_util::codec::Framed;
///
/// # tokio_test::block_on(async {
/// let model = Model::train(1, [r#"{"id":1,"name":"a"}"#, r#"{"id":22,"name":"bb"}"#])?;
/// let codec = MessageCodec::new().send_with(model.clone()).know(model);
///
/// let (here, there) = tokio::io::duplex(1000);
/// let message = Bytes::from_static(br#"{"id":333,"name":"ab"}"#);
/// Framed::new(here, codec.clone()).send(message.clone()).await?;
/// assert_eq!(Framed::new(there, codec).try_next().await?, Some(message));
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MessageCodec {
    options: EncodeOptions,
    limits: Limits,
    max_len: usize,
    send_with: Option<Model>,
    known: Vec<Model>,
    failed: Option<Error>,
}

impl Default for MessageCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl MessageCodec {
    /// Without models, for messages of up to 8 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self {
            options: EncodeOptions::new(),
            limits: Limits::new(),
            max_len: MAX_FRAME_LEN,
            send_with: None,
            known: Vec::new(),
            failed: None,
        }
    }

    /// How messages are coded that get a table of their own.
    #[must_use]
    pub fn options(mut self, options: EncodeOptions) -> Self {
        self.options = options.inline();
        self
    }

    /// The longest message that is sent or accepted, 0..=16 MiB.
    #[must_use]
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self.limits = self.limits.max_block_len(bytes);
        self
    }

    /// Codes messages with `model` where that makes them shorter. The peer must
    /// [`know`](MessageCodec::know) it.
    #[must_use]
    pub fn send_with(mut self, model: Model) -> Self {
        self.send_with = Some(model);
        self
    }

    /// Decodes messages that are coded with `model`. Several models may be known, so that both
    /// sides can move to a new one; one with the same id takes the place of the old one.
    #[must_use]
    pub fn know(mut self, model: Model) -> Self {
        self.known.retain(|known| known.id() != model.id());
        self.known.push(model);
        self
    }

    fn decode_next(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, Error> {
        let Some(Lengths { frame, raw }) = message::lengths(src)? else { return Ok(None) };
        let (found, allowed) = (raw as u64, self.max_len as u64);
        if found > allowed {
            return Err(Error::LimitExceeded { limit: Limit::BlockLen, found, allowed, offset: 0 });
        }
        if src.len() < frame {
            reserve(src, frame - src.len());
            return Ok(None);
        }
        let frame = src.split_to(frame).freeze();
        let payload = message::payload(&frame, &self.known)?;
        if let Payload::Stored(stored) = payload {
            return Ok(Some(frame.slice_ref(stored)));
        }
        let mut bytes = Vec::new();
        self.limits.grow(&mut bytes, raw, 0)?;
        payload.decode(&frame, &mut bytes)?;
        Ok(Some(Bytes::from(bytes)))
    }

    fn or_fail<T>(&mut self, result: Result<T, Error>) -> io::Result<T> {
        result.map_err(|error| self.failed.insert(error).clone().into())
    }
}

/// A message may be anything that holds bytes: `Bytes`, `BytesMut`, `Vec<u8>`, `&[u8]`. Methods of
/// `SinkExt` that name no item then want it named: `SinkExt::<Bytes>::close(&mut framed)`.
impl<T: AsRef<[u8]>> tokio_util::codec::Encoder<T> for MessageCodec {
    type Error = io::Error;

    /// A message that is too long is refused and harms nothing.
    fn encode(&mut self, message: T, dst: &mut BytesMut) -> io::Result<()> {
        let message = message.as_ref();
        within("message length", message.len(), 0, self.max_len)?;
        let mut frame = Vec::new();
        message::encode(message, self.send_with.as_ref(), &self.options, &mut frame)?;
        dst.extend_from_slice(&frame);
        Ok(())
    }
}

impl tokio_util::codec::Decoder for MessageCodec {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let next = self.decode_next(src);
        self.or_fail(next)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Bytes>> {
        match self.decode(src)? {
            None if !src.is_empty() => self.or_fail(Err(Error::Truncated { offset: src.len() as u64 })),
            next => Ok(next),
        }
    }
}
