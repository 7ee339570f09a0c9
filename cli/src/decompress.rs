//! Decompression, of everything or of a range of raw bytes.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use indicatif::HumanBytes;
use ranstream::{DecodeOptions, RansReader, TrailingData, format::MAGIC};

use crate::{
    advice::explain,
    arguments::{BackendName, BaseArgs, OutputArgs, PassArgs, RangeArgs, SourceArgs, VoiceArgs, usage_error},
    backend::Backend,
    bar::Bar,
    base::Bases,
    input::{Input, Purpose},
    output::Output,
    report::{Moved, Report, percent},
    sources::{self, Taken, ends_in},
    trailing::Trailing,
    transfer::{self, Done, Operation, pour},
};

/// What decides how files are decompressed, apart from where they go.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) options: DecodeOptions,
    pub(crate) base: BaseArgs,
    pub(crate) backend: BackendName,
    pub(crate) range: &'a RangeArgs,
    pub(crate) pass: &'a PassArgs,
}

pub(crate) fn run(
    inputs: Vec<PathBuf>,
    source: &SourceArgs,
    terms: Terms<'_>,
    output: &OutputArgs,
    voice: VoiceArgs,
) -> ExitCode {
    let mut report = Report::new(voice);
    let inputs = sources::collect(inputs, source, Taken::EndingIn(&output.suffix), &mut report);
    report.align(&inputs);
    let backend = Backend::open(terms.backend, &report);
    let decompression = Decompression {
        options: backend.apply(terms.options.verify_index(!terms.range.trust_index)),
        bases: Bases::new(terms.base, &output.suffix),
        range: Range::new(terms.range),
        passes: terms.pass.asked().unwrap_or(output.stdout && output.force),
        suffix: output.suffix.clone(),
    };
    if !inputs.is_empty() {
        transfer::run(&decompression, &inputs, output, &mut report);
    }
    backend.close(&report);
    report.exit_code()
}

#[derive(Debug)]
struct Decompression {
    options: DecodeOptions,
    bases: Bases,
    range: Option<Range>,
    /// What is no stream is copied as it is.
    passes: bool,
    suffix: OsString,
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
        Input::open_compressed(path, Purpose::Decompress, force)
    }

    fn stdout(&self, _: bool) -> Result<Output> {
        Ok(Output::Stdout)
    }

    fn target(&self, source: &Path) -> Result<PathBuf> {
        if !ends_in(source, &self.suffix) {
            bail!("does not end in {}; name the output with -o, or use -c", self.suffix.display());
        }
        let name = source.file_name().unwrap_or_default().as_encoded_bytes();
        Ok(source.with_file_name(sources::path_of(&name[..name.len() - self.suffix.len()])?))
    }

    fn has_holes(&self) -> bool {
        true
    }

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Done> {
        let mut options = self.bases.apply(bar.follow_decoder(self.options.clone()), input)?;
        if input.is_short() {
            options = options.threads(1);
        }
        match (self.range, input.regular()) {
            (None, _) if self.passes => pass_or_decode(input.reader(), options, output),
            (None, _) => decode(input.reader(), options, output),
            (Some(range), Some((file, _))) => {
                let mut reader = RansReader::with_options(file, options.trailing_data(TrailingData::Ignore));
                if range.from > 0 {
                    let len = reader.seek(SeekFrom::End(0)).map_err(explain)?;
                    check_start(range, len)?;
                    reader.seek(SeekFrom::Start(range.from)).map_err(explain)?;
                }
                decode_range(reader, range, output)
            }
            (Some(range), None) => {
                let options = options.trailing_data(TrailingData::Ignore);
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

/// Decodes everything, and looks at what is behind it.
pub(crate) fn decode(source: impl Read, options: DecodeOptions, output: &mut Output) -> Result<Done> {
    let source = Counted { inner: source, count: 0 };
    let mut reader = RansReader::with_options(source, options.trailing_data(TrailingData::Ignore));
    let given = pour(&mut reader, output)?;
    let blocks = reader.progress().blocks();
    let (source, ahead) = reader.into_parts();
    let taken = source.count - ahead.len() as u64;
    let trailing = Trailing::read(ahead.chain(source)).map_err(explain)?;
    Ok(Done { moved: Moved { taken, given, blocks }, remark: trailing.remark(taken) })
}

/// Knows how many bytes it gave.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.count += read as u64;
        Ok(read)
    }
}

/// Decodes what begins like a stream, and copies what does not.
fn pass_or_decode(source: impl Read, options: DecodeOptions, output: &mut Output) -> Result<Done> {
    let mut source = BufReader::with_capacity(64 << 10, source);
    let mut magic = Vec::new();
    (&mut source).take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(explain)?;
    let is_stream = magic == MAGIC;
    let mut source = magic.as_slice().chain(source);
    if is_stream {
        return decode(source, options, output);
    }
    let len = pour(&mut source, output)?;
    Ok(Moved { taken: len, given: len, blocks: 0 }.into())
}

/// Decodes what lies in `range`, from a reader that stands at its start.
fn decode_range(mut reader: RansReader<impl Read>, range: Range, output: &mut Output) -> Result<Done> {
    let given = pour((&mut reader).take(range.to - range.from), output)?;
    Ok(moved(&reader, given).into())
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
