//! What the adapters of all runtimes have in common: a struct around an inner stream and its state, and access to both.
//!
//! The structs themselves differ by runtime, so that each has the methods of one runtime only and its documentation shows no other.

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

            /// How far the stream has come: whole blocks, not bytes given.
            pub fn progress(&self) -> &Progress {
                self.state.progress()
            }
        }
    };
}

/// An adapter that is written to.
macro_rules! writing_adapter {
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

            /// Writes to `inner`. Options outside their range are reported by the first write, flush or finish.
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

            /// The inner writer. Bytes that were taken and not written are lost; after [`finish`](Self::finish) there are none.
            pub fn into_inner(self) -> W {
                self.inner
            }

            /// How far the stream has come: whole blocks, not bytes taken.
            pub fn progress(&self) -> &Progress {
                self.state.progress()
            }
        }

        impl<W: $write> $name<W> {
            /// Everything out, the end of the stream too, and the inner writer flushed, but not shut down. No bytes are taken afterwards. Once it has succeeded, further calls do
            /// nothing.
            ///
            /// # Errors
            ///
            /// What the inner writer or the stream has against it. After an error of the inner writer it may be called again, and goes on where it was.
            ///
            /// # Cancel safety
            ///
            /// All state is in the adapter.
            pub fn poll_finish(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let this = self.project();
                this.state.poll_finish(&mut Io(this.inner), cx)
            }

            /// [`poll_finish`](Self::poll_finish), to be awaited. [`into_inner`](Self::into_inner) has the inner writer then.
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

pub(crate) use {reading_adapter, writing_adapter};
