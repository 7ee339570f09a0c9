//! An index for streams that have none, those that were written to a pipe above all.

use std::{io::Seek, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use ranstream::{DecodeOptions, outline::Reindex};

use crate::{
    advice::{because, explain},
    arguments::{IndexArgs, VoiceArgs},
    input::{self, Input},
    output::{Output, Readers, Sink, Terms},
    report::{Report, count},
};

pub(crate) fn run(args: &IndexArgs) -> ExitCode {
    let mut report = Report::new(VoiceArgs::only(args.quiet));
    for path in &args.inputs {
        if let Err(error) = index(path, args, &report) {
            report.error(&error.context(input::name(path)));
        }
    }
    report.exit_code()
}

/// A whole copy takes the place of the file, so that one or the other is there whenever this ends.
fn index(path: &Path, args: &IndexArgs, report: &Report) -> Result<()> {
    let input = Input::open(path)?;
    let Some((mut file, metadata)) = input.regular() else {
        bail!("not a regular file; an index is added to a file in its place");
    };
    let options = DecodeOptions::new().limits(args.memory.limits());
    let streams = Reindex::read(&mut file, &options).map_err(explain)?;
    let missing = streams.without_index();
    if missing == 0 {
        report.note(&input, "has an index already");
        return Ok(());
    }
    let terms = Terms { sources: &[], force: true, special: false, readers: Readers::Owner, holes: false };
    let mut output = Output::create(path, &terms)?;
    file.rewind().map_err(because("cannot read it again"))?;
    let mut sink = Sink::new(&mut output);
    let copied = streams.copy(&mut file, &mut sink);
    sink.settle(copied)?;
    let now = file.metadata().map_err(explain)?;
    if now.len() != metadata.len() || now.modified().ok() != metadata.modified().ok() {
        bail!("was written to meanwhile; it stays as it is");
    }
    output.resemble(metadata).context("an index would change more than it adds")?;
    output.commit(true)?;
    report.note(&input, format_args!("index of {} added", count(streams.blocks() as u64, "block")));
    Ok(())
}
