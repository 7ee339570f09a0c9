//! The steps in safe code for every processor. Eight symbols move at a time, as bytes of a word.

use crate::pivot::steps::{Steps, strides};

/// See the module.
#[derive(Debug)]
pub(crate) struct Portable;

/// Symbols in a word.
const WIDTH: usize = 8;

impl Steps for Portable {
    fn ones(&self, bitmap: &[u8]) -> usize {
        let (words, rest) = bitmap.as_chunks();
        let whole: u32 = words.iter().map(|word| u64::from_le_bytes(*word).count_ones()).sum();
        let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
        (whole + rest) as usize
    }

    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        let (mut zeros, mut ones) = (0, 0);
        for (out, &bits) in out.as_chunks_mut().0.iter_mut().zip(&bitmap[..len.div_ceil(WIDTH)]) {
            let (to_left, to_right) = (&SPREAD[usize::from(!bits)], &SPREAD[usize::from(bits)]);
            let spread_left = to_left.spread(word(left, zeros));
            let spread_right = to_right.spread(word(right, ones));
            *out = (spread_left ^ (spread_left ^ spread_right) & to_right.all).to_le_bytes();
            ones += to_right.count;
            zeros += to_left.count;
        }
        ones
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        let symbols = repeated(symbol);
        let mut ones = 0;
        for (out, &bits) in out.as_chunks_mut().0.iter_mut().zip(&bitmap[..len.div_ceil(WIDTH)]) {
            let to_right = &SPREAD[usize::from(bits)];
            let spread = to_right.spread(word(right, ones));
            *out = (symbols ^ (symbols ^ spread) & to_right.all).to_le_bytes();
            ones += to_right.count;
        }
        ones
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        let out = &mut out.as_chunks_mut().0[..len.div_ceil(WIDTH)];
        match bits {
            1 => unpack::<1>(out, packed, table),
            2 => unpack::<2>(out, packed, table),
            3 => unpack::<3>(out, packed, table),
            4 => unpack::<4>(out, packed, table),
            5 => unpack::<5>(out, packed, table),
            6 => unpack::<6>(out, packed, table),
            7 => unpack::<7>(out, packed, table),
            _ => unpack::<8>(out, packed, table),
        }
    }

    fn rank(&self, symbols: &[u8], ranks: &[u8; 256], out: &mut [u8]) {
        for (out, &symbol) in out.iter_mut().zip(symbols) {
            *out = ranks[usize::from(symbol)];
        }
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        let (mut zeros, mut ones) = (0, 0);
        bitmap[..strides(len) / 8].fill(0);
        for (byte, at) in bitmap.iter_mut().zip((0..len).step_by(WIDTH)) {
            for bit in 0..WIDTH.min(len - at) {
                let rank = ranks[at + bit];
                let is_right = rank >= threshold;
                ranks[zeros] = rank;
                right[ones] = rank;
                *byte |= u8::from(is_right) << bit;
                ones += usize::from(is_right);
                zeros += usize::from(!is_right);
            }
        }
        ones
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        let mut ones = 0;
        bitmap[..strides(len) / 8].fill(0);
        for (byte, ranks) in bitmap.iter_mut().zip(ranks[..len].chunks(WIDTH)) {
            for (bit, &rank) in ranks.iter().enumerate() {
                let is_right = rank >= threshold;
                right[ones] = rank;
                *byte |= u8::from(is_right) << bit;
                ones += usize::from(is_right);
            }
        }
        ones
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        let bits = usize::from(bits);
        for (index, ranks) in ranks[..len].chunks(WIDTH).enumerate() {
            let mut word = 0;
            for (index, rank) in ranks.iter().enumerate() {
                word |= u64::from(rank - first) << (index * bits);
            }
            packed[index * bits..][..WIDTH].copy_from_slice(&word.to_le_bytes());
        }
    }
}

fn unpack<const BITS: usize>(out: &mut [[u8; WIDTH]], packed: &[u8], table: &[u8; 256]) {
    for (index, out) in out.iter_mut().enumerate() {
        let numbers = word(packed, index * BITS);
        for (place, symbol) in out.iter_mut().enumerate() {
            *symbol = table[(numbers >> (place * BITS)) as usize & ((1 << BITS) - 1)];
        }
    }
}

/// The eight bytes from `at` on.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn repeated(byte: u8) -> u64 {
    u64::from(byte) * 0x0101_0101_0101_0101
}

/// How the first bytes of a word move to those places whose bit is 1, in order: by four places
/// first, then by two, then by one. (H. S. Warren, Hacker's Delight, 7-5, with bytes for bits.)
#[derive(Debug, Clone, Copy)]
struct Spread {
    /// The places, after each move, of the bytes that moved.
    moved: [u64; 3],
    /// All places whose bit is 1.
    all: u64,
    /// How many they are.
    count: usize,
}

impl Spread {
    /// What comes to the other places means nothing.
    #[inline(always)]
    fn spread(&self, mut word: u64) -> u64 {
        word ^= (word ^ word << 32) & self.moved[0];
        word ^= (word ^ word << 16) & self.moved[1];
        word ^ (word ^ word << 8) & self.moved[2]
    }
}

/// For each byte of a bitmap.
static SPREAD: [Spread; 256] = {
    let mut table = [Spread { moved: [0; 3], all: 0, count: 0 }; 256];
    let mut bits = 0;
    while bits < 256 {
        let spread = &mut table[bits];
        let mut place = 0;
        while place < WIDTH {
            if bits >> place & 1 == 1 {
                let way = place - spread.count;
                let mut step = 0;
                while step < 3 {
                    // A byte moves by 4, 2, and 1, as the bits of its way say.
                    let moves = way >> (2 - step) & 1;
                    let at = spread.count + (way & [0b100, 0b110, 0b111][step]);
                    spread.moved[step] |= (0xFF * moves as u64) << (8 * at);
                    step += 1;
                }
                spread.all |= 0xFF << (8 * place);
                spread.count += 1;
            }
            place += 1;
        }
        bits += 1;
    }
    table
};
