//! A block that is stepped over: nothing of it is kept but its checks.

use crate::format::{BlockHeader, check::Crc32c};

#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    pub(crate) header: BlockHeader,
    /// Where the block starts in the input.
    pub(crate) offset: u64,
    /// Over header and payload.
    pub(crate) check: Crc32c,
    /// Over the payload but the footer.
    pub(crate) entries: Crc32c,
    pub(crate) is_index: bool,
    pub(crate) has_entries: bool,
}

impl Skipped {
    /// Application data, or what a later version may put there.
    pub(crate) fn data(header: BlockHeader, offset: u64) -> Self {
        let mut check = Crc32c::new();
        check.update(&header.to_bytes());
        Self { header, offset, check, entries: Crc32c::new(), is_index: false, has_entries: false }
    }

    /// The index. Without entries it is only a footer.
    pub(crate) fn index(header: BlockHeader, offset: u64, has_entries: bool) -> Self {
        Self { is_index: true, has_entries, ..Self::data(header, offset) }
    }

    /// The next bytes of the payload, the footer not among them.
    pub(crate) fn update(&mut self, payload: &[u8]) {
        self.check.update(payload);
        if self.is_index {
            self.entries.update(payload);
        }
    }
}
