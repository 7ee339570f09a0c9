//! Model files by tensor.

use std::{fs::File, io, path::PathBuf, sync::Arc};

use pyo3::{
    exceptions::{PyKeyError, PyTypeError, PyValueError},
    prelude::*,
    types::{PyBytes, PyDict},
};
use ranstream_tensors::{
    Archive as ModelFile, BaseModel, Metadata, ReadAt, TensorError, TensorErrorKind, TensorInfo, Value,
};

use crate::{
    buffer::{Changing, FixedBytes, Input, Output},
    error::{class, raised},
};

/// A model file, safetensors or GGUF, compressed or plain.
#[pyclass(module = "ranstream._native", frozen)]
pub(crate) struct Archive {
    file: ModelFile<'static>,
    /// Where the file is memory that somebody may write to.
    memory: Option<Arc<Changing>>,
}

#[pymethods]
impl Archive {
    /// `source` is a path, bytes, or an object with `size` and `read_at(offset, length)`; `base` is
    /// what its tensors are differences from.
    #[new]
    #[pyo3(signature = (source, /, *, threads=1, base=None))]
    fn new(source: &Bound<'_, PyAny>, threads: usize, base: Option<&Bound<'_, Base>>) -> PyResult<Self> {
        let mut memory = None;
        let read_at: Box<dyn ReadAt> = match served(source)? {
            Some(served) => served,
            None => match Input::new(source)? {
                Input::Changing(changing) => Box::new(Arc::clone(memory.insert(Arc::new(changing)))),
                fixed @ Input::Fixed { .. } => Box::new(Memory(fixed.into_fixed()?)),
            },
        };
        Ok(Self { file: opened(source.py(), read_at, threads, base)?, memory })
    }

    /// The names of all tensors, in the order of their bytes.
    fn keys(&self) -> Vec<&str> {
        self.file.tensors().iter().map(|tensor| &*tensor.name).collect()
    }

    /// What the file holds its tensors in, in lower case; why it holds none, if that is so.
    #[getter]
    fn container(&self) -> (String, Option<String>) {
        (format!("{:?}", self.file.container()).to_lowercase(), self.file.opaque().map(ToString::to_string))
    }

    #[getter]
    fn is_compressed(&self) -> bool {
        self.file.is_compressed()
    }

    /// What the header says beside the tensors.
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metadata = PyDict::new(py);
        for (key, value) in self.file.metadata().into_iter().flat_map(Metadata::iter) {
            match value {
                Value::Unsigned(number) => metadata.set_item(key, number)?,
                Value::Signed(number) => metadata.set_item(key, number)?,
                Value::Float(number) => metadata.set_item(key, number)?,
                Value::Bool(is) => metadata.set_item(key, is)?,
                Value::Text(text) => metadata.set_item(key, text)?,
                // It was stepped over: a vocabulary, as a rule.
                _ => metadata.set_item(key, py.None())?,
            }
        }
        Ok(metadata)
    }

    /// Name of the type, shape, bytes, and coded bytes of a tensor.
    #[pyo3(signature = (name, /))]
    fn info(&self, py: Python<'_>, name: &str) -> PyResult<(String, Vec<u64>, u64, u64)> {
        let tensor = self.file.tensor(name).map_err(|error| tensor_exception(py, &error))?;
        let TensorInfo { dtype, shape, .. } = tensor.info();
        Ok((dtype.to_string(), shape.clone(), tensor.info().len(), tensor.coded_len()))
    }

    /// Decodes a tensor to `out`, which has its length; with `start` and `stop`, rows of it.
    #[pyo3(signature = (name, out, start=None, stop=None, /))]
    fn decode_into(&self, name: &str, out: &Bound<'_, PyAny>, start: Option<u64>, stop: Option<u64>) -> PyResult<()> {
        let py = out.py();
        let mut out = self.output(out)?;
        let out = out.as_mut_slice();
        let decoded = py.detach(|| {
            let tensor = self.file.tensor(name)?;
            match (start, stop) {
                (Some(start), Some(stop)) => tensor.rows(start..stop)?.decode_into(out),
                _ => tensor.decode_into(out),
            }
        });
        py.check_signals()?;
        decoded.map_err(|error| tensor_exception(py, &error))
    }

    /// Decodes each tensor that `outs` names to its buffer, block after block in the order of the
    /// file.
    #[pyo3(signature = (outs, /, *, threads=0))]
    fn decode_all(&self, outs: &Bound<'_, PyDict>, threads: usize) -> PyResult<()> {
        let py = outs.py();
        let mut buffers = Vec::with_capacity(outs.len());
        for (name, out) in outs {
            let name = name.extract::<String>()?;
            self.file.tensor(&name).map_err(|error| tensor_exception(py, &error))?;
            buffers.push((name, self.output(&out)?));
        }
        let mut slices = std::collections::HashMap::new();
        for (name, buffer) in &mut buffers {
            slices.insert(name.as_str(), buffer.as_mut_slice());
        }
        let decoded = py.detach(|| self.file.decode_all(threads, |info| slices.remove(&*info.name)));
        py.check_signals()?;
        decoded.map_err(|error| tensor_exception(py, &error))
    }

    /// Raw bytes of the file from `start` to `stop`.
    #[pyo3(signature = (start, stop, /))]
    fn raw<'py>(&self, py: Python<'py>, start: u64, stop: u64) -> PyResult<Bound<'py, PyBytes>> {
        let mut bytes = Vec::new();
        py.detach(|| self.file.copy_raw(start..stop, &mut bytes)).map_err(|error| tensor_exception(py, &error))?;
        Ok(PyBytes::new(py, &bytes))
    }
}

impl Archive {
    /// # Errors
    ///
    /// As [`Output::new`]; `ValueError` for memory of the file itself.
    fn output(&self, out: &Bound<'_, PyAny>) -> PyResult<Output> {
        let out = Output::new(out)?;
        match &self.memory {
            Some(memory) if memory.overlaps(&out) => Err(PyValueError::new_err("the file and the output share memory")),
            _ => Ok(out),
        }
    }
}

/// A model file that others are differences from.
#[pyclass(module = "ranstream._native", frozen)]
pub(crate) struct Base {
    model: BaseModel,
}

#[pymethods]
impl Base {
    /// As an archive; memory that may change is copied. `name` is what streams over it call it.
    #[new]
    #[pyo3(signature = (source, /, *, threads=1, base=None, name=""))]
    fn new(source: &Bound<'_, PyAny>, threads: usize, base: Option<&Bound<'_, Self>>, name: &str) -> PyResult<Self> {
        let py = source.py();
        let read_at = match served(source)? {
            Some(served) => served,
            None => Box::new(Memory(Input::new(source)?.into_fixed()?)),
        };
        let model = BaseModel::new(opened(py, read_at, threads, base)?);
        Ok(Self { model: model.map_err(|error| tensor_exception(py, &error))?.named(name) })
    }
}

impl Base {
    pub(crate) fn model(&self) -> &BaseModel {
        &self.model
    }
}

/// A path, or an object that serves ranges. `None` for any other.
fn served(source: &Bound<'_, PyAny>) -> PyResult<Option<Box<dyn ReadAt>>> {
    if let Ok(path) = source.extract::<PathBuf>() {
        return Ok(Some(Box::new(source.py().detach(|| File::open(path))?)));
    }
    if source.hasattr("read_at")? {
        let size = source.getattr("size")?.extract()?;
        return Ok(Some(Box::new(Ranges { object: source.clone().unbind(), size })));
    }
    Ok(None)
}

fn opened(
    py: Python<'_>,
    source: Box<dyn ReadAt>,
    threads: usize,
    base: Option<&Bound<'_, Base>>,
) -> PyResult<ModelFile<'static>> {
    let mut builder = ModelFile::builder().threads(threads);
    if let Some(base) = base {
        builder = builder.base(base.get().model());
    }
    py.detach(|| builder.open(source)).map_err(|error| tensor_exception(py, &error))
}

/// Bytes in memory.
struct Memory(FixedBytes);

impl ReadAt for Memory {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// An object of Python that serves ranges.
struct Ranges {
    object: Py<PyAny>,
    size: u64,
}

impl ReadAt for Ranges {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        Python::attach(|py| {
            let read = self.object.bind(py).call_method1("read_at", (offset, buf.len()))?;
            let read = read.extract::<&[u8]>().map_err(PyErr::from)?;
            if read.len() != buf.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buf.copy_from_slice(read);
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

/// `error` as an exception: that of the stream, with the tensor's name, or one for who asked for
/// what there is not.
fn tensor_exception(py: Python<'_>, error: &TensorError) -> PyErr {
    let message = error.to_string();
    match &error.kind {
        TensorErrorKind::Io(inner) => match inner.get_ref().and_then(|inner| inner.downcast_ref::<PyErr>()) {
            Some(inner) => inner.clone_ref(py),
            None => io::Error::new(inner.kind(), message).into(),
        },
        TensorErrorKind::Stream(inner) => match class(inner) {
            Some(class) => raised(py, class, &message, error.block, error.offset, None),
            None => PyValueError::new_err(message),
        },
        TensorErrorKind::Opaque(_) => raised(py, "NotRansError", &message, None, None, None),
        TensorErrorKind::NotFound => PyKeyError::new_err(message),
        TensorErrorKind::NoRows => PyTypeError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}
