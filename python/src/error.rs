//! Errors as Python exceptions. The classes are in `ranstream/errors.py`.

use std::io;

use pyo3::{exceptions::PyValueError, prelude::*, sync::PyOnceLock, types::PyModule};
use ranstream::{Error, error::Part};

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// `error` as an exception, after so many raw bytes.
pub(crate) fn exception(py: Python<'_>, error: &Error, position: u64) -> PyErr {
    let (class, block, offset) = match *error {
        Error::Truncated { offset } => ("TruncatedError", None, Some(offset)),
        Error::NotAStream { .. } => ("NotRansError", None, Some(0)),
        Error::Corrupt { part: Part::Block(block), offset, .. } => ("CorruptError", Some(block), Some(offset)),
        Error::Corrupt { offset, .. } | Error::TrailingData { offset } => ("CorruptError", None, Some(offset)),
        Error::Unsupported { offset, .. } => ("UnsupportedError", None, Some(offset)),
        Error::LimitExceeded { offset, .. } => ("LimitError", None, Some(offset)),
        Error::InvalidOption { .. }
        | Error::OutputTooSmall { .. }
        | Error::ContentLength { .. }
        | Error::Finished
        | Error::InvalidSeek => return PyValueError::new_err(error.to_string()),
        Error::WorkerLost { block } => ("RansError", Some(block), None),
        _ => ("RansError", None, None),
    };
    CLASSES
        .get_or_try_init(py, || py.import("ranstream.errors").map(Bound::unbind))
        .and_then(|classes| classes.bind(py).getattr(class))
        .and_then(|class| class.call1((error.to_string(), block, offset, position)))
        .map_or_else(|error| error, PyErr::from_value)
}

/// As [`exception`]; an exception that a file object raised comes out as it was.
pub(crate) fn io_exception(py: Python<'_>, error: io::Error, position: u64) -> PyErr {
    match Error::try_from(error) {
        Ok(error) => exception(py, &error, position),
        Err(error) => error.into(),
    }
}
