//! One segment of a `lanes` block: 32 states that share one word stream, bytes in quad order
//! (FORMAT.md, 4.4).

use std::{hint::select_unpredictable, ops::Range};

use crate::{
    model::{Frequencies, SlotTable, Slots, SymbolTable},
    rans::{
        LOWER_BOUND,
        words::{WordReader, WordStack},
    },
};

/// States of a segment.
pub(crate) const LANES: usize = 32;

/// Consecutive bytes that one lane owns.
pub(crate) const QUAD: usize = 4;

/// Bytes that all lanes decode in four rounds.
pub(crate) const GROUP: usize = LANES * QUAD;

/// Rounds of a last whole group that are coded. The bytes of the other two ride on the start
/// states.
pub(crate) const CODED_ROUNDS_OF_LAST_GROUP: usize = 2;

/// Bytes that the start states carry: two a lane.
pub(crate) const RIDING: usize = 2 * LANES;

/// What happens to the end of a segment whose length is not a multiple of [`GROUP`]. Where it is
/// one, half of the last group always rides on the start states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// All bytes are coded.
    Coded,
    /// The last [`RIDING`] bytes ride on the start states. The segment has as many at least.
    InStates,
}

/// The decoder's table for every scale that `lanes` has.
pub(crate) type LaneSlots = SlotTable<u32, 4096>;

/// A decoder's table, in whichever form.
pub(crate) trait Table {
    /// Takes the symbol out of `state`, which may then be below 2^16 and want a word.
    fn decode(&self, state: &mut u32) -> u8;
}

impl Table for LaneSlots {
    #[inline(always)]
    fn decode(&self, state: &mut u32) -> u8 {
        Slots::decode(self, state)
    }
}

/// What the segments of a payload share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) frequencies: &'a Frequencies,
}

/// Lanes whose code stands side by side, without a loop between them.
const ABREAST: usize = 4;

/// Payload bytes that a kernel may read for a group: a word for each of its symbols. A vector of
/// words is read whole, but those behind the last word of a round belong to lanes that could have
/// taken one.
pub(crate) const GROUP_WORDS_LEN: usize = 2 * GROUP;

/// A segment that is being encoded, from its end to its start. Kernels code its groups.
#[derive(Debug)]
pub(crate) struct Encoding<'a> {
    pub(crate) states: [u32; LANES],
    /// What was not coded yet.
    pub(crate) groups: &'a [[u8; GROUP]],
    pub(crate) words: &'a mut WordStack,
}

impl<'a> Encoding<'a> {
    /// Takes `run` groups off the end, which has them. Whoever takes them codes them.
    pub(crate) fn take_groups(&mut self, run: usize) -> &'a [[u8; GROUP]] {
        let (before, groups) = self.groups.split_at(self.groups.len() - run);
        self.groups = before;
        groups
    }
}

/// Codes what stands behind the last of the whole groups of `raw`, which is not empty. The words
/// land on the stack `words`, which is emptied before; the states and the groups that are left come
/// back.
pub(crate) fn encode_end<'a>(
    raw: &'a [u8],
    tail: Tail,
    symbols: &SymbolTable,
    words: &mut WordStack,
) -> ([u32; LANES], &'a [[u8; GROUP]]) {
    words.reset(raw.len());
    let (groups, rest) = raw.as_chunks::<GROUP>();
    let mut states = [LOWER_BOUND; LANES];
    match (groups, raw.split_last_chunk::<RIDING>()) {
        ([before @ .., last], _) if rest.is_empty() => {
            for (state, quad) in states.iter_mut().zip(last.as_chunks::<QUAD>().0) {
                *state |= u32::from(quad[2]) | u32::from(quad[3]) << 8;
            }
            encode_rounds(last, 0..CODED_ROUNDS_OF_LAST_GROUP, symbols, &mut states, words);
            (states, before)
        }
        (_, Some((coded, riding))) if tail == Tail::InStates => {
            for (state, pair) in states.iter_mut().zip(riding.as_chunks().0) {
                *state |= u32::from(u16::from_le_bytes(*pair));
            }
            let (groups, rest) = coded.as_chunks();
            encode_rounds(rest, 0..QUAD, symbols, &mut states, words);
            (states, groups)
        }
        _ => {
            encode_rounds(rest, 0..QUAD, symbols, &mut states, words);
            (states, groups)
        }
    }
}

/// Codes all groups of the segment on top of what stands behind them.
///
/// Not inlined, as the loop is slower where there is more around it.
#[inline(never)]
pub(crate) fn encode_groups(segment: &mut Encoding<'_>, symbols: &SymbolTable) {
    let scale_bits = symbols.scale_bits();
    let groups = segment.take_groups(segment.groups.len());
    let Encoding { states, words, .. } = segment;
    for group in groups.iter().rev() {
        for round in (0..QUAD).rev() {
            let Some(room) = words.room::<LANES>() else {
                encode_rounds(group, 0..round + 1, symbols, states, words);
                break;
            };
            let mut last = LANES - 1;
            let quads = group.as_chunks::<QUAD>().0.as_chunks::<ABREAST>().0;
            for (quads, states) in quads.iter().zip(states.as_chunks_mut::<ABREAST>().0).rev() {
                for (quad, state) in quads.iter().zip(states).rev() {
                    let code = symbols.code(quad[round]);
                    let gives = code.overflows(*state);
                    // At most one word per lane: there is room for each, and the remainder only
                    // tells the compiler so.
                    room[last % LANES] = (*state as u16).to_le_bytes();
                    *state = code.encode(select_unpredictable(gives, *state >> 16, *state), scale_bits);
                    last = last.wrapping_sub(gives.into());
                }
            }
            words.push((LANES - 1).wrapping_sub(last));
        }
    }
}

/// Fills `raw`, which is not empty. `false`: the segment does not end as the encoder began it.
pub(crate) fn decode(
    states: &mut [u32; LANES],
    mut words: WordReader<'_>,
    table: &impl Table,
    raw: &mut [u8],
    tail: Tail,
) -> bool {
    let whole = raw.len().is_multiple_of(GROUP);
    let riding = if tail == Tail::InStates && !whole { RIDING } else { 0 };
    let Some(coded_len) = raw.len().checked_sub(riding) else { return false };
    let (coded, riding) = raw.split_at_mut(coded_len);
    let (groups, rest) = coded.as_chunks_mut::<GROUP>();
    if whole {
        let Some((last, before)) = groups.split_last_mut() else { return words.is_empty() };
        return decode_groups(states, &mut words, table, before)
            && decode_rounds(states, &mut words, table, last, 0..CODED_ROUNDS_OF_LAST_GROUP)
            && words.is_empty()
            && take_quads(states, last);
    }
    decode_groups(states, &mut words, table, groups)
        && decode_rounds(states, &mut words, table, rest, 0..QUAD)
        && words.is_empty()
        && match tail {
            Tail::Coded => *states == [LOWER_BOUND; LANES],
            Tail::InStates => take_pairs(states, riding),
        }
}

/// The two bytes per lane that rode on the start states: the upper half of each quad. `false`:
/// these are no start states.
fn take_quads(states: &[u32; LANES], last: &mut [u8; GROUP]) -> bool {
    for (state, quad) in states.iter().zip(last.as_chunks_mut::<QUAD>().0) {
        [quad[2], quad[3], ..] = state.to_le_bytes();
    }
    states.iter().all(|state| state >> 16 == 1)
}

/// The same, where they are the last bytes of the segment.
fn take_pairs(states: &[u32; LANES], last: &mut [u8]) -> bool {
    for (state, pair) in states.iter().zip(last.as_chunks_mut().0) {
        *pair = (*state as u16).to_le_bytes();
    }
    states.iter().all(|state| state >> 16 == 1)
}

/// How many lanes have a byte in `round` (0..=3) of a group of `len` bytes.
fn lanes_in_round(len: usize, round: usize) -> usize {
    len.saturating_sub(round).div_ceil(QUAD)
}

fn encode_rounds(
    group: &[u8],
    rounds: Range<usize>,
    symbols: &SymbolTable,
    states: &mut [u32; LANES],
    words: &mut WordStack,
) {
    for round in rounds.rev() {
        for lane in (0..lanes_in_round(group.len(), round)).rev() {
            let code = symbols.code(group[lane * QUAD + round]);
            let state = &mut states[lane];
            words.push_if(code.overflows(*state), state);
            *state = code.encode(*state, symbols.scale_bits());
        }
    }
}

/// Whole groups. Where a round's most words are there for certain, each lane only selects.
///
/// Not inlined, as the loop is slower where there is more around it.
#[inline(never)]
pub(crate) fn decode_groups(
    states: &mut [u32; LANES],
    words: &mut WordReader<'_>,
    table: &impl Table,
    groups: &mut [[u8; GROUP]],
) -> bool {
    groups.iter_mut().all(|group| {
        for round in 0..QUAD {
            let Some(next) = words.peek::<LANES>() else {
                return decode_rounds(states, words, table, group, round..QUAD);
            };
            let mut taken = 0;
            for (quad, state) in group.as_chunks_mut::<QUAD>().0.iter_mut().zip(&mut *states) {
                quad[round] = table.decode(state);
                // At most one word per lane: the index stays below 32, and the mask only tells the
                // compiler so.
                let word = u32::from(u16::from_le_bytes(next[taken % LANES]));
                let low = *state < LOWER_BOUND;
                *state = select_unpredictable(low, *state << 16 | word, *state);
                taken += usize::from(low);
            }
            words.skip(taken);
        }
        true
    })
}

/// Some rounds of one group, which may be shorter than a whole one. `false`: the words ran out.
fn decode_rounds(
    states: &mut [u32; LANES],
    words: &mut WordReader<'_>,
    table: &impl Table,
    group: &mut [u8],
    rounds: Range<usize>,
) -> bool {
    for round in rounds {
        for lane in 0..lanes_in_round(group.len(), round) {
            group[lane * QUAD + round] = table.decode(&mut states[lane]);
            if !words.refill(&mut states[lane]) {
                return false;
            }
        }
    }
    true
}
