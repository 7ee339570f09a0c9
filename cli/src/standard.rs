//! The standard streams: whether they were open when the program began.
//!
//! std opens the null device in place of a stream that is closed, so that no file takes its number.
//! What is written there then is lost without an error, so that it has to be seen before.

use std::{
    io,
    sync::atomic::{AtomicU8, Ordering},
};

/// A bit for each stream that was closed, by its number.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// A stream whose absence matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Input,
    Output,
}

/// # Errors
///
/// [`io::ErrorKind::NotConnected`] if the program was started with `stream` closed.
pub(crate) fn check(stream: Stream) -> io::Result<()> {
    let bit = match stream {
        Stream::Input => 1,
        Stream::Output => 2,
    };
    if CLOSED.load(Ordering::Relaxed) & bit == 0 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::NotConnected, "it is closed"))
    }
}

/// Runs before std does: two questions to the system, no memory, nothing that std has to prepare.
#[cfg(unix)]
#[ctor::ctor(unsafe)]
fn see_what_is_closed() {
    use rustix::{io::fcntl_getfd, stdio};

    for (bit, stream) in [(1, stdio::stdin()), (2, stdio::stdout())] {
        if fcntl_getfd(stream).is_err() {
            CLOSED.fetch_or(bit, Ordering::Relaxed);
        }
    }
}
