//! Bytes of Python objects. The only file of this crate with `unsafe`.
//!
//! Storage of `bytes` never changes, so it is borrowed. Any other exporter may be written to by
//! another thread while the interpreter's lock is released: its bytes are copied out of it before
//! anything looks at them, so that what was checked is what is decoded. An output belongs to the
//! caller, who promises that nobody else uses it during the call.
#![allow(unsafe_code)]

use std::{
    io::{self, Read, Seek, SeekFrom},
    mem::MaybeUninit,
    ops::Range,
    ptr, slice,
};

use pyo3::{
    buffer::PyUntypedBuffer,
    exceptions::{PyBufferError, PyValueError},
    ffi,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyMemoryView},
};
use ranstream::Layout;
use ranstream_tensors::ReadAt;

/// Bytes that are read.
pub(crate) enum Input {
    /// Storage of a `bytes` object.
    Fixed { owner: PyBackedBytes, range: Range<usize> },
    /// Storage that somebody else may write to meanwhile.
    Changing(Changing),
}

impl Input {
    /// # Errors
    ///
    /// `TypeError` for an object without a buffer, `BufferError` for one that is not contiguous.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            let owner = PyBackedBytes::from(bytes.clone());
            let range = 0..owner.len();
            return Ok(Self::Fixed { owner, range });
        }
        let buffer = contiguous(object)?;
        // A view of bytes is as fixed as they are, if it has kept them.
        if let Ok(view) = object.cast::<PyMemoryView>()
            && let Ok(bytes) = view.getattr("obj")?.cast_into::<PyBytes>()
        {
            let owner = PyBackedBytes::from(bytes);
            let start = (buffer.buf_ptr() as usize).wrapping_sub(owner.as_ptr() as usize);
            let range = start..start.saturating_add(buffer.len_bytes());
            if range.end <= owner.len() {
                return Ok(Self::Fixed { owner, range });
            }
        }
        Ok(Self::Changing(Changing { buffer, at: 0 }))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fixed { range, .. } => range.len(),
            Self::Changing(changing) => changing.buffer.len_bytes(),
        }
    }

    /// How its elements repeat, by what the exporter says of them. Those of another byte order, or
    /// of one byte, are bytes.
    pub(crate) fn layout(&self) -> Layout {
        let Self::Changing(Changing { buffer, .. }) = self else { return Layout::bytes() };
        let format = buffer.format().to_bytes();
        let format =
            format.strip_prefix(b"<").or(format.strip_prefix(b"=")).or(format.strip_prefix(b"@")).unwrap_or(format);
        match (format, buffer.item_size()) {
            (b"e", 2) => Layout::f16(),
            (b"f", 4) => Layout::f32(),
            (b"d", 8) => Layout::f64(),
            (b"h" | b"H", 2) => Layout::i16(),
            (b"i" | b"I" | b"l" | b"L", 4) => Layout::i32(),
            (b"l" | b"L" | b"q" | b"Q" | b"n" | b"N", 8) => Layout::i64(),
            _ => Layout::bytes(),
        }
    }

    /// The bytes, in memory that nobody else writes to.
    pub(crate) fn into_fixed(self) -> io::Result<FixedBytes> {
        Ok(match self {
            Self::Fixed { owner, range } => FixedBytes::Borrowed { owner, range },
            Self::Changing(mut changing) => {
                let mut copy = Vec::new();
                copy.try_reserve_exact(changing.buffer.len_bytes())?;
                changing.read_to_end(&mut copy)?;
                FixedBytes::Copied(copy)
            }
        })
    }
}

/// Bytes that nobody writes to.
pub(crate) enum FixedBytes {
    Borrowed { owner: PyBackedBytes, range: Range<usize> },
    Copied(Vec<u8>),
}

impl std::ops::Deref for FixedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed { owner, range } => &owner[range.clone()],
            Self::Copied(copy) => copy,
        }
    }
}

/// A reader that copies bytes out of storage that may change.
pub(crate) struct Changing {
    buffer: PyUntypedBuffer,
    at: usize,
}

impl Changing {
    /// Whether any byte of it is a byte of `output`.
    pub(crate) fn overlaps(&self, output: &Output) -> bool {
        let place = |buffer: &PyUntypedBuffer| {
            let start = buffer.buf_ptr() as usize;
            start..start + buffer.len_bytes()
        };
        let (a, b) = (place(&self.buffer), place(&output.buffer));
        a.start < b.end && b.start < a.end
    }
}

impl Changing {
    /// Copies bytes from `at` on; how many there are comes back.
    fn copy(&self, at: usize, out: &mut [u8]) -> usize {
        let len = out.len().min(self.buffer.len_bytes().saturating_sub(at));
        if len > 0 {
            // SAFETY: `contiguous` checked that `len_bytes` bytes lie from `buf_ptr` on, which the
            // buffer keeps in place while it is held; `at + len` is within them by the line above.
            // No reference to them is made, and `out` is no part of them: whoever decodes to memory
            // of a caller asks `overlaps` first, all else is memory of ours.
            unsafe { ptr::copy_nonoverlapping(self.buffer.buf_ptr().cast::<u8>().add(at), out.as_mut_ptr(), len) };
        }
        len
    }
}

impl Read for Changing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.copy(self.at, out);
        self.at += len;
        Ok(len)
    }
}

impl ReadAt for Changing {
    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let copied = usize::try_from(offset).map_or(0, |offset| self.copy(offset, out));
        if copied == out.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.buffer.len_bytes() as u64)
    }
}

impl Seek for Changing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => usize::try_from(at).ok(),
            SeekFrom::End(by) => self.buffer.len_bytes().checked_add_signed(by as isize),
            SeekFrom::Current(by) => self.at.checked_add_signed(by as isize),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at as u64)
    }
}

/// Bytes that are written to.
pub(crate) struct Output {
    buffer: PyUntypedBuffer,
}

impl Output {
    /// # Errors
    ///
    /// As [`Input::new`]; `BufferError` for one that is read-only.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = contiguous(object)?;
        if buffer.readonly() {
            return Err(PyBufferError::new_err("the output is read-only"));
        }
        Ok(Self { buffer })
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        match self.buffer.len_bytes() {
            0 => &mut [],
            // SAFETY: `contiguous` checked that `len` bytes lie from there on, and `new` that they
            // may be written. The buffer keeps them in place while it is held. That nobody else
            // uses them during the call is the caller's part, which docs/python.md states.
            len => unsafe { slice::from_raw_parts_mut(self.buffer.buf_ptr().cast(), len) },
        }
    }
}

/// # Errors
///
/// As [`Input::new`].
fn contiguous(object: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    let buffer = PyUntypedBuffer::get(object)?;
    if !buffer.is_c_contiguous() {
        return Err(PyBufferError::new_err("the buffer is not C-contiguous"));
    }
    Ok(buffer)
}

unsafe extern "C" {
    // A part of the stable ABI that pyo3-ffi does not publish.
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, len: ffi::Py_ssize_t) -> std::ffi::c_int;
}

/// A new `bytes` object of at most `capacity` bytes, of which there are as many as `fill` appends.
///
/// # Errors
///
/// What `fill` returns; `MemoryError`.
pub(crate) fn appended(
    py: Python<'_>,
    capacity: usize,
    fill: impl FnOnce(&mut Room<'_>) -> PyResult<()>,
) -> PyResult<Bound<'_, PyBytes>> {
    let len = capacity.cast_signed();
    // SAFETY: without a source this makes an object of `len` bytes that are not initialised, or
    // returns null with an exception set, which `from_owned_ptr_or_err` sees. A length that is
    // negative is such an exception.
    let object = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(ptr::null(), len))? };
    let place = match capacity {
        0 => &mut [][..],
        // SAFETY: the object was made with `capacity` bytes, 1 or more, by the lines above. Of one
        // byte the interpreter may have shared objects, but makes none of them without a source.
        // `object` is the only reference to it, and bytes that may be uninitialised are any bytes.
        _ => unsafe { slice::from_raw_parts_mut(ffi::PyBytes_AsString(object.as_ptr()).cast(), capacity) },
    };
    let mut room = Room { place, filled: 0 };
    fill(&mut room)?;
    let filled = room.filled.cast_signed();
    let mut object = object.into_ptr();
    // SAFETY: `object` is the only reference to a bytes object, which is what this function asks
    // for, and the first `filled` of its bytes were written by `extend`. On failure it is freed and
    // null.
    unsafe {
        _PyBytes_Resize(&raw mut object, filled);
        Ok(Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked())
    }
}

/// Memory that is written from its start on.
pub(crate) struct Room<'a> {
    place: &'a mut [MaybeUninit<u8>],
    filled: usize,
}

impl Room<'_> {
    /// Appends `bytes`. `false`: there is no room for them.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        let Some(place) = self.place.get_mut(self.filled..).and_then(|rest| rest.get_mut(..bytes.len())) else {
            return false;
        };
        // SAFETY: both are `bytes.len()` bytes long, by the line above, and what is borrowed
        // mutably is no part of what is borrowed.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place.as_mut_ptr().cast(), bytes.len()) };
        self.filled += bytes.len();
        true
    }
}

/// A `bytes` object that nobody else has seen yet.
pub(crate) struct NewBytes<'py> {
    object: Bound<'py, PyBytes>,
    len: usize,
}

impl<'py> NewBytes<'py> {
    /// `len` zeros. Where there are many, the system gives them as pages that cost nothing until
    /// they are written to.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn zeroed(py: Python<'py>, len: usize) -> PyResult<Self> {
        let object = py.get_type::<PyBytes>().call1((len,))?.cast_into::<PyBytes>()?;
        Ok(Self { object, len })
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: the object was made by `zeroed` with `len` initialised bytes, 1 or more, so it is
        // none of the interpreter's shared ones, and `object` is the only reference to it.
        unsafe { slice::from_raw_parts_mut(ffi::PyBytes_AsString(self.object.as_ptr()).cast(), self.len) }
    }

    /// The first `len` of the bytes.
    ///
    /// # Errors
    ///
    /// `MemoryError`; `ValueError` for more than there are.
    pub(crate) fn first(self, len: usize) -> PyResult<Bound<'py, PyBytes>> {
        if len == self.len {
            return Ok(self.object);
        }
        if len > self.len {
            return Err(PyValueError::new_err("more bytes than there are"));
        }
        let py = self.object.py();
        let mut object = self.object.into_ptr();
        // SAFETY: `object` is the only reference to a bytes object, which is what this function
        // asks for; `len` is below its length by the lines above. On failure it is freed and null.
        unsafe {
            _PyBytes_Resize(&raw mut object, len.cast_signed());
            Ok(Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked())
        }
    }
}
