//! How the raw bytes of a block repeat: records of columns, columns of elements.

use std::fmt;

#[cfg(doc)]
use crate::Prefer;
use crate::{
    error::Error,
    limits::{MAX_BLOCK_LEN, MAX_COLUMN_WIDTH, MAX_COLUMNS, MAX_RECORD_LEN, within},
};

/// Elements of a block of a layout of one column, unless it is said otherwise. Blocks of 128 Ki to
/// 1 Mi elements of bf16 weights have the same size within 0.05 %.
const BLOCK_ELEMENTS: usize = 256 << 10;

/// Raw bytes of a block of a layout of several columns, unless it is said otherwise.
const BLOCK_LEN_OF_RECORDS: usize = 1 << 20;

/// One column of a [`Layout`]: `width` bytes of each record, which are elements of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column {
    width: u16,
    element: u8,
    rotated: bool,
}

impl Column {
    /// `width` bytes of each record, 1..=4096, as little-endian elements of `element` bytes: 1, 2,
    /// 4 or 8, and `width` is a multiple of it. Numbers outside these are reported by
    /// [`Layout::records`].
    #[must_use]
    pub const fn new(width: u16, element: u8) -> Self {
        Self { width, element, rotated: false }
    }

    /// The elements are floating-point numbers: their sign is to stand below the mantissa, so that
    /// the first byte plane of bf16 and f32 has the exponent alone.
    #[must_use]
    pub const fn rotated(mut self) -> Self {
        self.rotated = true;
        self
    }

    /// Bytes of each record.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width as usize
    }

    /// Bytes of an element.
    #[must_use]
    pub const fn element(&self) -> usize {
        self.element as usize
    }

    /// Whether the elements are floating-point numbers.
    #[must_use]
    pub const fn is_rotated(&self) -> bool {
        self.rotated
    }
}

/// What a [`Layout`] is to be good at. It changes size and speed, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LayoutProfile {
    /// Decodes fastest: the planes of exponents are coded, those of mantissas mostly stored. A
    /// plane is pivot where that costs at most 2 % of it, or 0.5 % where elements are bytes, and
    /// else lanes. [`Prefer`] changes that.
    #[default]
    Fast,
    /// The smallest blocks: planes by ranges of other planes and a map of zeros compete as well,
    /// and, where a [`stride`](Layout::stride) is given, elements that are predicted by their
    /// neighbours. A plane is lanes or pivot, whichever is smaller. Decoding takes about twice as
    /// long.
    Small,
    /// Blocks for GPUs: short segments, and only forms that a shader can merge. Planes are lanes.
    Device,
}

/// How the raw bytes of a block repeat: as records of columns, for tensors and tables of numbers.
///
/// Bytes that mean the same are coded together then: the exponents of all floats of a block, say,
/// take 2.6 of their 8 bits in the weights of a network, and their mantissas all of theirs. A block
/// keeps whichever is smallest: planes, bytes as without a layout, or stored. A wrong layout costs
/// size and never bytes. Decoding needs to know no layout.
///
/// ```
/// use ranstream::{DecodeOptions, EncodeOptions, Layout, compress, decompress};
///
/// let weights: Vec<u8> = (1..50_000_u32).flat_map(|i| (1.0 / i as f32).to_le_bytes()).collect();
/// let bytes = compress(&weights, &EncodeOptions::new())?;
/// let planes = compress(&weights, &EncodeOptions::new().layout(Layout::f32()))?;
/// assert!(planes.len() < bytes.len());
/// assert_eq!(decompress(&planes, &DecodeOptions::new())?, weights);
/// # Ok::<(), ranstream::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    columns: [Column; MAX_COLUMNS],
    count: u8,
    profile: LayoutProfile,
    row_len: usize,
    stride: Option<usize>,
    block_len: Option<usize>,
}

impl Layout {
    /// Bytes without a layout: blocks are what they are without one.
    #[must_use]
    pub const fn bytes() -> Self {
        Self::of(Column::new(1, 1))
    }

    /// bfloat16 numbers: the upper halves of [`f32`](Self::f32).
    #[must_use]
    pub const fn bf16() -> Self {
        Self::of(Column::new(2, 2).rotated())
    }

    /// IEEE 754 numbers of 2 bytes.
    #[must_use]
    pub const fn f16() -> Self {
        Self::bf16()
    }

    /// IEEE 754 numbers of 4 bytes.
    #[must_use]
    pub const fn f32() -> Self {
        Self::of(Column::new(4, 4).rotated())
    }

    /// IEEE 754 numbers of 8 bytes.
    #[must_use]
    pub const fn f64() -> Self {
        Self::of(Column::new(8, 8).rotated())
    }

    /// Whole numbers of 2 bytes.
    #[must_use]
    pub const fn i16() -> Self {
        Self::of(Column::new(2, 2))
    }

    /// Whole numbers of 4 bytes.
    #[must_use]
    pub const fn i32() -> Self {
        Self::of(Column::new(4, 4))
    }

    /// Whole numbers of 8 bytes.
    #[must_use]
    pub const fn i64() -> Self {
        Self::of(Column::new(8, 8))
    }

    /// Records of these columns, in their order: 1 to 8, of 8192 bytes at most together.
    ///
    /// ```
    /// use ranstream::{Column, Layout};
    ///
    /// // ggml's Q8_0: a scale of two bytes and 32 weights of one.
    /// let q8_0 = Layout::records(&[Column::new(2, 2).rotated(), Column::new(32, 1)])?;
    /// assert_eq!(q8_0.record_len(), 34);
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] for numbers outside their ranges; an element that does not divide
    /// its column's width is one.
    pub fn records(columns: &[Column]) -> Result<Self, Error> {
        within("columns", columns.len(), 1, MAX_COLUMNS)?;
        for column in columns {
            within("column width", column.width(), 1, MAX_COLUMN_WIDTH)?;
            within("column element", column.element(), 1, 8)?;
            if !column.element().is_power_of_two() {
                within("column element", column.element(), 1, 2)?;
            }
            within("column width modulo element", column.width() % column.element(), 0, 0)?;
        }
        within("record length", columns.iter().map(Column::width).sum(), 1, MAX_RECORD_LEN)?;
        let mut all = [columns[0]; MAX_COLUMNS];
        all[..columns.len()].copy_from_slice(columns);
        Ok(Self { columns: all, count: columns.len() as u8, ..Self::bytes() })
    }

    const fn of(column: Column) -> Self {
        Self {
            columns: [column; MAX_COLUMNS],
            count: 1,
            profile: LayoutProfile::Fast,
            row_len: 1,
            stride: None,
            block_len: None,
        }
    }

    /// What blocks are to be good at. Default: [`LayoutProfile::Fast`].
    #[must_use]
    pub const fn profile(mut self, profile: LayoutProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Raw bytes of a row: blocks hold whole rows where one fits into a block. Default: 1, any
    /// number of whole records.
    #[must_use]
    pub const fn row_len(mut self, bytes: usize) -> Self {
        self.row_len = bytes;
        self
    }

    /// Raw bytes from an element to the one below it: in images and tables with structure each
    /// element follows from its neighbours, and [`LayoutProfile::Small`] tries whether it does.
    /// Only for layouts of one column that is one element. Default: nothing is known of neighbours,
    /// and nothing tried.
    ///
    /// ```
    /// use ranstream::{EncodeOptions, Layout, LayoutProfile, compress};
    ///
    /// // A bowl of 100 x 100 heights, two bytes each.
    /// let height = |x: i16, y: i16| (x - 60) * (x - 60) + (y - 40) * (y - 40);
    /// let heights = (0..10_000).map(|i| height(i % 100, i / 100));
    /// let image: Vec<u8> = heights.flat_map(i16::to_le_bytes).collect();
    /// let layout = Layout::i16().profile(LayoutProfile::Small);
    /// let without = compress(&image, &EncodeOptions::new().layout(layout))?;
    /// let with = compress(&image, &EncodeOptions::new().layout(layout.stride(200)))?;
    /// assert!(10 * with.len() < without.len());
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    #[must_use]
    pub const fn stride(mut self, bytes: usize) -> Self {
        self.stride = Some(bytes);
        self
    }

    /// Raw bytes of its blocks, 1..=16 MiB, which are rounded down to whole rows and records. It is
    /// bounded by the stream's largest block, see
    /// [`EncodeOptions::block_len`](crate::EncodeOptions::block_len).
    ///
    /// Default: 256 Ki elements, or 1 MiB of records of several columns; for [`bytes`](Self::bytes)
    /// the stream's largest.
    #[must_use]
    pub const fn block_len(mut self, bytes: usize) -> Self {
        self.block_len = Some(bytes);
        self
    }

    /// The columns of a record.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns[..usize::from(self.count)]
    }

    /// Bytes of a record.
    #[must_use]
    pub fn record_len(&self) -> usize {
        self.columns().iter().map(Column::width).sum()
    }

    /// What blocks are to be good at.
    #[must_use]
    pub const fn asked_profile(&self) -> LayoutProfile {
        self.profile
    }

    /// Raw bytes from an element to the one below it, if that is known.
    pub(crate) const fn asked_stride(&self) -> Option<usize> {
        self.stride
    }

    /// Whether elements may be predicted by their neighbours.
    pub(crate) fn may_predict(&self) -> bool {
        self.profile == LayoutProfile::Small && self.stride.is_some()
    }

    /// Whether it says nothing about the bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        self.columns() == Self::bytes().columns()
    }

    /// Raw bytes that its blocks would have in a stream without a bound. `None`: the stream
    /// decides.
    pub(super) fn wanted_block_len(&self) -> Option<usize> {
        let default = match self.columns() {
            _ if self.is_bytes() => None,
            [column] => Some(BLOCK_ELEMENTS * column.element()),
            _ => Some(BLOCK_LEN_OF_RECORDS),
        };
        self.block_len.or(default)
    }

    /// Raw bytes of its blocks where `largest` is the most that a block may have: whole rows, or
    /// whole records where no row fits.
    pub(crate) fn block_len_within(&self, largest: usize) -> usize {
        let len = self.wanted_block_len().unwrap_or(largest).min(largest);
        [self.row_len, self.record_len()]
            .into_iter()
            .find(|&unit| unit > 1 && unit <= len && unit.is_multiple_of(self.record_len()))
            .map_or(len, |unit| len - len % unit)
    }

    /// # Errors
    ///
    /// [`Error::InvalidOption`] for the first number that is outside its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("row_len", self.row_len, 1, usize::MAX)?;
        within("stride", self.stride.unwrap_or(1), 1, usize::MAX)?;
        within("layout block_len", self.block_len.unwrap_or(1), 1, MAX_BLOCK_LEN)
    }
}

#[allow(clippy::missing_fields_in_debug, reason = "as many columns are shown as there are")]
impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout")
            .field("columns", &self.columns())
            .field("profile", &self.profile)
            .field("row_len", &self.row_len)
            .field("stride", &self.stride)
            .field("block_len", &self.block_len)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_whole_rows_or_whole_records() {
        let f32 = Layout::f32();
        assert_eq!(f32.block_len_within(MAX_BLOCK_LEN), 1 << 20);
        assert_eq!(f32.block_len_within(1001), 1000);
        assert_eq!(f32.row_len(400).block_len_within(1001), 800);
        assert_eq!(f32.row_len(1200).block_len_within(1001), 1000, "no row fits");
        assert_eq!(f32.row_len(5).block_len_within(1001), 1000, "rows of no whole records");
        assert_eq!(f32.block_len_within(3), 3, "no record fits");
        assert_eq!(f32.block_len(100).block_len_within(1001), 100);
        assert_eq!(Layout::bytes().block_len_within(1001), 1001);
        assert_eq!(Layout::bytes().row_len(10).block_len_within(1001), 1000);
        let q4_0 = Layout::records(&[Column::new(2, 2).rotated(), Column::new(16, 1)]).unwrap();
        assert_eq!(q4_0.block_len_within(1 << 24), (1 << 20) / 18 * 18);
    }

    #[test]
    fn records_outside_their_ranges_are_refused() {
        let column = Column::new(1, 1);
        for bad in [
            &[][..],
            &[column; 9],
            &[Column::new(0, 1)],
            &[Column::new(4097, 1)],
            &[Column::new(4, 0)],
            &[Column::new(3, 3)],
            &[Column::new(5, 2)],
            &[Column::new(16, 16)],
            &[Column::new(4096, 1), Column::new(4096, 1), column],
        ] {
            assert!(Layout::records(bad).is_err(), "{bad:?}");
        }
        assert!(Layout::records(&[Column::new(4096, 8), Column::new(4096, 1)]).is_ok());
        assert_eq!(Layout::records(&[column]), Ok(Layout::bytes()));
    }
}
