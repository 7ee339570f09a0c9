//! A range of raw bytes, decoded piece by piece.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use object_store::{ObjectMeta, ObjectStore, Result};
use ranstream::{
    Error, block,
    error::{Corruption, Part},
    format::BlockHeader,
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
}

/// The raw bytes `range`, decoded on the thread that asks for them.
pub(crate) fn pieces(
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    map: Arc<BlockMap>,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    try_unfold(Rest { store, meta, map, range }, |mut rest| async move {
        let piece = rest.next().await?;
        Ok(piece.map(|piece| (piece, rest)))
    })
    .boxed()
}

impl Rest {
    /// The bytes of the next blocks; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let (blocks, coded) = self.blocks();
        let bytes = range_of(&self.store, &self.meta, coded.clone()).await?;
        let mut raw = Vec::new();
        for (position, block) in blocks {
            let start = (block.offset - coded.start) as usize;
            let bytes = bytes.get(start..start + block.coded_len as usize);
            let decoded = match bytes {
                Some(bytes) => decode(bytes, &block, &mut raw),
                None => Err(Error::Truncated { offset: coded.start + start as u64 }),
            };
            decoded.map_err(|error| failed(&self.meta.location, placed(error, position, block.offset)))?;
        }
        // The first and the last block may have bytes that nobody asked for.
        let skip = (self.range.start - self.map_start()) as usize;
        let len = (self.range.end - self.range.start).min((raw.len() - skip) as u64);
        self.range.start += len;
        Ok(Some(Bytes::from(raw).slice(skip..skip + len as usize)))
    }

    /// Where the block begins that holds the first byte.
    fn map_start(&self) -> u64 {
        let block = self.map.position_of(self.range.start).and_then(|position| self.map.block(position));
        block.map_or(self.range.start, |block| block.raw_offset)
    }

    /// The next blocks of the range with their positions, and the coded bytes that they lie in.
    fn blocks(&self) -> (Vec<(u64, MappedBlock)>, Range<u64>) {
        let (mut blocks, mut coded): (Vec<(u64, MappedBlock)>, Option<Range<u64>>) = (Vec::new(), None);
        let mut position = self.map.position_of(self.range.start).unwrap_or(self.map.len());
        while let Some(block) = self.map.block(position) {
            let end = block.offset + block.coded_len;
            let start = coded.as_ref().map_or(block.offset, |coded| coded.start);
            if block.raw_offset >= self.range.end || (coded.is_some() && end - start > READ_LEN) {
                break;
            }
            // Application data, and what stands between two streams, is read and not looked at.
            if let BlockHeader::Data { .. } = block.header {
                blocks.push((position as u64, block));
                coded = Some(start..end);
            }
            position += 1;
        }
        (blocks, coded.unwrap_or(0..0))
    }
}

/// Appends the raw bytes of the one block that `bytes` are.
fn decode(bytes: &[u8], block: &MappedBlock, raw: &mut Vec<u8>) -> Result<(), Error> {
    let raw_len = block.header.raw_len();
    if block::raw_len(bytes)? != raw_len {
        return Err(Error::Corrupt { part: Part::Index, offset: 0, reason: Corruption::IndexMismatch });
    }
    let start = raw.len();
    raw.resize(start + raw_len, 0);
    block::decode(bytes, &mut raw[start..])?;
    Ok(())
}

/// An error of one block by itself, as one of the object.
fn placed(error: Error, position: u64, place: u64) -> Error {
    match error {
        Error::Corrupt { part: Part::Block(_), offset, reason } => {
            Error::Corrupt { part: Part::Block(position), offset: place + offset, reason }
        }
        Error::Corrupt { part, offset, reason } => Error::Corrupt { part, offset: place + offset, reason },
        Error::Unsupported { feature, offset } => Error::Unsupported { feature, offset: place + offset },
        error => error,
    }
}
