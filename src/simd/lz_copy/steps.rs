//! What the copy loop asks of a kernel, and the forms that it has.

use super::{
    GROUP,
    copies::{before, near, near_long, short},
};

/// Literals as they are.
pub(in crate::simd) const PLAIN: u8 = 0;
/// Differences, one by one where the last offset is less than 16: where most offsets are that
/// small, loads of what was just stored would wait.
pub(in crate::simd) const BYTES: u8 = 1;
/// Differences, 16 at a time.
pub(in crate::simd) const VECTORS: u8 = 2;
/// Differences with the 16 bytes before the output in a register: what is nearer comes from there.
/// Pays where many offsets are below 16, and only there: each sequence waits for the one before.
pub(in crate::simd) const WINDOW: u8 = 3;

/// What a kernel has its own instructions for. The processor has those for all of them.
pub(in crate::simd) trait Steps: Sized {
    /// How differences are taken where a third of the offsets is below 16.
    const NEAREST: u8 = BYTES;

    /// The sum of a group's lengths.
    ///
    /// # Safety
    ///
    /// The processor has the kernel's features.
    unsafe fn sum(lengths: &[u8; GROUP]) -> usize;

    /// The smallest and the largest of a group's offsets.
    ///
    /// # Safety
    ///
    /// As above.
    unsafe fn range(offsets: &[u32; GROUP]) -> (u32, u32);

    /// Asks for the lines that the matches of a group begin in. Its first literal will stand at
    /// `to`, which may be anywhere. Does nothing where no fast way is known.
    ///
    /// # Safety
    ///
    /// As above.
    #[inline(always)]
    unsafe fn prefetch(_to: *const u8, _runs: &[u8; GROUP], _lengths: &[u8; GROUP], _offsets: &[u32; GROUP]) {}

    /// 16 bytes that repeat the first `period` (1..=16) of `bytes`.
    ///
    /// # Safety
    ///
    /// As above.
    unsafe fn repeat(bytes: [u8; 16], period: usize) -> [u8; 16];

    /// The sums of `bytes` and what stands `period` (1..=16) before each: `base` for the first of
    /// them, the sums themselves for the others.
    ///
    /// # Safety
    ///
    /// As above.
    unsafe fn add_repeated(bytes: [u8; 16], base: [u8; 16], period: usize) -> [u8; 16];

    /// Writes `WIDTH` (16, 32 or 64) bytes that repeat the `offset` bytes before `to`.
    ///
    /// # Safety
    ///
    /// As above. `offset` bytes before `to` can be read, and `WIDTH` from `to` on read and written.
    #[inline(always)]
    unsafe fn near<const WIDTH: usize>(to: *mut u8, offset: usize) {
        // SAFETY: the caller says so.
        unsafe { near::<Self, WIDTH>(to, offset) }
    }

    /// The same for any `length`, and an offset below 32.
    ///
    /// # Safety
    ///
    /// As [`near`](Self::near), with `length` and 32 more for `WIDTH`.
    #[inline(always)]
    unsafe fn near_long(to: *mut u8, offset: usize, length: usize) {
        // SAFETY: the caller says so.
        unsafe { near_long::<Self>(to, offset, length) }
    }

    /// Writes the literals of a sequence, which are differences, and its match, each of less than
    /// 16 bytes. `window` is the 16 bytes before `to`. Those before the end of the match come back.
    ///
    /// # Safety
    ///
    /// As above. 16 bytes can be read at `from`, and written behind the literals. `last` and
    /// `offset` reach back to bytes that are there.
    #[inline(always)]
    unsafe fn windowed(
        from: *const u8,
        to: *mut u8,
        [run, length]: [usize; 2],
        [last, offset]: [usize; 2],
        _window: [u8; 16],
    ) -> [u8; 16] {
        // SAFETY: the caller says so, and that 16 bytes are before `to`.
        unsafe {
            short::<Self, BYTES, 16, 16, false>(from, to, [run, length], [last, offset], &mut [0; 16]);
            before::<WINDOW, false>(to.add(run + length))
        }
    }
}

/// How differences are best taken where the offsets are these, by a sample.
pub(in crate::simd) fn differences_by<S: Steps>(offsets: &[u32]) -> u8 {
    let (mut all, mut below_16, mut below_64) = (0, 0, 0);
    for &offset in offsets.iter().step_by(offsets.len() / 512 + 1) {
        all += 1;
        below_16 += u32::from(offset < 16);
        below_64 += u32::from(offset < 64);
    }
    if 3 * below_16 > all {
        S::NEAREST
    } else if 10 * below_64 > all {
        BYTES
    } else {
        VECTORS
    }
}
