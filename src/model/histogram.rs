//! How often each byte occurs.

/// 256 counts and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: [u32; 256],
    total: u32,
}

impl Histogram {
    /// Counts `raw`, which is shorter than 4 GiB.
    pub(crate) fn new(raw: &[u8]) -> Self {
        // Equal bytes in a row would wait for each other's count to be stored; four tables keep them apart.
        let mut tables = [[0_u32; 256]; 4];
        let (quads, rest) = raw.as_chunks::<4>();
        for quad in quads {
            for (table, &byte) in tables.iter_mut().zip(quad) {
                table[usize::from(byte)] += 1;
            }
        }
        for &byte in rest {
            tables[0][usize::from(byte)] += 1;
        }
        let counts = std::array::from_fn(|symbol| tables.iter().map(|table| table[symbol]).sum());
        Self { counts, total: raw.len() as u32 }
    }

    /// Takes counts as they are; their sum is below 2^32.
    #[expect(clippy::large_types_passed_by_value, reason = "it moves into the histogram")]
    pub(crate) fn from_counts(counts: [u32; 256]) -> Self {
        Self { counts, total: counts.iter().sum() }
    }

    /// Takes back one occurrence of `byte`, which was counted.
    pub(crate) fn remove(&mut self, byte: u8) {
        self.counts[usize::from(byte)] -= 1;
        self.total -= 1;
    }

    pub(crate) fn counts(&self) -> &[u32; 256] {
        &self.counts
    }

    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// The symbol that all counted bytes are.
    pub(crate) fn only_symbol(&self) -> Option<u8> {
        let symbol = self.counts.iter().position(|&count| count > 0)?;
        (self.counts[symbol] == self.total).then_some(symbol as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_length_and_takes_back() {
        let raw: Vec<u8> = (0..1000_u32).map(|i| (i * 7 % 251) as u8).collect();
        for len in 0..raw.len() {
            let mut histogram = Histogram::new(&raw[..len]);
            assert_eq!(histogram.total(), len as u32);
            assert_eq!(histogram.counts().iter().sum::<u32>(), len as u32);
            for &byte in &raw[..len] {
                histogram.remove(byte);
            }
            assert_eq!(histogram.counts(), &[0; 256]);
        }
    }

    #[test]
    fn finds_the_only_symbol() {
        assert_eq!(Histogram::new(&[9; 77]).only_symbol(), Some(9));
        assert_eq!(Histogram::new(&[9, 8]).only_symbol(), None);
        assert_eq!(Histogram::new(&[]).only_symbol(), None);
    }
}
