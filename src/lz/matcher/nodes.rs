//! What is known of the cheapest way to each position while the cheapest one to the end is looked
//! for.

use crate::lz::matcher::prices::{ABREAST, LENGTHS, Lengths};

/// Fewer nodes than these take longer at once than one by one.
const FEW: usize = 3;

/// The cheapest way to each position that is known so far.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// Apart from the steps: most matches cost more than what is known, and many are compared at
    /// once. The last [`ABREAST`] are no positions.
    pub(super) costs: Vec<i32>,
    pub(super) steps: Vec<LastStep>,
}

/// A match, or a literal, whose offset is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LastStep {
    pub(super) begin: u32,
    pub(super) offset: u32,
}

impl Nodes {
    /// Those of so many positions, of which only the first one has a way to it.
    pub(super) fn begin(&mut self, len: usize) {
        self.costs.clear();
        self.costs.resize(len + ABREAST, i32::MAX);
        self.costs[0] = 0;
        // Those that no way goes through are never read.
        self.steps.resize(len + ABREAST, LastStep::default());
    }

    /// Notes a step of `length` bytes from `begin` on, if the way to its end costs less than what
    /// is known.
    #[inline(always)]
    pub(super) fn step(&mut self, begin: usize, length: usize, offset: u32, cost: i32) {
        let end = begin + length;
        if cost < self.costs[end] {
            self.costs[end] = cost;
            self.steps[end] = LastStep { begin: begin as u32, offset };
        }
    }

    /// Notes all matches of `shortest` to `length` bytes that begin at `begin` and cost less than
    /// what is known. A long one counts with its full length alone.
    #[inline(always)]
    pub(super) fn matches(
        &mut self,
        begin: usize,
        shortest: usize,
        length: usize,
        offset: u32,
        cost: i32,
        lengths: &Lengths,
    ) {
        if length >= LENGTHS {
            self.step(begin, length, offset, cost + lengths[LENGTHS - 1]);
        }
        let end = LENGTHS.min(length + 1);
        if shortest >= end {
            return;
        }
        let count = end - shortest;
        if count < FEW {
            for (length, price) in (shortest..end).zip(&lengths[shortest..end]) {
                self.step(begin, length, offset, cost + price);
            }
            return;
        }
        let (first, room) = (begin + shortest, count.next_multiple_of(ABREAST));
        let costs = self.costs[first..first + room].as_chunks_mut::<ABREAST>().0;
        let steps = self.steps[first..first + room].as_chunks_mut::<ABREAST>().0;
        let prices = lengths[shortest..shortest + room].as_chunks::<ABREAST>().0;
        let mut left = (count as u32).cast_signed();
        for ((costs, steps), prices) in costs.iter_mut().zip(steps).zip(prices) {
            // No branch: vectors then compare all lanes. Most are no better than what is known.
            let is_less = |known: i32, price: i32, lane: usize| {
                let (is_less, is_there) = (cost + price < known, (lane as u32).cast_signed() < left);
                is_less & is_there
            };
            if (0..ABREAST).fold(false, |any, lane| any | is_less(costs[lane], prices[lane], lane)) {
                for lane in 0..ABREAST {
                    if is_less(costs[lane], prices[lane], lane) {
                        costs[lane] = cost + prices[lane];
                        steps[lane] = LastStep { begin: begin as u32, offset };
                    }
                }
            }
            left -= (ABREAST as u32).cast_signed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_matches_at_once_are_noted_as_one_by_one() {
        const LEN: usize = 400;
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(0x9E37_79B1).wrapping_add(77);
            (state >> 12) % below
        };
        let mut lengths = [0; LENGTHS + ABREAST];
        let (mut nodes, mut expected) = (Nodes::default(), Nodes::default());
        nodes.begin(LEN + 1);
        expected.begin(LEN + 1);
        for round in 0..3000 {
            lengths.fill_with(|| random(640).cast_signed());
            let begin = random(LEN as u32 - 4) as usize;
            let shortest = 3 + random(300) as usize % (LEN - begin - 3);
            let length = shortest + random(300) as usize % (LEN - begin - shortest + 1);
            let (offset, cost) = (1 + random(1 << 20), random(640).cast_signed() + 3000 - round);
            nodes.matches(begin, shortest, length, offset, cost, &lengths);
            for (length, price) in (0..=length).zip(&lengths[..LENGTHS]).skip(shortest) {
                expected.step(begin, length, offset, cost + price);
            }
            if length >= LENGTHS {
                expected.step(begin, length, offset, cost + lengths[LENGTHS - 1]);
            }
            assert_eq!(nodes.costs, expected.costs, "{shortest} to {length} bytes at {begin}");
            assert_eq!(nodes.steps, expected.steps, "{shortest} to {length} bytes at {begin}");
        }
        assert!(nodes.costs[LEN + 1..] == [i32::MAX; ABREAST]);
    }
}
