//! The sections of a chunk with matches, decoded, and how they are executed one sequence after the
//! other.

use crate::{
    error::Corruption,
    sequences::{Escapes, Expanded, LiteralForm, Offsets, Output, Repeats, Tokens, spread},
};

/// A section's symbols with [`SLACK`](Symbols::SLACK) readable bytes behind them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Symbols<'a> {
    padded: &'a [u8],
    len: usize,
}

impl<'a> Symbols<'a> {
    /// Bytes behind the symbols that can be read and mean nothing.
    pub(crate) const SLACK: usize = 128;

    /// The first `len` of `padded`, which has at least [`SLACK`](Self::SLACK) bytes more.
    pub(crate) fn new(padded: &'a [u8], len: usize) -> Self {
        assert!(padded.len() >= len + Self::SLACK, "symbols without slack");
        Self { padded, len }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    pub(crate) fn as_slice(self) -> &'a [u8] {
        &self.padded[..self.len]
    }

    /// The symbols and the slack behind them.
    pub(crate) fn padded(self) -> &'a [u8] {
        self.padded
    }
}

/// Everything that a chunk with matches is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sections<'a> {
    pub(crate) literals: Symbols<'a>,
    pub(crate) literal_form: LiteralForm,
    pub(crate) tokens: Tokens<'a>,
    pub(crate) offsets: Offsets<'a>,
    pub(crate) escapes: Escapes<'a>,
}

/// `part` of a chunk does not fit to the others.
fn differ<T>(part: &'static str) -> Result<T, Corruption> {
    Err(Corruption::Sequences { part })
}

impl Sections<'_> {
    /// Fills `expanded` with the lengths and the offset of each sequence.
    ///
    /// # Errors
    ///
    /// [`Corruption`] when tokens ask for other parts than there are.
    pub(crate) fn expand(&self, repeats: Repeats, expanded: &mut Expanded) -> Result<(), Corruption> {
        let Self { tokens, offsets, .. } = self;
        expanded.begin(tokens.symbols.len(), repeats);
        if !tokens.lengths(&mut expanded.literal_lengths, &mut expanded.match_lengths) {
            return differ("excess bytes");
        }
        if !offsets.decode(&mut expanded.code_offsets).is_some_and(|used| offsets.end_at(used)) {
            return differ("raw bits");
        }
        if spread(tokens.symbols, &expanded.code_offsets, &mut expanded.offsets) != offsets.codes.len() {
            return differ("offset codes");
        }
        Ok(())
    }

    /// Fills the rest of `output`'s chunk; the offsets used last come back. Every check is made
    /// where it is due, so an error says what is wrong first.
    ///
    /// # Errors
    ///
    /// [`Corruption`] when the parts do not fit together. `output` may hold anything then.
    pub(crate) fn execute(
        &self,
        repeats: Repeats,
        expanded: &mut Expanded,
        output: &mut Output<'_>,
    ) -> Result<Repeats, Corruption> {
        let Self { tokens, offsets, mut escapes, .. } = *self;
        self.expand(repeats, expanded)?;
        let (mut literals, mut last) = (self.literals.as_slice(), repeats.last());
        let lengths = expanded.literal_lengths.iter().zip(&expanded.match_lengths);
        for ((&run, &length), &offset) in lengths.zip(&expanded.offsets).take(tokens.symbols.len()) {
            let Some((run, length)) = escapes.lengths(run, length, tokens.min_match) else { return differ("escapes") };
            let Some(run) = literals.split_off(..run) else { return differ("literals") };
            if !output.literals(run, self.literal_form, last) {
                return differ("literals");
            }
            if !output.matched(length, offset) {
                return Err(Corruption::Match { offset, length: length as u32 });
            }
            last = offset;
        }
        if !escapes.is_empty() {
            return differ("escapes");
        }
        if literals.len() != output.end - output.at {
            return differ("literals");
        }
        output.literals(literals, self.literal_form, last);
        Ok(offsets.repeats(&expanded.code_offsets))
    }
}
