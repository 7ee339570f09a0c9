//! Runs of symbols, their price with the best depths, and changes of single runs that make them
//! cheaper.

use crate::pivot::{
    choose::{Prices, Sorted, UNPACK},
    tree::{MAX_BITS, MAX_GROUPS},
};

/// How the symbols are cut: the bits of each run. The last may have fewer symbols than its bits
/// allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runs {
    pub(super) bits: [u8; MAX_GROUPS],
    pub(super) len: usize,
    pub(super) price: f32,
}

impl Default for Runs {
    fn default() -> Self {
        Self { bits: [0; MAX_GROUPS], len: 0, price: f32::INFINITY }
    }
}

impl Runs {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bits[..self.len]
    }

    /// What may be changed at a run: it is split, and it is joined or exchanged with the next one.
    fn changes(&self, at: usize) -> [Option<Change>; 2] {
        let split = match self.bits[at] {
            0 => None,
            bits => (self.len < MAX_GROUPS).then_some(Change { at, old: 1, new: 2, bits: [bits - 1; 2] }),
        };
        let pair = match self.as_slice()[at..] {
            [a, b, ..] if a != b => Some(Change { at, old: 2, new: 2, bits: [b, a] }),
            [a, _, ..] if a < MAX_BITS => Some(Change { at, old: 2, new: 1, bits: [a + 1; 2] }),
            _ => None,
        };
        [split, pair]
    }

    fn changed(&self, Change { at, old, new, bits }: Change) -> Self {
        let mut changed = *self;
        changed.len = self.len - old + new;
        changed.bits[at..at + new].copy_from_slice(&bits[..new]);
        changed.bits[at + new..changed.len].copy_from_slice(&self.bits[at + old..self.len]);
        changed
    }
}

/// Runs in the place of others: of `old` ones from `at` on, the first `new` of `bits`. Their
/// symbols are the same.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: usize,
    old: usize,
    new: usize,
    bits: [u8; 2],
}

/// Runs with single ones joined, split, or exchanged with their neighbours, as long as that
/// makes them cheaper.
pub(super) fn improved(symbols: &Sorted, runs: Runs, prices: Prices, rounds: usize) -> Runs {
    if runs.len == 0 {
        return runs;
    }
    let mut priced = Priced::new(symbols, runs, prices);
    for _ in 0..rounds {
        let (mut price, mut best) = (priced.runs.price, None);
        for change in (0..priced.runs.len).flat_map(|at| priced.runs.changes(at)).flatten() {
            if let Some(changed) = priced.cheaper(change, price) {
                (price, best) = (changed, Some(change));
            }
        }
        let Some(change) = best else { break };
        priced = Priced::new(symbols, priced.runs.changed(change), prices);
    }
    priced.runs
}

/// What a symbol of a run with so many bits costs below the run.
pub(super) fn factor(bits: usize, prices: Prices) -> f32 {
    bits as f32 + prices.merge * UNPACK[bits]
}

/// Runs with what it takes to price them, and to price a change of them.
struct Priced<'a> {
    symbols: &'a Sorted,
    prices: Prices,
    runs: Runs,
    begins: [u16; MAX_GROUPS],
    weights: [u32; MAX_GROUPS],
    /// What the symbols of each run cost below it.
    below: [f32; MAX_GROUPS],
    rising: Rising,
    /// What all inner nodes weigh.
    inner: u64,
}

impl<'a> Priced<'a> {
    /// The runs are all symbols.
    fn new(symbols: &'a Sorted, mut runs: Runs, prices: Prices) -> Self {
        let (mut begins, mut weights, mut below) = ([0; MAX_GROUPS], [0; MAX_GROUPS], [0.0; MAX_GROUPS]);
        let mut begin = 0;
        for (at, &bits) in runs.as_slice().iter().enumerate() {
            let end = (begin + (1 << bits)).min(symbols.len);
            (begins[at], weights[at]) = (begin as u16, symbols.weight(begin, end));
            below[at] = weights[at] as f32 * factor(bits.into(), prices);
            begin = end;
        }
        let rising = Rising::new(&weights[..runs.len]);
        let bits = below[..runs.len].iter().fold(prices.group * runs.len as f32, |sum, below| sum + below);
        let inner = rising.huffman();
        runs.price = bits + (1.0 + prices.merge) * inner as f32;
        Self { symbols, prices, runs, begins, weights, below, rising, inner }
    }

    /// What the changed runs cost with the best depths. `None`: not less than `most`, or a run
    /// would have no symbols.
    fn cheaper(&self, Change { at, old, new, bits }: Change, most: f32) -> Option<f32> {
        let len = self.runs.len;
        let mut price = self.prices.group * (len - old + new) as f32;
        for below in &self.below[..at] {
            price += below;
        }
        let mut begin = usize::from(self.begins[at]);
        let mut added = [NONE; 2];
        for (weight, bits) in added.iter_mut().zip(&bits[..new]) {
            let end = (begin + (1 << bits)).min(self.symbols.len);
            if begin == end {
                return None;
            }
            *weight = self.symbols.weight(begin, end);
            price += *weight as f32 * factor((*bits).into(), self.prices);
            begin = end;
        }
        for below in &self.below[at + old..len] {
            price += below;
        }
        let level = 1.0 + self.prices.merge;
        // Without the lighter one of two new leaves, and with the other one in the old leaf's
        // place, a tree is one of the old runs. It has lost the lighter leaf's weight at least.
        let least = self.inner + u64::from(added[0].min(added[1]));
        if old < new && price + level * least as f32 >= most {
            return None;
        }
        let removed = [self.weights[at], if old == 2 { self.weights[at + 1] } else { NONE }];
        let price = price + level * self.rising.exchanged(removed, added) as f32;
        (price < 0.99999 * most).then_some(price)
    }
}

/// More than all weights together: there is none.
const NONE: u32 = u32::MAX / 2;

/// Rising weights, and two or more [`NONE`] behind them.
struct Rising {
    weights: [u32; MAX_GROUPS + 2],
    len: usize,
}

impl Rising {
    fn new(weights: &[u32]) -> Self {
        let mut rising = [NONE; MAX_GROUPS + 2];
        rising[..weights.len()].copy_from_slice(weights);
        rising[..weights.len()].sort_unstable();
        Self { weights: rising, len: weights.len() }
    }

    /// [`huffman`](Self::huffman) with other weights: one or two that are there are removed, one or
    /// two are added.
    #[inline]
    fn exchanged(&self, mut removed: [u32; 2], mut added: [u32; 2]) -> u64 {
        removed.sort_unstable();
        added.sort_unstable();
        let mut changed = Self { weights: [NONE; MAX_GROUPS + 2], len: self.len };
        let weights = &mut changed.weights;
        let less = |pair: [u32; 2], weight| usize::from(pair[0] < weight) + usize::from(pair[1] < weight);
        let mut places = [0, 1];
        for (index, &weight) in self.weights[..self.len].iter().enumerate() {
            // The next one takes the place of one that is removed.
            weights[index + less(added, weight) - less(removed, weight)] = weight;
            for (place, added) in places.iter_mut().zip(added) {
                *place += usize::from(weight <= added);
            }
        }
        changed.len = self.len + less(added, NONE) - less(removed, NONE);
        for (place, added) in places.into_iter().zip(added) {
            weights[place - removed.iter().filter(|&&removed| removed <= added && removed < NONE).count()] = added;
        }
        weights[changed.len..].fill(NONE);
        changed.huffman()
    }

    /// The sum of the weights of all inner nodes, by Huffman's algorithm.
    fn huffman(&self) -> u64 {
        let mut inner = [NONE; MAX_GROUPS + 2];
        let (mut leaf, mut node, mut sum) = (0, 0, 0);
        for made in 0..self.len.saturating_sub(1) {
            // The two smallest of two rising rows: no branch depends on them.
            let ([a, b], [c, d]) = ([self.weights[leaf], self.weights[leaf + 1]], [inner[node], inner[node + 1]]);
            let leaves = 1 + usize::from(b <= c) - usize::from(d < a);
            leaf += leaves;
            node += 2 - leaves;
            inner[made] = (a + b).min(a + c).min(c + d);
            sum += u64::from(inner[made]);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;
    use crate::pivot::tests::Random;

    /// Huffman's algorithm as books have it.
    fn sum_of_inner_nodes(weights: &[u32]) -> u64 {
        let mut heap: BinaryHeap<_> = weights.iter().map(|&weight| Reverse(u64::from(weight))).collect();
        let mut sum = 0;
        while let (Some(Reverse(first)), Some(Reverse(second))) = (heap.pop(), heap.pop()) {
            sum += first + second;
            heap.push(Reverse(first + second));
        }
        sum
    }

    #[test]
    fn inner_nodes_weigh_what_they_do_by_a_heap() {
        let mut random = Random(31);
        for round in 0..2000 {
            let most = [3, 50, 1 << 22][round % 3];
            let weights: Vec<u32> = (0..=random.below(MAX_GROUPS - 1)).map(|_| 1 + random.below(most) as u32).collect();
            let rising = Rising::new(&weights);
            assert_eq!(rising.huffman(), sum_of_inner_nodes(&weights), "{weights:?}");
            let [a, b] = [0, 1].map(|_| 1 + random.below(most) as u32);
            let mut pairs = vec![([weights[0], NONE], vec![a, b])];
            if let [first, second, ..] = weights[..] {
                pairs.extend([([first, second], vec![a, b]), ([first, second], vec![a])]);
            }
            for (removed, added) in pairs.into_iter().filter(|(_, added)| weights.len() < MAX_GROUPS || added.len() < 2)
            {
                let mut changed = weights[removed.iter().filter(|&&weight| weight < NONE).count()..].to_vec();
                changed.extend(&added);
                let added = [added[0], added.get(1).copied().unwrap_or(NONE)];
                let found = rising.exchanged(removed, added);
                assert_eq!(found, sum_of_inner_nodes(&changed), "{weights:?} without {removed:?} with {added:?}");
            }
        }
    }

    #[test]
    fn a_change_costs_what_the_changed_runs_do() {
        let mut random = Random(32);
        for round in 0..300 {
            let mut counts = [0; 256];
            for _ in 0..=random.below(5000) {
                counts[random.below(256).min(random.below(256))] += 1;
            }
            let symbols = Sorted::new(&counts);
            let prices = Prices { merge: 0.1, group: 20.0 };
            let mut runs = Runs::default();
            let mut left = symbols.len;
            while left > 0 {
                let size = (1 << random.below(6)).max(symbols.len / 32).next_power_of_two().min(128);
                runs.bits[runs.len] = size.min(left).next_power_of_two().ilog2() as u8;
                left -= size.min(left).min(1 << runs.bits[runs.len]);
                runs.len += 1;
            }
            let priced = Priced::new(&symbols, runs, prices);
            for change in (0..runs.len).flat_map(|at| runs.changes(at)).flatten() {
                let changed = priced.runs.changed(change);
                let places: usize = changed.as_slice()[..changed.len - 1].iter().map(|bits| 1 << bits).sum();
                // A run without symbols.
                let expected = (places < symbols.len).then(|| Priced::new(&symbols, changed, prices).runs.price);
                assert_eq!(priced.cheaper(change, f32::INFINITY), expected, "round {round}, {change:?}");
                let limit = priced.runs.price;
                let expected = expected.filter(|price| *price < 0.99999 * limit);
                assert_eq!(priced.cheaper(change, limit), expected, "round {round}, {change:?}");
            }
        }
    }
}
