//! Memory between pages that nobody may touch, for tests: a step that reads or writes outside ends
//! the program.

use std::ptr::null_mut;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Bytes that are guarded on each side: a multiple of every processor's pages.
const GUARD: usize = 64 << 10;

/// So many bytes, a multiple of [`GUARD`], with a guard before them and one behind.
#[derive(Debug)]
pub(crate) struct Guarded {
    start: *mut u8,
    len: usize,
}

impl Guarded {
    /// Room for `len` bytes at least.
    pub(crate) fn new(len: usize) -> Self {
        let len = len.next_multiple_of(GUARD);
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a mapping at no given address overlaps nothing. Both guards are inside it, and
        // nothing points to them.
        let start = unsafe {
            let start = mmap_anonymous(null_mut(), len + 2 * GUARD, protection, flags).expect("memory for a test");
            for guard in [start, start.byte_add(GUARD + len)] {
                mprotect(guard, GUARD, MprotectFlags::empty()).expect("the pages are our own");
            }
            start.byte_add(GUARD)
        };
        Self { start: start.cast(), len }
    }

    /// `len` bytes that begin at the guard before them.
    pub(crate) fn front(&mut self, len: usize) -> &mut [u8] {
        &mut self.all()[..len]
    }

    /// `len` bytes that end at the guard behind them.
    pub(crate) fn back(&mut self, len: usize) -> &mut [u8] {
        let at = self.len - len;
        &mut self.all()[at..]
    }

    fn all(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes of the mapping are ours alone to read and write, zeros at first.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: this is the whole mapping, and no borrow of it is left.
        let unmapped = unsafe { munmap(self.start.byte_sub(GUARD).cast(), self.len + 2 * GUARD) };
        unmapped.expect("the mapping is our own");
    }
}
