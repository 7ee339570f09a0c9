//! Where each block of a file is, and the decoding of blocks by themselves.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use pyo3::{
    exceptions::{PyIndexError, PyValueError},
    prelude::*,
    types::{PyBytes, PyList, PyRange, PySlice},
};
use ranstream::{
    DecodeOptions, Error, MAX_BLOCK_LEN, block,
    error::{Corruption, Part},
    format::BlockHeader,
    outline::BlockMap,
};

use crate::{
    buffer::{Input, NewBytes},
    error::{exception, io_exception},
    file::Inner,
    options::decode_options,
    work::PIECE,
};

/// Bytes of a block in a pickle: where its raw bytes begin and end, where its coded ones do, and
/// its number in its stream.
const ENTRY_LEN: usize = 40;

/// Where each block of a compressed file is: a sequence of (raw offset, raw length, coded offset,
/// coded length).
#[pyclass(module = "ranstream", frozen)]
pub(crate) struct Index {
    spans: Vec<BlockSpan>,
}

/// The index of `file`, a path or a file object that can seek: from its tail alone, if it has been
/// written with an index; else from header to header.
#[pyfunction]
#[pyo3(signature = (file, /))]
pub(crate) fn index(file: &Bound<'_, PyAny>) -> PyResult<Index> {
    let py = file.py();
    let mut inner = Inner::new(file, File::open)?;
    let options = decode_options(1, None)?;
    let spans = py.detach(|| {
        let base = inner.stream_position()?;
        block_spans(&mut inner, base, &options)
    });
    spans.map(Index::new).map_err(|error| io_exception(py, error, 0))
}

/// Where a data block is. Raw offsets count over all streams, coded ones from where the first
/// stream begins.
#[derive(Clone)]
pub(crate) struct BlockSpan {
    pub(crate) raw: Range<u64>,
    /// Header and check among them.
    coded: Range<u64>,
    /// Blocks before it in its stream, application data among them.
    number: u64,
}

impl BlockSpan {
    /// As Python has it.
    fn entry(&self) -> (u64, u64, u64, u64) {
        let Self { raw, coded, .. } = self;
        (raw.start, raw.end - raw.start, coded.start, coded.end - coded.start)
    }
}

/// Every data block of the streams that begin at `base` of `inner`, which stays where it is.
pub(crate) fn block_spans(inner: &mut Inner, base: u64, options: &DecodeOptions) -> io::Result<Vec<BlockSpan>> {
    let place = inner.stream_position()?;
    let map = BlockMap::read(&mut Behind { inner, base }, options);
    inner.seek(SeekFrom::Start(place))?;
    let map = map?;
    map.raw_len()?;
    let (mut spans, mut number, mut end) = (Vec::new(), 0, None);
    for position in 0..map.len() {
        let Some(block) = map.block(position) else {
            break;
        };
        // What stands between two blocks is the end of a stream and the header of the next one.
        number = if end == Some(block.offset) { number + 1 } else { 0 };
        end = Some(block.offset + block.coded_len);
        if let BlockHeader::Data { raw_len, .. } = block.header {
            let raw = block.raw_offset..block.raw_offset + raw_len as u64;
            spans.push(BlockSpan { raw, coded: block.offset..block.offset + block.coded_len, number });
        }
    }
    Ok(spans)
}

/// A file whose first bytes are somebody else's.
struct Behind<'a> {
    inner: &'a mut Inner,
    base: u64,
}

impl Read for Behind<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl Seek for Behind<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(at.saturating_add(self.base)),
            to => to,
        };
        Ok(self.inner.seek(to)?.saturating_sub(self.base))
    }
}

#[pymethods]
impl Index {
    /// The index that `__reduce__` took apart.
    #[staticmethod]
    fn _of(entries: &[u8]) -> PyResult<Self> {
        let (entries, rest) = entries.as_chunks::<ENTRY_LEN>();
        let (mut spans, mut raw_end, mut coded_end) = (Vec::with_capacity(entries.len()), 0, 0);
        for entry in entries {
            let mut fields = [0; ENTRY_LEN / 8];
            for (field, bytes) in fields.iter_mut().zip(entry.as_chunks().0) {
                *field = u64::from_le_bytes(*bytes);
            }
            let [raw_from, raw_to, coded_from, coded_to, number] = fields;
            let fits = (1..=MAX_BLOCK_LEN as u64).contains(&raw_to.wrapping_sub(raw_from)) && coded_from < coded_to;
            if raw_from != raw_end || coded_from < coded_end || !fits {
                return Err(PyValueError::new_err("blocks out of order"));
            }
            (raw_end, coded_end) = (raw_to, coded_to);
            spans.push(BlockSpan { raw: raw_from..raw_to, coded: coded_from..coded_to, number });
        }
        if !rest.is_empty() {
            return Err(PyValueError::new_err("half a block"));
        }
        Ok(Self::new(spans))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let fields = |span: &BlockSpan| {
            let BlockSpan { raw, coded, number, .. } = span;
            [raw.start, raw.end, coded.start, coded.end, *number].map(u64::to_le_bytes)
        };
        let entries: Vec<u8> = self.spans.iter().flat_map(|span| fields(span).concat()).collect();
        Ok((py.get_type::<Self>().getattr("_of")?, (PyBytes::new(py, &entries),)))
    }

    fn __len__(&self) -> usize {
        self.spans.len()
    }

    /// A block, or a list of those of a slice.
    fn __getitem__<'py>(&self, at: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = at.py();
        if let Ok(slice) = at.cast::<PySlice>() {
            let places = slice.indices(self.spans.len().cast_signed())?;
            let (from, step) = (places.start, places.step);
            let blocks = (0..places.slicelength).map(|nth| &self.spans[(from + nth.cast_signed() * step) as usize]);
            return Ok(PyList::new(py, blocks.map(BlockSpan::entry).collect::<Vec<_>>())?.into_any());
        }
        let at = at.extract::<isize>()?;
        let at = if at < 0 { at + self.spans.len().cast_signed() } else { at };
        let span = usize::try_from(at).ok().and_then(|at| self.spans.get(at));
        let span = span.ok_or_else(|| PyIndexError::new_err("no such block"))?;
        Ok(span.entry().into_pyobject(py)?.into_any())
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let places = slf.py().get_type::<PyRange>().call1((slf.len()?,))?;
        slf.py().import("builtins")?.call_method1("map", (slf.getattr("__getitem__")?, places))
    }

    fn __repr__(&self) -> String {
        format!("<ranstream.Index of {} blocks, {} raw bytes>", self.spans.len(), self.raw_size())
    }

    /// Raw bytes in all.
    #[getter]
    fn raw_size(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.raw.end)
    }

    /// Raw ranges (start, stop) that cover all bytes, each of whole blocks and, unless one block
    /// has more, at most `size` bytes.
    fn split(&self, size: u64) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for BlockSpan { raw, .. } in &self.spans {
            match ranges.last_mut() {
                Some((start, stop)) if raw.end - *start <= size => *stop = raw.end,
                _ => ranges.push((raw.start, raw.end)),
            }
        }
        ranges
    }

    /// The coded bytes (start, stop) that decode to the raw bytes from `start` to `stop`: whole
    /// blocks.
    fn coded_range(&self, start: u64, stop: u64) -> (u64, u64) {
        let blocks = &self.spans[self.blocks(start, stop)];
        match (blocks.first(), blocks.last()) {
            (Some(first), Some(last)) => (first.coded.start, last.coded.end),
            _ => (0, 0),
        }
    }

    /// The raw bytes (start, stop) of all blocks that hold a byte from `start` to `stop`.
    fn raw_range(&self, start: u64, stop: u64) -> (u64, u64) {
        let blocks = &self.spans[self.blocks(start, stop)];
        match (blocks.first(), blocks.last()) {
            (Some(first), Some(last)) => (first.raw.start, last.raw.end),
            _ => (0, 0),
        }
    }

    /// The raw bytes from `start` to `stop`, decoded from `coded`: the bytes of
    /// `coded_range(start, stop)`, no more and no fewer.
    #[pyo3(signature = (coded, start, stop, /))]
    fn decode<'py>(&self, coded: &Bound<'py, PyAny>, start: u64, stop: u64) -> PyResult<Bound<'py, PyBytes>> {
        let py = coded.py();
        let coded = Input::new(coded)?.into_fixed().map_err(|error| io_exception(py, error, 0))?;
        let stop = stop.min(self.raw_size());
        let blocks = &self.spans[self.blocks(start, stop)];
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
            return Ok(PyBytes::new(py, &[]));
        };
        let expected = last.coded.end - first.coded.start;
        if coded.len() as u64 != expected {
            let given = coded.len();
            return Err(PyValueError::new_err(format!("{given} coded bytes where {expected} belong")));
        }
        let mut bytes = NewBytes::zeroed(py, (stop - start) as usize)?;
        let mut out = bytes.as_mut_slice();
        let mut rest = blocks;
        while !rest.is_empty() {
            let decoded = py.detach(|| {
                let before = out.len();
                while let Some((span, later)) = rest.split_first()
                    && before - out.len() < PIECE
                {
                    let at = (span.coded.start - first.coded.start) as usize;
                    let coded = &coded[at..at + (span.coded.end - span.coded.start) as usize];
                    let len = decode_part(coded, span, start..stop, out).map_err(|error| (error, span.raw.start))?;
                    out = &mut std::mem::take(&mut out)[len..];
                    rest = later;
                }
                Ok(())
            });
            decoded.map_err(|(error, position)| exception(py, &error, position))?;
            py.check_signals()?;
        }
        let len = bytes.as_mut_slice().len();
        bytes.first(len)
    }
}

impl Index {
    pub(crate) fn new(spans: Vec<BlockSpan>) -> Self {
        Self { spans }
    }

    /// Those of the blocks that hold a raw byte from `start` to `stop`.
    fn blocks(&self, start: u64, stop: u64) -> Range<usize> {
        if start >= stop {
            return 0..0;
        }
        let first = self.spans.partition_point(|span| span.raw.end <= start);
        let last = self.spans.partition_point(|span| span.raw.start < stop);
        first..last.max(first)
    }
}

/// Decodes one block and writes those of its bytes that are in `wanted` to the start of `out`; how
/// many that are comes back.
fn decode_part(coded: &[u8], span: &BlockSpan, wanted: Range<u64>, out: &mut [u8]) -> Result<usize, Error> {
    let raw_len = (span.raw.end - span.raw.start) as usize;
    if block::raw_len(coded).map_err(|error| placed(error, span))? != raw_len {
        return Err(mismatch(span));
    }
    let part = wanted.start.max(span.raw.start)..wanted.end.min(span.raw.end);
    let len = (part.end - part.start) as usize;
    if len == raw_len {
        return block::decode(coded, out).map_err(|error| placed(error, span));
    }
    let mut raw = vec![0; raw_len];
    block::decode(coded, &mut raw).map_err(|error| placed(error, span))?;
    let at = (part.start - span.raw.start) as usize;
    out[..len].copy_from_slice(&raw[at..at + len]);
    Ok(len)
}

fn mismatch(span: &BlockSpan) -> Error {
    let reason = Corruption::IndexMismatch;
    Error::Corrupt { part: Part::Index, offset: span.coded.start, reason }
}

/// An error of one block by itself, as one of the file.
fn placed(error: Error, span: &BlockSpan) -> Error {
    match error {
        Error::TrailingData { .. } => mismatch(span),
        error => error.in_file(span.number, span.coded.start),
    }
}
