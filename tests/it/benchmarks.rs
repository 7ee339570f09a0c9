//! The README's figures are those of the pages in `docs/benchmarks`, one for each processor.
//! `RANS_BLESS=1 cargo test --test it benchmarks` makes its tables and sentences anew;
//! `scripts/bench.sh` and `scripts/bench_lz.sh` call it. What stands of levels is of `lz-*.md`, the
//! rest of the pages without such a beginning; `pivot-*.md` is not in the README.

use std::{fmt::Write as _, fs, path::Path};

use ranstream::Kernel;

const BEGIN: &str = "<!-- benchmarks -->\n";
const END: &str = "<!-- /benchmarks -->";

const LEVELS_BEGIN: &str = "<!-- levels -->\n";
const LEVELS_END: &str = "<!-- /levels -->";

/// What a page says of one sample: ours, and its ratio to huff0.
struct Sample {
    name: String,
    size: f64,
    decode: f64,
    decode_ratio: f64,
    encode: f64,
    encode_ratio: f64,
}

struct Page {
    file: String,
    processor: String,
    class: String,
    samples: Vec<Sample>,
    /// Of two threads beside one.
    threads: Vec<f64>,
    text: String,
}

#[test]
fn the_readme_has_the_figures_of_the_pages() {
    let pages = pages();
    assert!(!pages.is_empty(), "there is a page in docs/benchmarks");
    for (file, folder) in [("README.md", "docs/benchmarks/"), ("docs/benchmarks/README.md", "")] {
        renew(file, BEGIN, END, &figures(&pages, folder));
    }
    renew("README.md", LEVELS_BEGIN, LEVELS_END, &levels());
}

/// What stands between two marks in a file is what was made. `RANS_BLESS=1` puts it there.
fn renew(file: &str, begin: &str, end: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect("there is a place for the figures");
    let (listed, after) = rest.split_once(end).expect("and an end of it");
    if listed != made && std::env::var_os("RANS_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, [before, begin, made, end, after].concat()).unwrap();
    } else {
        assert!(listed == made, "{file}: RANS_BLESS=1 makes its figures anew");
    }
}

/// All pages but those of the levels and of pivot, in the order of their names.
fn pages() -> Vec<Page> {
    let of_others = |name: &str| name == "README.md" || name.starts_with("lz-") || name.starts_with("pivot-");
    files().into_iter().filter(|name| !of_others(name)).map(page).collect()
}

/// The names of all pages, in their order.
fn files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks");
    let mut files: Vec<String> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"))
        .collect();
    files.sort();
    files
}

/// For each processor whose levels were measured: a row for each level that stands beside one of
/// zstd's.
fn levels() -> String {
    let mut text = String::new();
    for file in files().into_iter().filter(|name| name.starts_with("lz-")) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks").join(&file);
        let page = fs::read_to_string(path).unwrap();
        let title = page.lines().next().and_then(|line| line.strip_prefix("# LZ: ")).expect("a page has a title");
        let (_, class) = title.trim_end_matches(')').rsplit_once(" (").expect("it names processor and class");
        let count = page.lines().find(|line| line.contains(" files, ")).and_then(|line| line.split(' ').next());
        let count = count.expect("a page says how many files it is of");
        write!(
            text,
            "\nLevels beside zstd, on one core of a {class}, {count} files, CRC-32C in ours and no check in zstd\n\
             ([every file](docs/benchmarks/{file})). Speeds are ours over zstd's, in total,\n\
             and in brackets the geometric mean of the files.\n\n\
             | level, beside | size in total | decode | decode with AVX2 alone | encode |\n|---|---:|---:|---:|---:|\n"
        )
        .unwrap();
        for section in page.split("\n## ").filter(|section| section.starts_with("Level ")) {
            let (level, zstd) = section.lines().next().and_then(|line| line.split_once(" beside ")).unwrap();
            let level = level.trim_start_matches("Level ");
            let row = |name: &str| -> Vec<&str> {
                let line = section.lines().find(|line| line.starts_with(&format!("| **{name}** |")));
                line.expect("a pair has this row").trim_matches('|').split('|').map(str::trim).skip(3).collect()
            };
            let ([size, encode, decode, _, with_avx2], [_, encodes, decodes, _, with_avx2s]) =
                (row("in total")[..].try_into().unwrap(), row("geometric mean")[..].try_into().unwrap());
            // A processor that has no AVX2 was measured without it.
            let with_avx2 =
                if with_avx2.is_empty() { String::new() } else { format!("{with_avx2} x ({with_avx2s} x)") };
            writeln!(
                text,
                "| {level}, {zstd} | {size} | {decode} x ({decodes} x) | {with_avx2} | {encode} x ({encodes} x) |"
            )
            .unwrap();
        }
    }
    text.push('\n');
    text
}

fn page(file: String) -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks").join(&file);
    let text = fs::read_to_string(path).unwrap();
    let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a page has a title");
    let (processor, class) = title.rsplit_once(" (").expect("it names processor and class");
    let (processor, class) = (processor.to_owned(), class.trim_end_matches(')').to_owned());
    let mut samples = Vec::new();
    let mut threads = Vec::new();
    for section in text.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap_or_default();
        for line in section.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            if let ["ranstream", numbers @ ..] = &cells[..] {
                let [size, decode, decode_ratio, _, encode, encode_ratio] =
                    numbers.iter().map(|number| number.parse().unwrap()).collect::<Vec<f64>>()[..]
                else {
                    panic!("{file}, {name}: a row has six numbers")
                };
                let name = name.to_owned();
                samples.push(Sample { name, size, decode, decode_ratio, encode, encode_ratio });
            }
            if let ["encode: two threads / one" | "decode: two threads / one", ratios @ ..] = &cells[..] {
                threads.extend(ratios.iter().map(|cell| cell.split(' ').next().unwrap().parse::<f64>().unwrap()));
            }
        }
    }
    Page { file, processor, class, samples, threads, text }
}

fn figures(pages: &[Page], folder: &str) -> String {
    let mut text = String::from(
        "\n| processor | sample | size % | decode GB/s | x huff0 | encode GB/s | x huff0 |\n|---|---|---:|---:|---:|---:|---:|\n",
    );
    for Page { file, processor, class, samples, .. } in pages {
        for Sample { name, size, decode, decode_ratio, encode, encode_ratio } in samples {
            let of = format!("{class} ([{processor}]({folder}{file}))");
            writeln!(
                text,
                "| {of} | {name} | {size:.2} | {decode:.2} | {decode_ratio:.2} | {encode:.2} | {encode_ratio:.2} |"
            )
            .unwrap();
        }
    }
    text.push('\n');
    for Page { class, samples, threads, .. } in pages {
        let of = |value: fn(&Sample) -> f64| range(samples.iter().map(value));
        write!(
            text,
            "On one core of a {class} it decodes {} GB/s and encodes {} GB/s, each with CRC-32C: {} times what huff0, \
             the fastest Huffman coder in wide use, decodes without a check, and {} times what it encodes.",
            of(|sample| sample.decode),
            of(|sample| sample.encode),
            of(|sample| sample.decode_ratio),
            of(|sample| sample.encode_ratio),
        )
        .unwrap();
        if !threads.is_empty() {
            write!(text, " Two threads are {} times as fast as one.", range(threads.iter().copied())).unwrap();
        }
        text.push('\n');
    }
    let untimed: Vec<&str> = (Kernel::ALL.iter().map(|(name, _)| *name))
        .filter(|name| !pages.iter().any(|page| page.text.contains(&format!("| lanes, {name} |"))))
        .collect();
    if !untimed.is_empty() {
        writeln!(text, "\nKernels that no page has, and so are not timed: {}.", untimed.join(", ")).unwrap();
    }
    text.push('\n');
    text
}

fn range(values: impl Iterator<Item = f64>) -> String {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    format!("{least:.2} to {most:.2}")
}
