//! A file's content: its raw bytes, whether they lie there plain or in blocks.

use std::{io, ops::Range};

use ranstream::{
    DecodeOptions,
    format::{BLOCK_OVERHEAD, IndexFooter, MAGIC},
    outline::{BlockMap, MappedBlock},
};

use super::source::Source;
use crate::{ReadAt, TensorError, TensorErrorKind};

/// Ranges of a file that are so near to each other are read as one.
pub(super) const GAP: u64 = 64 << 10;

/// Where the raw bytes are.
#[derive(Debug)]
pub(super) enum Content {
    /// They are the file's own.
    Plain { len: u64 },
    /// In blocks of streams.
    Coded(BlockMap),
}

impl Content {
    /// Reads the index at the tail, or goes from header to header where there is none. What does
    /// not begin like a stream is plain.
    pub(super) fn read(source: &mut Source<'_>, options: &DecodeOptions, verify_index: bool) -> io::Result<Self> {
        let len = source.len()?;
        let mut first = [0; MAGIC.len()];
        if len < MAGIC.len() as u64 {
            return Ok(Self::Plain { len });
        }
        source.read_exact_at(&mut first, 0)?;
        if first != MAGIC {
            return Ok(Self::Plain { len });
        }
        source.read_tail(0)?;
        source.read_tail(index_len(source)?)?;
        let mut map = BlockMap::read(&mut source.reader(), options)?;
        if verify_index {
            map.verify(&mut source.reader())?;
        }
        Ok(Self::Coded(map))
    }

    /// Raw bytes, as far as they are known: those before what the streams have against them.
    pub(super) fn known_len(&self) -> u64 {
        match self {
            Self::Plain { len } => *len,
            Self::Coded(map) => {
                map.len().checked_sub(1).and_then(|last| map.block(last)).map_or(0, |block| end_of(&block))
            }
        }
    }

    /// Raw bytes, if the streams have nothing against them.
    pub(super) fn len(&self) -> Result<u64, ranstream::Error> {
        match self {
            Self::Plain { len } => Ok(*len),
            Self::Coded(map) => map.raw_len(),
        }
    }

    /// Where the first block is in the file. Empty where there is none.
    pub(super) fn first_block(&self) -> Range<u64> {
        match self {
            Self::Plain { .. } => 0..0,
            Self::Coded(map) => map.block(0).map_or(0..0, |block| block.offset..block.offset + block.coded_len),
        }
    }

    /// The blocks that raw bytes lie in, each with its position. Nothing for plain bytes.
    pub(super) fn blocks(&self, raw: &Range<u64>) -> impl Iterator<Item = (usize, MappedBlock)> + use<'_> {
        let map = match self {
            Self::Coded(map) if !raw.is_empty() => Some(map),
            _ => None,
        };
        let (first, end) = (map.and_then(|map| map.position_of(raw.start)), raw.end);
        let positions = first.into_iter().flat_map(|first| first..);
        positions
            .map_while(move |position| Some((position, map?.block(position)?)))
            .take_while(move |(_, block)| block.raw_offset < end)
            .filter(|(_, block)| block.header.raw_len() > 0)
    }

    /// The file's own bytes that hold raw bytes.
    pub(super) fn coded_ranges(&self, raw: &Range<u64>) -> Vec<Range<u64>> {
        match self {
            Self::Plain { .. } => vec![raw.clone()],
            Self::Coded(_) => {
                merged(self.blocks(raw).map(|(_, block)| block.offset..block.offset + block.coded_len), 0)
            }
        }
    }

    /// That raw bytes are there.
    ///
    /// # Errors
    ///
    /// What the streams have against them where the bytes end.
    pub(super) fn check_range(&self, raw: &Range<u64>) -> Result<(), TensorError> {
        if raw.end <= self.known_len() {
            return Ok(());
        }
        let len = self.len()?;
        Err(TensorErrorKind::OutOfRange { start: raw.start, end: raw.end, len }.into())
    }
}

/// Where the raw bytes of a block end.
pub(super) fn end_of(block: &MappedBlock) -> u64 {
    block.raw_offset + block.header.raw_len() as u64
}

/// Ranges in ascending order, and those as one that are no further apart than `gap`.
pub(super) fn merged(ranges: impl IntoIterator<Item = Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Bytes of the index at the tail and of the end block before it; 0 without one.
fn index_len(source: &Source<'_>) -> io::Result<u64> {
    let len = source.len()?;
    let Some(at) = len.checked_sub(IndexFooter::TAIL_LEN as u64) else { return Ok(0) };
    let mut tail = [0; IndexFooter::LEN];
    source.read_exact_at(&mut tail, at)?;
    let end_len = (28 + BLOCK_OVERHEAD) as u64;
    let index = IndexFooter::parse(&tail).map_or(0, |footer| footer.block_len() + end_len);
    // One that is longer than the file is none.
    Ok(if index > len { 0 } else { index })
}
