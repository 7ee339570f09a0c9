//! Our levels beside zstd, lz4, snappy, deflate and OpenZL's LZ over the files of a folder: sizes
//! and speeds. `scripts/bench_lz.sh` runs it.
//!
//! `throughput_lzr FOLDER [ROUNDS [PAGES]]` measures on one core, writes the page of the processor
//! with its plots into the folder `PAGES`, and prints where the page is; without `PAGES` it prints
//! the page. `throughput_lzr --all-cores FOLDER [ROUNDS [PAGES]]` prints the section of all cores,
//! and writes its plots into `PAGES`; the process must have all cores, and the machine no other
//! work.

use std::{
    env,
    error::Error,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use ranstream::Kernel;
use ranstream_benches::{
    adapters,
    data::{Sample, files},
    levels::{Measured, PAIRS, all_cores, on_all_cores, on_one_core, one_core, total},
    measure::{Clock, Figures, in_pieces},
    peers::openzl_codecs,
    plot::{Speed, draw},
    processor::Processor,
};

/// Of a longer file, only so many bytes count: two blocks of our largest default.
const MOST: usize = 16 << 20;

/// A shorter file is left out: it would measure what a call costs, not what a byte does.
const LEAST: usize = 64 << 10;

/// Our largest default block. All cores have four each.
const LONGEST_BLOCK: usize = 8 << 20;

/// More than this is not coded at once on all cores.
const MOST_AT_ONCE: usize = 256 << 20;

const USAGE: &str = "usage: throughput_lzr [--all-cores] FOLDER [ROUNDS [PAGES]]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = env::args().skip(1).collect();
    let cores = args.first().is_some_and(|first| first == "--all-cores");
    args.drain(..usize::from(cores));
    let folder = args.first().ok_or(USAGE)?;
    let rounds = args.get(1).map_or(Ok(3), |rounds| rounds.parse())?;
    if rounds == 0 {
        return Err("at least one round".into());
    }
    let files = long_files(Path::new(folder))?;
    let pages = args.get(2).map(PathBuf::from);
    if cores { with_all_cores(files, rounds, pages.as_deref()) } else { with_one_core(files, rounds, pages.as_deref()) }
}

fn long_files(folder: &Path) -> Result<Vec<Sample>, Box<dyn Error>> {
    let (mut long, short): (Vec<_>, Vec<_>) = files(folder).into_iter().partition(|sample| sample.bytes.len() >= LEAST);
    for Sample { name, bytes } in &short {
        eprintln!("{name} is left out: {} bytes", bytes.len());
    }
    if long.is_empty() {
        return Err(format!("{} has no file of {LEAST} bytes or more", folder.display()).into());
    }
    long.iter_mut().for_each(|sample| sample.bytes.truncate(MOST));
    Ok(long)
}

fn with_one_core(files: Vec<Sample>, rounds: usize, pages: Option<&Path>) -> Result<(), Box<dyn Error>> {
    if !Kernel::Avx2.is_available() {
        eprintln!("this processor has no AVX2: our levels are measured with the default kernel alone");
    }
    if openzl_codecs::version().is_none() {
        eprintln!("built without OpenZL, which is left out");
    }
    let measured: Vec<Measured> = files.into_iter().map(|sample| measure(sample, rounds)).collect();
    let processor = Processor::at_hand();
    let mut page = header(&processor, rounds);
    page += &plots(&processor, "");
    page += &one_core(&measured)?;
    let Some(pages) = pages else {
        print!("{page}");
        return Ok(());
    };
    let names: Vec<&str> = measured[0].figures.iter().map(|figures| figures.name.as_str()).collect();
    let all: Vec<Figures> = names.iter().map(|name| total(&measured, name)).collect();
    draw_plots(pages, &processor, "", "one core", &all)?;
    let path = pages.join(name(&processor, "")).with_extension("md");
    fs::write(&path, page)?;
    println!("{}", path.display());
    Ok(())
}

fn measure(Sample { name, bytes }: Sample, rounds: usize) -> Measured {
    eprintln!("{name}, {} bytes", bytes.len());
    let figures = in_pieces(&mut on_one_core(), &bytes, bytes.len(), rounds, Clock::Thread);
    Measured { name, len: bytes.len(), figures }
}

/// All files one behind another, so that every core has blocks to code.
fn with_all_cores(files: Vec<Sample>, rounds: usize, pages: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let len = (4 * cores * LONGEST_BLOCK).min(MOST_AT_ONCE);
    let files: Vec<u8> = files.into_iter().flat_map(|sample| sample.bytes).collect();
    let raw: Vec<u8> = files.iter().copied().cycle().take(len).collect();
    eprintln!("all files, {cores} cores, {len} bytes");
    let figures = in_pieces(&mut on_all_cores(cores), &raw, len, rounds, Clock::Wall);
    let pairs = PAIRS.map(|(level, _)| {
        eprintln!("level {level}, two threads beside one");
        (format!("level {level}"), adapters::threads(&raw, level, rounds))
    });
    let processor = Processor::at_hand();
    println!("\n## All cores\n");
    println!("{cores} cores, wall time, rounds: {rounds}. The files stand one behind another, cut or repeated to");
    println!("{} MiB: four of our longest blocks a core. Ours have as many threads as there are cores,", len >> 20);
    println!("both ways; zstd encodes with as many and decodes with one, as its frames ask.\n");
    print!("{}{}", plots(&processor, "-all-cores"), all_cores(&figures)?);
    println!("\n## Two threads beside one\n");
    println!("The same bytes; speed of the first way over the second, and in brackets the nanoseconds per raw");
    println!("byte of both.\n\n{}", adapters::table(&pairs));
    if let Some(pages) = pages {
        draw_plots(pages, &processor, "-all-cores", &format!("{cores} cores"), &figures)?;
    }
    Ok(())
}

/// The page's name without its ending, or that of something that belongs to it.
fn name(processor: &Processor, of: &str) -> String {
    format!("lz-{}{of}", processor.page())
}

/// The page's lines that show its plots.
fn plots(processor: &Processor, of: &str) -> String {
    let name = name(processor, of);
    format!("![size and encoding speed]({name}-encode.svg)\n\n![size and decoding speed]({name}-decode.svg)\n\n")
}

/// What a kernel is forced to is not shown: a level has one point.
fn draw_plots(
    pages: &Path,
    processor: &Processor,
    of: &str,
    on: &str,
    figures: &[Figures],
) -> Result<(), Box<dyn Error>> {
    let shown: Vec<Figures> = figures.iter().filter(|figures| !figures.name.contains(',')).cloned().collect();
    for (speed, ending, what) in [(Speed::Encode, "encode", "encoding"), (Speed::Decode, "decode", "decoding")] {
        let path = pages.join(format!("{}-{ending}.svg", name(processor, of)));
        draw(&path, &format!("All files, {on}: size and {what} speed"), speed, &shown)?;
    }
    Ok(())
}

fn header(Processor { model, class }: &Processor, rounds: usize) -> String {
    let kernels: Vec<String> = Kernel::all_available().map(|kernel| kernel.to_string()).collect();
    let openzl = openzl_codecs::version().map_or_else(String::new, |version| {
        format!(
            "`openzl lz` is OpenZL {version}'s graph `lz`, format version 27, without its checksums, the whole file\n\
            in one frame. It is compiled as its crate does that, for any processor of the kind.\n"
        )
    });
    format!(
        "# LZ: {model} ({class})\n\n\
        Made by `scripts/bench_lz.sh`. First one core, thread time; all codecs take turns, rounds:\n\
        {rounds}, the median of each file. A file counts with its first {} MiB at most; files below {} KiB are\n\
        left out. A short file is coded several times in a row, 1 MiB in all; one that a codec encodes at\n\
        less than 10 MB/s is so in one round. Buffers were touched before, and every codec keeps its memory\n\
        from call to call. Only ratios within this page count.\n\n\
        `ours` are whole streams with the default blocks of each level and the default checks: CRC-32C over\n\
        every block, in both directions. No peer has a check. zstd {} gets the whole file at once, with\n\
        the window that its level takes. `lz4` is its C library, one block; `zlib-rs` is raw deflate;\n\
        `snap` is Snappy in Rust. `avx2` forces that kernel; the default is the fastest for the processor.\n\
        It can run: {}.\n{openzl}\n## In total\n\n",
        MOST >> 20,
        LEAST >> 10,
        zstd::zstd_safe::version_string(),
        kernels.join(", "),
    )
}
