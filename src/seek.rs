//! Seeking in a [`RansReader`]: where each block is, by the streams' indexes or by hopping over headers.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{
    error::{Corruption, Error, Part},
    format::{
        BLOCK_OVERHEAD, BlockHeader, CHECK_LEN, EndBlock, HEADER_LEN, INDEX_KIND, IndexFooter, StreamHeader,
        check::crc32c,
    },
    limits::Limits,
    options::TrailingData,
    read::{RansReader, read_retried},
    stream::StreamPosition,
};

/// Every block of an input, by the raw bytes before it.
#[derive(Debug, Default)]
pub(crate) struct BlockMap {
    streams: Vec<StreamEntry>,
    blocks: Vec<BlockEntry>,
    raw_len: u64,
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
    /// The block that holds raw byte `raw`, its header, and where in it the byte is. `None`: there are not so many bytes.
    fn find(&self, raw: u64) -> Option<(StreamPosition, [u8; HEADER_LEN], u64)> {
        if raw >= self.raw_len {
            return None;
        }
        let index = self.blocks.partition_point(|block| block.raw_start <= raw) - 1;
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
        Some((position, block.header, raw - block.raw_start))
    }

    fn begin_stream(&mut self, header: StreamHeader, offset: u64) {
        self.streams.push(StreamEntry { header, offset, raw_before: self.raw_len, first_block: self.blocks.len() });
    }

    /// The raw length of a map is a sum of block lengths, so it cannot overflow before its memory does.
    fn add_block(
        &mut self,
        bytes: [u8; HEADER_LEN],
        raw_len: usize,
        offset: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        limits.check_memory((self.blocks.len() + 1).saturating_mul(size_of::<BlockEntry>()), offset)?;
        self.blocks.push(BlockEntry { header: bytes, offset, raw_start: self.raw_len });
        self.raw_len += raw_len as u64;
        Ok(())
    }
}

/// Positions count raw bytes from where the reader began. A place inside the block that was decoded last costs nothing; any other needs the list of blocks, which is read once: from the
/// index at the tail if every stream has one, else by hopping from header to header.
///
/// The end block's totals and content check are not verified for a stream whose first block was jumped over; every block's own check is.
impl<R: Read + Seek> Seek for RansReader<R> {
    /// # Errors
    ///
    /// What the inner reader reports, or the streams have against it; [`Error::InvalidSeek`] for a place before the first byte.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.map()?.raw_len.checked_add_signed(by),
        }
        .ok_or(Error::InvalidSeek)?;
        self.seek_to(target)?;
        Ok(target)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position)
    }
}

impl<R: Read + Seek> RansReader<R> {
    fn seek_to(&mut self, target: u64) -> io::Result<()> {
        if let Some(ahead) = target.checked_sub(self.position)
            && ahead <= self.decoder.decoded().len() as u64
            && self.skip == 0
        {
            self.decoder.consume(ahead as usize);
            self.position = target;
            return Ok(());
        }
        let Some((position, header, skip)) = self.map()?.find(target) else {
            (self.position, self.skip, self.past_end) = (target, 0, true);
            let ready = self.decoder.decoded().len();
            self.decoder.consume(ready);
            return Ok(());
        };
        self.inner.seek(SeekFrom::Start(position.offset))?;
        self.decoder.resume(&position, header);
        (self.position, self.skip, self.past_end) = (target, skip, false);
        Ok(())
    }

    /// The list of blocks. Offsets in it are the inner reader's own.
    fn map(&mut self) -> io::Result<&BlockMap> {
        if self.map.is_none() {
            let here = self.inner.stream_position()?;
            let base = here.saturating_sub(self.decoder.progress().coded_bytes());
            let limits = self.options.limits;
            let map = match by_index(&mut self.inner, base, &limits, self.options.single_stream) {
                Ok(Some(map)) => Ok(map),
                Ok(None) => {
                    let ignore = self.options.trailing_data == TrailingData::Ignore;
                    by_hopping(&mut self.inner, base, &limits, self.options.single_stream, ignore)
                }
                Err(error) => Err(error),
            };
            // A reader that only asked for the length goes on where it was.
            self.inner.seek(SeekFrom::Start(here))?;
            self.map = Some(map?);
        }
        Ok(self.map.get_or_insert_default())
    }
}

/// From the last stream's index to the first's. `None`: not every stream has one that lists its blocks.
fn by_index(inner: &mut (impl Read + Seek), base: u64, limits: &Limits, single: bool) -> io::Result<Option<BlockMap>> {
    let mut end = inner.seek(SeekFrom::End(0))?;
    let mut streams = Vec::new();
    while end > base {
        let Some((start, header, entries)) = stream_before(inner, base, end, limits)? else { return Ok(None) };
        streams.push((start, header, entries));
        end = start;
    }
    streams.reverse();
    if single {
        streams.truncate(1);
    }
    let mut map = BlockMap::default();
    for (start, header, entries) in streams {
        map.begin_stream(header, start);
        let mut offset = start + header.encoded_len() as u64;
        for bytes in entries.as_chunks().0 {
            let block = BlockHeader::parse(bytes, Part::Index, offset)?;
            map.add_block(*bytes, block.raw_len(), offset, limits)?;
            offset = offset.saturating_add(block.payload_len() + BLOCK_OVERHEAD as u64);
        }
    }
    Ok(Some(map))
}

/// Start, header and index entries of the stream that ends at `end`.
fn stream_before(
    inner: &mut (impl Read + Seek),
    base: u64,
    end: u64,
    limits: &Limits,
) -> io::Result<Option<(u64, StreamHeader, Vec<u8>)>> {
    let Some(tail_at) = end.checked_sub(IndexFooter::TAIL_LEN as u64).filter(|&at| at >= base) else { return Ok(None) };
    let mut tail = [0; IndexFooter::TAIL_LEN];
    read_at(inner, tail_at, &mut tail)?;
    let Some(footer) = tail.first_chunk().and_then(IndexFooter::parse) else { return Ok(None) };
    let (Some(start), Some(index_at)) = (
        end.checked_sub(footer.stream_len).filter(|&start| start >= base),
        end.checked_sub(footer.block_len()).filter(|&at| at >= base),
    ) else {
        return Ok(None);
    };
    let mut block = Vec::new();
    limits.grow(&mut block, footer.block_len() as usize, index_at)?;
    read_at(inner, index_at, &mut block)?;
    let (signed, check) = block.split_at(block.len() - CHECK_LEN);
    let header = BlockHeader::Skippable { kind: INDEX_KIND, payload_len: footer.payload_len() as u32 }.to_bytes();
    if signed[..HEADER_LEN] != header || crc32c(signed, &[]).to_le_bytes() != check {
        return Ok(None);
    }
    let (stream, len) = stream_header_at(inner, start)?;
    let entries = block[HEADER_LEN..HEADER_LEN + footer.entries as usize * HEADER_LEN].to_vec();
    let mut expected = (len + BLOCK_OVERHEAD + EndBlock::payload_len(stream.content_check)) as u64 + footer.block_len();
    for bytes in entries.as_chunks().0 {
        let block = BlockHeader::parse(bytes, Part::Index, index_at)?;
        expected = expected.saturating_add(block.payload_len() + BLOCK_OVERHEAD as u64);
    }
    if expected == footer.stream_len {
        return Ok(Some((start, stream, entries)));
    }
    // An index without entries stands for a list that grew too long.
    if entries.is_empty() { Ok(None) } else { Err(mismatch(index_at).into()) }
}

/// From header to header, payloads unread.
fn by_hopping(
    inner: &mut (impl Read + Seek),
    base: u64,
    limits: &Limits,
    single: bool,
    ignore_trailing: bool,
) -> io::Result<BlockMap> {
    let input_end = inner.seek(SeekFrom::End(0))?;
    let mut map = BlockMap::default();
    let mut offset = base;
    loop {
        let (header, len) = match stream_header_at(inner, offset) {
            Ok(found) => found,
            Err(_) if offset > base && ignore_trailing => return Ok(map),
            Err(error) => return Err(error),
        };
        map.begin_stream(header, offset);
        offset += len as u64;
        loop {
            let mut bytes = [0; HEADER_LEN];
            read_at(inner, offset, &mut bytes)?;
            let block = BlockHeader::parse(&bytes, Part::Block(map.blocks.len() as u64), offset)?;
            let next = offset.saturating_add(block.payload_len() + BLOCK_OVERHEAD as u64);
            if next > input_end {
                return Err(Error::Truncated { offset: input_end }.into());
            }
            let at = std::mem::replace(&mut offset, next);
            if let BlockHeader::End { .. } = block {
                break;
            }
            map.add_block(bytes, block.raw_len(), at, limits)?;
        }
        if header.index {
            let mut bytes = [0; HEADER_LEN];
            read_at(inner, offset, &mut bytes)?;
            offset += BlockHeader::parse(&bytes, Part::Index, offset)?.payload_len() + BLOCK_OVERHEAD as u64;
        }
        if single || offset >= input_end {
            return Ok(map);
        }
    }
}

fn stream_header_at(inner: &mut (impl Read + Seek), offset: u64) -> io::Result<(StreamHeader, usize)> {
    let mut bytes = [0; StreamHeader::MAX_LEN];
    let (fixed, rest) = bytes.split_at_mut(StreamHeader::FIXED_LEN);
    read_at(inner, offset, fixed)?;
    let len = StreamHeader::len_from(fixed.first_chunk().unwrap_or(&[0; 8]), offset)?;
    read_at(inner, offset + StreamHeader::FIXED_LEN as u64, &mut rest[..len - StreamHeader::FIXED_LEN])?;
    Ok((StreamHeader::parse(&bytes[..len], offset)?, len))
}

/// Fills `bytes` from `offset` on.
fn read_at(inner: &mut (impl Read + Seek), offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    inner.seek(SeekFrom::Start(offset))?;
    let mut filled = 0;
    while filled < bytes.len() {
        match read_retried(inner, &mut bytes[filled..])? {
            0 => return Err(Error::Truncated { offset: offset + filled as u64 }.into()),
            read => filled += read,
        }
    }
    Ok(())
}

fn mismatch(offset: u64) -> Error {
    Error::Corrupt { part: Part::Index, offset, reason: Corruption::IndexMismatch }
}
