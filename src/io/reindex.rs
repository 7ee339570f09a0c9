//! Streams that have no index, and copies of them that have one.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::{
    block::{Coded, body_len},
    error::{Corruption, Error, Part, PayloadError},
    format::{BlockHeader, EndBlock, HEADER_LEN, IndexFooter, StreamHeader},
    io::{
        outline::{OutlinePart, OutlineReader},
        retry::{fill_retried, seek},
    },
    limits::Limits,
    options::DecodeOptions,
    sync::call_out,
};

/// Bytes of a stream that are copied at a time where nothing in them changes.
const COPY_LEN: usize = 64 << 10;

/// The streams of an input, to be copied so that each has an index: what was written to a pipe has
/// none, and seeks in it hop over all headers.
///
/// Raw bytes, blocks and checks stay as they are. One flag of the stream header is set, and the
/// index follows the end.
///
/// ```
/// use std::io::Cursor;
///
/// use ranstream::{DecodeOptions, EncodeOptions, compress, outline::Reindex};
///
/// let raw = b"some bytes".repeat(1000);
/// let mut input = Cursor::new(compress(&raw, &EncodeOptions::new())?);
/// let streams = Reindex::read(&mut input, &DecodeOptions::new())?;
/// assert_eq!(streams.without_index(), 1);
///
/// let mut output = Vec::new();
/// streams.copy(&mut input, &mut output)?;
/// assert_eq!(output, compress(&raw, &EncodeOptions::new().index(true))?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Reindex {
    streams: Vec<Stream>,
    limits: Limits,
}

/// One stream. All offsets are in the input.
#[derive(Debug)]
struct Stream {
    header: StreamHeader,
    offset: u64,
    /// The header of every block.
    entries: Vec<[u8; HEADER_LEN]>,
    /// Behind the end block.
    end: u64,
    /// Behind all of it.
    until: u64,
    has_entries: bool,
}

impl Reindex {
    /// Reads all headers of `input`, from where it stands.
    ///
    /// # Errors
    ///
    /// What `input` reports, and what the headers have against them.
    pub fn read(input: &mut (impl Read + Seek), options: &DecodeOptions) -> io::Result<Self> {
        let limits = options.limits;
        let (mut streams, mut held) = (Vec::<Stream>::new(), 0);
        for part in OutlineReader::seeking(input, options.clone())? {
            let (part, current) = (part?, streams.last_mut());
            match (part, current) {
                (OutlinePart::Stream { header, offset, .. }, _) => {
                    held += size_of::<Stream>();
                    limits.check_memory(held, offset)?;
                    let (end, until) = (offset, offset);
                    streams.push(Stream { header, offset, entries: Vec::new(), end, until, has_entries: false });
                }
                (OutlinePart::Block { header, offset, .. }, Some(stream)) => {
                    held += HEADER_LEN;
                    limits.check_memory(held, offset)?;
                    stream.entries.push(header.to_bytes());
                }
                (OutlinePart::End { end, offset, .. }, Some(stream)) => {
                    let payload_len = EndBlock::payload_len(end.content_check.is_some());
                    stream.end = offset + (HEADER_LEN + body_len(&BlockHeader::End { payload_len })) as u64;
                }
                (OutlinePart::Index { has_entries, .. }, Some(stream)) => {
                    stream.has_entries = has_entries || stream.entries.is_empty();
                }
                (OutlinePart::StreamEnd { offset, .. }, Some(stream)) => stream.until = offset,
                _ => {}
            }
        }
        Ok(Self { streams, limits })
    }

    /// Streams that have no index, or one that does not list their blocks.
    #[must_use]
    pub fn without_index(&self) -> usize {
        self.streams.iter().filter(|stream| !stream.has_entries).count()
    }

    /// Blocks of all streams.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.streams.iter().map(|stream| stream.entries.len()).sum()
    }

    /// Copies the streams of `input`, which is to begin with the first of them, each with an index.
    /// Every block's check is verified on the way. How many bytes were written comes back.
    ///
    /// # Errors
    ///
    /// What `input` and `output` report; the first block that is not as it should be, or not as it
    /// was when the headers were read. `output` then ends inside a stream, or before one.
    pub fn copy(&self, input: &mut (impl Read + Seek), output: &mut impl Write) -> io::Result<u64> {
        let (mut written, mut block) = (0, Vec::new());
        for stream in &self.streams {
            seek(input, SeekFrom::Start(stream.offset))?;
            if stream.has_entries {
                copy_exactly(input, output, stream.offset, stream.until)?;
                written += stream.until - stream.offset;
                continue;
            }
            written += self.copy_stream(stream, input, output, &mut block)?;
        }
        Ok(written)
    }

    fn copy_stream(
        &self,
        stream: &Stream,
        input: &mut (impl Read + Seek),
        output: &mut impl Write,
        block: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let mut bytes = Vec::new();
        StreamHeader { index: true, ..stream.header }.write(&mut bytes);
        put(output, &bytes)?;
        let mut offset = stream.offset + stream.header.encoded_len() as u64;
        seek(input, SeekFrom::Start(offset))?;
        for (number, entry) in (0..).zip(&stream.entries) {
            let part = Part::Block(number);
            let header = BlockHeader::parse(entry, part, offset)?;
            let len = HEADER_LEN + body_len(&header);
            self.limits.grow(block, len, offset)?;
            fill(input, &mut block[..len], offset)?;
            let (found, body) = block[..len].split_at(HEADER_LEN);
            if found != entry {
                let reason = Corruption::IndexMismatch;
                return Err(Error::Corrupt { part: Part::Index, offset, reason }.into());
            }
            Coded::new(header, body).verify().map_err(|reason| PayloadError::from(reason).at(part, offset))?;
            put(output, &block[..len])?;
            offset += len as u64;
        }
        copy_exactly(input, output, offset, stream.end)?;
        let before = stream.end - stream.offset;
        bytes.clear();
        IndexFooter::write_block(&stream.entries, before, &mut bytes);
        put(output, &bytes)?;
        Ok(before + bytes.len() as u64)
    }
}

/// Copies the bytes of `input` from `start`, where it stands, to `end`.
fn copy_exactly(input: &mut impl Read, output: &mut impl Write, start: u64, end: u64) -> io::Result<()> {
    let mut at = start;
    let mut buffer = vec![0; (end - start).min(COPY_LEN as u64) as usize];
    while at < end {
        let len = (end - at).min(buffer.len() as u64) as usize;
        let part = &mut buffer[..len];
        fill(input, part, at)?;
        put(output, part)?;
        at += part.len() as u64;
    }
    Ok(())
}

fn fill(input: &mut impl Read, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let filled = fill_retried(input, bytes)?;
    if filled < bytes.len() {
        return Err(Error::Truncated { offset: offset + filled as u64 }.into());
    }
    Ok(())
}

fn put(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    call_out(|| output.write_all(bytes))
}
