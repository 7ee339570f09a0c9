//! Whether the elements of a block are predicted by each other, and how those of each tile.

use super::encode::{Filters, encode_payload};
use crate::{
    format::planes::{Numbers, Prediction},
    options::BlockOptions,
    planes::predict::{self, Matrix, Mode},
};

/// Rows and columns of a tile, as a power of two.
const TILE_LOG2: u8 = 4;

/// A block of fewer bytes is not worth it.
const SHORTEST: usize = 128;

/// Elements of a block that is not tried by a sample first.
const SHORT: usize = 16 << 10;

/// Rows and columns of a sample.
const SAMPLE_ROWS: usize = 64;
const SAMPLE_COLUMNS: usize = 128;

/// What another mode than that of the tile before has to save: 8ths of bits.
const CHANGE: u64 = 24;

/// How the elements of `raw` are best predicted. `None`: they are not to be, as far as a sample
/// tells, or nobody said what lies below what.
pub(super) fn prediction(raw: &[u8], options: &BlockOptions) -> Option<Prediction> {
    let layout = &options.layout;
    let ([column], Some(stride)) = (layout.columns(), layout.asked_stride()) else { return None };
    let element = column.element();
    if !layout.may_predict() || raw.len() < SHORTEST || column.width() != element {
        return None;
    }
    let elements = &raw[..raw.len() - raw.len() % element];
    let count = elements.len() / element;
    let stride = (stride / element).clamp(1, count);
    let sample_columns = if count <= SHORT { stride } else { stride.min(SAMPLE_COLUMNS) };
    let sample = sample(elements, element, stride, sample_columns);
    let numbers = if column.is_rotated() { Numbers::Floats } else { predict::whole_numbers(element, &sample) };
    let prediction = Prediction { numbers, tile_log2: TILE_LOG2, stride };
    let of_sample = Prediction { stride: sample_columns, ..prediction };
    let len = |prediction| {
        let mut coded = Vec::with_capacity(sample.len() + sample.len() / 8);
        encode_payload(&sample, options, &Filters { prediction, ..Filters::default() }, &mut coded);
        coded.len()
    };
    (len(Some(of_sample)) < len(None)).then_some(prediction)
}

/// The first `columns` of rows from the middle of `elements`, or all of them where there are few.
fn sample(elements: &[u8], element: usize, stride: usize, columns: usize) -> Vec<u8> {
    let (count, rows) = (elements.len() / element, elements.len() / element / stride);
    if count <= SHORT {
        return elements.to_vec();
    }
    let wanted = (SAMPLE_ROWS * SAMPLE_COLUMNS / columns).min(rows);
    let first = (rows - wanted) / 2;
    let row = |row: usize| &elements[row * stride * element..][..columns * element];
    (first..first + wanted).flat_map(row).copied().collect()
}

/// The mode of each tile that makes its residues smallest.
pub(super) fn choose_modes(matrix: &Matrix, elements: &[u8], modes: &mut Vec<Mode>) {
    modes.clear();
    let mut before = Mode::NONE;
    for tile in 0..matrix.tiles() {
        let mut best = (matrix.cost(tile, before, elements), before);
        for mode in Mode::all().filter(|&mode| mode != before) {
            let cost = matrix.cost(tile, mode, elements) + CHANGE;
            if cost < best.0 {
                best = (cost, mode);
            }
        }
        before = best.1;
        modes.push(before);
    }
}
