//! Files of the system, and file objects of Python, as readers and writers.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use pyo3::{prelude::*, types::PyBytes};

/// A file that is read or written.
pub(crate) enum Inner {
    /// The interpreter takes no part.
    File(File),
    /// An object with `read`, or `write`, and perhaps `seek`.
    Object(Py<PyAny>),
}

impl Inner {
    /// A path is opened by `open`; any other object is a file.
    ///
    /// # Errors
    ///
    /// What the system says against it, as the subclass of `OSError` that stands for it.
    pub(crate) fn new(
        file: &Bound<'_, PyAny>,
        open: impl FnOnce(PathBuf) -> io::Result<File> + Send,
    ) -> PyResult<Self> {
        let Ok(path) = file.extract::<PathBuf>() else {
            return Ok(Self::Object(file.clone().unbind()));
        };
        Ok(Self::File(file.py().detach(|| open(path))?))
    }
}

impl Read for Inner {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let object = match self {
            Self::File(file) => return file.read(buf),
            Self::Object(object) => object,
        };
        Python::attach(|py| {
            let read = object.bind(py).call_method1("read", (buf.len(),))?;
            if read.is_none() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let read = read.extract::<&[u8]>().map_err(PyErr::from)?;
            let room = buf.get_mut(..read.len()).ok_or_else(|| io::Error::other("read() returned too much"))?;
            room.copy_from_slice(read);
            Ok(read.len())
        })
    }
}

impl Write for Inner {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let object = match self {
            Self::File(file) => return file.write(buf),
            Self::Object(object) => object,
        };
        Python::attach(|py| {
            let written = object.bind(py).call_method1("write", (PyBytes::new(py, buf),))?;
            if written.is_none() {
                // Of a raw file it means that nothing was; others have nothing to tell.
                let raw = py.import("io")?.getattr("RawIOBase")?;
                let blocked = object.bind(py).is_instance(&raw)?;
                return if blocked { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(buf.len()) };
            }
            let written = written.extract::<usize>()?;
            if written > buf.len() { Err(io::Error::other("write() took too much")) } else { Ok(written) }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let object = match self {
            Self::File(file) => return file.flush(),
            Self::Object(object) => object,
        };
        Python::attach(|py| {
            let object = object.bind(py);
            if object.hasattr("flush")? {
                object.call_method0("flush")?;
            }
            Ok(())
        })
    }
}

impl Seek for Inner {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let object = match self {
            Self::File(file) => return file.seek(to),
            Self::Object(object) => object,
        };
        Python::attach(|py| {
            let object = object.bind(py);
            let sought = match to {
                SeekFrom::Start(at) => object.call_method1("seek", (at, 0)),
                SeekFrom::Current(by) => object.call_method1("seek", (by, 1)),
                SeekFrom::End(by) => object.call_method1("seek", (by, 2)),
            }?;
            Ok(sought.extract::<u64>()?)
        })
    }
}
