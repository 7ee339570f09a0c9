//! The sequences of one chunk, and the five streams that they become.

use std::mem;

use crate::sequences::{Repeats, TOKEN_LITERALS, TOKEN_MATCH, excess_byte};

/// Some literals of a block, then a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    /// Where the literals stand in the block.
    pub(super) from: u32,
    pub(super) literals: u32,
    /// Of the match.
    pub(super) length: u32,
    pub(super) offset: u32,
}

/// What the sections of a chunk are made of, but its literals.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) tokens: Vec<u8>,
    pub(super) offset_codes: Bytes,
    pub(super) literal_excess: Bytes,
    pub(super) match_excess: Bytes,
    pub(super) bits: BitString,
    pub(super) escapes: Vec<u8>,
}

impl Streams {
    /// Takes the sequences of a chunk, no match of which is shorter than `min_match`. `repeats` are
    /// those of its begin, and become those of its end.
    ///
    /// What varies from one sequence to the next is chosen without branches: a processor cannot
    /// foresee it.
    #[inline(always)]
    pub(super) fn fill(&mut self, sequences: &[Sequence], min_match: usize, repeats: &mut Repeats) {
        // Values of this function alone stay in registers from one sequence to the next.
        let mut streams = mem::take(self);
        let mut recent = *repeats;
        let Self { tokens, offset_codes, literal_excess, match_excess, bits, escapes } = &mut streams;
        tokens.clear();
        tokens.resize(sequences.len(), 0);
        for bytes in [&mut *offset_codes, literal_excess, match_excess] {
            bytes.begin(sequences.len());
        }
        bits.clear();
        escapes.clear();
        for (token, &Sequence { literals, length, offset, .. }) in tokens.iter_mut().zip(sequences) {
            let (literals, length) = (literals as usize, length as usize - min_match);
            let (code, is_needed) = recent.code(offset);
            offset_codes.push_if(is_needed, code.code);
            bits.put(code.extra, code.bits);
            *token = (literals.min(TOKEN_LITERALS) << 5 | length.min(TOKEN_MATCH) << 1 | usize::from(!is_needed)) as u8;
            let excess = literals.saturating_sub(TOKEN_LITERALS);
            push_excess_if(literals >= TOKEN_LITERALS, excess, literal_excess, escapes);
            push_excess_if(length >= TOKEN_MATCH, length.saturating_sub(TOKEN_MATCH), match_excess, escapes);
        }
        *repeats = recent;
        *self = streams;
    }
}

/// Appends the byte for `excess`, and the number itself where it escapes.
#[inline(always)]
pub(super) fn push_excess(excess: usize, bytes: &mut Bytes, escapes: &mut Vec<u8>) {
    push_excess_if(true, excess, bytes, escapes);
}

#[inline(always)]
fn push_excess_if(is_there: bool, excess: usize, bytes: &mut Bytes, escapes: &mut Vec<u8>) {
    let (byte, escaped) = excess_byte(excess);
    bytes.push_if(is_there, byte);
    if escaped {
        escapes.extend_from_slice(&(excess as u32).to_le_bytes()[..3]);
    }
}

/// Bytes in a buffer that has room before they come.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    room: Vec<u8>,
    len: usize,
}

impl Bytes {
    /// Throws away what is there, and makes room for `most` bytes.
    pub(super) fn begin(&mut self, most: usize) {
        if self.room.len() < most {
            self.room.resize(most, 0);
        }
        self.len = 0;
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.room[..self.len]
    }

    /// Appends `len` bytes, for which there is room. `write` gets all the room that is left.
    #[inline(always)]
    pub(super) fn extend(&mut self, len: usize, write: impl FnOnce(&mut [u8])) {
        write(&mut self.room[self.len..]);
        self.len += len;
    }

    /// Appends `byte`, for which there is room, or leaves all as it is.
    #[inline(always)]
    pub(super) fn push_if(&mut self, is_there: bool, byte: u8) {
        self.room[self.len] = byte;
        self.len += usize::from(is_there);
    }
}

/// Raw bits, the lowest of a byte first.
#[derive(Debug, Default)]
pub(super) struct BitString {
    /// Those before `len` are whole.
    room: Vec<u8>,
    len: usize,
    pending: u64,
    count: u32,
}

impl BitString {
    pub(super) fn clear(&mut self) {
        (self.len, self.pending, self.count) = (0, 0, 0);
    }

    /// The lowest `count` (at most 20) bits of `value`; its other bits are 0.
    #[inline(always)]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        if self.room.len() < self.len + 8 {
            grow(&mut self.room);
        }
        self.room[self.len..self.len + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.len += self.count as usize / 8;
        self.pending >>= self.count & !7;
        self.count &= 7;
    }

    /// The whole string, its last byte filled with zero bits.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.room[..self.len + usize::from(self.count > 0)]
    }
}

#[cold]
fn grow(room: &mut Vec<u8>) {
    room.resize(2 * room.len() + 1024, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_one_behind_the_other() {
        let mut bits = BitString::default();
        for _ in 0..2 {
            assert_eq!(bits.as_slice(), []);
            for count in (0..=20).chain([1, 0, 7]) {
                bits.put((1 << count) - 1, count);
                bits.put(0, 20 - count);
            }
            let mut expected = Vec::new();
            for count in (0..=20).chain([1, 0, 7]) {
                expected.extend((0..20).map(|bit| bit < count));
            }
            let found = (0..expected.len()).map(|bit| bits.as_slice()[bit / 8] >> (bit % 8) & 1 == 1);
            assert!(found.eq(expected.iter().copied()));
            assert_eq!(bits.as_slice().len(), expected.len().div_ceil(8));
            bits.clear();
        }
    }
}
