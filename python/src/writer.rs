//! What a `RansFile` that is written stands on.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
};

use pyo3::{exceptions::PyValueError, prelude::*};
use ranstream::{EncodeOptions, RansWriter, recover::close_unfinished};
use ranstream_tensors::{Profile, TensorOptions, TensorWriter};

use crate::{
    buffer::Input,
    error::io_exception,
    exclusive::Exclusive,
    file::Inner,
    options::{EncodeArgs, layout},
    tensors::Base,
    work::{PIECE, signals},
};

/// A stream in a file that is being written.
#[pyclass(module = "ranstream._native", frozen)]
pub(crate) struct Writer {
    stream: Exclusive<Stream>,
}

enum Stream {
    Bytes(Box<RansWriter<Inner>>),
    /// A model file, whose blocks end where tensors do; or bytes, if it turns out to be none.
    Model(Box<TensorWriter<Inner>>),
}

#[pymethods]
impl Writer {
    /// `mode` is `w`, `x` or `a`, as `open` has them. `profile` is what a model file is to be good
    /// at: `fast`, `small` or `device`; `base` is what its tensors may be differences from.
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    #[new]
    #[pyo3(signature = (file, mode, /, *, threads=1, block_size=None, index=true, check=true, types=None, level=None, profile=None, base=None))]
    fn new(
        file: &Bound<'_, PyAny>,
        mode: char,
        threads: usize,
        block_size: Option<usize>,
        index: bool,
        check: bool,
        types: Option<&str>,
        level: Option<u8>,
        profile: Option<&str>,
        base: Option<&Bound<'_, Base>>,
    ) -> PyResult<Self> {
        let py = file.py();
        // Before a file is emptied for options that are wrong.
        let args = EncodeArgs { threads: Some(threads), block_size, index, check, level, layout: layout(types)? };
        let options = args.options(usize::MAX)?;
        ranstream::compress(&[], &options).map_err(|error| crate::error::exception(py, &error, 0))?;
        let model = match profile {
            Some(name) => Some(model_options(name, base, &options)?),
            None if base.is_some() => return Err(PyValueError::new_err("a base is for model files: name a profile")),
            None => None,
        };
        let mut open = OpenOptions::new();
        match mode {
            'w' => open.write(true).create(true).truncate(true),
            'x' => open.write(true).create_new(true),
            'a' => open.read(true).append(true).create(true),
            _ => return Err(PyValueError::new_err("mode is none of w, x and a")),
        };
        let mut inner = Inner::new(file, |path| open.open(path))?;
        if mode == 'a'
            && let Inner::File(file) = &mut inner
        {
            py.detach(|| go_behind(file)).map_err(|error| io_exception(py, error, 0))?;
        }
        Ok(Self { stream: Exclusive::new(Stream::new(inner, options, model)) })
    }

    /// Takes all of `data`; how many bytes that were comes back.
    #[pyo3(signature = (data, /))]
    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = data.py();
        let raw = Input::new(data)?.into_fixed().map_err(|error| io_exception(py, error, 0))?;
        self.stream.with(py, |stream| {
            for piece in raw.chunks(PIECE) {
                stream.writer().write_all(piece).map_err(exception)?;
                if raw.len() > PIECE {
                    signals()?;
                }
            }
            Ok(raw.len())
        })
    }

    /// Cuts the block and writes everything, so that a reader sees all bytes so far.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.with(py, |stream| stream.writer().flush().map_err(exception))
    }

    /// Ends the stream.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.with(py, |stream| stream.try_finish().map_err(exception))
    }
}

impl Stream {
    fn new(inner: Inner, options: EncodeOptions, model: Option<TensorOptions>) -> Self {
        match model {
            None => Self::Bytes(Box::new(RansWriter::with_options(inner, options))),
            Some(model) => Self::Model(Box::new(TensorWriter::new(inner, model))),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Bytes(writer) => writer,
            Self::Model(writer) => writer,
        }
    }

    fn try_finish(&mut self) -> io::Result<()> {
        match self {
            Self::Bytes(writer) => writer.try_finish(),
            Self::Model(writer) => writer.try_finish(),
        }
    }
}

/// For the profile that is called `name`, and `options` for all else.
fn model_options(name: &str, base: Option<&Bound<'_, Base>>, options: &EncodeOptions) -> PyResult<TensorOptions> {
    let profile = match name {
        "fast" => Profile::Fast,
        "small" => Profile::Small,
        "device" => Profile::Device,
        _ => return Err(PyValueError::new_err(format!("profile is {name:?}, none of fast, small and device"))),
    };
    let model = TensorOptions::new().profile(profile).index(options.index).encode(options.clone());
    Ok(match base {
        Some(base) => model.base(base.get().model()),
        None => model,
    })
}

fn exception(error: io::Error) -> PyErr {
    Python::attach(|py| io_exception(py, error, 0))
}

/// Ends a stream that a crash left without its end, and stands behind the last one.
fn go_behind(file: &mut File) -> io::Result<()> {
    close_unfinished(file)?;
    file.seek(SeekFrom::End(0)).map(drop)
}
