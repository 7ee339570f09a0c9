//! Interleaved payloads of several blocks, decoded side by side: with four states each they are
//! as many chains as a vector unit has use for.
//!
//! This is a way for payloads that are good. What is unusual about one, and any fault of it, is
//! left to those who decode one after the other, and say which it is.

use std::array;

use crate::{
    format::{TableKind, fields::Fields},
    model::{Frequencies, SlotTable, Slots},
    rans::{
        LOWER_BOUND, interleaved,
        turns::{self, Lane},
    },
};

/// Blocks that are decoded side by side.
pub(crate) const BLOCKS: usize = 8;

/// States of each.
pub(crate) const STATES: usize = interleaved::FEW;

/// States of all.
pub(crate) const CHAINS: usize = BLOCKS * STATES;

/// A table of blocks of up to 8 KiB.
pub(crate) type Table = SlotTable<u32, 1024>;

/// Shorter blocks are not worth the preparations.
const SHORTEST: usize = 256;

/// Bytes of all payloads, at most. They are copied, and short ones have no more.
const MOST_BYTES: usize = 96 << 10;

/// Longer blocks have tables with more slots, and one that is much longer than another has most of
/// its turns alone.
const LONGEST: usize = 8 << 10;

/// Whether blocks of so many raw bytes, the shortest of them and the longest, and payloads of so
/// many in all are worth it.
pub(crate) fn suits(shortest: usize, longest: usize, payloads_len: usize) -> bool {
    shortest >= SHORTEST && longest <= LONGEST.min(2 * shortest) && payloads_len <= MOST_BYTES
}

/// States side by side, block by block, and what they are decoded with.
#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) tables: [Table; BLOCKS],
    /// Those of all states, one after the other, and behind them as many bytes as the turns may ask
    /// for, and [more](Self::BEYOND).
    pub(crate) words: Vec<u8>,
    pub(crate) states: [u32; CHAINS],
    /// Where the next word of each state stands in `words`.
    pub(crate) places: [u32; CHAINS],
}

impl Chains {
    /// Bytes that can be read from a place behind the last word.
    pub(crate) const BEYOND: usize = 4;

    /// Takes a turn for each place of `raw`, of which all blocks have as many. A kernel does the
    /// same.
    #[allow(clippy::needless_range_loop, reason = "turns and states index several arrays at a time")]
    pub(crate) fn decode(&mut self, raw: &mut [&mut [[u8; STATES]]; BLOCKS]) {
        let turns = raw.iter().map(|raw| raw.len()).min().unwrap_or(0);
        for turn in 0..turns {
            for chain in 0..CHAINS {
                let (state, place) = (&mut self.states[chain], &mut self.places[chain]);
                raw[chain / STATES][turn][chain % STATES] = self.tables[chain / STATES].decode(state);
                if *state < LOWER_BOUND {
                    let at = *place as usize;
                    *state = *state << 16 | u32::from(u16::from_le_bytes([self.words[at], self.words[at + 1]]));
                    *place += 2;
                }
            }
        }
    }
}

/// Fills `raw` from payloads, with `run` for the turns that all of them have: [`Chains::decode`] or
/// a kernel. `false`: they are to be decoded one by one, and `raw` may hold anything.
#[allow(clippy::large_stack_arrays, reason = "two tables of 4096 slots where others have one, and only here")]
pub(crate) fn decode(
    payloads: &[(&[u8], TableKind); BLOCKS],
    raw: &mut [&mut [u8]; BLOCKS],
    run: impl FnOnce(&mut Chains, &mut [&mut [[u8; STATES]]; BLOCKS]),
) -> bool {
    let turns = raw.iter().map(|raw| raw.len() / STATES).min().unwrap_or(0);
    let payloads_len: usize = payloads.iter().map(|(payload, _)| payload.len()).sum();
    let mut chains = Chains {
        tables: [Table::EMPTY; BLOCKS],
        words: Vec::with_capacity(payloads_len + 2 * turns + Chains::BEYOND),
        states: [0; CHAINS],
        places: [0; CHAINS],
    };
    let mut lanes: [[Lane<'_>; STATES]; BLOCKS] = array::from_fn(|_| [Lane::NONE; STATES]);
    for (block, (&(payload, table), lanes)) in payloads.iter().zip(&mut lanes).enumerate() {
        let (mut fields, mut frequencies) = (Fields::new(payload), Frequencies::NONE);
        let is_usual = table.parse_to(&mut fields, &mut frequencies).is_ok()
            && frequencies.scale() as usize <= chains.tables[block].as_array().len()
            && interleaved::parse_count(&mut fields) == Ok(STATES)
            && interleaved::parse_lanes(&mut fields, lanes).is_ok();
        if !is_usual {
            return false;
        }
        chains.tables[block].fill(&frequencies);
        for (state, lane) in lanes.iter().enumerate() {
            chains.states[STATES * block + state] = lane.state;
            chains.places[STATES * block + state] = chains.words.len() as u32;
            chains.words.extend_from_slice(lane.words.rest().as_flattened());
        }
    }
    let starts = chains.places;
    chains.words.resize(chains.words.len() + 2 * turns + Chains::BEYOND, 0);
    run(&mut chains, &mut raw.each_mut().map(|raw| &mut raw.as_chunks_mut().0[..turns]));
    for (block, lanes) in lanes.iter_mut().enumerate() {
        for (state, lane) in lanes.iter_mut().enumerate() {
            let chain = STATES * block + state;
            let taken = (chains.places[chain] - starts[chain]) as usize / 2;
            // What a state takes behind its own words is not its own.
            if taken > lane.words.len() {
                return false;
            }
            lane.state = chains.states[chain];
            lane.words.skip(taken);
        }
        let ran_dry = turns::decode(lanes, &chains.tables[block], &mut raw[block][STATES * turns..]);
        if ran_dry.is_some() || !lanes.iter().all(Lane::is_at_end) {
            return false;
        }
    }
    true
}
