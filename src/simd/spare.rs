//! Room for bytes that may not hold any yet, such as that behind the end of a vector.
//!
//! To zero such room takes a third of the time that it takes to decode lanes to it, where none of
//! it is in a cache (Intel Xeon, Sapphire Rapids or later): it is bound by memory. So a [`Spare`]
//! may be written without that. It can be cut in pieces, each for who decodes there, and what was
//! written of them is put together again, as [`Written`]. Both know the room that they are of: only
//! bytes that were written in it become a vector's.

use std::{marker::PhantomData, mem::MaybeUninit, ptr::NonNull, slice};

/// A piece of some room. It is written from its start on.
#[derive(Debug)]
pub(crate) struct Spare<'a> {
    /// Where the room begins. Places below count from there.
    room: NonNull<u8>,
    start: usize,
    /// Up to here all was written.
    written: usize,
    end: usize,
    /// Whether all holds bytes, written or not.
    is_initialised: bool,
    marker: PhantomData<&'a mut [MaybeUninit<u8>]>,
}

// SAFETY: it is what a `&mut [MaybeUninit<u8>]` is: nobody else has these bytes. Pieces have none
// in common, see `take`.
unsafe impl Send for Spare<'_> {}

impl<'a> Spare<'a> {
    pub(crate) fn new(room: &'a mut [MaybeUninit<u8>]) -> Self {
        let end = room.len();
        Self { room: NonNull::from(room).cast(), start: 0, written: 0, end, is_initialised: false, marker: PhantomData }
    }

    /// Bytes that were not written yet.
    pub(crate) fn len(&self) -> usize {
        self.end - self.written
    }

    /// Takes a piece of `len` bytes off the front of those that were not written yet.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    pub(crate) fn take(&mut self, len: usize) -> Self {
        assert!(len <= self.len(), "{len} bytes of {}", self.len());
        let start = self.written;
        (self.start, self.written) = (start + len, start + len);
        Self { start, written: start, end: start + len, ..*self }
    }

    /// Leaves out what is behind the next `len` bytes. A shorter piece stays as it is.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end -= self.len().saturating_sub(len);
    }

    /// All that was not written yet, which is written by this: zeros, or what it held.
    pub(crate) fn zero(&mut self) -> &mut [u8] {
        let written = self.written - self.start;
        &mut self.zero_up_to(usize::MAX)[written..]
    }

    /// The first `len` bytes of the piece, or all if it has fewer. Those that were not written yet
    /// are written by this: zeros, or what they held.
    pub(crate) fn zero_up_to(&mut self, len: usize) -> &mut [u8] {
        let len = len.min(self.end - self.start);
        let more = (self.start + len).saturating_sub(self.written);
        if !self.is_initialised {
            // SAFETY: the piece has so many bytes from there on, and nobody else has them.
            unsafe { self.as_mut_ptr().write_bytes(0, more) };
        }
        self.written += more;
        // SAFETY: as above. All bytes up to `written` are initialised, by the line above or before,
        // and the piece is borrowed as long as they are.
        unsafe { slice::from_raw_parts_mut(self.room.as_ptr().add(self.start), len) }
    }

    /// Writes `bytes` next.
    ///
    /// # Panics
    ///
    /// When there is no room for so many.
    pub(crate) fn copy(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len(), "{} bytes to {}", bytes.len(), self.len());
        // SAFETY: the assertion saw room for them, which nobody else has: `bytes` are elsewhere.
        unsafe { self.as_mut_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.written += bytes.len();
    }

    /// Begins again at the start: what was written is to be written anew.
    pub(crate) fn rewind(&mut self) {
        self.is_initialised |= self.written == self.end;
        self.written = self.start;
    }

    /// What was written, from the start of the piece on.
    pub(crate) fn into_written(self) -> Written<'a> {
        Written { room: self.room, start: self.start, end: self.written, marker: PhantomData }
    }

    /// Where the next byte goes. The piece has [`len`](Self::len) bytes from there on.
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        // SAFETY: `written` is at most `end`, and up to there it is all one room.
        unsafe { self.room.as_ptr().add(self.written) }
    }

    /// Counts the next `len` bytes as written.
    ///
    /// # Safety
    ///
    /// There are so many, and they were.
    pub(super) unsafe fn assume_written(&mut self, len: usize) {
        debug_assert!(len <= self.len(), "{len} bytes of {}", self.len());
        self.written += len;
    }
}

impl<'a> From<&'a mut [u8]> for Spare<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        let end = bytes.len();
        Self { room: NonNull::from(bytes).cast(), start: 0, written: 0, end, is_initialised: true, marker: PhantomData }
    }
}

/// A piece without bytes.
impl Default for Spare<'_> {
    fn default() -> Self {
        Self::from(&mut [][..])
    }
}

/// Bytes that were written in some room.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    room: NonNull<u8>,
    start: usize,
    end: usize,
    marker: PhantomData<&'a mut [u8]>,
}

// SAFETY: it is what a `&mut [u8]` is, as `Spare` above, and shared it gives but a `&[u8]`.
unsafe impl Send for Written<'_> {}
// SAFETY: as above.
unsafe impl Sync for Written<'_> {}

impl Written<'_> {
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes of the room were written, and nobody else has them.
        unsafe { slice::from_raw_parts(self.room.as_ptr().add(self.start), self.len()) }
    }

    /// Adds what was written right behind, or puts it in the place of nothing. `false`: it was
    /// written elsewhere, and is not added.
    #[must_use]
    pub(crate) fn append(&mut self, next: Self) -> bool {
        if self.len() == 0 {
            *self = next;
            return true;
        }
        // Two rooms that somebody has at the same time, and that have bytes, begin at two places.
        let adjoins = self.room == next.room && self.end == next.start;
        if adjoins {
            self.end = next.end;
        }
        adjoins
    }
}

/// Nothing.
impl Default for Written<'_> {
    fn default() -> Self {
        Spare::default().into_written()
    }
}

/// Gives `write` the room for `len` bytes behind the end of `bytes`, and appends what was written
/// from its start on.
///
/// # Panics
///
/// When `bytes` has no capacity for so many.
pub(crate) fn append<R>(
    bytes: &mut Vec<u8>,
    len: usize,
    write: impl for<'x> FnOnce(Spare<'x>) -> (Written<'x>, R),
) -> R {
    let spare = &mut bytes.spare_capacity_mut()[..len];
    let room = NonNull::from(&mut *spare).cast();
    let (written, result) = write(Spare::new(spare));
    // What was written is borrowed as long as the spare capacity. So a room that begins at the same
    // place is that one, unless one of them has no bytes.
    let len = if written.room == room && written.start == 0 { written.end.min(len) } else { 0 };
    // SAFETY: these bytes of the spare capacity were written.
    unsafe { bytes.set_len(bytes.len() + len) };
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_from_the_start_on_is_appended() {
        let mut bytes = vec![1, 2];
        bytes.reserve_exact(10);
        let left = append(&mut bytes, 8, |mut spare| {
            let (mut first, mut second) = (spare.take(3), spare.take(2));
            first.zero().copy_from_slice(&[3, 4, 5]);
            let mut part = second.take(1);
            part.copy(&[6]);
            let mut written = first.into_written();
            assert!(written.append(part.into_written()));
            assert_eq!((written.len(), written.bytes()), (4, &[3, 4, 5, 6][..]));
            assert!(written.append(second.into_written()), "nothing, right behind");
            (written, spare.len())
        });
        assert_eq!((&bytes[..], left), (&[1, 2, 3, 4, 5, 6][..], 3));
    }

    #[test]
    fn what_was_written_elsewhere_is_not_appended() {
        let mut bytes = Vec::with_capacity(8);
        append(&mut bytes, 4, |mut spare| {
            let (_left_out, mut second) = (spare.take(2), spare.take(2));
            second.zero().fill(1);
            (second.into_written(), ())
        });
        assert!(bytes.is_empty(), "it does not begin where the vector ends");
        append(&mut bytes, 4, |_| (Written::default(), ()));
        assert!(bytes.is_empty());
    }

    #[test]
    fn only_neighbours_in_a_room_are_put_together() {
        let mut bytes = [1, 2, 3, 4, 5];
        let (one, other) = bytes.split_at_mut(3);
        let (mut one, mut other) = (Spare::from(one), Spare::from(other));
        let pieces = [one.take(1), one.take(1), one, other.take(1)];
        let [mut first, second, third, other] = pieces.map(|mut piece| {
            piece.zero();
            piece.into_written()
        });
        assert!(!first.append(third), "there is one between them");
        assert!(first.append(second));
        assert!(!first.append(other), "it is of another room");
        assert_eq!(first.bytes(), [1, 2]);
    }

    #[test]
    fn bytes_that_are_there_stay_until_they_are_written() {
        let mut bytes = [1, 2, 3, 4];
        let mut spare = Spare::from(&mut bytes[..]);
        spare.truncate(9);
        spare.truncate(3);
        let first = spare.take(1);
        assert_eq!(first.len(), 1);
        assert_eq!(spare.zero(), [2, 3]);
        assert_eq!((spare.len(), spare.into_written().bytes()), (0, &[2, 3][..]));
    }

    #[test]
    fn bytes_that_were_written_are_not_zeroed() {
        let mut bytes = Vec::with_capacity(9);
        append(&mut bytes, 9, |mut spare| {
            let mut piece = spare.take(6);
            piece.zero_up_to(2).fill(1);
            assert_eq!(piece.zero_up_to(4), [1, 1, 0, 0]);
            assert_eq!(piece.zero_up_to(1), [1]);
            piece.rewind();
            assert_eq!((piece.len(), piece.zero_up_to(2)), (6, &mut [0; 2][..]));
            piece.zero().fill(3);
            piece.rewind();
            assert_eq!((piece.len(), piece.zero_up_to(8)), (6, &mut [0, 0, 3, 3, 3, 3][..]));
            (piece.into_written(), ())
        });
        assert_eq!(bytes, [0, 0, 3, 3, 3, 3]);
    }

    #[test]
    #[should_panic(expected = "3 bytes of 2")]
    fn more_than_there_is_cannot_be_taken() {
        Spare::from(&mut [0; 2][..]).take(3);
    }
}
