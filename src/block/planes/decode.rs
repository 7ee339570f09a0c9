//! A payload to raw bytes.

use std::{cell::Cell, ops::Range};

use crate::{
    error::PayloadError,
    format::{
        fields::Fields,
        planes::{Bounds, Column, Head},
        section::{Descriptor, LateDescriptor, SectionForm},
    },
    planes::{MAX_ELEMENT, buckets::Buckets, columns, zeros},
    section::Decoder,
    simd::{self, Kernel},
};

/// Fills `raw` from the payload of a block of planes.
pub(crate) fn decode_payload(payload: &[u8], raw: &mut [u8], kernel: Kernel) -> Result<(), PayloadError> {
    // What the thread keeps is taken while it is in use: a panic leaves none behind. A thread that
    // ends has no memory to keep.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let decoded = decode(payload, raw, kernel, &mut scratch);
    let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    decoded
}

/// The most memory that a block of `raw_len` bytes takes of a thread, beside its payload and its
/// raw bytes: planes, planes with their zeros or before they are joined, a column, a map. The
/// thread keeps it for the next block.
pub(crate) fn scratch_len(raw_len: usize) -> usize {
    4 * raw_len
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Memory for what stands between sections and raw bytes. Each grows with the largest block so far.
#[derive(Debug, Default)]
struct Scratch {
    /// Planes of the coded elements of one column.
    coded: Vec<u8>,
    /// The symbols of the buckets of one plane.
    cut: Vec<u8>,
    /// Planes of all elements, zeros among them.
    full: Vec<u8>,
    map: Vec<u8>,
    /// The elements of one column of several.
    column: Vec<u8>,
}

/// The first `len` bytes of a buffer, which may hold anything.
fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len {
        *buffer = vec![0; len];
    }
    &mut buffer[..len]
}

fn decode(payload: &[u8], raw: &mut [u8], kernel: Kernel, scratch: &mut Scratch) -> Result<(), PayloadError> {
    let mut fields = Fields::new(payload);
    let head = Head::parse(&mut fields, raw.len(), false)?;
    let mut sections = Sections::parse(fields, head.sections(false), kernel)?;
    let record_len = head.record_len();
    let count = raw.len() / record_len;
    let (records, tail) = raw.split_at_mut(count * record_len);
    let Scratch { coded, cut, full, map, column: elements } = scratch;
    let map = if head.zero_map {
        Some(Map::decode(&mut sections, records.len() / head.columns[0].element, map)?)
    } else {
        None
    };
    let mut start = 0;
    for column in &head.columns {
        let len = count * column.width;
        let planes = Planes::decode(
            &mut sections,
            column,
            map.as_ref().map_or(len / column.element, |map| map.coded),
            coded,
            cut,
        )?;
        let part = start..start + column.width;
        if let [_] = head.columns[..] {
            merge(kernel, &planes.slices(coded), column, map.as_ref(), full, records);
        } else {
            let slices = planes.slices(coded);
            let elements = if let ([plane], false) = (&slices[..], column.rotated) {
                // Bytes are where they should be.
                plane
            } else {
                let elements = room(elements, len);
                merge(kernel, &slices, column, None, full, elements);
                &*elements
            };
            columns::scatter(elements, record_len, part.clone(), records);
        }
        start = part.end;
    }
    sections.decode(tail)?;
    sections.end()
}

/// Merges the planes of a column to its elements. With a map, what is in no plane is put between
/// what is.
fn merge(
    kernel: Kernel,
    planes: &[&[u8]],
    column: &Column,
    map: Option<&Map<'_>>,
    full: &mut Vec<u8>,
    elements: &mut [u8],
) {
    let Some(map) = map else {
        return simd::planes::merge(kernel, planes, column.rotated, elements);
    };
    let count = elements.len() / column.element;
    let full = room(full, elements.len());
    for (index, (plane, coded)) in full.chunks_exact_mut(count).zip(planes).enumerate() {
        simd::planes::expand_zeros(
            kernel,
            map.classes,
            coded,
            zeros::negative_byte(index, column.element, column.rotated),
            plane,
        );
    }
    let mut expanded = [&[][..]; MAX_ELEMENT];
    for (slot, plane) in expanded.iter_mut().zip(full.chunks_exact(count)) {
        *slot = plane;
    }
    simd::planes::merge(kernel, &expanded[..column.element], column.rotated, elements);
}

/// The sections of a payload, which are taken one after the other.
#[derive(Debug)]
struct Sections<'a> {
    descriptors: Fields<'a>,
    payloads: Fields<'a>,
    decoder: Decoder,
    kernel: Kernel,
}

impl<'a> Sections<'a> {
    /// `fields` stand before so many descriptors.
    fn parse(fields: Fields<'a>, count: usize, kernel: Kernel) -> Result<Self, PayloadError> {
        let descriptors = fields.clone();
        let mut payloads = fields;
        for _ in 0..count {
            LateDescriptor::parse(&mut payloads)?;
        }
        Ok(Self { descriptors, payloads, decoder: Decoder::new(kernel), kernel })
    }

    /// The next section, which has so many symbols.
    fn next(&mut self, symbols: usize) -> Result<(Descriptor, &'a [u8]), PayloadError> {
        let descriptor = LateDescriptor::parse(&mut self.descriptors)?.with_symbols(symbols)?;
        let payload = descriptor.parse_payload(&mut self.payloads)?;
        Ok((descriptor, payload))
    }

    fn decode(&mut self, symbols: &mut [u8]) -> Result<(), PayloadError> {
        let (descriptor, payload) = self.next(symbols.len())?;
        self.decoder.decode(&descriptor, payload, symbols)
    }

    fn end(&self) -> Result<(), PayloadError> {
        Ok(self.payloads.end()?)
    }
}

/// A map of zeros, whose classes were verified.
#[derive(Debug)]
struct Map<'m> {
    classes: &'m [u8],
    /// How many elements are in the planes.
    coded: usize,
}

impl<'m> Map<'m> {
    fn decode(sections: &mut Sections<'_>, elements: usize, buffer: &'m mut Vec<u8>) -> Result<Self, PayloadError> {
        let classes = room(buffer, zeros::map_len(elements));
        sections.decode(classes)?;
        let coded = zeros::count_coded(classes, elements, true)?;
        Ok(Self { classes, coded })
    }
}

/// Where the planes of a column are.
#[derive(Debug)]
struct Planes<'a> {
    /// Bytes of each plane.
    len: usize,
    /// Those that are stored lie in the payload. The others are in the buffer, each in its place.
    stored: [Option<&'a [u8]>; MAX_ELEMENT],
    count: usize,
}

impl<'a> Planes<'a> {
    /// Decodes the planes of `len` elements, those that are not stored to `coded`.
    fn decode(
        sections: &mut Sections<'a>,
        column: &Column,
        len: usize,
        coded: &mut Vec<u8>,
        cut: &mut Vec<u8>,
    ) -> Result<Self, PayloadError> {
        let mut planes = Self { len, stored: [None; MAX_ELEMENT], count: column.element };
        let coded = room(coded, len * column.element);
        for index in 0..column.element {
            let (before, plane) = coded.split_at_mut(index * len);
            let plane = &mut plane[..len];
            match column.bounds {
                Some(bounds) if index == 1 => {
                    let keys = planes.stored[0].unwrap_or(before);
                    decode_buckets(sections, &bounds, keys, room(cut, len + SLACK), plane)?;
                }
                _ => {
                    let (descriptor, payload) = sections.next(len)?;
                    if descriptor.form == SectionForm::Stored {
                        planes.stored[index] = Some(payload);
                    } else {
                        sections.decoder.decode(&descriptor, payload, plane)?;
                    }
                }
            }
        }
        Ok(planes)
    }

    fn range(&self, index: usize) -> Range<usize> {
        index * self.len..(index + 1) * self.len
    }

    /// All of them. `coded` is the buffer that they were decoded to.
    fn slices<'s>(&'s self, coded: &'s [u8]) -> PlaneSlices<'s> {
        let mut slices = [&[][..]; MAX_ELEMENT];
        for (index, slice) in slices[..self.count].iter_mut().enumerate() {
            *slice = self.stored[index].unwrap_or(&coded[self.range(index)]);
        }
        PlaneSlices { slices, count: self.count }
    }
}

/// Planes of one column.
#[derive(Debug)]
struct PlaneSlices<'s> {
    slices: [&'s [u8]; MAX_ELEMENT],
    count: usize,
}

impl<'s> std::ops::Deref for PlaneSlices<'s> {
    type Target = [&'s [u8]];

    fn deref(&self) -> &[&'s [u8]] {
        &self.slices[..self.count]
    }
}

/// Bytes behind a plane that is cut, which make it faster to join.
const SLACK: usize = 64;

/// Decodes the sections of a plane that is cut by `keys`, and joins them. `cut` has the plane's
/// length, and some slack.
fn decode_buckets(
    sections: &mut Sections<'_>,
    bounds: &Bounds,
    keys: &[u8],
    cut: &mut [u8],
    plane: &mut [u8],
) -> Result<(), PayloadError> {
    let buckets = Buckets::new(*bounds, keys);
    let mut rest = &mut cut[..];
    for &count in buckets.counts() {
        let (bucket, behind) = rest.split_at_mut(count);
        sections.decode(bucket)?;
        rest = behind;
    }
    simd::planes::join(sections.kernel, cut, keys, &buckets, plane);
    Ok(())
}
