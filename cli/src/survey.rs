//! The structure of a compressed file: its headers, without its payloads.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use ranstream::{
    Error,
    error::{Corruption, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, EndBlock, MAGIC, StreamHeader},
};
use serde::Serialize;

use crate::{input::Input, trailing::Trailing};

/// Bytes of the check behind each payload.
const CHECK_LEN: u64 = (BLOCK_OVERHEAD - BlockHeader::LEN) as u64;

/// What is in a file. The field names are those of the JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct Survey {
    /// None for standard input. What is no UTF-8 in it is replaced, see `file_hex`.
    file: Option<String>,
    /// Where the name is no UTF-8: its bytes, two digits each.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hex: Option<String>,
    /// The name for the eyes of a user.
    #[serde(skip)]
    pub(crate) shown: String,
    pub(crate) compressed_bytes: u64,
    pub(crate) raw_bytes: u64,
    /// Compressed bytes per raw byte; none without raw bytes.
    pub(crate) ratio: Option<f64>,
    pub(crate) blocks: u64,
    pub(crate) modes: Modes,
    /// Zeros behind the last stream, up to the end of the file.
    pub(crate) trailing_zeros: u64,
    pub(crate) streams: Vec<Stream>,
}

/// How many blocks have which mode.
pub(crate) type Modes = BTreeMap<String, u64>;

#[derive(Debug, Serialize)]
pub(crate) struct Stream {
    /// Where it begins in the file.
    offset: u64,
    compressed_bytes: u64,
    raw_bytes: u64,
    /// Raw bytes that its header declares.
    content_length: Option<u64>,
    /// XXH3-64 over the raw bytes, as stored.
    pub(crate) content_check: Option<String>,
    pub(crate) index: bool,
    /// No block has more raw bytes.
    largest_block: u64,
    blocks: u64,
    application_blocks: u64,
    modes: Modes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) block_list: Option<Vec<Block>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Block {
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// Where its raw bytes begin, over all streams.
    pub(crate) raw_offset: u64,
    /// How it is coded; `application` for one that holds no raw bytes.
    pub(crate) mode: String,
    /// Header and check included.
    pub(crate) compressed_bytes: u64,
    pub(crate) raw_bytes: u64,
}

/// Goes through `input`, which is called `path`, from header to header. Every header and each
/// stream's sums are verified, payloads are not read.
///
/// # Errors
///
/// What the input reports, or the streams have against it.
pub(crate) fn survey(path: &Path, input: &Input, every_block: bool) -> io::Result<Survey> {
    let mut walk = Walk::new(input);
    let mut survey = Survey {
        file: (!input.is_stdin()).then(|| path.to_string_lossy().into_owned()),
        file_hex: path.to_str().is_none().then(|| hex(path.as_os_str().as_encoded_bytes())),
        shown: input.to_string(),
        compressed_bytes: 0,
        raw_bytes: 0,
        ratio: None,
        blocks: 0,
        modes: Modes::new(),
        trailing_zeros: 0,
        streams: Vec::new(),
    };
    while let Some(stream) = walk.stream(survey.raw_bytes, every_block)? {
        survey.raw_bytes += stream.raw_bytes;
        survey.blocks += stream.blocks;
        for (mode, count) in &stream.modes {
            *survey.modes.entry(mode.clone()).or_default() += count;
        }
        survey.streams.push(stream);
    }
    survey.compressed_bytes = walk.offset;
    survey.trailing_zeros = walk.trailing_zeros;
    survey.ratio = (survey.raw_bytes > 0).then(|| survey.compressed_bytes as f64 / survey.raw_bytes as f64);
    Ok(survey)
}

/// A place in the input.
struct Walk<'a> {
    source: Source<'a>,
    offset: u64,
    /// Zeros behind it, once the end is found.
    trailing_zeros: u64,
}

enum Source<'a> {
    /// One that can be sought in, and its length.
    File(BufReader<&'a File>, u64),
    Stream(Box<dyn Read + 'a>),
}

impl<'a> Walk<'a> {
    fn new(input: &'a Input) -> Self {
        let source = match input.regular() {
            Some((file, metadata)) => Source::File(BufReader::new(file), metadata.len()),
            None => Source::Stream(input.reader()),
        };
        Self { source, offset: 0, trailing_zeros: 0 }
    }

    /// The stream that begins here. `None`: the input ends here, behind a stream.
    fn stream(&mut self, raw_before: u64, every_block: bool) -> io::Result<Option<Stream>> {
        let offset = self.offset;
        let mut bytes = [0; StreamHeader::MAX_LEN];
        let read = self.read(&mut bytes[..StreamHeader::FIXED_LEN])?;
        if read == 0 && offset > 0 {
            return Ok(None);
        }
        let magic = read.min(MAGIC.len());
        if offset > 0 && bytes[..magic] != MAGIC[..magic] {
            self.trailing_zeros = self.zeros(&bytes[..read], offset)?;
            self.offset = offset;
            return Ok(None);
        }
        let header = self.stream_header(&mut bytes, read, offset)?;
        let mut stream = Stream {
            offset,
            compressed_bytes: 0,
            raw_bytes: 0,
            content_length: header.content_length,
            content_check: None,
            index: header.index,
            largest_block: 1 << header.max_block_log2,
            blocks: 0,
            application_blocks: 0,
            modes: Modes::new(),
            block_list: every_block.then(Vec::new),
        };
        let end = self.blocks(&mut stream, raw_before)?;
        stream.content_check = end.content_check.map(|check| format!("{check:016x}"));
        if header.index {
            let index = BlockHeader::parse(&self.take()?, Part::Index, self.offset)?;
            self.skip(index.payload_len() + CHECK_LEN)?;
        }
        stream.compressed_bytes = self.offset - offset;
        Ok(Some(stream))
    }

    /// How many zeros follow the last stream, which ends at `offset`. `read`: the first of them.
    fn zeros(&mut self, read: &[u8], offset: u64) -> io::Result<u64> {
        let rest: &mut dyn Read = match &mut self.source {
            Source::File(file, _) => file,
            Source::Stream(stream) => stream,
        };
        match Trailing::read(read.chain(rest))? {
            Trailing::Nothing => Ok(0),
            Trailing::Zeros(len) => Ok(len),
            Trailing::Garbage => Err(Error::TrailingData { offset }.into()),
        }
    }

    /// The rest of a stream header, `read` bytes of which are in `bytes`.
    fn stream_header(
        &mut self,
        bytes: &mut [u8; StreamHeader::MAX_LEN],
        read: usize,
        offset: u64,
    ) -> io::Result<StreamHeader> {
        let Some(fixed) = bytes[..read].first_chunk() else { return Err(self.truncated()) };
        let len = StreamHeader::len_from(fixed, offset)?;
        let rest = &mut bytes[read..len];
        if self.read(rest)? < rest.len() {
            return Err(self.truncated());
        }
        Ok(StreamHeader::parse(&bytes[..len], offset)?)
    }

    /// All blocks of a stream, up to its end block.
    fn blocks(&mut self, stream: &mut Stream, raw_before: u64) -> io::Result<EndBlock> {
        loop {
            let offset = self.offset;
            let number = stream.blocks + stream.application_blocks;
            let header = BlockHeader::parse(&self.take()?, Part::Block(number), offset)?;
            let mode = match header {
                BlockHeader::End { payload_len } => return self.end(stream, payload_len, offset),
                BlockHeader::Data { mode, .. } => {
                    stream.blocks += 1;
                    *stream.modes.entry(mode.to_string()).or_default() += 1;
                    mode.to_string()
                }
                BlockHeader::Skippable { .. } => {
                    stream.application_blocks += 1;
                    "application".to_owned()
                }
            };
            self.skip(header.payload_len() + CHECK_LEN)?;
            let raw_bytes = header.raw_len() as u64;
            if let Some(list) = &mut stream.block_list {
                let raw_offset = raw_before + stream.raw_bytes;
                list.push(Block { offset, raw_offset, mode, compressed_bytes: self.offset - offset, raw_bytes });
            }
            stream.raw_bytes += raw_bytes;
        }
    }

    fn end(&mut self, stream: &Stream, payload_len: usize, offset: u64) -> io::Result<EndBlock> {
        let corrupt = |reason| Error::Corrupt { part: Part::End, offset, reason };
        let mut payload = vec![0; payload_len];
        if self.read(&mut payload)? < payload_len {
            return Err(self.truncated());
        }
        self.skip(CHECK_LEN)?;
        let Some(end) = EndBlock::parse(&payload) else {
            let reason = Corruption::Length { found: payload_len as u64, min: 20, max: 28 };
            return Err(corrupt(reason).into());
        };
        let blocks = stream.blocks + stream.application_blocks;
        if end.blocks != blocks {
            return Err(corrupt(Corruption::Blocks { stored: end.blocks, actual: blocks }).into());
        }
        if end.raw_len != stream.raw_bytes {
            return Err(corrupt(Corruption::RawLength { stored: end.raw_len, actual: stream.raw_bytes }).into());
        }
        Ok(end)
    }

    /// The next bytes, all of them.
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.read(&mut bytes)? < N { Err(self.truncated()) } else { Ok(bytes) }
    }

    /// Fills `bytes`, unless the input ends before.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let source: &mut dyn Read = match &mut self.source {
            Source::File(file, _) => file,
            Source::Stream(stream) => stream,
        };
        let mut filled = 0;
        while filled < bytes.len() {
            match source.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn skip(&mut self, len: u64) -> io::Result<()> {
        let skipped = match &mut self.source {
            Source::File(file, end) => {
                let skipped = len.min(end.saturating_sub(self.offset));
                file.seek_relative(skipped.cast_signed())?;
                skipped
            }
            Source::Stream(stream) => io::copy(&mut stream.take(len), &mut io::sink())?,
        };
        self.offset += skipped;
        if skipped < len { Err(self.truncated()) } else { Ok(()) }
    }

    fn truncated(&self) -> io::Error {
        Error::Truncated { offset: self.offset }.into()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
