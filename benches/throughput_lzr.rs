//! Our levels beside zstd, lz4 and deflate over the files of a folder: sizes and speeds on one
//! core. `scripts/bench_lz.sh` runs it.
//!
//! `throughput_lzr FOLDER [ROUNDS [PAGES]]` writes the page of the processor into the folder
//! `PAGES` and prints where it is; without `PAGES` it prints the page.

use std::{
    env,
    error::Error,
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use ranstream::{DecodeOptions, EncodeOptions, Kernel};
use ranstream_benches::{
    data::{Sample, files},
    measure::{Figures, in_pieces},
    peers::{Codec, Deflate, Lz4, Rans, Zstd},
    processor::Processor,
};

/// Of a longer file, only so many bytes count: two blocks of our largest default.
const MOST: usize = 16 << 20;

/// A shorter file is left out: it would measure what a call costs, not what a byte does.
const LEAST: usize = 64 << 10;

/// Our levels, and the level of zstd that each stands beside.
const LEVELS: [(u8, Option<i32>); 4] = [(0, None), (1, Some(1)), (3, Some(3)), (6, Some(9))];

const DEFLATE_LEVELS: [u32; 2] = [1, 6];

/// One file and every codec's figures on it.
struct Measured {
    name: String,
    len: usize,
    figures: Vec<Figures>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let folder = args.first().ok_or("usage: throughput_lzr FOLDER [ROUNDS [PAGES]]")?;
    let rounds = args.get(1).map_or(Ok(3), |rounds| rounds.parse())?;
    if rounds == 0 {
        return Err("at least one round".into());
    }
    if !Kernel::Avx2.is_available() {
        eprintln!("this processor has no AVX2: our levels are measured with the default kernel alone");
    }
    let (long, short): (Vec<_>, Vec<_>) =
        files(Path::new(folder)).into_iter().partition(|sample| sample.bytes.len() >= LEAST);
    for Sample { name, bytes } in &short {
        eprintln!("{name} is left out: {} bytes", bytes.len());
    }
    if long.is_empty() {
        return Err(format!("{folder} has no file of {LEAST} bytes or more").into());
    }
    let measured: Vec<Measured> = long.into_iter().map(|sample| measure(sample, rounds)).collect();
    let processor = Processor::at_hand();
    let page = page(&processor, &measured, rounds)?;
    let Some(pages) = args.get(2) else {
        print!("{page}");
        return Ok(());
    };
    let path = Path::new(pages).join(format!("lz-{}.md", processor.page()));
    fs::write(&path, page)?;
    println!("{}", path.display());
    Ok(())
}

fn measure(Sample { name, mut bytes }: Sample, rounds: usize) -> Measured {
    bytes.truncate(MOST);
    eprintln!("{name}, {} bytes", bytes.len());
    let figures = in_pieces(&mut codecs(), &bytes, bytes.len(), rounds);
    Measured { name, len: bytes.len(), figures }
}

/// Ours first: each level with the default kernel, then with AVX2.
fn codecs() -> Vec<Box<dyn Codec>> {
    let mut codecs: Vec<Box<dyn Codec>> = Vec::new();
    for (level, _) in LEVELS {
        let (encode, decode) = (EncodeOptions::new().level(level), DecodeOptions::new());
        codecs.push(Box::new(Rans::new(&ours(level), encode.clone(), decode.clone())));
        if Kernel::Avx2.is_available() {
            let (encode, decode) = (encode.kernel(Kernel::Avx2), decode.kernel(Kernel::Avx2));
            codecs.push(Box::new(Rans::new(&with_avx2(level), encode, decode)));
        }
    }
    for level in LEVELS.iter().filter_map(|(_, beside)| *beside) {
        codecs.push(Box::new(Zstd::new(level)));
    }
    codecs.push(Box::new(Lz4));
    for level in DEFLATE_LEVELS {
        codecs.push(Box::new(Deflate::new(level)));
    }
    codecs
}

fn ours(level: u8) -> String {
    format!("ours -{level}")
}

fn with_avx2(level: u8) -> String {
    format!("ours -{level}, avx2")
}

fn page(processor: &Processor, measured: &[Measured], rounds: usize) -> Result<String, fmt::Error> {
    let mut page = header(processor, rounds);
    in_total(&mut page, measured)?;
    for (level, beside) in LEVELS {
        if let Some(beside) = beside {
            pair(&mut page, measured, level, beside)?;
        }
    }
    let codecs: Vec<&str> = names(measured).collect();
    // A kernel changes no size.
    let forced: Vec<String> = LEVELS.map(|(level, _)| with_avx2(level)).to_vec();
    let sizes: Vec<&str> = codecs.iter().copied().filter(|codec| !forced.iter().any(|name| name == codec)).collect();
    by_file(&mut page, measured, &sizes, "Size, % of raw", |figures| format!("{:.2}", 100.0 * figures.ratio))?;
    by_file(&mut page, measured, &codecs, "Encode, MB/s", |figures| format!("{:.0}", figures.encode / 1e6))?;
    by_file(&mut page, measured, &codecs, "Decode, MB/s", |figures| format!("{:.0}", figures.decode / 1e6))?;
    Ok(page)
}

fn header(Processor { model, class }: &Processor, rounds: usize) -> String {
    let kernels: Vec<String> = Kernel::all_available().map(|kernel| kernel.to_string()).collect();
    format!(
        "# LZ: {model} ({class})\n\n\
        Made by `scripts/bench_lz.sh`. One core, thread time; all codecs take turns, rounds: {rounds}, the median\n\
        of each file. A file counts with its first {} MiB at most; files below {} KiB are left out. A short\n\
        file is coded several times in a row, 1 MiB in all. Buffers were touched before, and every codec\n\
        keeps its memory from call to call. Only ratios within this page count.\n\n\
        `ours` are whole streams with the default blocks of each level and the default checks: CRC-32C over\n\
        every block, in both directions. No peer has a check. zstd {} gets the whole file at once, with\n\
        the window that its level takes. `lz4_flex` is LZ4 in safe Rust, slower than lz4 in C; `zlib-rs` is\n\
        raw deflate. `avx2` forces that kernel; the default is the fastest for the processor. It can run:\n\
        {}.\n",
        MOST >> 20,
        LEAST >> 10,
        zstd::zstd_safe::version_string(),
        kernels.join(", "),
    )
}

/// One row a codec over all files.
fn in_total(page: &mut String, measured: &[Measured]) -> fmt::Result {
    let raw: usize = measured.iter().map(|file| file.len).sum();
    writeln!(page, "\n## In total\n\n{} files, {:.1} MB raw.\n", measured.len(), raw as f64 / 1e6)?;
    writeln!(page, "| codec | size % | encode MB/s | decode MB/s | decode x lz4_flex, geometric mean |")?;
    writeln!(page, "|---|---:|---:|---:|---:|")?;
    for codec in names(measured) {
        let all = total(measured, codec);
        let lz4 = geometric_mean(measured.iter().map(|file| of(file, codec).decode / of(file, "lz4_flex").decode));
        let (size, encode, decode) = (100.0 * all.ratio, all.encode / 1e6, all.decode / 1e6);
        writeln!(page, "| {codec} | {size:.2} | {encode:.0} | {decode:.0} | {lz4:.2} |")?;
    }
    Ok(())
}

/// One row a file: a level of ours beside zstd's.
fn pair(page: &mut String, measured: &[Measured], level: u8, beside: i32) -> fmt::Result {
    let (default, zstd) = (ours(level), format!("zstd -{beside}"));
    writeln!(page, "\n## Level {level} beside {zstd}\n")?;
    writeln!(page, "`x` is our speed over zstd's; where ours is smaller, the difference is negative.\n")?;
    writeln!(page, "| file | size % | zstd % | difference | encode x | decode x | avx2: encode x | decode x |")?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    let mut rows = Vec::new();
    for file in measured {
        let row = ratios(&file.figures, level, &zstd);
        writeln!(page, "| {} | {} | {} |", file.name, sizes(of(file, &default), of(file, &zstd)), cells(&row))?;
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
    let sizes = sizes(named(&all, &default), named(&all, &zstd));
    writeln!(page, "| **in total** | {sizes} | {} |", cells(&ratios(&all, level, &zstd)))
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
fn total(measured: &[Measured], codec: &str) -> Figures {
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

fn geometric_mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    (values.map(f64::ln).sum::<f64>() / count).exp()
}
