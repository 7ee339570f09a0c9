//! Records to columns, and back.

use std::ops::Range;

/// A function for the widths that records mostly have: a copy of so many bytes is a few moves then,
/// and no call.
macro_rules! by_width {
    ($width:expr, gather_of($($argument:expr),*)) => { by_width!($width, gather_of, gather_any, $($argument),*) };
    ($width:expr, scatter_of($($argument:expr),*)) => { by_width!($width, scatter_of, scatter_any, $($argument),*) };
    ($width:expr, $of:ident, $any:ident, $($argument:expr),*) => {
        match $width {
            1 => $of::<1>($($argument),*),
            2 => $of::<2>($($argument),*),
            4 => $of::<4>($($argument),*),
            8 => $of::<8>($($argument),*),
            12 => $of::<12>($($argument),*),
            16 => $of::<16>($($argument),*),
            32 => $of::<32>($($argument),*),
            64 => $of::<64>($($argument),*),
            128 => $of::<128>($($argument),*),
            _ => $any($($argument),*),
        }
    };
}

/// Takes the bytes `part` of each record of `record_len` bytes, one after the other.
///
/// Both slices have the same number of them.
pub(crate) fn gather(records: &[u8], record_len: usize, part: Range<usize>, column: &mut [u8]) {
    if part.len() == record_len {
        return column.copy_from_slice(records);
    }
    by_width!(part.len(), gather_of(records, record_len, part, column));
}

/// Puts a column to the bytes `part` of each record of `record_len` bytes.
pub(crate) fn scatter(column: &[u8], record_len: usize, part: Range<usize>, records: &mut [u8]) {
    by_width!(part.len(), scatter_of(column, record_len, part, records));
}

fn gather_of<const W: usize>(records: &[u8], record_len: usize, part: Range<usize>, column: &mut [u8]) {
    for (to, record) in column.chunks_exact_mut(W).zip(records.chunks_exact(record_len)) {
        to.copy_from_slice(&record[part.start..][..W]);
    }
}

fn scatter_of<const W: usize>(column: &[u8], record_len: usize, part: Range<usize>, records: &mut [u8]) {
    for (from, record) in column.chunks_exact(W).zip(records.chunks_exact_mut(record_len)) {
        record[part.start..][..W].copy_from_slice(from);
    }
}

fn gather_any(records: &[u8], record_len: usize, part: Range<usize>, column: &mut [u8]) {
    for (to, record) in column.chunks_exact_mut(part.len()).zip(records.chunks_exact(record_len)) {
        to.copy_from_slice(&record[part.clone()]);
    }
}

fn scatter_any(column: &[u8], record_len: usize, part: Range<usize>, records: &mut [u8]) {
    for (from, record) in column.chunks_exact(part.len()).zip(records.chunks_exact_mut(record_len)) {
        record[part.clone()].copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_to_their_places() {
        for widths in [vec![1], vec![2, 16], vec![2, 2, 12, 32, 128], vec![3, 5, 1], vec![64, 1, 8, 4]] {
            let record_len: usize = widths.iter().sum();
            for count in [0, 1, 2, 9] {
                let records: Vec<u8> = (0..count * record_len).map(|at| (at * 7) as u8).collect();
                let mut back = vec![0xAA; records.len()];
                let mut start = 0;
                for &width in &widths {
                    let mut column = vec![0; count * width];
                    gather(&records, record_len, start..start + width, &mut column);
                    if count > 1 {
                        assert_eq!(column[width..2 * width], records[record_len + start..][..width]);
                    }
                    scatter(&column, record_len, start..start + width, &mut back);
                    start += width;
                }
                assert_eq!(back, records, "{count} records of {widths:?}");
            }
        }
    }
}
