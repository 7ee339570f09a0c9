//! Blocks of planes with predicted columns, put together from FORMAT.md, 19.9: every neighbour is
//! looked up where it lies, and sines are computed.

use std::f64::consts::PI;

use ranstream::error::Corruption;

use super::{
    Golden,
    bad::bad_payload,
    planes::{PARTITIONED, TAG, append_bounds, append_planes, append_sections, good_payload, number},
    stirred,
};

const PREDICTED: u8 = 8;

/// A column, in rows of so many elements.
#[derive(Debug, Clone)]
struct Predicted {
    element: usize,
    numbers: u8,
    tile: u8,
    stride: usize,
    /// One for each tile, in turn.
    modes: &'static [u8],
    first_keys: &'static [u8],
}

impl Predicted {
    fn bits(&self) -> u32 {
        8 * self.element as u32
    }

    fn wrapped(&self, number: i64) -> i64 {
        number << (64 - self.bits()) >> (64 - self.bits())
    }

    /// An element as `x`.
    fn number(&self, bytes: &[u8]) -> i64 {
        let bits = number(bytes);
        let sign = 1_u64 << (self.bits() - 1);
        let changed = match self.numbers {
            1 => bits ^ sign,
            2 if bits & sign != 0 => bits ^ (sign - 1),
            _ => bits,
        };
        self.wrapped(changed.cast_signed())
    }

    fn tiles_in_row(&self) -> usize {
        self.stride.div_ceil(1 << self.tile)
    }

    fn tiles(&self, count: usize) -> usize {
        count.div_ceil(self.stride).div_ceil(1 << self.tile) * self.tiles_in_row()
    }

    fn mode(&self, row: usize, column: usize) -> u8 {
        let tile = (row >> self.tile) * self.tiles_in_row() + (column >> self.tile);
        self.modes[tile % self.modes.len()]
    }

    /// The transform of the block that an element is in, 0 for none.
    fn transform(&self, row: usize, column: usize, count: usize) -> u8 {
        let (last_row, last_column) = (row | 7, column | 7);
        let is_whole = last_column < self.stride && last_row * self.stride + last_column < count;
        if is_whole { self.mode(row, column) >> 4 } else { 0 }
    }

    fn likely(&self, numbers: &[i64], row: usize, column: usize) -> i64 {
        let (left, above) = match self.transform(row, column, numbers.len()) {
            0 => (column.checked_sub(1), row.checked_sub(1)),
            _ => ((column & !7).checked_sub(1), (row & !7).checked_sub(1)),
        };
        let at = |row: usize, column: usize| numbers[row * self.stride + column];
        let (l, t, c) = match (left, above) {
            (Some(left), Some(above)) => (at(row, left), at(above, column), at(above, left)),
            (Some(left), None) => (at(row, left), at(row, left), at(row, left)),
            (None, Some(above)) => (at(above, column), at(above, column), at(above, column)),
            (None, None) => (0, 0, 0),
        };
        match self.mode(row, column) & 15 {
            0 => 0,
            1 => l,
            2 => t,
            3 => (i128::from(l) + i128::from(t)).div_euclid(2) as i64,
            _ => l.wrapping_add(t).wrapping_sub(c),
        }
    }

    /// What the planes have.
    fn coded(&self, elements: &[u8]) -> Vec<u64> {
        let numbers: Vec<i64> = elements.chunks(self.element).map(|bytes| self.number(bytes)).collect();
        let place = |index: usize| (index / self.stride, index % self.stride);
        let residue = |index: usize| {
            let (row, column) = place(index);
            self.wrapped(numbers[index].wrapping_sub(self.likely(&numbers, row, column)))
        };
        let mut residues: Vec<i64> = (0..numbers.len()).map(residue).collect();
        for index in 0..numbers.len() {
            let (row, column) = place(index);
            let transform = self.transform(row, column, numbers.len());
            if transform != 0 && row % 8 == 0 && column % 8 == 0 {
                let cell = |line: usize, place: usize| (row + line) * self.stride + column + place;
                for column in 0..8 {
                    self.turn_all(transform, &mut residues, |line| cell(line, column));
                }
                for row in 0..8 {
                    self.turn_all(transform, &mut residues, |place| cell(row, place));
                }
            }
        }
        let mask = u64::MAX >> (64 - self.bits());
        residues.iter().map(|&d| ((d << 1) ^ (d >> 63)).cast_unsigned() & mask).collect()
    }

    /// All turns of a transform of the eight numbers at these places.
    fn turn_all(&self, transform: u8, numbers: &mut [i64], place: impl Fn(usize) -> usize) {
        let cosine = "708 618 528 438 308 218 108 234 746 652 468 758 658";
        let sine = "071 255 439 61D 378 408 158 628 344 164 578 208 368 418 528 648";
        for turn in (if transform == 1 { cosine } else { sine }).split(' ') {
            let digit = |at: usize| usize::from_str_radix(&turn[at..=at], 16).unwrap();
            let (a, b, k) = (place(digit(0)), place(digit(1)), digit(2) as f64);
            let (p, s) = (-(k * PI / 64.0).tan(), (k * PI / 32.0).sin());
            for (to, from, factor) in [(a, b, p), (b, a, s), (a, b, p)] {
                let factor = (factor * f64::from(1 << 14)).round() as i64;
                let step = factor.wrapping_mul(numbers[from]).wrapping_add(1 << 13) >> 14;
                numbers[to] = self.wrapped(numbers[to].wrapping_add(step));
            }
        }
    }

    /// The payload of records of this column and of `other` bytes, which have one column more.
    fn payload(&self, raw: &[u8], other: usize) -> Vec<u8> {
        let records = raw.chunks_exact(self.element + other);
        let elements: Vec<u8> = records.clone().flat_map(|record| &record[..self.element]).copied().collect();
        let coded = self.coded(&elements);
        let mut sections = vec![self.modes.iter().copied().cycle().take(self.tiles(coded.len())).collect()];
        let plane = |index: usize| -> Vec<u8> {
            coded.iter().map(|number| (number >> (8 * (self.element - 1 - index))) as u8).collect()
        };
        append_planes(self.element, self.first_keys, plane, &mut sections);
        if other > 0 {
            sections.push(records.clone().flat_map(|record| &record[self.element..]).copied().collect());
        }
        sections.push(records.remainder().to_vec());
        let how = PREDICTED | if self.first_keys.is_empty() { 0 } else { PARTITIONED };
        let mut payload = vec![1 + u8::from(other > 0), 0, sections.len() as u8, 0];
        payload.extend([self.element as u8, 0, self.element as u8, how]);
        if other > 0 {
            payload.extend([other as u8, 0, 1, 0]);
        }
        append_bounds(self.first_keys, &mut payload);
        payload.extend([self.numbers, self.tile]);
        payload.extend(if self.stride < 128 {
            vec![self.stride as u8]
        } else {
            vec![self.stride as u8 | 0x80, (self.stride >> 7) as u8]
        });
        append_sections(&sections, &mut payload);
        payload
    }
}

/// All predictors without and with transforms.
const ALL_MODES: [u8; 15] = [0x00, 0x11, 0x22, 0x03, 0x14, 0x20, 0x01, 0x12, 0x23, 0x04, 0x10, 0x21, 0x02, 0x13, 0x24];

const EXAMPLE: Predicted = Predicted { element: 1, numbers: 0, tile: 3, stride: 6, modes: &[0x01], first_keys: &[] };

/// 6 rows of 6 bytes that grow: the example of FORMAT.md.
fn slope() -> Vec<u8> {
    (0..36).map(|index| 2 + 2 * (index / 6) + 2 * (index % 6)).collect()
}

/// Numbers that are near those around them, of `element` bytes.
fn surface(rows: usize, stride: usize, element: usize, middle: i64) -> Vec<u8> {
    let number = |index: usize| {
        let (row, column) = ((index / stride).cast_signed() as i64, (index % stride).cast_signed() as i64);
        middle + row * column / 4 - 3 * row + (stirred(index) % 5).cast_signed() as i64
    };
    (0..rows * stride).flat_map(|index| number(index).to_le_bytes().into_iter().take(element)).collect()
}

pub(super) fn good() -> Vec<Golden> {
    let good = |name: &str, what, column: &Predicted, other: usize, raw: &[u8]| {
        good_payload(&format!("-predicted{name}"), what, &column.payload(raw, other), raw)
    };
    let of =
        |element, numbers, tile, stride, modes| Predicted { element, numbers, tile, stride, modes, first_keys: &[] };
    let floats: Vec<u8> = (0..900_u16)
        .map(|index| (0x3F80 + index % 30 + index / 30 * 2) | (stirred(index.into()) % 40 / 39 * 0x8000) as u16)
        .flat_map(|number| [&number.to_le_bytes()[..], &[7]].concat())
        .collect();
    // Numbers of all sizes, some of them at the ends; a second column makes up for them.
    let wild = |index: usize| match index % 7 {
        0 => i64::MIN,
        1 => i64::MAX,
        _ => (stirred(index).cast_signed() as i64) << (index % 57),
    };
    let wild: Vec<u8> = (0..700).flat_map(|index| [&wild(index).to_le_bytes()[..], &[5; 3]].concat()).collect();
    let ends = [surface(20, 21, 2, -40), vec![1, 0, 9]].concat();
    vec![
        good("", "predicted: the example of FORMAT.md", &EXAMPLE, 0, &slope()),
        good(
            "-modes",
            "predicted: every predictor, rows and tiles that end early",
            &of(2, 0, 3, 21, &[0, 1, 2, 3, 4]),
            0,
            &ends,
        ),
        good("-transforms", "predicted: every mode, blocks that end early", &of(4, 0, 3, 45, &ALL_MODES), 0, &{
            let all = surface(37, 45, 4, 1000);
            all[..all.len() - 4 * 20].to_vec()
        }),
        good("-tiles", "predicted: tiles of 32, whole numbers from 0 on", &of(4, 1, 5, 50, &ALL_MODES), 0, &{
            surface(40, 50, 4, 0x7FFF_FFF8)
        }),
        good("-floats", "predicted: floats, some below zero", &of(2, 2, 4, 30, &[1, 4, 3, 2]), 1, &floats),
        good("-wild", "predicted: 8 bytes that wrap around, a second column", &of(8, 0, 3, 40, &ALL_MODES), 3, &wild),
        good("-one-row", "predicted: one row", &of(2, 0, 6, 300, &[4]), 0, &surface(1, 300, 2, 9)),
        good("-one-column", "predicted: rows of one element", &of(2, 0, 3, 1, &[3, 2]), 0, &surface(300, 1, 2, 9)),
        good(
            "-partition",
            "predicted: a plane of residues cut by another",
            &Predicted { first_keys: &[1, 4], ..of(2, 2, 4, 30, &[1]) },
            1,
            &floats,
        ),
    ]
}

/// Where fields of the example are.
const FLAGS: usize = 1;
const HOW: usize = 7;
const NUMBERS: usize = 8;
const TILE: usize = 9;
const STRIDE: usize = 10;
const MODE: usize = 14;

pub(super) fn bad() -> Vec<Golden> {
    let bad = |name: &str, what, at: usize, value: u8, reason| {
        let right = EXAMPLE.payload(&slope(), 0);
        bad_payload(&format!("planes-{name}"), what, (TAG, 36), &right, &|payload| payload[at] = value, reason)
    };
    let field = |field, found| Corruption::Field { field, found };
    let stride = |found| Corruption::Length { found, min: 1, max: 36 };
    vec![
        bad("predicted-rotated", "a predicted column that is rotated", HOW, 9, field("how", 9)),
        bad("predicted-zero-map", "a predicted column with a zero map", FLAGS, 1, field("how", 8)),
        bad("predicted-numbers", "numbers 3", NUMBERS, 3, field("numbers", 3)),
        bad("predicted-tile-2", "tiles of 4", TILE, 2, field("tile", 2)),
        bad("predicted-tile-7", "tiles of 128", TILE, 7, field("tile", 7)),
        bad("predicted-no-stride", "rows of no elements", STRIDE, 0, stride(0)),
        bad("predicted-stride", "rows of 37 elements, of 36", STRIDE, 37, stride(37)),
        bad("predictor", "predictor 5", MODE, 5, Corruption::Symbol { section: "modes of tiles" }),
        bad("transform", "transform 3", MODE, 0x30, Corruption::Symbol { section: "modes of tiles" }),
    ]
}
