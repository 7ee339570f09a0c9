//! What a `RansFile` that is read stands on.

use std::{
    fs::File,
    io::{self, BufRead, Read, Seek, SeekFrom},
    mem,
};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use ranstream::{DecodeOptions, Error, RansReader};

use crate::{
    buffer::{NewBytes, Output},
    error::io_exception,
    exclusive::Exclusive,
    file::Inner,
    index::{BlockSpan, Index, block_spans},
    options::decode_options,
    tensors::Base,
    work::{PIECE, signals},
};

/// Reads of up to so many bytes have room made for them at once.
const FEW: usize = 1 << 20;

/// The raw bytes of a file.
#[pyclass(module = "ranstream._native", frozen)]
pub(crate) struct Reader {
    state: Exclusive<State>,
}

struct State {
    reader: RansReader<Inner>,
    /// Bytes that were read when an error came up that is not theirs. They are read first.
    kept: Vec<u8>,
    kept_at: usize,
    /// Where in the file the first stream begins, if the file can seek.
    base: Option<u64>,
    options: DecodeOptions,
    raw_len: Option<u64>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (file, /, *, threads=1, max_size=None, base=None))]
    fn new(
        file: &Bound<'_, PyAny>,
        threads: usize,
        max_size: Option<u64>,
        base: Option<&Bound<'_, Base>>,
    ) -> PyResult<Self> {
        let mut options = decode_options(threads, max_size)?;
        if let Some(base) = base {
            options = options.base(base.get().model().into());
        }
        let mut inner = Inner::new(file, File::open)?;
        let base = match &mut inner {
            Inner::File(file) => file.stream_position().ok(),
            Inner::Object(object) => {
                let object = object.bind(file.py());
                let seekable = object.hasattr("seekable")? && object.call_method0("seekable")?.is_truthy()?;
                if seekable { Some(object.call_method0("tell")?.extract()?) } else { None }
            }
        };
        let reader = RansReader::with_options(inner, options.clone());
        let state = State { reader, kept: Vec::new(), kept_at: 0, base, options, raw_len: None };
        Ok(Self { state: Exclusive::new(state) })
    }

    /// Up to `size` bytes, fewer only at the end or before damage; all that are left if negative.
    #[pyo3(signature = (size=-1, /), text_signature = "($self, size=-1, /)")]
    fn read<'py>(&self, py: Python<'py>, size: isize) -> PyResult<Bound<'py, PyBytes>> {
        let size = usize::try_from(size).ok();
        let Some(room) = self.room_for(py, size)? else {
            return self.read_growing(py, size);
        };
        let mut bytes = NewBytes::zeroed(py, room)?;
        let out = bytes.as_mut_slice();
        let read = self.state.with(py, |state| {
            let (read, error) = state.fill(out);
            let end = match error {
                None if size.is_none() => state.see_end().err(),
                error => error,
            };
            match end {
                Some(error) if size.is_none() || read == 0 || !is_of_stream(&error) => {
                    state.keep(&out[..read]);
                    Err(state.exception(error))
                }
                _ => Ok(read),
            }
        })?;
        bytes.first(read)
    }

    /// Fills `buffer`; fewer bytes come only at the end or before damage.
    #[pyo3(signature = (buffer, /))]
    fn readinto(&self, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut out = Output::new(buffer)?;
        let out = out.as_mut_slice();
        self.state.with(buffer.py(), |state| match state.fill(out) {
            (read, Some(error)) if read == 0 || !is_of_stream(&error) => {
                state.keep(&out[..read]);
                Err(state.exception(error))
            }
            (read, _) => Ok(read),
        })
    }

    /// Up to `size` of the bytes that are ready, any number if negative; a block is decoded if none
    /// are.
    #[pyo3(signature = (size=-1, /), text_signature = "($self, size=-1, /)")]
    fn read1<'py>(&self, py: Python<'py>, size: isize) -> PyResult<Bound<'py, PyBytes>> {
        let most = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = self.state.with(py, |state| {
            let bytes = state.ready(most)?;
            state.consume(bytes.len());
            Ok(bytes)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Bytes that are ready, at most `size` of them, without taking them.
    #[pyo3(signature = (size, /))]
    fn peek<'py>(&self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.state.with(py, |state| state.ready(size.max(1)))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Moves to `offset` from the start (0), from here (1) or from the end (2).
    #[pyo3(signature = (offset, whence=0, /))]
    fn seek(&self, py: Python<'_>, offset: i64, whence: u8) -> PyResult<u64> {
        if whence > 2 {
            return Err(PyValueError::new_err("whence is none of 0, 1 and 2"));
        }
        self.state.with(py, |state| {
            let sought = state.target(offset, whence).and_then(|target| state.reader.seek(target));
            (state.kept, state.kept_at) = (Vec::new(), 0);
            sought.map_err(|error| state.exception(error))
        })
    }

    /// Raw bytes before the next one that is read.
    fn tell(&self, py: Python<'_>) -> PyResult<u64> {
        self.state.with(py, |state| Ok(state.position()))
    }

    fn seekable(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.with(py, |state| Ok(state.base.is_some()))
    }

    /// Raw bytes in all.
    fn raw_size(&self, py: Python<'_>) -> PyResult<u64> {
        self.state.with(py, |state| state.raw_len().map_err(|error| state.exception(error)))
    }

    /// Where each block is.
    fn index(&self, py: Python<'_>) -> PyResult<Index> {
        self.state.with(py, |state| state.spans().map(Index::new).map_err(|error| state.exception(error)))
    }
}

impl Reader {
    /// How many bytes to make room for. `None`: who knows.
    fn room_for(&self, py: Python<'_>, size: Option<usize>) -> PyResult<Option<usize>> {
        match size {
            Some(size) if size <= FEW => Ok(Some(size)),
            _ => self.state.with(py, |state| {
                if state.base.is_none() {
                    return Ok(None);
                }
                // What is wrong with the streams is reported behind their good bytes.
                let raw_len = match state.raw_len() {
                    Ok(raw_len) => raw_len,
                    Err(error) if is_of_stream(&error) => return Ok(None),
                    Err(error) => return Err(state.exception(error)),
                };
                let left = usize::try_from(raw_len.saturating_sub(state.position())).unwrap_or(usize::MAX);
                Ok(Some(left.min(size.unwrap_or(usize::MAX))))
            }),
        }
    }

    fn read_growing<'py>(&self, py: Python<'py>, size: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.state.with(py, |state| {
            let mut bytes = Vec::new();
            let end = state.grow(&mut bytes, size.unwrap_or(usize::MAX)).err();
            match end {
                Some(error) if size.is_none() || bytes.is_empty() || !is_of_stream(&error) => {
                    state.keep(&bytes);
                    Err(state.exception(error))
                }
                _ => Ok(bytes),
            }
        })?;
        Ok(PyBytes::new(py, &bytes))
    }
}

impl State {
    /// Fills `out` until the end or an error: how many bytes there are, and the error.
    fn fill(&mut self, out: &mut [u8]) -> (usize, Option<io::Error>) {
        let mut filled = (&self.kept[self.kept_at..]).read(out).unwrap_or_default();
        self.take_kept(filled);
        let mut looked = 0;
        while filled < out.len() {
            let end = out.len().min(filled.saturating_add(PIECE));
            match self.reader.read(&mut out[filled..end]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => return (filled, Some(error)),
            }
            if filled - looked >= PIECE {
                looked = filled;
                if let Err(error) = look_at_signals() {
                    return (filled, Some(error));
                }
            }
        }
        (filled, None)
    }

    /// Appends up to `most` bytes.
    fn grow(&mut self, bytes: &mut Vec<u8>, most: usize) -> io::Result<()> {
        let mut looked = 0;
        while bytes.len() < most {
            let ready =
                if self.kept_at < self.kept.len() { &self.kept[self.kept_at..] } else { self.reader.fill_buf()? };
            let len = ready.len().min(most - bytes.len());
            if len == 0 {
                break;
            }
            bytes.try_reserve(len)?;
            bytes.extend_from_slice(&ready[..len]);
            self.consume(len);
            if bytes.len() - looked >= PIECE {
                looked = bytes.len();
                look_at_signals()?;
            }
        }
        Ok(())
    }

    /// Behind the last byte that was promised: nothing, if all is well.
    fn see_end(&mut self) -> io::Result<()> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(());
        }
        Err(io::Error::other("the file grew while it was read"))
    }

    fn ready(&mut self, most: usize) -> PyResult<Vec<u8>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        if self.kept_at == self.kept.len() {
            match self.reader.fill_buf() {
                Ok(ready) => return Ok(ready[..ready.len().min(most)].to_vec()),
                Err(error) => return Err(self.exception(error)),
            }
        }
        let kept = &self.kept[self.kept_at..];
        Ok(kept[..kept.len().min(most)].to_vec())
    }

    fn consume(&mut self, len: usize) {
        if self.kept_at < self.kept.len() {
            self.take_kept(len);
        } else {
            self.reader.consume(len);
        }
    }

    /// Bytes that were read and not given.
    fn keep(&mut self, bytes: &[u8]) {
        let rest = mem::take(&mut self.kept);
        self.kept = [bytes, &rest[self.kept_at..]].concat();
        self.kept_at = 0;
    }

    fn take_kept(&mut self, len: usize) {
        self.kept_at += len;
        if self.kept_at == self.kept.len() {
            (self.kept, self.kept_at) = (Vec::new(), 0);
        }
    }

    fn position(&mut self) -> u64 {
        // The reader's own count, which cannot fail.
        self.reader.stream_position().unwrap_or_default() - (self.kept.len() - self.kept_at) as u64
    }

    fn target(&mut self, offset: i64, whence: u8) -> io::Result<SeekFrom> {
        let from = match whence {
            0 => 0,
            1 => self.position(),
            _ => return Ok(SeekFrom::End(offset)),
        };
        Ok(SeekFrom::Start(from.checked_add_signed(offset).ok_or(Error::InvalidSeek)?))
    }

    fn raw_len(&mut self) -> io::Result<u64> {
        if let Some(raw_len) = self.raw_len {
            return Ok(raw_len);
        }
        let raw_len = self.spans()?.last().map_or(0, |span| span.raw.end);
        self.raw_len = Some(raw_len);
        Ok(raw_len)
    }

    fn spans(&mut self) -> io::Result<Vec<BlockSpan>> {
        let base = self.base.ok_or(io::ErrorKind::Unsupported)?;
        block_spans(self.reader.get_mut(), base, &self.options)
    }

    fn exception(&mut self, error: io::Error) -> PyErr {
        let position = self.position();
        Python::attach(|py| io_exception(py, error, position))
    }
}

/// What a signal handler raised, inside an error of I/O.
fn look_at_signals() -> io::Result<()> {
    Ok(signals()?)
}

/// Whether the stream is wrong, and not what lies under it.
fn is_of_stream(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>)
}
