//! What a sequence is on the wire: its token, its offset code, what exceeds them (FORMAT.md, 14.3).

use std::hint::select_unpredictable;

/// Bytes of the shortest match that a stream without the flag for 3 may have.
pub(crate) const MIN_MATCH: usize = 4;

/// A token has room for literal lengths below this. This one stands for "and more".
pub(crate) const TOKEN_LITERALS: usize = 7;

/// A token has room for match lengths that exceed the shortest by less than this. This one stands
/// for "and more".
pub(crate) const TOKEN_MATCH: usize = 15;

/// The largest excess that has a byte of its own. What is larger escapes.
pub(crate) const LARGEST_EXCESS: usize = 231;

/// The excess byte that says: the number is among the escapes.
pub(crate) const ESCAPE: u8 = 255;

/// Bytes of an escape.
pub(crate) const ESCAPE_LEN: usize = 3;

/// The most raw bits behind an offset code.
pub(crate) const MAX_OFFSET_BITS: usize = 20;

/// The last offset code.
const LAST_CODE: u8 = 176;

/// Whether every byte of a section is an offset code.
pub(crate) fn are_offset_codes(symbols: &[u8]) -> bool {
    // A fold, not `all`: without a way out the loop becomes vectors.
    symbols.iter().fold(0, |largest, &code| largest.max(code)) <= LAST_CODE
}

/// Whether every byte of a section is an excess.
pub(crate) fn are_excesses(symbols: &[u8]) -> bool {
    let between = |excess: u8| excess.wrapping_sub(LARGEST_EXCESS as u8 + 1) < ESCAPE - LARGEST_EXCESS as u8 - 1;
    !symbols.iter().fold(false, |bad, &excess| bad | between(excess))
}

/// The byte for an excess, and whether it is an escape.
#[inline(always)]
pub(crate) fn excess_byte(excess: usize) -> (u8, bool) {
    if excess <= LARGEST_EXCESS { (excess as u8, false) } else { (ESCAPE, true) }
}

/// An offset as a code and the raw bits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetCode {
    pub(crate) code: u8,
    pub(crate) bits: u32,
    pub(crate) extra: u32,
}

impl OffsetCode {
    /// The code of `offset`, which is below 2^24. 0 has one as well, for those to whom it means
    /// something.
    #[inline(always)]
    pub(crate) fn new(offset: u32) -> Self {
        let bits = (offset | 8).ilog2() - 3;
        // Behind the shift stand four bits, the first of which is 1, or fewer of an offset below 8.
        let code = (bits << 3) + (offset >> bits) + 1;
        Self { code: code as u8, bits, extra: offset & ((1 << bits) - 1) }
    }
}

/// How many raw bits stand behind `code`, which is valid, and the offset without them. Repeat codes
/// have no bits, and their offset means nothing.
#[inline]
pub(crate) fn offset_base(code: u8) -> (u32, u32) {
    let value = u32::from(code).saturating_sub(1);
    // Below 8 the value is the offset. There is no branch: which codes come, no processor foresees.
    let bits = (value >> 3).saturating_sub(1);
    (bits, (value - 8 * bits) << bits)
}

/// The three offsets used last, the last one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeats(pub(crate) [u32; 3]);

impl Repeats {
    /// As a block begins.
    pub(crate) const START: Self = Self([1, 4, 8]);

    pub(crate) fn last(self) -> u32 {
        self.0[0]
    }

    /// Notes that `offset` is used. Its code, and whether that is needed: it is not where `offset`
    /// is the last one again.
    ///
    /// All cases do the same work without a branch: which one it is, no processor foresees.
    #[inline(always)]
    pub(crate) fn code(&mut self, offset: u32) -> (OffsetCode, bool) {
        let [first, second, third] = self.0;
        let (is_first, is_second, is_third) = (offset == first, offset == second, offset == third);
        self.0 = [
            offset,
            select_unpredictable(is_first, second, first),
            select_unpredictable(is_first | is_second, third, second),
        ];
        let new = OffsetCode::new(offset);
        let is_repeat = is_first | is_second | is_third;
        let code = OffsetCode {
            code: select_unpredictable(is_repeat, u8::from(!is_second), new.code),
            bits: select_unpredictable(is_repeat, 0, new.bits),
            extra: select_unpredictable(is_repeat, 0, new.extra),
        };
        (code, !is_first)
    }

    /// The same for a decoder that takes one code after the other: it met
    /// `code`, with `offset` for one that is no repeat.
    #[cfg(test)]
    pub(crate) fn take(&mut self, code: u8, offset: u32) {
        let [first, second, third] = self.0;
        self.0 = match code {
            0 => [second, first, third],
            1 => [third, first, second],
            _ => [offset, first, second],
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_has_one_code() {
        let offsets = (1..5000).chain((3..=24).flat_map(|log| [(1 << log) - 1, (1 << log) - 5]));
        for offset in offsets {
            let OffsetCode { code, bits, extra } = OffsetCode::new(offset);
            assert!((2..=LAST_CODE).contains(&code) && bits as usize <= MAX_OFFSET_BITS, "{offset}");
            let (expected, base) = offset_base(code);
            assert_eq!((bits, offset), (expected, base + extra), "code {code}");
        }
        assert_eq!(OffsetCode::new((1 << 24) - 1).code, LAST_CODE);
    }

    #[test]
    fn both_sides_keep_the_same_repeats() {
        let (mut encoder, mut decoder) = (Repeats::START, Repeats::START);
        let mut number = 9_u32;
        for _ in 0..10_000 {
            number = number.wrapping_mul(0x9E37_79B1).wrapping_add(77);
            let offset = number >> 29 | 1;
            let (OffsetCode { code, extra, .. }, is_needed) = encoder.code(offset);
            if is_needed {
                decoder.take(code, offset_base(code).1.wrapping_add(extra));
            }
            assert_eq!((encoder, decoder.last()), (decoder, offset));
        }
    }

    #[test]
    fn bytes_outside_the_ranges_are_seen() {
        for byte in 0..=255_u8 {
            assert_eq!(are_offset_codes(&[3, byte, 7]), byte <= 176, "{byte}");
            assert_eq!(are_excesses(&[3, byte, 255]), byte <= 231 || byte == 255, "{byte}");
        }
        assert!(are_offset_codes(&[]) && are_excesses(&[]));
        assert_eq!([0, 231, 232, 1 << 20].map(excess_byte), [(0, false), (231, false), (255, true), (255, true)]);
    }
}
