//! The README's figures are those of the pages in `docs/benchmarks`, one for each processor.
//! `RANS_BLESS=1 cargo test --test it benchmarks` makes its table and sentences anew;
//! `scripts/bench.sh` calls it. Other scripts' pages, `lz-*.md` and `pivot-*.md`, are none of them.

use std::{fmt::Write as _, fs, path::Path};

use ranstream::Kernel;

const BEGIN: &str = "<!-- benchmarks -->\n";
const END: &str = "<!-- /benchmarks -->";

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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).expect("there is a place for the figures");
        let (listed, after) = rest.split_once(END).expect("and an end of it");
        let made = figures(&pages, folder);
        if listed != made && std::env::var_os("RANS_BLESS").is_some_and(|value| value == "1") {
            fs::write(&path, [before, BEGIN, &made, END, after].concat()).unwrap();
        } else {
            assert!(listed == made, "{file}: RANS_BLESS=1 makes its figures anew");
        }
    }
}

/// All pages, in the order of their names.
fn pages() -> Vec<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks");
    let mut files: Vec<String> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"))
        .filter(|name| name != "README.md" && !name.starts_with("lz-") && !name.starts_with("pivot-"))
        .collect();
    files.sort();
    files.into_iter().map(page).collect()
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
