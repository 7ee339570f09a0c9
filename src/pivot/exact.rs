//! The cheapest groups, by a program over all of them: what the choice for encoders is measured
//! by, and where the static trees are from. It takes seconds.

use crate::pivot::{
    choose::{Prices, UNPACK},
    tree::{MAX_BITS, MAX_GROUPS, Shape},
};

/// The longest code that is tried.
const MAX_LEN: usize = 13;

/// The shapes of the cheapest groups over symbols whose `weights` fall, which are cut into groups
/// from the first on; and their price. All groups are full.
///
/// From the shortest codes to the longest: a state is how many symbols have a code, and how many
/// codes of the length at hand are still free. The symbols with the largest weights have the
/// shortest codes, and of codes of one length those that cost least to decode.
pub(crate) fn choose(weights: &[f64], prices: Prices) -> (Vec<Shape>, f64) {
    let count = weights.len();
    let mut sums = vec![0.0];
    sums.extend(weights.iter().scan(0.0, |sum, weight| {
        *sum += weight;
        Some(*sum)
    }));
    let lambda = f64::from(prices.merge);
    let price_of = |length: usize, bits: u8| {
        length as f64 + lambda * ((length - usize::from(bits)) as f64 + f64::from(UNPACK[usize::from(bits)]))
    };
    let mut kinds: Vec<u8> = (0..=MAX_BITS).collect();
    kinds.sort_by(|&a, &b| price_of(8, a).total_cmp(&price_of(8, b)));

    let width = count + 1;
    let mut cheapest = vec![f64::INFINITY; width * width];
    cheapest[1] = 0.0;
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for length in 0..=MAX_LEN {
        for &bits in &kinds {
            let size = 1 << bits;
            let mut took = vec![0_u8; width * width];
            for placed in 0..(count + 1).saturating_sub(size) {
                for free in size..=count - placed {
                    let before = cheapest[placed * width + free];
                    if usize::from(bits) > length || before == f64::INFINITY {
                        continue;
                    }
                    let weight = sums[placed + size] - sums[placed];
                    let price = before + price_of(length, bits) * weight + f64::from(prices.group);
                    let state = (placed + size) * width + free - size;
                    if price < cheapest[state] {
                        cheapest[state] = price;
                        took[state] = took[placed * width + free] + 1;
                    }
                }
            }
            taken.push(took);
        }
        let mut next = vec![f64::INFINITY; width * width];
        for placed in 0..=count {
            for free in 0..=(count - placed) / 2 {
                next[placed * width + 2 * free] = cheapest[placed * width + free];
            }
        }
        if length < MAX_LEN {
            cheapest = next;
        }
    }
    (shapes(count, &kinds, &taken), cheapest[count * width])
}

/// Goes back over what was taken, from the longest codes to the shortest.
fn shapes(count: usize, kinds: &[u8], taken: &[Vec<u8>]) -> Vec<Shape> {
    let width = count + 1;
    let (mut placed, mut free) = (count, 0);
    let mut shapes = Vec::new();
    for (index, took) in taken.iter().enumerate().rev() {
        let (length, bits) = (index / kinds.len(), kinds[index % kinds.len()]);
        for _ in 0..took[placed * width + free] {
            shapes.push(Shape::new(length as u8 - bits, bits));
            placed -= 1 << bits;
            free += 1 << bits;
        }
        if index % kinds.len() == 0 && length > 0 {
            assert!(free.is_multiple_of(2), "half of a free code");
            free /= 2;
        }
    }
    assert!(placed == 0 && free == 1 && shapes.len() <= MAX_GROUPS);
    shapes.reverse();
    shapes
}
