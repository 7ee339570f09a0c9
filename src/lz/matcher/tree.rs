//! A binary tree for each hash of four bytes: the positions with it, sorted by the bytes that
//! follow them, the newest at the root. Each search begins at the root, and makes its position the
//! new one.

use crate::{
    lz::matcher::{END, cleared, common_len_up_to, hash, load32, load64},
    simd::prefetch_line,
};

/// So many positions before its turn the root of a position is asked for, then what it names.
const AHEAD: usize = 16;
const NEAR_AHEAD: usize = 8;

/// A match of three bytes from further back costs more than its literals.
const NEAR: usize = 1 << 14;
const SHORT_BITS: u32 = 15;

/// A position has no more matches than these: the longest ones.
pub(super) const MOST: usize = 16;

/// Bytes at an earlier place that equal those at the position at hand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Match {
    pub(super) length: u32,
    pub(super) offset: u32,
}

/// What the trees of a thread are kept in, from block to block.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// The newest position with each hash, the root of a tree.
    roots: Vec<u32>,
    /// The newest position of each hash of three bytes.
    short: Vec<u32>,
    /// Of each position the position behind whose bytes are smaller, then that of the larger ones.
    sons: Vec<[u32; 2]>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Positions that are compared.
    pub(super) depth: usize,
    /// A match of so many bytes ends the search.
    pub(super) nice: usize,
    /// Bytes of the shortest match: 3 or 4.
    pub(super) min_match: usize,
}

impl Trees {
    /// Empty trees for `raw`, which has [`END`] bytes or more.
    pub(super) fn begin<'a>(&'a mut self, raw: &'a [u8], reach: Reach) -> Finder<'a> {
        let log = raw.len().ilog2() + 1;
        if self.sons.len() < raw.len() {
            // What an earlier block left here is never read: each position is written first.
            self.sons = vec![[0; 2]; raw.len()];
        }
        let root_bits = (log - 3).clamp(8, 20);
        Finder {
            raw,
            reach,
            root_bits,
            roots: cleared(&mut self.roots, 1 << root_bits, 0),
            short: cleared(&mut self.short, if reach.min_match == 3 { 1 << SHORT_BITS } else { 0 }, 0),
            sons: &mut self.sons,
            #[cfg(test)]
            compared: 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Finder<'a> {
    raw: &'a [u8],
    reach: Reach,
    root_bits: u32,
    roots: &'a mut [u32],
    short: &'a mut [u32],
    sons: &'a mut [[u32; 2]],
    /// Words of eight bytes that were compared, or begun to be.
    #[cfg(test)]
    pub(super) compared: usize,
}

impl Finder<'_> {
    /// Appends the matches of `at`, each longer than the one before it, none of them longer than
    /// `most` bytes, and puts `at` into the trees. Positions must come in rising order.
    ///
    /// Lengths are counted up to `nice` bytes, but the last one to its end.
    #[inline(always)]
    pub(super) fn find(&mut self, at: usize, most: usize, found: &mut Vec<Match>) {
        let (raw, begin) = (self.raw, found.len());
        if at == 0 || at + END > raw.len() || most < self.reach.min_match {
            return;
        }
        let mut push = |length: usize, offset: usize| {
            let found_one = Match { length: length as u32, offset: offset as u32 };
            match found.get_mut(begin + MOST - 1) {
                Some(last) => *last = found_one,
                None => found.push(found_one),
            }
        };
        if let Some(candidate) = self.short_match(at) {
            push(3, at - candidate);
        }
        let mut longest = 3;
        self.search(at, |candidate, length| {
            if length > longest && longest < most {
                longest = length;
                push(length.min(most), at - candidate);
            }
        });
        if longest >= self.reach.nice
            && let Some(last) = found.last_mut()
            && longest < most
        {
            last.length = common_len_up_to(raw, at - last.offset as usize, at, most) as u32;
        }
    }

    /// Puts `at` into the trees.
    #[inline(always)]
    pub(super) fn learn(&mut self, at: usize) {
        if at > 0 && at + END <= self.raw.len() {
            self.search(at, |_, _| ());
        }
    }

    /// The newest position with the same three bytes, if it is near.
    #[inline(always)]
    fn short_match(&mut self, at: usize) -> Option<usize> {
        let word = load64(self.raw, at);
        let slot = hash::<3>(word, SHORT_BITS) & self.short.len().saturating_sub(1);
        let candidate = std::mem::replace(self.short.get_mut(slot)?, at as u32) as usize;
        let is_near = candidate > 0 && at - candidate < NEAR;
        (is_near && (load32(self.raw, candidate) ^ word as u32) << 8 == 0).then_some(candidate)
    }

    /// Goes down the tree of `at`, tells every position there and how many bytes match, and makes
    /// `at` the root: what is smaller hangs below it on one side, what is larger on the other.
    #[inline(always)]
    fn search(&mut self, at: usize, mut tell: impl FnMut(usize, usize)) {
        let raw = self.raw;
        self.ask_ahead(at);
        let root = hash::<4>(load64(raw, at), self.root_bits) & (self.roots.len() - 1);
        let mut candidate = std::mem::replace(&mut self.roots[root], at as u32) as usize;
        // Where the next smaller and the next larger position go.
        let (mut smaller, mut larger) = ((at, 0), (at, 1));
        let (mut common_smaller, mut common_larger) = (0, 0);
        let most = self.reach.nice.min(raw.len() - at);
        for _ in 0..self.reach.depth {
            if candidate == 0 {
                break;
            }
            // Memory is what a search waits for: what may come next is asked for early.
            let sons = self.sons[candidate];
            for son in sons {
                if let (Some(sons), Some(bytes)) = (self.sons.get(son as usize), raw.get(son as usize)) {
                    prefetch_line(sons);
                    prefetch_line(bytes);
                }
            }
            let sure = common_smaller.min(common_larger);
            let length = sure + common_len_up_to(raw, candidate + sure, at + sure, most - sure);
            #[cfg(test)]
            {
                self.compared += 1 + (length - sure) / 8;
            }
            tell(candidate, length);
            if length >= most {
                // Both are alike as far as anybody looks: `at` takes the place of the candidate.
                self.sons[smaller.0][smaller.1] = sons[0];
                self.sons[larger.0][larger.1] = sons[1];
                return;
            }
            if raw[candidate + length] < raw[at + length] {
                self.sons[smaller.0][smaller.1] = candidate as u32;
                smaller = (candidate, 1);
                common_smaller = length;
                candidate = sons[1] as usize;
            } else {
                self.sons[larger.0][larger.1] = candidate as u32;
                larger = (candidate, 0);
                common_larger = length;
                candidate = sons[0] as usize;
            }
        }
        self.sons[smaller.0][smaller.1] = 0;
        self.sons[larger.0][larger.1] = 0;
    }

    /// Asks for memory that later positions need: most of it is in no cache.
    #[inline(always)]
    fn ask_ahead(&self, at: usize) {
        let mask = self.roots.len() - 1;
        let root = |at| hash::<4>(load64(self.raw, at), self.root_bits) & mask;
        prefetch_line(&self.roots[root(at + AHEAD)]);
        let soon = self.roots[root(at + NEAR_AHEAD)] as usize;
        if let (Some(sons), Some(bytes)) = (self.sons.get(soon), self.raw.get(soon)) {
            prefetch_line(sons);
            prefetch_line(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few letters, so that there are matches of all lengths.
    fn letters(len: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut letter = || {
            state = state.wrapping_mul(0x9E37_79B1).wrapping_add(77);
            b'a' + (state >> 30) as u8 % 3
        };
        (0..len).map(|_| letter()).collect()
    }

    fn common(raw: &[u8], earlier: usize, at: usize) -> usize {
        raw[earlier..].iter().zip(&raw[at..]).take_while(|(there, here)| there == here).count()
    }

    #[test]
    fn the_longest_match_is_found_and_all_are_there() {
        let mut raw = letters(900);
        raw.extend_from_within(100..400);
        raw.extend_from_slice(&[7; 60]);
        let mut trees = Trees::default();
        for min_match in [3, 4] {
            let mut finder = trees.begin(&raw, Reach { depth: 10_000, nice: 200, min_match });
            for at in 0..raw.len() {
                let (mut found, most) = (Vec::new(), raw.len().min(at + 250) - at);
                finder.find(at, most, &mut found);
                for &Match { length, offset } in &found {
                    let (length, offset) = (length as usize, offset as usize);
                    assert!((min_match..=most).contains(&length) && offset <= at, "{length} bytes at {at}");
                    assert!(common(&raw, at - offset, at) >= length, "{length} bytes at {at}, {offset} back");
                }
                assert!(found.is_sorted_by(|a, b| a.length < b.length), "position {at}");
                if at > 0 && at + END <= raw.len() {
                    // Position 0 stands for none.
                    let longest = (1..at).map(|earlier| common(&raw, earlier, at)).max().unwrap_or(0).min(most);
                    let found = found.last().map_or(0, |found| found.length as usize);
                    assert!(found == longest || longest < 4 || found >= 200, "{found} of {longest} at {at}");
                }
            }
        }
    }

    #[test]
    fn trees_of_a_block_know_nothing_of_the_one_before() {
        let (raw, other) = (letters(5000), letters(7000).into_iter().rev().collect::<Vec<u8>>());
        let all = |trees: &mut Trees| {
            let mut finder = trees.begin(&raw, Reach { depth: 16, nice: 64, min_match: 3 });
            let mut found = Vec::new();
            (0..raw.len()).for_each(|at| finder.find(at, raw.len() - at, &mut found));
            found.iter().map(|found| (found.length, found.offset)).collect::<Vec<_>>()
        };
        let mut trees = Trees::default();
        let expected = all(&mut trees);
        let mut finder = trees.begin(&other, Reach { depth: 16, nice: 64, min_match: 3 });
        (0..other.len()).for_each(|at| finder.find(at, other.len() - at, &mut Vec::new()));
        assert!(all(&mut trees) == expected);
    }
}
