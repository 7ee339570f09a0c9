//! Model files to streams that open by tensor.
//!
//! | file | what it has |
//! |---|---|
//! | `spans` | a file cut at the bounds of its tensors |
//! | `layouts` | which bytes of a tensor mean the same |
//! | `probe` | which of several ways makes a sample smallest |

mod layouts;
mod probe;
mod spans;

use std::{
    io::{self, Write},
    mem, vec,
};

use ranstream::{EncodeOptions, Mode, Progress, RansWriter, format::BaseHint};

use self::{
    probe::Probe,
    spans::{Content, Span},
};
use crate::{
    BaseModel,
    header::{self, Container, MAX_HEADER_LEN, Parsed, SIGNATURE_LEN},
};

/// Raw bytes of the largest block of a stream of tensors, and of one with a long header.
const LARGEST_BLOCK: usize = 1 << 20;
const LARGEST_HEADER_BLOCK: usize = 4 << 20;

/// What a stream of tensors is to be good at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// Decodes fastest: exponents are coded, mantissas mostly as they are.
    #[default]
    Fast,
    /// The smallest streams, which take longer to decode.
    Small,
    /// Blocks that a GPU can decode.
    Device,
}

/// How a [`TensorWriter`] writes.
///
/// ```
/// use ranstream::EncodeOptions;
/// use ranstream_tensors::{Profile, TensorOptions};
///
/// let encode = EncodeOptions::new().threads(4);
/// let options = TensorOptions::new().profile(Profile::Small).encode(encode);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TensorOptions {
    /// What the stream is to be good at.
    pub profile: Profile,
    /// Everything that does not depend on tensors.
    pub encode: EncodeOptions,
    /// Whether an index follows a stream of tensors.
    pub index: bool,
    /// Bytes of the longest header that is waited for.
    pub max_header_len: u64,
    /// What tensors may be differences from.
    pub base: Option<BaseModel>,
}

impl Default for TensorOptions {
    fn default() -> Self {
        let (profile, encode) = (Profile::default(), EncodeOptions::new());
        Self { profile, encode, index: true, max_header_len: 32 << 20, base: None }
    }
}

impl TensorOptions {
    /// The defaults: the fast profile, an index, headers of up to 32 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the stream is to be good at. Default: [`Profile::Fast`].
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Everything that does not depend on tensors: threads, checks, content length, kernel; and all
    /// of how bytes are coded that turn out to be no tensors.
    ///
    /// Of tensors these decide block lengths, levels and layouts by themselves; with a forced
    /// [`mode`](EncodeOptions::mode) there are no tensors.
    #[must_use]
    pub fn encode(mut self, encode: EncodeOptions) -> Self {
        self.encode = encode;
        self
    }

    /// Whether an index follows a stream of tensors, whatever [`encode`](TensorOptions::encode)
    /// says of bytes: an [`Archive`](crate::Archive) opens faster with one. Default: on.
    #[must_use]
    pub fn index(mut self, on: bool) -> Self {
        self.index = on;
        self
    }

    /// Bytes of the longest header that is waited for, in memory; what has a longer one is coded as
    /// bytes. At most 100,000,000. Default: 32 MiB.
    #[must_use]
    pub fn max_header_len(mut self, bytes: u64) -> Self {
        self.max_header_len = bytes;
        self
    }

    /// Lets tensors be differences from those of the same name, type and length in `base`, where
    /// that is smaller. Whoever decodes them needs the same base. All of it is read once more, for
    /// the check that the stream tells of it. [`Profile::Device`] takes none. Default: none.
    #[must_use]
    pub fn base(mut self, base: &BaseModel) -> Self {
        self.base = Some(base.clone());
        self
    }
}

/// Takes the bytes of any file and writes a stream: that of a safetensors or GGUF file ends its
/// blocks where tensors end, and codes each tensor by what its elements are; any other is the same,
/// byte for byte, as from [`RansWriter`].
///
/// What a file is shows in its first bytes. Up to the end of its header they are kept in memory,
/// and of each tensor a sample of 64 Ki elements. A header that breaks a rule, or is longer than
/// [`TensorOptions::max_header_len`], makes bytes of the file.
///
/// ```
/// use std::io::Write;
///
/// use ranstream_tensors::{Archive, TensorOptions, TensorWriter};
///
/// # let header = br#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#;
/// # let mut file = (header.len() as u64).to_le_bytes().to_vec();
/// # file.extend(header);
/// # file.extend([1.0_f32, 2.0, 3.0].map(f32::to_le_bytes).as_flattened());
/// let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
/// writer.write_all(&file)?;
/// let stream = writer.finish()?;
///
/// assert_eq!(ranstream::decompress(&stream, &Default::default())?, file);
/// let mut a = [0; 12];
/// Archive::open(stream)?.tensor("a")?.decode_into(&mut a)?;
/// assert_eq!(a[8..], 3.0_f32.to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a stream that is not finished is truncated"]
pub struct TensorWriter<W: Write> {
    /// `None` until it is known what the file is.
    writer: Option<RansWriter<W>>,
    /// `None` afterwards.
    inner: Option<W>,
    options: TensorOptions,
    container: Container,
    /// Bytes that were taken before it was known what the file is, and how many of them went on.
    first: Vec<u8>,
    first_at: usize,
    /// Bytes that the next look at `first` needs.
    needed: u64,
    spans: vec::IntoIter<Span>,
    span: Option<Current>,
    /// The base of the stream until it was read, and what is to be told of it until it was.
    unread: Option<BaseModel>,
    hint: Option<BaseHint>,
}

/// The span that bytes are taken for.
#[derive(Debug)]
struct Current {
    content: Content,
    base_offset: Option<u64>,
    /// Bytes of it that are not taken. `None`: to the end of the file.
    left: Option<u64>,
    /// Its first bytes, until they went on.
    sample: Vec<u8>,
    /// Bytes of the sample that went on.
    sample_at: usize,
    /// How long the sample is to be. `None` once it is known how the span is coded.
    wanted: Option<usize>,
}

impl Current {
    fn new(span: Span) -> Self {
        let left = span.len();
        let wanted = Probe::sample_len(&span.content).min(left.map_or(usize::MAX, |left| left as usize));
        Self {
            content: span.content,
            base_offset: span.base_offset,
            left,
            sample: Vec::new(),
            sample_at: 0,
            wanted: Some(wanted),
        }
    }

    /// Bytes that the sample lacks.
    fn missing(&self) -> usize {
        self.wanted.map_or(0, |wanted| wanted - self.sample.len())
    }
}

impl<W: Write> TensorWriter<W> {
    /// Writes to `inner`. Options outside their range are reported by the first write that codes,
    /// flush or finish.
    pub fn new(inner: W, options: TensorOptions) -> Self {
        let mut writer = Self {
            writer: None,
            inner: Some(inner),
            container: Container::Opaque,
            first: Vec::new(),
            first_at: 0,
            needed: SIGNATURE_LEN as u64,
            spans: Vec::new().into_iter(),
            span: None,
            unread: None,
            hint: None,
            options,
        };
        if writer.options.encode.block.mode != Mode::Auto {
            writer.begin(None);
        }
        writer
    }

    /// What the file is, as far as its first bytes have shown. [`Container::Opaque`]: bytes, or it
    /// is not known yet.
    pub fn container(&self) -> Container {
        self.container
    }

    /// How far the stream has come: blocks coded, not bytes taken. `None` until it is known what
    /// the file is.
    pub fn progress(&self) -> Option<&Progress> {
        self.writer.as_ref().map(RansWriter::progress)
    }

    /// Ends the stream, flushes the inner writer and gives it back.
    ///
    /// # Errors
    ///
    /// As [`RansWriter::finish`].
    pub fn finish(mut self) -> io::Result<W> {
        self.try_finish()?;
        match (self.writer, self.inner) {
            (Some(writer), _) => Ok(writer.into_inner()),
            (None, Some(inner)) => Ok(inner),
            (None, None) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Ends the stream and flushes the inner writer. Once it has succeeded it does nothing any
    /// more.
    ///
    /// # Errors
    ///
    /// As [`RansWriter::try_finish`].
    pub fn try_finish(&mut self) -> io::Result<()> {
        if self.writer.is_none() {
            self.decide(true);
        }
        self.replay()?;
        self.settle()?;
        self.writer.as_mut().map_or(Ok(()), RansWriter::try_finish)
    }

    /// The inner writer. Writing to it tears the stream.
    pub fn get_mut(&mut self) -> Option<&mut W> {
        self.writer.as_mut().map(RansWriter::get_mut).or(self.inner.as_mut())
    }

    /// Looks at the first bytes, and begins the stream if they say what the file is. `last`: there
    /// are no more.
    fn decide(&mut self, last: bool) {
        let len = self.first.len() as u64;
        if len < self.needed && !last {
            return;
        }
        match header::parse(&self.first, last.then_some(len)) {
            Ok(Parsed::Needs(needed)) if !last && needed <= self.options.max_header_len.min(MAX_HEADER_LEN) => {
                // A parser begins anew each time.
                self.needed = needed.max((2 * len).min(self.options.max_header_len));
            }
            Ok(Parsed::Whole(header)) if header.len <= self.options.max_header_len => {
                self.container = header.container;
                let base = self.options.base.as_ref().filter(|_| self.options.profile != Profile::Device);
                self.begin(Some(Span::all(&header, |tensor| base?.offset_of(tensor))));
            }
            _ => self.begin(None),
        }
    }

    /// Begins the stream: of these spans, or of bytes.
    fn begin(&mut self, spans: Option<Vec<Span>>) {
        let Some(inner) = self.inner.take() else { return };
        let mut options = self.options.encode.clone();
        if let Some(spans) = spans {
            let header_len = spans.first().and_then(Span::len).unwrap_or(self.first.len() as u64);
            let largest = if header_len > LARGEST_BLOCK as u64 { LARGEST_HEADER_BLOCK } else { LARGEST_BLOCK };
            options = options.block_len(largest).index(self.options.index);
            if let Some(base) = &self.options.base
                && spans.iter().any(|span| span.base_offset.is_some())
            {
                options = options.base(base.bytes().clone());
                self.unread = Some(base.clone());
            }
            self.spans = spans.into_iter();
        }
        self.writer = Some(RansWriter::with_options(inner, options));
    }

    /// Hands on what was kept.
    fn replay(&mut self) -> io::Result<()> {
        while self.first_at < self.first.len() {
            let first = mem::take(&mut self.first);
            let taken = self.take(&first[self.first_at..]);
            self.first = first;
            self.first_at += taken?;
        }
        (self.first, self.first_at) = (Vec::new(), 0);
        Ok(())
    }

    /// Takes bytes from the start of `bytes`, all of one span.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.span.as_ref().is_none_or(|span| span.left == Some(0)) {
            self.settle()?;
            self.span = self.spans.next().map(Current::new);
        }
        if self.span.as_ref().is_some_and(|span| span.missing() == 0) {
            self.settle()?;
        }
        let Some(writer) = &mut self.writer else { return Ok(0) };
        let Some(span) = &mut self.span else { return writer.write(bytes) };
        let len = span.left.map_or(bytes.len(), |left| left.min(bytes.len() as u64) as usize);
        let taken = match span.missing() {
            0 => writer.write(&bytes[..len])?,
            missing => {
                let len = len.min(missing);
                span.sample.extend_from_slice(&bytes[..len]);
                len
            }
        };
        span.left = span.left.map(|left| left - taken as u64);
        Ok(taken)
    }

    /// Hands on the sample of the span, whole or not.
    fn settle(&mut self) -> io::Result<()> {
        let (Some(span), Some(writer)) = (&mut self.span, &mut self.writer) else { return Ok(()) };
        if let Some(base) = &self.unread {
            self.hint = Some(base.hint()?);
            self.unread = None;
        }
        if let Some(hint) = &self.hint {
            writer.write_base_hint(hint)?;
            self.hint = None;
        }
        if span.wanted.is_some() {
            if self.options.base.is_some() {
                writer.set_base_offset(span.base_offset)?;
            }
            let probe = Probe { options: &self.options.encode, profile: self.options.profile };
            writer.set_block_options(probe.choose(&span.content, &span.sample))?;
            span.wanted = None;
        }
        while span.sample_at < span.sample.len() {
            span.sample_at += writer.write(&span.sample[span.sample_at..])?;
        }
        (span.sample, span.sample_at) = (Vec::new(), 0);
        Ok(())
    }
}

impl<W: Write> Write for TensorWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.writer.is_some() {
            self.replay()?;
            return self.take(buf);
        }
        let missing = self.needed.saturating_sub(self.first.len() as u64).max(1);
        let len = missing.min(buf.len() as u64) as usize;
        self.first.extend_from_slice(&buf[..len]);
        self.decide(false);
        Ok(len)
    }

    /// Cuts the block, as [`RansWriter`] does. A file that is flushed before its header is whole is
    /// bytes.
    fn flush(&mut self) -> io::Result<()> {
        if self.writer.is_none() && !self.first.is_empty() {
            self.begin(None);
        }
        self.replay()?;
        self.settle()?;
        match (&mut self.writer, &mut self.inner) {
            (Some(writer), _) => writer.flush(),
            (None, Some(inner)) => inner.flush(),
            (None, None) => Ok(()),
        }
    }
}
