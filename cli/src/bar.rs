//! The progress bar.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ranstream::{DecodeOptions, EncodeOptions};

use crate::{input::Input, report::percent};

/// What takes less time shows no bar.
const DELAY: Duration = Duration::from_millis(400);

/// Everything is one message, so that a line which is too long for the terminal is cut off: one
/// that wraps would stay there with each update.
const TEMPLATE: &str = "{wide_msg}";

/// Signs of the drawing.
const DRAWN: usize = 10;

/// A line on standard error that shows how far one file has come, and disappears in the end.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// None where there is no terminal to draw it on.
    line: Option<ProgressBar>,
    name: String,
    begun: Instant,
}

impl Bar {
    pub(crate) fn new(shown: bool, input: &Input) -> Self {
        let line = shown.then(|| ProgressBar::with_draw_target(input.len(), ProgressDrawTarget::hidden()));
        Self { line, name: input.to_string(), begun: Instant::now() }
    }

    /// Follows what is compressed.
    pub(crate) fn follow_encoder(&self, options: EncodeOptions) -> EncodeOptions {
        if self.line.is_none() {
            return options;
        }
        let bar = self.clone();
        options.on_progress(move |progress| {
            let ratio = percent(progress.coded_bytes(), progress.raw_bytes());
            bar.show(progress.raw_bytes(), || ratio);
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

    fn show(&self, position: u64, result: impl FnOnce() -> String) {
        let Some(line) = &self.line else { return };
        line.set_position(position);
        let elapsed = self.begun.elapsed();
        if elapsed <= DELAY {
            return;
        }
        if line.is_hidden() {
            line.set_style(ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
            line.set_draw_target(ProgressDrawTarget::stderr());
        }
        line.set_message(self.text(position, line.length(), elapsed, &result()));
    }

    /// What matters most comes first: the end may not be seen.
    fn text(&self, position: u64, len: Option<u64>, elapsed: Duration, result: &str) -> String {
        let speed = position as f64 / elapsed.as_secs_f64();
        let Some(len) = len.filter(|&len| len > 0) else {
            return format!("{}, {}/s, {result}, {}", HumanBytes(position), HumanBytes(speed as u64), self.name);
        };
        let left = Duration::from_secs_f64(len.saturating_sub(position) as f64 / speed.max(1.0));
        let drawn = (DRAWN as u64 * position.min(len) / len) as usize;
        format!(
            "{}{} {:.0} %, {left:#} left, {}, {} of {}, {}/s, {result}",
            "█".repeat(drawn),
            "░".repeat(DRAWN - drawn),
            100.0 * position as f64 / len as f64,
            self.name,
            HumanBytes(position),
            HumanBytes(len),
            HumanBytes(speed as u64),
            left = HumanDuration(left),
        )
    }
}
