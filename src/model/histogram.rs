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
        // For less than some times what the tables take, clearing and adding them up takes longer
        // than they save.
        let counts = match raw.len() {
            0..0x100 => count::<1>([raw]),
            0x100..0x8000 => count::<4>([raw]),
            _ => count::<MOST>([raw]),
        };
        Self { counts, total: raw.len() as u32 }
    }

    /// Counts `pieces`, which together are shorter than 4 GiB.
    pub(crate) fn of_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::from_counts(count::<MOST>(pieces))
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

/// The most tables. Code for WebAssembly is to be small.
const MOST: usize = if cfg!(target_family = "wasm") { 4 } else { 8 };

/// Counts bytes that come in pieces, in `TABLES` tables in turn.
///
/// Equal bytes near each other would wait for each other's count to be stored; several tables keep
/// them apart. They begin at other places of their pages: by those, processors tell first whether a
/// load needs what was just stored. (Of a block in which one byte is frequent, 8 tables take three
/// quarters of the time that 16 without gaps do; Zen 4.)
#[derive(Debug)]
pub(crate) struct Counter<const TABLES: usize = MOST> {
    tables: [[u32; 256 + 16]; TABLES],
}

impl<const TABLES: usize> Counter<TABLES> {
    pub(crate) fn new() -> Self {
        Self { tables: [[0; _]; TABLES] }
    }

    /// All pieces together are shorter than 4 GiB.
    #[inline]
    pub(crate) fn add(&mut self, piece: &[u8]) {
        let (chunks, rest) = piece.as_chunks::<TABLES>();
        for chunk in chunks {
            for (table, &byte) in self.tables.iter_mut().zip(chunk) {
                table[usize::from(byte)] += 1;
            }
        }
        for &byte in rest {
            self.tables[0][usize::from(byte)] += 1;
        }
    }

    pub(crate) fn counts(&self) -> [u32; 256] {
        std::array::from_fn(|symbol| self.tables.iter().map(|table| table[symbol]).sum())
    }
}

fn count<'a, const TABLES: usize>(pieces: impl IntoIterator<Item = &'a [u8]>) -> [u32; 256] {
    let mut counter = Counter::<TABLES>::new();
    pieces.into_iter().for_each(|piece| counter.add(piece));
    counter.counts()
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
    fn long_inputs_are_counted_alike() {
        let raw: Vec<u8> = (0..40_007_u32).map(|i| (i * i % 251) as u8).collect();
        assert_eq!(count::<8>([&raw[..]]), count::<4>([&raw[..]]));
        assert_eq!(Histogram::new(&raw).counts(), &count::<1>([&raw[..]]));
        assert_eq!(Histogram::of_pieces(raw.chunks(77)), Histogram::new(&raw));
    }

    #[test]
    fn finds_the_only_symbol() {
        assert_eq!(Histogram::new(&[9; 77]).only_symbol(), Some(9));
        assert_eq!(Histogram::new(&[9, 8]).only_symbol(), None);
        assert_eq!(Histogram::new(&[]).only_symbol(), None);
    }
}
