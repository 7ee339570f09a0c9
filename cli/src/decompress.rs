//! Decompression, of everything or of a range of raw bytes.

use std::{
    ffi::OsStr,
    io::{BufRead, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use indicatif::HumanBytes;
use ranstream::{DecodeOptions, RansReader};

use crate::{
    advice::explain,
    arguments::{BackendName, OutputArgs, RangeArgs, VoiceArgs, usage_error},
    backend::Backend,
    bar::Bar,
    compress::SUFFIX,
    input::{self, Input},
    output::Output,
    report::{Moved, Report, percent},
    transfer::{self, Operation, pour},
};

pub(crate) fn run(
    inputs: Vec<PathBuf>,
    range: &RangeArgs,
    options: DecodeOptions,
    backend: BackendName,
    output: &OutputArgs,
    voice: VoiceArgs,
) -> ExitCode {
    let inputs = input::or_stdin(inputs);
    let range = Range::new(range);
    let mut report = Report::new(voice, &inputs);
    let backend = Backend::open(backend, &report);
    let decompression = Decompression { options: backend.apply(options), range };
    transfer::run(&decompression, &inputs, output, &mut report);
    backend.close(&report);
    report.exit_code()
}

#[derive(Debug)]
struct Decompression {
    options: DecodeOptions,
    range: Option<Range>,
}

/// Raw bytes that are asked for.
#[derive(Debug, Clone, Copy)]
struct Range {
    from: u64,
    to: u64,
}

impl Range {
    fn new(args: &RangeArgs) -> Option<Self> {
        let (from, to) = (args.from.unwrap_or(0), args.to.unwrap_or(u64::MAX));
        if from > to {
            usage_error(&format!("--from {from} is behind --to {to}"));
        }
        (args.from.is_some() || args.to.is_some()).then_some(Self { from, to })
    }
}

impl Operation for Decompression {
    fn open(&self, path: &Path, force: bool) -> Result<Input> {
        Input::open_compressed(path, force)
    }

    fn stdout(&self, _: bool) -> Result<Output> {
        Ok(Output::Stdout)
    }

    fn target(&self, source: &Path) -> Result<PathBuf> {
        if source.extension() != Some(OsStr::new(SUFFIX)) {
            bail!("does not end in .rans; name the output with -o, or use -c");
        }
        Ok(source.with_extension(""))
    }

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Moved> {
        let mut options = bar.follow_decoder(self.options.clone());
        if input.is_short() {
            options = options.threads(1);
        }
        match (self.range, input.regular()) {
            (None, _) => decode(RansReader::with_options(input.reader(), options), output),
            (Some(range), Some((file, _))) => {
                let mut reader = RansReader::with_options(file, options);
                if range.from > 0 {
                    let len = reader.seek(SeekFrom::End(0)).map_err(explain)?;
                    check_start(range, len)?;
                    reader.seek(SeekFrom::Start(range.from)).map_err(explain)?;
                }
                decode_range(reader, range, output)
            }
            (Some(range), None) => {
                let mut reader = RansReader::with_options(input.reader(), options);
                pass_over(&mut reader, range)?;
                decode_range(reader, range, output)
            }
        }
    }

    fn result(&self, moved: Moved) -> String {
        match self.range {
            None => percent(moved.taken, moved.given),
            Some(Range { from, to: u64::MAX }) => format!("bytes {from}.."),
            Some(Range { from, to }) => format!("bytes {from}..{to}"),
        }
    }
}

/// Decodes everything.
pub(crate) fn decode(mut reader: RansReader<impl Read>, output: &mut Output) -> Result<Moved> {
    let given = pour(&mut reader, output)?;
    Ok(moved(&reader, given))
}

/// Decodes what lies in `range`, from a reader that stands at its start.
fn decode_range(mut reader: RansReader<impl Read>, range: Range, output: &mut Output) -> Result<Moved> {
    let given = pour((&mut reader).take(range.to - range.from), output)?;
    Ok(moved(&reader, given))
}

fn moved<R>(reader: &RansReader<R>, given: u64) -> Moved {
    let progress = reader.progress();
    Moved { taken: progress.coded_bytes(), given, blocks: progress.blocks() }
}

/// Reads up to the start of `range` where that cannot be sought.
fn pass_over(reader: &mut RansReader<impl Read>, range: Range) -> Result<()> {
    let mut passed = 0;
    while passed < range.from {
        let ready = reader.fill_buf().map_err(explain)?.len() as u64;
        if ready == 0 {
            return check_start(range, passed);
        }
        let len = ready.min(range.from - passed);
        reader.consume(len as usize);
        passed += len;
    }
    Ok(())
}

fn check_start(range: Range, len: u64) -> Result<()> {
    if range.from > len {
        bail!("has {len} raw bytes ({}), --from {} is behind them", HumanBytes(len), range.from);
    }
    Ok(())
}
