//! What may be smaller, before it is coded: other modes, a map of zeros, a plane cut by another.

use super::encode::{Filters, encode_payload};
use crate::{
    block::lz,
    format::planes::{Bounds, MAX_BUCKETS},
    model::{Histogram, entropy_bits, entropy_len},
    options::{BlockOptions, Layout, LayoutProfile},
    planes::zeros,
};

/// Blocks of up to so many bytes are coded in every way there is.
const SHORT: usize = 16 << 10;

/// Bytes that stand for a long block.
const SAMPLE_LEN: usize = 64 << 10;

/// Bytes of a long block that are counted: 256 symbols tell a hundredth of a bit less in so many.
const COUNTED_LEN: usize = 16 << 10;

/// Bytes of a sample that stand together.
const PIECE: usize = 256;

/// Elements of the shortest plane that is cut.
const SHORTEST_CUT: usize = 4 << 10;

/// Whether a block may be smaller without its layout than the `planes_len` bytes it has with it:
/// then both are coded and compared.
pub(super) fn others_may_be_smaller(raw: &[u8], planes_len: usize, options: &BlockOptions) -> bool {
    if raw.len() <= SHORT {
        return true;
    }
    if options.level > 0 {
        let (len, record_len) = (SAMPLE_LEN.min(raw.len()), options.layout.record_len());
        // From the start of a record on, or its planes are not those of the block.
        let start = (raw.len() - len) / 2 / record_len * record_len;
        return matches_may_be_smaller(&raw[start..][..len], options);
    }
    let stride = (raw.len() / COUNTED_LEN).max(1);
    let counted = Histogram::of_pieces(raw.chunks(PIECE).step_by(stride));
    // A sample is not the whole.
    entropy_len(&counted, raw.len()) <= planes_len + planes_len / 32
}

/// Whether matches may make a block smaller than planes do, as far as `sample` tells, which has a
/// whole record at least: matches from farther away are not in it.
fn matches_may_be_smaller(sample: &[u8], options: &BlockOptions) -> bool {
    let mut coded = Vec::with_capacity(sample.len() + sample.len() / 8);
    encode_payload(sample, options, &Filters::default(), &mut coded);
    let planes_len = coded.len();
    coded.clear();
    lz::append(sample, options, &mut coded).is_some() && coded.len() <= planes_len + planes_len / 64
}

/// How many bytes a map of zeros has to save to be taken. `None`: it is not even tried.
pub(super) fn zero_map_gain(raw: &[u8], layout: &Layout) -> Option<usize> {
    let [column] = layout.columns() else { return None };
    let (rare, gain) = match layout.asked_profile() {
        // It takes longer to decode.
        LayoutProfile::Fast => (16, raw.len() / 64),
        LayoutProfile::Small => (64, 1),
        LayoutProfile::Device => return None,
    };
    let element = column.element();
    let elements = &raw[..raw.len() - raw.len() % element];
    // Pieces of long blocks tell it as well.
    let stride = (elements.len() / SAMPLE_LEN).max(1);
    let pieces = elements.chunks(PIECE * element).step_by(stride);
    let (found, counted) = pieces.fold((0, 0), |(found, counted), piece| {
        (found + zeros::count_zeros(piece, element, true), counted + piece.len() / element)
    });
    (found >= (counted / rare).max(1)).then_some(gain)
}

/// The ranges of `keys` by which `plane` is best cut, as far as an estimate tells. `None`: it is
/// not to be cut.
///
/// Ranges of one key each are merged with a neighbour as long as that makes the estimate smaller,
/// or there are too many: a table more costs some hundred bytes.
pub(super) fn bounds(keys: &[u8], plane: &[u8]) -> Option<Bounds> {
    Some(bounds_and_gain(keys, plane)?.0)
}

/// [`bounds`] for all planes of a column: those of the plane that gains most by them.
pub(super) fn bounds_of_planes(keys: &[u8], planes: &[u8]) -> Option<Bounds> {
    let each = planes.chunks_exact(keys.len().max(1)).filter_map(|plane| bounds_and_gain(keys, plane));
    Some(each.max_by_key(|&(_, gain)| gain)?.0)
}

/// [`bounds`], and how many bits they are expected to save.
fn bounds_and_gain(keys: &[u8], plane: &[u8]) -> Option<(Bounds, u64)> {
    if plane.len() < SHORTEST_CUT {
        return None;
    }
    let mut ranges = Range::of_each_key(keys, plane);
    let (first, others) = ranges.split_first()?;
    let whole = others.iter().fold(first.clone(), |whole, range| whole.merged(range));
    let mut merged: Vec<Range> = ranges.windows(2).map(|pair| pair[0].merged(&pair[1])).collect();
    while ranges.len() > 1 {
        let change = |at: usize| merged[at].bits.cast_signed() - (ranges[at].bits + ranges[at + 1].bits).cast_signed();
        let best = (0..merged.len()).min_by_key(|&at| change(at))?;
        if change(best) > 0 && ranges.len() <= MAX_BUCKETS {
            break;
        }
        ranges[best] = merged.remove(best);
        ranges.remove(best + 1);
        // Only its neighbours merge to something else now.
        if best > 0 {
            merged[best - 1] = ranges[best - 1].merged(&ranges[best]);
        }
        if best < merged.len() {
            merged[best] = ranges[best].merged(&ranges[best + 1]);
        }
    }
    let first_keys: Vec<u8> = ranges.iter().skip(1).map(|range| range.first_key).collect();
    let bits: u64 = ranges.iter().map(|range| range.bits).sum();
    Some((Bounds::new(&first_keys)?, whole.bits.saturating_sub(bits)))
}

/// Symbols of keys in one range.
#[derive(Debug, Clone)]
struct Range {
    first_key: u8,
    counts: Box<[u32; 256]>,
    /// What they take, with all that a section needs.
    bits: u64,
}

impl Range {
    fn new(first_key: u8, counts: Box<[u32; 256]>) -> Self {
        let symbols: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let used = counts.iter().filter(|&&count| count > 0).count() as u64;
        // Half of the states, three quarters of a byte in the table for each symbol, a descriptor.
        let overhead = 8 * (72 + used * 3 / 4);
        Self { first_key, bits: (entropy_bits(&counts) + overhead).min(8 * symbols), counts }
    }

    /// Of all keys that occur.
    fn of_each_key(keys: &[u8], plane: &[u8]) -> Vec<Self> {
        let mut counts = vec![[0_u32; 256]; 256];
        for (&key, &symbol) in keys.iter().zip(plane) {
            counts[usize::from(key)][usize::from(symbol)] += 1;
        }
        let used = |counts: &[u32; 256]| counts.iter().any(|&count| count > 0);
        (0..=255)
            .zip(counts)
            .filter(|(_, counts)| used(counts))
            .map(|(key, counts)| Self::new(key, Box::new(counts)))
            .collect()
    }

    fn merged(&self, next: &Self) -> Self {
        let counts = std::array::from_fn(|symbol| self.counts[symbol] + next.counts[symbol]);
        Self::new(self.first_key, Box::new(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_cut_where_its_symbols_change() {
        let keys: Vec<u8> = (0..40_000_u32).map(|at| (at * 7 % 64) as u8 + 100).collect();
        let symbol = |key: &u8| if *key < 120 { 1 } else { 9 } + key % 2;
        let plane: Vec<u8> = keys.iter().map(symbol).collect();
        let plane: Vec<u8> = plane.iter().zip(0_u32..).map(|(&byte, at)| byte + ((at * at) >> 3) as u8 % 4).collect();
        let bounds = bounds(&keys, &plane).unwrap();
        assert!(bounds.first_keys().contains(&120), "{bounds:?}");
        assert!(super::bounds(&keys, &vec![7; keys.len()]).is_none());
        assert!(super::bounds(&keys[..100], &plane[..100]).is_none());
    }
}
