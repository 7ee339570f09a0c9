//! Writes the parts of a stream in their order and keeps its totals.

use crate::{
    block::{self, Appended},
    error::Error,
    format::{
        BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, IndexFooter, StreamHeader,
        check::{ContentHash, crc32c},
    },
    limits::within,
    options::{BlockOptions, EncodeOptions, Valid},
    progress::Progress,
    stream::totals::Totals,
};

/// The largest kind that belongs to applications.
const MAX_APPLICATION_KIND: u16 = 0x7FFF;

/// One stream in the making.
#[derive(Debug)]
pub(crate) struct Framer {
    header: StreamHeader,
    totals: Totals,
    content: Option<Box<ContentHash>>,
    /// The index so far; `None` when there is to be none, or it grew too long.
    entries: Option<Vec<[u8; HEADER_LEN]>>,
    index_max_blocks: usize,
    /// Raw bytes announced to the framer, blocks of which may still be with a worker.
    taken: u64,
    coded_len: u64,
    progress: Progress,
}

impl Framer {
    pub(crate) fn new(options: &Valid<EncodeOptions>) -> Self {
        let header = StreamHeader {
            max_block_log2: options.block_len.next_power_of_two().ilog2() as u8,
            content_length: options.content_length,
            content_check: options.content_check,
            index: options.index,
        };
        Self::with_header(header, options.index_max_blocks)
    }

    fn with_header(header: StreamHeader, index_max_blocks: usize) -> Self {
        Self {
            header,
            totals: Totals::new(),
            content: header.content_check.then(Box::default),
            entries: header.index.then(Vec::new),
            index_max_blocks,
            taken: 0,
            coded_len: 0,
            progress: Progress::default(),
        }
    }

    /// Goes on with a stream that was begun with this header: its blocks are to be
    /// [added](Framer::add_block) again.
    pub(crate) fn resumed(header: StreamHeader, index_max_blocks: usize) -> Self {
        let mut framer = Self::with_header(header, index_max_blocks);
        framer.count_coded(header.encoded_len());
        framer
    }

    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        self.header.write(out);
        self.count_coded(self.header.encoded_len());
    }

    /// Announces the next raw bytes in stream order, before their block is coded.
    pub(crate) fn take(&mut self, raw: &[u8]) -> Result<(), Error> {
        self.taken += raw.len() as u64;
        if let Some(declared) = self.header.content_length.filter(|&declared| self.taken > declared) {
            return Err(Error::ContentLength { declared, actual: self.taken });
        }
        if let Some(content) = &mut self.content {
            content.update(raw);
        }
        Ok(())
    }

    /// Codes the block whose raw bytes were announced last.
    pub(crate) fn append_block(&mut self, raw: &[u8], options: &Valid<BlockOptions>, out: &mut Vec<u8>) {
        let start = out.len();
        let appended = block::append(raw, options, out);
        self.add_block(&appended, out.len() - start);
    }

    /// Counts a block that was coded elsewhere. Blocks come in stream order.
    pub(crate) fn add_block(&mut self, block: &Appended, coded_len: usize) {
        self.totals.add(&block.header, block.check);
        self.add_entry(block.header.to_bytes());
        self.progress.add_block(block.header.raw_len());
        self.count_coded(coded_len);
    }

    pub(crate) fn append_application_data(&mut self, kind: u16, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        within("application data kind", kind.into(), 0, MAX_APPLICATION_KIND.into())?;
        within("application data length", data.len(), 0, u32::MAX as usize)?;
        let header = BlockHeader::Skippable { kind, payload_len: data.len() as u32 };
        let bytes = header.to_bytes();
        let check = crc32c(&bytes, data);
        out.extend(bytes);
        out.extend(data);
        out.extend(check.to_le_bytes());
        self.totals.add(&header, check);
        self.add_entry(bytes);
        self.count_coded(data.len() + BLOCK_OVERHEAD);
        Ok(())
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let actual = self.totals.raw_len;
        if let Some(declared) = self.header.content_length.filter(|&declared| actual != declared) {
            return Err(Error::ContentLength { declared, actual });
        }
        let start = out.len();
        self.totals.to_end_block(self.content.as_ref().map(|content| content.value())).write(out);
        self.count_coded(out.len() - start);
        if self.header.index {
            let start = out.len();
            IndexFooter::write_block(self.entries.as_deref().unwrap_or_default(), self.coded_len, out);
            self.count_coded(out.len() - start);
        }
        Ok(())
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    fn add_entry(&mut self, header: [u8; HEADER_LEN]) {
        if let Some(entries) = &mut self.entries {
            if entries.len() < self.index_max_blocks {
                entries.push(header);
            } else {
                self.entries = None;
            }
        }
    }

    fn count_coded(&mut self, bytes: usize) {
        self.coded_len += bytes as u64;
        self.progress.add_coded(bytes);
    }
}
