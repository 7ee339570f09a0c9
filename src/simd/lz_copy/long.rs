//! The copy loop for long sequences, each of which is checked by itself.
//!
//! Where a sequence is many bytes long, its checks cost little beside its copies, and a branch that
//! no processor foresees costs more than the bytes that a wider step writes too many: so the first
//! step of a match is as wide as any, and escapes are taken where they are met.

use super::{
    OVERSHOOT, Place, Steps,
    copies::{copy_far, near_or_far},
    one,
};
use crate::sequences::{ESCAPED, Expanded, Output, Sections};

/// Bytes of a match from which on the system's own copy pays, which knows the processor's best one.
const COPIED: usize = 2048;

/// Executes all sequences and the literals behind them, which are plain. As
/// [`execute`](super::execute) does.
///
/// # Safety
///
/// The processor has the features that `S` needs.
#[inline(always)]
pub(in crate::simd) unsafe fn execute<S: Steps>(
    sections: &Sections<'_>,
    expanded: &Expanded,
    output: &mut Output<'_>,
) -> bool {
    let count = sections.tokens.symbols.len();
    let (runs, lengths) = (&expanded.literal_lengths[..count], &expanded.match_lengths[..count]);
    let offsets = &expanded.offsets[..count];
    let min_match = sections.tokens.min_match;
    let mut escapes = sections.escapes;
    let (literals, literal_count) = (sections.literals.padded().as_ptr(), sections.literals.len());
    // A sequence that ends before this stays inside the chunk, and its steps inside the block.
    let limit = (output.end + 1).min((output.raw.len() + 1).saturating_sub(OVERSHOOT));
    let mut place = Place { literal: 0, at: output.at, last: 0 };
    for (index, ((&run, &length), &offset)) in runs.iter().zip(lengths).zip(offsets).enumerate() {
        let before = escapes;
        let (run, length) = if run == ESCAPED || length == ESCAPED {
            let Some(whole) = escapes.lengths(run, length, min_match) else { return false };
            whole
        } else {
            (usize::from(run), usize::from(length))
        };
        let (offset, match_at) = (offset as usize, place.at + run);
        let (literal, at) = (place.literal + run, match_at + length);
        if literal > literal_count || at >= limit || offset > match_at {
            escapes = before;
            if !one(index, sections, expanded, &mut escapes, &mut place, output) {
                return false;
            }
            continue;
        }
        let base = output.raw.as_mut_ptr();
        // SAFETY: the caller knows the processor. The literals are there, just checked, with 128
        // bytes of slack. The sequence ends `OVERSHOOT` or more before the block does, and its
        // match begins inside it: just checked, too. No step is wider. What is copied at once does
        // not reach what it repeats.
        unsafe {
            copy_far::<32>(literals.add(place.literal), base.add(place.at), run);
            let to = base.add(match_at);
            if length >= COPIED && length <= offset {
                to.copy_from_nonoverlapping(to.sub(offset), length);
            } else {
                near_or_far::<S, 128>(to, offset, length);
            }
        }
        place = Place { literal, at, last: 0 };
    }
    super::rest(sections, &place, escapes, output)
}
