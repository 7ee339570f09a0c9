//! The structure of a compressed file: its headers, without its payloads.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    ops::Range,
    path::Path,
};

use ranstream::{
    DecodeOptions, Error, Limits, TrailingData,
    format::{BASE_KIND, BaseHint, BlockHeader, StreamHeader},
    outline::{OutlinePart, OutlineReader},
};
use ranstream_tensors::ReadAt;
use serde::Serialize;

use crate::{input::Input, tensors::Tensors, trailing::Trailing};

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
    /// What its blocks are differences from, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<BaseFile>,
    /// Where it says so.
    #[serde(skip)]
    base_at: Range<u64>,
    /// Zeros behind the last stream, up to the end of the file.
    pub(crate) trailing_zeros: u64,
    pub(crate) streams: Vec<Stream>,
    /// Of a model file, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tensors: Option<Tensors>,
}

/// A file that is needed to decode another one.
#[derive(Debug, Serialize)]
pub(crate) struct BaseFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// XXH3-64 of them.
    pub(crate) xxh3: String,
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

impl Survey {
    fn new(path: &Path, input: &Input) -> Self {
        Self {
            file: (!input.is_stdin()).then(|| path.to_string_lossy().into_owned()),
            file_hex: path.to_str().is_none().then(|| hex(path.as_os_str().as_encoded_bytes())),
            shown: input.to_string(),
            compressed_bytes: 0,
            raw_bytes: 0,
            ratio: None,
            blocks: 0,
            modes: Modes::new(),
            base: None,
            base_at: 0..0,
            trailing_zeros: 0,
            streams: Vec::new(),
            tensors: None,
        }
    }

    /// A stream is whole, and ends at byte `end`.
    fn end_stream(&mut self, mut stream: Stream, end: u64) {
        stream.compressed_bytes = end - stream.offset;
        self.compressed_bytes = end;
        self.raw_bytes += stream.raw_bytes;
        self.blocks += stream.blocks;
        for (mode, count) in &stream.modes {
            *self.modes.entry(mode.clone()).or_default() += count;
        }
        self.streams.push(stream);
    }
}

impl Stream {
    fn new(header: &StreamHeader, offset: u64, every_block: bool) -> Self {
        Self {
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
        }
    }

    fn add_block(&mut self, header: &BlockHeader, offset: u64, raw_offset: u64, compressed_bytes: u64) {
        let mode = if let BlockHeader::Data { mode, .. } = header {
            self.blocks += 1;
            *self.modes.entry(mode.to_string()).or_default() += 1;
            mode.to_string()
        } else {
            self.application_blocks += 1;
            "application".to_owned()
        };
        let raw_bytes = header.raw_len() as u64;
        if let Some(list) = &mut self.block_list {
            list.push(Block { offset, raw_offset, mode, compressed_bytes, raw_bytes });
        }
        self.raw_bytes += raw_bytes;
    }
}

/// Goes through `input`, which is called `path`, from header to header. Every header and each
/// stream's sums are verified, payloads are not read.
///
/// # Errors
///
/// What the input reports, or the streams have against it.
pub(crate) fn survey(path: &Path, input: &Input, every_block: bool) -> io::Result<Survey> {
    // No block is decoded, so none is too large. What follows the last stream is looked at below.
    let limits = Limits::new().max_memory(usize::MAX);
    let options = DecodeOptions::new().limits(limits).trailing_data(TrailingData::Ignore);
    let mut survey = Survey::new(path, input);
    match input.regular() {
        Some((file, _)) => {
            walk(OutlineReader::seeking(file, options)?, &mut survey, every_block)?;
            survey.base = base_of(file, survey.base_at.clone())?;
        }
        None => walk(OutlineReader::new(input.reader(), options), &mut survey, every_block)?,
    }
    survey.ratio = (survey.raw_bytes > 0).then(|| survey.compressed_bytes as f64 / survey.raw_bytes as f64);
    Ok(survey)
}

fn walk<R: Read>(mut parts: OutlineReader<R>, survey: &mut Survey, every_block: bool) -> io::Result<()> {
    let mut stream = None;
    while let Some(part) = parts.next_part()? {
        match (part, &mut stream) {
            (OutlinePart::Stream { header, offset, .. }, _) => stream = Some(Stream::new(&header, offset, every_block)),
            (OutlinePart::Block { header, offset, raw_offset, coded_len, .. }, Some(stream)) => {
                if matches!(header, BlockHeader::Skippable { kind: BASE_KIND, .. }) && survey.base_at.is_empty() {
                    survey.base_at = offset..offset + coded_len;
                }
                stream.add_block(&header, offset, raw_offset, coded_len);
            }
            (OutlinePart::End { end, .. }, Some(stream)) => {
                stream.content_check = end.content_check.map(|check| format!("{check:016x}"));
            }
            (OutlinePart::StreamEnd { offset, .. }, whole) => {
                if let Some(whole) = whole.take() {
                    survey.end_stream(whole, offset);
                }
            }
            _ => {}
        }
    }
    let (rest, unused) = parts.into_parts();
    survey.trailing_zeros = match Trailing::read(unused.chain(rest))? {
        Trailing::Nothing => 0,
        Trailing::Zeros(len) => len,
        Trailing::Garbage => return Err(Error::TrailingData { offset: survey.compressed_bytes }.into()),
    };
    Ok(())
}

/// What the block at `place` of a file says of its base, if it does.
fn base_of(file: &File, place: Range<u64>) -> io::Result<Option<BaseFile>> {
    let len = (place.end - place.start) as usize;
    if len > BaseHint::MAX_BLOCK_LEN {
        return Ok(None);
    }
    let mut block = vec![0; len];
    file.read_exact_at(&mut block, place.start)?;
    let hint = BaseHint::from_block(&block);
    Ok(hint.map(|BaseHint { name, len, hash, .. }| BaseFile { name, bytes: len, xxh3: format!("{hash:016x}") }))
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
