//! The other direction of an inner stream that has both, a socket say: it passes through as it is.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{RansDecoder, RansEncoder, RansReader, RansWriter};
use crate::poll::{pass_buffered_reads, pass_writes};

pass_writes!(AsyncWrite, poll_shutdown {
    fn is_write_vectored(&self) -> bool {
        self.get_ref().is_write_vectored()
    }
} RansReader RansEncoder);

macro_rules! pass_reads {
    ($($adapter:ident)+) => {$(
        /// Reads from the inner stream pass through as they are.
        impl<W: AsyncRead> AsyncRead for $adapter<W> {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().poll_read(cx, buf)
            }
        }
    )+};
}

pass_reads!(RansWriter RansDecoder);
pass_buffered_reads!(AsyncBufRead; RansWriter RansDecoder);
