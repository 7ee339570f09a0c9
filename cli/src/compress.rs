//! Compression.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use ranstream::{EncodeOptions, read::RansEncoder};

use crate::{
    arguments::{EncodeArgs, OutputArgs, ThreadArgs, VoiceArgs},
    bar::Bar,
    input::{self, Input},
    output::Output,
    report::{Moved, Report, percent},
    transfer::{self, Operation, pour},
};

/// What the names of compressed files end in.
pub(crate) const SUFFIX: &str = "rans";

pub(crate) fn run(
    inputs: Vec<PathBuf>,
    args: &EncodeArgs,
    threads: &ThreadArgs,
    output: &OutputArgs,
    voice: VoiceArgs,
) -> ExitCode {
    let mut inputs = input::or_stdin(inputs);
    let mut report = Report::new(voice, &inputs);
    if !output.force {
        inputs.retain(|path| {
            let compressed = path.extension() == Some(OsStr::new(SUFFIX));
            if compressed {
                report.warning(input::name(path), "ends in .rans, left as it is; -d decompresses, -f compresses again");
            }
            !compressed
        });
        if inputs.is_empty() {
            return report.exit_code();
        }
    }
    let compression = Compression { options: args.options(threads), index: args.index() };
    transfer::run(&compression, &inputs, output, &mut report);
    report.exit_code()
}

#[derive(Debug)]
struct Compression {
    options: EncodeOptions,
    /// As the user said, if at all.
    index: Option<bool>,
}

impl Operation for Compression {
    fn open(&self, path: &Path, _: bool) -> Result<Input> {
        Input::open(path)
    }

    fn stdout(&self, force: bool) -> Result<Output> {
        Output::compressed_stdout(force)
    }

    fn target(&self, source: &Path) -> Result<PathBuf> {
        let mut name = source.as_os_str().to_owned();
        name.push(".");
        name.push(SUFFIX);
        Ok(name.into())
    }

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Moved> {
        let mut options = self.options.clone().index(self.index.unwrap_or(output.is_file()));
        if let Some(len) = input.len() {
            options = options.content_length(len);
        }
        if input.is_short() {
            options = options.threads(1);
        }
        let mut encoder = RansEncoder::with_options(input.reader(), bar.follow_encoder(options));
        pour(&mut encoder, output)?;
        let progress = encoder.progress();
        Ok(Moved { taken: progress.raw_bytes(), given: progress.coded_bytes(), blocks: progress.blocks() })
    }

    fn result(&self, moved: Moved) -> String {
        percent(moved.given, moved.taken)
    }
}
