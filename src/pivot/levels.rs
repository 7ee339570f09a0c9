//! The static trees of bitmaps that are coded once more (FORMAT.md, 13.3).
//!
//! A byte of a bitmap is eight decisions. Where these are independent, with the same share of ones,
//! its probability depends on its number of ones alone; a level is for one such share.

use std::sync::OnceLock;

use crate::pivot::tree::{Shape, Tree};

/// How many levels there are, half of them for more zeros, half for more ones.
pub(crate) const LEVELS: usize = 2 * SHAPES.len();

/// The static tree of a level, 1..=[`LEVELS`].
pub(crate) fn tree(level: u8) -> &'static Tree {
    &table(level).tree
}

/// The static tree of a level, and its ranks.
pub(crate) fn coder(level: u8) -> (&'static Tree, &'static [u8; 256]) {
    let table = table(level);
    (&table.tree, &table.ranks)
}

/// The level whose tree takes the fewest bits for a bitmap with this share of ones, and how many
/// bits a decision takes there.
pub(crate) fn cheapest(ones: f32) -> (u8, f32) {
    let first = if ones > 0.5 { SHAPES.len() } else { 0 };
    let mut weights = [0.0; 9];
    for (count, weight) in (0..).zip(&mut weights) {
        *weight = ones.powi(count) * (1.0 - ones).powi(8 - count) / 8.0;
    }
    let mut best = (0, f32::INFINITY);
    for level in first..first + SHAPES.len() {
        let bits = tables()[level].bits.iter().zip(&weights).map(|(bits, weight)| bits * weight).sum();
        if bits < best.1 {
            best = (level as u8 + 1, bits);
        }
    }
    best
}

struct Table {
    tree: Tree,
    ranks: [u8; 256],
    /// The bits of all bytes with so many ones.
    bits: [f32; 9],
}

fn table(level: u8) -> &'static Table {
    &tables()[usize::from(level) - 1]
}

fn tables() -> &'static [Table] {
    static TABLES: OnceLock<Vec<Table>> = OnceLock::new();
    TABLES.get_or_init(|| (0..LEVELS).map(Table::new).collect())
}

impl Table {
    fn new(index: usize) -> Self {
        let mut values: Vec<u8> = (0..=255).collect();
        let more_ones = index >= SHAPES.len();
        values.sort_by_key(|value| if more_ones { value.count_zeros() } else { value.count_ones() });
        let mut begin = 0;
        let mut groups: Vec<(Shape, Vec<u8>)> = Vec::new();
        for &shape in SHAPES[index % SHAPES.len()] {
            let shape = Shape(shape);
            let mut symbols = values[begin..begin + (1 << shape.bits())].to_vec();
            begin += symbols.len();
            symbols.sort_unstable();
            groups.push((shape, symbols));
        }
        groups.sort_by_key(|(shape, symbols)| (*shape, symbols[0]));
        let mut bits = [0.0; 9];
        let mut tree = Tree::default();
        for (shape, symbols) in groups {
            for symbol in &symbols {
                bits[symbol.count_ones() as usize] += f32::from(shape.depth() + shape.bits());
            }
            tree.groups.push(shape, symbols);
        }
        tree.build();
        Self { ranks: tree.ranks(), tree, bits }
    }
}

/// The shapes of levels 1..=16, for shares of ones from 0.40 down to 0.012. They are part of the
/// format, and never change. `derivation` has the program that they are from.
const SHAPES: [&[u8]; 16] = [
    &[0x16, 0x26, 0x27],
    &[0x33, 0x25, 0x17, 0x45, 0x63, 0x55, 0x64],
    &[0x50, 0x15, 0x61, 0x26, 0x36, 0x90, 0x46, 0x82, 0x74, 0x93],
    &[0x40, 0x23, 0x25, 0x26, 0x36, 0x55, 0x64, 0xa0, 0x74, 0x92, 0xa1, 0x84],
    &[0x30, 0x23, 0x25, 0x26, 0x45, 0x90, 0x55, 0x65, 0x74, 0xa1, 0xa2, 0x85],
    &[0x30, 0x23, 0x33, 0x51, 0x60, 0x34, 0x26, 0x46, 0x75, 0xa2, 0x85, 0x94, 0xa3],
    &[0x20, 0x23, 0x25, 0x35, 0x44, 0x62, 0x56, 0x83, 0xb0, 0xb1, 0x76, 0x94, 0xa3],
    &[0x20, 0x22, 0x32, 0x25, 0x45, 0x54, 0x91, 0xa0, 0x66, 0xa2, 0x76, 0x85],
    &[0x20, 0x13, 0x34, 0x53, 0x62, 0x55, 0x64, 0x73, 0xb0, 0x84, 0x93, 0xb1, 0x67, 0xa3],
    &[0x20, 0x13, 0x34, 0x52, 0x53, 0x55, 0x74, 0x92, 0xa1, 0xb0, 0x67, 0x85, 0xb2],
    &[0x10, 0x23, 0x34, 0x43, 0x62, 0x65, 0x74, 0x92, 0xa1, 0xb0, 0x67, 0x85, 0xb2],
    &[0x10, 0x23, 0x34, 0x43, 0x62, 0x65, 0x74, 0x92, 0xa1, 0xb0, 0x67, 0x85, 0xb2],
    &[0x10, 0x22, 0x32, 0x44, 0x62, 0x63, 0xb0, 0x75, 0xb1, 0x67, 0x85, 0x94, 0xa3],
    &[0x10, 0x22, 0x32, 0x44, 0x62, 0x80, 0x63, 0xa1, 0x67, 0x76, 0x94, 0xa3],
    &[0x10, 0x22, 0x31, 0x41, 0x63, 0x64, 0x82, 0xb0, 0xb1, 0x67, 0x76, 0x94, 0xa3],
    &[0x10, 0x22, 0x31, 0x41, 0x80, 0x55, 0xa1, 0xa2, 0x67, 0x76, 0x94],
];

#[cfg(test)]
mod derivation {
    use super::*;
    use crate::pivot::{choose::Prices, exact};

    /// The shares of ones that levels 1..=16 are for.
    const SHARES: [f64; 16] =
        [0.40, 0.36, 0.32, 0.28, 0.25, 0.22, 0.19, 0.16, 0.14, 0.12, 0.10, 0.08, 0.06, 0.04, 0.025, 0.012];

    /// The price of a group keeps the trees small: a static tree has no table, but its nodes take
    /// time.
    const PRICES: Prices = Prices { merge: 0.1, group: 0.0005 };

    #[test]
    fn shapes_are_those_of_the_cheapest_groups() {
        let mut counts: Vec<i32> = (0..=255_u8).map(|value| value.count_ones().cast_signed()).collect();
        counts.sort_unstable();
        for (index, share) in SHARES.into_iter().enumerate() {
            let weight = |&ones: &i32| share.powi(ones) * (1.0 - share).powi(8 - ones);
            let weights: Vec<f64> = counts.iter().map(weight).collect();
            let (shapes, price) = exact::choose(&weights, PRICES);
            let shapes: Vec<u8> = shapes.iter().map(|shape| shape.0).collect();
            println!("{share}: {price:.3} bits a byte, {shapes:02x?}");
            assert_eq!(shapes, SHAPES[index], "a share of {share}");
        }
    }
}
