//! The codecs that the crate publishes as [`codec`](crate::codec): streams and messages through
//! tokio-util's `Framed`.
//!
//! Here buffers of `Framed` are handed to the state machines and to
//! [`message`](crate::message). Nothing waits here: a codec has nobody to wake.

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
