//! What can be saved of a damaged file.

use std::{fs::File, io::Seek, ops::Range, process::ExitCode, slice};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::HumanBytes;
use ranstream::{
    DecodeOptions, Limits, RansReader,
    recover::{Found, Recovery},
};

use crate::{
    advice::{because, explain},
    arguments::{RecoverArgs, VoiceArgs},
    decompress::decode,
    input::{self, Input},
    output::{self, Output},
    report::{Report, count},
    temporary::Readers,
};

pub(crate) fn run(args: &RecoverArgs) -> ExitCode {
    let mut report = Report::new(VoiceArgs { quiet: args.quiet, verbose: false }, &[]);
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
}

fn recover(args: &RecoverArgs, report: &mut Report) -> Result<()> {
    let input = Input::open(&args.input)?;
    let Some((file, metadata)) = input.regular() else {
        bail!("not a regular file; recover reads its input twice, so copy it to a file first")
    };
    let mut output = if output::is_stdout(&args.output) {
        Output::Stdout
    } else {
        Output::create(&args.output, slice::from_ref(&args.input), args.force, Readers::Owner)?
    };
    let limits = args.memory.limits();
    let mut tally = Tally::default();
    for part in Recovery::with_limits(file, limits) {
        match part.map_err(explain)? {
            Found::Block { raw, .. } => {
                output.put(&raw)?;
                tally.blocks += 1;
                tally.raw_bytes += raw.len() as u64;
            }
            Found::Lost { place } => {
                report.warning(&input, lost(&place, tally.raw_bytes));
                tally.gaps += 1;
                tally.lost_bytes += place.end - place.start;
            }
        }
    }
    let Tally { blocks, raw_bytes, gaps, lost_bytes } = tally;
    let verdict = if gaps > 0 {
        Err(anyhow!("{} of compressed data lost in {}", HumanBytes(lost_bytes), count(gaps, "place")))
    } else {
        // No byte is damaged, but blocks may be missing or in the wrong place.
        verify(file, limits).context("each block in it is whole, but the stream is not")
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

fn verify(mut file: &File, limits: Limits) -> Result<()> {
    file.rewind().map_err(because("cannot read it again"))?;
    decode(RansReader::with_options(file, DecodeOptions::new().limits(limits)), &mut Output::Nowhere)?;
    Ok(())
}

fn lost(place: &Range<u64>, raw_bytes: u64) -> String {
    let Range { start, end } = place;
    format!(
        "compressed bytes {start}..{end} are lost ({}), behind raw byte {raw_bytes} of the output",
        HumanBytes(end - start)
    )
}
