//! The sequences of one chunk, and the five streams that they become.

use std::iter;

use crate::{
    sequences::{
        ESCAPE, ESCAPE_LEN, LARGEST_EXCESS, MAX_OFFSET_BITS, Repeats, TOKEN_LITERALS, TOKEN_MATCH, excess_byte,
    },
    simd::{Kernel, Work, compiled_for},
};

/// The largest excess that is no escape, beside those that may be below 0.
const LARGEST: i32 = LARGEST_EXCESS as u8 as i32;

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
    /// The offsets that need a code.
    offsets: Vec<u32>,
}

struct Fill<'a> {
    streams: &'a mut Streams,
    sequences: &'a [Sequence],
    min_match: usize,
    repeats: &'a mut Repeats,
}

impl Work for Fill<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { streams, sequences, min_match, repeats } = self;
        streams.fill_tokens(sequences, min_match, repeats.last());
        streams.fill_excesses(sequences, min_match);
        streams.fill_offsets(repeats);
    }
}

impl Streams {
    /// Takes the sequences of a chunk, no match of which is shorter than `min_match`. `repeats` are
    /// those of its begin, and become those of its end.
    ///
    /// What varies from one sequence to the next is chosen without branches: a processor cannot
    /// foresee it. One loop for all of it would need more registers than there are.
    pub(super) fn fill(&mut self, sequences: &[Sequence], min_match: usize, repeats: &mut Repeats, kernel: Kernel) {
        compiled_for(kernel, Fill { streams: self, sequences, min_match, repeats });
    }

    /// Fills the tokens, and gathers the offsets that need a code. `last` is the one used last.
    #[inline(always)]
    fn fill_tokens(&mut self, sequences: &[Sequence], min_match: usize, mut last: u32) {
        let Self { tokens, offsets, .. } = self;
        tokens.clear();
        tokens.resize(sequences.len(), 0);
        offsets.resize(sequences.len(), 0);
        // A slice: where that is and how long does not change with what is stored.
        let room = &mut offsets[..];
        let mut needed = 0;
        for (token, &Sequence { literals, length, offset, .. }) in tokens.iter_mut().zip(sequences) {
            let (literals, length) = (literals as usize, length as usize - min_match);
            let is_needed = offset != last;
            room[needed] = offset;
            needed += usize::from(is_needed);
            last = offset;
            *token = (literals.min(TOKEN_LITERALS) << 5 | length.min(TOKEN_MATCH) << 1 | usize::from(!is_needed)) as u8;
        }
        offsets.truncate(needed);
    }

    /// Fills what of lengths has no room in the tokens.
    #[inline(always)]
    fn fill_excesses(&mut self, sequences: &[Sequence], min_match: usize) {
        let Self { literal_excess, match_excess, escapes, .. } = self;
        escapes.clear();
        let mut literal_bytes = literal_excess.begin(sequences.len());
        let mut match_bytes = match_excess.begin(sequences.len());
        for &Sequence { literals, length, .. } in sequences {
            // Below 0 the token has room. Lengths are below 2^24.
            let literals = literals.wrapping_sub(TOKEN_LITERALS as u32).cast_signed();
            let length = length.wrapping_sub((min_match + TOKEN_MATCH) as u32).cast_signed();
            literal_bytes.push_if(literals >= 0, literals as u8);
            match_bytes.push_if(length >= 0, length as u8);
            if literals.max(length) > LARGEST {
                literal_bytes.escape_last_if_large(literals, escapes);
                match_bytes.escape_last_if_large(length, escapes);
            }
        }
        literal_bytes.finish();
        match_bytes.finish();
    }

    /// Fills what stands for the offsets that need a code.
    #[inline(always)]
    fn fill_offsets(&mut self, repeats: &mut Repeats) {
        let Self { offsets, offset_codes, bits, .. } = self;
        let mut recent = *repeats;
        let mut codes = offset_codes.begin(offsets.len());
        bits.clear();
        bits.put_all(offsets.iter().map(|&offset| {
            let (code, _) = recent.code(offset);
            codes.push_if(true, code.code);
            (code.extra, code.bits)
        }));
        codes.finish();
        *repeats = recent;
    }
}

/// Appends the byte for `excess`, and the number itself where it escapes; or leaves all as it is,
/// with an excess of 0.
#[inline(always)]
pub(super) fn push_excess_if(is_there: bool, excess: usize, bytes: &mut Writer<'_>, escapes: &mut Vec<u8>) {
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
    /// Throws away what is there, and makes room for `most` bytes: they come from the writer.
    pub(super) fn begin(&mut self, most: usize) -> Writer<'_> {
        if self.room.len() < most {
            self.room.resize(most, 0);
        }
        self.len = 0;
        Writer { room: &mut self.room, len: 0, written: &mut self.len }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.room[..self.len]
    }

    /// Throws away what is there. The room for `len` bytes, which take its place, and for as many
    /// behind them as `slack` says, which mean nothing.
    pub(super) fn room_for(&mut self, len: usize, slack: usize) -> &mut [u8] {
        self.begin(len + slack);
        self.len = len;
        &mut self.room
    }
}

/// Fills the room of [`Bytes`]. A value of one function alone: how far it came stays in a register.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    room: &'a mut [u8],
    len: usize,
    written: &'a mut usize,
}

impl Writer<'_> {
    /// Appends `byte`, for which there is room, or leaves all as it is.
    #[inline(always)]
    fn push_if(&mut self, is_there: bool, byte: u8) {
        self.room[self.len] = byte;
        self.len += usize::from(is_there);
    }

    /// Makes the last byte, which stands for `excess`, an escape, if that has no byte of its own.
    #[cold]
    fn escape_last_if_large(&mut self, excess: i32, escapes: &mut Vec<u8>) {
        if excess > LARGEST {
            self.room[self.len - 1] = ESCAPE;
            escapes.extend_from_slice(&excess.to_le_bytes()[..ESCAPE_LEN]);
        }
    }

    /// Notes how many bytes there are.
    #[inline(always)]
    pub(super) fn finish(self) {
        *self.written = self.len;
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
        self.put_all(iter::once((value, count)));
    }

    /// [`put`](Self::put) for each value and count of `all`.
    #[inline(always)]
    pub(super) fn put_all(&mut self, all: impl ExactSizeIterator<Item = (u32, u32)>) {
        let most = self.len + all.len() * MAX_OFFSET_BITS / 8 + 16;
        if self.room.len() < most {
            grow(&mut self.room, most);
        }
        // What changes with every value stays in registers.
        let Self { ref mut room, mut len, mut pending, mut count } = *self;
        let room = &mut room[..];
        for (value, bits) in all {
            pending |= u64::from(value) << count;
            count += bits;
            room[len..len + 8].copy_from_slice(&pending.to_le_bytes());
            len += count as usize / 8;
            pending >>= count & !7;
            count &= 7;
        }
        (self.len, self.pending, self.count) = (len, pending, count);
    }

    /// The whole string, its last byte filled with zero bits.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.room[..self.len + usize::from(self.count > 0)]
    }
}

#[cold]
fn grow(room: &mut Vec<u8>, least: usize) {
    room.resize((2 * room.len()).max(least + 1024), 0);
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
