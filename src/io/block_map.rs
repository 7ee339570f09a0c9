//! Where each block of an input is: by the streams' indexes, or by hopping from header to header.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{
    block::Coded,
    error::{Corruption, Error, Part},
    format::{BLOCK_OVERHEAD, BlockHeader, EndBlock, HEADER_LEN, INDEX_KIND, IndexFooter, StreamHeader},
    io::{outline::OutlineReader, retry::read_retried},
    limits::Limits,
    options::DecodeOptions,
    stream::{OutlinePart, StreamPosition},
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
    /// The blocks of the streams that begin at the start of `inner`, which is left anywhere. Of
    /// `options` it takes limits, whether there may be several streams, and what may stand behind
    /// them.
    ///
    /// What the streams have against them behind their first blocks is
    /// [`raw_len`](BlockMap::raw_len)'s to report.
    ///
    /// # Errors
    ///
    /// What `inner` reports; what an index has against it; an [`Error`] inside where there is no
    /// stream at all.
    pub fn read(inner: &mut (impl Read + Seek), options: &DecodeOptions) -> io::Result<Self> {
        let map = Self::read_from(inner, 0, options)?;
        if let (true, Some(fault)) = (map.streams.is_empty(), &map.fault) {
            return Err(fault.clone().into());
        }
        Ok(map)
    }

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

    /// Compares what an index said with the headers of all blocks, which are read from `inner`.
    ///
    /// # Errors
    ///
    /// What `inner` reports; [`Corruption::IndexMismatch`].
    pub fn verify(&mut self, inner: &mut (impl Read + Seek)) -> io::Result<()> {
        self.verify_up_to(self.raw_len.saturating_sub(1), inner, 0)
    }

    /// [`read`](Self::read) for streams that begin at `base`, with the fault inside.
    pub(crate) fn read_from(inner: &mut (impl Read + Seek), base: u64, options: &DecodeOptions) -> io::Result<Self> {
        let mut input = Input { inner, base };
        if let Some(map) = by_index(&mut input, options)? {
            return Ok(map);
        }
        let map = by_hopping(&mut input, options)?;
        Ok(Self { verified: map.blocks.len(), ..map })
    }

    /// Compares what an index said with the headers of all blocks up to the one that holds raw
    /// byte `raw`, if there is such a byte. The inner reader is left anywhere.
    pub(crate) fn verify_up_to(&mut self, raw: u64, inner: &mut (impl Read + Seek), base: u64) -> io::Result<()> {
        if raw >= self.raw_len {
            return Ok(());
        }
        let up_to = self.blocks.partition_point(|block| block.raw_start <= raw);
        let mut input = Input { inner, base };
        while let Some(&BlockEntry { header, offset, .. }) = self.blocks[..up_to].get(self.verified) {
            let mut found = [0; HEADER_LEN];
            input.read_at(offset, &mut found)?;
            if found != header {
                return Err(Error::Corrupt { part: Part::Index, offset, reason: Corruption::IndexMismatch }.into());
            }
            self.verified += 1;
        }
        Ok(())
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

    /// Bytes of memory.
    fn held(&self) -> usize {
        self.streams.len() * size_of::<StreamEntry>() + self.blocks.len() * size_of::<BlockEntry>()
    }
}

/// The inner reader's bytes from where the first stream begins; offsets count from there.
struct Input<'a, R> {
    inner: &'a mut R,
    base: u64,
}

impl<R: Read + Seek> Input<'_, R> {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.inner.seek(SeekFrom::End(0))?.saturating_sub(self.base))
    }

    /// Fills `bytes` from `offset` on.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let place = self.base.checked_add(offset).ok_or(Error::Truncated { offset })?;
        self.inner.seek(SeekFrom::Start(place))?;
        let mut filled = 0;
        while filled < bytes.len() {
            match read_retried(self.inner, &mut bytes[filled..])? {
                0 => return Err(Error::Truncated { offset: offset + filled as u64 }.into()),
                read => filled += read,
            }
        }
        Ok(())
    }

    fn stream_header(&mut self, offset: u64) -> io::Result<StreamHeader> {
        let mut bytes = [0; StreamHeader::MAX_LEN];
        let (fixed, rest) = bytes.split_at_mut(StreamHeader::FIXED_LEN);
        self.read_at(offset, fixed)?;
        let len = StreamHeader::len_from(fixed.first_chunk().unwrap_or(&[0; 8]), offset)?;
        self.read_at(offset + StreamHeader::FIXED_LEN as u64, &mut rest[..len - StreamHeader::FIXED_LEN])?;
        Ok(StreamHeader::parse(&bytes[..len], offset)?)
    }

    /// The payload of the block at `offset`, which is to have this header. `None`: it has another
    /// one, or a wrong check.
    fn block(&mut self, offset: u64, header: BlockHeader, limits: &Limits) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        limits.grow(&mut bytes, header.payload_len() as usize + BLOCK_OVERHEAD, offset)?;
        self.read_at(offset, &mut bytes)?;
        let (found, body) = bytes.split_at(HEADER_LEN);
        let is_right = found == header.to_bytes() && Coded::new(header, body).verify().is_ok();
        bytes.drain(..HEADER_LEN);
        bytes.truncate(header.payload_len() as usize);
        Ok(is_right.then_some(bytes))
    }
}

/// A stream as its index describes it.
struct Indexed {
    start: u64,
    header: StreamHeader,
    entries: Vec<u8>,
}

/// From the last stream's index to the first's. `None`: not every stream has one that lists its
/// blocks.
fn by_index(input: &mut Input<'_, impl Read + Seek>, options: &DecodeOptions) -> io::Result<Option<BlockMap>> {
    let limits = &options.limits;
    let (mut end, mut held) = (input.len()?, 0);
    let mut streams = Vec::new();
    loop {
        let Some(stream) = stream_before(input, end, limits)? else { return Ok(None) };
        held += stream.entries.len() + size_of::<Indexed>();
        limits.check_memory(held, stream.start)?;
        end = stream.start;
        streams.push(stream);
        if end == 0 {
            break;
        }
    }
    streams.reverse();
    if options.single_stream {
        streams.truncate(1);
    }
    let mut map = BlockMap::default();
    for Indexed { start, header, entries } in streams {
        map.begin_stream(header, start, limits)?;
        let mut offset = start + header.encoded_len() as u64;
        for bytes in entries.as_chunks().0 {
            let block = BlockHeader::parse(bytes, Part::Index, offset)?;
            map.add_block(*bytes, block.raw_len(), offset, limits)?;
            offset += block_len(&block);
        }
    }
    Ok(Some(map))
}

/// The stream that ends at `end`. Nothing is believed that leads elsewhere: `None` leaves it to
/// those who read all headers to say what is wrong.
fn stream_before(input: &mut Input<'_, impl Read + Seek>, end: u64, limits: &Limits) -> io::Result<Option<Indexed>> {
    let Some(tail_at) = end.checked_sub(IndexFooter::TAIL_LEN as u64) else { return Ok(None) };
    let mut tail = [0; IndexFooter::TAIL_LEN];
    input.read_at(tail_at, &mut tail)?;
    let Some(footer) = tail.first_chunk().and_then(IndexFooter::parse) else { return Ok(None) };
    let (Some(start), Some(index_at), Ok(payload_len)) =
        (end.checked_sub(footer.stream_len), end.checked_sub(footer.block_len()), u32::try_from(footer.payload_len()))
    else {
        return Ok(None);
    };
    let index = BlockHeader::Skippable { kind: INDEX_KIND, payload_len };
    let Some(mut entries) = input.block(index_at, index, limits)? else { return Ok(None) };
    entries.truncate(entries.len() - IndexFooter::LEN);
    let header = match input.stream_header(start) {
        Ok(header) if header.index => header,
        Err(error) if !error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>) => {
            return Err(error);
        }
        _ => return Ok(None),
    };

    let end_block = BlockHeader::End { payload_len: EndBlock::payload_len(header.content_check) };
    let mismatch = Error::Corrupt { part: Part::Index, offset: index_at, reason: Corruption::IndexMismatch };
    let (mut raw_len, mut offset) = (0, start + header.encoded_len() as u64);
    for bytes in entries.as_chunks().0 {
        let block = BlockHeader::parse(bytes, Part::Index, index_at)?;
        if matches!(block, BlockHeader::End { .. } | BlockHeader::Skippable { kind: INDEX_KIND, .. }) {
            return Err(mismatch.into());
        }
        raw_len += block.raw_len() as u64;
        offset = offset.saturating_add(block_len(&block));
    }
    if offset.saturating_add(block_len(&end_block)) != index_at {
        // An index without entries stands for a list that grew too long.
        return if entries.is_empty() { Ok(None) } else { Err(mismatch.into()) };
    }
    let Some(totals) = input.block(offset, end_block, limits)? else { return Ok(None) };
    match EndBlock::parse(&totals) {
        Some(totals) if totals.raw_len == raw_len && totals.blocks == u64::from(footer.entries) => {
            Ok(Some(Indexed { start, header, entries }))
        }
        _ => Err(mismatch.into()),
    }
}

/// From header to header, payloads unread.
fn by_hopping(input: &mut Input<'_, impl Read + Seek>, options: &DecodeOptions) -> io::Result<BlockMap> {
    let limits = &options.limits;
    let mut map = BlockMap::default();
    input.inner.seek(SeekFrom::Start(input.base))?;
    for part in OutlineReader::seeking(&mut *input.inner, options.clone())? {
        let part = match part.map_err(Error::try_from) {
            Ok(part) => part,
            Err(Ok(fault)) => {
                map.fault = Some(fault);
                break;
            }
            Err(Err(error)) => return Err(error),
        };
        match part {
            OutlinePart::Stream { header, offset, .. } => map.begin_stream(header, offset, limits)?,
            OutlinePart::Block { header, offset, .. } => {
                map.add_block(header.to_bytes(), header.raw_len(), offset, limits)?;
            }
            _ => {}
        }
    }
    Ok(map)
}

/// Coded bytes of the block with this header.
fn block_len(header: &BlockHeader) -> u64 {
    header.payload_len() + BLOCK_OVERHEAD as u64
}
