//! The native half of the Python package `ranstream`; the other half is in `ranstream/`.
//!
//! | file | what it has |
//! |---|---|
//! | `buffer` | bytes of Python objects: what may be borrowed, what is copied, new `bytes` |
//! | `error` | errors as Python exceptions |
//! | `options` | keyword arguments to options, and the pool of threads |
//! | `exclusive` | one thread at a time in an object |
//! | `work` | work without the interpreter's lock, in pieces with signals between them |
//! | `bytes` | whole buffers |
//! | `incremental` | `RansCompressor`, `RansDecompressor` |
//! | `file` | files of the system and file objects of Python as readers and writers |
//! | `reader`, `writer` | what `RansFile` stands on |
//! | `index` | where each block of a file is |
//! | `tensors` | model files by tensor |

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]

mod buffer;
mod bytes;
mod error;
mod exclusive;
mod file;
mod incremental;
mod index;
mod options;
mod reader;
mod tensors;
mod work;
mod writer;

/// Native parts of the package ranstream.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::{
        bytes::{compress, decompress, decompress_into},
        incremental::{RansCompressor, RansDecompressor},
        index::{Index, index},
        reader::Reader,
        tensors::{Archive, Base},
        writer::Writer,
    };
}
