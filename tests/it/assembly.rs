//! Streams put together block by block, in ways that no encoder writes them.
//!
//! Framing and checks here are independent of the crate's own: headers and checks are computed from
//! FORMAT.md with other code.

use std::ops::Range;

use crc::{CRC_8_AUTOSAR, CRC_32_ISCSI, Crc};
use ranstream::{
    EncodeOptions, block,
    error::Part,
    format::{BLOCK_OVERHEAD, BlockHeader, BlockMode, EndBlock, INDEX_KIND, IndexFooter, StreamHeader},
};
use twox_hash::XxHash3_64;

/// A part of a stream, and where it is.
#[derive(Debug, Clone)]
pub struct Element {
    /// As errors name it; blocks count from 0 in each stream.
    pub part: Part,
    /// Its bytes in the stream.
    pub coded: Range<usize>,
    /// Its bytes in the raw bytes; empty but for data blocks.
    pub raw: Range<usize>,
}

/// One or more streams with their raw bytes.
#[derive(Debug, Clone, Default)]
pub struct Assembled {
    pub stream: Vec<u8>,
    pub raw: Vec<u8>,
    /// All parts, without gaps between them.
    pub elements: Vec<Element>,
}

impl Assembled {
    /// The streams of both, one behind the other.
    pub fn then(mut self, next: &Self) -> Self {
        let (coded, raw) = (self.stream.len(), self.raw.len());
        self.elements.extend(next.elements.iter().map(|element| Element {
            part: element.part,
            coded: coded + element.coded.start..coded + element.coded.end,
            raw: raw + element.raw.start..raw + element.raw.end,
        }));
        self.stream.extend(&next.stream);
        self.raw.extend(&next.raw);
        self
    }
}

/// One stream in the making.
#[derive(Debug)]
pub struct Assembly {
    header: StreamHeader,
    assembled: Assembled,
    entries: Vec<u8>,
    payload_checks: Vec<u8>,
}

impl Assembly {
    pub fn new(header: StreamHeader) -> Self {
        let mut assembly =
            Self { header, assembled: Assembled::default(), entries: Vec::new(), payload_checks: Vec::new() };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        assembly.push(Part::StreamHeader, &bytes, &[]);
        assembly
    }

    /// Codes `raw` as one block, which must get the mode `expected`.
    pub fn data(self, raw: &[u8], options: &EncodeOptions, expected: BlockMode) -> Self {
        let mut bytes = Vec::new();
        block::encode(raw, options, &mut bytes).expect("the options are right");
        assert_eq!(bytes[0], expected.tag(), "mode of a block of {} bytes", raw.len());
        self.block(&bytes, raw)
    }

    pub fn application_data(self, kind: u16, data: &[u8]) -> Self {
        self.block(&skippable(kind, data), &[])
    }

    /// Any whole block before the end block, right or wrong.
    pub fn block(mut self, bytes: &[u8], raw: &[u8]) -> Self {
        self.entries.extend(&bytes[..BlockHeader::LEN]);
        self.payload_checks.extend(&bytes[bytes.len() - 4..]);
        let number = self.entries.len() / BlockHeader::LEN - 1;
        self.push(Part::Block(number as u64), bytes, raw);
        self
    }

    /// The end block as it should be.
    pub fn totals(&self) -> EndBlock {
        EndBlock {
            raw_len: self.assembled.raw.len() as u64,
            blocks: (self.entries.len() / BlockHeader::LEN) as u64,
            sequence_check: crc32c(&self.payload_checks),
            content_check: self.header.content_check.then(|| XxHash3_64::oneshot(&self.assembled.raw)),
        }
    }

    /// The copied block headers that an index should list.
    pub fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// The stream with its right end, and its index if the header says so.
    pub fn finish(self) -> Assembled {
        let totals = self.totals();
        self.finish_with(totals)
    }

    /// The stream with this end block, and a right index if the header says so.
    pub fn finish_with(mut self, end: EndBlock) -> Assembled {
        let mut payload = Vec::new();
        payload.extend(end.raw_len.to_le_bytes());
        payload.extend(end.blocks.to_le_bytes());
        payload.extend(end.sequence_check.to_le_bytes());
        payload.extend(end.content_check.iter().flat_map(|check| check.to_le_bytes()));
        self.push(Part::End, &data_block(0x40, 1, &payload), &[]);
        if self.header.index {
            let index = index_block(&self.entries, self.assembled.stream.len());
            self.push(Part::Index, &index, &[]);
        }
        self.assembled
    }

    fn push(&mut self, part: Part, bytes: &[u8], raw: &[u8]) {
        let Assembled { stream, raw: all_raw, elements } = &mut self.assembled;
        elements.push(Element {
            part,
            coded: stream.len()..stream.len() + bytes.len(),
            raw: all_raw.len()..all_raw.len() + raw.len(),
        });
        stream.extend(bytes);
        all_raw.extend(raw);
    }
}

/// A data block or end block with right checks, whatever it holds.
pub fn data_block(tag: u8, raw_len: u32, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = (raw_len - 1).to_le_bytes();
    let [d, e, f, _] = (payload.len() as u32 - 1).to_le_bytes();
    sealed([tag, a, b, c, d, e, f], payload)
}

/// A skippable block.
pub fn skippable(kind: u16, payload: &[u8]) -> Vec<u8> {
    let ([a, b], [c, d, e, f]) = (kind.to_le_bytes(), (payload.len() as u32).to_le_bytes());
    sealed([0x41, a, b, c, d, e, f], payload)
}

/// The index block of a stream whose other bytes are `before`.
pub fn index_block(entries: &[u8], before: usize) -> Vec<u8> {
    let len = entries.len() + IndexFooter::LEN + BLOCK_OVERHEAD;
    let count = (entries.len() / BlockHeader::LEN) as u32;
    index_with_footer(entries, (before + len) as u64, count, *b"RNSI")
}

/// An index block with any footer.
pub fn index_with_footer(entries: &[u8], stream_len: u64, count: u32, magic: [u8; 4]) -> Vec<u8> {
    let mut payload = entries.to_vec();
    payload.extend(stream_len.to_le_bytes());
    payload.extend(count.to_le_bytes());
    payload.extend(magic);
    skippable(INDEX_KIND, &payload)
}

/// Header check, payload and payload check around the first seven header bytes.
pub fn sealed(header: [u8; 7], payload: &[u8]) -> Vec<u8> {
    let mut bytes = header.to_vec();
    bytes.push(crc8(&header));
    bytes.extend(payload);
    bytes.extend(crc32c(&bytes).to_le_bytes());
    bytes
}

pub fn crc8(bytes: &[u8]) -> u8 {
    Crc::<u8>::new(&CRC_8_AUTOSAR).checksum(bytes)
}

pub fn crc32c(bytes: &[u8]) -> u32 {
    const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CRC_32C.checksum(bytes)
}
