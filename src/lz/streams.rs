//! The five streams of one chunk, as the matcher fills them.

use std::mem;

use crate::sequences::{MIN_MATCH, Repeats, TOKEN_LITERALS, TOKEN_MATCH, excess_byte};

/// Literals that are copied in one step where they are no more.
const SHORT: usize = 16;

/// What the sections of a chunk are made of.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) literals: Literals,
    pub(super) tokens: Vec<u8>,
    pub(super) offset_codes: Vec<u8>,
    pub(super) literal_excess: Vec<u8>,
    pub(super) match_excess: Vec<u8>,
    pub(super) bits: BitString,
    pub(super) escapes: Vec<u8>,
    /// All runs of literals but the one that ends the chunk.
    pub(super) runs: Vec<Run>,
}

/// Where a run of literals stands in the block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) from: u32,
    pub(super) len: u32,
    /// The offset used last before it.
    pub(super) last: u32,
}

impl Streams {
    pub(super) fn clear(&mut self) {
        self.literals.len = 0;
        self.tokens.clear();
        self.offset_codes.clear();
        self.literal_excess.clear();
        self.match_excess.clear();
        self.bits.clear();
        self.escapes.clear();
        self.runs.clear();
    }

    /// One sequence: the literals `raw[from..from + literals]`, then `length` bytes, at least
    /// [`MIN_MATCH`], from `offset` back.
    #[inline]
    pub(super) fn push(
        &mut self,
        raw: &[u8],
        from: usize,
        literals: usize,
        (length, offset): (usize, u32),
        repeats: &mut Repeats,
    ) {
        self.runs.push(Run { from: from as u32, len: literals as u32, last: repeats.last() });
        self.literals.append(raw, from, literals);
        let length = length - MIN_MATCH;
        let code = repeats.code(offset);
        let token = literals.min(TOKEN_LITERALS) << 5 | length.min(TOKEN_MATCH) << 1 | usize::from(code.is_none());
        self.tokens.push(token as u8);
        if let Some(code) = code {
            self.offset_codes.push(code.code);
            self.bits.put(code.extra, code.bits);
        }
        if literals >= TOKEN_LITERALS {
            push_excess(literals - TOKEN_LITERALS, &mut self.literal_excess, &mut self.escapes);
        }
        if length >= TOKEN_MATCH {
            push_excess(length - TOKEN_MATCH, &mut self.match_excess, &mut self.escapes);
        }
    }
}

#[inline]
pub(super) fn push_excess(excess: usize, bytes: &mut Vec<u8>, escapes: &mut Vec<u8>) {
    let (byte, escaped) = excess_byte(excess);
    bytes.push(byte);
    if escaped {
        escapes.extend_from_slice(&(excess as u32).to_le_bytes()[..3]);
    }
}

/// Literals, in a buffer that has room for a fixed step behind them.
#[derive(Debug, Default)]
pub(super) struct Literals {
    bytes: Vec<u8>,
    len: usize,
}

impl Literals {
    /// Makes room for `len` literals.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.bytes.len() < len + SHORT {
            self.bytes.resize(len + SHORT, 0);
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Appends `raw[from..from + len]`, for which there is room.
    #[inline]
    pub(super) fn append(&mut self, raw: &[u8], from: usize, len: usize) {
        let room = &mut self.bytes[self.len..];
        match (raw[from..].first_chunk::<SHORT>(), room.first_chunk_mut::<SHORT>()) {
            (Some(literals), Some(room)) if len <= SHORT => *room = *literals,
            _ => room[..len].copy_from_slice(&raw[from..from + len]),
        }
        self.len += len;
    }
}

/// Raw bits, the lowest of a byte first.
#[derive(Debug, Default)]
pub(super) struct BitString {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitString {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.pending, self.count) = (0, 0);
    }

    /// The lowest `count` (at most 20) bits of `value`; its other bits are 0.
    #[inline]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// The whole string, its last byte filled with zero bits. Nothing is put to it afterwards.
    pub(super) fn finish(&mut self) -> &[u8] {
        let len = mem::take(&mut self.count).div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..len]);
        &self.bytes
    }
}
