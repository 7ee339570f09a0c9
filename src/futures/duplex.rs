//! The other direction of an inner stream that has both, a socket say: it passes through as it is.

use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::Pin,
    task::{Context, Poll},
};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::{RansDecoder, RansEncoder, RansReader, RansWriter};
use crate::poll::{pass_buffered_reads, pass_writes};

pass_writes!(AsyncWrite, poll_close {} RansReader RansEncoder);

macro_rules! pass_reads {
    ($($adapter:ident)+) => {$(
        /// Reads from the inner stream pass through as they are.
        impl<W: AsyncRead> AsyncRead for $adapter<W> {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_read(cx, buf)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_read_vectored(cx, bufs)
            }
        }
    )+};
}

pass_reads!(RansWriter RansDecoder);
pass_buffered_reads!(AsyncBufRead; RansWriter RansDecoder);
