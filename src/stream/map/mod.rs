//! Where each block of an input is: by the streams' indexes, or by hopping from header to header.

mod mapper;

pub(crate) use mapper::{Mapper, Want};

use crate::{
    error::{Corruption, Error, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, StreamHeader},
    limits::Limits,
    stream::StreamPosition,
};

/// Where every block of an input is, by the raw bytes before it: what splits, ranges and plans are
/// made of.
///
/// It comes from the index at the tail if every stream has one, which takes a few short reads, else
/// from header to header. An index is compared with the totals of its stream; that each block has
/// the header that is listed is for whoever reads the block to see (FORMAT.md, 2.3), or for
/// [`verify`](BlockMap::verify).
///
/// ```
/// use std::io::Cursor;
///
/// use ranstream::{DecodeOptions, EncodeOptions, compress, outline::BlockMap};
///
/// let stream = compress(&[7; 1_000_000], &EncodeOptions::new().block_len(100_000).index(true))?;
/// let map = BlockMap::read(&mut Cursor::new(&stream), &DecodeOptions::new())?;
/// let block = map.block(map.position_of(750_000).unwrap()).unwrap();
/// assert_eq!((map.len(), block.raw_offset, block.header.raw_len()), (10, 700_000, 100_000));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct BlockMap {
    streams: Vec<StreamEntry>,
    blocks: Vec<BlockEntry>,
    raw_len: u64,
    /// What the streams have against them behind these blocks.
    fault: Option<Error>,
    /// So many blocks from the first on have the header that is listed here: it was read.
    verified: usize,
}

/// A block of a [`BlockMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappedBlock {
    /// What its header says.
    pub header: BlockHeader,
    /// Where its header is in the input.
    pub offset: u64,
    /// Its own bytes, header and check among them.
    pub coded_len: u64,
    /// Raw bytes of all streams before it.
    pub raw_offset: u64,
}

#[derive(Debug)]
struct StreamEntry {
    header: StreamHeader,
    offset: u64,
    raw_before: u64,
    first_block: usize,
}

#[derive(Debug)]
struct BlockEntry {
    header: [u8; HEADER_LEN],
    offset: u64,
    raw_start: u64,
}

impl BlockMap {
    /// Blocks, those of application data among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The block at `position`, counted over all streams.
    #[must_use]
    pub fn block(&self, position: usize) -> Option<MappedBlock> {
        let &BlockEntry { ref header, offset, raw_start } = self.blocks.get(position)?;
        // It was parsed before it was listed.
        let header = BlockHeader::parse(header, Part::Block(position as u64), offset).ok()?;
        Some(MappedBlock { header, offset, coded_len: block_len(&header), raw_offset: raw_start })
    }

    /// The position of the block that holds raw byte `raw`. `None`: there are not so many bytes.
    #[must_use]
    pub fn position_of(&self, raw: u64) -> Option<usize> {
        (raw < self.raw_len).then(|| self.blocks.partition_point(|block| block.raw_start <= raw) - 1)
    }

    /// Where the header is that is to be compared next with what an index said of it, if it is
    /// before raw byte `up_to`.
    pub(crate) fn unverified(&self, up_to: u64) -> Option<u64> {
        self.blocks.get(self.verified).filter(|block| block.raw_start < up_to).map(|block| block.offset)
    }

    /// Compares the header that was found there.
    ///
    /// # Errors
    ///
    /// [`Corruption::IndexMismatch`]; [`Error::Truncated`] if it is not whole.
    pub(crate) fn verify_next(&mut self, found: &[u8]) -> Result<(), Error> {
        let Some(&BlockEntry { header, offset, .. }) = self.blocks.get(self.verified) else { return Ok(()) };
        if found.len() < HEADER_LEN {
            return Err(Error::Truncated { offset: offset + found.len() as u64 });
        }
        if found != header {
            return Err(Error::Corrupt { part: Part::Index, offset, reason: Corruption::IndexMismatch });
        }
        self.verified += 1;
        Ok(())
    }

    /// What keeps there from being any block, if that is so.
    pub(crate) fn fault_at_start(&self) -> Option<&Error> {
        self.fault.as_ref().filter(|_| self.streams.is_empty())
    }

    /// Raw bytes of all streams.
    ///
    /// # Errors
    ///
    /// What reading to the end would report.
    pub fn raw_len(&self) -> Result<u64, Error> {
        self.fault.clone().map_or(Ok(self.raw_len), Err)
    }

    /// The block that holds raw byte `raw`, its header, and where in it the byte is. `None`: there
    /// are not so many bytes.
    ///
    /// # Errors
    ///
    /// What reading to that byte would report. Blocks before the fault are found all the same.
    pub(crate) fn find(&self, raw: u64) -> Result<Option<(StreamPosition, [u8; HEADER_LEN], u64)>, Error> {
        let Some(index) = self.position_of(raw) else { return self.raw_len().map(|_| None) };
        let stream = &self.streams[self.streams.partition_point(|stream| stream.first_block <= index) - 1];
        let block = &self.blocks[index];
        let position = StreamPosition {
            header: stream.header,
            stream_offset: stream.offset,
            offset: block.offset,
            blocks: (index - stream.first_block) as u64,
            raw_len: block.raw_start - stream.raw_before,
            raw_before: stream.raw_before,
        };
        Ok(Some((position, block.header, raw - block.raw_start)))
    }

    fn begin_stream(&mut self, header: StreamHeader, offset: u64, limits: &Limits) -> Result<(), Error> {
        limits.check_memory(self.held() + size_of::<StreamEntry>(), offset)?;
        self.streams.push(StreamEntry { header, offset, raw_before: self.raw_len, first_block: self.blocks.len() });
        Ok(())
    }

    /// The raw length of a map is a sum of block lengths, so it cannot overflow before its memory
    /// does.
    fn add_block(
        &mut self,
        header: [u8; HEADER_LEN],
        raw_len: usize,
        offset: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        limits.check_memory(self.held() + size_of::<BlockEntry>(), offset)?;
        self.blocks.push(BlockEntry { header, offset, raw_start: self.raw_len });
        self.raw_len += raw_len as u64;
        Ok(())
    }

    /// Nothing more is listed, as the streams have something against them. `true`.
    fn end_with(&mut self, fault: Error) -> bool {
        self.fault = Some(fault);
        true
    }

    /// All headers that are listed were read.
    fn has_read_all(&mut self) {
        self.verified = self.blocks.len();
    }

    /// Bytes of memory.
    fn held(&self) -> usize {
        self.streams.len() * size_of::<StreamEntry>() + self.blocks.len() * size_of::<BlockEntry>()
    }
}

/// Coded bytes of the block with this header.
fn block_len(header: &BlockHeader) -> u64 {
    header.payload_len() + BLOCK_OVERHEAD as u64
}
