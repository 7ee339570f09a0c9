//! What coding a chunk is made of, for kernels to do in their ways.

use crate::pivot::{sort, table::ROWS, tree::SYMBOLS_ROOM};

/// The most symbols that a step reads or writes at a time.
pub(crate) const STRIDE: usize = 64;

/// Bytes behind the last used one that a buffer may be asked to have: a stride, and a word that
/// begins in it.
pub(crate) const SLACK: usize = STRIDE + 8;

/// The loops over symbols. All kernels give the same results for any bytes.
///
/// Where a buffer has to be longer than its content, that is said with it. What stands there does
/// not change the result, and what is written there means nothing. A buffer that is too short is a
/// defect of the caller: a kernel panics then.
pub(crate) trait Steps: Sync {
    /// How many bits are 1.
    fn ones(&self, bitmap: &[u8]) -> usize {
        let (words, rest) = bitmap.as_chunks();
        let whole: u32 = words.iter().map(|word| u64::from_le_bytes(*word).count_ones()).sum();
        let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
        (whole + rest) as usize
    }

    /// Merges symbols: for each of `len` bits of `bitmap`, the next of `left` if it is 0, or else
    /// the next of `right`. How many bits are 1 comes back; if `len` is not whole strides, bits
    /// behind the last may be among them.
    ///
    /// `out` and `bitmap` are as long as for the next multiple of [`STRIDE`] symbols, `left` and
    /// `right` both `len + SLACK`, however many symbols they have.
    fn merge(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize;

    /// The same with a left side of one `symbol`.
    fn merge_single(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize;

    /// Merges symbols as above to memory that may have left the caches: `out` goes on behind them,
    /// and a kernel may ask for it before it is written.
    fn merge_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
        self.merge(out, len, bitmap, left, right)
    }

    /// The same with a left side of one `symbol`.
    fn merge_single_ahead(&self, out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
        self.merge_single(out, len, bitmap, symbol, right)
    }

    /// Looks up `len` numbers of `bits` bits, 1..=8.
    ///
    /// `out` is as long as for the next multiple of [`STRIDE`] symbols, `packed` has
    /// `len * bits / 8 + SLACK` bytes. `table` has its `1 << bits` symbols repeated up to 16.
    fn unpack(&self, out: &mut [u8], len: usize, packed: &[u8], bits: u8, table: &[u8; 256]);

    /// Looks each symbol up in `ranks`. `out` is as long as for the next multiple of [`STRIDE`]
    /// symbols.
    fn rank(&self, symbols: &[u8], ranks: &[u8; 256], out: &mut [u8]) {
        for (out, &symbol) in out.iter_mut().zip(symbols) {
            *out = ranks[usize::from(symbol)];
        }
    }

    /// Parts the first `len` of `ranks`: those from `threshold` on go to `right`, the others to the
    /// front of `ranks`, both in order. `bitmap` gets a 1 for each of the first, and zeros up to
    /// the next multiple of [`STRIDE`]. How many bits are 1 comes back.
    ///
    /// `ranks` and `bitmap` are as long as for the next multiple of [`STRIDE`] symbols, `right` has
    /// `len + SLACK` bytes.
    fn part(&self, ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize;

    /// The same where those below `threshold` are of no more use.
    fn part_single(&self, ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize;

    /// Packs `len` numbers of `bits` bits, 1..=8: how far each rank is from `first`, which is less
    /// than `1 << bits`. The spare bits behind the numbers get 0.
    ///
    /// `ranks` is as long as for the next multiple of [`STRIDE`] symbols, `packed` has
    /// `len * bits / 8 + SLACK` bytes.
    fn pack(&self, ranks: &[u8], len: usize, first: u8, bits: u8, packed: &mut [u8]);

    /// Sorts the `used` symbols by their groups, those of a group in rising order. `numbers` has
    /// the group of each used symbol, each below 64. `starts` gets where each group ends, which is
    /// where the next one begins, behind its first element. Symbols of groups that it has no place
    /// for are not among them; `symbols` may then hold anything.
    fn sort(&self, used: &[u32; ROWS], numbers: &[u8; 256], starts: &mut [u16], symbols: &mut [u8; SYMBOLS_ROOM]) {
        sort::sort(used, numbers, starts, symbols);
    }
}

/// `len` rounded up to whole strides.
pub(crate) fn strides(len: usize) -> usize {
    len.next_multiple_of(STRIDE)
}
