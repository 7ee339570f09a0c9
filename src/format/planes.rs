//! The head of a payload of planes (FORMAT.md, 19): columns, and ranges of keys.

use crate::{
    error::{Corruption, Feature, PayloadError},
    format::fields::Fields,
    limits::{MAX_COLUMN_WIDTH, MAX_COLUMNS, MAX_RECORD_LEN},
};

/// The most buckets of a partition.
pub(crate) const MAX_BUCKETS: usize = 16;

/// Flag of a payload: a map of zeros comes first.
const ZERO_MAP: u8 = 1;

/// Bits of a column's `how`.
const ROTATED: u8 = 1;
const PARTITIONED: u8 = 2;

/// What of a payload the elements are differences from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BaseRange {
    /// Where in the base the bytes begin from which the block differs.
    pub(crate) offset: u64,
    /// XXH3-64 of them.
    pub(crate) hash: u64,
}

impl BaseRange {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.hash.to_le_bytes());
    }

    pub(crate) fn parse(fields: &mut Fields<'_>) -> Result<Self, Corruption> {
        Ok(Self { offset: fields.u64("base offset")?, hash: fields.u64("base hash")? })
    }
}

/// One column of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// Bytes of each record: a multiple of `element`.
    pub(crate) width: usize,
    /// Bytes of an element: 1, 2, 4 or 8.
    pub(crate) element: usize,
    /// Whether elements were rotated left by one bit before they were split.
    pub(crate) rotated: bool,
    /// How its planes are cut by their keys, if they are.
    pub(crate) bounds: Option<Bounds>,
}

impl Column {
    fn how(&self) -> u8 {
        u8::from(self.rotated) * ROTATED + u8::from(self.bounds.is_some()) * PARTITIONED
    }

    /// Sections of its planes. `over_base`: all planes are cut, not the second one alone.
    fn sections(&self, over_base: bool) -> usize {
        match self.bounds {
            None => self.element,
            Some(bounds) if over_base => self.element * bounds.buckets(),
            Some(bounds) => self.element - 1 + bounds.buckets(),
        }
    }
}

/// Ranges of keys: bucket `j` has the keys from the first key of `j` up to that of `j + 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// 2..=16.
    buckets: u8,
    /// Of bucket 0 it is 0; those behind the last bucket are 255.
    first_keys: [u8; MAX_BUCKETS],
}

impl Bounds {
    /// `first_keys`: of the buckets 1, 2, ..., strictly increasing and above 0.
    pub(crate) fn new(first_keys: &[u8]) -> Option<Self> {
        let ordered = first_keys.first() > Some(&0) && first_keys.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered || first_keys.len() >= MAX_BUCKETS {
            return None;
        }
        let mut all = [u8::MAX; MAX_BUCKETS];
        all[0] = 0;
        all[1..=first_keys.len()].copy_from_slice(first_keys);
        Some(Self { buckets: first_keys.len() as u8 + 1, first_keys: all })
    }

    pub(crate) fn buckets(&self) -> usize {
        self.buckets.into()
    }

    /// The first key of each bucket.
    pub(crate) fn first_keys(&self) -> &[u8] {
        &self.first_keys[..self.buckets()]
    }

    /// The bucket of each key.
    pub(crate) fn table(&self) -> [u8; 256] {
        let mut table = [0; 256];
        for (bucket, &first) in self.first_keys().iter().enumerate() {
            table[usize::from(first)..].fill(bucket as u8);
        }
        table
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.buckets);
        out.extend(&self.first_keys()[1..]);
    }

    fn parse(fields: &mut Fields<'_>) -> Result<Self, Corruption> {
        let buckets = fields.u8("buckets")?;
        if !(2..=MAX_BUCKETS).contains(&buckets.into()) {
            return Err(field("buckets", buckets));
        }
        let keys = fields.bytes(usize::from(buckets) - 1, "first keys")?;
        Self::new(keys).ok_or_else(|| {
            let before = [&[0], keys].concat();
            let wrong = before.windows(2).find(|pair| pair[0] >= pair[1]).map_or(0, |pair| pair[1]);
            field("first key of a bucket", wrong)
        })
    }
}

/// Everything before the descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// 1..=8, of 1..=8192 bytes together.
    pub(crate) columns: Vec<Column>,
    /// Only with one column.
    pub(crate) zero_map: bool,
}

impl Head {
    /// Bytes of a record.
    pub(crate) fn record_len(&self) -> usize {
        self.columns.iter().map(|column| column.width).sum()
    }

    /// How many descriptors follow it.
    pub(crate) fn sections(&self, over_base: bool) -> usize {
        let of_columns: usize = self.columns.iter().map(|column| column.sections(over_base)).sum();
        usize::from(self.zero_map) + of_columns + 1
    }

    pub(crate) fn write(&self, over_base: bool, out: &mut Vec<u8>) {
        out.extend([self.columns.len() as u8, u8::from(self.zero_map) * ZERO_MAP]);
        out.extend((self.sections(over_base) as u16).to_le_bytes());
        for column in &self.columns {
            out.extend((column.width as u16).to_le_bytes());
            out.extend([column.element as u8, column.how()]);
        }
        self.columns.iter().filter_map(|column| column.bounds).for_each(|bounds| bounds.write(out));
    }

    /// Reads the head of a payload of `raw_len` raw bytes.
    pub(crate) fn parse(fields: &mut Fields<'_>, raw_len: usize, over_base: bool) -> Result<Self, PayloadError> {
        let count = fields.u8("columns")?;
        if !(1..=MAX_COLUMNS).contains(&count.into()) {
            return Err(field("columns", count).into());
        }
        let flags = fields.u8("flags")?;
        if flags & !ZERO_MAP != 0 {
            return Err(PayloadError::Unsupported(Feature::PlanesFlags(flags)));
        }
        let zero_map = flags & ZERO_MAP != 0;
        if zero_map && count > 1 {
            return Err(field("flags", flags).into());
        }
        let sections = fields.u16("sections")?;
        let mut columns = Vec::with_capacity(count.into());
        let mut partitioned = Vec::with_capacity(count.into());
        for _ in 0..count {
            let (column, is_partitioned) = parse_column(fields, over_base)?;
            columns.push(column);
            partitioned.push(is_partitioned);
        }
        let mut head = Self { columns, zero_map };
        let record_len = head.record_len();
        if record_len > MAX_RECORD_LEN.min(raw_len) {
            let (found, max) = (record_len as u64, MAX_RECORD_LEN.min(raw_len) as u64);
            return Err(Corruption::Length { found, min: 1, max }.into());
        }
        for (column, is_partitioned) in head.columns.iter_mut().zip(partitioned) {
            if is_partitioned {
                column.bounds = Some(Bounds::parse(fields)?);
            }
        }
        if usize::from(sections) != head.sections(over_base) {
            return Err(Corruption::Field { field: "sections", found: sections.into() }.into());
        }
        Ok(head)
    }
}

/// A column, and whether bounds follow for it.
fn parse_column(fields: &mut Fields<'_>, over_base: bool) -> Result<(Column, bool), PayloadError> {
    let (width, element, how) = (fields.u16("columns")?, fields.u8("columns")?, fields.u8("columns")?);
    if !(1..=MAX_COLUMN_WIDTH).contains(&width.into()) {
        return Err(Corruption::Length { found: width.into(), min: 1, max: MAX_COLUMN_WIDTH as u64 }.into());
    }
    if !matches!(element, 1 | 2 | 4 | 8) || !width.is_multiple_of(element.into()) {
        return Err(field("element", element).into());
    }
    if how & !(ROTATED | PARTITIONED) != 0 {
        return Err(PayloadError::Unsupported(Feature::Column(how)));
    }
    let partitioned = how & PARTITIONED != 0;
    // An element of one byte has no second plane.
    if partitioned && element == 1 && !over_base {
        return Err(field("how", how).into());
    }
    let rotated = how & ROTATED != 0;
    Ok((Column { width: width.into(), element: element.into(), rotated, bounds: None }, partitioned))
}

fn field(field: &'static str, found: u8) -> Corruption {
    Corruption::Field { field, found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW_LEN: usize = 10_000;

    fn head() -> Head {
        let column = |width, element, bounds: &[u8]| Column {
            width,
            element,
            rotated: element > 1,
            bounds: (!bounds.is_empty()).then(|| Bounds::new(bounds).unwrap()),
        };
        Head { columns: vec![column(2, 2, &[]), column(4, 4, &[1, 200, 255]), column(12, 1, &[])], zero_map: false }
    }

    fn parse(bytes: &[u8], over_base: bool) -> Result<Head, PayloadError> {
        let mut fields = Fields::new(bytes);
        let head = Head::parse(&mut fields, RAW_LEN, over_base)?;
        fields.end()?;
        Ok(head)
    }

    #[test]
    fn what_is_written_is_parsed_and_no_prefix_is() {
        for over_base in [false, true] {
            let mut bytes = Vec::new();
            head().write(over_base, &mut bytes);
            assert_eq!(parse(&bytes, over_base), Ok(head()));
            for cut in 0..bytes.len() {
                let error = parse(&bytes[..cut], over_base);
                let ends = matches!(error, Err(PayloadError::Corrupt(Corruption::PayloadEnds { .. })));
                assert!(ends, "cut at {cut}: {error:?}");
            }
            assert!(parse(&bytes, !over_base).is_err(), "sections");
        }
        assert_eq!((head().sections(false), head().sections(true)), (2 + 7 + 1 + 1, 2 + 16 + 1 + 1));
    }

    #[test]
    fn keys_belong_to_the_bucket_that_begins_at_them_or_before() {
        let table = head().columns[1].bounds.unwrap().table();
        assert_eq!([0, 1, 199, 200, 254, 255].map(|key: usize| table[key]), [0, 1, 1, 2, 2, 3]);
        assert!(Bounds::new(&[]).is_none() && Bounds::new(&[0]).is_none() && Bounds::new(&[3, 3]).is_none());
        assert!(Bounds::new(&[1; 16]).is_none());
    }

    #[test]
    fn other_numbers_are_refused() {
        let mut good = Vec::new();
        head().write(false, &mut good);
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            parse(&bytes, false).unwrap_err()
        };
        let corrupt = |name, found| PayloadError::Corrupt(field(name, found));
        assert_eq!(with(0, 0), corrupt("columns", 0));
        assert_eq!(with(0, 9), corrupt("columns", 9));
        assert_eq!(with(1, 2), PayloadError::Unsupported(Feature::PlanesFlags(2)));
        assert_eq!(with(1, 1), corrupt("flags", 1));
        assert_eq!(with(2, 12), corrupt("sections", 12));
        assert_eq!(with(4, 0), Corruption::Length { found: 0, min: 1, max: 4096 }.into());
        assert_eq!(with(6, 3), corrupt("element", 3));
        assert_eq!(with(6, 4), corrupt("element", 4));
        assert_eq!(with(7, 4), PayloadError::Unsupported(Feature::Column(4)));
        assert_eq!(with(15, 2), corrupt("how", 2));
        assert_eq!(with(16, 1), corrupt("buckets", 1));
        assert_eq!(with(16, 17), corrupt("buckets", 17));
        assert_eq!(with(17, 0), corrupt("first key of a bucket", 0));
        assert_eq!(with(19, 200), corrupt("first key of a bucket", 200));
        let short = Head::parse(&mut Fields::new(&good), 17, false);
        assert_eq!(short, Err(Corruption::Length { found: 18, min: 1, max: 17 }.into()));
    }
}
