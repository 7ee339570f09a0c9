//! Sections to arrays with one entry for each sequence, in safe scalar Rust. What the kernels do is
//! held against this.

use std::hint::select_unpredictable;

use crate::sequences::{
    code::{Repeats, TOKEN_LITERALS, TOKEN_MATCH, offset_base},
    sections::Symbols,
};

/// Entries that a kernel may write behind the last one of an array of lengths or offsets.
pub(crate) const ROOM: usize = 64;

/// In an array of lengths: the length is among the escapes.
pub(crate) const ESCAPED: u8 = 255;

/// Offset codes that mean an offset used before.
pub(crate) const REPEAT_CODES: u8 = 2;

/// Arrays with an entry for each sequence of a chunk, and what they are made from. Each has
/// [`ROOM`] behind its entries. Memory to keep.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) literal_lengths: Vec<u8>,
    pub(crate) match_lengths: Vec<u8>,
    /// How far back each match is.
    pub(crate) offsets: Vec<u32>,
    /// The offset of each offset code, behind [`HISTORY`] entries.
    pub(crate) code_offsets: Vec<u32>,
}

impl Expanded {
    /// Makes room for `count` sequences whose chunk begins with `repeats`.
    pub(crate) fn begin(&mut self, count: usize, repeats: Repeats) {
        if self.offsets.len() < count + ROOM {
            // What was in them means nothing any more: no copy, and no more room than is needed.
            self.literal_lengths = vec![0; count + ROOM];
            self.match_lengths = vec![0; count + ROOM];
            self.offsets = vec![0; count + ROOM];
            self.code_offsets = vec![0; HISTORY + count + ROOM];
        }
        let [first, second, third] = repeats.0;
        self.code_offsets[..HISTORY].copy_from_slice(&[third, second, first]);
    }
}

/// Tokens with the excess bytes that belong to them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens<'a> {
    pub(crate) symbols: Symbols<'a>,
    pub(crate) literal_excess: Symbols<'a>,
    pub(crate) match_excess: Symbols<'a>,
    /// Bytes of the shortest match, 3 or 4.
    pub(crate) min_match: u8,
}

impl Tokens<'_> {
    /// Fills `literals` and `matches` with the lengths of the sequences, [`ESCAPED`] for one that
    /// is among the escapes. `false`: there are more excess bytes than tokens ask for, or fewer.
    pub(crate) fn lengths(&self, literals: &mut [u8], matches: &mut [u8]) -> bool {
        for ((token, literals), matches) in self.symbols.as_slice().iter().zip(&mut *literals).zip(&mut *matches) {
            *literals = token >> 5;
            *matches = (token >> 1 & TOKEN_MATCH as u8) + self.min_match;
        }
        let (mut literal_excess, mut match_excess) =
            (self.literal_excess.as_slice().iter(), self.match_excess.as_slice().iter());
        let (eights, count) = (self.symbols.padded().as_chunks::<8>().0, self.symbols.len());
        // Few tokens ask for excess bytes, so they are looked for in eight at a time.
        for (begin, eight) in (0..count).step_by(8).zip(eights) {
            let behind = 8_u32.saturating_sub((count - begin) as u32);
            let tokens = u64::from_le_bytes(*eight) & (u64::MAX >> (8 * behind));
            let pairs = tokens & tokens >> 1;
            // All of the three highest bits, and of the four in the middle.
            const { assert!(TOKEN_LITERALS == 0b111 && TOKEN_MATCH == 0b1111) }
            let asking = [(pairs & pairs >> 1) >> 5, (pairs & pairs >> 2) >> 1];
            if !exceed(asking[0], &mut literals[begin..], &mut literal_excess)
                || !exceed(asking[1], &mut matches[begin..], &mut match_excess)
            {
                return false;
            }
        }
        literal_excess.as_slice().is_empty() && match_excess.as_slice().is_empty()
    }
}

/// Adds the next of `excess` to each of eight lengths whose byte of `asking` is odd. `false`: there
/// are not so many.
#[inline(always)]
fn exceed(asking: u64, lengths: &mut [u8], excess: &mut std::slice::Iter<'_, u8>) -> bool {
    let mut left = asking & 0x0101_0101_0101_0101;
    while left != 0 {
        let length = &mut lengths[left.trailing_zeros() as usize / 8];
        let Some(&excess) = excess.next() else { return false };
        *length = length.saturating_add(excess);
        left &= left - 1;
    }
    true
}

/// Offset codes with the raw bits that belong to them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets<'a> {
    /// Each of them is valid.
    pub(crate) codes: Symbols<'a>,
    /// The bit string, a byte for each eight of them.
    pub(crate) bits: Symbols<'a>,
}

/// Entries before the offsets of the codes: the three used last before the chunk, the last one of
/// them last.
pub(crate) const HISTORY: usize = 3;

impl Offsets<'_> {
    /// Fills `offsets` behind its [`HISTORY`] entries, which are there. How many bits that took
    /// comes back; `None`: there are fewer.
    pub(crate) fn decode(&self, offsets: &mut [u32]) -> Option<usize> {
        let (codes, bits) = (self.codes.as_slice(), self.bits.padded());
        let mut at = 0;
        for (index, &code) in codes.iter().enumerate() {
            let (count, base) = offset_base(code);
            let next = bits[at / 8..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)) >> (at % 8);
            at += count as usize;
            if at > 8 * self.bits.len() {
                return None;
            }
            let new = base + (next & ((1 << count) - 1));
            // Offsets change places often, and no processor foresees when.
            offsets[HISTORY + index] = select_unpredictable(code == 0, offsets[index + 1], new);
            if code == REPEAT_CODES - 1 {
                repeat(codes, offsets, index);
            }
        }
        Some(at)
    }

    /// The offsets used last after all codes, of what [`decode`](Self::decode) filled.
    pub(crate) fn repeats(&self, offsets: &[u32]) -> Repeats {
        let count = self.codes.len();
        let third = count - swaps_before(self.codes.as_slice(), count);
        Repeats([offsets[count + 2], offsets[count + 1], offsets[third]])
    }

    /// Whether `used` bits end the bit string, and zeros fill its last byte.
    pub(crate) fn end_at(&self, used: usize) -> bool {
        let bytes = self.bits.as_slice();
        used.div_ceil(8) == bytes.len() && (used.is_multiple_of(8) || bytes[bytes.len() - 1] >> (used % 8) == 0)
    }
}

/// Puts the offset that the repeat code at `index` means in its place.
///
/// The offset used second to last is always that of the code before the last one. The third to last
/// is two codes further back, not counting the swaps in between, which leave it.
#[inline]
pub(crate) fn repeat(codes: &[u8], offsets: &mut [u32], index: usize) {
    let from = if codes[index] == 0 { index + 1 } else { index - swaps_before(codes, index) };
    offsets[HISTORY + index] = offsets[from];
}

/// How many codes directly before `index` swap the last two offsets.
fn swaps_before(codes: &[u8], index: usize) -> usize {
    codes[..index].iter().rev().take_while(|&&code| code == 0).count()
}

/// Fills `spread` with the offset of each sequence: that of its code, or the one before for tokens
/// that say so. `offsets` are those of the codes, with [`HISTORY`] before them. How many codes the
/// tokens ask for comes back; where there are fewer in `offsets`, `spread` may hold anything.
pub(crate) fn spread(tokens: Symbols<'_>, offsets: &[u32], spread: &mut [u32]) -> usize {
    let mut used = 0;
    for (&token, offset) in tokens.as_slice().iter().zip(spread) {
        used += usize::from(token & 1 == 0);
        *offset = offsets[HISTORY - 1 + used];
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_tokens_one_after_the_other() {
        let mut number = 5_u32;
        let mut random = |below: u32| {
            number = number.wrapping_mul(0x9E37_79B1).wrapping_add(1);
            ((u64::from(number ^ number >> 15) * u64::from(below)) >> 32) as u8
        };
        for count in 0..300 {
            let mut tokens: Vec<u8> =
                (0..count).map(|_| random(256) | [0, 0xE0, 0x1E, 0xFE][random(4) as usize]).collect();
            let excess: Vec<u8> = (0..count + Symbols::SLACK).map(|_| random(256)).collect();
            let (mut used, mut expected) = ([0, 0], Vec::new());
            for token in &tokens {
                let lengths = [(token >> 5, 7, 0), (token >> 1 & 15, 15, 4)];
                expected.extend(lengths.iter().zip(&mut used).map(|(&(length, most, least), used)| {
                    *used += usize::from(length == most);
                    (length + least).saturating_add(if length == most { excess[*used - 1] } else { 0 })
                }));
            }
            tokens.resize(count + Symbols::SLACK, 0xFF);
            let (mut literals, mut matches) = (vec![0; count], vec![0; count]);
            let mut lengths = |[runs, lengths]: [usize; 2]| {
                let of = |used| Symbols::new(&excess, used);
                let symbols = Symbols::new(&tokens, count);
                let tokens = Tokens { symbols, literal_excess: of(runs), match_excess: of(lengths), min_match: 4 };
                let fit = tokens.lengths(&mut literals, &mut matches);
                (fit, literals.iter().zip(&matches).flat_map(|(&run, &length)| [run, length]).collect::<Vec<_>>())
            };
            assert_eq!(lengths(used), (true, expected), "{count} tokens");
            for side in 0..2 {
                let mut other = used;
                other[side] += 1;
                assert!(other[side] > count || !lengths(other).0, "{count} tokens");
                if used[side] > 0 {
                    other[side] -= 2;
                    assert!(!lengths(other).0, "{count} tokens");
                }
            }
        }
    }

    #[test]
    fn repeats_are_those_of_three_offsets_that_change_places() {
        let mut number = 3_u32;
        for count in 0..200 {
            let mut padded: Vec<u8> = (0..count)
                .map(|_| {
                    number = number.wrapping_mul(0x9E37_79B1).wrapping_add(1);
                    (number >> 28).saturating_sub(9) as u8
                })
                .collect();
            padded.resize(count + Symbols::SLACK, 0);
            let none = [0; Symbols::SLACK];
            let codes = Offsets { codes: Symbols::new(&padded, count), bits: Symbols::new(&none, 0) };
            let mut offsets = vec![0; count + HISTORY];
            offsets[..HISTORY].copy_from_slice(&[50, 40, 30]);
            assert_eq!(codes.decode(&mut offsets), Some(0));
            let mut repeats = Repeats([30, 40, 50]);
            for (&code, &offset) in codes.codes.as_slice().iter().zip(&offsets[HISTORY..]) {
                repeats.take(code, offset_base(code).1);
                assert_eq!(offset, repeats.last());
            }
            assert_eq!(codes.repeats(&offsets), repeats);
        }
    }
}
