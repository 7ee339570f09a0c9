//! Codecs for [`tokio_util::codec::Framed`]: [`RansCodec`] for a stream of bytes, [`MessageCodec`]
//! for messages that stand each for itself.
//!
//! Both work on the calling task, whatever [`threads`](crate::EncodeOptions::threads) says: a codec
//! has nobody to wake. After an error a codec stays where it is and repeats that error, so that a
//! connection cannot come back to life in the middle of something.

mod message;
mod stream;

pub use message::MessageCodec;
pub use stream::{Frame, RansCodec};

/// Raw bytes of the largest block or message that is accepted unless the caller says otherwise.
const MAX_FRAME_LEN: usize = 8 << 20;

/// A frame's buffer grows at most so far ahead of what has arrived: a header that lies costs its
/// sender real bytes.
const RESERVE_AHEAD: usize = 64 << 10;

/// Makes room in `src` for `missing` more bytes, or as many as its sender has earned.
fn reserve(src: &mut bytes::BytesMut, missing: usize) {
    src.reserve(missing.min(RESERVE_AHEAD.max(src.len())));
}
