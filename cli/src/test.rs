//! Decoding without an output.

use std::{ffi::OsStr, path::Path, process::ExitCode, time::Instant};

use anyhow::Result;
use ranstream::DecodeOptions;

use crate::{
    arguments::TestArgs,
    backend::Backend,
    base::Bases,
    decompress::decode,
    input::{self, Input, Purpose},
    output::Output,
    report::Report,
    sources::{self, Taken},
    transfer::{Done, Remark},
};

/// `suffix`: what the names of compressed files end in.
pub(crate) fn run(args: TestArgs, suffix: &OsStr) -> ExitCode {
    let mut report = Report::new(args.voice);
    let inputs = sources::collect(args.inputs, &args.source, Taken::EndingIn(suffix), &mut report);
    report.align(&inputs);
    let backend = Backend::open(args.backend.name, &report);
    let options = backend.apply(args.limits.options(args.threads));
    let bases = Bases::new(args.base, suffix);
    for path in &inputs {
        if let Err(error) = check(path, args.force, &options, &bases, &mut report) {
            report.error(&error.context(input::name(path)));
        }
    }
    report.sum(|_| "ok".to_owned());
    backend.close(&report);
    report.exit_code()
}

fn check(path: &Path, force: bool, options: &DecodeOptions, bases: &Bases, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let input = Input::open_compressed(path, Purpose::Look, force)?;
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
