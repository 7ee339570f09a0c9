//! Whole buffers and whole streams in one call.

use std::{
    io::{self, BufRead, Read, Write},
    ops::ControlFlow,
};

#[cfg(doc)]
use crate::Limits;
use crate::{
    block,
    error::Error,
    io::read::{RansEncoder, RansReader},
    options::{DecodeOptions, EncodeOptions, Valid},
    parallel::{Executor, Lost, work_in_order},
    progress::Progress,
    stream::{Anywhere, Decoder, Framer, Growing, Op, Status},
    sync::{Mutex, call_out},
};

/// Codes `raw` as one stream.
///
/// ```
/// use ranstream::{DecodeOptions, EncodeOptions, compress, decompress};
///
/// let raw = b"to be or not to be, that is the question".repeat(100);
/// let stream = compress(&raw, &EncodeOptions::new())?;
/// assert!(stream.len() < raw.len());
/// assert_eq!(decompress(&stream, &DecodeOptions::new())?, raw);
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidOption`], and [`Error::ContentLength`] when `raw` is not as long as declared.
pub fn compress(raw: &[u8], options: &EncodeOptions) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    compress_into(raw, &mut out, options)?;
    Ok(out)
}

/// Appends `raw` as one stream to `out`; how many bytes that were comes back. With enough capacity
/// in `out` nothing is allocated for the result. With threads, workers code each block from where
/// it lies.
///
/// # Errors
///
/// As [`compress`]. What was appended until then stays.
pub fn compress_into(raw: &[u8], out: &mut Vec<u8>, options: &EncodeOptions) -> Result<usize, Error> {
    let mut options = options.clone();
    if options.declare_length {
        options.content_length.get_or_insert(raw.len() as u64);
    }
    let options = &options.validated()?;
    let before = out.len();
    let executor = Executor::new(&options.work);
    // One block needs no help.
    let block_len = options.layout_block_len();
    if executor.is_pool() && raw.len() > block_len {
        compress_with_threads(raw, out, options, &executor)?;
        return Ok(out.len() - before);
    }
    let (mut framer, block_options) = (Framer::new(options), options.block());
    framer.start(out);
    for (block, at) in raw.chunks(block_len).zip((0..).step_by(block_len)) {
        framer.take(block)?;
        let base = options.base_part(at);
        framer.append_block(out, |out| block::append(block, &block_options, base.as_ref(), out));
    }
    framer.end(out)?;
    Ok(out.len() - before)
}

/// Workers code each block from where it lies. Its bytes are moved to `out` by whoever coded the
/// oldest one.
fn compress_with_threads(
    raw: &[u8],
    out: &mut Vec<u8>,
    options: &Valid<EncodeOptions>,
    executor: &Executor,
) -> Result<(), Error> {
    let (mut framer, block_options) = (Framer::new(options), options.block());
    framer.start(out);
    let block_len = options.layout_block_len();
    let mut blocks = raw.chunks(block_len).zip((0..).step_by(block_len));
    let spare = Mutex::new(Vec::new());
    let mut taken = Ok(());
    let worked = work_in_order(
        executor,
        executor.in_flight(&options.work),
        || blocks.next(),
        |(block, at)| {
            let mut coded = spare.lock().pop().unwrap_or_default();
            let base = options.base_part(at);
            let appended = block::append(block, &block_options, base.as_ref(), &mut coded);
            (block, coded, appended)
        },
        |(block, mut coded, appended)| {
            taken = framer.take(block);
            if taken.is_err() {
                return ControlFlow::Break(());
            }
            out.extend_from_slice(&coded);
            let coded_len = coded.len();
            coded.clear();
            spare.lock().push(coded);
            framer.add_block(&appended, coded_len);
            ControlFlow::Continue(())
        },
    );
    taken?;
    worked.map_err(|Lost| Error::WorkerLost { block: framer.progress().blocks() })?;
    framer.end(out)
}

/// Decodes all streams in `stream`.
///
/// The result may grow up to [`Limits::max_memory`]; set [`Limits::max_output`] where the bytes
/// come from somebody else.
///
/// # Errors
///
/// What the stream has against it. [`RansReader`] gives the bytes before the error as well.
pub fn decompress(stream: &[u8], options: &DecodeOptions) -> Result<Vec<u8>, Error> {
    let mut raw = Vec::new();
    let mut room = Growing::new(&mut raw, options.limits, true);
    let (mut decoder, mut taken) = (Decoder::new(options.clone()), 0);
    loop {
        let step = decoder.step_to(&stream[taken..], &mut room, Op::Finish)?;
        taken += step.consumed;
        match step.status {
            Status::NeedsOutput { ready } if ready > 0 => return Err(room.refusal(ready, taken as u64)),
            Status::InFlight { .. } => decoder.wait(),
            Status::Finished => break,
            _ => {}
        }
    }
    Ok(raw)
}

/// Decodes all streams in `stream` to the start of `out`; how many bytes that were comes back.
/// Nothing is allocated for the result, and with threads nothing is copied either: workers decode
/// each block from where it lies to where it belongs.
///
/// # Errors
///
/// What the stream has against it; [`Error::OutputTooSmall`]. `out` may then hold anything.
pub fn decompress_into(stream: &[u8], out: &mut [u8], options: &DecodeOptions) -> Result<usize, Error> {
    let (mut decoder, available) = (Decoder::new(options.clone()), out.len() as u64);
    let (mut taken, mut given, mut room) = (0, 0, Anywhere(out));
    loop {
        let step = decoder.step_to(&stream[taken..], &mut room, Op::Finish)?;
        taken += step.consumed;
        given += step.produced;
        match step.status {
            Status::NeedsOutput { ready } if ready > 0 => {
                return Err(Error::OutputTooSmall { needed: (given + ready) as u64, available });
            }
            Status::InFlight { .. } => decoder.wait(),
            Status::Finished => return Ok(given),
            _ => {}
        }
    }
}

/// Reads raw bytes to the end and writes them as one stream, which it finishes and flushes.
///
/// # Errors
///
/// What `reader` or `writer` report; an [`Error`] inside for options.
pub fn copy_encode(reader: impl Read, mut writer: impl Write, options: EncodeOptions) -> io::Result<Progress> {
    let mut encoder = RansEncoder::with_options(reader, options);
    copy_buffered(&mut encoder, &mut writer)?;
    call_out(|| writer.flush())?;
    Ok(*encoder.progress())
}

/// Reads streams to the end, writes their raw bytes and flushes `writer`.
///
/// # Errors
///
/// What `reader` or `writer` report; an [`Error`] inside for what the stream has against it. Bytes
/// before it were written.
pub fn copy_decode(reader: impl Read, mut writer: impl Write, options: DecodeOptions) -> io::Result<Progress> {
    let mut decoder = RansReader::with_options(reader, options);
    copy_buffered(&mut decoder, &mut writer)?;
    call_out(|| writer.flush())?;
    Ok(*decoder.progress())
}

/// What `io::copy` does, without a buffer of its own.
fn copy_buffered(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<()> {
    loop {
        let ready = reader.fill_buf()?;
        if ready.is_empty() {
            return Ok(());
        }
        call_out(|| writer.write_all(ready))?;
        let len = ready.len();
        reader.consume(len);
    }
}
