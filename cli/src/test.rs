//! Decoding without an output.

use std::{path::Path, process::ExitCode, time::Instant};

use anyhow::Result;
use ranstream::{DecodeOptions, RansReader};

use crate::{
    arguments::TestArgs,
    backend::Backend,
    decompress::decode,
    input::{self, Input},
    output::Output,
    report::Report,
};

pub(crate) fn run(args: TestArgs) -> ExitCode {
    let inputs = input::or_stdin(args.inputs);
    let mut report = Report::new(args.voice, &inputs);
    let backend = Backend::open(args.backend.name, &report);
    let options = backend.apply(args.limits.options(&args.threads));
    for path in &inputs {
        if let Err(error) = check(path, &options, &mut report) {
            report.error(&error.context(input::name(path)));
        }
    }
    report.sum(|_| "ok".to_owned());
    backend.close(&report);
    report.exit_code()
}

fn check(path: &Path, options: &DecodeOptions, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let input = Input::open_compressed(path, false)?;
    let bar = report.bar(&input, false);
    let options = bar.follow_decoder(options.clone());
    let reader = RansReader::with_options(input.reader(), options);
    let moved = decode(reader, &mut Output::Nowhere);
    bar.clear();
    let moved = moved?;
    report.done(&input.to_string(), "ok", moved, None, begun);
    Ok(())
}
