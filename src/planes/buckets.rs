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
        let mut counts = [0; MAX_BUCKETS];
        counts[0] = keys.len();
        for (bucket, &first) in bounds.first_keys().iter().enumerate().skip(1) {
            let from_here_on = count_from(first, keys);
            counts[bucket - 1] -= from_here_on;
            counts[bucket] = from_here_on;
        }
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

/// Keys that are counted in a byte, which does not overflow.
const COUNTED: usize = 128;

/// How many of the keys are `first` or above: a compiler makes vectors of it.
fn count_from(first: u8, keys: &[u8]) -> usize {
    let (chunks, rest) = keys.as_chunks::<COUNTED>();
    let in_chunk = |chunk: &[u8; COUNTED]| chunk.iter().map(|&key| u8::from(key >= first)).sum::<u8>();
    let in_chunks: usize = chunks.iter().map(|chunk| usize::from(in_chunk(chunk))).sum();
    in_chunks + rest.iter().filter(|&&key| key >= first).count()
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
                for (bucket, &count) in buckets.counts().iter().enumerate() {
                    let is_here = |key: &&u8| bounds.iter().filter(|first| *first <= *key).count() == bucket;
                    assert_eq!(keys.iter().filter(is_here).count(), count, "{len} keys, bucket {bucket}");
                }
            }
        }
    }
}
