//! Records to columns, and back.

use std::ops::Range;

/// Takes the bytes `part` of each record of `record_len` bytes, one after the other.
pub(crate) fn gather(records: &[u8], record_len: usize, part: Range<usize>, column: &mut [u8]) {
    let width = part.len();
    each_width(width, |width| {
        for (to, record) in column.chunks_exact_mut(width).zip(records.chunks_exact(record_len)) {
            to.copy_from_slice(&record[part.start..part.start + width]);
        }
    });
}

/// Puts a column to the bytes `part` of each record of `record_len` bytes.
pub(crate) fn scatter(column: &[u8], record_len: usize, part: Range<usize>, records: &mut [u8]) {
    let width = part.len();
    each_width(width, |width| {
        for (from, record) in column.chunks_exact(width).zip(records.chunks_exact_mut(record_len)) {
            record[part.start..part.start + width].copy_from_slice(from);
        }
    });
}

/// Calls `copy` where the compiler knows the widths that records mostly have: a copy of so many
/// bytes is a few moves then, and no call.
#[inline(always)]
fn each_width(width: usize, mut copy: impl FnMut(usize)) {
    match width {
        1 => copy(1),
        2 => copy(2),
        4 => copy(4),
        8 => copy(8),
        12 => copy(12),
        16 => copy(16),
        32 => copy(32),
        64 => copy(64),
        128 => copy(128),
        width => copy(width),
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
