//! Errors as Python exceptions. The classes are in `ranstream/errors.py`.

use std::io;

use pyo3::{exceptions::PyValueError, prelude::*, sync::PyOnceLock, types::PyModule};
use ranstream::{Error, error::Part};

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// `error` as an exception, after so many raw bytes.
pub(crate) fn exception(py: Python<'_>, error: &Error, position: u64) -> PyErr {
    let (block, offset) = place(error);
    match class(error) {
        None => PyValueError::new_err(error.to_string()),
        Some(class) => raised(py, class, &error.to_string(), block, offset, Some(position)),
    }
}

/// The name of the class that stands for `error`. `None`: what was asked for is wrong, and not the
/// stream.
pub(crate) fn class(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Truncated { .. } => "TruncatedError",
        Error::NotAStream { .. } => "NotRansError",
        Error::Corrupt { .. } | Error::TrailingData { .. } => "CorruptError",
        Error::Unsupported { .. } => "UnsupportedError",
        Error::LimitExceeded { .. } => "LimitError",
        Error::NeedsBase { .. } => "BaseMissing",
        Error::WrongBase { .. } => "BaseWrong",
        Error::InvalidOption { .. }
        | Error::OutputTooSmall { .. }
        | Error::ContentLength { .. }
        | Error::Finished
        | Error::InvalidSeek => return None,
        _ => "RansError",
    })
}

/// The block and the coded byte that `error` names.
fn place(error: &Error) -> (Option<u64>, Option<u64>) {
    match *error {
        Error::Corrupt { part: Part::Block(block), offset, .. } => (Some(block), Some(offset)),
        Error::NotAStream { .. } => (None, Some(0)),
        Error::Truncated { offset }
        | Error::TrailingData { offset }
        | Error::Corrupt { offset, .. }
        | Error::Unsupported { offset, .. }
        | Error::LimitExceeded { offset, .. }
        | Error::NeedsBase { offset, .. }
        | Error::WrongBase { offset, .. }
        | Error::UnreadBase { offset, .. } => (None, Some(offset)),
        Error::WorkerLost { block } => (Some(block), None),
        _ => (None, None),
    }
}

/// An exception of the class `class` of `ranstream.errors`.
pub(crate) fn raised(
    py: Python<'_>,
    class: &str,
    message: &str,
    block: Option<u64>,
    offset: Option<u64>,
    position: Option<u64>,
) -> PyErr {
    CLASSES
        .get_or_try_init(py, || py.import("ranstream.errors").map(Bound::unbind))
        .and_then(|classes| classes.bind(py).getattr(class))
        .and_then(|class| class.call1((message, block, offset, position)))
        .map_or_else(|error| error, PyErr::from_value)
}

/// As [`exception`]; an exception that a file object raised comes out as it was.
pub(crate) fn io_exception(py: Python<'_>, error: io::Error, position: u64) -> PyErr {
    match Error::try_from(error) {
        Ok(error) => exception(py, &error, position),
        Err(error) => error.into(),
    }
}
