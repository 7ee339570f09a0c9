//! The cheapest way through a chunk: all matches of its positions are found first, then a dynamic
//! program finds the sequences that cost least by the prices of the symbols, and counts the symbols
//! for the prices of the next pass.

use crate::{
    lz::{
        encode::Chunks,
        matcher::{
            Found, common_len_up_to, gain, load32,
            nodes::{LastStep, Nodes},
            prices::{Counts, Prices},
            tree::{Finder, Match, Reach, Trees},
        },
    },
    sequences::{MIN_MATCH, Repeats},
    simd::{Kernel, Work, compiled_for},
};

/// A longer chunk is parsed in parts of so many bytes: a bound for memory.
const PART: usize = 256 << 10;

/// Inside a match that ended its search, only so many positions at each end are learned, and of the
/// others one in so many.
const LEARNED: usize = 128;
const SPARSE: usize = 16;

/// The trees of a longer block are not kept for the next one. They take 8 bytes for each of its
/// bytes, and a hundredth of the block's time to make anew; those of a short block take more of it.
const KEPT: usize = 1 << 20;

/// How much the parser tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Positions that are compared with the one at hand.
    depth: usize,
    /// A match of so many bytes is taken at once.
    nice: usize,
    /// Over each part of a block.
    passes: usize,
}

impl Effort {
    /// Level 8.
    pub(super) const QUICK: Self = Self { depth: 16, nice: 192, passes: 1 };

    /// Level 9.
    pub(super) const THOROUGH: Self = Self { depth: 64, nice: 512, passes: 2 };
}

/// What a thread keeps from block to block.
#[derive(Debug, Default)]
pub(super) struct Optimal {
    trees: Trees,
    matches: Matches,
    ways: Ways,
}

/// The matches of the positions of a part of a block.
#[derive(Debug, Default)]
struct Matches {
    /// Where those of a position begin; one more for the end.
    begins: Vec<u32>,
    all: Vec<Match>,
}

/// What the cheapest way to a position leaves behind.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// Since the last match.
    literals: u32,
    repeats: Repeats,
}

/// A match on the way through a part.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: u32,
    length: u32,
    offset: u32,
}

impl Optimal {
    /// Gives the sequences of `raw` to `chunks`.
    pub(super) fn run(&mut self, raw: &[u8], effort: Effort, chunks: &mut Chunks<'_>) {
        let (chunk_len, min_match) = (chunks.chunk_len(), chunks.min_match());
        let Self { trees, matches, ways } = self;
        let mut finder = trees.begin(raw, Reach { depth: effort.depth, nice: effort.nice, min_match });
        let mut first = Arrival { literals: 0, repeats: Repeats::START };
        let mut counts = None;
        for chunk in (0..raw.len()).step_by(chunk_len) {
            first.literals = 0;
            let chunk_end = raw.len().min(chunk + chunk_len);
            for start in (chunk..chunk_end).step_by(PART) {
                let part = Part {
                    raw,
                    start,
                    end: chunk_end.min(start + PART),
                    min_match,
                    nice: effort.nice,
                    kernel: chunks.kernel(),
                };
                compiled_for(part.kernel, FindAll { matches, part, finder: &mut finder });
                let mut like = ways.first_counts(part, matches, first, counts);
                for _ in 0..effort.passes {
                    like = ways.find(part, matches, first, &like);
                }
                counts = Some(like);
                first = ways.last(part);
                for &Step { at, length, offset } in ways.path.iter().rev() {
                    chunks.sequence(at as usize, length as usize, offset as usize);
                }
            }
        }
        if raw.len() > KEPT {
            *trees = Trees::default();
        }
    }
}

impl Matches {
    /// Finds all of the positions of `part`, behind which none of them reaches.
    #[inline(always)]
    fn find(&mut self, part: Part<'_>, finder: &mut Finder<'_>) {
        self.begins.clear();
        self.all.clear();
        let mut at = part.start;
        while at < part.end {
            let begin = self.all.len();
            self.begins.push(begin as u32);
            finder.find(at, part.end - at, &mut self.all);
            at += 1;
            if let Some(&Match { length, offset }) = self.all[begin..].last()
                && length as usize >= part.nice
            {
                at = self.skip(at, at - 1 + length as usize, offset, finder);
            }
        }
        self.begins.push(self.all.len() as u32);
    }

    /// The positions up to `end`, which a match covers, have no match but the rest of that.
    #[inline(always)]
    fn skip(&mut self, start: usize, end: usize, offset: u32, finder: &mut Finder<'_>) -> usize {
        for at in start..end {
            self.begins.push(self.all.len() as u32);
            if end - at >= MIN_MATCH {
                self.all.push(Match { length: (end - at) as u32, offset });
            }
            if at < start + LEARNED || at + LEARNED >= end || at % SPARSE == 0 {
                finder.learn(at);
            }
        }
        end
    }

    fn of(&self, index: usize) -> &[Match] {
        &self.all[self.begins[index] as usize..self.begins[index + 1] as usize]
    }
}

/// A part of a block, and what is a match in it.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    raw: &'a [u8],
    start: usize,
    end: usize,
    min_match: usize,
    nice: usize,
    kernel: Kernel,
}

/// [`Matches::find`], compiled for a kernel.
struct FindAll<'a, 'f> {
    matches: &'a mut Matches,
    part: Part<'a>,
    finder: &'a mut Finder<'f>,
}

impl Work for FindAll<'_, '_> {
    #[inline(always)]
    fn run(self) {
        self.matches.find(self.part, self.finder);
    }
}

/// [`Ways::find_cheapest`], compiled for a kernel.
struct Cheapest<'a> {
    ways: &'a mut Ways,
    part: Part<'a>,
    matches: &'a Matches,
    prices: &'a Prices,
    first: Arrival,
}

impl Work for Cheapest<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { ways, part, matches, prices, first } = self;
        ways.find_cheapest(part, matches, prices, first);
    }
}

/// The ways through a part.
#[derive(Debug, Default)]
struct Ways {
    /// One for each position and one for the end.
    nodes: Nodes,
    /// As `nodes`.
    arrivals: Vec<Arrival>,
    /// The matches of the way that was found last, the last one first.
    path: Vec<Step>,
}

impl Ways {
    /// What the symbols of `part` may be like: as those of the part `before`, if there is one, or
    /// as those of a greedy way. Where a simple way has the other form of literals, that is tried,
    /// too: by prices alone no way would ever leave the form that it has.
    fn first_counts(&mut self, part: Part<'_>, matches: &Matches, first: Arrival, before: Option<Counts>) -> Counts {
        self.find_greedy(part, matches, first);
        let greedy = self.count(part, first);
        self.find_by_one_offset(part, matches);
        let records = self.count(part, first);
        let is_first = before.is_none();
        let before = before.unwrap_or_else(|| greedy.clone());
        let mut others = [greedy, records].into_iter();
        let other = others.find(|counts| counts.are_differences() != before.are_differences());
        match other.map(|other| self.find(part, matches, first, &other)) {
            None if !is_first => before,
            None => self.find(part, matches, first, &before),
            Some(other) => {
                let before = self.find(part, matches, first, &before);
                if other.bits() < before.bits() { other } else { before }
            }
        }
    }

    /// Goes the cheapest way if symbols come as often as `like` says. How often they come on it is
    /// what comes back.
    fn find(&mut self, part: Part<'_>, matches: &Matches, first: Arrival, like: &Counts) -> Counts {
        let prices = &Prices::new(like, part.min_match);
        compiled_for(part.kernel, Cheapest { ways: self, part, matches, prices, first });
        self.trace(part);
        self.count(part, first)
    }

    /// Takes the best match of each place, where one of the last offset is worth most.
    fn find_greedy(&mut self, part: Part<'_>, matches: &Matches, first: Arrival) {
        let Part { raw, start, end, .. } = part;
        self.path.clear();
        let (mut last, mut at) = (first.repeats.last() as usize, start);
        while at < end {
            let mut best = Found::default();
            if at >= last {
                let length = common_len_up_to(raw, at - last, at, end - at);
                if length >= MIN_MATCH {
                    best = Found { length, offset: last, gain: gain(length, 1, 4) };
                }
            }
            for &Match { length, offset } in matches.of(at - start) {
                let (length, offset) = (length as usize, offset as usize);
                best = best.or(Found { length, offset, gain: gain(length, offset, 0) });
            }
            if best.length >= MIN_MATCH {
                self.path.push(Step { at: at as u32, length: best.length as u32, offset: best.offset as u32 });
                last = best.offset;
            }
            at += best.length.max(1);
        }
        self.path.reverse();
    }

    /// Takes matches of one offset alone, the one that most positions have nearby: if these are
    /// records, differences to the one before may be small.
    fn find_by_one_offset(&mut self, Part { raw, start, end, .. }: Part<'_>, matches: &Matches) {
        const NEAR: usize = 4096;
        self.path.clear();
        let mut counts = [0_u32; NEAR];
        for index in 0..end - start {
            let nearest = matches.of(index).first().map(|nearest| nearest.offset as usize);
            if let Some(count) = nearest.and_then(|offset| counts.get_mut(offset)) {
                *count += 1;
            }
        }
        let offset = (0..NEAR).rev().max_by_key(|&offset| counts[offset]).unwrap_or_default();
        let mut at = start.max(offset);
        while offset > 0 && at < end {
            let length = common_len_up_to(raw, at - offset, at, end - at);
            if length >= MIN_MATCH {
                self.path.push(Step { at: at as u32, length: length as u32, offset: offset as u32 });
            }
            at += length.max(1);
        }
        self.path.reverse();
    }

    /// Finds the cheapest way to each position that is not inside a long match, and that to the
    /// end.
    #[inline(always)]
    fn find_cheapest(&mut self, part: Part<'_>, matches: &Matches, prices: &Prices, first: Arrival) {
        let len = part.end - part.start;
        self.nodes.begin(len + 1);
        // Those that no way goes through are never read.
        self.arrivals.resize(len + 1, first);
        self.arrivals[0] = first;
        let mut index = 0;
        while index < len {
            let arrival = self.arrive(index);
            self.literal(index, arrival, part, prices);
            let mut longest = 1;
            if len - index >= part.min_match {
                longest = self
                    .repeats(index, arrival, part, prices)
                    .max(self.new_offsets(index, arrival, part, matches, prices));
            }
            // Each literal leads to the next position, so all but the insides of long matches have
            // a way to them.
            index += if longest >= part.nice { longest } else { 1 };
        }
        self.arrive(len);
    }

    /// Notes what the cheapest way to `index` leaves behind, which comes back.
    #[inline(always)]
    fn arrive(&mut self, index: usize) -> Arrival {
        if index == 0 {
            return self.arrivals[0];
        }
        let LastStep { begin, offset } = self.nodes.steps[index];
        let Arrival { literals, mut repeats } = self.arrivals[begin as usize];
        let arrival = if offset == 0 {
            Arrival { literals: literals + 1, repeats }
        } else {
            repeats.code(offset);
            Arrival { literals: 0, repeats }
        };
        self.arrivals[index] = arrival;
        arrival
    }

    #[inline(always)]
    fn literal(&mut self, index: usize, Arrival { literals, repeats }: Arrival, part: Part<'_>, prices: &Prices) {
        let price = prices.literal(part.raw, part.start + index, repeats.last() as usize, literals as usize);
        let cost = self.nodes.costs[index] + price;
        self.nodes.step(index, 1, 0, cost);
    }

    /// The matches with an offset used before. The length of the longest comes back.
    #[inline(always)]
    fn repeats(
        &mut self,
        index: usize,
        arrival: Arrival,
        Part { raw, start, end, min_match, .. }: Part<'_>,
        prices: &Prices,
    ) -> usize {
        let Arrival { literals, repeats: Repeats(offsets) } = arrival;
        let at = start + index;
        let compared = if min_match == 3 { 0x00FF_FFFF } else { u32::MAX };
        let word = load32(raw, at);
        let mut longest = 1;
        for (rank, offset) in offsets.into_iter().enumerate() {
            let Some(earlier) = at.checked_sub(offset as usize) else { continue };
            if (load32(raw, earlier) ^ word) & compared != 0 {
                continue;
            }
            let length = common_len_up_to(raw, earlier, at, end - at);
            let (run, lengths) = prices.matches(literals as usize, rank == 0);
            let cost = self.nodes.costs[index] + run + if rank == 0 { 0 } else { prices.repeat(rank) };
            self.nodes.matches(index, min_match, length, offset, cost, lengths);
            longest = longest.max(length);
        }
        longest
    }

    /// The matches that were found. The length of the longest comes back.
    #[inline(always)]
    fn new_offsets(
        &mut self,
        index: usize,
        arrival: Arrival,
        part: Part<'_>,
        matches: &Matches,
        prices: &Prices,
    ) -> usize {
        let Arrival { literals, repeats } = arrival;
        let (run, lengths) = prices.matches(literals as usize, false);
        let cost = self.nodes.costs[index] + run;
        let mut shortest = part.min_match;
        for &Match { length, offset } in matches.of(index) {
            let length = length as usize;
            if !repeats.0.contains(&offset) {
                let cost = cost + prices.offset(offset);
                self.nodes.matches(index, shortest, length, offset, cost, lengths);
            }
            shortest = length + 1;
        }
        shortest - 1
    }

    /// Notes the matches of the cheapest way to the end.
    fn trace(&mut self, part: Part<'_>) {
        self.path.clear();
        let mut index = part.end - part.start;
        while index > 0 {
            let LastStep { begin, offset } = self.nodes.steps[index];
            let begin = begin as usize;
            if offset > 0 {
                self.path.push(Step { at: (part.start + begin) as u32, length: (index - begin) as u32, offset });
            }
            index = begin;
        }
    }

    /// What the cheapest way leaves behind.
    fn last(&self, part: Part<'_>) -> Arrival {
        self.arrivals[part.end - part.start]
    }

    /// The symbols of the way that was found last.
    fn count(&self, Part { raw, start, end, min_match, .. }: Part<'_>, first: Arrival) -> Counts {
        let mut counts = Counts::default();
        let Arrival { literals: mut before, mut repeats } = first;
        let mut from = start;
        for &Step { at, length, offset } in self.path.iter().rev() {
            counts.count_literals(raw, from, at as usize, repeats.last() as usize);
            let literals = before as usize + at as usize - from;
            counts.count_match(literals, length as usize - min_match, offset, &mut repeats);
            (from, before) = (at as usize + length as usize, 0);
        }
        counts.count_literals(raw, from, end, repeats.last() as usize);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lz::matcher::tree::MOST;

    /// Input that finders know as bad, so long.
    fn bad(len: usize) -> [(&'static str, Vec<u8>); 8] {
        let mut state = 7_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (state >> 56) as u8
        })
        .take(len)
        .collect();
        let (mut fibonacci, mut before) = (b"ab".to_vec(), b"a".to_vec());
        while fibonacci.len() < len {
            let next = [&fibonacci[..], &before].concat();
            before = std::mem::replace(&mut fibonacci, next);
        }
        let often: Vec<u8> = (0..len).map(|at| if at % 180 == 0 { noise[at] } else { noise[at % 180] }).collect();
        let steps: Vec<u8> = (0..len).map(|at| (at / 180 % 2 * 7) as u8).collect();
        let period: Vec<u8> = (0..len).map(|at| noise[at % 5000]).collect();
        let zeros = vec![0; len];
        // A number behind much that is alike makes trees with one side: there each candidate is
        // compared from its first byte on.
        let counted = |alike: usize| -> Vec<u8> {
            let records = noise.chunks(6).enumerate();
            records.flat_map(|(at, tail)| [&noise[..alike], &[at as u8 % 32], tail].concat()).take(len).collect()
        };
        let [near, far] = [185, 505].map(counted);
        [
            ("records with numbers", near),
            ("long records with numbers", far),
            ("zeros", zeros),
            ("noise", noise),
            ("Fibonacci", fibonacci[..len].to_vec()),
            ("words", often),
            ("steps", steps),
            ("a period", period),
        ]
    }

    /// The work for a byte has a bound that the input's length does not move.
    #[test]
    fn bad_input_takes_few_comparisons() {
        const LEN: usize = PART;
        for Effort { depth, nice, .. } in [Effort::QUICK, Effort::THOROUGH] {
            for (name, raw) in bad(LEN) {
                let mut trees = Trees::default();
                let mut finder = trees.begin(&raw, Reach { depth, nice, min_match: 3 });
                let mut matches = Matches::default();
                matches.find(
                    Part { raw: &raw, start: 0, end: LEN, min_match: 3, nice, kernel: Kernel::or_default(None) },
                    &mut finder,
                );
                println!("{name}, depth {depth}: {} words, {} matches", finder.compared, matches.all.len());
                assert!(finder.compared < LEN * (depth + 48), "{name}: {} words", finder.compared);
                assert!(matches.all.len() <= LEN * MOST, "{name}");
            }
        }
    }

    #[test]
    fn the_way_is_cheaper_than_literals_and_than_a_greedy_one() {
        let raw = b"abcabcabcdabcdeabcabcdeabcdabcde-abcab-abcdeabcd".to_vec();
        let (nice, min_match) = (64, 3);
        let part = Part { raw: &raw, start: 0, end: raw.len(), min_match, nice, kernel: Kernel::or_default(None) };
        let (mut trees, mut matches, mut ways) = (Trees::default(), Matches::default(), Ways::default());
        matches.find(part, &mut trees.begin(&raw, Reach { depth: 64, nice, min_match }));
        let first = Arrival { literals: 0, repeats: Repeats::START };
        let counts = ways.first_counts(part, &matches, first, None);
        let prices = Prices::new(&counts, min_match);
        ways.find(part, &matches, first, &counts);
        let literals: i32 = (0..raw.len()).map(|at| prices.literal(&raw, at, 1, at)).sum();
        let cost = ways.nodes.costs[raw.len()];
        assert!(cost < literals, "{cost} with matches, {literals} without");
        let mut at = 0;
        for step in ways.path.iter().rev() {
            let (from, length, offset) = (step.at as usize, step.length as usize, step.offset as usize);
            assert!(from >= at && raw[from..from + length] == raw[from - offset..][..length], "{step:?}");
            at = from + length;
        }
        // A greedy way: the longest match at each place.
        let (mut index, mut greedy, mut run) = (0, 0, 0);
        while index < raw.len() {
            if let Some(&Match { length, offset }) = matches.of(index).last() {
                let (end, lengths) = prices.matches(run, false);
                greedy += end + lengths[length as usize] + prices.offset(offset);
                (index, run) = (index + length as usize, 0);
            } else {
                greedy += prices.literal(&raw, index, 1, run);
                (index, run) = (index + 1, run + 1);
            }
        }
        assert!(cost <= greedy, "{cost}, greedy {greedy}");
    }
}
