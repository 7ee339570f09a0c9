//! Raw bytes to a payload of planes.

use std::cell::Cell;

use super::{choose, sections::Sections};
use crate::{
    block::lz,
    format::{
        BlockMode,
        planes::{Column, Head},
    },
    options::{self, BlockOptions, LayoutProfile},
    planes::{columns, zeros},
    simd::{self, Kernel},
};

/// Codes `raw` as planes of its layout, or as without one, whichever is smaller. `None`: it is to
/// be stored, and what was appended is to be thrown away.
pub(in crate::block) fn append(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) -> Option<BlockMode> {
    if options.layout.is_bytes() || raw.len() < options.layout.record_len() {
        return lz::append(raw, options, out);
    }
    let start = out.len();
    encode_smaller(raw, options, out);
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

/// Appends the payload of `raw`, with a map of zeros where that is worth it.
fn encode_smaller(raw: &[u8], options: &BlockOptions, out: &mut Vec<u8>) {
    let start = out.len();
    encode_payload(raw, options, false, out);
    let Some(least_gain) = choose::zero_map_gain(raw, &options.layout) else { return };
    let end = out.len();
    encode_payload(raw, options, true, out);
    let (without, with) = (end - start, out.len() - end);
    if with + least_gain <= without {
        out.drain(start..end);
    } else {
        out.truncate(end);
    }
}

/// Appends the payload of `raw`, which has a whole record at least. It may be longer than `raw`.
/// `zero_map`: only for layouts of one column.
pub(super) fn encode_payload(raw: &[u8], options: &BlockOptions, zero_map: bool, out: &mut Vec<u8>) {
    // What the thread keeps is taken while it is in use: a panic leaves none behind. A thread that
    // ends has no memory to keep.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    scratch.encode(raw, options, zero_map, out);
    let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Memory for what stands between raw bytes and sections.
#[derive(Debug, Default)]
struct Scratch {
    /// The elements of one column.
    elements: Vec<u8>,
    map: Vec<u8>,
    coder: ColumnCoder,
}

impl Scratch {
    fn encode(&mut self, raw: &[u8], options: &BlockOptions, zero_map: bool, out: &mut Vec<u8>) {
        let record_len = options.layout.record_len();
        let count = raw.len() / record_len;
        let (records, tail) = raw.split_at(count * record_len);
        let Self { elements, map, coder } = self;
        coder.sections.begin(options);
        coder.kernel = Kernel::or_default(options.kernel);
        coder.cuts = options.layout.asked_profile() == LayoutProfile::Small;
        let mut columns: Vec<Column> = options.layout.columns().iter().copied().map(wire_column).collect();
        let mut start = 0;
        for column in &mut columns {
            let part = start..start + column.width;
            start = part.end;
            if zero_map {
                let kept = coder.take_out_zeros(records, column, elements, map);
                coder.encode(&elements[..kept], column);
            } else if column.width == record_len {
                coder.encode(records, column);
            } else {
                elements.resize(count * column.width, 0);
                columns::gather(records, record_len, part, elements);
                coder.encode(elements, column);
            }
        }
        coder.sections.add(tail);
        coder.sections.write(&Head { columns, zero_map }, out);
    }
}

fn wire_column(column: options::Column) -> Column {
    let (width, element) = (column.width(), column.element());
    Column { width, element, rotated: column.is_rotated(), bounds: None }
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
    /// Codes the map of a column's elements, and leaves the others in `elements`: so many bytes.
    fn take_out_zeros(&mut self, records: &[u8], column: &Column, elements: &mut Vec<u8>, map: &mut Vec<u8>) -> usize {
        elements.clear();
        elements.extend_from_slice(records);
        map.resize(zeros::map_len(records.len() / column.element), 0);
        let kept = zeros::take_out(elements, column.element, true, map);
        self.sections.add(map);
        kept * column.element
    }

    /// Codes the planes of a column, and notes how they are cut.
    fn encode(&mut self, elements: &[u8], column: &mut Column) {
        let Self { planes, cut, sections, cuts, kernel } = self;
        planes.resize(elements.len(), 0);
        simd::planes::split(*kernel, elements, column.element, column.rotated, planes);
        let len = elements.len() / column.element;
        for index in 0..column.element {
            let (keys, plane) = (&planes[..len], &planes[index * len..][..len]);
            let bounds = if *cuts && index == 1 { choose::bounds(keys, plane) } else { None };
            if let Some(bounds) = bounds {
                column.bounds = sections.add_smaller(plane, keys, &bounds, cut).then_some(bounds);
            } else {
                sections.add(plane);
            }
        }
    }
}
