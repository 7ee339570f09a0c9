//! States that take turns, each with its own words: the loops behind single streams (one state) and
//! interleaved ones.
//!
//! Whether a state takes or gives a word is as good as random, so the loops select and never branch
//! on it. They run over pieces for which no stack and no stream can end, and leave what is left,
//! less than a piece or the last words of a stream, to the careful loops.

use std::hint::select_unpredictable;

use crate::{
    model::{Slots, SymbolTable},
    rans::{
        LOWER_BOUND,
        words::{WordReader, WordStack},
    },
};

/// Symbols of each lane in a piece that is encoded.
const TURNS: usize = 16;

/// Symbols of each lane in a piece that is decoded, at most.
const DECODED_TURNS: usize = 64;

/// A state that is being decoded with, and the words it has not taken.
#[derive(Debug, Clone)]
pub(crate) struct Lane<'a> {
    pub(crate) state: u32,
    pub(crate) words: WordReader<'a>,
}

impl Lane<'_> {
    /// Without words, and with no state yet.
    pub(crate) const NONE: Self = Self { state: 0, words: WordReader::EMPTY };

    /// Whether it is where the encoder began.
    pub(crate) fn is_at_end(&self) -> bool {
        self.state == LOWER_BOUND && self.words.is_empty()
    }
}

/// Fills `raw`, a byte from each lane in turn. The lane that ran out of words, if one did, comes
/// back.
pub(crate) fn decode<const LANES: usize>(
    lanes: &mut [Lane<'_>; LANES],
    slots: &impl Slots,
    raw: &mut [u8],
) -> Option<usize> {
    let (mut decoded, whole) = (0, raw.len() / LANES * LANES);
    let mut words = [[0; 2]; WORDS];
    for piece in raw[..whole].chunks_mut(DECODED_TURNS * LANES) {
        for (words, lane) in words.chunks_exact_mut(WORDS / LANES).zip(&*lanes) {
            lane.words.copy_to::<DECODED_TURNS>(words);
        }
        if !decode_piece(lanes, slots, &words, piece) {
            break;
        }
        decoded += piece.len();
    }
    decode_carefully(lanes, slots, &mut raw[decoded..])
}

/// Room for the next words of all lanes, an equal share for each. Any `u8` is a place in it, so the
/// loop over turns needs neither a check nor a remainder.
const WORDS: usize = 256;

/// [`decode`] for any number of lanes.
pub(crate) fn decode_carefully(lanes: &mut [Lane<'_>], slots: &impl Slots, raw: &mut [u8]) -> Option<usize> {
    for turn in raw.chunks_mut(lanes.len()) {
        for (index, (byte, lane)) in turn.iter_mut().zip(&mut *lanes).enumerate() {
            *byte = slots.decode(&mut lane.state);
            if !lane.words.refill(&mut lane.state) {
                return Some(index);
            }
        }
    }
    None
}

/// `words` are the lanes' next words, filled up with any. `false`: a lane ran out of words, and the
/// lanes are as they were.
#[inline(always)]
fn decode_piece<const LANES: usize>(
    lanes: &mut [Lane<'_>; LANES],
    slots: &impl Slots,
    words: &[[u8; 2]; WORDS],
    piece: &mut [u8],
) -> bool {
    const { assert!(LANES * DECODED_TURNS <= WORDS) };
    let mut states = lanes.each_ref().map(|lane| lane.state);
    let mut lowest = states;
    let first: [u8; LANES] = std::array::from_fn(|lane| (lane * (WORDS / LANES)) as u8);
    let mut next = first;
    for turn in piece.chunks_exact_mut(LANES) {
        for lane in 0..LANES {
            // One state alone is one chain of waits. Its lower half is known two steps before the
            // whole, and finds the slot.
            let lower = if LANES == 1 { lowest[lane] } else { states[lane] };
            let (symbol, frequency, offset) = slots.look_up(lower);
            turn[lane] = symbol;
            let product = frequency.wrapping_mul(states[lane] >> slots.scale_bits());
            let x = product.wrapping_add(offset);
            let word = u32::from(u16::from_le_bytes(words[usize::from(next[lane])]));
            // The sum never wraps. One state need not wait for it to be compared.
            let low = if LANES == 1 { product < LOWER_BOUND - offset } else { x < LOWER_BOUND };
            lowest[lane] = select_unpredictable(low, word, x);
            states[lane] = select_unpredictable(low, x << 16 | word, x);
            next[lane] = next[lane].wrapping_add(low.into());
        }
    }
    let taken: [usize; LANES] = std::array::from_fn(|lane| next[lane].wrapping_sub(first[lane]).into());
    if lanes.iter().zip(taken).any(|(lane, taken)| taken > lane.words.len()) {
        return false;
    }
    for (lane, (state, taken)) in lanes.iter_mut().zip(states.into_iter().zip(taken)) {
        lane.state = state;
        lane.words.skip(taken);
    }
    true
}

/// Codes `raw`, a byte to each state in turn; the words land on the empty stacks.
pub(crate) fn encode<const LANES: usize>(
    raw: &[u8],
    symbols: &SymbolTable,
    states: &mut [u32; LANES],
    stacks: &mut [WordStack; LANES],
) {
    let (whole, tail) = raw.split_at(raw.len() / (TURNS * LANES) * (TURNS * LANES));
    for turn in tail.chunks(LANES).rev() {
        for (lane, &byte) in turn.iter().enumerate() {
            let code = symbols.code(byte);
            stacks[lane].push_if(code.overflows(states[lane]), &mut states[lane]);
            states[lane] = code.encode(states[lane], symbols.scale_bits());
        }
    }
    for piece in whole.chunks_exact(TURNS * LANES).rev() {
        encode_piece(piece, symbols, states, stacks);
    }
}

#[inline(always)]
fn encode_piece<const LANES: usize>(
    piece: &[u8],
    symbols: &SymbolTable,
    states: &mut [u32; LANES],
    stacks: &mut [WordStack; LANES],
) {
    let mut rooms = [[[0; 2]; TURNS]; LANES];
    let mut last = [TURNS - 1; LANES];
    let mut x = *states;
    for turn in piece.chunks_exact(LANES).rev() {
        for lane in 0..LANES {
            let code = symbols.code(turn[lane]);
            let gives = code.overflows(x[lane]);
            // At most one word per turn: there is room for each, and the remainder only tells the
            // compiler so.
            rooms[lane][last[lane] % TURNS] = (x[lane] as u16).to_le_bytes();
            last[lane] = last[lane].wrapping_sub(gives.into());
            x[lane] = code.encode(select_unpredictable(gives, x[lane] >> 16, x[lane]), symbols.scale_bits());
        }
    }
    *states = x;
    for (stack, (room, last)) in stacks.iter_mut().zip(rooms.iter().zip(last)) {
        // All of it, in a copy of fixed length: what is not a word lies under the top.
        let Some(window) = stack.room() else { unreachable!("a stack has room for a window more than its words") };
        *window = *room;
        stack.push((TURNS - 1).wrapping_sub(last));
    }
}
