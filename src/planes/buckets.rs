//! A plane cut by the keys of its elements: symbols whose keys are in one range become a section of
//! their own, with a table of its own.

use crate::format::planes::{Bounds, MAX_BUCKETS};

/// The buckets of so many keys.
#[derive(Debug)]
pub(crate) struct Buckets {
    bounds: Bounds,
    /// The bucket of each key.
    table: [u8; 256],
    /// How many keys are in each bucket.
    counts: [usize; MAX_BUCKETS],
}

impl Buckets {
    /// Counts the keys of each bucket.
    pub(crate) fn new(bounds: Bounds, keys: &[u8]) -> Self {
        let table = bounds.table();
        // Several tables, so that equal keys near each other do not wait for each other.
        let mut counts = [[0; MAX_BUCKETS]; 4];
        let (quads, rest) = keys.as_chunks::<4>();
        for quad in quads {
            for (counts, &key) in counts.iter_mut().zip(quad) {
                counts[usize::from(table[usize::from(key)]) % MAX_BUCKETS] += 1;
            }
        }
        for &key in rest {
            counts[0][usize::from(table[usize::from(key)]) % MAX_BUCKETS] += 1;
        }
        let counts = std::array::from_fn(|bucket| counts.iter().map(|counts| counts[bucket]).sum());
        Self { bounds, table, counts }
    }

    /// The first key of each bucket.
    #[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
    pub(crate) fn first_keys(&self) -> &[u8] {
        self.bounds.first_keys()
    }

    /// How many keys are in each bucket.
    pub(crate) fn counts(&self) -> &[usize] {
        &self.counts[..self.bounds.buckets()]
    }

    /// Where each bucket begins when they stand one after the other.
    pub(crate) fn starts(&self) -> [usize; MAX_BUCKETS] {
        let mut at = 0;
        self.counts.map(|count| {
            at += count;
            at - count
        })
    }

    /// Puts the symbols of `plane`, one for each key, into the order of their buckets.
    pub(crate) fn cut(&self, plane: &[u8], keys: &[u8], cut: &mut [u8]) {
        let mut next = self.starts();
        for (&symbol, &key) in plane.iter().zip(keys) {
            let next = &mut next[usize::from(self.table[usize::from(key)]) % MAX_BUCKETS];
            cut[*next] = symbol;
            *next += 1;
        }
    }

    /// Takes [`cut`](Self::cut) back. `next`: where the next symbol of each bucket is.
    pub(crate) fn join(&self, cut: &[u8], keys: &[u8], mut next: [usize; MAX_BUCKETS], plane: &mut [u8]) {
        for (symbol, &key) in plane.iter_mut().zip(keys) {
            let next = &mut next[usize::from(self.table[usize::from(key)]) % MAX_BUCKETS];
            *symbol = cut[*next];
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_planes_are_joined_again() {
        for bounds in [&[1][..], &[100, 101, 200], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]] {
            for len in [0, 1, 5, 300] {
                let keys: Vec<u8> = (0..len).map(|at| (at * at) as u8).collect();
                let plane: Vec<u8> = (0..len).map(|at| (at * 3) as u8).collect();
                let buckets = Buckets::new(Bounds::new(bounds).unwrap(), &keys);
                let (mut ordered, mut back) = (vec![0; len], vec![0; len]);
                buckets.cut(&plane, &keys, &mut ordered);
                buckets.join(&ordered, &keys, buckets.starts(), &mut back);
                assert_eq!(back, plane);
                let first: Vec<u8> =
                    plane.iter().zip(&keys).filter(|(_, key)| **key < bounds[0]).map(|(byte, _)| *byte).collect();
                assert_eq!(ordered[..buckets.counts()[0]], first);
            }
        }
    }
}
