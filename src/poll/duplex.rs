//! The other direction of an inner stream that has both, a socket say: it passes through as it is.

/// Writes to the inner stream of adapters that are read from. `more` stands in the same trait.
macro_rules! pass_writes {
    ($write:path, $close:ident { $($more:tt)* }) => {};
    ($write:path, $close:ident { $($more:tt)* } $adapter:ident $($others:ident)*) => {
        /// Writes to the inner stream pass through as they are.
        impl<R: $write> $write for $adapter<R> {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_pin_mut().poll_write_vectored(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().poll_flush(cx)
            }

            fn $close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_pin_mut().$close(cx)
            }

            $($more)*
        }

        pass_writes!($write, $close { $($more)* } $($others)*);
    };
}

/// Buffered reads from the inner stream of an adapter that is written to.
macro_rules! pass_buffered_reads {
    ($buf_read:path; $($adapter:ident)+) => {$(
        /// Reads from the inner stream pass through as they are.
        impl<W: $buf_read> $buf_read for $adapter<W> {
            fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                self.get_pin_mut().poll_fill_buf(cx)
            }

            fn consume(self: Pin<&mut Self>, len: usize) {
                self.get_pin_mut().consume(len);
            }
        }
    )+};
}

pub(crate) use {pass_buffered_reads, pass_writes};
