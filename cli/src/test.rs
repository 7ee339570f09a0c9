//! Decoding without an output.

use std::{ffi::OsStr, path::Path, process::ExitCode, time::Instant};

use anyhow::Result;
use ranstream::DecodeOptions;

use crate::{
    arguments::{SUFFIX, TestArgs},
    backend::Backend,
    base::Bases,
    decompress::decode,
    input::{self, Input},
    output::Output,
    report::Report,
    transfer::{Done, Remark},
};

/// `special`: also what is no regular file.
pub(crate) fn run(args: TestArgs, special: bool) -> ExitCode {
    let inputs = input::or_stdin(args.inputs);
    let mut report = Report::new(args.voice);
    report.align(&inputs);
    let backend = Backend::open(args.backend.name, &report);
    let options = backend.apply(args.limits.options(args.threads));
    let bases = Bases::new(args.base, OsStr::new(SUFFIX));
    for path in &inputs {
        if let Err(error) = check(path, special, &options, &bases, &mut report) {
            report.error(&error.context(input::name(path)));
        }
    }
    report.sum(|_| "ok".to_owned());
    backend.close(&report);
    report.exit_code()
}

fn check(path: &Path, special: bool, options: &DecodeOptions, bases: &Bases, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let input = Input::open_compressed(path, special)?;
    let bar = report.bar(&input, false);
    let mut options = bases.apply(bar.follow_decoder(options.clone()), &input)?;
    if input.is_short() {
        options = options.threads(1);
    }
    let done = decode(input.reader(), options, &mut Output::Nowhere);
    bar.clear();
    let Done { moved, remark } = done?;
    let is_ok = !matches!(remark, Some(Remark::Failure(_)));
    if let Some(remark) = remark {
        remark.tell(&input, report);
    }
    if is_ok {
        report.done(&input.to_string(), "ok", moved, None, begun);
    }
    Ok(())
}
