//! A payload to raw bytes.

use std::{cell::Cell, ops::Range};

use crate::{
    base::Base,
    error::PayloadError,
    format::{
        check::ContentHash,
        fields::Fields,
        planes::{BaseRange, Column, Head},
        section::{Descriptor, LateDescriptor, SectionForm},
    },
    kept,
    planes::{
        MAX_ELEMENT,
        buckets::Buckets,
        columns, delta,
        predict::{self, Matrix},
        zeros,
    },
    section::{Decoder, Place},
    simd::{self, Kernel},
};

/// Fills `raw` from the payload of a block of planes.
pub(crate) fn decode_payload(payload: &[u8], raw: &mut [u8], kernel: Kernel) -> Result<(), PayloadError> {
    kept::with(&SCRATCH, |kept| kept.get_or_insert_default().decode(Fields::new(payload), raw, false, kernel))
}

/// Fills `raw` from the payload of a block of planes over a base.
pub(crate) fn decode_over_base(
    payload: &[u8],
    raw: &mut [u8],
    base: Option<&Base>,
    kernel: Kernel,
) -> Result<(), PayloadError> {
    let mut fields = Fields::new(payload);
    let range = BaseRange::parse(&mut fields)?;
    kept::with(&SCRATCH, |kept| {
        let scratch = kept.get_or_insert_default();
        read_base(range, base, room(&mut scratch.base, raw.len()))?;
        scratch.decode(fields, raw, true, kernel)
    })
}

/// Fills `bytes` with those that a block needs, and verifies them.
fn read_base(range: BaseRange, base: Option<&Base>, bytes: &mut [u8]) -> Result<(), PayloadError> {
    let BaseRange { offset: base_offset, hash } = range;
    let base = base.ok_or(PayloadError::NeedsBase { base_offset, hash })?;
    let wrong = |found| PayloadError::WrongBase { base_offset, expected: hash, found };
    base.read(bytes, base_offset).ok_or(wrong(None))?.map_err(|error| PayloadError::UnreadBase(error.kind()))?;
    let mut content = ContentHash::default();
    content.update(bytes);
    if content.value() == hash { Ok(()) } else { Err(wrong(Some(content.value()))) }
}

/// The most memory that a block of `raw_len` bytes takes of a thread, beside its payload and its
/// raw bytes: planes, planes with their zeros or before they are joined, a column, a map, and the
/// bytes of the base, all of them, of a column, and of the keys. The thread keeps it for the next
/// block.
pub(crate) fn scratch_len(raw_len: usize, over_base: bool) -> usize {
    if over_base { 7 * raw_len } else { 4 * raw_len }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Gives back what the calling thread keeps.
pub(super) fn release() {
    kept::release(&SCRATCH);
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
    /// The modes of tiles.
    modes: Vec<u8>,
    /// The elements of one column of several.
    column: Vec<u8>,
    /// What the block differs from, the same of one column of several, and its keys.
    base: Vec<u8>,
    base_column: Vec<u8>,
    keys: Vec<u8>,
}

/// The first `len` bytes of a buffer, which may hold anything.
pub(super) fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len {
        *buffer = vec![0; len];
    }
    &mut buffer[..len]
}

impl Scratch {
    /// Fills `raw`. `fields` stand before the head. `over_base`: the base's bytes are here.
    fn decode(
        &mut self,
        mut fields: Fields<'_>,
        raw: &mut [u8],
        over_base: bool,
        kernel: Kernel,
    ) -> Result<(), PayloadError> {
        let head = Head::parse(&mut fields, raw.len(), over_base)?;
        let mut sections = Sections::parse(fields, head.sections(over_base), kernel)?;
        let record_len = head.record_len();
        let count = raw.len() / record_len;
        let (records, tail) = raw.split_at_mut(count * record_len);
        let Self { coded, cut, full, map, modes, column: elements, base, base_column, keys } = self;
        let map = if head.zero_map {
            Some(Map::decode(&mut sections, records.len() / head.columns[0].element, !over_base, map)?)
        } else {
            None
        };
        let mut start = 0;
        for column in &head.columns {
            let len = count * column.width;
            let part = start..start + column.width;
            start = part.end;
            let alone = column.width == record_len;
            let reference = match (over_base, column.prediction) {
                (true, _) if alone => Reference::Base(&base[..len]),
                (true, _) => {
                    let base_column = room(base_column, len);
                    columns::gather(&base[..records.len()], record_len, part.clone(), base_column);
                    Reference::Base(base_column)
                }
                (false, Some(prediction)) => {
                    let matrix = Matrix::new(column.element, len / column.element, prediction);
                    let modes = room(modes, matrix.tiles());
                    sections.decode(modes)?;
                    predict::verify(modes)?;
                    Reference::Neighbours(matrix, modes)
                }
                (false, None) => Reference::Nothing,
            };
            let keys = reference.keys(column, map.as_ref(), keys);
            let coded_len = map.as_ref().map_or(len / column.element, |map| map.coded);
            let planes = Planes::decode(&mut sections, column, coded_len, keys, coded, cut)?;
            let all = planes.slices(coded, column.element);
            let slices = &all[..column.element];
            // Differences are not rotated, only the keys.
            let column = &Column { rotated: column.rotated && !over_base, ..*column };
            if alone {
                merge(kernel, slices, column, map.as_ref(), full, records);
                reference.restore(records, column.element);
                continue;
            }
            let elements = if let ([plane], false, Reference::Nothing) = (slices, column.rotated, &reference) {
                // Bytes are where they should be.
                plane
            } else {
                let elements = room(elements, len);
                merge(kernel, slices, column, None, full, elements);
                reference.restore(elements, column.element);
                &*elements
            };
            columns::scatter(elements, record_len, part, records);
        }
        sections.decode(tail)?;
        sections.end()
    }
}

/// What the numbers of a column are differences from.
#[derive(Debug)]
enum Reference<'b> {
    /// They are elements.
    Nothing,
    /// The same elements of a base.
    Base(&'b [u8]),
    /// What each element's neighbours tell, by the modes of tiles.
    Neighbours(Matrix, &'b [u8]),
}

impl Reference<'_> {
    /// The keys of the elements that are coded, from those of the base, where there is one.
    fn keys<'k>(&self, column: &Column, map: Option<&Map<'_>>, keys: &'k mut Vec<u8>) -> Option<&'k [u8]> {
        let Self::Base(base) = self else { return None };
        let keys = room(keys, base.len() / column.element);
        delta::top_bytes(base, column.element, column.rotated, keys);
        let Some(map) = map else { return Some(keys) };
        zeros::keep_coded(map.classes, keys);
        Some(&keys[..map.coded])
    }

    /// Differences to elements.
    fn restore(&self, elements: &mut [u8], element: usize) {
        match self {
            Self::Nothing => {}
            Self::Base(base) => delta::apply(elements, base, element),
            Self::Neighbours(matrix, modes) => matrix.restore(modes, elements),
        }
    }
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
pub(super) struct Sections<'a> {
    descriptors: Fields<'a>,
    payloads: Fields<'a>,
    decoder: Decoder,
    pub(super) kernel: Kernel,
}

impl<'a> Sections<'a> {
    /// `fields` stand before so many descriptors.
    pub(super) fn parse(fields: Fields<'a>, count: usize, kernel: Kernel) -> Result<Self, PayloadError> {
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

    /// The symbols `wanted` of the next section: where they are stored, or decoded to their places.
    pub(super) fn next_part<'s>(
        &mut self,
        symbols: &'s mut [u8],
        wanted: &Range<usize>,
    ) -> Result<&'s [u8], PayloadError>
    where
        'a: 's,
    {
        let (descriptor, payload) = self.next(symbols.len())?;
        if descriptor.form == SectionForm::Stored {
            return Ok(&payload[wanted.clone()]);
        }
        self.decoder.decode_part(&descriptor, payload, symbols, wanted)?;
        Ok(&symbols[wanted.clone()])
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
    fn decode(
        sections: &mut Sections<'_>,
        elements: usize,
        signed: bool,
        buffer: &'m mut Vec<u8>,
    ) -> Result<Self, PayloadError> {
        let classes = room(buffer, zeros::map_len(elements));
        sections.decode(classes)?;
        let coded = zeros::count_coded(classes, elements, signed)?;
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
}

impl<'a> Planes<'a> {
    /// Decodes the planes of `len` elements, those that are not stored to `coded`. A column that is
    /// cut is cut by `base_keys`, or, where there are none, its second plane by its first.
    fn decode(
        sections: &mut Sections<'a>,
        column: &Column,
        len: usize,
        base_keys: Option<&[u8]>,
        coded: &mut Vec<u8>,
        cut: &mut Vec<u8>,
    ) -> Result<Self, PayloadError> {
        let mut planes = Self { len, stored: [None; MAX_ELEMENT] };
        // All planes that are cut have the same keys.
        let mut buckets = None;
        let coded = room(coded, len * column.element);
        for index in 0..column.element {
            let (before, plane) = coded.split_at_mut(index * len);
            let plane = &mut plane[..len];
            match column.bounds {
                Some(bounds) if index == 1 || base_keys.is_some() => {
                    let keys = base_keys.or(planes.stored[0]).unwrap_or_else(|| &before[..len]);
                    let buckets = buckets.get_or_insert_with(|| Buckets::new(bounds, keys));
                    decode_buckets(sections, buckets, keys, room(cut, len + SLACK), plane)?;
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

    /// The first `element` are the planes. `coded` is the buffer that they were decoded to.
    fn slices<'s>(&'s self, coded: &'s [u8], element: usize) -> [&'s [u8]; MAX_ELEMENT] {
        let mut slices = [&[][..]; MAX_ELEMENT];
        for (index, slice) in slices[..element].iter_mut().enumerate() {
            *slice = self.stored[index].unwrap_or(&coded[self.range(index)]);
        }
        slices
    }
}

/// Bytes behind a plane that is cut, which make it faster to join.
const SLACK: usize = 64;

/// Decodes the sections of a plane that is cut by `keys` to `buckets`, and joins them. `cut` has
/// the plane's length, and some slack.
fn decode_buckets(
    sections: &mut Sections<'_>,
    buckets: &Buckets,
    keys: &[u8],
    cut: &mut [u8],
    plane: &mut [u8],
) -> Result<(), PayloadError> {
    let mut rest = &mut cut[..];
    let mut places = Vec::with_capacity(buckets.counts().len());
    let mut fault = Ok(());
    for &count in buckets.counts() {
        let (bucket, behind) = rest.split_at_mut(count);
        rest = behind;
        match sections.next(count) {
            Ok((descriptor, payload)) => places.push(Place { descriptor, payload, symbols: bucket }),
            Err(error) => {
                fault = Err(error);
                break;
            }
        }
    }
    sections.decoder.decode_all(&mut places)?;
    fault?;
    simd::planes::join(sections.kernel, cut, keys, buckets, plane);
    Ok(())
}
