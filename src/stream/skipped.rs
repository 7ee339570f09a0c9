//! A block that is stepped over: nothing of it is kept but its checks.

use crate::{format::BlockHeader, simd::Crc32c};

#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    pub(crate) header: BlockHeader,
    /// Where the block starts in the input.
    pub(crate) offset: u64,
    pub(crate) is_index: bool,
    pub(crate) has_entries: bool,
    /// `None`: payload was passed over unread.
    checks: Option<Checks>,
}

#[derive(Debug, Clone)]
struct Checks {
    /// Over header and payload.
    whole: Crc32c,
    /// Over the payload but the footer.
    entries: Crc32c,
}

impl Skipped {
    /// Application data, or what a later version may put there; a data block of which only the
    /// header is wanted.
    pub(crate) fn block(header: BlockHeader, offset: u64) -> Self {
        let mut whole = Crc32c::new();
        whole.update(&header.to_bytes());
        let checks = Some(Checks { whole, entries: Crc32c::new() });
        Self { header, offset, is_index: false, has_entries: false, checks }
    }

    /// The index. Without entries it is only a footer.
    pub(crate) fn index(header: BlockHeader, offset: u64, has_entries: bool) -> Self {
        Self { is_index: true, has_entries, ..Self::block(header, offset) }
    }

    /// The next bytes of the payload, the footer not among them.
    pub(crate) fn update(&mut self, payload: &[u8]) {
        if let Some(checks) = &mut self.checks {
            checks.whole.update(payload);
            if self.is_index {
                checks.entries.update(payload);
            }
        }
    }

    /// The footer, if there is one.
    pub(crate) fn update_check(&mut self, footer: &[u8]) {
        if let Some(checks) = &mut self.checks {
            checks.whole.update(footer);
        }
    }

    /// Bytes of the payload are passed over: there is nothing to check it with any more.
    pub(crate) fn pass(&mut self) {
        self.checks = None;
    }

    /// Over header, payload and footer, if all were seen.
    pub(crate) fn check(&self) -> Option<u32> {
        self.checks.as_ref().map(|checks| checks.whole.value())
    }

    /// Over the payload but the footer, if all was seen.
    pub(crate) fn entries(&self) -> Option<u32> {
        self.checks.as_ref().map(|checks| checks.entries.value())
    }
}
