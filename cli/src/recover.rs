//! What can be saved of a damaged file.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    ops::Range,
    process::ExitCode,
    slice,
};

use anyhow::{Result, anyhow, bail};
use indicatif::HumanBytes;
use ranstream::{
    DecodeOptions, Error, Limits, RansReader, TrailingData,
    error::Corruption,
    recover::{Found, Recovery},
};

use crate::{
    advice::{because, explain, plain},
    arguments::{RecoverArgs, VoiceArgs},
    input::{self, Input},
    output::{self, Output, Readers, Terms},
    padding::{self, Gap, Padding},
    report::{Report, count},
    trailing::Trailing,
};

pub(crate) fn run(args: &RecoverArgs) -> ExitCode {
    let mut report = Report::new(VoiceArgs::only(args.quiet));
    if let Err(error) = recover(args, &mut report) {
        report.error(&error.context(input::name(&args.input)));
    }
    report.exit_code()
}

/// What was found so far.
#[derive(Debug, Default)]
struct Tally {
    blocks: u64,
    raw_bytes: u64,
    gaps: u64,
    lost_bytes: u64,
    /// Streams without an end.
    unfinished: usize,
    /// Blocks that are whole, and lost all the same.
    undecodable: u64,
}

fn recover(args: &RecoverArgs, report: &mut Report) -> Result<()> {
    let twice = "not a regular file; recover reads its input twice, so copy it to a file first";
    // A pipe is not even opened.
    if fs::metadata(&args.input).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        bail!(twice);
    }
    let input = Input::open(&args.input)?;
    let Some((file, metadata)) = input.regular() else { bail!(twice) };
    let limits = args.memory.limits();
    let padding = if args.pad { Some(padding::measure(file, limits)?) } else { None };
    let mut output = if output::is_stdout(&args.output) {
        Output::Stdout
    } else {
        let sources = slice::from_ref(&args.input);
        let terms = Terms { sources, force: args.force, special: true, readers: Readers::Owner, holes: true };
        Output::create(&args.output, &terms)?
    };
    let mut tally = save(&input, file, limits, padding.as_ref(), &mut output, report)?;
    if let Some(padding) = &padding {
        tally.raw_bytes += fill(&mut output, padding.behind)?;
        if padding.is_estimated {
            report.warning(&input, "how many bytes were lost is estimated: offsets behind a loss may be wrong");
        }
    }
    let Tally { blocks, raw_bytes, gaps, lost_bytes, unfinished, undecodable } = tally;
    if undecodable > 0 {
        let (them, are) = (count(undecodable, "block"), if undecodable == 1 { "is" } else { "are" });
        report.warning(
            &input,
            format_args!("{them} of what is lost {are} whole: of a newer version, or differences from another file"),
        );
    }
    let verdict = if gaps > 0 {
        Err(anyhow!("{} of compressed data lost in {}", HumanBytes(lost_bytes), count(gaps, "place")))
    } else {
        // No byte is damaged, but blocks may be missing or in the wrong place.
        verify(file, limits, unfinished)
    };
    if blocks == 0 && verdict.is_err() {
        bail!("there is no complete block in it");
    }
    if let Err(error) = output.resemble(metadata) {
        report.warning(&input, format_args!("{error:#}"));
    }
    let target = output.to_string();
    output.commit(false)?;
    report.note(&input, format_args!("{}, {} saved to {target}", count(blocks, "block"), HumanBytes(raw_bytes)));
    verdict
}

/// Writes every complete block, and what stands for those that are lost.
fn save(
    input: &Input,
    mut file: &File,
    limits: Limits,
    padding: Option<&Padding>,
    output: &mut Output,
    report: &mut Report,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut gaps = padding.map(|padding| padding.gaps.iter()).into_iter().flatten();
    file.rewind().map_err(because("cannot read it"))?;
    let mut recovery = Recovery::with_limits(file, limits);
    loop {
        let part = recovery.next();
        // What begins with this part comes behind them.
        for stream in &recovery.unfinished_streams()[tally.unfinished..] {
            report.warning(input, endless(stream, tally.raw_bytes));
            tally.unfinished += 1;
        }
        tally.undecodable = recovery.undecodable_blocks();
        let Some(part) = part else { return Ok(tally) };
        match part.map_err(plain)? {
            Found::Block { raw, .. } => {
                output.put(&raw)?;
                tally.blocks += 1;
                tally.raw_bytes += raw.len() as u64;
            }
            Found::Lost { place } => {
                if tally.blocks > 0
                    && !recovery.is_unfinished()
                    && let Trailing::Zeros(len) = behind(input, place.start)?
                {
                    report.note(input, format_args!("{len} zeros behind the last stream, passed over"));
                    continue;
                }
                report.warning(input, lost(&place, tally.raw_bytes));
                tally.gaps += 1;
                tally.lost_bytes += place.end - place.start;
                if let Some(Gap { raw_len, .. }) = gaps.next() {
                    tally.raw_bytes += fill(output, *raw_len)?;
                }
            }
        }
    }
}

/// What the input is from `offset` to its end.
fn behind(input: &Input, offset: u64) -> Result<Trailing> {
    // Where the file is read now must not change.
    let mut file = input.reopen()?;
    file.seek(SeekFrom::Start(offset)).map_err(explain)?;
    Trailing::read(file).map_err(explain)
}

/// Writes so many zeros.
fn fill(output: &mut Output, mut len: u64) -> Result<u64> {
    let zeros = vec![0; 64 << 10];
    let filled = len;
    while len > 0 {
        let piece = len.min(zeros.len() as u64);
        output.put(&zeros[..piece as usize])?;
        len -= piece;
    }
    Ok(filled)
}

/// Decodes a file that has no damaged byte as a whole. So many of its streams have no end.
fn verify(mut file: &File, limits: Limits, unfinished: usize) -> Result<()> {
    file.rewind().map_err(because("cannot read it again"))?;
    let options = DecodeOptions::new().limits(limits).trailing_data(TrailingData::Ignore);
    let Err(error) = io::copy(&mut RansReader::with_options(file, options), &mut io::sink()) else { return Ok(()) };
    let whole = "each block in it is whole, but";
    match Error::try_from(error) {
        Ok(Error::Truncated { .. } | Error::Corrupt { reason: Corruption::EndMissing, .. }) if unfinished > 0 => {
            let have = if unfinished == 1 { "has" } else { "have" };
            Err(anyhow!("{whole} {} {have} no end: blocks may be missing", count(unfinished as u64, "stream")))
        }
        Ok(Error::Corrupt { reason: Corruption::Blocks { stored, actual }, .. }) if stored > actual => {
            Err(anyhow!("{whole} {} of {stored} blocks are missing", stored - actual))
        }
        Ok(Error::Corrupt { reason: Corruption::Blocks { stored, actual }, .. }) => {
            Err(anyhow!("{whole} {actual} blocks are there where {stored} were written"))
        }
        Ok(Error::Corrupt { reason: Corruption::RawLength { stored, actual }, .. }) if stored > actual => {
            Err(anyhow!("{whole} blocks are missing: {actual} of {stored} raw bytes are there"))
        }
        Ok(Error::Corrupt { reason: Corruption::RawLength { stored, actual }, .. }) => {
            Err(anyhow!("{whole} blocks are there twice: {actual} raw bytes where {stored} were written"))
        }
        Ok(Error::Corrupt { reason: Corruption::Sequence { .. }, .. }) => Err(anyhow!(
            "{whole} they are not those that were written, or in another order; they are saved in the order of the file"
        )),
        Ok(error) => Err(anyhow!("{whole} the stream is not: {error}")),
        Err(error) => Err(plain(error).context("cannot read it again")),
    }
}

/// Where a stream stops short: its writer never ended it, or its end is damaged.
fn endless(stream: &Range<u64>, raw_bytes: u64) -> String {
    let Range { start, end } = stream;
    format!(
        "the stream in compressed bytes {start}..{end} has no end: \
         bytes may be missing behind raw byte {raw_bytes} of the output"
    )
}

fn lost(place: &Range<u64>, raw_bytes: u64) -> String {
    let Range { start, end } = place;
    format!(
        "compressed bytes {start}..{end} are lost ({}), behind raw byte {raw_bytes} of the output",
        HumanBytes(end - start)
    )
}
