//! Some raw bytes of a payload.

use std::{cell::Cell, ops::Range};

use super::decode::{Sections, room};
use crate::{
    error::PayloadError,
    format::{
        fields::Fields,
        planes::{Column, Head},
    },
    kept,
    planes::{MAX_ELEMENT, columns},
    simd::{self, Kernel},
};

thread_local! {
    /// Planes of a column, of which a few segments are touched.
    static PLANES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives back what the calling thread keeps.
pub(super) fn release() {
    kept::release(&PLANES);
}

/// Fills `out` with the raw bytes from `from` on, from the payload of a block of `raw_len` bytes:
/// from the segments that hold them. `false`: to know where they are, all of the block has to be
/// decoded, and nothing was done.
pub(crate) fn decode_part(
    payload: &[u8],
    raw_len: usize,
    from: usize,
    out: &mut [u8],
    kernel: Kernel,
) -> Result<bool, PayloadError> {
    let mut fields = Fields::new(payload);
    let head = Head::parse(&mut fields, raw_len, false)?;
    let record_len = head.record_len();
    let records = from / record_len..(from + out.len()).div_ceil(record_len);
    let needs_others = |column: &Column| column.bounds.is_some() || column.prediction.is_some();
    if head.zero_map || head.columns.iter().any(needs_others) || records.end > raw_len / record_len {
        return Ok(false);
    }
    let skipped = from - records.start * record_len;
    let decode = |raw: &mut [u8]| decode_records(&head, fields, raw_len / record_len, &records, raw, kernel);
    if out.len() == records.len() * record_len {
        decode(out)?;
    } else {
        let mut whole = vec![0; records.len() * record_len];
        decode(&mut whole)?;
        out.copy_from_slice(&whole[skipped..skipped + out.len()]);
    }
    Ok(true)
}

/// Decodes some of `count` records. `fields` stand before the descriptors.
fn decode_records(
    head: &Head,
    fields: Fields<'_>,
    count: usize,
    records: &Range<usize>,
    raw: &mut [u8],
    kernel: Kernel,
) -> Result<(), PayloadError> {
    let mut sections = Sections::parse(fields, head.sections(false), kernel)?;
    let (record_len, mut start, mut buffer) = (head.record_len(), 0, Vec::new());
    for column in &head.columns {
        let each = column.width / column.element;
        let wanted = records.start * each..records.end * each;
        let part = start..start + column.width;
        if let [_] = head.columns[..] {
            decode_elements(&mut sections, column, count * each, &wanted, raw)?;
        } else {
            buffer.resize(records.len() * column.width, 0);
            decode_elements(&mut sections, column, count * each, &wanted, &mut buffer)?;
            columns::scatter(&buffer, record_len, part.clone(), raw);
        }
        start = part.end;
    }
    Ok(())
}

/// Decodes the elements `wanted` of the `count` of a column, whose sections come next.
fn decode_elements(
    sections: &mut Sections<'_>,
    column: &Column,
    count: usize,
    wanted: &Range<usize>,
    elements: &mut [u8],
) -> Result<(), PayloadError> {
    kept::with(&PLANES, |kept| {
        let mut places = room(kept, count * column.element).chunks_exact_mut(count.max(1));
        let mut planes = [&[][..]; MAX_ELEMENT];
        for plane in &mut planes[..column.element] {
            *plane = sections.next_part(places.next().unwrap_or_default(), wanted)?;
        }
        simd::planes::merge(sections.kernel, &planes[..column.element], column.rotated, elements);
        Ok(())
    })
}
