//! Where bytes are read from, at any place and from any thread.

use std::{fs::File, io, sync::Arc};

/// Bytes that can be read at any place, by several threads at once: a file, a buffer, a mapping, an
/// object in a store.
///
/// ```
/// use std::io;
///
/// use ranstream_tensors::ReadAt;
///
/// /// A buffer that counts how often it is read.
/// struct Counted(Vec<u8>, std::sync::atomic::AtomicUsize);
///
/// impl ReadAt for Counted {
///     fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
///         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         self.0.read_exact_at(buf, offset)
///     }
///
///     fn len(&self) -> io::Result<u64> {
///         ReadAt::len(&self.0)
///     }
/// }
/// ```
#[allow(clippy::len_without_is_empty, reason = "it asks a system, and nobody needs to know whether it is 0")]
pub trait ReadAt: Send + Sync {
    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// What the source reports; [`io::ErrorKind::UnexpectedEof`] where it has not so many bytes.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// How many bytes there are. Asked once.
    ///
    /// # Errors
    ///
    /// What the source reports.
    fn len(&self) -> io::Result<u64>;

    /// All bytes, where they lie in memory and do not change: then nothing is copied before it is
    /// decoded. Default: `None`.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

impl ReadAt for [u8] {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(buf.len())?));
        match range.and_then(|range| self.get(range)) {
            Some(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(<[u8]>::len(self) as u64)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        ReadAt::len(self.as_slice())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self)
    }
}

#[cfg(unix)]
impl ReadAt for File {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

#[cfg(windows)]
impl ReadAt for File {
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buf = &mut buf[read..];
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<T: ReadAt + ?Sized> ReadAt for $pointer {
            fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
                (**self).read_exact_at(buf, offset)
            }

            fn len(&self) -> io::Result<u64> {
                (**self).len()
            }

            fn in_memory(&self) -> Option<&[u8]> {
                (**self).in_memory()
            }
        }
    )*};
}

through_a_pointer!(&T, Arc<T>, Box<T>);

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bytes_and_files_alike() {
        let bytes = b"0123456789".to_vec();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let sources: [Box<dyn ReadAt>; 3] = [Box::new(bytes.clone()), Box::new(&b"0123456789"[..]), Box::new(file)];
        for source in sources {
            assert_eq!(source.len().unwrap(), 10);
            let mut three = [0; 3];
            source.read_exact_at(&mut three, 7).unwrap();
            assert_eq!(&three, b"789");
            for offset in [8, 10, u64::MAX] {
                let error = source.read_exact_at(&mut three, offset).unwrap_err();
                assert!(matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput), "{error}");
            }
        }
    }
}
