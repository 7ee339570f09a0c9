//! Compression.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, anyhow};
use indicatif::HumanBytes;
use ranstream::{EncodeOptions, Progress, read::RansEncoder};
use ranstream_tensors::{
    BaseModel, Container, Profile, TensorOptions, TensorWriter,
    header::{SIGNATURE_LEN, recognise},
};

use crate::{
    advice::{because, explain},
    arguments::{BaseArgs, EncodeArgs, OutputArgs, SourceArgs, ThreadArgs, VoiceArgs, usage_error},
    bar::Bar,
    base::Bases,
    claimed::Claimed,
    input::{self, Input, Purpose},
    output::{Output, Sink},
    report::{Moved, Report, percent},
    sources::{self, Taken, ends_in},
    transfer::{self, Done, Operation, Remark, pour},
};

/// Inputs of so many raw bytes or fewer are coded by one thread.
const BLOCK_LEN: usize = 256 << 10;

pub(crate) fn run(
    inputs: Vec<PathBuf>,
    source: &SourceArgs,
    args: &EncodeArgs,
    base: BaseArgs,
    threads: ThreadArgs,
    output: &OutputArgs,
    voice: VoiceArgs,
) -> ExitCode {
    let mut report = Report::new(voice);
    let mut inputs = sources::collect(inputs, source, Taken::NotEndingIn(&output.suffix), &mut report);
    if !output.force {
        inputs.retain(|path| {
            let compressed = ends_in(path, &output.suffix);
            if compressed {
                report.warning(
                    input::name(path),
                    format_args!(
                        "ends in {}, left as it is; -d decompresses, -f compresses again",
                        output.suffix.display()
                    ),
                );
            }
            !compressed
        });
    }
    report.align(&inputs);
    let options = args.options(threads);
    if base.path.is_some() && !matches!(args.tensors(), Some(Profile::Fast | Profile::Small)) {
        usage_error("--base goes with --tensors=auto and --tensors=small alone");
    }
    let compression = Compression {
        index: args.index(),
        block_len: options.block_len,
        options,
        tensors: args.tensors(),
        bases: Bases::new(base, &output.suffix),
        suffix: output.suffix.clone(),
    };
    if !inputs.is_empty() {
        transfer::run(&compression, &inputs, output, &mut report);
    }
    report.exit_code()
}

#[derive(Debug)]
struct Compression {
    options: EncodeOptions,
    /// As the user said, if at all.
    index: Option<bool>,
    block_len: usize,
    /// How model files are coded. `None`: as bytes.
    tensors: Option<Profile>,
    /// What they may be differences from.
    bases: Bases,
    suffix: OsString,
}

impl Operation for Compression {
    fn open(&self, path: &Path, special: bool) -> Result<Input> {
        Input::open_for(path, Purpose::Compress, special)
    }

    fn stdout(&self, force: bool) -> Result<Output> {
        Output::compressed_stdout(force)
    }

    fn target(&self, source: &Path) -> Result<PathBuf> {
        let mut name = source.as_os_str().to_owned();
        name.push(&self.suffix);
        Ok(name.into())
    }

    fn has_holes(&self) -> bool {
        false
    }

    fn run(&self, input: &Input, output: &mut Output, bar: &Bar) -> Result<Done> {
        let one = One { terms: self, base: self.bases.open(input)?, bar };
        let short = BLOCK_LEN.max(self.block_len) as u64;
        match (input.regular(), input.len()) {
            (Some((file, _)), Some(len)) if len > short => one.long(file, len, output),
            // What comes through a pipe goes out as it comes.
            (None, _) if !output.is_file() => one.endless(input.reader(), output).map(Done::from),
            _ => {
                let mut head = Vec::new();
                input.reader().take(short + 1).read_to_end(&mut head).map_err(explain)?;
                let moved = if head.len() as u64 <= short {
                    one.whole(&head, output)
                } else {
                    one.endless(head.chain(input.reader()), output)
                };
                moved.map(Done::from)
            }
        }
    }

    fn result(&self, moved: Moved) -> String {
        percent(moved.given, moved.taken)
    }
}

/// The compression of one input.
struct One<'a> {
    terms: &'a Compression,
    /// What its tensors may be differences from.
    base: Option<BaseModel>,
    bar: &'a Bar,
}

impl One<'_> {
    /// All that an input has: its length is known, and threads would cost more to start than they
    /// gain.
    fn whole(&self, raw: &[u8], output: &mut Output) -> Result<Moved> {
        let mut options = self.options(output, raw.len() > self.terms.block_len).content_length(raw.len() as u64);
        if raw.len() <= BLOCK_LEN {
            options = options.threads(1);
        }
        self.encode(raw, options, output)
    }

    /// A file that claims to have `len` bytes. A log may grow meanwhile and another file shrink, so
    /// a length is only declared where the stream can be begun again without it.
    fn long(&self, file: &File, len: u64, output: &mut Output) -> Result<Done> {
        let begin = output.position();
        let mut options = self.options(output, true);
        if begin.is_some() {
            options = options.content_length(len);
        }
        let mut source = Claimed::new(file, len);
        let moved = self.encode(&mut source, options, output);
        let moved = match begin {
            Some(begin) if moved.is_err() && source.is_short() => {
                (&*file).rewind().map_err(because("cannot read it again"))?;
                output.rewind_to(begin)?;
                self.endless(file, output)?
            }
            _ => moved?,
        };
        let remark = if source.is_short() {
            Some(Remark::Failure(anyhow!(
                "became shorter while it was read; {} of {} are compressed",
                HumanBytes(moved.taken),
                HumanBytes(len)
            )))
        } else if source.is_long() {
            Some(Remark::Warning(format!("grew while it was read; its first {} bytes are compressed", moved.taken)))
        } else {
            None
        };
        Ok(Done { moved, remark })
    }

    /// As much as comes.
    fn endless(&self, source: impl Read, output: &mut Output) -> Result<Moved> {
        self.encode(source, self.options(output, true), output)
    }

    /// A file gets an index, unless the user says something else: one block needs none.
    fn options(&self, output: &Output, blocks: bool) -> EncodeOptions {
        self.terms.options.clone().index(self.terms.index.unwrap_or(output.is_file() && blocks))
    }

    fn encode(&self, source: impl Read, options: EncodeOptions, output: &mut Output) -> Result<Moved> {
        let options = self.bar.follow_encoder(options);
        let Some(profile) = self.terms.tensors else { return encode_bytes(source, options, output) };
        let beginning = Beginning::read(source);
        if beginning.container() == Container::Opaque {
            return encode_bytes(beginning.whole(), options, output);
        }
        // Tensors end blocks, so there are several.
        let index = self.terms.index.unwrap_or(output.is_file());
        let mut options = TensorOptions::new().profile(profile).index(index).encode(options);
        options.base.clone_from(&self.base);
        encode_tensors(beginning.whole(), options, output)
    }
}

fn encode_bytes(source: impl Read, options: EncodeOptions, output: &mut Output) -> Result<Moved> {
    let mut encoder = RansEncoder::with_options(source, options);
    pour(&mut encoder, output)?;
    Ok(moved(encoder.progress()))
}

/// Bytes that are read at a time of a model file.
const READ_LEN: usize = 1 << 20;

fn encode_tensors(mut source: impl Read, options: TensorOptions, output: &mut Output) -> Result<Moved> {
    let mut sink = Sink::new(output);
    let mut writer = TensorWriter::new(&mut sink, options);
    let poured = pour_in(&mut source, &mut writer);
    let moved = writer.progress().map(moved).unwrap_or_default();
    drop(writer);
    sink.settle(poured)?;
    Ok(moved)
}

fn pour_in(source: &mut impl Read, writer: &mut TensorWriter<impl Write>) -> io::Result<()> {
    let mut bytes = vec![0; READ_LEN];
    loop {
        match source.read(&mut bytes) {
            Ok(0) => return writer.try_finish(),
            Ok(read) => writer.write_all(&bytes[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn moved(progress: &Progress) -> Moved {
    Moved { taken: progress.raw_bytes(), given: progress.coded_bytes(), blocks: progress.blocks() }
}

/// A source whose first bytes were read, to see what it is.
struct Beginning<R> {
    first: Vec<u8>,
    /// An error behind them.
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Beginning<R> {
    fn read(mut rest: R) -> Self {
        let mut first = Vec::new();
        let failed = rest.by_ref().take(SIGNATURE_LEN as u64).read_to_end(&mut first).err();
        Self { first, failed, rest }
    }

    fn container(&self) -> Container {
        recognise(&self.first)
    }

    /// All that the source gives, in its order.
    fn whole(self) -> impl Read {
        io::Cursor::new(self.first).chain(Failure(self.failed)).chain(self.rest)
    }
}

/// Gives an error once, and nothing else.
struct Failure(Option<io::Error>);

impl Read for Failure {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
