//! Whole buffers in one call.

use std::{
    io::Read,
    ops::ControlFlow::{self, Break, Continue},
};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, RansReader,
    outline::{OutlinePart, OutlineReader},
    stream::{Decoder, Encoder, Op, Outline, Status},
};

use crate::{
    buffer::{Changing, FixedBytes, Input, NewBytes, Output, Room, appended},
    error::{exception, io_exception},
    options::{EncodeArgs, decode_options, layout, threads_for},
    work::{PIECE, in_pieces},
};

/// Up to so many bytes are coded in one go.
const FEW: usize = 64 << 10;

/// Up to so many raw bytes are one block, or not worth a second thread.
const SHORT: usize = 256 << 10;

/// Bytes that a stream may have beside those of its blocks: header, end, index without entries.
const STREAM_OVERHEAD: usize = 128;

/// Bytes that a block may have beside its raw bytes: header, check, and its entry in the index.
const BLOCK_OVERHEAD: usize = 20;

/// Compress `data`, any contiguous buffer, to one stream.
///
/// `threads`: `None` is all cores where there is more than one block, 0 all cores, 1 the caller's
/// own thread. `level`: 0 to 9, `None` is 3. `block_size`: raw bytes per block, `None` is 256 KiB
/// at level 0 and 1 to 8 MiB at higher ones. `index`: a list of blocks behind the stream, for
/// seeking. `check`: a check over all raw bytes, beside those of the blocks. `types`: what the
/// bytes are, `f32` say, so that bytes that mean the same are coded together; `auto` is what the
/// buffer says.
#[pyfunction]
#[pyo3(signature = (data, /, *, threads=None, block_size=None, index=true, check=true, types=Some("auto"), level=None), text_signature = "(data, /, *, threads=None, block_size=None, index=True, check=True, types='auto', level=None)")]
pub(crate) fn compress<'py>(
    data: &Bound<'py, PyAny>,
    threads: Option<usize>,
    block_size: Option<usize>,
    index: bool,
    check: bool,
    types: Option<&str>,
    level: Option<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = data.py();
    let input = Input::new(data)?;
    let layout = if types == Some("auto") { input.layout() } else { layout(types)? };
    let options = EncodeArgs { threads, block_size, index, check, level, layout }.options(input.len())?;
    if input.len() <= FEW {
        let raw = input.into_fixed().map_err(|error| io_exception(py, error, 0))?;
        let coded = py.detach(|| ranstream::compress(&raw, &options)).map_err(|error| exception(py, &error, 0))?;
        return Ok(PyBytes::new(py, &coded));
    }
    // Blocks of a layout hold whole elements, so that some are a few bytes shorter.
    let blocks = input.len() / options.block_len.saturating_sub(7).max(1) + 1;
    let bound = input.len().saturating_add(blocks.saturating_mul(BLOCK_OVERHEAD)).saturating_add(STREAM_OVERHEAD);
    appended(py, bound, |out| encode(py, input, out, options))
}

/// Codes all of `input` to `out`.
fn encode(py: Python<'_>, input: Input, out: &mut Room<'_>, options: EncodeOptions) -> PyResult<()> {
    let piece_len = (PIECE / options.block_len.max(1)).max(1) * options.block_len;
    let mut encoder = Encoder::new(options);
    let mut taken = 0;
    let mut input = match input {
        Input::Fixed { owner, range } => Source::Fixed(FixedBytes::Borrowed { owner, range }),
        Input::Changing(changing) => Source::Changing(changing, Op::Run),
    };
    in_pieces(py, || {
        let before = taken;
        loop {
            let step = match &mut input {
                Source::Fixed(raw) => {
                    let end = raw.len().min(before + piece_len);
                    let op = if end == raw.len() { Op::Finish } else { Op::Run };
                    encoder.step(&raw[taken..end], &mut [], op)
                }
                Source::Changing(changing, op) => {
                    // Behind the last byte the encoder has no more room to offer.
                    let copied = if *op == Op::Run { copy_in(&mut encoder, changing, &mut taken) } else { Ok(*op) };
                    copied.and_then(|next| {
                        *op = next;
                        encoder.step(&[], &mut [], next)
                    })
                }
            };
            let step = match step {
                Ok(step) => step,
                Err(error) => return Break(Err(error)),
            };
            taken += step.consumed;
            let ready = encoder.ready().len();
            if !out.extend(encoder.ready()) {
                return Break(Err(Error::OutputTooSmall { needed: ready as u64, available: 0 }));
            }
            encoder.consume(ready);
            match step.status {
                Status::InFlight { .. } => encoder.wait(),
                Status::Finished => return Break(Ok(())),
                Status::NeedsOutput { .. } => {}
                _ if taken - before >= piece_len => return Continue(()),
                _ => {}
            }
        }
    })?
    .map_err(|error| exception(py, &error, taken as u64))
}

/// What is coded.
enum Source {
    Fixed(FixedBytes),
    /// With what the last step was to reach.
    Changing(Changing, Op),
}

/// Copies bytes into the block in progress; what the next step is to reach comes back.
fn copy_in(encoder: &mut Encoder, changing: &mut Changing, taken: &mut usize) -> Result<Op, Error> {
    let space = encoder.space()?;
    if space.is_empty() {
        return Ok(Op::Run);
    }
    // Memory does not fail to be read.
    let read = changing.read(space).unwrap_or_default();
    encoder.commit(read)?;
    *taken += read;
    Ok(if read == 0 { Op::Finish } else { Op::Run })
}

/// Decompress all streams in `data` to new bytes.
///
/// With `max_size`, a stream that has more raw bytes is refused before memory is taken for them:
/// set it where `data` comes from somebody else. `threads` as in `compress`.
#[pyfunction]
#[pyo3(signature = (data, /, *, threads=None, max_size=None))]
pub(crate) fn decompress<'py>(
    data: &Bound<'py, PyAny>,
    threads: Option<usize>,
    max_size: Option<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = data.py();
    let mut input = Input::new(data)?;
    let limits = decode_options(1, max_size)?;
    let raw_len = py.detach(|| raw_len(&mut input, limits)).map_err(|error| exception(py, &error, 0))?;
    let options = decode_options(threads_for(threads, raw_len, SHORT), max_size)?;
    let mut out = NewBytes::zeroed(py, raw_len)?;
    let len = decode(py, input, out.as_mut_slice(), options)?;
    out.first(len)
}

/// Decompress all streams in `data` to the start of `out`, any writable contiguous buffer; how many
/// bytes that were comes back.
///
/// Nothing is allocated for the result. `ValueError` when `out` is too short. After an error, `out`
/// holds what was decoded before, `position` bytes of it. `threads` as in `compress`.
#[pyfunction]
#[pyo3(signature = (data, out, /, *, threads=None))]
pub(crate) fn decompress_into(
    data: &Bound<'_, PyAny>,
    out: &Bound<'_, PyAny>,
    threads: Option<usize>,
) -> PyResult<usize> {
    let py = data.py();
    let input = Input::new(data)?;
    let mut out = Output::new(out)?;
    if let Input::Changing(changing) = &input
        && changing.overlaps(&out)
    {
        return Err(PyValueError::new_err("data and out share memory"));
    }
    let out = out.as_mut_slice();
    let options = decode_options(threads_for(threads, out.len(), SHORT), None)?;
    decode(py, input, out, options)
}

/// Raw bytes of all streams, by their block headers. Only limits and what is no stream at all
/// are errors here: what else is wrong comes behind good bytes.
fn raw_len(input: &mut Input, options: DecodeOptions) -> Result<usize, Error> {
    let mut len = 0;
    let fault = match input {
        Input::Fixed { owner, range } => {
            let mut walk = Walk::new(options);
            loop {
                match walk.pass(&owner[range.clone()]) {
                    Ok(Some(raw_len)) => len += raw_len,
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            }
        }
        Input::Changing(changing) => {
            let parts = OutlineReader::seeking(&mut *changing, options);
            let fault = parts.and_then(|parts| {
                for part in parts {
                    len += raw_len_of(&part?);
                }
                Ok(())
            });
            // From here on the bytes are read once more.
            let rewound = std::io::Seek::rewind(changing);
            fault.and(rewound).err().and_then(|error| Error::try_from(error).ok())
        }
    };
    match fault {
        Some(error @ (Error::LimitExceeded { .. } | Error::NotAStream { .. })) => Err(error),
        _ => Ok(len),
    }
}

fn raw_len_of(part: &OutlinePart) -> usize {
    if let OutlinePart::Block { header, .. } = part { header.raw_len() } else { 0 }
}

/// A walk over the blocks of streams in memory, from header to header.
struct Walk {
    outline: Outline,
    /// Bytes that were passed.
    at: usize,
}

impl Walk {
    fn new(options: DecodeOptions) -> Self {
        Self { outline: Outline::new(options), at: 0 }
    }

    /// Passes the next part, a block or what is between two; its raw bytes come back. `None` at the
    /// end of `bytes`.
    fn pass(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let (taken, part) = self.outline.step(&bytes[self.at..])?;
        self.at += taken;
        let there = self.outline.to_pass().min((bytes.len() - self.at) as u64);
        self.outline.pass(there);
        self.at += there as usize;
        Ok(match part {
            Some(part) => Some(raw_len_of(&part)),
            None if self.at == bytes.len() => None,
            None => Some(0),
        })
    }

    /// Passes blocks of some [`PIECE`] raw bytes. Behind what is wrong there is one piece.
    fn pass_piece(&mut self, bytes: &[u8]) {
        let mut raw_len = 0;
        while raw_len < PIECE && self.at < bytes.len() {
            match self.pass(bytes) {
                Ok(passed) => raw_len += passed.unwrap_or_default(),
                Err(_) => self.at = bytes.len(),
            }
        }
    }
}

/// Decodes all of `input` to `out`; how many bytes that were comes back.
fn decode(py: Python<'_>, input: Input, out: &mut [u8], options: DecodeOptions) -> PyResult<usize> {
    let mut given = 0;
    let result = match input {
        Input::Fixed { owner, range } => {
            let mut walk = Walk::new(options.clone());
            let mut decoder = Decoder::new(options);
            let (coded, mut taken) = (&owner[range], 0);
            in_pieces(py, || {
                walk.pass_piece(coded);
                let op = if walk.at == coded.len() { Op::Finish } else { Op::Run };
                let piece = &coded[taken..walk.at];
                taken = walk.at;
                decode_piece(&mut decoder, piece, op, out, &mut given)
            })?
        }
        Input::Changing(changing) => {
            let mut reader = RansReader::with_options(changing, options);
            in_pieces(py, || read_piece(&mut reader, out, &mut given))?
        }
    };
    result.map_err(|error| exception(py, &error, given as u64)).map(|()| given)
}

/// Decodes whole blocks, straight to `out`: a piece is what is taken, since a decoder that has no
/// room for what it decodes keeps it, and copies it later.
fn decode_piece(
    decoder: &mut Decoder,
    mut piece: &[u8],
    op: Op,
    out: &mut [u8],
    given: &mut usize,
) -> ControlFlow<Result<(), Error>> {
    loop {
        let step = match decoder.step(piece, &mut out[*given..], op) {
            Ok(step) => step,
            Err(error) => return Break(Err(error)),
        };
        piece = &piece[step.consumed..];
        *given += step.produced;
        match step.status {
            Status::InFlight { .. } => decoder.wait(),
            Status::Finished => return Break(Ok(())),
            Status::NeedsOutput { ready } if ready > 0 => {
                return Break(Err(Error::OutputTooSmall {
                    needed: (*given + ready) as u64,
                    available: out.len() as u64,
                }));
            }
            Status::NeedsInput { .. } if piece.is_empty() => return Continue(()),
            _ => {}
        }
    }
}

fn read_piece(reader: &mut RansReader<Changing>, out: &mut [u8], given: &mut usize) -> ControlFlow<Result<(), Error>> {
    let end = out.len().min(given.saturating_add(PIECE));
    let is_full = *given == out.len();
    let mut beyond = [0];
    while *given < end || is_full {
        let room = if is_full { &mut beyond[..] } else { &mut out[*given..end] };
        match reader.read(room) {
            Ok(0) => return Break(Ok(())),
            Ok(_) if is_full => {
                let (needed, available) = (*given as u64 + 1, *given as u64);
                return Break(Err(Error::OutputTooSmall { needed, available }));
            }
            Ok(read) => *given += read,
            // Memory does not fail to be read.
            Err(error) => return Break(Err(Error::try_from(error).unwrap_or(Error::Finished))),
        }
    }
    Continue(())
}
