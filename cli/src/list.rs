//! What is in compressed files, as a table or as JSON.

use std::{ffi::OsStr, mem, path::Path, process::ExitCode};

use anyhow::{Result, bail};
use indicatif::HumanBytes;

use crate::{
    advice::explain,
    arguments::{ListArgs, VoiceArgs},
    columns::Columns,
    input::{self, Input, Purpose},
    names::masked,
    output::print,
    report::{Report, percent},
    sources::{self, Taken},
    survey::{Modes, Stream, Survey, survey},
    tensors::tensors,
};

/// `suffix`: what the names of compressed files end in.
pub(crate) fn run(mut args: ListArgs, suffix: &OsStr) -> ExitCode {
    let mut report = Report::new(VoiceArgs::only(args.quiet));
    let named = mem::take(&mut args.inputs);
    let inputs = sources::collect(named, &args.source, Taken::EndingIn(suffix), &mut report);
    let mut surveys = Vec::new();
    for path in &inputs {
        match look(path, &args) {
            Ok(survey) => {
                if survey.trailing_zeros > 0 {
                    let zeros = survey.trailing_zeros;
                    report.note(input::name(path), format_args!("{zeros} zeros behind the last stream, passed over"));
                }
                if let Some(base) = &survey.base {
                    let name = if base.name.is_empty() { "a file".to_owned() } else { masked(OsStr::new(&base.name)) };
                    report.note(
                        input::name(path),
                        format_args!("differences from {name} of {} bytes, XXH3-64 {}", base.bytes, base.xxh3),
                    );
                }
                if let Some(reason) = survey.tensors.as_ref().and_then(|tensors| tensors.opaque.as_ref()) {
                    report.note(input::name(path), format_args!("no tensors: {reason}"));
                }
                surveys.push(survey);
            }
            Err(error) => report.error(&error.context(input::name(path))),
        }
    }
    let printed = if args.json { json(&surveys) } else { tables(&surveys, args.verbose) };
    if let Err(error) = printed {
        report.error(&error);
    }
    report.exit_code()
}

fn look(path: &Path, args: &ListArgs) -> Result<Survey> {
    let input = Input::open_compressed(path, Purpose::Look, args.force)?;
    let mut survey = survey(path, &input, args.verbose).map_err(explain)?;
    if args.tensors {
        let Some((file, _)) = input.regular() else { bail!("tensors are listed of regular files alone") };
        survey.tensors = Some(tensors(file)?);
    }
    Ok(survey)
}

fn json(surveys: &[Survey]) -> Result<()> {
    let mut text = serde_json::to_string_pretty(surveys)?;
    text.push('\n');
    print(text.as_bytes())
}

fn tables(surveys: &[Survey], every_block: bool) -> Result<()> {
    if surveys.is_empty() {
        return Ok(());
    }
    print(files(surveys).as_bytes())?;
    for survey in surveys.iter().filter(|_| every_block) {
        print(format!("\n{}\n{}", survey.shown, blocks(survey)).as_bytes())?;
    }
    for survey in surveys {
        if let Some(tensors) = survey.tensors.as_ref().filter(|tensors| tensors.opaque.is_none()) {
            print(format!("\n{}\n{}", survey.shown, tensors.table()).as_bytes())?;
        }
    }
    Ok(())
}

/// One line per file, and one with the sums.
fn files(surveys: &[Survey]) -> String {
    let mut table =
        Columns::new(&["streams", "blocks", "compressed", "raw", "ratio"], &["check", "index", "modes", "file"]);
    let mut total = Total::default();
    for survey in surveys {
        let Survey { compressed_bytes, raw_bytes, blocks, ref modes, ref streams, .. } = *survey;
        let line = Total { streams: streams.len() as u64, blocks, compressed_bytes, raw_bytes, modes: modes.clone() };
        let check = in_streams(streams, "xxh3", |stream| stream.content_check.is_some());
        let index = in_streams(streams, "yes", |stream| stream.index);
        table.add(line.cells(check, index, survey.shown.clone()));
        total.add(line);
    }
    if surveys.len() > 1 {
        table.add(total.cells("", "", format!("{} files", surveys.len())));
    }
    table.finish()
}

/// The figures of one file, or of all.
#[derive(Debug, Default)]
struct Total {
    streams: u64,
    blocks: u64,
    compressed_bytes: u64,
    raw_bytes: u64,
    modes: Modes,
}

impl Total {
    fn add(&mut self, other: Self) {
        self.streams += other.streams;
        self.blocks += other.blocks;
        self.compressed_bytes += other.compressed_bytes;
        self.raw_bytes += other.raw_bytes;
        for (mode, count) in other.modes {
            *self.modes.entry(mode).or_default() += count;
        }
    }

    fn cells(&self, check: &str, index: &str, file: String) -> Vec<String> {
        let modes: Vec<_> = self.modes.iter().map(|(mode, count)| format!("{mode}:{count}")).collect();
        vec![
            self.streams.to_string(),
            self.blocks.to_string(),
            HumanBytes(self.compressed_bytes).to_string(),
            HumanBytes(self.raw_bytes).to_string(),
            percent(self.compressed_bytes, self.raw_bytes),
            check.to_owned(),
            index.to_owned(),
            if modes.is_empty() { "-".to_owned() } else { modes.join(" ") },
            file,
        ]
    }
}

/// `all` if every stream has it.
fn in_streams(streams: &[Stream], all: &'static str, has: impl Fn(&Stream) -> bool) -> &'static str {
    match streams.iter().filter(|stream| has(stream)).count() {
        0 => "no",
        some if some < streams.len() => "some",
        _ => all,
    }
}

/// One line per block of a file.
fn blocks(survey: &Survey) -> String {
    let mut table = Columns::new(&["block", "offset", "compressed", "raw offset", "raw", "ratio"], &["mode"]);
    let blocks = survey.streams.iter().flat_map(|stream| stream.block_list.iter().flatten());
    for (number, block) in blocks.enumerate() {
        table.add(vec![
            number.to_string(),
            block.offset.to_string(),
            block.compressed_bytes.to_string(),
            block.raw_offset.to_string(),
            block.raw_bytes.to_string(),
            percent(block.compressed_bytes, block.raw_bytes),
            block.mode.clone(),
        ]);
    }
    table.finish()
}
