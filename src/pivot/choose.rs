//! Choosing the groups of a tree from how often each symbol occurs.
//!
//! The symbols, the most frequent first, are cut into runs, one a group. A group without bits
//! spends one merge for each bit of its symbols' codes; one with `b` bits saves `b` merges, and
//! some bits of size are lost, as all its symbols have one length. What is best is a shortest path
//! over the symbols, if a group's depth costs what it takes of the code space. (A Lagrangian
//! relaxation of Kraft's inequality: a group of weight `w` pays `multiplier * 2^-depth`.) Then
//! Huffman's algorithm finds the depths for the runs, and a few changes of single runs are tried.

use crate::pivot::tree::{Groups, MAX_BITS, MAX_DEPTH, MAX_GROUPS, Shape};

/// What things cost, in bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    /// A merge of one symbol: what it may cost in size to save one.
    pub(crate) merge: f32,
    /// A group: its place in the table, and what there is to do for a node whatever its length.
    pub(crate) group: f32,
}

/// What it takes to look up a symbol in a group with so many bits, in merges. (Measured with
/// AVX-512.)
pub(crate) const UNPACK: [f32; 9] = [0.0, 0.3, 0.5, 0.5, 0.5, 0.6, 0.6, 0.9, 1.2];

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Search {
    /// The multipliers of the relaxation, as shares of the one for depths that need not be whole.
    multipliers: &'static [f32],
    /// How often single runs are changed, at most.
    rounds: usize,
}

impl Search {
    pub(crate) const WHOLE: Self = Self { multipliers: &[0.6, 1.0], rounds: 4 };
    pub(crate) const SHORT: Self = Self { multipliers: &[1.0], rounds: 1 };
}

/// Chooses the groups for symbols that occur so often. At least one count is not 0. The bits of the
/// codes, without table and padding, come back.
pub(crate) fn choose(counts: &[u32; 256], prices: Prices, search: Search, groups: &mut Groups) -> u64 {
    let symbols = Sorted::new(counts);
    let mut best = Runs::default();
    let mut prices = prices;
    loop {
        let mut improved = Runs::default();
        for &share in search.multipliers {
            let path = symbols.shortest_path(share, prices);
            // Few symbols often have one path for all multipliers.
            if path.len > 0 && path.as_slice() == improved.as_slice() {
                continue;
            }
            improved = path;
            let runs = symbols.improved(path, prices, search.rounds);
            if runs.price < best.price {
                best = runs;
            }
        }
        if best.price < f32::INFINITY {
            break;
        }
        // More groups than there may be.
        prices.group = 2.0 * prices.group + 8.0;
    }
    symbols.group(&best, groups)
}

/// Used symbols, the most frequent first.
struct Sorted {
    symbols: [u8; 256],
    /// How often the symbols before each place occur.
    sums: [u32; 257],
    len: usize,
}

/// How the symbols are cut: the bits of each run. The last may have fewer symbols than its bits
/// allow.
#[derive(Debug, Clone, Copy)]
struct Runs {
    bits: [u8; MAX_GROUPS],
    len: usize,
    price: f32,
}

impl Default for Runs {
    fn default() -> Self {
        Self { bits: [0; MAX_GROUPS], len: 0, price: f32::INFINITY }
    }
}

impl Runs {
    fn as_slice(&self) -> &[u8] {
        &self.bits[..self.len]
    }

    /// With the runs from `at` on, `old` of them, replaced. `None`: too many runs.
    fn with(&self, at: usize, old: usize, new: &[u8]) -> Option<Self> {
        let mut changed = *self;
        changed.len = self.len - old + new.len();
        changed.bits.get_mut(at..at + new.len())?.copy_from_slice(new);
        changed.bits.get_mut(at + new.len()..changed.len)?.copy_from_slice(&self.bits[at + old..self.len]);
        Some(changed)
    }
}

impl Sorted {
    fn new(counts: &[u32; 256]) -> Self {
        let mut keys = [0; 256];
        let mut len = 0;
        for (symbol, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            keys[len] = u64::from(u32::MAX - count) << 8 | symbol as u64;
            len += 1;
        }
        keys[..len].sort_unstable();
        let (mut symbols, mut sums) = ([0; 256], [0; 257]);
        for (place, key) in keys[..len].iter().enumerate() {
            symbols[place] = *key as u8;
            sums[place + 1] = sums[place] + counts[usize::from(symbols[place])];
        }
        Self { symbols, sums, len }
    }

    /// How often the symbols of a range of places occur.
    fn weight(&self, begin: usize, end: usize) -> u32 {
        self.sums[end] - self.sums[begin]
    }

    /// The cheapest runs under the relaxation, not priced yet.
    fn shortest_path(&self, share: f32, prices: Prices) -> Runs {
        let len = self.len;
        let total = self.sums[len] as f32;
        let step = Step { multiplier: share * total * (1.0 + prices.merge) / std::f32::consts::LN_2, prices };
        let mut steps = [[0.0; 257]; MAX_BITS as usize + 1];
        for (bits, steps) in steps.iter_mut().enumerate().take_while(|(bits, _)| 1 << bits <= len) {
            let size = 1 << bits;
            let weights = self.sums[size..=len].iter().zip(&self.sums).map(|(end, begin)| end - begin);
            for (price, weight) in steps[size..=len].iter_mut().zip(weights) {
                *price = step.price(weight, bits);
            }
        }
        let (mut cheapest, mut last) = ([0.0_f32; 257], [0_u16; 257]);
        for end in 1..=len {
            cheapest[end] = f32::INFINITY;
            for (bits, steps) in steps.iter().enumerate().take_while(|(bits, _)| 1 << bits <= end) {
                let price = cheapest[end - (1 << bits)] + steps[end];
                if price < cheapest[end] {
                    (cheapest[end], last[end]) = (price, 1 << bits);
                }
            }
        }
        for bits in 2..=usize::from(MAX_BITS) {
            for size in (1 << (bits - 1)) + 1..(1 << bits).min(len + 1) {
                let price = cheapest[len - size] + step.price(self.weight(len - size, len), bits);
                if price < cheapest[len] {
                    (cheapest[len], last[len]) = (price, size as u16);
                }
            }
        }
        let mut runs = Runs::default();
        let mut end = len;
        while end > 0 {
            let size = last[end];
            if runs.len == MAX_GROUPS {
                return Runs::default();
            }
            runs.bits[runs.len] = size.next_power_of_two().ilog2() as u8;
            runs.len += 1;
            end -= usize::from(size);
        }
        runs.bits[..runs.len].reverse();
        runs
    }

    /// Runs with single ones joined, split, or exchanged with their neighbours, as long as that
    /// makes them cheaper.
    fn improved(&self, mut runs: Runs, prices: Prices, rounds: usize) -> Runs {
        runs.price = self.price(&runs, prices);
        for _ in 0..rounds {
            let mut best = runs;
            for at in 0..runs.len {
                let bits = runs.bits[at];
                let split = (bits > 0).then(|| runs.with(at, 1, &[bits - 1, bits - 1])).flatten();
                let pair = match runs.as_slice()[at..] {
                    [a, b, ..] if a == b && a < MAX_BITS => runs.with(at, 2, &[a + 1]),
                    [a, b, ..] if a != b => runs.with(at, 2, &[b, a]),
                    _ => None,
                };
                for mut changed in split.into_iter().chain(pair) {
                    changed.price = self.price(&changed, prices);
                    if changed.price < 0.99999 * best.price {
                        best = changed;
                    }
                }
            }
            if best.price >= runs.price {
                break;
            }
            runs = best;
        }
        runs
    }

    /// What the runs cost with the best depths. Infinite: they are not all symbols.
    fn price(&self, runs: &Runs, prices: Prices) -> f32 {
        let mut weights = [0; MAX_GROUPS];
        let (mut begin, mut price) = (0, prices.group * runs.len as f32);
        for (weight, &bits) in weights.iter_mut().zip(runs.as_slice()) {
            let end = (begin + (1 << bits)).min(self.len);
            if begin == self.len {
                return f32::INFINITY;
            }
            *weight = self.weight(begin, end);
            price += *weight as f32 * (f32::from(bits) + prices.merge * UNPACK[usize::from(bits)]);
            begin = end;
        }
        if begin < self.len || runs.len == 0 {
            return f32::INFINITY;
        }
        let weights = &mut weights[..runs.len];
        weights.sort_unstable();
        price + (1.0 + prices.merge) * huffman(weights, &mut [0; NODES]) as f32
    }

    /// Fills `groups` with the runs, at their depths; the bits of all codes come back.
    fn group(&self, runs: &Runs, groups: &mut Groups) -> u64 {
        let mut symbols = self.symbols;
        let mut leaves = [Leaf::default(); MAX_GROUPS];
        let leaves = &mut leaves[..runs.len];
        let mut begin = 0;
        for (leaf, &bits) in leaves.iter_mut().zip(runs.as_slice()) {
            let end = (begin + (1 << bits)).min(self.len);
            symbols[begin..end].sort_unstable();
            let bits = (end - begin).next_power_of_two().ilog2() as u8;
            *leaf = Leaf { weight: self.weight(begin, end), begin, end, pair: None, shape: Shape(bits) };
            begin = end;
        }
        set_depths(leaves, self.sums[self.len]);
        let count = join_singles(leaves, &symbols);
        let leaves = &mut leaves[..count];
        leaves.sort_unstable_by_key(|leaf| (leaf.shape, leaf.symbols(&symbols)[0]));
        groups.clear();
        let mut bits = 0;
        for leaf in leaves.iter() {
            groups.push(leaf.shape, leaf.symbols(&symbols).iter().copied());
            bits += u64::from(leaf.weight) * u64::from(leaf.shape.depth() + leaf.shape.bits());
        }
        bits
    }
}

/// What a run costs under the relaxation.
struct Step {
    multiplier: f32,
    prices: Prices,
}

impl Step {
    #[inline(always)]
    fn price(&self, weight: u32, bits: usize) -> f32 {
        let weight = weight as f32;
        let level = weight * (1.0 + self.prices.merge);
        // The best depth without rounding is the logarithm of this; one of its neighbours is the
        // best whole one.
        let size = self.multiplier * std::f32::consts::LN_2 / level;
        let depth = ((size.to_bits() >> 23).cast_signed() - 127).clamp(0, i32::from(MAX_DEPTH) - 1);
        let share = self.multiplier * f32::from_bits(((127 - depth) as u32) << 23);
        let depth = depth as f32;
        let price = (level * depth + share).min(level * (depth + 1.0) + 0.5 * share);
        price + weight * (bits as f32 + self.prices.merge * UNPACK[bits]) + self.prices.group
    }
}

/// A run on its way to a group.
#[derive(Debug, Clone, Copy, Default)]
struct Leaf {
    weight: u32,
    begin: usize,
    end: usize,
    /// Its symbols, if it was joined of two runs.
    pair: Option<[u8; 2]>,
    shape: Shape,
}

impl Leaf {
    fn symbols<'a>(&'a self, symbols: &'a [u8; 256]) -> &'a [u8] {
        self.pair.as_ref().map_or(&symbols[self.begin..self.end], |pair| &pair[..])
    }
}

/// Joins runs of one symbol where two have one depth; how many runs are left comes back.
fn join_singles(leaves: &mut [Leaf], symbols: &[u8; 256]) -> usize {
    let mut alone = [None; MAX_DEPTH as usize + 1];
    let mut count = 0;
    for index in 0..leaves.len() {
        let leaf = leaves[index];
        let waiting: &mut Option<usize> = &mut alone[usize::from(leaf.shape.depth())];
        if let (0, Some(other)) = (leaf.shape.bits(), *waiting) {
            let first = &mut leaves[other];
            let (a, b) = (symbols[first.begin], symbols[leaf.begin]);
            first.pair = Some([a.min(b), a.max(b)]);
            first.shape = Shape::new(leaf.shape.depth() - 1, 1);
            first.weight += leaf.weight;
            *waiting = None;
            continue;
        }
        if leaf.shape.bits() == 0 {
            *waiting = Some(count);
        }
        leaves[count] = leaf;
        count += 1;
    }
    count
}

/// Nodes of a tree over the most groups.
const NODES: usize = 2 * MAX_GROUPS;

/// Gives each leaf the depth that Huffman's algorithm finds.
fn set_depths(leaves: &mut [Leaf], total: u32) {
    // Rare groups are taken for a 512th: then no depth is above 15, as a node is at least as heavy
    // as those two levels below it together with their sibling: depths grow like the logarithm of
    // the weights to the golden ratio.
    let floor = (total >> 9).max(1);
    let mut order = [(0, 0); MAX_GROUPS];
    for (index, (entry, leaf)) in order.iter_mut().zip(&*leaves).enumerate() {
        *entry = (leaf.weight.max(floor), index);
    }
    let order = &mut order[..leaves.len()];
    order.sort_unstable();
    let mut weights = [0; MAX_GROUPS];
    for (weight, entry) in weights.iter_mut().zip(&*order) {
        *weight = entry.0;
    }
    let mut parents = [0; NODES];
    huffman(&weights[..leaves.len()], &mut parents);
    let mut depths = [0_u8; NODES];
    for node in (0..2 * leaves.len() - 2).rev() {
        depths[node] = depths[usize::from(parents[node])] + 1;
        if let Some((_, leaf)) = order.get(node) {
            leaves[*leaf].shape = Shape::new(depths[node], leaves[*leaf].shape.bits());
        }
    }
}

/// Huffman's algorithm over rising `weights`. Each node's parent is set, first those of the leaves,
/// the root is the last node; the sum of the weights of all inner nodes comes back.
fn huffman(weights: &[u32], parents: &mut [u8; NODES]) -> u64 {
    let leaves = weights.len();
    let mut inner = [0; MAX_GROUPS];
    let (mut next_leaf, mut next_inner, mut sum) = (0, 0, 0);
    for made in 0..leaves.saturating_sub(1) {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = next_leaf < leaves && (next_inner >= made || weights[next_leaf] <= inner[next_inner]);
            let node = if is_leaf {
                weight += weights[next_leaf];
                next_leaf += 1;
                next_leaf - 1
            } else {
                weight += inner[next_inner];
                next_inner += 1;
                leaves + next_inner - 1
            };
            parents[node] = (leaves + made) as u8;
        }
        inner[made] = weight;
        sum += u64::from(weight);
    }
    sum
}
