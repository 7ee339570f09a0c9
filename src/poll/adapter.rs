//! What the adapters of all runtimes have in common: a struct around an inner stream and its state,
//! and access to both.
//!
//! The structs themselves differ by runtime, so that each has the methods of one runtime only and
//! its documentation shows no other.

/// An adapter that is read from.
macro_rules! reading_adapter {
    ($(#[$attribute:meta])* $name:ident, $state:ty, $options:ty) => {
        pin_project_lite::pin_project! {
            $(#[$attribute])*
            #[derive(Debug)]
            pub struct $name<R> {
                #[pin]
                inner: R,
                state: $state,
            }
        }

        impl<R> $name<R> {
            /// Reads from `inner` with the default options.
            pub fn new(inner: R) -> Self {
                Self::with_options(inner, <$options>::default())
            }

            /// Reads from `inner`. Options outside their range are reported by the first read.
            pub fn with_options(inner: R, options: $options) -> Self {
                Self { inner, state: <$state>::new(options) }
            }

            /// The inner reader.
            pub fn get_ref(&self) -> &R {
                &self.inner
            }

            /// The inner reader. Reading from it tears the stream.
            pub fn get_mut(&mut self) -> &mut R {
                &mut self.inner
            }

            /// The inner reader, pinned. Reading from it tears the stream.
            pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut R> {
                self.project().inner
            }

            /// The inner reader. Bytes that were taken from it and not given are lost.
            pub fn into_inner(self) -> R {
                self.inner
            }

            /// Begins anew with `inner`, with the same options and buffers. The old inner reader
            /// comes back; bytes that were taken from it and not given are lost.
            pub fn reset(&mut self, inner: R) -> R {
                self.state.reset();
                std::mem::replace(&mut self.inner, inner)
            }

            /// How far the stream has come: whole blocks, not bytes given.
            pub fn progress(&self) -> &Progress {
                self.state.progress()
            }
        }
    };
}

/// An adapter that is written to.
macro_rules! writing_adapter {
    (@write $name:ident, $write:path, $close:ident) => {
        impl<W: $write> $write for $name<W> {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                let this = self.project();
                this.state.poll_write(&mut Io(this.inner), cx, buf)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let this = self.project();
                this.state.poll_flush(&mut Io(this.inner), cx)
            }

            fn $close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let this = self.project();
                this.state.poll_close(&mut Io(this.inner), cx)
            }
        }
    };
    ($(#[$attribute:meta])* $name:ident over $write:path, $state:ty, $options:ty) => {
        pin_project_lite::pin_project! {
            $(#[$attribute])*
            #[derive(Debug)]
            pub struct $name<W> {
                #[pin]
                inner: W,
                state: $state,
            }
        }

        impl<W> $name<W> {
            /// Writes to `inner` with the default options.
            pub fn new(inner: W) -> Self {
                Self::with_options(inner, <$options>::default())
            }

            /// Writes to `inner`. Options outside their range are reported by the first write,
            /// flush or finish.
            pub fn with_options(inner: W, options: $options) -> Self {
                Self { inner, state: <$state>::new(options) }
            }

            /// The inner writer.
            pub fn get_ref(&self) -> &W {
                &self.inner
            }

            /// The inner writer. Writing to it tears the stream.
            pub fn get_mut(&mut self) -> &mut W {
                &mut self.inner
            }

            /// The inner writer, pinned. Writing to it tears the stream.
            pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut W> {
                self.project().inner
            }

            /// The inner writer. Bytes that were taken and not written are lost; after
            /// [`finish`](Self::finish) there are none.
            pub fn into_inner(self) -> W {
                self.inner
            }

            /// Begins anew with `inner`, with the same options and buffers. The old inner writer
            /// comes back; unless [`finish`](Self::finish) came before, bytes that were taken are
            /// missing in it.
            pub fn reset(&mut self, inner: W) -> W {
                self.state.reset();
                std::mem::replace(&mut self.inner, inner)
            }

            /// How far the stream has come: whole blocks, not bytes taken.
            pub fn progress(&self) -> &Progress {
                self.state.progress()
            }
        }

        impl<W: $write> $name<W> {
            /// Everything out, the end of the stream too, and the inner writer flushed, but not
            /// shut down. No bytes are taken afterwards. Once it has succeeded, further calls do
            /// nothing.
            ///
            /// # Errors
            ///
            /// What the inner writer or the stream has against it. After an error of the inner
            /// writer it may be called again, and goes on where it was.
            ///
            /// # Cancel safety
            ///
            /// All state is in the adapter.
            pub fn poll_finish(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let this = self.project();
                this.state.poll_finish(&mut Io(this.inner), cx)
            }

            /// [`poll_finish`](Self::poll_finish), to be awaited. [`into_inner`](Self::into_inner)
            /// has the inner writer then.
            ///
            /// # Errors
            ///
            /// As [`poll_finish`](Self::poll_finish).
            ///
            /// # Cancel safety
            ///
            /// All state is in the adapter: await it again, and it goes on where it was.
            pub async fn finish(&mut self) -> io::Result<()>
            where
                W: Unpin,
            {
                std::future::poll_fn(|cx| Pin::new(&mut *self).poll_finish(cx)).await
            }
        }
    };
}

/// What the adapters of a runtime do besides, in the words of its traits.
macro_rules! adapter_methods {
    ($read:path, $buf_read:path, $write:path, $close:ident) => {
        impl<W> RansWriter<W> {
            /// When to send without being asked to. Default: [`FlushPolicy::Never`].
            #[must_use = "a stream that is not finished is truncated"]
            pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
                self.state.set_flush_policy(policy);
                self
            }

            /// When the bytes written since the last flush are to be flushed, see
            /// [`FlushPolicy::Interval`]. `None`: there are none, or the policy names no time.
            pub fn next_flush(&self) -> Option<Instant> {
                self.state.next_flush()
            }
        }

        impl<W: $write> RansWriter<W> {
            /// Writes application data behind the bytes written so far, whose block is cut. `kind`
            /// is 0..=0x7FFF and the application's to choose. Readers step over it unless they ask
            /// for it.
            ///
            /// # Errors
            ///
            /// As writing; [`Error::InvalidOption`](crate::Error::InvalidOption) for a kind or
            /// length outside its range, which does not harm the stream.
            ///
            /// # Cancel safety
            ///
            /// A call that is dropped while it is pending wrote no application data.
            pub fn poll_write_application_data(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                kind: u16,
                data: &[u8],
            ) -> Poll<io::Result<()>> {
                let this = self.project();
                this.state.poll_application_data(&mut Io(this.inner), cx, kind, data)
            }

            /// [`poll_write_application_data`](Self::poll_write_application_data), to be awaited.
            ///
            /// # Errors
            ///
            /// As [`poll_write_application_data`](Self::poll_write_application_data).
            ///
            /// # Cancel safety
            ///
            /// As [`poll_write_application_data`](Self::poll_write_application_data).
            pub async fn write_application_data(&mut self, kind: u16, data: &[u8]) -> io::Result<()>
            where
                W: Unpin,
            {
                std::future::poll_fn(|cx| Pin::new(&mut *self).poll_write_application_data(cx, kind, data)).await
            }
        }

        impl<W> RansDecoder<W> {
            /// Takes the oldest application data that was kept, see
            /// [`DecodeOptions::application_data`].
            pub fn next_application_data(&mut self) -> Option<ApplicationData> {
                self.state.next_application_data()
            }
        }

        impl<R> RansReader<R> {
            /// The inner reader, and coded bytes that were taken from it and not decoded: what was
            /// read ahead, or to see that no stream follows the last one. They go before those that
            /// it has left.
            pub fn into_parts(self) -> (R, Vec<u8>) {
                let unused = self.state.unused().to_vec();
                (self.inner, unused)
            }

            /// Takes the oldest application data that was kept, see
            /// [`DecodeOptions::application_data`].
            pub fn next_application_data(&mut self) -> Option<ApplicationData> {
                self.state.next_application_data()
            }
        }

        impl<R: $read> RansReader<R> {
            /// Raw bytes of the current stream, if its header says how many. The header is read
            /// first, if it was not yet, and no byte behind it.
            ///
            /// # Errors
            ///
            /// As reading.
            ///
            /// # Cancel safety
            ///
            /// All state is in the adapter.
            pub fn poll_content_length(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<Option<u64>>> {
                let this = self.project();
                this.state.poll_content_length(&mut Io(this.inner), cx)
            }

            /// [`poll_content_length`](Self::poll_content_length), to be awaited.
            ///
            /// # Errors
            ///
            /// As reading.
            ///
            /// # Cancel safety
            ///
            /// All state is in the adapter.
            pub async fn content_length(&mut self) -> io::Result<Option<u64>>
            where
                R: Unpin,
            {
                std::future::poll_fn(|cx| Pin::new(&mut *self).poll_content_length(cx)).await
            }
        }

        impl<R> RansEncoder<R> {
            /// When to give what was read before a block is full. Default:
            /// [`FlushPolicy::OnPause`].
            #[must_use]
            pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
                self.state.set_flush_policy(policy);
                self
            }

            /// When the bytes that wait are to be given, see [`FlushPolicy::Interval`]. `None`:
            /// none wait, or the policy names no time.
            pub fn next_flush(&self) -> Option<Instant> {
                self.state.next_flush()
            }

            /// The inner reader, and raw bytes that were taken from it but are in no block yet.
            /// Coded bytes that were not read, and blocks that workers have, are lost.
            pub fn into_parts(self) -> (R, Vec<u8>) {
                let uncoded = self.state.uncoded().to_vec();
                (self.inner, uncoded)
            }
        }

        writing_adapter!(@write RansWriter, $write, $close);
        writing_adapter!(@write RansDecoder, $write, $close);

        impl<R: $read> $buf_read for RansReader<R> {
            fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                let this = self.project();
                this.state.poll_fill(&mut Io(this.inner), cx)
            }

            fn consume(self: Pin<&mut Self>, len: usize) {
                self.project().state.consume(len);
            }
        }

        impl<R: $read> $buf_read for RansEncoder<R> {
            fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                let this = self.project();
                ready!(this.state.poll_ready(&mut Io(this.inner), cx))?;
                Poll::Ready(Ok(this.state.ready()))
            }

            fn consume(self: Pin<&mut Self>, len: usize) {
                self.project().state.consume(len);
            }
        }

        /// An inner stream as the driver sees it.
        struct Io<'a, T>(Pin<&'a mut T>);

        impl<W: $write> Sink for Io<'_, W> {
            fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                crate::sync::call_out(|| self.0.as_mut().poll_write(cx, bytes))
            }

            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                crate::sync::call_out(|| self.0.as_mut().poll_flush(cx))
            }

            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                crate::sync::call_out(|| self.0.as_mut().$close(cx))
            }
        }
    };
}

pub(crate) use {adapter_methods, reading_adapter, writing_adapter};
