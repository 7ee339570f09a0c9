//! The head of a payload of planes (FORMAT.md, 19): columns, ranges of keys, predictions.

use crate::{
    error::{Corruption, Feature, PayloadError},
    format::{fields::Fields, number::write_number},
    limits::{MAX_COLUMN_WIDTH, MAX_COLUMNS, MAX_RECORD_LEN},
};

/// The most buckets of a partition.
pub(crate) const MAX_BUCKETS: usize = 16;

/// Flag of a payload: a map of zeros comes first.
const ZERO_MAP: u8 = 1;

/// Bits of a column's `how`.
const ROTATED: u8 = 1;
const PARTITIONED: u8 = 2;
/// Not in payloads over a base.
const PREDICTED: u8 = 8;

/// Sides of tiles, as powers of two.
const TILE_LOG2: std::ops::RangeInclusive<u8> = 3..=6;

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
    /// How its elements are predicted by each other, if they are. Then it is not rotated.
    pub(crate) prediction: Option<Prediction>,
}

impl Column {
    fn how(&self) -> u8 {
        u8::from(self.rotated) * ROTATED
            + u8::from(self.bounds.is_some()) * PARTITIONED
            + u8::from(self.prediction.is_some()) * PREDICTED
    }

    /// Its sections. `over_base`: all planes are cut, not the second one alone.
    fn sections(&self, over_base: bool) -> usize {
        let modes = usize::from(self.prediction.is_some());
        modes
            + match self.bounds {
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

/// How the elements of a column are predicted by their neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prediction {
    pub(crate) numbers: Numbers,
    /// Rows and columns of a tile, as a power of two: 3..=6.
    pub(crate) tile_log2: u8,
    /// Elements of a row: 1, up to as many as there are.
    pub(crate) stride: usize,
}

/// What the elements of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Whole numbers, also below zero.
    Signed,
    /// Whole numbers from zero on.
    Unsigned,
    Floats,
}

impl Numbers {
    const ALL: [Self; 3] = [Self::Signed, Self::Unsigned, Self::Floats];
}

impl Prediction {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.numbers as u8, self.tile_log2]);
        write_number(self.stride as u32, out);
    }

    /// `elements`: how many the column has.
    fn parse(fields: &mut Fields<'_>, elements: usize) -> Result<Self, Corruption> {
        let numbers = fields.u8("numbers")?;
        let &numbers = Numbers::ALL.get(usize::from(numbers)).ok_or(field("numbers", numbers))?;
        let tile_log2 = fields.u8("tile")?;
        if !TILE_LOG2.contains(&tile_log2) {
            return Err(field("tile", tile_log2));
        }
        let stride = fields.number("stride")?;
        if !(1..=elements).contains(&stride) {
            return Err(Corruption::Length { found: stride as u64, min: 1, max: elements as u64 });
        }
        Ok(Self { numbers, tile_log2, stride })
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
        self.columns.iter().filter_map(|column| column.prediction).for_each(|prediction| prediction.write(out));
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
        let mut hows = Vec::with_capacity(count.into());
        for _ in 0..count {
            let (column, how) = parse_column(fields, over_base, zero_map)?;
            columns.push(column);
            hows.push(how);
        }
        let mut head = Self { columns, zero_map };
        let record_len = head.record_len();
        if record_len > MAX_RECORD_LEN.min(raw_len) {
            let (found, max) = (record_len as u64, MAX_RECORD_LEN.min(raw_len) as u64);
            return Err(Corruption::Length { found, min: 1, max }.into());
        }
        for (column, how) in head.columns.iter_mut().zip(&hows) {
            if how & PARTITIONED != 0 {
                column.bounds = Some(Bounds::parse(fields)?);
            }
        }
        for (column, how) in head.columns.iter_mut().zip(&hows) {
            if how & PREDICTED != 0 {
                let elements = raw_len / record_len * (column.width / column.element);
                column.prediction = Some(Prediction::parse(fields, elements)?);
            }
        }
        if usize::from(sections) != head.sections(over_base) {
            return Err(Corruption::Field { field: "sections", found: sections.into() }.into());
        }
        Ok(head)
    }
}

/// A column without what follows for it, and its `how`.
fn parse_column(fields: &mut Fields<'_>, over_base: bool, zero_map: bool) -> Result<(Column, u8), PayloadError> {
    let (width, element, how) = (fields.u16("columns")?, fields.u8("columns")?, fields.u8("columns")?);
    if !(1..=MAX_COLUMN_WIDTH).contains(&width.into()) {
        return Err(Corruption::Length { found: width.into(), min: 1, max: MAX_COLUMN_WIDTH as u64 }.into());
    }
    if !matches!(element, 1 | 2 | 4 | 8) || !width.is_multiple_of(element.into()) {
        return Err(field("element", element).into());
    }
    let known = ROTATED | PARTITIONED | if over_base { 0 } else { PREDICTED };
    if how & !known != 0 {
        return Err(PayloadError::Unsupported(Feature::Column(how)));
    }
    let rotated = how & ROTATED != 0;
    // An element of one byte has no second plane.
    let cut_bytes = how & PARTITIONED != 0 && element == 1 && !over_base;
    // What predicts an element is not to be taken out, and residues have no exponents.
    let not_predicted = how & PREDICTED != 0 && (rotated || zero_map);
    if cut_bytes || not_predicted {
        return Err(field("how", how).into());
    }
    let (width, element) = (width.into(), element.into());
    Ok((Column { width, element, rotated, bounds: None, prediction: None }, how))
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
            prediction: None,
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

    fn predicted() -> Head {
        let prediction = |numbers, stride| Some(Prediction { numbers, tile_log2: 6, stride });
        let mut head = head();
        head.columns[1].rotated = false;
        head.columns[1].prediction = prediction(Numbers::Floats, 300);
        head.columns[2].prediction = prediction(Numbers::Unsigned, 7);
        head
    }

    #[test]
    fn predictions_are_parsed_and_refused_with_other_numbers() {
        let mut good = Vec::new();
        predicted().write(false, &mut good);
        assert_eq!(parse(&good, false), Ok(predicted()));
        assert_eq!(predicted().sections(false), head().sections(false) + 2);
        assert_eq!(parse(&good, true), Err(PayloadError::Unsupported(Feature::Column(10))));
        for cut in 0..good.len() {
            assert!(parse(&good[..cut], false).is_err(), "cut at {cut}");
        }
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            parse(&bytes, false).unwrap_err()
        };
        let corrupt = |name, found| PayloadError::Corrupt(field(name, found));
        assert_eq!(with(11, 9), corrupt("how", 9));
        assert_eq!(with(20, 3), corrupt("numbers", 3));
        assert_eq!((with(21, 2), with(21, 7)), (corrupt("tile", 2), corrupt("tile", 7)));
        // 555 records of 18 bytes have as many elements of four.
        assert_eq!(with(23, 5), Corruption::Length { found: 684, min: 1, max: 555 }.into());
        assert_eq!(with(26, 0), Corruption::Length { found: 0, min: 1, max: 555 * 12 }.into());
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
