//! Blocks of planes, put together from FORMAT.md, section 19, byte by byte: what an encoder makes
//! of its freedom does not show here.

use ranstream::{
    Error,
    error::{Corruption, Feature},
};

use super::{
    Golden,
    bad::{HEADER, bad_block, bad_payload, refused_block},
    stirred,
};
use crate::assembly::{Assembly, data_block};

pub(super) const TAG: u8 = 0x0D;

/// Bits of a column's `how`.
const ROTATED: u8 = 1;
pub(super) const PARTITIONED: u8 = 2;

/// What a payload says of its records.
#[derive(Debug, Clone, Default)]
struct Layout {
    zero_map: bool,
    /// Width, element, how, first keys.
    columns: Vec<(usize, usize, u8, Vec<u8>)>,
}

impl Layout {
    fn of(columns: &[(usize, usize, u8)]) -> Self {
        let columns = columns.iter().map(|&(width, element, how)| (width, element, how, Vec::new())).collect();
        Self { zero_map: false, columns }
    }

    fn partitioned(width: usize, first_keys: &[u8]) -> Self {
        Self { zero_map: false, columns: vec![(width, width, ROTATED | PARTITIONED, first_keys.to_vec())] }
    }

    /// The sections of `raw`, in their order.
    fn sections(&self, raw: &[u8]) -> Vec<Vec<u8>> {
        let record_len: usize = self.columns.iter().map(|(width, ..)| width).sum();
        let records = raw.chunks_exact(record_len);
        let tail = records.remainder().to_vec();
        let mut sections = Vec::new();
        let mut start = 0;
        for (width, element, how, first_keys) in &self.columns {
            let column = records.clone().flat_map(|record| &record[start..start + width]).copied();
            let column: Vec<u8> = column.collect();
            start += width;
            let mut numbers: Vec<u64> = column.chunks_exact(*element).map(number).collect();
            let sign = 1_u64 << (8 * element - 1);
            if self.zero_map {
                sections.push(zero_map(&numbers, sign));
                numbers.retain(|&number| number != 0 && number != sign);
            }
            if how & ROTATED != 0 {
                for number in &mut numbers {
                    *number = ((*number & !sign) << 1) | (*number / sign);
                }
            }
            let plane = |index: usize| -> Vec<u8> {
                numbers.iter().map(|number| (number >> (8 * (element - 1 - index))) as u8).collect()
            };
            append_planes(*element, first_keys, plane, &mut sections);
        }
        sections.push(tail);
        sections
    }

    fn payload(&self, raw: &[u8]) -> Vec<u8> {
        let sections = self.sections(raw);
        let mut payload = vec![self.columns.len() as u8, u8::from(self.zero_map)];
        payload.extend((sections.len() as u16).to_le_bytes());
        for (width, element, how, _) in &self.columns {
            payload.extend((*width as u16).to_le_bytes());
            payload.extend([*element as u8, *how]);
        }
        self.columns.iter().for_each(|(.., first_keys)| append_bounds(first_keys, &mut payload));
        append_sections(&sections, &mut payload);
        payload
    }
}

/// The planes of a column, the second one in buckets if there are first keys.
pub(super) fn append_planes(
    element: usize,
    first_keys: &[u8],
    plane: impl Fn(usize) -> Vec<u8>,
    sections: &mut Vec<Vec<u8>>,
) {
    for index in 0..element {
        if index == 1 && !first_keys.is_empty() {
            let (keys, symbols) = (plane(0), plane(1));
            let bucket = |key: u8| first_keys.iter().filter(|&&first| first <= key).count();
            sections.extend((0..=first_keys.len()).map(|wanted| {
                let pairs = symbols.iter().zip(&keys);
                pairs.filter(|(_, key)| bucket(**key) == wanted).map(|(symbol, _)| *symbol).collect()
            }));
        } else {
            sections.push(plane(index));
        }
    }
}

/// How many buckets a column has, and where they begin, if it has any.
pub(super) fn append_bounds(first_keys: &[u8], payload: &mut Vec<u8>) {
    if !first_keys.is_empty() {
        payload.push(first_keys.len() as u8 + 1);
        payload.extend(first_keys);
    }
}

/// Descriptors and payloads, none of which is coded.
pub(super) fn append_sections(sections: &[Vec<u8>], payload: &mut Vec<u8>) {
    let is_fill = |section: &Vec<u8>| section.iter().all(|&symbol| symbol == section[0]);
    for section in sections {
        payload.push(if section.is_empty() {
            0x00
        } else if is_fill(section) {
            0x02
        } else {
            0x01
        });
    }
    for section in sections {
        payload.extend(&section[..if is_fill(section) { section.len().min(1) } else { section.len() }]);
    }
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn zero_map(numbers: &[u64], sign: u64) -> Vec<u8> {
    let class = |&number: &u64| {
        if number == 0 {
            1
        } else if number == sign {
            2
        } else {
            0
        }
    };
    let classes: Vec<u8> = numbers.iter().map(class).collect();
    classes.chunks(4).map(|four| four.iter().rev().fold(0, |byte, class| byte << 2 | class)).collect()
}

/// The floats 1 to 16: the example of FORMAT.md.
fn numbers() -> Vec<u8> {
    (1..=16_u8).flat_map(|number| f32::from(number).to_le_bytes()).collect()
}

/// Halves of floats, some of them zero or negative.
fn halves(count: usize) -> Vec<u8> {
    let half = |index: usize| match stirred(index) % 8 {
        0..=2 => 0,
        3 => 0x8000,
        _ => 0x3F00 + (stirred(index + 77) % 256) as u16,
    };
    (0..count).flat_map(|index| half(index).to_le_bytes()).collect()
}

/// A stream of one block with this payload.
pub(super) fn good_payload(name: &str, what: &'static str, payload: &[u8], raw: &[u8]) -> Golden {
    assert!(
        payload.len() <= raw.len(),
        "{name}: {} bytes of {}, no block has a longer payload",
        payload.len(),
        raw.len()
    );
    let stream = Assembly::new(HEADER).block(&data_block(TAG, raw.len() as u32, payload), raw).finish();
    Golden { name: format!("good-planes{name}"), what, stream: stream.stream, raw: raw.to_vec(), error: None }
}

pub(super) fn good() -> Vec<Golden> {
    let good = |name: &str, what, layout: &Layout, raw: &[u8]| good_payload(name, what, &layout.payload(raw), raw);
    let f32 = Layout::of(&[(4, 4, ROTATED)]);
    let q4_1 = Layout::of(&[(2, 2, ROTATED), (2, 2, ROTATED), (16, 1, 0)]);
    let record = |index: usize| [&[7, 0x3C, 0, 0x38][..], &[(index % 3) as u8; 16]].concat();
    let records: Vec<u8> = (0..9).flat_map(record).chain([1, 2, 3]).collect();
    let constant: Vec<u8> = (0..40_u64).flat_map(|index| (index << 56 | 0x3F_F0_00).to_le_bytes()).collect();
    let pairs: Vec<u8> = (0..160).flat_map(|index| [stirred(index) as u8, 7]).collect();
    let zeros = Layout { zero_map: true, ..Layout::of(&[(2, 2, ROTATED)]) };
    vec![
        good("", "planes: the example of FORMAT.md", &f32, &numbers()),
        good("-tail", "planes: 3 bytes behind the last record", &f32, &[&numbers()[..], &[9, 8, 7]].concat()),
        good("-records", "planes: three columns", &q4_1, &records),
        good("-not-rotated", "planes: elements of 8 bytes", &Layout::of(&[(8, 8, 0)]), &constant),
        good("-columns-of-elements", "planes: four elements a record", &Layout::of(&[(8, 2, 0)]), &pairs),
        good("-zero-map", "planes: zeros of both signs in a map", &zeros, &halves(301)),
        good("-all-zero", "planes: a map of nothing but zeros", &zeros, &[0; 100]),
        good(
            "-partition",
            "planes: a plane cut by another, one bucket is empty",
            &Layout::partitioned(4, &[1, 0x7F, 0x81]),
            &numbers(),
        ),
        good(
            "-partition-zero-map",
            "planes: a cut plane and a map",
            &Layout { zero_map: true, ..Layout::partitioned(2, &[0x7F]) },
            &halves(300),
        ),
    ]
}

/// Where fields of the example are.
const COLUMNS: usize = 0;
const FLAGS: usize = 1;
const SECTIONS: usize = 2;
const WIDTH: usize = 4;
const ELEMENT: usize = 6;
const HOW: usize = 7;
const FORMS: usize = 8;

pub(super) fn bad() -> Vec<Golden> {
    let right = Layout::of(&[(4, 4, ROTATED)]).payload(&numbers());
    let bad = |name: &str, what, change: &dyn Fn(&mut Vec<u8>), reason| {
        bad_payload(&format!("planes-{name}"), what, (TAG, 64), &right, change, reason)
    };
    let field = |field, found| Corruption::Field { field, found };
    let length = |found, min, max| Corruption::Length { found, min, max };
    let mut all = vec![
        bad("no-columns", "no column", &|payload| payload[COLUMNS] = 0, field("columns", 0)),
        bad("9-columns", "9 columns", &|payload| payload[COLUMNS] = 9, field("columns", 9)),
        bad(
            "map-of-columns",
            "a zero map with two columns",
            &|payload| (payload[COLUMNS], payload[FLAGS]) = (2, 1),
            field("flags", 1),
        ),
        bad("sections", "a section too many", &|payload| payload[SECTIONS] = 6, field("sections", 6)),
        bad("no-width", "a column without bytes", &|payload| payload[WIDTH] = 0, length(0, 1, 4096)),
        bad("wide", "a column of 4100 bytes", &|payload| payload[WIDTH + 1] = 16, length(4100, 1, 4096)),
        bad("element", "elements of 3 bytes", &|payload| payload[ELEMENT] = 3, field("element", 3)),
        bad("divides", "elements of 8 bytes in 4", &|payload| payload[ELEMENT] = 8, field("element", 8)),
        bad("long-record", "a record of 68 bytes in 64", &|payload| payload[WIDTH] = 68, length(68, 1, 64)),
        bad(
            "form-of-none",
            "a tail without symbols that is stored",
            &|payload| payload[FORMS + 4] = 1,
            field("form", 1),
        ),
        bad("form-of-some", "a plane that is empty", &|payload| payload[FORMS] = 0, field("form", 0)),
        bad(
            "ends",
            "ends in its second plane",
            &|payload| payload.truncate(44),
            Corruption::PayloadEnds { field: "section", length: 44 },
        ),
        bad("goes-on", "one byte more", &|payload| payload.push(0), Corruption::PayloadGoesOn { extra: 1 }),
    ];
    all.extend(bad_parts());
    all.extend(unsupported());
    all
}

/// Partitions and zero maps.
fn bad_parts() -> Vec<Golden> {
    let field = |field, found| Corruption::Field { field, found };
    let cut = |name: &str, what, at: usize, value: u8, reason| {
        let right = Layout::partitioned(4, &[1, 0x7F, 0x81]).payload(&numbers());
        bad_payload(&format!("planes-{name}"), what, (TAG, 64), &right, &|payload| payload[at] = value, reason)
    };
    let mapped = |name: &str, what, raw: &[u8], map: &[u8], reason| {
        let layout = Layout { zero_map: true, ..Layout::of(&[(2, 2, ROTATED)]) };
        let change = |payload: &mut Vec<u8>| payload[12..12 + map.len()].copy_from_slice(map);
        let of = (TAG, raw.len() as u32);
        bad_payload(&format!("planes-{name}"), what, of, &layout.payload(raw), &change, reason)
    };
    let bytes = Layout { zero_map: false, columns: vec![(4, 1, PARTITIONED, vec![5])] }.payload(&numbers());
    // The zeros make the payload shorter than the raw bytes.
    let raw = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0];
    vec![
        cut("1-bucket", "one bucket", FORMS, 1, field("buckets", 1)),
        cut("17-buckets", "17 buckets", FORMS, 17, field("buckets", 17)),
        cut("first-key-0", "the first of the first keys is 0", FORMS + 1, 0, field("first key of a bucket", 0)),
        cut("keys-fall", "first keys that fall", FORMS + 2, 0x81, field("first key of a bucket", 0x81)),
        cut("bucket-form", "an empty bucket that is stored", FORMS + 5, 1, field("form", 1)),
        bad_block(
            "planes-partitioned-bytes",
            "a partition of bytes",
            &data_block(TAG, 64, &bytes[..60]),
            field("how", 2),
        ),
        mapped("class-3", "class 3 in a zero map", &raw, &[0x55, 0x75], Corruption::Symbol { section: "zero map" }),
        mapped("map-padding", "a class behind the last element", &raw, &[0x55, 0x45, 0x45, 0x55], Corruption::Padding),
    ]
}

fn unsupported() -> Vec<Golden> {
    let refused = |name: &str, what, at: usize, value: u8, feature| {
        let mut payload = Layout::of(&[(4, 4, ROTATED)]).payload(&numbers());
        payload[at] = value;
        let block = data_block(TAG, 64, &payload);
        let golden = refused_block(name, what, &block, |offset| Error::Unsupported { feature, offset });
        Golden { name: golden.name.replacen("bad-", "unsupported-", 1), ..golden }
    };
    let payload =
        [&[7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0][..], &Layout::of(&[(4, 4, ROTATED)]).payload(&numbers())]
            .concat();
    let needs_base = |offset| Error::NeedsBase { base_offset: 7, hash: 9, offset };
    vec![
        refused_block(
            "planes-without-base",
            "planes over a base, which the decoder was not given",
            &data_block(0x0E, 64, &payload),
            needs_base,
        ),
        bad_block(
            "planes-base-ends",
            "ends in what it says of a base",
            &data_block(0x0E, 64, &payload[..12]),
            Corruption::PayloadEnds { field: "base hash", length: 12 },
        ),
        refused("planes-flags", "flag bit 1 of planes", FLAGS, 2, Feature::PlanesFlags(2)),
        refused("planes-how", "bit 2 of how", HOW, 5, Feature::Column(5)),
        refused("planes-form", "a plane in form 0x08", FORMS, 8, Feature::Form(8)),
    ]
}
