//! Cosine and sine transforms of squares of eight times eight numbers, which come back exactly.
//!
//! Each transform is a list of turns: two numbers are turned about each other by an angle, in three
//! lifting steps. A step adds to one number what follows from the other one, so it is taken back by
//! taking that away, however it was rounded and wherever sums wrapped around.
//!
//! The cosine transform is the DCT-II in the steps of Loeffler, Ligtenberg and Moschytz (1989), the
//! sine transform the DST-IV. Both are orthonormal but for rounding. Where their coefficients lie
//! does not matter here: no coder asks for it.

/// Rows and columns of a square.
pub(crate) const SIDE: usize = 8;

/// So many numbers, row by row.
pub(crate) type Square = [[i64; SIDE]; SIDE];

/// Bits behind the point of the factors of a step.
const FRACTION: u32 = 14;

/// Two numbers, `first` and `second`, and the factors of their angle `a`: `-tan(a / 2)`, `sin(a)`.
type Turn = (u8, u8, (i16, i16));

/// Angles in 32nds of pi.
const A1: (i16, i16) = (-805, 1606);
const A2: (i16, i16) = (-1614, 3196);
const A4: (i16, i16) = (-3259, 6270);
const A5: (i16, i16) = (-4104, 7723);
const A6: (i16, i16) = (-4970, 9102);
const A8: (i16, i16) = (-6786, 11_585);
const A9: (i16, i16) = (-7749, 12_665);
const A13: (i16, i16) = (-12_151, 15_679);

const COSINE: [Turn; 13] = [
    (7, 0, A8),
    (6, 1, A8),
    (5, 2, A8),
    (4, 3, A8),
    (3, 0, A8),
    (2, 1, A8),
    (1, 0, A8),
    (2, 3, A4),
    (7, 4, A6),
    (6, 5, A2),
    (4, 6, A8),
    (7, 5, A8),
    (6, 5, A8),
];

const SINE: [Turn; 16] = [
    (0, 7, A1),
    (2, 5, A5),
    (4, 3, A9),
    (6, 1, A13),
    (3, 7, A8),
    (4, 0, A8),
    (1, 5, A8),
    (6, 2, A8),
    (3, 4, A4),
    (1, 6, A4),
    (5, 7, A8),
    (2, 0, A8),
    (3, 6, A8),
    (4, 1, A8),
    (5, 2, A8),
    (6, 4, A8),
];

/// What is done with the residues of a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    Cosine,
    Sine,
}

impl Transform {
    fn turns(self) -> &'static [Turn] {
        match self {
            Self::Cosine => &COSINE,
            Self::Sine => &SINE,
        }
    }

    /// Numbers of `bits` bits to coefficients: down the columns, then along the rows.
    pub(crate) fn forward(self, square: &mut Square, bits: u32) {
        for _ in 0..2 {
            for &(first, second, (tan, sin)) in self.turns() {
                lift(square, first, second, tan, bits, i64::wrapping_add);
                lift(square, second, first, sin, bits, i64::wrapping_add);
                lift(square, first, second, tan, bits, i64::wrapping_add);
            }
            transpose(square);
        }
    }

    /// [`forward`](Self::forward) taken back.
    pub(crate) fn inverse(self, square: &mut Square, bits: u32) {
        for _ in 0..2 {
            transpose(square);
            for &(first, second, (tan, sin)) in self.turns().iter().rev() {
                lift(square, first, second, tan, bits, i64::wrapping_sub);
                lift(square, second, first, sin, bits, i64::wrapping_sub);
                lift(square, first, second, tan, bits, i64::wrapping_sub);
            }
        }
    }
}

/// `number` as a signed number of its lowest `bits` bits.
#[inline(always)]
pub(crate) fn wrapped(number: i64, bits: u32) -> i64 {
    number << (64 - bits) >> (64 - bits)
}

/// One step in all columns: to row `to` comes, or from it goes, `factor` times row `from`.
/// A program for a browser is to be small: there it is called.
#[cfg_attr(not(target_family = "wasm"), inline(always))]
fn lift(square: &mut Square, to: u8, from: u8, factor: i16, bits: u32, sum: impl Fn(i64, i64) -> i64) {
    let from = square[usize::from(from) % SIDE];
    for (to, from) in square[usize::from(to) % SIDE].iter_mut().zip(from) {
        let product = from.wrapping_mul(factor.into()).wrapping_add(1 << (FRACTION - 1)) >> FRACTION;
        *to = wrapped(sum(*to, product), bits);
    }
}

fn transpose(square: &mut Square) {
    let rows = *square;
    *square = std::array::from_fn(|row| std::array::from_fn(|column| rows[column][row]));
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    const ALL: [Transform; 2] = [Transform::Cosine, Transform::Sine];

    /// The matrix of a transform, exactly: which number goes with which coefficient is open.
    fn basis(transform: Transform, frequency: usize, at: usize) -> f64 {
        let (frequency, at) = (frequency as f64, at as f64);
        match transform {
            Transform::Cosine if frequency == 0.0 => 8_f64.sqrt().recip(),
            Transform::Cosine => (PI * (2.0 * at + 1.0) * frequency / 16.0).cos() / 2.0,
            Transform::Sine => (PI * (2.0 * at + 1.0) * (2.0 * frequency + 1.0) / 32.0).sin() / 2.0,
        }
    }

    #[test]
    fn every_square_comes_back() {
        for transform in ALL {
            for bits in [8, 16, 32, 64] {
                for seed in 0..500_u64 {
                    let number = |at: u64| (at + 1 + seed * 77).wrapping_mul(0x9E37_79B9_7F4A_7C15).cast_signed();
                    let at = |row, column| match seed % 3 {
                        0 => wrapped(i64::MIN >> (64 - bits), bits),
                        1 => wrapped(number((8 * row + column) as u64), bits),
                        _ => wrapped(number((8 * row + column) as u64), bits) >> (bits - 6),
                    };
                    let square: Square = std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
                    let mut back = square;
                    transform.forward(&mut back, bits);
                    transform.inverse(&mut back, bits);
                    assert_eq!(back, square, "{transform:?}, {bits} bits");
                }
            }
        }
    }

    #[test]
    fn a_wave_of_the_basis_becomes_one_coefficient() {
        for transform in ALL {
            for (vertical, horizontal) in (0..8).flat_map(|vertical| (0..8).map(move |other| (vertical, other))) {
                let wave = |row, column| {
                    let wave = basis(transform, vertical, row) * basis(transform, horizontal, column);
                    (10_000.0 * wave).round() as i64
                };
                let mut square: Square = std::array::from_fn(|row| std::array::from_fn(|column| wave(row, column)));
                transform.forward(&mut square, 32);
                let large = square.as_flattened().iter().filter(|number| number.abs() > 20).count();
                let largest = square.as_flattened().iter().map(|number| number.abs()).max();
                assert_eq!(large, 1, "{transform:?}, {vertical}, {horizontal}: {square:?}");
                assert!(largest.is_some_and(|largest| (9900..10_100).contains(&largest)), "{largest:?}");
            }
        }
    }
}
