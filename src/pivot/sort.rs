//! Sorting the used symbols of a table by their groups: half the time of a section of 500 symbols,
//! if it is done one symbol after the other.

use crate::pivot::{
    table::ROWS,
    tree::{MAX_GROUPS, SYMBOLS_ROOM},
};

/// Parts of the symbols that are counted apart. A symbol waits for the count that the last one of
/// its group changed, which takes longer than all else; most symbols are in two or three groups.
/// There are two at least: so a byte counts the symbols of each.
const PARTS: usize = if IS_SMALL { 2 } else { 4 };

/// Code for WebAssembly is to be small.
const IS_SMALL: bool = cfg!(target_family = "wasm");

/// [`Steps::sort`](crate::pivot::Steps::sort) for every processor.
pub(crate) fn sort(used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
    let (list, len) = symbols_of(used);
    // Of each part and group: first how many symbols, then where the next one goes.
    let mut places = [[0_u8; MAX_GROUPS]; PARTS];
    for_each(len, |part, at| {
        let place = &mut places[part][usize::from(numbers[at]) % MAX_GROUPS];
        *place = place.wrapping_add(1);
    });
    let mut end = 0;
    for (group, start) in starts.iter_mut().skip(1).enumerate() {
        for part in &mut places {
            let count = part[group % MAX_GROUPS];
            // 256, where no symbol comes any more, is 0.
            part[group % MAX_GROUPS] = end as u8;
            end += u16::from(count);
        }
        *start = end;
    }
    for_each(len, |part, at| {
        let place = &mut places[part][usize::from(numbers[at]) % MAX_GROUPS];
        symbols[usize::from(*place)] = list[at];
        *place = place.wrapping_add(1);
    });
}

/// Calls `each` with a part and a place in it for all of `len` symbols, in turns, so that each part
/// goes from front to back.
#[inline(always)]
fn for_each(len: usize, mut each: impl FnMut(usize, usize)) {
    let part_len = len / PARTS;
    for at in 0..part_len {
        for part in 0..PARTS {
            // No check is needed with this.
            each(part, (part * part_len + at) % 256);
        }
    }
    for at in PARTS * part_len..len {
        each(PARTS - 1, at % 256);
    }
}

/// Room for 256 symbols, of which four are written at a time.
const LIST: usize = 256 + 4;

/// The used symbols, in rising order, and how many they are.
pub(crate) fn symbols_of(used: &[u32; ROWS]) -> ([u8; LIST], usize) {
    let (mut symbols, mut len) = ([0; LIST], 0);
    for (row, &bits) in used.iter().enumerate().filter(|(_, bits)| **bits != 0) {
        let first = row as u32 * u32::BITS;
        if IS_SMALL {
            for bit in (0..u32::BITS).filter(|bit| bits >> bit & 1 == 1) {
                symbols[len % 256] = (first + bit) as u8;
                len += 1;
            }
            continue;
        }
        for at in (0..u32::BITS).step_by(4) {
            let four = (bits >> at) as usize % 16;
            if let Some(place) = symbols[len % 256..].first_chunk_mut() {
                *place = (FOURS[four] + (first + at) * 0x0101_0101).to_le_bytes();
            }
            len += (COUNTS >> (4 * four)) as usize % 16;
        }
    }
    (symbols, len)
}

/// How many of four bits are 1, for each four.
const COUNTS: u64 = 0x4332_3221_3221_2110;

/// Which of four bits are 1, in order, a byte each.
static FOURS: [u32; 16] = {
    let mut places = [0; 16];
    let mut four = 0;
    while four < 16 {
        let (mut bit, mut count) = (0, 0);
        while bit < 4 {
            if four >> bit & 1 == 1 {
                places[four] |= bit << (8 * count);
                count += 1;
            }
            bit += 1;
        }
        four += 1;
    }
    places
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pivot::tests::{Random, all_steps};

    #[test]
    fn every_kernel_sorts_like_one_symbol_after_the_other() {
        let mut random = Random(11);
        for round in 0..3000 {
            let groups = 1 + random.below([5, 15, MAX_GROUPS][round % 3]);
            let outside = if round % 4 == 0 { MAX_GROUPS } else { groups };
            let density = 1 + random.below(8);
            let (mut used, mut numbers) = ([0_u32; ROWS], [0_u8; 256]);
            let mut sorted = vec![Vec::new(); MAX_GROUPS];
            // What stands behind the numbers means nothing.
            for number in &mut numbers {
                *number = random.below(MAX_GROUPS) as u8;
            }
            let mut len = 0;
            for symbol in 0..=255_u8 {
                if random.below(8) >= density {
                    continue;
                }
                used[usize::from(symbol) / 32] |= 1 << (symbol % 32);
                numbers[len] = random.below(outside).min(random.below(outside)) as u8;
                sorted[usize::from(numbers[len])].push(symbol);
                len += 1;
            }
            let (list, found) = symbols_of(&used);
            assert!(found == len && list[..len].is_sorted(), "round {round}");
            let inside: usize = sorted[..groups].iter().map(Vec::len).sum();
            for (kernel, steps) in all_steps() {
                let (mut starts, mut symbols) = (vec![0; groups + 1], [0xEE; SYMBOLS_ROOM]);
                steps.sort(&used, &numbers, &mut starts, &mut symbols);
                assert_eq!(usize::from(starts[groups]), inside, "{kernel}, round {round}");
                for (bounds, expected) in starts.windows(2).zip(&sorted) {
                    let [start, end] = [bounds[0], bounds[1]].map(usize::from);
                    assert_eq!(end - start, expected.len(), "{kernel}, round {round}");
                    assert!(inside < len || symbols[start..end] == expected[..], "{kernel}, round {round}");
                }
            }
        }
    }
}
