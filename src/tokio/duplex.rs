//! The other direction of an inner stream that has both, a socket say: it passes through as it is.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{RansDecoder, RansEncoder, RansReader, RansWriter};

macro_rules! pass_writes {
    ($adapter:ident) => {
        /// Writes to the inner stream pass through as they are.
        impl<R: AsyncWrite> AsyncWrite for $adapter<R> {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_write(cx, buf)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().poll_flush(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().poll_shutdown(cx)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_write_vectored(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                self.get_ref().is_write_vectored()
            }
        }
    };
}

macro_rules! pass_reads {
    ($adapter:ident) => {
        /// Reads from the inner stream pass through as they are.
        impl<W: AsyncRead> AsyncRead for $adapter<W> {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().poll_read(cx, buf)
            }
        }

        /// Reads from the inner stream pass through as they are.
        impl<W: AsyncBufRead> AsyncBufRead for $adapter<W> {
            fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                self.get_pin_mut().poll_fill_buf(cx)
            }

            fn consume(self: Pin<&mut Self>, len: usize) {
                self.get_pin_mut().consume(len);
            }
        }
    };
}

pass_writes!(RansReader);
pass_writes!(RansEncoder);
pass_reads!(RansWriter);
pass_reads!(RansDecoder);
