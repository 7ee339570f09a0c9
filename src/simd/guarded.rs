//! Memory for tests, between pages that nobody may touch.

use std::{ptr, slice};

/// What reads or writes one byte before the first or behind the last ends the program.
pub(crate) struct Guarded {
    /// The page before the memory.
    start: *mut u8,
    page: usize,
    len: usize,
}

impl Guarded {
    /// At least `len` bytes, of whole pages.
    pub(crate) fn new(len: usize) -> Self {
        // SAFETY: the call takes a number alone.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let len = len.next_multiple_of(page);
        // SAFETY: new memory without a file, at any place.
        let start = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
            libc::mmap(ptr::null_mut(), len + 2 * page, libc::PROT_NONE, flags, -1, 0)
        };
        assert_ne!(start, libc::MAP_FAILED, "no memory of {len} bytes");
        let start = start.cast::<u8>();
        // SAFETY: all pages but the first and the last of those that were just made.
        let opened = unsafe { libc::mprotect(start.add(page).cast(), len, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(opened, 0, "pages cannot be opened");
        Self { start, page, len }
    }

    /// The first `len` bytes.
    pub(crate) fn first(&mut self, len: usize) -> &mut [u8] {
        &mut self.all()[..len]
    }

    /// The last `len` bytes.
    pub(crate) fn last(&mut self, len: usize) -> &mut [u8] {
        let at = self.len - len;
        &mut self.all()[at..]
    }

    fn all(&mut self) -> &mut [u8] {
        // SAFETY: `new` opened `len` bytes behind the first page, which were zero at first; they
        // are borrowed as `self` is.
        unsafe { slice::from_raw_parts_mut(self.start.add(self.page), self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: all that `new` made, and nothing borrows it any more.
        let freed = unsafe { libc::munmap(self.start.cast(), self.len + 2 * self.page) };
        assert_eq!(freed, 0, "pages cannot be given back");
    }
}
