//! Elements as residues: what is left of each when its neighbours have told what it is likely to
//! be. And their squares transformed, where a tile says so.

use crate::{
    error::Corruption,
    format::planes::{Numbers, Prediction},
    planes::{
        MAX_ELEMENT, by_element, element, from_zigzag, number,
        transform::{SIDE, Transform, wrapped},
    },
};

/// How the residues of a tile are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) predictor: Predictor,
    pub(crate) transform: Option<Transform>,
}

/// What an element is likely to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predictor {
    Zero,
    Left,
    Top,
    /// The mean of both.
    Average,
    /// What lies in one plane with the three neighbours.
    Planar,
}

impl Predictor {
    const ALL: [Self; 5] = [Self::Zero, Self::Left, Self::Top, Self::Average, Self::Planar];
}

impl Mode {
    pub(crate) const NONE: Self = Self { predictor: Predictor::Zero, transform: None };

    /// All modes, those without a transform first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let transforms = [None, Some(Transform::Cosine), Some(Transform::Sine)];
        transforms.into_iter().flat_map(|transform| Predictor::ALL.map(|predictor| Self { predictor, transform }))
    }

    /// The symbol of a tile.
    pub(crate) fn symbol(self) -> u8 {
        let transform = match self.transform {
            None => 0,
            Some(Transform::Cosine) => 1,
            Some(Transform::Sine) => 2,
        };
        self.predictor as u8 | transform << 4
    }

    pub(crate) fn of_symbol(symbol: u8) -> Result<Self, Corruption> {
        let transform = match symbol >> 4 {
            0 => Some(None),
            1 => Some(Some(Transform::Cosine)),
            2 => Some(Some(Transform::Sine)),
            _ => None,
        };
        match (Predictor::ALL.get(usize::from(symbol & 15)), transform) {
            (Some(&predictor), Some(transform)) => Ok(Self { predictor, transform }),
            _ => Err(Corruption::Symbol { section: "modes of tiles" }),
        }
    }
}

/// Whether all modes of tiles have a meaning.
pub(crate) fn verify(modes: &[u8]) -> Result<(), Corruption> {
    modes.iter().try_for_each(|&mode| Mode::of_symbol(mode).map(drop))
}

/// The elements of a column as rows of equal length, of which the last one may be shorter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix {
    /// Bytes of an element.
    element: usize,
    /// How many there are.
    count: usize,
    prediction: Prediction,
}

/// A square of a matrix, or what there is of it at its ends.
#[derive(Debug, Clone, Copy)]
struct Block {
    row: usize,
    column: usize,
}

impl Matrix {
    pub(crate) fn new(element: usize, count: usize, prediction: Prediction) -> Self {
        Self { element, count, prediction }
    }

    fn rows(&self) -> usize {
        self.count.div_ceil(self.prediction.stride)
    }

    fn tile_len(&self) -> usize {
        1 << self.prediction.tile_log2
    }

    fn tiles_in_row(&self) -> usize {
        self.prediction.stride.div_ceil(self.tile_len())
    }

    /// How many tiles there are.
    pub(crate) fn tiles(&self) -> usize {
        self.tiles_in_row() * self.rows().div_ceil(self.tile_len())
    }

    /// The blocks of a tile, row by row.
    fn blocks(self, tile: usize) -> impl Iterator<Item = Block> {
        let (len, in_row) = (self.tile_len(), self.tiles_in_row());
        let (row, column) = (tile / in_row * len, tile % in_row * len);
        let rows = (row..self.rows().min(row + len)).step_by(SIDE);
        let last_column = self.prediction.stride.min(column + len);
        rows.flat_map(move |row| (column..last_column).step_by(SIDE).map(move |column| Block { row, column }))
    }

    /// Residues to elements, in their place. `modes`: one symbol for each tile, which were
    /// [verified](verify).
    pub(crate) fn restore(&self, modes: &[u8], elements: &mut [u8]) {
        for (tile, &mode) in modes.iter().enumerate() {
            let Ok(mode) = Mode::of_symbol(mode) else { return };
            self.blocks(tile).for_each(|block| self.restore_block(block, mode, elements));
        }
    }

    /// Elements to residues. `modes`: one symbol for each tile.
    pub(crate) fn predict(&self, modes: &[Mode], elements: &[u8], residues: &mut [u8]) {
        for (tile, &mode) in modes.iter().enumerate() {
            for block in self.blocks(tile) {
                let coded = self.residues(block, mode, elements);
                for (row, coded) in coded.iter().enumerate() {
                    let (at, len) = self.row_of(block, row);
                    write(self.element, &coded[..len], &mut residues[self.byte(at)..]);
                }
            }
        }
    }

    /// About how many 8ths of bits the residues of a tile need.
    pub(crate) fn cost(&self, tile: usize, mode: Mode, elements: &[u8]) -> u64 {
        let (mut bits, mut all, mut count) = (0, 0, 0);
        for block in self.blocks(tile) {
            let coded = self.residues(block, mode, elements);
            for (row, coded) in coded.iter().enumerate() {
                let (_, len) = self.row_of(block, row);
                bits += coded[..len].iter().map(|&coded| logarithm(coded)).sum::<u64>();
                all = coded[..len].iter().fold(all, |all, &coded| all | from_zigzag(coded));
                count += len as u64;
            }
        }
        // Lower bits that all residues have as 0 cost nothing, but for the sign in each plane.
        let spare = if all == 0 { 0 } else { u64::from(all.trailing_zeros()) };
        bits.saturating_sub(8 * count * (spare - spare / 8))
    }

    /// Where the element `at` begins, or the end.
    fn byte(&self, at: usize) -> usize {
        at.min(self.count) * self.element
    }

    /// Where a row of a block begins, and how many elements of it there are.
    #[inline(always)]
    fn row_of(&self, block: Block, row: usize) -> (usize, usize) {
        let at = (block.row + row) * self.prediction.stride + block.column;
        let len = SIDE.min(self.prediction.stride - block.column);
        (at, len.min(self.count.saturating_sub(at)))
    }

    /// The transform of a block, if the mode has one and all elements of the block are there.
    fn transform_of(&self, block: Block, mode: Mode) -> Option<Transform> {
        let is_whole = self.row_of(block, SIDE - 1).1 == SIDE;
        mode.transform.filter(|_| is_whole)
    }

    fn bits(&self) -> u32 {
        8 * self.element as u32
    }

    fn restore_block(&self, block: Block, mode: Mode, elements: &mut [u8]) {
        let mut around = self.around(block, elements);
        let mut square = [[0; SIDE]; SIDE];
        for (row, square) in square.iter_mut().enumerate() {
            let (at, len) = self.row_of(block, row);
            let mut coded = [0; SIDE];
            read(self.element, &elements[self.byte(at)..], &mut coded[..len]);
            *square = coded.map(|coded| from_zigzag(coded).cast_signed());
        }
        let transform = self.transform_of(block, mode);
        if let Some(transform) = transform {
            square.iter_mut().flatten().for_each(|number| *number = wrapped(*number, self.bits()));
            transform.inverse(&mut square, self.bits());
        }
        for (row, residues) in square.iter().enumerate() {
            let (at, len) = self.row_of(block, row);
            if len == 0 {
                break;
            }
            for (column, residue) in residues.iter().enumerate() {
                let likely = around.predicted(mode.predictor, row, column, transform.is_some());
                around.numbers[row + 1][column + 1] = wrapped(likely.wrapping_add(*residue), self.bits());
            }
            let mut bits = [0; SIDE];
            for (bits, number) in bits.iter_mut().zip(&around.numbers[row + 1][1..]) {
                *bits = self.prediction.numbers.ordered(number.cast_unsigned(), self.bits()).cast_unsigned();
            }
            write(self.element, &bits[..len], &mut elements[self.byte(at)..]);
        }
    }

    /// The residues of a block, with their signs in the lowest bits.
    fn residues(&self, block: Block, mode: Mode, elements: &[u8]) -> [[u64; SIDE]; SIDE] {
        let mut around = self.around(block, elements);
        for row in 0..SIDE {
            let (at, len) = self.row_of(block, row);
            self.numbers(elements, at, &mut around.numbers[row + 1][1..=len]);
        }
        let transform = self.transform_of(block, mode);
        let mut square = [[0; SIDE]; SIDE];
        for (row, residues) in square.iter_mut().enumerate() {
            for (column, residue) in residues.iter_mut().enumerate() {
                let likely = around.predicted(mode.predictor, row, column, transform.is_some());
                *residue = wrapped(around.numbers[row + 1][column + 1].wrapping_sub(likely), self.bits());
            }
        }
        if let Some(transform) = transform {
            transform.forward(&mut square, self.bits());
        }
        let all = u64::MAX >> (64 - self.bits());
        square.map(|row| row.map(|number| (number << 1 ^ number >> 63).cast_unsigned() & all))
    }

    /// The neighbours of a block, which were elements before it.
    fn around(&self, block: Block, elements: &[u8]) -> Around {
        let mut around = Around { numbers: [[0; SIDE + 1]; SIDE + 1], top: block.row > 0, left: block.column > 0 };
        let stride = self.prediction.stride;
        let (at, _) = self.row_of(block, 0);
        if around.top {
            let from = at - stride - usize::from(around.left);
            let len = SIDE.min(stride - block.column);
            let first = usize::from(!around.left);
            self.numbers(elements, from, &mut around.numbers[0][first..=len]);
        }
        if around.left {
            for (row, numbers) in around.numbers[1..].iter_mut().enumerate() {
                if self.row_of(block, row).1 > 0 {
                    self.numbers(elements, at + row * stride - 1, &mut numbers[..1]);
                }
            }
        }
        around
    }

    /// The numbers of the elements from `at` on.
    #[inline(always)]
    fn numbers(&self, elements: &[u8], at: usize, numbers: &mut [i64]) {
        let mut bits = [0; SIDE + 1];
        let bits = &mut bits[..numbers.len()];
        read(self.element, &elements[self.byte(at)..], bits);
        for (number, bits) in numbers.iter_mut().zip(bits) {
            *number = self.prediction.numbers.ordered(*bits, self.bits());
        }
    }
}

/// A block with the row above it and the column to its left.
#[derive(Debug)]
struct Around {
    numbers: [[i64; SIDE + 1]; SIDE + 1],
    /// Whether there is a row above, and a column to the left.
    top: bool,
    left: bool,
}

impl Around {
    /// What the element in this row and column of the block is likely to be. `outside`: its
    /// neighbours are those outside of the block.
    #[inline(always)]
    fn predicted(&self, predictor: Predictor, row: usize, column: usize, outside: bool) -> i64 {
        let (above, before) = if outside { (0, 0) } else { (row, column) };
        let (left, top, corner) =
            (self.numbers[row + 1][before], self.numbers[above][column + 1], self.numbers[above][before]);
        let (left, top, corner) = match (self.left || before > 0, self.top || above > 0) {
            (true, true) => (left, top, corner),
            (true, false) => (left, left, left),
            (false, true) => (top, top, top),
            (false, false) => (0, 0, 0),
        };
        match predictor {
            Predictor::Zero => 0,
            Predictor::Left => left,
            Predictor::Top => top,
            // Their sum may not be a number of 64 bits.
            Predictor::Average => (left & top) + ((left ^ top) >> 1),
            Predictor::Planar => left.wrapping_add(top).wrapping_sub(corner),
        }
    }
}

impl Numbers {
    /// The bits of an element as a number in the order of what they stand for, around 0; and such a
    /// number as bits, of which the upper ones mean nothing.
    #[inline(always)]
    fn ordered(self, bits: u64, of: u32) -> i64 {
        let (number, sign) = (wrapped(bits.cast_signed(), of), i64::MIN >> (64 - of));
        match self {
            Self::Signed => number,
            Self::Unsigned => wrapped(number ^ sign, of),
            // All bits of negative numbers but the sign.
            Self::Floats => number ^ (number >> 63 & !sign),
        }
    }
}

/// Elements as they are, one bits each.
#[inline(always)]
fn read(element: usize, bytes: &[u8], bits: &mut [u64]) {
    by_element!(element, read_of(bytes, bits));
}

#[inline(always)]
fn read_of<const E: usize>(bytes: &[u8], bits: &mut [u64]) {
    for (bits, bytes) in bits.iter_mut().zip(bytes.as_chunks::<E>().0) {
        *bits = number(*bytes);
    }
}

#[inline(always)]
fn write(element: usize, bits: &[u64], bytes: &mut [u8]) {
    by_element!(element, write_of(bits, bytes));
}

#[inline(always)]
fn write_of<const E: usize>(bits: &[u64], bytes: &mut [u8]) {
    for (bits, bytes) in bits.iter().zip(bytes.as_chunks_mut::<E>().0) {
        *bytes = element(*bits);
    }
}

/// Eight times the logarithm to base 2 of `number + 1`, rounded down in steps of an eighth or so.
fn logarithm(number: u64) -> u64 {
    let number = number.saturating_add(1);
    let log = u64::from(number.ilog2());
    let fraction = if log < 3 { number << (3 - log) } else { number >> (log - 3) };
    8 * log + (fraction & 7)
}

/// Which of the ways to read elements as whole numbers makes neighbours more alike.
pub(crate) fn whole_numbers(element: usize, elements: &[u8]) -> Numbers {
    let bits_of = 8 * element as u32;
    let apart = |numbers: Numbers| {
        let mut before = None;
        let mut sum = 0_u64;
        for bytes in elements.chunks_exact(element) {
            let mut bits = [0];
            read(element, bytes, &mut bits);
            let number = numbers.ordered(bits[0], bits_of);
            sum += before.map_or(0, |before: i64| logarithm(before.abs_diff(number)));
            before = Some(number);
        }
        sum
    };
    if apart(Numbers::Unsigned) < apart(Numbers::Signed) { Numbers::Unsigned } else { Numbers::Signed }
}

const _: () = assert!(MAX_ELEMENT == 8, "numbers have 64 bits");

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [Numbers; 3] = [Numbers::Signed, Numbers::Unsigned, Numbers::Floats];

    fn all_modes() -> Vec<Mode> {
        let symbols = (0..3).flat_map(|transform| (0..5).map(move |predictor| transform << 4 | predictor));
        symbols.map(|symbol| Mode::of_symbol(symbol).unwrap()).collect()
    }

    /// Predicted by these modes in turn, and back.
    fn round_trip(matrix: &Matrix, modes: &[Mode], elements: &[u8]) -> Vec<u8> {
        let modes: Vec<Mode> = modes.iter().copied().cycle().take(matrix.tiles()).collect();
        let mut residues = vec![0xAA; elements.len()];
        matrix.predict(&modes, elements, &mut residues);
        let symbols: Vec<u8> = modes.iter().map(|mode| mode.symbol()).collect();
        let mut back = residues.clone();
        verify(&symbols).unwrap();
        matrix.restore(&symbols, &mut back);
        assert!(back == elements, "{matrix:?}, {modes:?}");
        residues
    }

    #[test]
    fn every_pattern_of_two_bytes_comes_back() {
        let rising: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let stirred: Vec<u8> = (0..=u16::MAX).flat_map(|at| at.wrapping_mul(0x9E37).to_le_bytes()).collect();
        for numbers in NUMBERS {
            for mode in all_modes() {
                for (stride, elements) in [(256, &rising), (99, &stirred)] {
                    let matrix = Matrix::new(2, 1 << 16, Prediction { numbers, tile_log2: 4, stride });
                    round_trip(&matrix, &[mode], elements);
                }
            }
        }
    }

    #[test]
    fn every_shape_and_width_comes_back() {
        let bytes: Vec<u8> = (0..8 * 700_u32).map(|at| (at.wrapping_mul(0x9E37_79B1) >> 23) as u8).collect();
        for element in [1, 2, 4, 8] {
            for count in (1..12).chain([63, 64, 65, 127, 200, 700]) {
                for stride in (1..11).chain([15, 16, 17, 31, 64, 65, count]).filter(|&stride| stride <= count) {
                    for tile_log2 in [3, 4, 6] {
                        let numbers = NUMBERS[(count + stride) % 3];
                        let matrix = Matrix::new(element, count, Prediction { numbers, tile_log2, stride });
                        assert!(matrix.tiles() <= count, "{matrix:?}");
                        round_trip(&matrix, &all_modes(), &bytes[..count * element]);
                    }
                }
            }
        }
    }

    #[test]
    fn residues_are_what_the_format_says() {
        // Rows of three: what is left of, above, and above left of the fifth is known.
        let elements = [10, 20, 31, 40, 55, 66];
        let of = |predictor, numbers| {
            let matrix = Matrix::new(1, 6, Prediction { numbers, tile_log2: 3, stride: 3 });
            let coded = round_trip(&matrix, &[Mode { predictor, transform: None }], &elements);
            coded.into_iter().map(|coded| (coded >> 1 ^ (coded & 1).wrapping_neg()).cast_signed()).collect::<Vec<i8>>()
        };
        assert_eq!(of(Predictor::Zero, Numbers::Signed), [10, 20, 31, 40, 55, 66]);
        assert_eq!(of(Predictor::Left, Numbers::Signed), [10, 10, 11, 30, 15, 11]);
        assert_eq!(of(Predictor::Top, Numbers::Signed), [10, 10, 11, 30, 35, 35]);
        assert_eq!(of(Predictor::Average, Numbers::Signed), [10, 10, 11, 30, 25, 23]);
        assert_eq!(of(Predictor::Planar, Numbers::Signed), [10, 10, 11, 30, 5, 0]);
        assert_eq!(of(Predictor::Planar, Numbers::Unsigned), [-118, 10, 11, 30, 5, 0]);
    }

    #[test]
    fn floats_are_in_their_order() {
        let ordered = |number: f32| Numbers::Floats.ordered(number.to_bits().into(), 32);
        assert_eq!([ordered(0.0), ordered(-0.0), ordered(f32::from_bits(1))], [0, -1, 1]);
        assert!(ordered(-2.0) < ordered(-1.5) && ordered(-1.5) < ordered(1.5) && ordered(1.5) < ordered(f32::INFINITY));
    }

    #[test]
    fn modes_without_a_meaning_are_refused() {
        for symbol in 0..=u8::MAX {
            let mut modes = [0; 13];
            modes[12] = symbol;
            let known = all_modes().iter().any(|mode| mode.symbol() == symbol);
            assert_eq!(verify(&modes).is_ok(), known, "{symbol:#x}");
        }
    }
}
