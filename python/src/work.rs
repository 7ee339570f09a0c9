//! Work without the interpreter's lock, in pieces with signals between them.

use std::ops::ControlFlow;

use pyo3::prelude::*;

/// Raw bytes between two looks at the signals: some 2 ms of decoding, 10 ms of coding. Where a
/// block is longer, it is one block.
pub(crate) const PIECE: usize = 4 << 20;

/// Calls `piece` without the interpreter's lock until it breaks, and looks at signals in between.
///
/// # Errors
///
/// What a signal handler raises, `KeyboardInterrupt` above all.
pub(crate) fn in_pieces<T: Send>(py: Python<'_>, mut piece: impl FnMut() -> ControlFlow<T> + Send) -> PyResult<T> {
    loop {
        if let ControlFlow::Break(value) = py.detach(&mut piece) {
            return Ok(value);
        }
        py.check_signals()?;
    }
}

/// Looks at signals, for those who hold no lock of the interpreter's.
///
/// # Errors
///
/// As [`in_pieces`].
#[allow(clippy::redundant_closure_for_method_calls, reason = "the method fits one lifetime, and not all")]
pub(crate) fn signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}
