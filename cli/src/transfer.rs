//! What becomes of each input, its output and its source: shared by all that writes files.

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
    output::{self, Output, Readers, Terms},
    report::{Moved, Report},
    targets::Targets,
};

/// One way to make an output of an input.
pub(crate) trait Operation {
    /// `special`: also what is no regular file.
    fn open(&self, path: &Path, special: bool) -> Result<Input>;

    fn stdout(&self, force: bool) -> Result<Output>;

    /// What the output of `source` is called, in the same folder.
    fn target(&self, source: &Path) -> Result<PathBuf>;

    /// Whether zeros in the output may become holes.
    fn has_holes(&self) -> bool;

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Done>;

    /// What `moved` means, in a word.
    fn result(&self, moved: Moved) -> String;
}

/// An output that is complete.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) moved: Moved,
    pub(crate) remark: Option<Remark>,
}

/// Something about the input of a complete output.
#[derive(Debug)]
pub(crate) enum Remark {
    /// Good to know.
    Note(String),
    /// The output is not all of it: the source stays.
    Warning(String),
    /// Something is wrong with the input: the output and the source stay, and the exit status says
    /// so.
    Failure(anyhow::Error),
}

impl From<Moved> for Done {
    fn from(moved: Moved) -> Self {
        Self { moved, remark: None }
    }
}

impl Remark {
    /// Whether the source may go all the same.
    fn spares_nothing(&self) -> bool {
        matches!(self, Self::Note(_))
    }

    /// Tells the user.
    pub(crate) fn tell(self, input: &Input, report: &mut Report) {
        match self {
            Self::Note(note) => report.note(input, note),
            Self::Warning(warning) => report.warning(input, warning),
            Self::Failure(error) => report.error(&error.context(input.to_string())),
        }
    }
}

/// Where outputs go.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Stdout,
    /// Beside its source, or in a folder.
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
            let mut targets = Targets::new(args);
            for path in inputs {
                if let Err(error) = each(operation, path, place, &mut targets, args, report) {
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
    targets: &mut Targets<'_>,
    args: &OutputArgs,
    report: &mut Report,
) -> Result<()> {
    let begun = Instant::now();
    // Who names an output means what he says; one beside a pipe is an accident.
    let named = args.output.is_some();
    let input = operation.open(path, args.force || named)?;
    let readers = if input.regular().is_some() { Readers::Owner } else { Readers::Usual };
    let terms = Terms {
        sources: slice::from_ref(path),
        force: args.force,
        special: args.force || named,
        readers,
        holes: operation.has_holes() && !args.no_sparse,
    };
    let mut output = match place {
        Place::File(target) => Output::create(target, &terms)?,
        Place::Beside if !input.is_stdin() => {
            if input.regular().is_none() {
                bail!("not a regular file; say where the output goes, with -o or -c");
            }
            Output::create(&targets.target(operation, path)?, &terms)?
        }
        _ => operation.stdout(args.force)?,
    };
    let bar = report.bar(&input, output.is_terminal());
    let done = operation.run(&input, &mut output, &bar);
    bar.clear();
    let Done { moved, remark } = done?;
    if let Some((_, metadata)) = input.regular()
        && let Err(error) = output.resemble(metadata)
    {
        report.warning(&input, format_args!("{error:#}"));
    }
    let removes = args.rm && output.is_file() && !input.is_stdin();
    let (target, is_stdout) = (output.to_string(), output.is_stdout());
    output.commit(removes || args.sync)?;
    let removes = removes && remark.as_ref().is_none_or(Remark::spares_nothing);
    if let Some(remark) = remark {
        remark.tell(&input, report);
    }
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
    let terms = Terms {
        sources: inputs,
        force: args.force,
        special: true,
        readers: Readers::Usual,
        holes: operation.has_holes() && !args.no_sparse,
    };
    let mut output = Output::create(target, &terms)?;
    let mut total = Moved::default();
    for path in inputs {
        let input = operation.open(path, true).with_context(|| input::name(path))?;
        let bar = report.bar(&input, false);
        let done = operation.run(&input, &mut output, &bar);
        bar.clear();
        let Done { moved, remark } = done.with_context(|| input::name(path))?;
        total += moved;
        if let Some(remark) = remark {
            remark.tell(&input, report);
        }
    }
    let target = output.to_string();
    output.commit(args.sync)?;
    report.done(&format!("{} files", inputs.len()), &operation.result(total), total, Some(&target), begun);
    Ok(())
}
