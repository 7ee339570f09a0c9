//! What blocks may be differences from: bytes at offsets, from whatever source.

use std::{
    fmt, io,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use crate::{format::check::ContentHash, sync::call_out};

/// Bytes that blocks of planes may be differences from: an earlier version of the same model, say.
/// Cheap to clone.
///
/// Both sides need the same bytes. A block that is a difference names those that it needs by their
/// place and XXH3-64, and a decoder verifies it.
///
/// ```
/// use ranstream::{Base, DecodeOptions, EncodeOptions, Error, Layout, compress, decompress};
///
/// let old: Vec<u8> = (1..9000_u32).flat_map(|i| (1.0 / i as f32).to_le_bytes()).collect();
/// let mut new = old.clone();
/// new[400] ^= 1;
/// let base = Base::from_bytes(old);
/// let options = EncodeOptions::new().layout(Layout::f32()).base(base.clone());
/// let stream = compress(&new, &options)?;
/// assert!(stream.len() < 200);
/// assert_eq!(decompress(&stream, &DecodeOptions::new().base(base))?, new);
/// assert!(matches!(decompress(&stream, &DecodeOptions::new()), Err(Error::NeedsBase { .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Base {
    // One pointer: every stream holds its options, and with them this.
    source: Arc<Source>,
}

struct Source {
    len: u64,
    read: Box<Read>,
}

type Read = dyn Fn(&mut [u8], u64) -> io::Result<()> + Send + Sync;

impl Base {
    /// `len` bytes, of which `read` fills a buffer from an offset on. It is called by any thread,
    /// several at a time, and never beyond `len`.
    pub fn new(len: u64, read: impl Fn(&mut [u8], u64) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(Source { len, read: Box::new(read) }) }
    }

    /// Bytes that lie in memory.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let len = bytes.as_ref().len() as u64;
        Self::new(len, move |to, offset| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let from = bytes.as_ref().get(start..).and_then(|rest| rest.get(..to.len()));
            to.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    /// How many bytes there are.
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        self.source.len
    }

    /// XXH3-64 of all bytes, which are read for it.
    ///
    /// # Errors
    ///
    /// What the source reports.
    pub fn hash(&self) -> io::Result<u64> {
        let (mut content, mut bytes, mut at) = (ContentHash::default(), Vec::new(), 0);
        while at < self.source.len {
            bytes.resize((self.source.len - at).min(HASHED_AT_ONCE) as usize, 0);
            call_out(|| (self.source.read)(&mut bytes, at))?;
            content.update(&bytes);
            at += bytes.len() as u64;
        }
        Ok(content.value())
    }

    /// Fills `to` from `offset` on. `None`: there are not so many bytes.
    pub(crate) fn read(&self, to: &mut [u8], offset: u64) -> Option<io::Result<()>> {
        offset.checked_add(to.len() as u64).filter(|&end| end <= self.source.len)?;
        Some(call_out(|| (self.source.read)(to, offset)))
    }
}

/// The bytes of a base from an offset on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BasePart {
    pub(crate) base: Base,
    pub(crate) offset: u64,
}

/// Bytes of a base that are read at a time to hash all of it.
const HASHED_AT_ONCE: u64 = 1 << 20;

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").field("len", &self.source.len).finish_non_exhaustive()
    }
}

/// Nothing of it changes.
impl UnwindSafe for Base {}
impl RefUnwindSafe for Base {}

/// Bases are equal if they are the same.
impl PartialEq for Base {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}
