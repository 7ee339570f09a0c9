//! Writes the parts of a stream in their order and keeps its totals.

use crate::{
    block::Appended,
    error::Error,
    format::{BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, IndexFooter, StreamHeader},
    limits::within,
    options::{EncodeOptions, Valid},
    progress::{Observer, Progress},
    simd::crc32c,
    stream::{tally::Tally, totals::Totals},
};

/// The largest kind that belongs to applications.
const MAX_APPLICATION_KIND: u16 = 0x7FFF;

/// One stream in the making.
#[derive(Debug)]
pub(crate) struct Framer {
    header: StreamHeader,
    totals: Totals,
    /// The index so far; `None` when there is to be none, or it grew too long.
    entries: Option<Vec<[u8; HEADER_LEN]>>,
    index_max_blocks: usize,
    /// Raw bytes announced to the framer, blocks of which may still be with a worker.
    taken: u64,
    tally: Tally,
}

impl Framer {
    pub(crate) fn new(options: &Valid<EncodeOptions>) -> Self {
        let header = StreamHeader {
            max_block_log2: options.block_len.next_power_of_two().ilog2() as u8,
            content_length: options.content_length,
            content_check: options.content_check,
            index: options.index,
        };
        Self::with_header(header, options.index_max_blocks, options.observer.clone())
    }

    fn with_header(header: StreamHeader, index_max_blocks: usize, observer: Option<Observer>) -> Self {
        let mut tally = Tally::new(observer);
        tally.begin_stream(header.content_check);
        Self { header, totals: Totals::new(), entries: header.index.then(Vec::new), index_max_blocks, taken: 0, tally }
    }

    /// Goes on with a stream that was begun with this header: its blocks are to be
    /// [added](Framer::add_block) again.
    pub(crate) fn resumed(header: StreamHeader, index_max_blocks: usize) -> Self {
        let mut framer = Self::with_header(header, index_max_blocks, None);
        framer.tally.add_coded(header.encoded_len());
        framer
    }

    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        self.header.write(out);
        self.tally.add_coded(self.header.encoded_len());
    }

    /// Announces the next raw bytes in stream order, before their block is coded.
    pub(crate) fn take(&mut self, raw: &[u8]) -> Result<(), Error> {
        self.taken += raw.len() as u64;
        if let Some(declared) = self.header.content_length.filter(|&declared| self.taken > declared) {
            return Err(Error::ContentLength { declared, actual: self.taken });
        }
        self.tally.add_content(raw);
        Ok(())
    }

    /// Counts the block whose raw bytes were announced last, and which `append` appends.
    pub(crate) fn append_block(&mut self, out: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>) -> Appended) {
        let start = out.len();
        let appended = append(out);
        self.add_block(&appended, out.len() - start);
    }

    /// Counts a block that was coded elsewhere. Blocks come in stream order. The user hears of it.
    pub(crate) fn add_block(&mut self, block: &Appended, coded_len: usize) {
        self.totals.add(&block.header, block.check);
        self.add_entry(block.header.to_bytes());
        self.tally.add_coded(coded_len);
        self.tally.add_block(block.header.raw_len());
    }

    pub(crate) fn append_application_data(&mut self, kind: u16, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        within("application data kind", kind.into(), 0, MAX_APPLICATION_KIND.into())?;
        within("application data length", data.len(), 0, u32::MAX as usize)?;
        self.append_skippable(kind, data, out);
        Ok(())
    }

    /// `data` has at most `u32::MAX` bytes.
    pub(crate) fn append_skippable(&mut self, kind: u16, data: &[u8], out: &mut Vec<u8>) {
        let header = BlockHeader::Skippable { kind, payload_len: data.len() as u32 };
        let bytes = header.to_bytes();
        let check = crc32c(&bytes, data);
        out.extend(bytes);
        out.extend(data);
        out.extend(check.to_le_bytes());
        self.totals.add(&header, check);
        self.add_entry(bytes);
        self.tally.add_coded(data.len() + BLOCK_OVERHEAD);
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let actual = self.totals.raw_len;
        if let Some(declared) = self.header.content_length.filter(|&declared| actual != declared) {
            return Err(Error::ContentLength { declared, actual });
        }
        let start = out.len();
        self.totals.to_end_block(self.tally.content_check()).write(out);
        self.tally.add_coded(out.len() - start);
        if self.header.index {
            let start = out.len();
            let stream_len = self.progress().coded_bytes();
            IndexFooter::write_block(self.entries.as_deref().unwrap_or_default(), stream_len, out);
            self.tally.add_coded(out.len() - start);
        }
        Ok(())
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.tally.progress()
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
}
