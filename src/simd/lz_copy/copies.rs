//! Copies of one sequence, in steps of a fixed width.

use std::hint::select_unpredictable;

use super::{PLAIN, Steps, VECTORS, WINDOW};

/// The smallest multiple of each period that is 16 or more.
const MULTIPLE: [usize; 17] = {
    let mut multiples = [16; 17];
    let mut period = 1;
    while period < 17 {
        multiples[period] = 16_usize.div_ceil(period) * period;
        period += 1;
    }
    multiples
};

/// Writes `run` literals, less than `RUN`, in steps of that, and behind those `length` bytes, less
/// than `WIDTH`, that repeat the `offset` bytes before them.
///
/// # Safety
///
/// As [`differences`] with `RUN` for `len`, and [`Steps::near`] behind `run` bytes; with
/// [`WINDOW`], what [`before`] says.
#[inline(always)]
pub(super) unsafe fn short<S: Steps, const LITERALS: u8, const RUN: usize, const WIDTH: usize, const FAR: bool>(
    from: *const u8,
    to: *mut u8,
    [run, length]: [usize; 2],
    [last, offset]: [usize; 2],
    window: &mut [u8; 16],
) {
    // SAFETY: the caller says so.
    unsafe {
        match LITERALS {
            PLAIN => copy_width::<RUN>(from, to),
            WINDOW if !FAR => {
                *window = S::windowed(from, to, [run, length], [last, offset], *window);
                return;
            }
            _ => differences::<S, LITERALS, FAR>(from, to, run, last),
        }
        let to = to.add(run);
        if FAR { copy_width::<WIDTH>(to.sub(offset), to) } else { S::near::<WIDTH>(to, offset) }
    }
}

/// The 16 bytes before `to`, where the loop needs them.
///
/// # Safety
///
/// With [`WINDOW`], and not `FAR`, there are so many.
#[inline(always)]
pub(super) unsafe fn before<const LITERALS: u8, const FAR: bool>(to: *const u8) -> [u8; 16] {
    if LITERALS != WINDOW || FAR {
        return [0; 16];
    }
    // SAFETY: the caller says so.
    unsafe { to.sub(16).cast::<[u8; 16]>().read() }
}

/// Writes `run` literals and behind those `length` bytes that repeat the `offset` bytes before
/// them. Both may be any number.
///
/// # Safety
///
/// As [`differences`] with `run` and 32 more for `len`, and [`Steps::near`] behind `run` bytes,
/// with `length` and 32 more, or 128 where `WIDTH` is 64.
#[inline(always)]
pub(super) unsafe fn any<S: Steps, const LITERALS: u8, const WIDTH: usize, const FAR: bool>(
    from: *const u8,
    to: *mut u8,
    [run, length]: [usize; 2],
    [last, offset]: [usize; 2],
) {
    // SAFETY: the caller says so.
    unsafe {
        match LITERALS {
            PLAIN => copy_far::<32>(from, to, run),
            _ => differences::<S, LITERALS, FAR>(from, to, run, last),
        }
        let to = to.add(run);
        if WIDTH < 64 { near_or_far::<S, 32>(to, offset, length) } else { near_or_far::<S, 128>(to, offset, length) }
    }
}

/// Writes `length` bytes that repeat the `offset` bytes before `to`, in steps of `STEP` (32 or 128)
/// where that is 32 or more.
///
/// # Safety
///
/// As [`Steps::near`], with `length`, rounded up to a multiple of `STEP` and `STEP` at least, for
/// `WIDTH`.
#[inline(always)]
pub(super) unsafe fn near_or_far<S: Steps, const STEP: usize>(to: *mut u8, offset: usize, length: usize) {
    // SAFETY: the caller says so.
    unsafe { if offset < 32 { S::near_long(to, offset, length) } else { copy_far::<STEP>(to.sub(offset), to, length) } }
}

/// Copies `len` bytes from 32 or more away, the first `STEP` (32 or 128) in any case.
///
/// # Safety
///
/// `len`, rounded up to a multiple of `STEP`, and `STEP` at least, can be read and written.
#[inline(always)]
pub(super) unsafe fn copy_far<const STEP: usize>(from: *const u8, to: *mut u8, len: usize) {
    let mut done = 0;
    loop {
        // SAFETY: `done` is a multiple of `STEP` and 0 or below `len`.
        unsafe { copy_width::<STEP>(from.add(done), to.add(done)) };
        done += STEP;
        if done >= len {
            break;
        }
    }
}

/// Writes `len` literals that are differences to the bytes `last` further back. `FAR`: `last` is 16
/// or more.
///
/// # Safety
///
/// The processor has the features that `S` needs. `last` bytes before `to` can be read, and `len`,
/// rounded up to a multiple of 16 and 16 at least, read at `from` and written at `to`.
///
/// Which way `last` goes is mostly easy to foresee where few offsets are below 16.
#[inline(always)]
pub(super) unsafe fn differences<S: Steps, const LITERALS: u8, const FAR: bool>(
    from: *const u8,
    to: *mut u8,
    len: usize,
    last: usize,
) {
    let mut done = 0;
    if !FAR && LITERALS != VECTORS && last < 16 {
        while done < len {
            // SAFETY: the caller says so, and one byte further back than `to + done` is there.
            unsafe { *to.add(done) = (*from.add(done)).wrapping_add(*to.add(done).sub(last)) };
            done += 1;
        }
        return;
    }
    loop {
        // SAFETY: `done` is a multiple of 16 and 0 or below `len`. The load of what is `last`
        // further back ends no further than the store.
        unsafe {
            let base = to.add(done).sub(last).cast::<[u8; 16]>().read();
            let mut bytes = from.add(done).cast::<[u8; 16]>().read();
            if FAR || LITERALS != VECTORS || last >= 16 {
                for (byte, base) in bytes.iter_mut().zip(base) {
                    *byte = byte.wrapping_add(base);
                }
            } else {
                bytes = S::add_repeated(bytes, base, last.min(16));
            }
            to.add(done).cast::<[u8; 16]>().write(bytes);
        }
        done += 16;
        if done >= len {
            break;
        }
    }
}

/// Copies `N` bytes, 16 or 32, in one step.
///
/// # Safety
///
/// So many can be read from `from` and written to `to`.
#[inline(always)]
unsafe fn copy<const N: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: the caller says so; arrays of bytes need no alignment beyond that of a byte.
    unsafe { to.cast::<[u8; N]>().write(from.cast::<[u8; N]>().read()) }
}

/// Copies `WIDTH` bytes, 16 or a multiple of 32, in steps of at most 32: `from` may be that near.
///
/// # Safety
///
/// As [`copy`].
#[inline(always)]
pub(in crate::simd) unsafe fn copy_width<const WIDTH: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: the caller says so. `done` is a multiple of 32 below `WIDTH`.
    unsafe {
        if WIDTH <= 32 {
            copy::<WIDTH>(from, to);
        } else {
            let mut done = 0;
            while done < WIDTH {
                copy::<32>(from.add(done), to.add(done));
                done += 32;
            }
        }
    }
}

/// Writes `WIDTH` bytes that repeat the `offset` bytes before `to`.
///
/// # Safety
///
/// The processor has the features that `S` needs. `offset` bytes before `to` can be read, and
/// `WIDTH` from `to` on written.
#[inline(always)]
pub(super) unsafe fn near<S: Steps, const WIDTH: usize>(to: *mut u8, offset: usize) {
    // SAFETY: the caller says so. The first load may reach behind `to`, and no further than the
    // store. `distance` is 16 or more, and a multiple of `offset` where it is not `offset`: it ends
    // no further back than where the first step began, as each later step goes on where the one
    // before it ended.
    unsafe {
        repeat_16::<S>(to, offset);
        if WIDTH > 16 {
            let distance = distance(offset);
            copy::<16>(to.add(16).sub(distance), to.add(16));
            if WIDTH > 32 {
                copy::<16>(to.add(32).sub(distance), to.add(32));
                copy::<16>(to.add(48).sub(distance), to.add(48));
            }
        }
    }
}

/// [`near`] for any `length`, of which 16 bytes are written in any case.
///
/// # Safety
///
/// As [`near`], with `length` rounded up to a multiple of 16.
#[inline(always)]
pub(super) unsafe fn near_long<S: Steps>(to: *mut u8, offset: usize, length: usize) {
    // SAFETY: as in `near`.
    unsafe { repeat_16::<S>(to, offset) };
    let distance = distance(offset);
    let mut done = 16;
    while done < length {
        // SAFETY: as in `near`; `done` is a multiple of 16 below `length`.
        unsafe { copy::<16>(to.add(done).sub(distance), to.add(done)) };
        done += 16;
    }
}

/// A distance of 16 or more that gives the same bytes as `offset`, once 16 bytes are there.
#[inline(always)]
fn distance(offset: usize) -> usize {
    select_unpredictable(offset < 16, MULTIPLE[offset.min(16)], offset)
}

/// # Safety
///
/// As [`near`] with 16 for `WIDTH`.
#[inline(always)]
unsafe fn repeat_16<S: Steps>(to: *mut u8, offset: usize) {
    // SAFETY: the caller says so.
    unsafe {
        let bytes = to.sub(offset).cast::<[u8; 16]>().read();
        to.cast::<[u8; 16]>().write(S::repeat(bytes, offset.min(16)));
    }
}
