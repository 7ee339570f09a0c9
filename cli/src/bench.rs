//! How small and how fast each mode and kernel makes a file, on this machine.

use std::{
    io::{self, IsTerminal, Read},
    path::Path,
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ranstream::{DecodeOptions, EncodeOptions, Kernel, Mode, compress_into, decompress_into};

use crate::{
    advice::explain,
    arguments::BenchArgs,
    backend::Backend,
    columns::Columns,
    input::{self, Input},
    output::print,
    report::{self, count, percent},
};

/// Shorter data is gone through several times in a row, so that the clock has something to measure.
const TIMED_LEN: usize = 4 << 20;

/// So many times at most: a call takes microseconds, however few bytes it has.
const MOST_REPEATS: usize = 4096;

pub(crate) fn run(args: &BenchArgs) -> ExitCode {
    report::end(measure(args))
}

fn measure(args: &BenchArgs) -> Result<()> {
    let name = input::name(&args.input);
    let raw = read(&args.input, args.max_size).with_context(|| name.clone())?;
    let mut contests = contests(args.threads.count());
    let device = if args.gpu { Some(Backend::device()?) } else { None };
    contests.extend(device.as_ref().map(on_device));
    let bar = bar(args.quiet, contests.len() * (usize::from(args.rounds) + 1));
    for round in 0..=args.rounds {
        for contest in &mut contests {
            bar.set_message(contest.name());
            contest.run(&raw, round > 0)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    print(
        format!("{name}, {}, median of {}\n\n", HumanBytes(raw.len() as u64), count(args.rounds.into(), "round"))
            .as_bytes(),
    )?;
    if let Some(device) = &device {
        print(format!("gpu: {}\n\n", device.verdict()).as_bytes())?;
    }
    print(table(&mut contests, raw.len()).as_bytes())
}

/// At most `max_len` bytes from the start.
fn read(path: &Path, max_len: u64) -> Result<Vec<u8>> {
    let input = Input::open(path)?;
    let mut raw = Vec::new();
    input.reader().take(max_len).read_to_end(&mut raw).map_err(explain)?;
    if raw.is_empty() {
        bail!("empty, there is nothing to measure");
    }
    Ok(raw)
}

/// One way to code the file, and how long it took.
struct Contest {
    mode: &'static str,
    kernel: String,
    threads: usize,
    /// None is memcpy, the bound of all.
    options: Option<(EncodeOptions, DecodeOptions)>,
    coded: Vec<u8>,
    back: Vec<u8>,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

/// Copying, each kernel and mode with one thread, and what is chosen by default with one thread and
/// with `threads`.
fn contests(threads: usize) -> Vec<Contest> {
    let coded = |name, mode, threads| {
        Contest::new(
            name,
            "-",
            threads,
            Some((EncodeOptions::new().mode(mode).threads(threads), DecodeOptions::new().threads(threads))),
        )
    };
    let forced = |name, mode, kernel: Kernel| {
        let options = (EncodeOptions::new().mode(mode).kernel(kernel), DecodeOptions::new().kernel(kernel));
        Contest::new(name, kernel.to_string(), 1, Some(options))
    };
    let mut contests = vec![Contest::new("memcpy", "-", 1, None)];
    contests.extend(Kernel::all_available().map(|kernel| forced("lanes", Mode::Lanes, kernel)));
    // A kernel that gathers is the other one there.
    let pivot = Kernel::all_available().filter(|kernel| !kernel.to_string().ends_with("-gather"));
    contests.extend(pivot.map(|kernel| forced("pivot", Mode::Pivot, kernel)));
    contests.push(coded("interleaved", Mode::Interleaved, 1));
    contests.push(coded("single-stream", Mode::SingleStream, 1));
    for (name, level) in [("level 0", 0), ("level 1", 1), (DEFAULT, 3), ("level 6", 6)] {
        let options = (EncodeOptions::new().level(level), DecodeOptions::new());
        contests.push(Contest::new(name, "-", 1, Some(options)));
    }
    let threads = if threads == 0 { std::thread::available_parallelism().map_or(1, Into::into) } else { threads };
    if threads > 1 {
        contests.push(coded(DEFAULT, Mode::Auto, threads));
    }
    contests
}

/// What is written when nothing is asked for.
const DEFAULT: &str = "level 3";

/// Level 0 with segments that suit a GPU, decoded there.
fn on_device(device: &Backend) -> Contest {
    let options = (EncodeOptions::new().level(0).segment_len(16 << 10), device.apply(DecodeOptions::new()));
    Contest::new("level 0", "gpu", 1, Some(options))
}

impl Contest {
    fn new(
        mode: &'static str,
        kernel: impl Into<String>,
        threads: usize,
        options: Option<(EncodeOptions, DecodeOptions)>,
    ) -> Self {
        Self {
            mode,
            kernel: kernel.into(),
            threads,
            options,
            coded: Vec::new(),
            back: Vec::new(),
            encode: Vec::new(),
            decode: Vec::new(),
        }
    }

    fn name(&self) -> String {
        if self.kernel == "-" { self.mode.to_owned() } else { format!("{}, {}", self.mode, self.kernel) }
    }

    /// Codes `raw` and back. The first round is not `counted`: it touches the buffers, and sees
    /// that every byte comes back.
    fn run(&mut self, raw: &[u8], counted: bool) -> Result<()> {
        self.back.resize(raw.len(), 0);
        let repeats = TIMED_LEN.div_ceil(raw.len()).min(MOST_REPEATS);
        let encode = timed(repeats, || {
            self.coded.clear();
            match &self.options {
                None => self.coded.extend_from_slice(raw),
                Some((options, _)) => drop(compress_into(raw, &mut self.coded, options)?),
            }
            Ok(())
        })?;
        let decode = timed(repeats, || {
            match &self.options {
                None => self.back.copy_from_slice(&self.coded),
                Some((_, options)) => drop(decompress_into(&self.coded, &mut self.back, options)?),
            }
            Ok(())
        })?;
        if counted {
            self.encode.push(encode);
            self.decode.push(decode);
        } else if self.back != raw {
            bail!("{} does not restore the file: please report this", self.name());
        }
        Ok(())
    }
}

/// Seconds that `work` takes.
fn timed(repeats: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    for _ in 0..repeats {
        work()?;
    }
    Ok(begun.elapsed().as_secs_f64().max(1e-9) / repeats as f64)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn table(contests: &mut [Contest], raw_len: usize) -> String {
    let mut columns = Columns::new(
        &["encode GB/s", "decode GB/s", "decode / memcpy", "size", "ratio", "threads"],
        &["kernel", "mode"],
    );
    let mut memcpy = f64::NAN;
    for contest in contests {
        let speed = |times: &mut [f64]| raw_len as f64 / median(times) / 1e9;
        let (encode, decode) = (speed(&mut contest.encode), speed(&mut contest.decode));
        if contest.options.is_none() {
            memcpy = decode;
        }
        columns.add(vec![
            format!("{encode:.3}"),
            format!("{decode:.3}"),
            format!("{:.3}", decode / memcpy),
            HumanBytes(contest.coded.len() as u64).to_string(),
            percent(contest.coded.len() as u64, raw_len as u64),
            contest.threads.to_string(),
            contest.kernel.clone(),
            contest.mode.to_owned(),
        ]);
    }
    columns.finish()
}

fn bar(quiet: bool, steps: usize) -> ProgressBar {
    let shown = !quiet && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {pos} of {len}, {msg}");
    ProgressBar::with_draw_target(Some(steps as u64), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
