//! A segment on its way through a kernel.

use std::ops::Range;

use super::Spare;
use crate::rans::{
    segment::{self, GROUP, GROUP_WORDS_LEN, LANES, RIDING, Table, Tail},
    words::WordReader,
};

/// A segment that is being decoded. Kernels take whole groups off its front,
/// [`finish`](Self::finish) does the rest.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) states: [u32; LANES],
    /// Which of the payloads that are decoded together it belongs to. They stand in order.
    pub(crate) of: usize,
    /// Its number in the payload.
    pub(crate) index: u32,
    /// Where in the payload the words are that were not taken yet. One that was led too far has a
    /// start above its end.
    pub(crate) words: Range<usize>,
    /// Room for the bytes that were not decoded yet.
    pub(crate) raw: Spare<'a>,
    pub(crate) tail: Tail,
    /// Whether it is decoded to its end, where it shows whether it is damaged. Else `raw` has whole
    /// groups, and what is behind them is not looked at.
    pub(crate) to_the_end: bool,
}

impl Segment<'_> {
    /// How many groups a kernel may take: those that have all their rounds and do not end the
    /// segment.
    pub(crate) fn whole_groups(&self) -> usize {
        let len = self.raw.len();
        match self.tail {
            _ if !self.to_the_end => len / GROUP,
            Tail::InStates if !len.is_multiple_of(GROUP) => len.saturating_sub(RIDING) / GROUP,
            _ => len.saturating_sub(1) / GROUP,
        }
    }

    /// Leaves out what is not needed for the first `len` bytes, 1 or more.
    pub(crate) fn cut_behind(&mut self, len: usize) {
        let groups = len.div_ceil(GROUP);
        if groups <= self.whole_groups() {
            self.raw.truncate(groups * GROUP);
            self.to_the_end = false;
        }
    }

    /// How many of them have [`GROUP_WORDS_LEN`] bytes of the payload ahead for certain.
    ///
    /// They need not be the segment's own words: one that is led beyond its last word is damaged,
    /// and its place in the payload shows that at the end.
    pub(crate) fn groups_ahead(&self, payload: &[u8]) -> usize {
        self.whole_groups().min(payload.len().saturating_sub(self.words.start) / GROUP_WORDS_LEN)
    }

    /// Whether nothing is left but a last group whose last bytes ride on the start states.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_last_group(&self) -> bool {
        self.to_the_end && self.raw.len() == GROUP
    }

    /// Ends a segment that [is a last group](Self::is_last_group), all its words taken, with the
    /// symbols of its coded rounds and with what the states are then: if those are as the encoder
    /// began with them.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn end_with(&mut self, group: &[u8; GROUP], states: &[u32; LANES]) {
        if states.iter().any(|state| state >> 16 != 1) {
            return;
        }
        let raw = self.raw.zero().as_chunks_mut::<{ segment::QUAD }>().0;
        for ((raw, coded), state) in raw.iter_mut().zip(group.as_chunks::<{ segment::QUAD }>().0).zip(states) {
            let [third, fourth, ..] = state.to_le_bytes();
            *raw = [coded[0], coded[1], third, fourth];
        }
        (self.words.start, self.to_the_end) = (self.words.end, false);
    }

    /// Decodes all that is left. `false`: the segment has too few words, or does not end as the
    /// encoder began it.
    pub(crate) fn finish(&mut self, payload: &[u8], table: &impl Table) -> bool {
        let Some(words) = payload.get(self.words.clone()) else { return false };
        let mut words = WordReader::new(words);
        if !self.to_the_end {
            return segment::decode_groups(&mut self.states, &mut words, table, self.raw.zero().as_chunks_mut().0);
        }
        segment::decode(&mut self.states, words, table, self.raw.zero(), self.tail)
    }
}
