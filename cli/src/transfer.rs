//! Which input goes to which output, and what becomes of the source: shared by all that writes
//! files.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
    slice,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{
    advice::{because, explain},
    arguments::{OutputArgs, usage_error},
    bar::Bar,
    input::{self, Input},
    output::{self, Output},
    report::{Moved, Report},
    temporary::Readers,
};

/// One way to make an output of an input.
pub(crate) trait Operation {
    fn open(&self, path: &Path, force: bool) -> Result<Input>;

    fn stdout(&self, force: bool) -> Result<Output>;

    /// What the output is called that lies beside `source`.
    fn target(&self, source: &Path) -> Result<PathBuf>;

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Moved>;

    /// What `moved` means, in a word.
    fn result(&self, moved: Moved) -> String;
}

/// Where outputs go.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Stdout,
    Beside,
    File(&'a Path),
}

/// Runs `operation` on each input. One that fails does not stop those behind it, unless all go to
/// one file.
pub(crate) fn run(operation: &impl Operation, inputs: &[PathBuf], args: &OutputArgs, report: &mut Report) {
    let place = match &args.output {
        Some(target) if output::is_stdout(target) => Place::Stdout,
        Some(target) => Place::File(target),
        None if args.stdout => Place::Stdout,
        None => Place::Beside,
    };
    match place {
        Place::File(_) if inputs.len() > 1 && args.rm => {
            usage_error("--rm does not go with several inputs to one --output")
        }
        Place::File(target) if inputs.len() > 1 => {
            if let Err(error) = join(operation, inputs, target, args, report) {
                report.error(&error);
            }
        }
        place => {
            for path in inputs {
                if let Err(error) = each(operation, path, place, args, report) {
                    report.error(&error.context(input::name(path)));
                }
            }
        }
    }
    report.sum(|total| operation.result(total));
}

/// Hands everything that `source` gives to `output`; how many bytes that were comes back.
pub(crate) fn pour(mut source: impl BufRead, output: &mut Output) -> Result<u64> {
    let mut poured = 0;
    loop {
        let ready = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(explain)?,
        };
        if ready.is_empty() {
            return Ok(poured);
        }
        output.put(ready)?;
        let len = ready.len();
        source.consume(len);
        poured += len as u64;
    }
}

/// One input to an output of its own.
fn each(
    operation: &impl Operation,
    path: &PathBuf,
    place: Place<'_>,
    args: &OutputArgs,
    report: &mut Report,
) -> Result<()> {
    let begun = Instant::now();
    let input = operation.open(path, args.force)?;
    let readers = if input.regular().is_some() { Readers::Owner } else { Readers::Usual };
    let mut output = match place {
        Place::File(target) => Output::create(target, slice::from_ref(path), args.force, readers)?,
        Place::Beside if !input.is_stdin() => {
            if input.regular().is_none() {
                bail!("not a regular file; say where the output goes, with -o or -c");
            }
            Output::create(&operation.target(path)?, slice::from_ref(path), args.force, readers)?
        }
        _ => operation.stdout(args.force)?,
    };
    let bar = report.bar(&input, output.is_terminal());
    let moved = operation.run(&input, &mut output, &bar);
    bar.clear();
    let moved = moved?;
    if let Some((_, metadata)) = input.regular()
        && let Err(error) = output.resemble(metadata)
    {
        report.warning(&input, format_args!("{error:#}"));
    }
    let removes = args.rm && output.is_file() && !input.is_stdin();
    let (target, is_stdout) = (output.to_string(), output.is_stdout());
    output.commit(removes)?;
    if removes {
        fs::remove_file(path).map_err(because("cannot remove the source"))?;
    }
    if !is_stdout || report.is_verbose() {
        report.done(&input.to_string(), &operation.result(moved), moved, Some(&target), begun);
    }
    Ok(())
}

/// All inputs to one file, one behind the other. It is written only if none of them fails.
fn join(
    operation: &impl Operation,
    inputs: &[PathBuf],
    target: &Path,
    args: &OutputArgs,
    report: &mut Report,
) -> Result<()> {
    let begun = Instant::now();
    let mut output = Output::create(target, inputs, args.force, Readers::Usual)?;
    let mut total = Moved::default();
    for path in inputs {
        let input = operation.open(path, args.force).with_context(|| input::name(path))?;
        let bar = report.bar(&input, false);
        let moved = operation.run(&input, &mut output, &bar);
        bar.clear();
        total += moved.with_context(|| input::name(path))?;
    }
    let target = output.to_string();
    output.commit(false)?;
    report.done(&format!("{} files", inputs.len()), &operation.result(total), total, Some(&target), begun);
    Ok(())
}
