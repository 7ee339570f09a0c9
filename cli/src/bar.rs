//! The progress bar.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ranstream::{DecodeOptions, EncodeOptions};

use crate::input::Input;

/// What takes less time shows no bar.
const DELAY: Duration = Duration::from_millis(400);

const WITH_LENGTH: &str = "{prefix} {wide_bar} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {msg}, {eta} left";
const WITHOUT_LENGTH: &str = "{prefix} {spinner} {bytes}, {binary_bytes_per_sec}, {msg}";

/// A line on standard error that shows how far one file has come, and disappears in the end.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// None where there is no terminal to draw it on.
    line: Option<ProgressBar>,
    begun: Instant,
}

impl Bar {
    pub(crate) fn new(shown: bool, input: &Input) -> Self {
        let line = shown.then(|| {
            let len = input.len();
            let template = if len.is_some() { WITH_LENGTH } else { WITHOUT_LENGTH };
            ProgressBar::with_draw_target(len, ProgressDrawTarget::hidden())
                .with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_prefix(input.to_string())
        });
        Self { line, begun: Instant::now() }
    }

    /// Follows what is compressed.
    pub(crate) fn follow_encoder(&self, options: EncodeOptions) -> EncodeOptions {
        if self.line.is_none() {
            return options;
        }
        let bar = self.clone();
        options.on_progress(move |progress| {
            bar.show(progress.raw_bytes(), || format!("{:.1} %", 100.0 * progress.ratio()));
        })
    }

    /// Follows what is decompressed. The ratio is not known before the end: the reader is ahead of
    /// the blocks that are decoded.
    pub(crate) fn follow_decoder(&self, options: DecodeOptions) -> DecodeOptions {
        if self.line.is_none() {
            return options;
        }
        let bar = self.clone();
        options.on_progress(move |progress| {
            bar.show(progress.coded_bytes(), || format!("{} out", HumanBytes(progress.raw_bytes())));
        })
    }

    pub(crate) fn clear(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }

    fn show(&self, position: u64, message: impl FnOnce() -> String) {
        let Some(line) = &self.line else { return };
        line.set_position(position);
        if self.begun.elapsed() > DELAY {
            if line.is_hidden() {
                line.set_draw_target(ProgressDrawTarget::stderr());
            }
            line.set_message(message());
        }
    }
}
