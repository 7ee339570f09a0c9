//! A payload: table and chunks (FORMAT.md, 13).

use crate::{
    error::Corruption,
    format::{bits::BitStringError, fields::Fields},
    pivot::{
        choose::{self, Prices, Search},
        decode::{self, Source},
        encode, levels,
        steps::{SLACK, Steps},
        table,
        tree::Tree,
    },
};

/// More symbols than this are cut into chunks.
const LONGEST_SINGLE_CHUNK: usize = 1 << 15;

/// The logarithm of the chunk size that the encoder takes: the fastest for all kernels, as both
/// buffers of a chunk fit the second-level cache, and 0.1 % smaller than 4096.
const CHUNK_SIZE_LOG2: u8 = 15;

/// What an encoder aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Setting {
    /// How many bits one merge of one symbol may cost: from 0.02, for size, to 0.2, for speed of
    /// decoding.
    pub(crate) lambda: f32,
    pub(crate) search: Search,
}

impl Setting {
    /// The smallest payloads that still decode fast. Of odd symbols, such as runs of one symbol or
    /// one that is nearly all, those of `SPEED` are smaller at times, by up to 3 %.
    pub(crate) const RATIO: Self = Self { lambda: 0.02, search: Search::WHOLE };
    /// Payloads that decode fast.
    pub(crate) const SPEED: Self = Self { lambda: 0.1, search: Search::WHOLE };
    /// Half way from `RATIO` to `SPEED`, for an encoder that has less time.
    pub(crate) const BALANCED: Self = Self { lambda: 0.05, search: Search::SHORT };
    /// A step from `SPEED` to `RATIO`: it takes an eighth more time to decode where the fastest
    /// groups are a bad fit.
    pub(crate) const NEAR_SPEED: Self = Self { lambda: 0.08, search: Search::WHOLE };
    /// As `SPEED`, for an encoder that has less time: payloads are 0.03 % larger.
    pub(crate) const QUICK: Self = Self { lambda: 0.1, search: Search::SHORT };
}

/// Decodes payloads.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    tree: Tree,
    scratch: decode::Scratch,
    /// A copy of the end of a short payload, and what may be read behind it.
    padded: Vec<u8>,
}

impl Decoder {
    /// Fills `symbols` from a payload of exactly so many, at least one.
    pub(crate) fn decode(&mut self, payload: &[u8], symbols: &mut [u8], steps: &dyn Steps) -> Result<(), Corruption> {
        let end = symbols.len();
        self.decode_until(payload, symbols, end, steps)
    }

    /// [`decode`](Self::decode) up to the chunk that has the symbol before `end`: what is damaged
    /// behind it is not found out.
    pub(crate) fn decode_until(
        &mut self,
        payload: &[u8],
        symbols: &mut [u8],
        end: usize,
        steps: &dyn Steps,
    ) -> Result<(), Corruption> {
        let mut fields = Fields::new(payload);
        table::parse(&mut fields, &mut self.tree, steps)?;
        let mut chunk_len = symbols.len();
        if symbols.len() > LONGEST_SINGLE_CHUNK {
            let log2 = fields.u8("chunk size")?;
            if !(10..=16).contains(&log2) {
                return Err(Corruption::Field { field: "chunk size", found: log2.into() });
            }
            chunk_len = 1 << log2;
        }
        let (mut source, mut at) = (padded(&mut self.padded, fields.rest()), 0);
        while at < end {
            let len = chunk_len.min(symbols.len() - at);
            let read = decode::chunk(&self.tree, source, len, &mut symbols[at..], &mut self.scratch, steps).map_err(
                |error| match error {
                    BitStringError::Ended => fields.ends_in("chunks"),
                    BitStringError::Padding => Corruption::Padding,
                },
            )?;
            source = source.skip(read);
            at += len;
        }
        match source.len() {
            _ if at < symbols.len() => Ok(()),
            0 => Ok(()),
            extra => Err(Corruption::PayloadGoesOn { extra: extra as u64 }),
        }
    }
}

/// In payloads of up to so many bytes most nodes are so near the end that a step reads beyond it.
const SHORT: usize = 1024;

/// `source`, copied to where more can be read behind it, if it is short.
fn padded<'a>(copy: &'a mut Vec<u8>, source: &'a [u8]) -> Source<'a> {
    // Code for WebAssembly is to be small.
    if source.len() > SHORT || cfg!(target_family = "wasm") {
        return Source::new(source, source.len());
    }
    copy.resize(SHORT + SLACK, 0);
    copy[..source.len()].copy_from_slice(source);
    Source::new(copy, source.len())
}

/// Encodes payloads: first the groups are [chosen](Self::choose), then symbols
/// [encoded](Self::encode).
#[derive(Debug)]
pub(crate) struct Encoder {
    tree: Tree,
    ranks: [u8; 256],
    scratch: encode::Scratch,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { tree: Tree::default(), ranks: [0; 256], scratch: encode::Scratch::default() }
    }
}

impl Encoder {
    /// Chooses the tree for `len` symbols that occur about as often as `counts` say; the bytes of
    /// the payload come back, to within 1 % where the counts are right. Each symbol that occurs has
    /// a count above 0.
    pub(crate) fn choose(&mut self, counts: &[u32; 256], len: usize, setting: Setting) -> u64 {
        let chunks = len.div_ceil(1 << CHUNK_SIZE_LOG2) as f32;
        // A group takes a byte of the table, half a byte of padding for itself and for its merge in
        // each chunk, and the time of some 64 merged symbols.
        let group = 10.0 + chunks * (8.0 + 64.0 * setting.lambda);
        let bits =
            choose::choose(counts, Prices { merge: setting.lambda, group }, setting.search, &mut self.tree.groups);
        self.tree.build();
        self.ranks = self.tree.ranks();
        let saved = self.choose_levels(counts, setting, chunks);
        let groups = self.tree.groups.len() as u64;
        let symbols = self.tree.groups.symbols().len() as u64;
        // The groups' shapes, rows, and groups of the symbols; half a byte of padding a node.
        let table = 8 * (2 + groups) + 160 + symbols * u64::from(groups.ilog2() + 1);
        (bits + table + 8 * groups * chunks as u64).saturating_sub(saved).div_ceil(8)
    }

    /// Appends the payload of `symbols`, for which the tree was chosen.
    pub(crate) fn encode(&mut self, symbols: &[u8], steps: &dyn Steps, out: &mut Vec<u8>) {
        table::write(&self.tree, out);
        if symbols.len() > LONGEST_SINGLE_CHUNK {
            out.push(CHUNK_SIZE_LOG2);
        }
        for chunk in symbols.chunks(1 << CHUNK_SIZE_LOG2) {
            encode::chunk(&self.tree, &self.ranks, chunk, &mut self.scratch, steps, out);
        }
    }

    /// Whether `payload` was encoded with a tree as it was chosen last.
    pub(crate) fn wrote(&self, payload: &[u8]) -> bool {
        let mut table = Vec::new();
        table::write(&self.tree, &mut table);
        payload.starts_with(&table)
    }

    /// Decides which bitmaps are coded once more; how many bits that saves comes back.
    fn choose_levels(&mut self, counts: &[u32; 256], setting: Setting, chunks: f32) -> u64 {
        let mut sums = [0_u64; 257];
        for (rank, &symbol) in self.tree.groups.symbols().iter().enumerate() {
            sums[rank + 1] = sums[rank] + u64::from(counts[usize::from(symbol)]);
        }
        let ends = self.tree.ends();
        let mut saved = 0.0;
        for (node, end) in self.tree.nodes.iter_mut().zip(ends) {
            if !node.is_bitmap() {
                continue;
            }
            let [begin, threshold] = [node.rank, node.threshold].map(usize::from);
            let decisions = (sums[usize::from(end)] - sums[begin]) as f32;
            let ones = (sums[usize::from(end)] - sums[threshold]) as f32 / decisions;
            if (0.35..=0.65).contains(&ones) || decisions < 64.0 {
                continue;
            }
            // For a decision an eighth of a symbol, which takes some four merges; and in each chunk
            // as much time as a thousand merges.
            let cost = 16.0 + decisions * (0.5 * setting.lambda).max(0.01) + chunks * 1000.0 * setting.lambda;
            // Most nodes of a short section need no look: the entropy of a decision is no less than
            // 4 p (1 - p), which leaves at most the square of 1 - 2 p.
            if decisions * (1.0 - 2.0 * ones).powi(2) <= cost {
                continue;
            }
            let (level, bits) = levels::cheapest(ones);
            let gain = decisions * (1.0 - bits);
            if gain > cost {
                node.level = level;
                saved += gain - 16.0;
            }
        }
        saved as u64
    }
}
