//! How inner readers are called.

use std::io::{self, Read, Seek, SeekFrom};

use crate::sync::call_out;

/// Reads once. Interrupted reads are repeated, and a reader that claims to have read more than
/// there is room for is an error.
pub(crate) fn read_retried(inner: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match call_out(|| inner.read(space)) {
            Ok(read) if read > space.len() => {
                return Err(io::Error::other(format!(
                    "the inner reader claims {read} bytes, room was for {}",
                    space.len()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Fills `bytes`, as far as the input goes; how many were read comes back.
pub(crate) fn fill_retried(inner: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match read_retried(inner, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Seeks once.
pub(crate) fn seek(inner: &mut impl Seek, to: SeekFrom) -> io::Result<u64> {
    call_out(|| inner.seek(to))
}
