//! Where each block of an object is, read from a store that serves ranges.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, Result};
use ranstream::{DecodeOptions, outline::BlockMap};

use crate::store::failed;

/// Bytes that are read first: the index of 1 GiB in blocks of 256 KiB has half of it.
const TAIL_LEN: u64 = 64 << 10;

/// The least that is read at another place: headers are short.
const PIECE_LEN: u64 = 4 << 10;

/// An object with an index needs a few reads for each stream. One that needs more than this would
/// be read header by header.
const MAX_READS: usize = 64;

/// The map of an object, whose coded size `meta` has.
///
/// The reader of maps is given what was read so far, and asks again behind the first byte that is
/// not among it.
pub(crate) async fn read(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta) -> Result<BlockMap> {
    let mut window = Window { len: meta.size, at: 0, parts: Vec::new(), missing: None };
    let mut wanted = meta.size.saturating_sub(TAIL_LEN)..meta.size;
    for _ in 0..MAX_READS {
        if !wanted.is_empty() {
            window.parts.push((wanted.start, range_of(store, meta, wanted).await?));
        }
        (window.at, window.missing) = (0, None);
        let map = BlockMap::read(&mut window, &DecodeOptions::new());
        match (map, window.missing.take()) {
            (_, Some(missing)) => wanted = missing,
            (Ok(map), None) => {
                map.raw_len().map_err(|error| failed(&meta.location, error))?;
                return Ok(map);
            }
            (Err(error), None) => return Err(failed(&meta.location, error)),
        }
    }
    Err(failed(&meta.location, io::Error::other("it has no index; `rans index` adds one")))
}

/// A range of the object that `meta` is of, and of no other version.
pub(crate) async fn range_of(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta, range: Range<u64>) -> Result<Bytes> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: meta.e_tag.clone(),
        version: meta.version.clone(),
        ..GetOptions::default()
    };
    store.get_opts(&meta.location, options).await?.bytes().await
}

/// The parts of an object that were read.
struct Window {
    len: u64,
    at: u64,
    parts: Vec<(u64, Bytes)>,
    /// What is to be read next.
    missing: Option<Range<u64>>,
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.at);
        let len = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 {
            return Ok(0);
        }
        for (start, part) in &self.parts {
            let Some(skip) = self.at.checked_sub(*start).and_then(|skip| usize::try_from(skip).ok()) else {
                continue;
            };
            if let Some(bytes) = part.get(skip..).filter(|bytes| !bytes.is_empty()) {
                let len = len.min(bytes.len());
                buf[..len].copy_from_slice(&bytes[..len]);
                self.at += len as u64;
                return Ok(len);
            }
        }
        self.missing = Some(self.at..self.at + left.min(PIECE_LEN.max(len as u64)));
        Err(io::Error::other("not read yet"))
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
