//! Choosing the groups of a tree from how often each symbol occurs.
//!
//! The symbols, the most frequent first, are cut into runs, one a group. A group without bits
//! spends one merge for each bit of its symbols' codes; one with `b` bits saves `b` merges, and
//! some bits of size are lost, as all its symbols have one length. What is best is a shortest path
//! over the symbols, if a group's depth costs what it takes of the code space. (A Lagrangian
//! relaxation of Kraft's inequality: a group of weight `w` pays `multiplier * 2^-depth`.) Then
//! Huffman's algorithm finds the depths for the runs, and a few changes of single runs are tried.

use crate::pivot::{
    runs::{self, Runs, factor},
    tree::{Groups, MAX_BITS, MAX_DEPTH, MAX_GROUPS, Shape},
};

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
            let runs = runs::improved(&symbols, path, prices, search.rounds);
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
pub(super) struct Sorted {
    symbols: [u8; 256],
    /// The same in rising order.
    used: [u8; 256],
    /// How often the symbols before each place occur, from [`BEFORE`] on. Zeros stand in front of
    /// that. What is behind the last place means nothing.
    sums: [u32; BEFORE + PLACES],
    pub(super) len: usize,
}

/// Runs that are priced at a time.
const ABREAST: usize = 16;

/// The places where a run may end, and those that are priced with them.
const PLACES: usize = 256 + ABREAST;

/// Runs with fewer bits are shorter than [`ABREAST`].
const FEW_BITS: usize = ABREAST.ilog2() as usize;

/// A table reaches so far in front of the first place: by the longest run.
const BEFORE: usize = 256;

impl Sorted {
    pub(super) fn new(counts: &[u32; 256]) -> Self {
        let (mut used, mut len) = ([0; 256], 0);
        // In short sections most counts are 0, and many of them stand together.
        for (eight, counts) in counts.as_chunks::<8>().0.iter().enumerate() {
            if counts.iter().fold(0, |any, count| any | count) > 0 {
                for (place, &count) in counts.iter().enumerate() {
                    used[len % 256] = (8 * eight + place) as u8;
                    len += usize::from(count > 0);
                }
            }
        }
        let symbols = by_counts(&used[..len], counts);
        let (mut sums, mut sum) = ([0; BEFORE + PLACES], 0);
        for (after, &symbol) in sums[BEFORE + 1..].iter_mut().zip(&symbols[..len]) {
            sum += counts[usize::from(symbol)];
            *after = sum;
        }
        Self { symbols, used, sums, len }
    }

    /// How often the symbols of a range of places occur.
    pub(super) fn weight(&self, begin: usize, end: usize) -> u32 {
        self.sums[BEFORE + end] - self.sums[BEFORE + begin]
    }

    fn total(&self) -> u32 {
        self.weight(0, self.len)
    }

    /// The cheapest runs under the relaxation, not priced yet.
    fn shortest_path(&self, share: f32, prices: Prices) -> Runs {
        let len = self.len;
        let relaxation = Relaxation::new(share, self.total(), prices);
        let (rows, mut steps) = (1 + len.ilog2() as usize, [[f32::INFINITY; ABREAST]; MAX_BITS as usize + 1]);
        // No run begins before the first place.
        let mut cheapest = [f32::INFINITY; BEFORE + PLACES];
        cheapest[BEFORE] = 0.0;
        let mut last = [0_u8; PLACES];
        for first in (1..=len).step_by(ABREAST) {
            for (bits, steps) in steps[..rows].iter_mut().enumerate() {
                let begins = abreast(&self.sums, BEFORE + first - (1 << bits));
                relaxation.price(begins, abreast(&self.sums, BEFORE + first), bits, steps);
            }
            // Long runs begin before all ends of these. Of those with one price, the fewest bits
            // count.
            let (mut prices, mut chosen) = ([f32::INFINITY; ABREAST], [0_u32; ABREAST]);
            for (bits, steps) in steps[..rows].iter().enumerate().skip(FEW_BITS) {
                let before = abreast(&cheapest, BEFORE + first - (1 << bits));
                for (((price, chosen), before), step) in prices.iter_mut().zip(&mut chosen).zip(before).zip(steps) {
                    let found = before + step;
                    *chosen = if found < *price { bits as u32 } else { *chosen };
                    *price = if found < *price { found } else { *price };
                }
            }
            // The last two are at hand: what was just stored comes back late.
            let [mut second, mut one] = [cheapest[BEFORE + first - 2], cheapest[BEFORE + first - 1]];
            for place in 0..ABREAST.min(len + 1 - first) {
                let end = BEFORE + first + place;
                let (mut price, mut bits) = (prices[place], chosen[place]);
                let before = [one, second, cheapest[end - 4], cheapest[end - 8]];
                for few in (0..FEW_BITS).rev() {
                    let found = before[few] + steps[few][place];
                    bits = if found <= price { few as u32 } else { bits };
                    price = if found <= price { found } else { price };
                }
                (second, one) = (one, price);
                cheapest[end] = price;
                last[first + place] = bits as u8;
            }
        }
        let mut runs = Runs::default();
        let (mut end, mut size) = (len, self.cut_run(&relaxation, &cheapest));
        while end > 0 {
            if runs.len == MAX_GROUPS {
                return Runs::default();
            }
            let size = size.take().unwrap_or(1 << last[end]);
            runs.bits[runs.len] = size.next_power_of_two().ilog2() as u8;
            runs.len += 1;
            end -= size;
        }
        runs.bits[..runs.len].reverse();
        runs
    }

    /// The size of the last run, where one with fewer symbols than its bits allow is the cheapest.
    fn cut_run(&self, relaxation: &Relaxation, cheapest: &[f32; BEFORE + PLACES]) -> Option<usize> {
        let ends = [self.total(); ABREAST];
        let mut steps = [0.0; ABREAST];
        let mut best = u64::from(cheapest[BEFORE + self.len].to_bits()) << 16;
        for bits in 2..=usize::from(MAX_BITS) {
            let most = (1 << bits).min(self.len);
            for less in (1 << (bits - 1)..most).step_by(ABREAST) {
                // From the longest one on. Where that is a whole one, it is no cheaper.
                let begin = BEFORE + self.len - less - ABREAST;
                relaxation.price(abreast(&self.sums, begin), &ends, bits, &mut steps);
                for (place, (step, before)) in steps.iter().zip(abreast(cheapest, begin)).enumerate() {
                    let size = less + ABREAST - place;
                    if size <= most {
                        best = best.min(u64::from((before + step).to_bits()) << 16 | size as u64);
                    }
                }
            }
        }
        Some((best & 0xFFFF) as usize).filter(|&size| size > 0)
    }

    /// Fills `groups` with the runs, at their depths; the bits of all codes come back.
    fn group(&self, runs: &Runs, groups: &mut Groups) -> u64 {
        let mut leaves = [Leaf::default(); MAX_GROUPS];
        let leaves = &mut leaves[..runs.len];
        let mut begin = 0;
        for (leaf, &bits) in leaves.iter_mut().zip(runs.as_slice()) {
            let end = (begin + (1 << bits)).min(self.len);
            let bits = (end - begin).next_power_of_two().ilog2() as u8;
            let first = self.symbols[begin..end].iter().copied().fold(u8::MAX, u8::min);
            let (weight, size) = (self.weight(begin, end), (end - begin) as u16);
            *leaf = Leaf { weight, size, first, shape: Shape(bits), joined: None };
            begin = end;
        }
        set_depths(leaves, self.total());
        join_singles(leaves);
        let (mut order, mut count) = ([0; MAX_GROUPS], 0);
        for (index, leaf) in leaves.iter().enumerate().filter(|(_, leaf)| leaf.joined.is_none()) {
            order[count] = u32::from_be_bytes([0, leaf.shape.0, leaf.first, index as u8]);
            count += 1;
        }
        let order = &mut order[..count];
        order.sort_unstable();
        // The group that the symbols of each leaf are in, and where its next symbol goes.
        let (mut groups_of, mut next, mut bits, mut end) = ([0; MAX_GROUPS], [0; MAX_GROUPS], 0, 0);
        for (group, key) in order.iter().enumerate() {
            let index = (key & 0xFF) as usize;
            let Leaf { weight, size, shape, .. } = leaves[index];
            (groups_of[index], next[group]) = (group as u8, end);
            end += size;
            bits += u64::from(weight) * u64::from(shape.depth() + shape.bits());
        }
        let (mut group_of, mut begin) = ([0; 256], 0);
        for (index, (leaf, &bits)) in leaves.iter().zip(runs.as_slice()).enumerate() {
            let end = (begin + (1 << bits)).min(self.len);
            for &symbol in &self.symbols[begin..end] {
                group_of[usize::from(symbol)] = groups_of[leaf.joined.map_or(index, usize::from)];
            }
            begin = end;
        }
        let mut symbols = [0; 256];
        for &symbol in &self.used[..self.len] {
            let place = &mut next[usize::from(group_of[usize::from(symbol)])];
            symbols[usize::from(*place)] = symbol;
            *place += 1;
        }
        groups.clear();
        let mut begin = 0;
        for (key, &end) in order.iter().zip(&next) {
            let shape = leaves[(key & 0xFF) as usize].shape;
            groups.push(shape, symbols[begin..usize::from(end)].iter().copied());
            begin = end.into();
        }
        bits
    }
}

/// Larger counts are sorted as this one: of 2^24 symbols, no two are.
const LARGEST: u32 = (1 << 24) - 1;

/// The `used` symbols, the most frequent first.
fn by_counts(used: &[u8], counts: &[u32; 256]) -> [u8; 256] {
    // Counts that are small are sorted by counting them; few are larger where that matters.
    let rank = |symbol: u8| 255 - counts[usize::from(symbol)].min(255) as usize;
    let (mut places, mut place) = ([0_u16; 256], 0);
    for &symbol in used {
        places[rank(symbol)] += 1;
    }
    for first in &mut places {
        place += std::mem::replace(first, place);
    }
    let mut symbols = [0; 256];
    for &symbol in used {
        let place = &mut places[rank(symbol)];
        symbols[usize::from(*place)] = symbol;
        *place += 1;
    }
    let large = &mut symbols[..usize::from(places[0])];
    let mut keys = [0; 256];
    let keys = &mut keys[..large.len()];
    for (key, &symbol) in keys.iter_mut().zip(&*large) {
        *key = (LARGEST - counts[usize::from(symbol)].min(LARGEST)) << 8 | u32::from(symbol);
    }
    keys.sort_unstable();
    for (symbol, key) in large.iter_mut().zip(keys) {
        *symbol = *key as u8;
    }
    symbols
}

/// The [`ABREAST`] entries of a table from a place on.
#[inline(always)]
fn abreast<T, const LEN: usize>(table: &[T; LEN], at: usize) -> &[T; ABREAST] {
    table[at..].first_chunk().expect("a table goes on behind the last place")
}

/// What runs cost under the relaxation.
struct Relaxation {
    multiplier: f32,
    prices: Prices,
}

impl Relaxation {
    fn new(share: f32, total: u32, prices: Prices) -> Self {
        Self { multiplier: share * total as f32 * (1.0 + prices.merge) / std::f32::consts::LN_2, prices }
    }

    /// The prices of runs with so many bits, whose weights are from one sum to the other.
    #[inline]
    fn price(&self, begins: &[u32; ABREAST], ends: &[u32; ABREAST], bits: usize, out: &mut [f32; ABREAST]) {
        const MOST: u32 = MAX_DEPTH as u32 - 1;
        let level = 1.0 + self.prices.merge;
        let symbol = factor(bits, self.prices);
        // The best depth without rounding is the logarithm of this over the level's price; one of
        // its neighbours is the best whole one.
        let above = self.multiplier * std::f32::consts::LN_2;
        let below = f32::from_bits(above.to_bits() - (MOST << 23));
        for ((out, begin), end) in out.iter_mut().zip(begins).zip(ends) {
            // Vectors take signed numbers.
            let weight = end.wrapping_sub(*begin).cast_signed() as f32;
            let level = weight * level;
            let within = if level < above { level } else { above };
            let within = if within > below { within } else { below };
            // What is left of the exponents is the whole part of the logarithm.
            let depth = (above.to_bits() - within.to_bits()) >> 23;
            let share = f32::from_bits(self.multiplier.to_bits() - (depth << 23));
            let depth = depth.cast_signed() as f32;
            let (near, far) = (level * depth + share, level * (depth + 1.0) + 0.5 * share);
            *out = if near < far { near } else { far } + weight * symbol + self.prices.group;
        }
    }
}

/// A run on its way to a group.
#[derive(Debug, Clone, Copy, Default)]
struct Leaf {
    weight: u32,
    size: u16,
    /// The first of its symbols.
    first: u8,
    shape: Shape,
    /// The leaf that it was joined to.
    joined: Option<u8>,
}

/// Joins runs of one symbol where two have one depth.
fn join_singles(leaves: &mut [Leaf]) {
    let mut alone = [None; MAX_DEPTH as usize + 1];
    for index in 0..leaves.len() {
        let leaf = leaves[index];
        if leaf.shape.bits() > 0 {
            continue;
        }
        let waiting: &mut Option<u8> = &mut alone[usize::from(leaf.shape.depth())];
        let Some(other) = waiting.take() else {
            *waiting = Some(index as u8);
            continue;
        };
        let pair = &mut leaves[usize::from(other)];
        pair.weight += leaf.weight;
        pair.size = 2;
        pair.first = pair.first.min(leaf.first);
        pair.shape = Shape::new(leaf.shape.depth() - 1, 1);
        leaves[index].joined = Some(other);
    }
}

/// Nodes of a tree over the most groups.
const NODES: usize = 2 * MAX_GROUPS;

/// Gives each leaf the depth that Huffman's algorithm finds.
fn set_depths(leaves: &mut [Leaf], total: u32) {
    // Rare groups are taken for a 512th: then no depth is above 15, as a node is at least as heavy
    // as those two levels below it together with their sibling: depths grow like the logarithm of
    // the weights to the golden ratio.
    let floor = (total >> 9).max(1);
    let mut order = [0; MAX_GROUPS];
    for (index, (key, leaf)) in order.iter_mut().zip(&*leaves).enumerate() {
        *key = u64::from(leaf.weight.max(floor)) << 8 | index as u64;
    }
    let order = &mut order[..leaves.len()];
    order.sort_unstable();
    let mut weights = [0; MAX_GROUPS];
    for (weight, key) in weights.iter_mut().zip(&*order) {
        *weight = (key >> 8) as u32;
    }
    let mut parents = [0; NODES];
    huffman(&weights[..leaves.len()], &mut parents);
    let mut depths = [0_u8; NODES];
    for node in (0..2 * leaves.len() - 2).rev() {
        depths[node] = depths[usize::from(parents[node])] + 1;
        if let Some(key) = order.get(node) {
            let shape = &mut leaves[(key & 0xFF) as usize].shape;
            *shape = Shape::new(depths[node], shape.bits());
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
