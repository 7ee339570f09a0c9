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
    progress: Progress,
    observer: Option<Observer>,
}

impl Tally {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { content: None, progress: Progress::default(), observer }
    }

    /// A stream begins. The progress goes over all streams.
    pub(crate) fn begin_stream(&mut self, content_check: bool) {
        self.content = content_check.then(Box::default);
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The next raw bytes of the stream.
    pub(crate) fn add_content(&mut self, raw: &[u8]) {
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

    /// Blocks went by together, each with so many coded bytes, and so many raw ones if it is good.
    /// The user hears of one after the other. Where he panics, those behind are counted all the
    /// same: they are ready.
    pub(crate) fn add_together(&mut self, blocks: impl Iterator<Item = (usize, Option<usize>)>) {
        let mut rest = Rest { progress: &mut self.progress, blocks };
        while let Some(is_good) = rest.add_next() {
            if let Some(observer) = self.observer.as_ref().filter(|_| is_good) {
                observer.call(rest.progress);
            }
        }
    }

    /// Whether the raw bytes of the stream are read for its check.
    pub(crate) fn checks_content(&self) -> bool {
        self.content.is_some()
    }

    /// The check over all raw bytes of the stream. `None`: it has none, or not all were seen.
    pub(crate) fn content_check(&self) -> Option<u64> {
        self.content.as_ref().map(|content| content.value())
    }

    /// Begins again with the same observer.
    pub(crate) fn clear(&mut self) {
        self.content = None;
        self.progress = Progress::default();
    }
}

/// Blocks that are counted when this is dropped, at the latest.
struct Rest<'a, I: Iterator<Item = (usize, Option<usize>)>> {
    progress: &'a mut Progress,
    blocks: I,
}

impl<I: Iterator<Item = (usize, Option<usize>)>> Rest<'_, I> {
    /// Whether the next one is good, if there is one.
    fn add_next(&mut self) -> Option<bool> {
        let (coded_len, raw_len) = self.blocks.next()?;
        self.progress.add_coded(coded_len);
        if let Some(raw_len) = raw_len {
            self.progress.add_block(raw_len);
        }
        Some(raw_len.is_some())
    }
}

impl<I: Iterator<Item = (usize, Option<usize>)>> Drop for Rest<'_, I> {
    fn drop(&mut self) {
        while self.add_next().is_some() {}
    }
}
