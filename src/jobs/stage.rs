//! Blocks into a buffer that the device will read: verified while they are copied, with a list of
//! jobs.

use std::{fmt, ops::Range};

use crate::{
    block::Block,
    format::{BlockMode, TableKind},
    jobs::{
        layout::{Job, MODE_FILL, MODE_LANES, MODE_STORED, MODE_TURNS, Segment, push_segments},
        plan::{Capacity, PIECE, TABLE_WORDS},
    },
    model::Frequencies,
    rans::{interleaved, segment::Tail, single, turns::Lane},
    section::lanes::LanesPayload,
    simd::Crc32c,
};

/// Bytes that are checked and copied while they are in the cache.
const CHUNK: usize = 32 << 10;

/// Memory that is written at any place and never read: a buffer that is mapped for a device.
pub trait WriteAt {
    /// Writes `bytes` at the place `at`, in bytes. Both are multiples of 4.
    fn write_at(&mut self, at: usize, bytes: &[u8]);
}

impl WriteAt for Vec<u8> {
    fn write_at(&mut self, at: usize, bytes: &[u8]) {
        self[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// Where a block of a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// In the batch's jobs.
    pub jobs: Range<usize>,
    /// Where the raw bytes begin in the batch's output, in bytes: a multiple of 4.
    pub raw_at: usize,
    /// Raw bytes of the block.
    pub raw_len: usize,
}

/// What became of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Push {
    /// It is in the batch.
    Placed(Placed),
    /// The batch has no room for it.
    Full,
    /// The device cannot decode it, or it is damaged: it is for the CPU, which finds out.
    Refused,
}

/// A batch that is being filled.
pub struct Stage<'v> {
    memory: &'v mut dyn WriteAt,
    left: Capacity,
    used: Capacity,
    jobs: Vec<Job>,
}

impl<'v> Stage<'v> {
    /// `memory` takes the coded words of `capacity`.
    pub fn new(memory: &'v mut dyn WriteAt, capacity: Capacity) -> Self {
        Self { memory, left: capacity, used: Capacity::NOTHING, jobs: Vec::new() }
    }

    /// Verifies the block's check while it copies the block; nothing of a refused block stays.
    pub fn push(&mut self, block: &Block<'_>) -> Push {
        let Some(needs) = Capacity::of(block) else { return Push::Refused };
        let Some(left) = self.left.take(needs) else { return Push::Full };
        let first = self.jobs.len();
        let mut crc = Crc32c::new();
        crc.update(&block.coded.header().to_bytes());
        let known = match block.mode() {
            BlockMode::Lanes => self.push_lanes(block, &mut crc),
            BlockMode::Fill => {
                crc.update(block.payload());
                let quad = u32::from_ne_bytes([block.payload()[0]; 4]);
                self.push_pieces(MODE_FILL, quad, block.raw_len());
                true
            }
            BlockMode::Stored => {
                self.copy_checked(self.used.coded_words, block.payload(), &mut crc);
                self.push_pieces(MODE_STORED, self.used.coded_words as u32, block.raw_len());
                true
            }
            BlockMode::SingleStream(table) => self.push_single(block, table, &mut crc),
            BlockMode::Interleaved(table) => self.push_interleaved(block, table, &mut crc),
            // They need nothing of a device, which was found above.
            _ => false,
        };
        if !known || crc.value() != block.coded.check() {
            self.jobs.truncate(first);
            return Push::Refused;
        }
        self.placed(needs, left, first, block.raw_len())
    }

    /// Raw bytes that travel as they are.
    pub fn push_raw(&mut self, raw: &[u8]) -> Push {
        let words = raw.len().div_ceil(4);
        let needs = Capacity { coded_words: words, raw_words: words, jobs: raw.len().div_ceil(PIECE) };
        let Some(left) = self.left.take(needs) else { return Push::Full };
        let first = self.jobs.len();
        self.copy(self.used.coded_words, raw);
        self.push_pieces(MODE_STORED, self.used.coded_words as u32, raw.len());
        self.placed(needs, left, first, raw.len())
    }

    /// The jobs, and what the batch takes of its capacity.
    #[must_use]
    pub fn finish(self) -> (Vec<Job>, Capacity) {
        (self.jobs, self.used)
    }

    fn placed(&mut self, needs: Capacity, left: Capacity, first: usize, raw_len: usize) -> Push {
        let raw_at = self.used.raw_words * 4;
        self.left = left;
        self.used = self.used.plus(needs);
        Push::Placed(Placed { jobs: first..self.jobs.len(), raw_at, raw_len })
    }

    /// `false`: a field of the payload is not as the format asks.
    fn push_lanes(&mut self, block: &Block<'_>, crc: &mut Crc32c) -> bool {
        let Ok(lanes) = LanesPayload::parse(block.payload(), Tail::Coded, block.raw_len()) else { return false };
        let table_at = self.used.coded_words;
        let segments_at = table_at + TABLE_WORDS;
        self.copy_table(table_at, &lanes.frequencies);
        let bytes = lanes.segment_bytes();
        crc.update(&block.payload()[..block.payload().len() - bytes.len()]);
        self.copy_checked(segments_at, bytes, crc);

        let raw_at = self.used.raw_words;
        let segments = lanes.places().zip(lanes.cut.ranges()).map(|((at, words), range)| Segment {
            coded_at: (segments_at + at / 4) as u32,
            words,
            raw_at: (raw_at + range.start / 4) as u32,
            raw_len: range.len() as u32,
        });
        let job = Job {
            mode: MODE_LANES,
            scale_bits: lanes.frequencies.scale_bits().into(),
            table_at: table_at as u32,
            ..Job::default()
        };
        push_segments(&mut self.jobs, job, segments);
        true
    }

    fn push_single(&mut self, block: &Block<'_>, table: TableKind, crc: &mut Crc32c) -> bool {
        single::parse(block.payload(), table)
            .is_ok_and(|(frequencies, lane)| self.push_turns(block, &frequencies, &lane, crc))
    }

    fn push_interleaved(&mut self, block: &Block<'_>, table: TableKind, crc: &mut Crc32c) -> bool {
        interleaved::parse(block.payload(), table)
            .is_ok_and(|(frequencies, lanes)| self.push_turns(block, &frequencies, &lanes, crc))
    }

    fn push_turns(
        &mut self,
        block: &Block<'_>,
        frequencies: &Frequencies,
        lanes: &[Lane<'_>],
        crc: &mut Crc32c,
    ) -> bool {
        let table_at = self.used.coded_words;
        let states_at = table_at + TABLE_WORDS;
        let ends = lanes.iter().scan(0, |end, lane| {
            *end += lane.words.len();
            Some(*end as u32)
        });
        let fields: Vec<u8> = lanes.iter().map(|lane| lane.state).chain(ends).flat_map(u32::to_le_bytes).collect();
        self.copy_table(table_at, frequencies);
        self.copy(states_at, &fields);
        let words: usize = lanes.iter().map(|lane| lane.words.len()).sum();
        // All words end the payload, where they may stand at an odd place.
        let (head, words) = block.payload().split_at(block.payload().len() - 2 * words);
        crc.update(head);
        self.copy_checked(states_at + 2 * lanes.len(), words, crc);

        let mut job = Job {
            mode: MODE_TURNS,
            scale_bits: frequencies.scale_bits().into(),
            table_at: table_at as u32,
            ..Job::default()
        };
        job.segments[0] = Segment {
            coded_at: states_at as u32,
            words: lanes.len() as u32,
            raw_at: self.used.raw_words as u32,
            raw_len: block.raw_len() as u32,
        };
        self.jobs.push(job);
        true
    }

    /// Jobs that copy from `coded_at`, or that fill with it.
    fn push_pieces(&mut self, mode: u32, coded_at: u32, raw_len: usize) {
        for start in (0..raw_len).step_by(PIECE) {
            let moved = if mode == MODE_FILL { 0 } else { (start / 4) as u32 };
            let mut job = Job { mode, ..Job::default() };
            job.segments[0] = Segment {
                coded_at: coded_at + moved,
                words: 0,
                raw_at: (self.used.raw_words + start / 4) as u32,
                raw_len: (raw_len - start).min(PIECE) as u32,
            };
            self.jobs.push(job);
        }
    }

    fn copy_table(&mut self, word: usize, frequencies: &Frequencies) {
        let mut table = [0; 4 * TABLE_WORDS];
        for (bytes, frequency) in table.as_chunks_mut().0.iter_mut().zip(&frequencies.all()) {
            *bytes = frequency.to_le_bytes();
        }
        self.copy(word, &table);
    }

    fn copy_checked(&mut self, word: usize, bytes: &[u8], crc: &mut Crc32c) {
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            crc.update(chunk);
            self.copy(word + index * (CHUNK / 4), chunk);
        }
    }

    /// A last word that is cut is filled with zeros.
    fn copy(&mut self, word: usize, bytes: &[u8]) {
        let (words, tail) = bytes.as_chunks::<4>();
        let end = 4 * (word + words.len());
        self.memory.write_at(4 * word, words.as_flattened());
        if !tail.is_empty() {
            let mut last = [0; 4];
            last[..tail.len()].copy_from_slice(tail);
            self.memory.write_at(end, &last);
        }
    }
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, used, jobs, .. } = self;
        f.debug_struct("Stage").field("left", left).field("used", used).field("jobs", jobs).finish_non_exhaustive()
    }
}
