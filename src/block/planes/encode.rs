//! Raw bytes to a payload of planes.

use std::cell::Cell;

use super::{choose, decode::room, sections::Sections, tiles};
use crate::{
    base::BasePart,
    block::lz,
    format::{
        BlockMode,
        check::ContentHash,
        planes::{BaseRange, Column, Head, Prediction},
    },
    kept,
    options::{self, BlockOptions, LayoutProfile},
    planes::{
        columns, delta,
        predict::{Matrix, Mode},
        zeros,
    },
    simd::{self, Kernel},
};

/// Codes `raw` as planes of its layout, or as without one, whichever is smaller. `None`: it is to
/// be stored, and what was appended is to be thrown away.
pub(in crate::block) fn append(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    let prediction = tiles::prediction(raw, options);
    // The plane of bytes is these bytes, if they are not predicted.
    let mere_bytes = options.layout.is_bytes() && prediction.is_none();
    if mere_bytes || raw.len() < options.layout.record_len() {
        return lz::append(raw, options, out);
    }
    let start = out.len();
    encode_smaller(raw, options, None, out);
    if prediction.is_some() {
        let filters = Filters { prediction, ..Filters::default() };
        encode_if_smaller(raw, options, &filters, (start, 1), out);
    }
    let planes_len = out.len() - start;
    let pays = planes_len as u64 <= options.policy.worth(raw.len());
    if pays && !choose::others_may_be_smaller(raw, planes_len, options) {
        return Some(BlockMode::Planes);
    }
    let other = lz::append(raw, options, out);
    let other_len = out.len() - start - planes_len;
    if other.is_some() && (other_len <= planes_len || !pays) {
        out.drain(start..start + planes_len);
        return other;
    }
    out.truncate(start + planes_len);
    pays.then_some(BlockMode::Planes)
}

/// Codes `raw` as differences from a base. `false`: it is not to be had there, or nothing would be
/// gained, and what was appended is to be thrown away.
pub(in crate::block) fn append_over_base(
    raw: &[u8],
    options: &BlockOptions,
    part: &BasePart,
    out: &mut Vec<u8>,
) -> bool {
    if options.layout.is_bytes() || raw.len() < options.layout.record_len() {
        return false;
    }
    kept::with(&BASE, |kept| {
        let bytes = room(kept, raw.len());
        if !matches!(part.base.read(bytes, part.offset), Some(Ok(()))) {
            return false;
        }
        let mut content = ContentHash::default();
        content.update(bytes);
        let range = BaseRange { offset: part.offset, hash: content.value() };
        let start = out.len();
        encode_smaller(raw, options, Some((range, bytes)), out);
        (out.len() - start) as u64 <= options.policy.worth(raw.len())
    })
}

/// What a payload has beside planes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filters<'b> {
    /// A map of zeros: only for layouts of one column.
    pub(super) zero_map: bool,
    /// Elements are predicted by each other: only for layouts of one column, without the others.
    pub(super) prediction: Option<Prediction>,
    /// Bytes to differ from, as many as the raw ones.
    pub(super) base: Option<(BaseRange, &'b [u8])>,
}

/// Appends the payload of `raw`, over a base if there is one, and with a map of zeros where that is
/// worth it.
fn encode_smaller(raw: &[u8], options: &BlockOptions, base: Option<(BaseRange, &[u8])>, out: &mut Vec<u8>) {
    let start = out.len();
    let filters = Filters { base, ..Filters::default() };
    encode_payload(raw, options, &filters, out);
    let gain = match base {
        // Most elements may be as they were.
        Some(_) if options.layout.columns().len() == 1 => Some(1),
        Some(_) => None,
        None => choose::zero_map_gain(raw, &options.layout),
    };
    if let Some(gain) = gain {
        encode_if_smaller(raw, options, &Filters { zero_map: true, ..filters }, (start, gain), out);
    }
}

/// Puts another payload of `raw` in the place of the one from `start` on, if so many bytes are
/// gained by it.
fn encode_if_smaller(
    raw: &[u8],
    options: &BlockOptions,
    filters: &Filters<'_>,
    (start, gain): (usize, usize),
    out: &mut Vec<u8>,
) {
    let end = out.len();
    encode_payload(raw, options, filters, out);
    if out.len() - end + gain <= end - start {
        out.drain(start..end);
    } else {
        out.truncate(end);
    }
}

/// Appends the payload of `raw`, which has a whole record at least. It may be longer than `raw`.
pub(super) fn encode_payload(raw: &[u8], options: &BlockOptions, filters: &Filters<'_>, out: &mut Vec<u8>) {
    kept::with(&SCRATCH, |kept| kept.get_or_insert_default().encode(raw, options, filters, out));
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    /// The bytes of a base that a block differs from.
    static BASE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives back what the calling thread keeps.
pub(super) fn release() {
    kept::release(&SCRATCH);
    kept::release(&BASE);
}

/// Memory for what stands between raw bytes and sections.
#[derive(Debug, Default)]
struct Scratch {
    /// The elements of one column.
    elements: Vec<u8>,
    map: Vec<u8>,
    /// The same elements of a base, where the record has others as well, and their keys.
    base_column: Vec<u8>,
    keys: Vec<u8>,
    modes: Vec<Mode>,
    coder: ColumnCoder,
}

impl Scratch {
    fn encode(&mut self, raw: &[u8], options: &BlockOptions, filters: &Filters<'_>, out: &mut Vec<u8>) {
        let Filters { zero_map, prediction, base } = *filters;
        let record_len = options.layout.record_len();
        let count = raw.len() / record_len;
        let (records, tail) = raw.split_at(count * record_len);
        let Self { elements, map, base_column, keys, modes, coder } = self;
        coder.begin(options, base.is_some());
        let mut columns: Vec<Column> = options.layout.columns().iter().copied().map(wire_column).collect();
        let mut start = 0;
        for column in &mut columns {
            let part = start..start + column.width;
            start = part.end;
            if let Some(prediction) = prediction {
                let matrix = Matrix::new(column.element, records.len() / column.element, prediction);
                tiles::choose_modes(&matrix, records, modes);
                elements.resize(records.len(), 0);
                matrix.predict(modes, records, elements);
                coder.sections.add(&modes.iter().map(|mode| mode.symbol()).collect::<Vec<_>>());
                (column.prediction, column.rotated) = (Some(prediction), false);
                coder.encode(elements, None, column);
                continue;
            }
            if column.width == record_len && !zero_map && base.is_none() {
                coder.encode(records, None, column);
                continue;
            }
            elements.resize(count * column.width, 0);
            columns::gather(records, record_len, part.clone(), elements);
            let mut kept = elements.len();
            if let Some((_, base)) = base {
                let base = &base[..records.len()];
                let base = if column.width == record_len {
                    base
                } else {
                    base_column.resize(count * column.width, 0);
                    columns::gather(base, record_len, part, base_column);
                    &base_column[..]
                };
                delta::difference(elements, base, column.element);
                keys.resize(kept / column.element, 0);
                delta::top_bytes(base, column.element, column.rotated, keys);
            }
            if zero_map {
                kept = coder.take_out_zeros(elements, column.element, base.is_none(), map);
                if base.is_some() {
                    zeros::keep_coded(map, keys);
                    keys.truncate(kept / column.element);
                }
            }
            coder.encode(&elements[..kept], base.is_some().then_some(&keys[..]), column);
        }
        coder.sections.add(tail);
        coder.sections.write(base.map(|(range, _)| range), &Head { columns, zero_map }, out);
    }
}

fn wire_column(column: options::Column) -> Column {
    let (width, element) = (column.width(), column.element());
    Column { width, element, rotated: column.is_rotated(), bounds: None, prediction: None }
}

/// Codes one column after the other.
#[derive(Debug)]
struct ColumnCoder {
    planes: Vec<u8>,
    cut: Vec<u8>,
    sections: Sections,
    /// Whether second planes may be cut by the first ones.
    cuts: bool,
    kernel: Kernel,
}

impl Default for ColumnCoder {
    fn default() -> Self {
        let (planes, cut, sections) = (Vec::new(), Vec::new(), Sections::default());
        Self { planes, cut, sections, cuts: false, kernel: Kernel::Portable }
    }
}

impl ColumnCoder {
    /// Begins a new payload.
    fn begin(&mut self, options: &BlockOptions, over_base: bool) {
        let profile = options.layout.asked_profile();
        self.sections.begin(options);
        self.kernel = Kernel::or_default(options.kernel);
        // Differences follow the exponents of what they differ from.
        self.cuts = profile == LayoutProfile::Small || (over_base && profile != LayoutProfile::Device);
    }

    /// Codes the map of `elements`, and moves those that are not zero to their front: so many
    /// bytes.
    fn take_out_zeros(&mut self, elements: &mut [u8], element: usize, signed: bool, map: &mut Vec<u8>) -> usize {
        map.resize(zeros::map_len(elements.len() / element), 0);
        let kept = zeros::take_out(elements, element, signed, map);
        self.sections.add(map);
        kept * element
    }

    /// Codes the planes of a column, and notes how they are cut: its second plane by its first, or
    /// all by the keys of a base, where there is one.
    fn encode(&mut self, elements: &[u8], base_keys: Option<&[u8]>, column: &mut Column) {
        let Self { planes, cut, sections, cuts, kernel } = self;
        sections.begin_column(column);
        planes.resize(elements.len(), 0);
        simd::planes::split(*kernel, elements, column.element, column.rotated && base_keys.is_none(), planes);
        let len = elements.len() / column.element;
        if let Some(keys) = base_keys {
            let bounds = if *cuts { choose::bounds_of_planes(keys, planes) } else { None };
            if let Some(bounds) = bounds {
                column.bounds = sections.add_smaller(planes, keys, &bounds, cut).then_some(bounds);
                return;
            }
        }
        for index in 0..column.element {
            let (keys, plane) = (&planes[..len], &planes[index * len..][..len]);
            let cuts = *cuts && index == 1 && base_keys.is_none();
            let bounds = if cuts { choose::bounds(keys, plane) } else { None };
            if let Some(bounds) = bounds {
                column.bounds = sections.add_smaller(plane, keys, &bounds, cut).then_some(bounds);
            } else {
                sections.add(plane);
            }
        }
    }
}
