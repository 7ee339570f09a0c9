//! The tables, as Markdown.

use std::fmt::{self, Write as _};

use super::{PAIRS, SMALLEST, ours, with_avx2, zstd};
use crate::measure::{Figures, geometric_mean};

/// One file and every codec's figures on it.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The file's.
    pub name: String,
    /// Raw bytes.
    pub len: usize,
    /// Of all codecs, in one order for all files.
    pub figures: Vec<Figures>,
}

/// The tables of one core: all codecs in total, each pair file by file, then the files.
///
/// # Errors
///
/// None: a string takes everything.
///
/// # Panics
///
/// When there is no file, and where a file lacks a codec that another has.
pub fn one_core(measured: &[Measured]) -> Result<String, fmt::Error> {
    let mut page = String::new();
    in_total(&mut page, measured)?;
    for (level, beside) in PAIRS.into_iter().chain([SMALLEST]) {
        pair(&mut page, measured, level, &zstd(beside))?;
    }
    let shown: Vec<&str> = names(measured).filter(|name| stands_in_files(name)).collect();
    // A kernel changes no size.
    let sizes: Vec<&str> = shown.iter().copied().filter(|name| !name.contains(',')).collect();
    by_file(&mut page, measured, &sizes, "Size, % of raw", |figures| format!("{:.2}", 100.0 * figures.ratio))?;
    by_file(&mut page, measured, &shown, "Encode, MB/s", |figures| format!("{:.0}", figures.encode / 1e6))?;
    by_file(&mut page, measured, &shown, "Decode, MB/s", |figures| format!("{:.0}", figures.decode / 1e6))?;
    Ok(page)
}

/// The table of all cores: no codec but those that have threads.
///
/// # Errors
///
/// None: a string takes everything.
pub fn all_cores(figures: &[Figures]) -> Result<String, fmt::Error> {
    let mut page = String::from("| codec | size % | encode MB/s | decode MB/s |\n|---|---:|---:|---:|\n");
    for codec in figures {
        let (size, encode, decode) = (100.0 * codec.ratio, codec.encode / 1e6, codec.decode / 1e6);
        writeln!(page, "| {} | {size:.2} | {encode:.0} | {decode:.0} |", codec.name)?;
    }
    Ok(page)
}

/// Tables of files have no room for every level: those of the pairs are there, the ends of ours,
/// and one or two of each other codec.
fn stands_in_files(name: &str) -> bool {
    match name.split_once(" -") {
        None => true,
        Some(("ours", level)) => !["2", "4", "5", "7", "8"].contains(&level),
        Some(("zstd", _)) => PAIRS.iter().chain([&SMALLEST]).any(|(_, beside)| zstd(*beside) == name),
        Some((_, level)) => ["1", "6", "7"].contains(&level),
    }
}

/// What lz4 leaves of a file that it shrinks, at most. It copies the others, nearly or wholly.
const SHRUNK: f64 = 0.95;

/// One row a codec over all files.
fn in_total(page: &mut String, measured: &[Measured]) -> fmt::Result {
    let raw: usize = measured.iter().map(|file| file.len).sum();
    let shrunk: Vec<&Measured> = measured.iter().filter(|file| of(file, "lz4").ratio < SHRUNK).collect();
    writeln!(page, "{} files, {:.1} MB raw.\n", measured.len(), raw as f64 / 1e6)?;
    writeln!(
        page,
        "| codec | size % | encode MB/s | decode MB/s | decode x lz4, geometric mean | where lz4 shrinks |"
    )?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|")?;
    for codec in names(measured) {
        let all = total(measured, codec);
        let beside_lz4 = |file: &Measured| of(file, codec).decode / of(file, "lz4").decode;
        let lz4 = geometric_mean(measured.iter().map(beside_lz4));
        let lz4_shrinks = match &shrunk[..] {
            [] => String::new(),
            files => format!("{:.2}", geometric_mean(files.iter().map(|file| beside_lz4(file)))),
        };
        let (size, encode, decode) = (100.0 * all.ratio, all.encode / 1e6, all.decode / 1e6);
        writeln!(page, "| {codec} | {size:.2} | {encode:.0} | {decode:.0} | {lz4:.2} | {lz4_shrinks} |")?;
    }
    writeln!(
        page,
        "\nThe last column is of the files that lz4 shrinks by more than 5 %, {} here: of the others it\n\
         copies nearly all, at the speed of memory.",
        shrunk.len()
    )
}

/// One row a file: a level of ours beside zstd's.
fn pair(page: &mut String, measured: &[Measured], level: u8, zstd: &str) -> fmt::Result {
    let default = ours(level);
    writeln!(page, "\n## Level {level} beside {zstd}\n")?;
    writeln!(page, "`x` is our speed over zstd's; where ours is smaller, the difference is negative.\n")?;
    writeln!(page, "| file | size % | zstd % | difference | encode x | decode x | avx2: encode x | decode x |")?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    let mut rows = Vec::new();
    for file in measured {
        let row = ratios(&file.figures, level, zstd);
        writeln!(page, "| {} | {} | {} |", file.name, sizes(of(file, &default), of(file, zstd)), cells(&row))?;
        rows.push(row);
    }
    let mean: Vec<f64> = (0..rows[0].len()).map(|column| geometric_mean(rows.iter().map(|row| row[column]))).collect();
    writeln!(page, "| **geometric mean** | | | {} |", cells(&mean))?;
    let worst = rows.iter().skip(1).fold(rows[0].clone(), |mut worst, row| {
        worst[0] = worst[0].max(row[0]);
        worst[1..].iter_mut().zip(&row[1..]).for_each(|(worst, speed)| *worst = worst.min(*speed));
        worst
    });
    writeln!(page, "| **worst** | | | {} |", cells(&worst))?;
    let all: Vec<Figures> = names(measured).map(|codec| total(measured, codec)).collect();
    let sizes = sizes(named(&all, &default), named(&all, zstd));
    writeln!(page, "| **in total** | {sizes} | {} |", cells(&ratios(&all, level, zstd)))
}

/// Ours over zstd's: the size, then encoding and decoding speed, with the default kernel and, where
/// the processor has it, with AVX2.
fn ratios(figures: &[Figures], level: u8, zstd: &str) -> Vec<f64> {
    let zstd = named(figures, zstd);
    let mut ratios = vec![named(figures, &ours(level)).ratio / zstd.ratio];
    for name in [ours(level), with_avx2(level)] {
        for ours in figures.iter().filter(|figures| figures.name == name) {
            ratios.extend([ours.encode / zstd.encode, ours.decode / zstd.decode]);
        }
    }
    ratios
}

/// Two cells: our size and theirs.
fn sizes(ours: &Figures, zstd: &Figures) -> String {
    format!("{:.2} | {:.2}", 100.0 * ours.ratio, 100.0 * zstd.ratio)
}

/// Five cells of the ratios; those of a kernel that was not measured are empty.
fn cells(ratios: &[f64]) -> String {
    let mut cells = vec![format!("{:+.1} %", 100.0 * (ratios[0] - 1.0))];
    cells.extend(ratios[1..].iter().map(|speed| format!("{speed:.2}")));
    cells.resize(5, String::new());
    cells.join(" | ")
}

/// One row a file and one column a codec.
fn by_file(
    page: &mut String,
    measured: &[Measured],
    codecs: &[&str],
    title: &str,
    cell: fn(&Figures) -> String,
) -> fmt::Result {
    writeln!(page, "\n## {title}\n\n| file | {} |", codecs.join(" | "))?;
    writeln!(page, "|---|{}", "---:|".repeat(codecs.len()))?;
    for file in measured {
        let cells: Vec<String> = codecs.iter().map(|codec| cell(of(file, codec))).collect();
        writeln!(page, "| {} | {} |", file.name, cells.join(" | "))?;
    }
    let cells: Vec<String> = codecs.iter().map(|codec| cell(&total(measured, codec))).collect();
    writeln!(page, "| **in total** | {} |", cells.join(" | "))
}

/// The codecs, in the order of their columns.
fn names(measured: &[Measured]) -> impl Iterator<Item = &str> {
    measured.iter().take(1).flat_map(|file| &file.figures).map(|figures| figures.name.as_str())
}

fn of<'a>(file: &'a Measured, codec: &str) -> &'a Figures {
    named(&file.figures, codec)
}

fn named<'a>(figures: &'a [Figures], codec: &str) -> &'a Figures {
    figures.iter().find(|figures| figures.name == codec).expect("every codec ran on every file")
}

/// All files as if they were one.
///
/// # Panics
///
/// Where a file lacks the codec.
#[must_use]
pub fn total(measured: &[Measured], codec: &str) -> Figures {
    let sum = |value: fn(&Figures, f64) -> f64| -> f64 {
        measured.iter().map(|file| value(of(file, codec), file.len as f64)).sum()
    };
    let raw = sum(|_, len| len);
    Figures {
        name: codec.to_owned(),
        ratio: sum(|figures, len| figures.ratio * len) / raw,
        encode: raw / sum(|figures, len| len / figures.encode),
        decode: raw / sum(|figures, len| len / figures.decode),
    }
}
