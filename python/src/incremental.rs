//! Streams in pieces, in the manner of bz2 and lzma.

use pyo3::{
    exceptions::{PyEOFError, PyValueError},
    prelude::*,
    types::PyBytes,
};
use ranstream::{
    Error,
    stream::{Decoder, Encoder, Op, Status},
};

use crate::{
    buffer::Input,
    error::{exception, io_exception},
    exclusive::Exclusive,
    options::{EncodeArgs, decode_options, layout},
};

/// Compress data that comes in pieces.
///
/// Arguments as those of `compress`, but for `threads`, which is 1: the caller's own.
#[pyclass(module = "ranstream", frozen)]
pub(crate) struct RansCompressor {
    encoder: Exclusive<Encoder>,
}

#[pymethods]
impl RansCompressor {
    /// `flush`: cut the block, so that everything so far can be decoded.
    #[classattr]
    const BLOCK: u8 = 1;
    /// `flush`: end the stream.
    #[classattr]
    const FINISH: u8 = 2;

    #[new]
    #[pyo3(signature = (*, threads=1, block_size=None, index=true, check=true, types=None, level=None))]
    fn new(
        threads: usize,
        block_size: Option<usize>,
        index: bool,
        check: bool,
        types: Option<&str>,
        level: Option<u8>,
    ) -> PyResult<Self> {
        let args = EncodeArgs { threads: Some(threads), block_size, index, check, level, layout: layout(types)? };
        Ok(Self { encoder: Exclusive::new(Encoder::new(args.options(usize::MAX)?)) })
    }

    /// Take `data`; coded bytes that are ready come back, which may be none.
    #[pyo3(signature = (data, /))]
    fn compress<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let py = data.py();
        let raw = Input::new(data)?.into_fixed().map_err(|error| io_exception(py, error, 0))?;
        self.drive(py, &raw, Op::Run)
    }

    /// Give all coded bytes that are left. With `FINISH`, the default, the stream ends, and the
    /// compressor takes no more.
    #[pyo3(signature = (mode=Self::FINISH, /), text_signature = "($self, mode=2, /)")]
    fn flush<'py>(&self, py: Python<'py>, mode: u8) -> PyResult<Bound<'py, PyBytes>> {
        let op = match mode {
            Self::BLOCK => Op::Flush,
            Self::FINISH => Op::Finish,
            _ => return Err(PyValueError::new_err("mode is neither BLOCK nor FINISH")),
        };
        self.drive(py, &[], op)
    }
}

impl RansCompressor {
    fn drive<'py>(&self, py: Python<'py>, mut raw: &[u8], op: Op) -> PyResult<Bound<'py, PyBytes>> {
        let coded = self.encoder.with(py, |encoder| {
            let mut coded = Vec::new();
            let result = loop {
                coded.extend_from_slice(encoder.ready());
                let ready = encoder.ready().len();
                encoder.consume(ready);
                match encoder.step(raw, &mut [], op) {
                    Err(error) => break Err(error),
                    Ok(step) => {
                        raw = &raw[step.consumed..];
                        match step.status {
                            Status::NeedsOutput { .. } => {}
                            Status::InFlight { .. } => encoder.wait(),
                            _ => break Ok(coded),
                        }
                    }
                }
            };
            Ok(result)
        })?;
        let coded = coded.map_err(|error| exception(py, &error, 0))?;
        Ok(PyBytes::new(py, &coded))
    }
}

/// Decompress one stream that comes in pieces.
///
/// Bytes before damage come out first: `needs_input` is false then, and the next call raises the
/// error.
#[pyclass(module = "ranstream", frozen)]
pub(crate) struct RansDecompressor {
    state: Exclusive<State>,
}

struct State {
    decoder: Decoder,
    /// Coded bytes that were not taken yet; behind the stream's end, those of somebody else.
    rest: Vec<u8>,
    given: u64,
    /// Why the last step stopped.
    stop: Stop,
}

#[derive(Clone, Copy, PartialEq)]
enum Stop {
    NeedsInput,
    /// There is more, or an error.
    Limited,
    Eof,
}

#[pymethods]
impl RansDecompressor {
    #[new]
    #[pyo3(signature = (*, threads=1, max_size=None))]
    fn new(threads: usize, max_size: Option<u64>) -> PyResult<Self> {
        let decoder = Decoder::new(decode_options(threads, max_size)?.single_stream(true));
        let state = State { decoder, rest: Vec::new(), given: 0, stop: Stop::NeedsInput };
        Ok(Self { state: Exclusive::new(state) })
    }

    /// Take `data`; up to `max_length` raw bytes come back, all that are there if it is negative.
    ///
    /// `EOFError` behind the end of the stream.
    #[pyo3(signature = (data, /, max_length=-1), text_signature = "($self, data, /, max_length=-1)")]
    fn decompress<'py>(&self, data: &Bound<'py, PyAny>, max_length: isize) -> PyResult<Bound<'py, PyBytes>> {
        let py = data.py();
        let coded = Input::new(data)?.into_fixed().map_err(|error| io_exception(py, error, 0))?;
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let raw = self.state.with(py, |state| {
            if state.stop == Stop::Eof {
                return Err(PyEOFError::new_err("the stream has ended already"));
            }
            Ok(state.decode(&coded, most).map_err(|error| (error, state.given)))
        })?;
        let raw = raw.map_err(|(error, given)| exception(py, &error, given))?;
        Ok(PyBytes::new(py, &raw))
    }

    /// Whether the stream has ended.
    #[getter]
    fn eof(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.with(py, |state| Ok(state.stop == Stop::Eof))
    }

    /// Whether the next call gives nothing without more data.
    #[getter]
    fn needs_input(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.with(py, |state| Ok(state.stop == Stop::NeedsInput))
    }

    /// Data behind the end of the stream.
    #[getter]
    fn unused_data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let data =
            self.state.with(py, |state| Ok(if state.stop == Stop::Eof { state.rest.clone() } else { Vec::new() }))?;
        Ok(PyBytes::new(py, &data))
    }
}

impl State {
    fn decode(&mut self, coded: &[u8], most: usize) -> Result<Vec<u8>, Error> {
        let held = if self.rest.is_empty() { None } else { Some(std::mem::take(&mut self.rest)) };
        let joined = held.map(|mut held| {
            held.extend_from_slice(coded);
            held
        });
        let mut input = joined.as_deref().unwrap_or(coded);
        let mut raw = Vec::new();
        self.stop = loop {
            let ready = self.decoder.ready();
            let len = ready.len().min(most - raw.len());
            raw.extend_from_slice(&ready[..len]);
            self.decoder.consume(len);
            // With all that was asked for, the stream's end may still be there to be seen.
            if !self.decoder.ready().is_empty() {
                break Stop::Limited;
            }
            match self.decoder.step(input, &mut [], Op::Run) {
                Err(_) if !raw.is_empty() => break Stop::Limited,
                Err(error) => return Err(error),
                Ok(step) => {
                    input = &input[step.consumed..];
                    match step.status {
                        Status::NeedsInput { .. } => break Stop::NeedsInput,
                        Status::InFlight { .. } => self.decoder.wait(),
                        Status::Finished => break Stop::Eof,
                        _ => {}
                    }
                }
            }
        };
        self.given += raw.len() as u64;
        self.rest = if self.stop == Stop::Eof { [self.decoder.unused(), input].concat() } else { input.to_vec() };
        Ok(raw)
    }
}
