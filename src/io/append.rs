//! A file that a writer left without an end, made whole again so that another one can go on.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

use crate::{
    block::{Appended, Coded, Resources, body_len},
    error::{Corruption, Error, Part, PayloadError},
    format::{BlockHeader, HEADER_LEN, StreamHeader},
    io::{
        outline::OutlineReader,
        recover::{Found, Recovery},
        retry::fill_retried,
    },
    limits::Limits,
    options::{DecodeOptions, EncodeOptions},
    stream::{Framer, OutlinePart},
};

/// What [`close_unfinished`] did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The file's length now, a stream's end.
    pub len: u64,
    /// Bytes behind the last whole block that were cut off: what a crash left of a block.
    pub cut: u64,
    /// Whether a stream got its end.
    pub closed: bool,
}

/// Gives the last stream of a file its end, behind its last whole block, and cuts off what a crash
/// left behind that. A file whose streams all have their ends stays as it is; an empty one too.
/// Every other reader then reads the file through.
///
/// The headers of all streams are read, and all of the last one if it has no end. Nothing is cut
/// that holds a whole block, even one that cannot be decoded here: damage in the middle is an
/// error, and for [`Recovery`].
///
/// # Errors
///
/// What the file reports; what its streams have against them, if that is more than a missing end;
/// [`Error::ContentLength`] if the last stream declared a length that it has not. The file is
/// untouched then.
pub fn close_unfinished(file: &mut File) -> io::Result<Closed> {
    let Survey { end, open, fault } = survey(file)?;
    let Some(fault) = fault else { return Ok(Closed { len: end, cut: 0, closed: false }) };
    if !is_torn(&fault) {
        return Err(fault.into());
    }
    let (end, ending) = match open {
        Some((header, offset)) => ending(file, header, offset)?,
        None => (end, Vec::new()),
    };
    file.seek(SeekFrom::Start(end))?;
    let mut behind = Recovery::new(&mut *file);
    while let Some(part) = behind.next().transpose()? {
        if matches!(part, Found::Block { .. }) || behind.undecodable_blocks() > 0 {
            return Err(fault.into());
        }
    }
    let cut = file.seek(SeekFrom::End(0))?.saturating_sub(end);
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(&ending)?;
    Ok(Closed { len: end + ending.len() as u64, cut, closed: open.is_some() })
}

/// What the headers tell.
struct Survey {
    /// Behind the last stream that has its end.
    end: u64,
    /// The stream behind that, and where it begins.
    open: Option<(StreamHeader, u64)>,
    fault: Option<Error>,
}

fn survey(file: &mut File) -> io::Result<Survey> {
    file.rewind()?;
    let mut found = Survey { end: 0, open: None, fault: None };
    for part in OutlineReader::seeking(&mut *file, DecodeOptions::new())? {
        match part.map_err(Error::try_from) {
            Ok(OutlinePart::Stream { header, offset, .. }) => found.open = Some((header, offset)),
            Ok(OutlinePart::StreamEnd { offset, .. }) => (found.end, found.open) = (offset, None),
            // No byte is no stream, and no fault here.
            Ok(_) | Err(Ok(Error::Truncated { offset: 0 })) => {}
            Err(Ok(fault)) => found.fault = Some(fault),
            Err(Err(error)) => return Err(error),
        }
    }
    Ok(found)
}

/// Whether a crash may leave this behind: an end that is missing, or bytes that never came to be
/// what they should.
fn is_torn(fault: &Error) -> bool {
    match fault {
        Error::Truncated { .. } | Error::TrailingData { .. } => true,
        Error::Corrupt { part, reason, .. } => {
            matches!(part, Part::Block(_) | Part::StreamHeader | Part::Index | Part::End)
                && !matches!(
                    reason,
                    Corruption::EndMissing
                        | Corruption::Sequence { .. }
                        | Corruption::Blocks { .. }
                        | Corruption::RawLength { .. }
                )
        }
        _ => false,
    }
}

/// Where the last whole block of the stream at `offset` ends, and the bytes that end the stream
/// there.
fn ending(file: &mut File, header: StreamHeader, offset: u64) -> io::Result<(u64, Vec<u8>)> {
    let limits = Limits::new();
    let mut framer = Framer::resumed(header, EncodeOptions::new().index_max_blocks);
    let mut end = offset + header.encoded_len() as u64;
    file.seek(SeekFrom::Start(end))?;
    let (mut body, mut raw) = (Vec::new(), Vec::new());
    let mut first = [0; HEADER_LEN];
    while fill_retried(file, &mut first)? == HEADER_LEN {
        let Ok(header_of_block) = BlockHeader::parse(&first, Part::Block(0), end) else { break };
        if let BlockHeader::End { .. } = header_of_block {
            break;
        }
        let len = body_len(&header_of_block);
        if end + (HEADER_LEN + len) as u64 > file.metadata()?.len() {
            break;
        }
        limits.grow(&mut body, len, end)?;
        if fill_retried(file, &mut body[..len])? < len {
            break;
        }
        let block = Coded::new(header_of_block, &body[..len]);
        let check = block.check();
        let Ok(verified) = block.verify() else { break };
        if let BlockHeader::Data { raw_len, .. } = header_of_block {
            limits.grow(&mut raw, raw_len, end)?;
            match verified.decode(&mut raw[..raw_len], &Resources::new(None, None)) {
                Ok(()) => {}
                Err(PayloadError::Corrupt(_)) => break,
                // It may well be right. Nothing is cut off then.
                Err(reason) => return Err(reason.at(Part::Block(framer.progress().blocks()), end).into()),
            }
            framer.take(&raw[..raw_len])?;
        }
        framer.add_block(&Appended { header: header_of_block, check }, HEADER_LEN + len);
        end += (HEADER_LEN + len) as u64;
    }
    let mut bytes = Vec::new();
    framer.end(&mut bytes)?;
    Ok((end, bytes))
}
