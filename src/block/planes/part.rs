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

/// Fills `parts`, each with the raw bytes from its place on, from the payload of a block of
/// `raw_len` bytes: from the segments that hold them. `false`: to know where they are, all of the
/// block has to be decoded, and nothing was done.
pub(crate) fn decode_parts(
    payload: &[u8],
    raw_len: usize,
    parts: &mut [(usize, &mut [u8])],
    kernel: Kernel,
) -> Result<bool, PayloadError> {
    let mut fields = Fields::new(payload);
    let head = Head::parse(&mut fields, raw_len, false)?;
    let needs_others = |column: &Column| column.bounds.is_some() || column.prediction.is_some();
    if head.zero_map || head.columns.iter().any(needs_others) {
        return Ok(false);
    }
    let (record_len, count) = (head.record_len(), raw_len / head.record_len());
    let mut places: Vec<Place<'_>> = parts.iter_mut().map(|(from, out)| Place::new(*from, out, record_len)).collect();
    let first = places.iter().map(|place| place.records.start).min().unwrap_or(0);
    let end = places.iter().map(|place| place.records.end).max().unwrap_or(0);
    // A tail is the last section.
    if end > count {
        return Ok(false);
    }
    let sections = Sections::parse(fields, head.sections(false), kernel)?;
    decode_records(&head, sections, count, first..end, &mut places)?;
    places.into_iter().for_each(Place::finish);
    Ok(true)
}

/// Where the records of a part go.
#[derive(Debug)]
struct Place<'o> {
    records: Range<usize>,
    out: &'o mut [u8],
    /// All of its records, where the part does not begin and end with one, and how many bytes of
    /// the first one are before it.
    whole: Option<(Vec<u8>, usize)>,
}

impl<'o> Place<'o> {
    fn new(from: usize, out: &'o mut [u8], record_len: usize) -> Self {
        let records = from / record_len..(from + out.len()).div_ceil(record_len);
        let len = records.len() * record_len;
        let whole = (out.len() != len).then(|| (vec![0; len], from - records.start * record_len));
        Self { records, out, whole }
    }

    fn raw(&mut self) -> &mut [u8] {
        self.whole.as_mut().map_or(&mut *self.out, |(whole, _)| whole)
    }

    fn finish(self) {
        if let Some((whole, skipped)) = self.whole {
            self.out.copy_from_slice(&whole[skipped..skipped + self.out.len()]);
        }
    }
}

/// Decodes the records `wanted` of `count`, and puts those of each place there.
fn decode_records(
    head: &Head,
    mut sections: Sections<'_>,
    count: usize,
    wanted: Range<usize>,
    places: &mut [Place<'_>],
) -> Result<(), PayloadError> {
    let (record_len, mut start, mut buffer) = (head.record_len(), 0, Vec::new());
    for column in &head.columns {
        let each = column.width / column.element;
        let part = start..start + column.width;
        start = part.end;
        let elements = wanted.start * each..wanted.end * each;
        with_planes(&mut sections, column, count * each, &elements, |planes, kernel| {
            for place in &mut *places {
                let from = (place.records.start - wanted.start) * each;
                let (records, mut here) = (place.records.len(), [&[][..]; MAX_ELEMENT]);
                for (here, plane) in here.iter_mut().zip(planes) {
                    *here = &plane[from..][..records * each];
                }
                let here = &here[..planes.len()];
                if let [_] = head.columns[..] {
                    simd::planes::merge(kernel, here, column.rotated, place.raw());
                } else {
                    buffer.resize(records * column.width, 0);
                    simd::planes::merge(kernel, here, column.rotated, &mut buffer);
                    columns::scatter(&buffer, record_len, part.clone(), place.raw());
                }
            }
        })?;
    }
    Ok(())
}

/// Decodes the elements `wanted` of the `count` of a column, whose sections come next, and lends
/// their planes.
fn with_planes(
    sections: &mut Sections<'_>,
    column: &Column,
    count: usize,
    wanted: &Range<usize>,
    work: impl FnOnce(&[&[u8]], Kernel),
) -> Result<(), PayloadError> {
    kept::with(&PLANES, |kept| {
        let mut places = room(kept, count * column.element).chunks_exact_mut(count.max(1));
        let mut planes = [&[][..]; MAX_ELEMENT];
        for plane in &mut planes[..column.element] {
            *plane = sections.next_part(places.next().unwrap_or_default(), wanted)?;
        }
        work(&planes[..column.element], sections.kernel);
        Ok(())
    })
}
