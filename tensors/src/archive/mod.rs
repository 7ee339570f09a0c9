//! A model file, opened by tensor.
//!
//! | file | what it has |
//! |---|---|
//! | `source` | the file's own bytes, and the ends of it that are read first |
//! | `content` | its raw bytes, plain or in blocks |
//! | `work` | what is to be decoded, cut into jobs for threads |
//! | `tensor` | one tensor, its rows and bytes |
//! | `plan` | ranges of the file for those who read it themselves |

mod content;
mod plan;
mod source;
mod tensor;
mod work;

use std::{collections::HashMap, fmt, io::Write, ops::Range, sync::Mutex};

use ranstream::{Base, DecodeOptions, Limits, format::BaseHint};

use self::{
    content::{Content, end_of},
    source::Source,
    work::{Buffers, Target, Worker},
};
pub use self::{
    plan::{Plan, Want},
    tensor::{Part, Readable, Tensor},
};
use crate::{
    Container, Metadata, ReadAt, TensorError, TensorErrorKind, TensorInfo,
    header::{self, Header, HeaderError, MAX_HEADER_LEN, Parsed},
};

/// A model file, compressed or not, whose tensors can be decoded one by one.
///
/// Opening takes the file's head and tail, and the rest of its header where that is longer than
/// 64 KiB. What was read of the header is kept and never read again: the file cannot say two things
/// about a tensor.
///
/// ```no_run
/// use std::fs::File;
///
/// use ranstream_tensors::Archive;
///
/// let archive = Archive::open(File::open("model.safetensors.rans")?)?;
/// let mut weights = vec![0; archive.tensor("lm_head.weight")?.info().len() as usize];
/// archive.tensor("lm_head.weight")?.decode_into(&mut weights)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Archive<'s> {
    source: Source<'s>,
    content: Content,
    header: Vec<u8>,
    /// `Err`: what the file's header has against it.
    parsed: Result<Header, HeaderError>,
    by_name: HashMap<String, usize>,
    options: ArchiveBuilder,
    kept: Mutex<Vec<Buffers>>,
}

/// How an [`Archive`] is opened and read.
///
/// ```
/// use ranstream::Limits;
/// use ranstream_tensors::Archive;
///
/// let builder = Archive::builder().threads(4).limits(Limits::new().max_block_len(4 << 20));
/// # let _ = builder;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ArchiveBuilder {
    /// Limits, and what blocks may be differences from.
    decoding: DecodeOptions,
    threads: usize,
    read_len: u64,
    verify_index: bool,
}

impl Default for ArchiveBuilder {
    fn default() -> Self {
        Self { decoding: DecodeOptions::new(), threads: 1, read_len: 1 << 20, verify_index: false }
    }
}

impl ArchiveBuilder {
    /// What opening and decoding may spend, whatever the file says. `max_block_len` bounds the raw
    /// bytes of one block, `max_memory` the list of blocks, and what is read at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.decoding.limits = limits;
        self
    }

    /// Threads that decode a tensor, rows or a range of bytes; 0: as many as the machine has.
    /// Default: 1, the caller's. [`Archive::decode_all`] is told by itself.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Coded bytes that are read at once, where several blocks are wanted that are neighbours.
    /// Default: 1 MiB. More suits a store that is far away; each thread holds as much.
    pub fn read_len(mut self, bytes: u64) -> Self {
        self.read_len = bytes.max(1);
        self
    }

    /// Compares an index with the header of every block when the file is opened: 12 bytes are read
    /// for each. Default: off.
    ///
    /// Off, an index that was made on purpose, whose wrong entries add up to the right length,
    /// leads to blocks of another place of the same file (FORMAT.md, 2.3).
    pub fn verify_index(mut self, on: bool) -> Self {
        self.verify_index = on;
        self
    }

    /// What blocks may be differences from: a [`BaseModel`](crate::BaseModel), or bytes. Default:
    /// none; blocks that need one are [`NeedsBase`](ranstream::Error::NeedsBase).
    pub fn base(mut self, base: impl Into<Base>) -> Self {
        self.decoding.base = Some(base.into());
        self
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// What the source reports; what the stream's index or header has against it, or the blocks
    /// that hold the file's header. A file whose header is none is opened: it is
    /// [`Container::Opaque`].
    pub fn open<'s>(self, source: impl ReadAt + 's) -> Result<Archive<'s>, TensorError> {
        let mut source = Source::open(Box::new(source))?;
        let content = Content::read(&mut source, &self.decoding, self.verify_index)?;
        let parsed = Err(HeaderError::NotAContainer);
        let (header, by_name, kept) = (Vec::new(), HashMap::new(), Mutex::default());
        let mut archive = Archive { source, content, header, parsed, by_name, options: self, kept };
        archive.parse()?;
        archive.source.forget_ends();
        Ok(archive)
    }
}

impl<'s> Archive<'s> {
    /// Opens a file with the default options: one thread, [`Limits::default`].
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::open`].
    pub fn open(source: impl ReadAt + 's) -> Result<Self, TensorError> {
        ArchiveBuilder::default().open(source)
    }

    /// To open a file otherwise.
    pub fn builder() -> ArchiveBuilder {
        ArchiveBuilder::default()
    }

    /// The same file over a base, see [`ArchiveBuilder::base`].
    #[must_use]
    pub fn with_base(mut self, base: impl Into<Base>) -> Self {
        self.options = self.options.base(base);
        self
    }

    /// What the file says of the base that its blocks need, where it does: in its first block.
    ///
    /// # Errors
    ///
    /// What the source reports.
    pub fn base_hint(&self) -> Result<Option<BaseHint>, TensorError> {
        let range = self.content.first_block();
        let len = (range.end - range.start) as usize;
        if len > BaseHint::MAX_BLOCK_LEN {
            return Ok(None);
        }
        let mut block = vec![0; len];
        self.source.read_exact_at(&mut block, range.start)?;
        Ok(BaseHint::from_block(&block))
    }

    /// What the file holds its tensors in.
    #[must_use]
    pub fn container(&self) -> Container {
        self.parsed.as_ref().map_or(Container::Opaque, |header| header.container)
    }

    /// Why the file is [`Container::Opaque`].
    #[must_use]
    pub fn opaque(&self) -> Option<&HeaderError> {
        self.parsed.as_ref().err()
    }

    /// The file's header, byte for byte. Empty where the file is opaque.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// What the header says beside the tensors. `None` where the file is opaque.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.parsed.as_ref().ok().map(|header| &header.metadata)
    }

    /// All tensors, in the order of their bytes. None where the file is opaque.
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        self.parsed.as_ref().map_or(&[], |header| &header.tensors)
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::NotFound`], [`TensorErrorKind::Opaque`].
    pub fn tensor(&self, name: &str) -> Result<Tensor<'_>, TensorError> {
        if let Err(error) = &self.parsed {
            return Err(TensorError::new(TensorErrorKind::Opaque(error.clone())).of_tensor(name));
        }
        match self.info(name) {
            Some(info) => Ok(Tensor::new(self, info)),
            None => Err(TensorError::new(TensorErrorKind::NotFound).of_tensor(name)),
        }
    }

    /// Raw bytes of the file.
    ///
    /// # Errors
    ///
    /// What the streams have against them, where there is no index to find their end by.
    pub fn len(&self) -> Result<u64, TensorError> {
        Ok(self.content.len()?)
    }

    /// Whether the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.content.known_len() == 0
    }

    /// Whether the file is a stream, and not the plain bytes.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        matches!(self.content, Content::Coded(_))
    }

    /// Decodes every tensor that `out` gives a buffer for, which has the tensor's length: all of
    /// them from one list of blocks, in the order of the file. `threads` 0: as many as the machine
    /// has.
    ///
    /// Beside the outputs each thread holds [`read_len`](ArchiveBuilder::read_len) coded bytes, or
    /// one block, and the raw bytes of one block.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::BufferLen`], before anything is decoded. What the source reports or
    /// blocks have against them: the first by place, and in [`TensorError::others`] one for every
    /// other tensor that lacks bytes. All others are decoded.
    pub fn decode_all<'o>(
        &self,
        threads: usize,
        mut out: impl FnMut(&TensorInfo) -> Option<&'o mut [u8]>,
    ) -> Result<(), TensorError> {
        let mut targets = Vec::new();
        for (owner, info) in self.tensors().iter().enumerate() {
            if let Some(out) = out(info) {
                check_len(info.len(), out).map_err(|error| error.of_tensor(&info.name))?;
                targets.push(Target { range: info.range.clone(), out, owner });
            }
        }
        self.worker(&self.source).run(targets, threads, &|owner| Some(self.tensors()[owner].name.clone()))
    }

    /// Writes raw bytes of the file: all of it again, or a part.
    ///
    /// # Errors
    ///
    /// What the source or `writer` report, or the streams have against them; the bytes before the
    /// block in question were written. [`TensorErrorKind::OutOfRange`].
    pub fn copy_raw(&self, range: Range<u64>, mut writer: impl Write) -> Result<(), TensorError> {
        if range.start > range.end {
            let (start, end, len) = (range.start, range.end, self.content.known_len());
            return Err(TensorErrorKind::OutOfRange { start, end, len }.into());
        }
        let known = self.content.known_len();
        let (mut at, end) = (range.start, range.end.min(known));
        let mut raw = Vec::new();
        while at < end {
            let next = self.chunk_end(at).min(end);
            raw.resize((next - at) as usize, 0);
            self.decode_range(at..next, &mut raw, None)?;
            writer.write_all(&raw)?;
            at = next;
        }
        self.content.check_range(&range)
    }

    /// Fills `out` with the raw bytes of the file from `offset` on.
    pub(crate) fn read_raw(&self, offset: u64, out: &mut [u8]) -> Result<(), TensorError> {
        self.decode_range(offset..offset.saturating_add(out.len() as u64), out, None)
    }

    pub(crate) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).and_then(|&index| self.tensors().get(index))
    }

    /// Where a chunk ends that begins at raw byte `at`: enough blocks for the threads there are.
    fn chunk_end(&self, at: u64) -> u64 {
        let wanted = at.saturating_add(CHUNK_LEN * self.options.threads.clamp(1, 64) as u64);
        let blocks = self.content.blocks(&(at..wanted));
        blocks.map(|(_, block)| end_of(&block)).last().unwrap_or(wanted)
    }

    /// Decodes raw bytes of the file.
    fn decode_range(&self, range: Range<u64>, out: &mut [u8], name: Option<&str>) -> Result<(), TensorError> {
        check_len(range.end - range.start, out)?;
        let targets = vec![Target { range, out, owner: 0 }];
        self.worker(&self.source).run(targets, self.options.threads, &|_| name.map(str::to_owned))
    }

    fn worker<'a>(&'a self, source: &'a dyn ReadAt) -> Worker<'a> {
        Worker {
            source,
            content: &self.content,
            decoding: &self.options.decoding,
            read_len: self.options.read_len,
            kept: &self.kept,
        }
    }

    /// Reads as much of the file as its header needs.
    fn parse(&mut self) -> Result<(), TensorError> {
        let (file_len, known) = (self.content.len().ok(), self.content.known_len());
        let mut bytes = Vec::new();
        let parsed = loop {
            match header::parse(&bytes, file_len) {
                Ok(Parsed::Needs(needed)) if (bytes.len() as u64) < known => {
                    let have = bytes.len() as u64;
                    // Twice as much each time, since a parser begins anew; but whole blocks.
                    let wanted = needed.max(2 * have).clamp(have + 1, known.min(2 * MAX_HEADER_LEN));
                    let end = self.content.blocks(&(have..wanted)).map(|(_, block)| end_of(&block)).last();
                    let end = end.unwrap_or(wanted);
                    bytes.resize(end as usize, 0);
                    self.decode_range(have..end, &mut bytes[have as usize..], None)?;
                }
                Ok(Parsed::Needs(needed)) => break Err(HeaderError::EndsEarly { needed, file_len: known }),
                Ok(Parsed::Whole(header)) => break Ok(header),
                Err(error) => break Err(error),
            }
        };
        if let Ok(header) = &parsed {
            bytes.truncate(header.len as usize);
            bytes.shrink_to_fit();
            self.header = bytes;
            self.by_name =
                header.tensors.iter().enumerate().map(|(index, tensor)| (tensor.name.clone(), index)).collect();
        }
        self.parsed = parsed;
        Ok(())
    }
}

/// Raw bytes that are copied at a time, for each thread.
const CHUNK_LEN: u64 = 2 << 20;

fn check_len(needed: u64, out: &[u8]) -> Result<(), TensorError> {
    let given = out.len() as u64;
    if needed == given { Ok(()) } else { Err(TensorErrorKind::BufferLen { needed, given }.into()) }
}

impl fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("container", &self.container())
            .field("tensors", &self.tensors().len())
            .field("content", &self.content)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
