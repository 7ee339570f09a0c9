//! What a header says beside the tensors.

use std::ops::Range;

/// What a header says beside the tensors, in its order: the texts under `__metadata__` of
/// safetensors, the key-value pairs of GGUF.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    entries: Vec<(String, Value)>,
}

/// A value of [`Metadata`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An unsigned number, of whatever width.
    Unsigned(u64),
    /// A signed number, of whatever width.
    Signed(i64),
    /// A floating point number, of whatever width.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// An array, a vocabulary say. It was stepped over, and can be read from the file.
    #[non_exhaustive]
    Array {
        /// The type of its elements, by GGUF's number.
        element: u32,
        /// How many there are.
        count: u64,
        /// Where its elements are in the file.
        range: Range<u64>,
    },
}

impl Metadata {
    /// All entries, in the file's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (&**key, value))
    }

    /// The value at `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn push(&mut self, key: String, value: Value) {
        self.entries.push((key, value));
    }

    /// A key that two entries have.
    pub(super) fn duplicate(&self) -> Option<&str> {
        let mut keys: Vec<&str> = self.entries.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}
