//! A range of raw bytes, decoded block by block.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use object_store::{ObjectMeta, ObjectStore, Result};
use ranstream::{
    Error, block,
    error::{Corruption, Part},
    outline::{BlockMap, MappedBlock},
};

use crate::{map::range_of, store::failed};

/// Coded bytes that are read at once, where a range has so many: a store that is far away likes
/// them to be many.
const READ_LEN: u64 = 4 << 20;

/// What is left of a range.
struct Rest {
    store: Arc<dyn ObjectStore>,
    /// Of the coded object.
    meta: ObjectMeta,
    map: Arc<BlockMap>,
    range: Range<u64>,
    /// Where in the object the bytes begin that were read last.
    read_at: u64,
    read: Bytes,
}

/// The raw bytes `range`, decoded on the thread that asks for them, a block at a time: however much
/// blocks grow, no more than one of them is in memory, and what is before a damaged one comes out.
pub(crate) fn pieces(
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    map: Arc<BlockMap>,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    let rest = Rest { store, meta, map, range, read_at: 0, read: Bytes::new() };
    try_unfold(rest, |mut rest| async move {
        let piece = rest.next().await?;
        Ok(piece.map(|piece| (piece, rest)))
    })
    .boxed()
}

impl Rest {
    /// The bytes of the next block; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let Some(position) = self.map.position_of(self.range.start) else {
            return Ok(None);
        };
        let Some(block) = self.map.block(position) else {
            return Ok(None);
        };
        if self.coded(&block).is_none() {
            let wanted = self.wanted(position, &block);
            self.read_at = wanted.start;
            self.read = range_of(&self.store, &self.meta, wanted).await?;
        }
        let raw = match self.coded(&block) {
            Some(bytes) => decode(bytes, &block),
            None => Err(Error::Truncated { offset: 0 }),
        };
        let raw = raw.map_err(|error| failed(&self.meta.location, error.in_file(position as u64, block.offset)))?;
        // The first and the last block may have bytes that nobody asked for.
        let skip = (self.range.start - block.raw_offset) as usize;
        let len = (self.range.end - self.range.start).min((raw.len() - skip) as u64);
        self.range.start += len;
        Ok(Some(Bytes::from(raw).slice(skip..skip + len as usize)))
    }

    /// The bytes of a block, if they were read.
    fn coded(&self, block: &MappedBlock) -> Option<&[u8]> {
        let start = usize::try_from(block.offset.checked_sub(self.read_at)?).ok()?;
        self.read.get(start..start.checked_add(block.coded_len as usize)?)
    }

    /// The coded bytes of a block, and of those behind it that the range needs and one read has
    /// room for. Application data, and what stands between two streams, is read and not looked at.
    fn wanted(&self, position: usize, block: &MappedBlock) -> Range<u64> {
        let later = (position + 1..).map_while(|position| self.map.block(position));
        let end = later
            .take_while(|later| later.raw_offset < self.range.end)
            .map(|later| later.offset + later.coded_len)
            .take_while(|end| end - block.offset <= READ_LEN)
            .last();
        block.offset..end.unwrap_or(block.offset + block.coded_len)
    }
}

/// The raw bytes of the one block that `bytes` are.
fn decode(bytes: &[u8], block: &MappedBlock) -> Result<Vec<u8>, Error> {
    let raw_len = block.header.raw_len();
    if block::raw_len(bytes)? != raw_len {
        return Err(Error::Corrupt { part: Part::Index, offset: 0, reason: Corruption::IndexMismatch });
    }
    let mut raw = vec![0; raw_len];
    block::decode(bytes, &mut raw)?;
    Ok(raw)
}
