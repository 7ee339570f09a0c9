//! 16-bit words between states and payloads.

use std::hint::select_unpredictable;

/// The words of one lane or segment, read forwards.
#[derive(Debug, Clone)]
pub(crate) struct WordReader<'a> {
    words: &'a [[u8; 2]],
}

impl<'a> WordReader<'a> {
    pub(crate) const EMPTY: Self = Self { words: &[] };

    /// An odd last byte is not a word; callers cut at whole words.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { words: bytes.as_chunks().0 }
    }

    /// Takes one word into `state` if it is below 2^16. `false`: there was none left.
    #[inline(always)]
    pub(crate) fn refill(&mut self, state: &mut u32) -> bool {
        let low = *state < super::LOWER_BOUND;
        let Some(word) = self.words.first() else { return !low };
        *state = select_unpredictable(low, *state << 16 | u32::from(u16::from_le_bytes(*word)), *state);
        self.words = &self.words[usize::from(low)..];
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Those not taken yet.
    pub(crate) fn rest(&self) -> &'a [[u8; 2]] {
        self.words
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The next `N` words, not taken yet.
    #[inline(always)]
    pub(crate) fn peek<const N: usize>(&self) -> Option<&'a [[u8; 2]; N]> {
        self.words.first_chunk()
    }

    /// Copies the next `N` words, or as many as there are, to the start of `window`.
    #[inline(always)]
    pub(crate) fn copy_to<const N: usize>(&self, window: &mut [[u8; 2]]) {
        match (self.words.first_chunk::<N>(), window.first_chunk_mut()) {
            (Some(words), Some(window)) => *window = *words,
            _ => window[..self.words.len()].copy_from_slice(self.words),
        }
    }

    #[inline(always)]
    pub(crate) fn skip(&mut self, count: usize) {
        self.words = &self.words[count..];
    }
}

/// A buffer that is filled with words from its end to its start.
#[derive(Debug, Default)]
pub(crate) struct WordStack {
    /// Little-endian, as they will be written.
    words: Vec<[u8; 2]>,
    start: usize,
}

impl WordStack {
    pub(crate) const fn new() -> Self {
        Self { words: Vec::new(), start: 0 }
    }

    /// Empties the stack and makes room for `capacity` words and a few more, which lets vectors be
    /// stored whole.
    pub(crate) fn reset(&mut self, capacity: usize) {
        let capacity = capacity + 64;
        if self.words.len() < capacity {
            self.words.resize(capacity, [0; 2]);
        }
        self.start = self.words.len();
    }

    /// Gives back the memory for words if that is for more than `most`.
    pub(crate) fn keep(&mut self, most: usize) {
        if self.words.capacity() > most {
            *self = Self::default();
        }
    }

    /// Moves the lower word of `state` here if `gives`.
    #[inline(always)]
    pub(crate) fn push_if(&mut self, gives: bool, state: &mut u32) {
        self.words[self.start - 1] = (*state as u16).to_le_bytes();
        self.start -= usize::from(gives);
        *state = select_unpredictable(gives, *state >> 16, *state);
    }

    /// The `N` free places under the top of the stack, the last of which is the next to be filled.
    #[inline(always)]
    pub(crate) fn room<const N: usize>(&mut self) -> Option<&mut [[u8; 2]; N]> {
        self.words[..self.start].last_chunk_mut()
    }

    /// All free places. The last of them is the next to be filled.
    pub(crate) fn free(&mut self) -> &mut [[u8; 2]] {
        &mut self.words[..self.start]
    }

    /// Makes words of the last `count` free places, which were written to.
    #[inline(always)]
    pub(crate) fn push(&mut self, count: usize) {
        self.start -= count;
    }

    /// The words in the order in which a decoder reads them.
    pub(crate) fn words(&self) -> &[[u8; 2]] {
        &self.words[self.start..]
    }

    /// Appends the words in the order in which a decoder reads them.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.words().as_flattened());
    }
}
