//! What the user is told, on standard error.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    ops::AddAssign,
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use indicatif::HumanBytes;

use crate::{
    arguments::VoiceArgs,
    bar::Bar,
    input::{self, Input},
};

/// Names longer than this do not push the figures of all others to the right.
const WIDEST_NAME: usize = 40;

/// Says how each file went, and keeps the sums.
#[derive(Debug)]
pub(crate) struct Report {
    voice: VoiceArgs,
    name_width: usize,
    failed: bool,
    lines: u64,
    total: Moved,
    begun: Instant,
}

/// How many bytes an operation took and gave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moved {
    pub(crate) taken: u64,
    pub(crate) given: u64,
    pub(crate) blocks: u64,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.taken += other.taken;
        self.given += other.given;
        self.blocks += other.blocks;
    }
}

impl Report {
    pub(crate) fn new(voice: VoiceArgs) -> Self {
        Self { voice, name_width: 0, failed: false, lines: 0, total: Moved::default(), begun: Instant::now() }
    }

    /// Names of `inputs` take the same room in each line.
    pub(crate) fn align(&mut self, inputs: &[PathBuf]) {
        let widths = inputs.iter().map(|path| input::name(path).chars().count());
        self.name_width = widths.max().unwrap_or(0).min(WIDEST_NAME);
    }

    /// Something failed; the exit status will say so.
    pub(crate) fn error(&mut self, error: &anyhow::Error) {
        self.failed = true;
        say(format_args!("rans: {error:#}"));
    }

    pub(crate) fn warning(&self, name: impl fmt::Display, warning: impl fmt::Display) {
        if !self.voice.quiet {
            say(format_args!("rans: {name}: {warning}"));
        }
    }

    /// Something that is no failure, but good to know.
    pub(crate) fn note(&self, name: impl fmt::Display, note: impl fmt::Display) {
        if !self.voice.quiet {
            say(format_args!("{name} : {note}"));
        }
    }

    /// A file is done, with `result` in a word. `target`: where it went.
    pub(crate) fn done(&mut self, name: &str, result: &str, moved: Moved, target: Option<&str>, begun: Instant) {
        if !self.voice.quiet {
            self.lines += 1;
            self.total += moved;
            self.line(name, result, moved, target, begun);
        }
    }

    /// All files are done: adds the sums where several were spoken of.
    pub(crate) fn sum(&self, result: impl FnOnce(Moved) -> String) {
        if self.lines > 1 {
            self.line(&format!("{} files", self.lines), &result(self.total), self.total, None, self.begun);
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.voice.verbose
    }

    /// A progress bar for `input`. `hidden`: the terminal is wanted for something else.
    pub(crate) fn bar(&self, input: &Input, hidden: bool) -> Bar {
        let wanted = !self.voice.quiet && !self.voice.no_progress;
        Bar::new(wanted && !hidden && io::stderr().is_terminal(), input)
    }

    fn line(&self, name: &str, result: &str, moved: Moved, target: Option<&str>, begun: Instant) {
        let Moved { taken, given, blocks } = moved;
        let mut details = vec![format!("{} -> {}", HumanBytes(taken), HumanBytes(given))];
        details.extend(target.map(str::to_owned));
        if self.voice.verbose {
            let seconds = begun.elapsed().as_secs_f64();
            let speed = taken.max(given) as f64 / seconds.max(1e-6);
            details.push(format!("{}, {seconds:.2} s, {}/s", count(blocks, "block"), HumanBytes(speed as u64)));
        }
        say(format_args!("{name:width$} : {result} ({})", details.join(", "), width = self.name_width));
    }
}

/// `coded` in percent of `raw`.
pub(crate) fn percent(coded: u64, raw: u64) -> String {
    if raw == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * coded as f64 / raw as f64) }
}

/// So many of what `noun` says.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The exit status of a task that has no files.
pub(crate) fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("rans: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Something that concerns the whole run.
pub(crate) fn warn(warning: impl fmt::Display) {
    say(format_args!("rans: {warning}"));
}

/// Writes a line to standard error. Where nobody can hear it there is nobody to tell that either.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
