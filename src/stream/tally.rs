//! What is kept of the blocks that go by, in either direction.

use crate::{
    format::check::ContentHash,
    progress::{Observer, Progress},
};

/// The content check and the progress of a stream, and the user who watches. Whoever hands a block
/// on tells it here, in the order of the blocks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    content: Option<Box<ContentHash>>,
    /// Raw bytes of all blocks that came by, whether or not the user has heard of them.
    raw_bytes: u64,
    progress: Progress,
    observer: Option<Observer>,
}

impl Tally {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { content: None, raw_bytes: 0, progress: Progress::default(), observer }
    }

    /// A stream begins. The progress goes over all streams.
    pub(crate) fn begin_stream(&mut self, content_check: bool) {
        self.content = content_check.then(Box::default);
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Raw bytes of all blocks that came by. The progress lacks some, once the user panicked.
    pub(crate) fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// The next raw bytes of the stream.
    pub(crate) fn add_content(&mut self, raw: &[u8]) {
        self.raw_bytes += raw.len() as u64;
        if let Some(content) = &mut self.content {
            content.update(raw);
        }
    }

    pub(crate) fn add_coded(&mut self, bytes: usize) {
        self.progress.add_coded(bytes);
    }

    /// A block went by. The user hears of it: whatever was under way must be whole by now.
    pub(crate) fn add_block(&mut self, raw_len: usize) {
        self.progress.add_block(raw_len);
        if let Some(observer) = &self.observer {
            observer.call(&self.progress);
        }
    }

    /// The check over all raw bytes of the stream. `None`: it has none, or not all were seen.
    pub(crate) fn content_check(&self) -> Option<u64> {
        self.content.as_ref().map(|content| content.value())
    }

    /// Begins again with the same observer.
    pub(crate) fn clear(&mut self) {
        self.content = None;
        self.raw_bytes = 0;
        self.progress = Progress::default();
    }
}
