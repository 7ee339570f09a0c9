//! A plane cut by the keys of its elements: symbols whose keys are in one range become a section of
//! their own, with a table of its own.

use crate::format::planes::MAX_BUCKETS;

/// How many elements have a key of each bucket; `table` has the bucket of each key.
pub(crate) fn count(keys: &[u8], table: &[u8; 256]) -> [usize; MAX_BUCKETS] {
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
    std::array::from_fn(|bucket| counts.iter().map(|counts| counts[bucket]).sum())
}

/// Where each bucket begins when they stand one after the other.
fn starts(counts: &[usize; MAX_BUCKETS]) -> [usize; MAX_BUCKETS] {
    let mut at = 0;
    counts.map(|count| {
        at += count;
        at - count
    })
}

/// Puts the symbols of `plane` into the order of their buckets. `counts` are those of `keys`.
pub(crate) fn cut(plane: &[u8], keys: &[u8], table: &[u8; 256], counts: &[usize; MAX_BUCKETS], cut: &mut [u8]) {
    let mut next = starts(counts);
    for (&symbol, &key) in plane.iter().zip(keys) {
        let next = &mut next[usize::from(table[usize::from(key)]) % MAX_BUCKETS];
        cut[*next] = symbol;
        *next += 1;
    }
}

/// Takes [`cut`] back.
pub(crate) fn join(cut: &[u8], keys: &[u8], table: &[u8; 256], counts: &[usize; MAX_BUCKETS], plane: &mut [u8]) {
    let mut next = starts(counts);
    for (symbol, &key) in plane.iter_mut().zip(keys) {
        let next = &mut next[usize::from(table[usize::from(key)]) % MAX_BUCKETS];
        *symbol = cut[*next];
        *next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::planes::Bounds;

    #[test]
    fn cut_planes_are_joined_again() {
        for bounds in [&[1][..], &[100, 101, 200], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]] {
            let table = Bounds::new(bounds).unwrap().table();
            for len in [0, 1, 5, 300] {
                let keys: Vec<u8> = (0..len).map(|at| (at * at) as u8).collect();
                let plane: Vec<u8> = (0..len).map(|at| (at * 3) as u8).collect();
                let counts = count(&keys, &table);
                let (mut ordered, mut back) = (vec![0; len], vec![0; len]);
                cut(&plane, &keys, &table, &counts, &mut ordered);
                join(&ordered, &keys, &table, &counts, &mut back);
                assert_eq!(back, plane);
                let first: Vec<u8> =
                    plane.iter().zip(&keys).filter(|(_, key)| **key < bounds[0]).map(|(byte, _)| *byte).collect();
                assert_eq!(ordered[..counts[0]], first);
            }
        }
    }
}
