//! What sequences do to the raw bytes, one after the other, with every check where it is due.
//!
//! All other ways to execute sequences give what this one gives. It is also what they use near the
//! ends of a block, where nothing may be written too far.

use crate::sequences::{
    code::{ESCAPE_LEN, TOKEN_LITERALS, TOKEN_MATCH},
    expand::ESCAPED,
};

/// How the literals of a chunk are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiteralForm {
    /// As they are.
    Plain,
    /// As differences to the byte that stands one last offset before.
    Difference,
}

/// Raw bytes of a block, written from the front.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    /// Raw bytes of the block, up to the end of the chunk or more.
    pub(crate) raw: &'a mut [u8],
    /// How many of them are there.
    pub(crate) at: usize,
    /// Where the chunk ends.
    pub(crate) end: usize,
    /// Raw bytes of the whole block.
    pub(crate) block_len: usize,
}

impl Output<'_> {
    /// Appends `literals`. `last` is the offset used last. `false`: the chunk has no room for them.
    pub(crate) fn literals(&mut self, literals: &[u8], form: LiteralForm, last: u32) -> bool {
        if literals.len() > self.end - self.at {
            return false;
        }
        let end = self.at + literals.len();
        match form {
            LiteralForm::Plain => self.raw[self.at..end].copy_from_slice(literals),
            LiteralForm::Difference => {
                let last = last as usize;
                for (at, &literal) in (self.at..end).zip(literals) {
                    let base = if last <= at { self.raw[at - last] } else { 0 };
                    self.raw[at] = literal.wrapping_add(base);
                }
            }
        }
        self.at = end;
        true
    }

    /// Appends `length` bytes from `offset` back. `false`: there are no such bytes, or the chunk
    /// has no room for them.
    pub(crate) fn matched(&mut self, length: usize, offset: u32) -> bool {
        let offset = offset as usize;
        if offset == 0 || offset > self.at || length > self.end - self.at {
            return false;
        }
        // What was copied is there to be copied: a match that overlaps itself doubles each time.
        let (from, end) = (self.at - offset, self.at + length);
        while self.at < end {
            let step = (end - self.at).min(self.at - from);
            self.raw.copy_within(from..from + step, self.at);
            self.at += step;
        }
        true
    }
}

/// Numbers too large for an excess byte, in the order in which they are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escapes<'a> {
    rest: &'a [[u8; ESCAPE_LEN]],
}

impl<'a> Escapes<'a> {
    /// What is left over of a number of three bytes means nothing.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.as_chunks().0 }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The full lengths of a sequence, from those that stand in arrays. `None`: there are no more
    /// escapes.
    pub(crate) fn lengths(&mut self, literals: u8, length: u8, min_match: u8) -> Option<(usize, usize)> {
        let literals = match literals {
            ESCAPED => TOKEN_LITERALS + self.take()?,
            literals => literals.into(),
        };
        let length = match length {
            ESCAPED => usize::from(min_match) + TOKEN_MATCH + self.take()?,
            length => length.into(),
        };
        Some((literals, length))
    }

    /// The next one.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let (&[low, middle, high], rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(u32::from_le_bytes([low, middle, high, 0]) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_overlap_and_stay_inside() {
        let mut raw = *b"abc---------";
        let mut output = Output { raw: &mut raw, at: 3, end: 10, block_len: 10 };
        assert!(!output.matched(1, 4) && !output.matched(1, 0) && !output.matched(8, 3));
        assert!(output.matched(6, 2));
        assert!(!output.literals(b"xy", LiteralForm::Plain, 1));
        assert!(output.literals(b"x", LiteralForm::Plain, 1));
        assert_eq!(&raw, b"abcbcbcbcx--");
    }

    #[test]
    fn differences_count_from_the_last_offset_where_there_is_one() {
        let mut raw = [0; 6];
        let mut output = Output { raw: &mut raw, at: 0, end: 6, block_len: 6 };
        assert!(output.literals(&[10, 1, 1], LiteralForm::Difference, 1));
        assert!(output.literals(&[7, 0, 255], LiteralForm::Difference, 5));
        assert_eq!(raw, [10, 11, 12, 7, 0, 9]);
    }
}
