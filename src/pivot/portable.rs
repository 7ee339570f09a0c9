//! The steps in safe code for every processor. Eight symbols move at a time, as bytes of a word.

use crate::pivot::steps::{STRIDE, Steps, strides};

/// See the module.
#[derive(Debug)]
pub(crate) struct Portable;

/// Symbols in a word.
pub(crate) const WIDTH: usize = 8;

impl Steps for Portable {
    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        let (mut zeros, mut ones) = (0, 0);
        for (out, bitmap) in in_strides(out, len, bitmap) {
            let (left, right) = (window(left, zeros), window(right, ones));
            let count = merge(out, bitmap, |zeros| word(left, zeros), right);
            ones += count;
            zeros += STRIDE - count;
        }
        ones
    }

    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        let (symbols, mut ones) = (u64::from_le_bytes([symbol; WIDTH]), 0);
        for (out, bitmap) in in_strides(out, len, bitmap) {
            ones += merge(out, bitmap, |_| symbols, window(right, ones));
        }
        ones
    }

    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]) {
        let out = &mut out.as_chunks_mut().0[..len.div_ceil(WIDTH)];
        match bits {
            1 => unpack_pairs::<1, 4>(out, packed, table),
            2 => unpack_pairs::<2, 16>(out, packed, table),
            3 => unpack_pairs::<3, 64>(out, packed, table),
            4 => unpack_pairs::<4, 256>(out, packed, table),
            5 => unpack_pairs::<5, 1024>(out, packed, table),
            6 => unpack_pairs::<6, 4096>(out, packed, table),
            7 => unpack::<7>(out, packed, table),
            _ => unpack::<8>(out, packed, table),
        }
    }

    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        let threshold = Threshold::new(threshold);
        let bitmap = &mut bitmap[..strides(len) / WIDTH];
        let (mut zeros, mut ones) = (0, 0);
        for (at, bitmap) in (0..len).step_by(STRIDE).zip(bitmap.as_chunks_mut().0) {
            let words = words(ranks, at);
            let bits = threshold.compare(&words, len - at);
            *bitmap = bits.to_le_bytes();
            // What is written to `ranks` was read before.
            let left: &mut [u8; STRIDE] = ranks[zeros..].first_chunk_mut().expect("the left ones are no more");
            let count = part(words, bits, window_mut(right, ones), |before, word| {
                if let Some(left) = left.get_mut(before..before + WIDTH) {
                    left.copy_from_slice(&word.to_le_bytes());
                }
            });
            ones += count;
            zeros += STRIDE - count;
        }
        ones
    }

    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
        let threshold = Threshold::new(threshold);
        let bitmap = &mut bitmap[..strides(len) / WIDTH];
        let mut ones = 0;
        for (at, bitmap) in (0..len).step_by(STRIDE).zip(bitmap.as_chunks_mut().0) {
            let words = words(ranks, at);
            let bits = threshold.compare(&words, len - at);
            *bitmap = bits.to_le_bytes();
            ones += part(words, bits, window_mut(right, ones), |_, _| ());
        }
        ones
    }

    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]) {
        match bits {
            1 => pack::<1>(ranks, len, first, packed),
            2 => pack::<2>(ranks, len, first, packed),
            3 => pack::<3>(ranks, len, first, packed),
            4 => pack::<4>(ranks, len, first, packed),
            5 => pack::<5>(ranks, len, first, packed),
            6 => pack::<6>(ranks, len, first, packed),
            7 => pack::<7>(ranks, len, first, packed),
            _ => pack::<8>(ranks, len, first, packed),
        }
    }
}

fn pack<const BITS: usize>(ranks: &[u8], len: usize, first: u8, packed: &mut [u8]) {
    let firsts = u64::from_le_bytes([first; WIDTH]);
    let pack = |ranks: [u8; WIDTH], numbers: usize, packed: &mut [u8]| {
        let word = u64::from_le_bytes(ranks).wrapping_sub(firsts) & u64::MAX >> (64 - 8 * numbers);
        // Two numbers become one of twice the bits, three times.
        let word = close_up::<32, BITS>(close_up::<16, BITS>(close_up::<8, BITS>(word)));
        packed[..WIDTH].copy_from_slice(&word.to_le_bytes());
    };
    let (words, rest) = (ranks.as_chunks().0, len % WIDTH);
    for (index, word) in words[..len / WIDTH].iter().enumerate() {
        pack(*word, WIDTH, &mut packed[index * BITS..]);
    }
    if rest > 0 {
        pack(words[len / WIDTH], rest, &mut packed[len / WIDTH * BITS..]);
    }
}

/// Numbers of `BITS` bits for each byte of `ROOM` bits, moved together: the upper one of each two
/// goes down.
#[inline(always)]
fn close_up<const ROOM: usize, const BITS: usize>(word: u64) -> u64 {
    let uppers = const { u64::MAX / (u64::MAX >> (64 - 2 * ROOM)) * (u64::MAX >> (64 - BITS * ROOM / 8) << ROOM) };
    word & !uppers | (word & uppers) >> (ROOM - BITS * ROOM / 8)
}

/// What ranks are compared with, eight at a time.
struct Threshold {
    /// The lower seven bits of each byte.
    low: u64,
    /// All bits, if the highest bit of a threshold is 0.
    is_low: u64,
}

/// The highest bit of each byte.
const HIGHEST: u64 = 0x80 * (u64::MAX / 0xFF);

impl Threshold {
    fn new(threshold: u8) -> Self {
        let is_low = if threshold < 0x80 { u64::MAX } else { 0 };
        Self { low: u64::from_le_bytes([threshold & 0x7F; WIDTH]), is_low }
    }

    /// A bit for each of the first `len` of a stride's ranks that is no less.
    #[inline(always)]
    fn compare(&self, ranks: &Words, len: usize) -> u64 {
        let mut bits = 0;
        for ranks in ranks {
            // The lower bits decide where the highest ones are equal.
            let low = (ranks | HIGHEST) - self.low;
            let found = (ranks & low | (ranks | low) & self.is_low) & HIGHEST;
            // Bit `8 i + 7` goes to bit `56 + i`; no two of the products meet.
            bits = bits >> 8 | found.wrapping_mul(0x0002_0408_1020_4081) & 0xFF << 56;
        }
        if len < STRIDE { bits & ((1 << len) - 1) } else { bits }
    }
}

/// A byte of a word.
#[inline(always)]
fn byte(word: u64, place: usize) -> usize {
    (word >> (8 * place)) as usize % 256
}

/// How many ranks of a stride go to the right, up to each word.
#[derive(Debug, Clone, Copy)]
struct Parts(u64);

impl Parts {
    #[inline(always)]
    fn new(bits: u64) -> Self {
        const BYTES: u64 = u64::MAX / 0xFF;
        let pairs = bits - (bits >> 1 & (0x55 * BYTES));
        let fours = (pairs & (0x33 * BYTES)) + (pairs >> 2 & (0x33 * BYTES));
        let counts = (fours + (fours >> 4)) & (0x0F * BYTES);
        // Byte `i` of the product is the sum of the bytes up to it.
        Self(counts.wrapping_mul(BYTES))
    }

    /// Of the words before this one.
    #[inline(always)]
    fn before(self, word: usize) -> usize {
        // No check is needed with this.
        (self.0 << 8 >> (8 * word)) as usize % STRIDE
    }

    #[inline(always)]
    fn all(self) -> usize {
        (self.0 >> 56) as usize
    }
}

/// What a stride may take of one side. A word may begin at any of its symbols.
type Window = [u8; STRIDE + WIDTH];

/// The strides of `len` symbols, with their bits.
fn in_strides<'a>(
    out: &'a mut [u8],
    len: usize,
    bitmap: &'a [u8],
) -> impl Iterator<Item = (&'a mut [u8; STRIDE], &'a [u8; STRIDE / WIDTH])> {
    let out = &mut out[..strides(len)];
    let bitmap = &bitmap[..strides(len) / WIDTH];
    out.as_chunks_mut().0.iter_mut().zip(bitmap.as_chunks().0)
}

/// The window from `at` on.
fn window(bytes: &[u8], at: usize) -> &Window {
    bytes[at..].first_chunk().expect("a side has slack behind it")
}

fn window_mut(bytes: &mut [u8], at: usize) -> &mut Window {
    bytes[at..].first_chunk_mut().expect("a side has slack behind it")
}

/// The symbols of a stride.
type Words = [u64; STRIDE / WIDTH];

/// The stride at `at`.
#[inline(always)]
fn words(bytes: &[u8], at: usize) -> Words {
    let bytes: &[u8; STRIDE] = bytes[at..].first_chunk().expect("there are whole strides");
    let mut words = [0; STRIDE / WIDTH];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// The word at a place of a stride.
#[inline(always)]
fn word(window: &Window, at: usize) -> u64 {
    // No check is needed with this.
    let at = at % STRIDE;
    window[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Merges a stride; `left` gives the eight bytes from so many zeros on. How many bits are 1 comes
/// back.
#[inline(always)]
fn merge(out: &mut [u8; STRIDE], bitmap: &[u8; STRIDE / WIDTH], left: impl Fn(usize) -> u64, right: &Window) -> usize {
    let (mut zeros, mut ones) = (0, 0);
    for (out, &bits) in out.as_chunks_mut().0.iter_mut().zip(bitmap) {
        *out = MERGE[usize::from(bits)].merge(left(zeros), word(right, ones)).to_le_bytes();
        let count = usize::from(COUNTS[usize::from(bits)]);
        ones += count;
        zeros += WIDTH - count;
    }
    ones
}

/// Parts a stride: those with a 1 in `bits` go to `right`. `left` gets how many others there were
/// before each word, and the word, with its others at the bottom. How many bits are 1 comes back.
#[inline(always)]
fn part(words: Words, bits: u64, right: &mut Window, mut left: impl FnMut(usize, u64)) -> usize {
    let parts = Parts::new(bits);
    for (place, word) in words.into_iter().enumerate() {
        let (before, parted) = (parts.before(place), MERGE[byte(bits, place)].part(word));
        right[before..before + WIDTH].copy_from_slice(&parted.to_be_bytes());
        left(place * WIDTH - before, parted);
    }
    parts.all()
}

/// How many bits of a byte are 1.
pub(crate) static COUNTS: [u8; 256] = {
    let mut counts = [0; 256];
    let mut bits = 0;
    while bits < 256 {
        counts[bits] = bits.count_ones() as u8;
        bits += 1;
    }
    counts
};

/// How two words become one whose bytes are the next of either, as eight bits say.
///
/// First the next bytes of the left word stand at the bottom, in order, and those of the right word
/// at the top, in reverse order. Then bytes change places with those four places away, then two,
/// then one. That is enough for any eight bits: let `n` of the lower four be 0. The lower half has
/// its `n` left bytes from where they stand, and the right ones from the top, where they stand at
/// the places from `n` on of the upper half. So the bytes at these places change with each other,
/// and each half is what it was before, in half the length: its left bytes in order and its right
/// ones in reverse order, if one goes around from some place on, which is 0 in the lower half, and
/// `n` in the upper one.
///
/// On x86-64 two vectors load it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(target_arch = "x86_64", repr(C, align(32)))]
pub(crate) struct Merge {
    /// Bytes of the right word.
    pub(crate) right: u64,
    /// Both places of bytes that change with those four away.
    pub(crate) four: u64,
    /// The lower places of bytes that change with those two away, and one away.
    pub(crate) two: u64,
    pub(crate) one: u64,
}

impl Merge {
    #[inline(always)]
    fn merge(&self, left: u64, right: u64) -> u64 {
        let word = left ^ (left ^ right.swap_bytes()) & self.right;
        let word = word ^ (word ^ word.rotate_left(32)) & self.four;
        let moved = (word ^ word >> 16) & self.two;
        let word = word ^ moved ^ moved << 16;
        let moved = (word ^ word >> 8) & self.one;
        word ^ moved ^ moved << 8
    }

    /// The other way: the bytes with a 0 stand at the bottom, in order, and those with a 1 at the
    /// top, in reverse order.
    #[inline(always)]
    fn part(&self, word: u64) -> u64 {
        let moved = (word ^ word >> 8) & self.one;
        let word = word ^ moved ^ moved << 8;
        let moved = (word ^ word >> 16) & self.two;
        let word = word ^ moved ^ moved << 16;
        word ^ (word ^ word.rotate_left(32)) & self.four
    }

    const fn new(bits: usize) -> Self {
        let zeros = bits.count_zeros() as usize - (usize::BITS as usize - WIDTH);
        let right = if zeros == WIDTH { 0 } else { u64::MAX << (8 * zeros) };
        let mut changes = [0_u64; WIDTH];
        // Where the bytes of a part begin, in this part.
        let mut begins = [0; WIDTH];
        let mut half = WIDTH / 2;
        while half > 0 {
            let mut at = 0;
            while at < WIDTH {
                let mut zeros = 0;
                let mut place = 0;
                while place < half {
                    zeros += !bits >> (at + place) & 1;
                    place += 1;
                }
                let begin = begins[at];
                place = 0;
                while place < half {
                    // The byte's number, from where they begin: those of the upper half are those
                    // behind the first left ones, as many as the half has.
                    let number = (place + 2 * half - begin) % (2 * half);
                    if number >= zeros && number < zeros + half {
                        changes[half] |= 0xFF << (8 * (at + place));
                    }
                    place += 1;
                }
                begins[at] = begin % half;
                begins[at + half] = (begin + zeros) % half;
                at += 2 * half;
            }
            half /= 2;
        }
        Self { right, four: changes[4] | changes[4] << 32, two: changes[2], one: changes[1] }
    }
}

/// For each byte of a bitmap.
pub(crate) static MERGE: [Merge; 256] = {
    let mut table = [Merge { right: 0, four: 0, two: 0, one: 0 }; 256];
    let mut bits = 0;
    while bits < 256 {
        table[bits] = Merge::new(bits);
        bits += 1;
    }
    table
};

/// Looks up two numbers at a time, of `1 << 2 * BITS` pairs, where they are many more than these.
fn unpack_pairs<const BITS: usize, const PAIRS: usize>(out: &mut [[u8; WIDTH]], packed: &[u8], table: &[u8; 256]) {
    if out.len() * WIDTH < 2 * PAIRS {
        unpack::<BITS>(out, packed, table);
        return;
    }
    let mut pairs = [[0; 2]; PAIRS];
    for (pairs, &second) in pairs.chunks_exact_mut(1 << BITS).zip(table) {
        for (pair, &first) in pairs.iter_mut().zip(table) {
            *pair = [first, second];
        }
    }
    for (index, out) in out.iter_mut().enumerate() {
        let numbers = numbers(packed, index * BITS);
        for (place, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            *out = pairs[(numbers >> (2 * place * BITS)) as usize % PAIRS];
        }
    }
}

fn unpack<const BITS: usize>(out: &mut [[u8; WIDTH]], packed: &[u8], table: &[u8; 256]) {
    for (index, out) in out.iter_mut().enumerate() {
        let numbers = numbers(packed, index * BITS);
        for (place, symbol) in out.iter_mut().enumerate() {
            *symbol = table[(numbers >> (place * BITS)) as usize % (1 << BITS)];
        }
    }
}

/// The eight bytes from `at` on, which eight numbers are in.
fn numbers(packed: &[u8], at: usize) -> u64 {
    packed[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
