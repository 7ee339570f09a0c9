//! Writes the page of the processor at hand: a table and a plot for each sample.
//! `scripts/bench.sh` runs it.
//!
//! `report FOLDER [ROUNDS]` writes the page and its plots into `FOLDER`, and prints where the page
//! is; `RANS_BENCH_CORPUS` names a folder of files to measure.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use ranstream::{DecodeOptions, EncodeOptions, Mode};
use ranstream_benches::{
    adapters,
    data::{Sample, samples},
    entropy::{BLOCK, by_kernel},
    measure::{Figures, in_turns},
    peers::{Codec, Rans, openzl_codecs, side_by_side},
    plot::{Speed, draw},
    processor::Processor,
};

/// Samples are repeated to this many bytes, well beyond the caches.
const LEN: usize = 48 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: report FOLDER [ROUNDS]")?;
    let rounds = env::args().nth(2).map_or(Ok(5), |rounds| rounds.parse())?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let processor = Processor::at_hand();
    let name = processor.page();
    let mut page = header(&processor, rounds);
    let mut beside = Vec::new();
    for sample in samples(LEN) {
        eprintln!("{}", sample.name);
        let figures = in_turns(&mut codecs(), &sample.bytes, rounds);
        let plot = format!("{name}-{}.svg", sample.name);
        // Behind these rows stand our own kernels and modes; level 0 stands for them. memcpy has no
        // size to show.
        let caption = format!("{}: size and decoding speed", sample.name);
        draw(&folder.join(&plot), &caption, Speed::Decode, &figures[1..side_by_side().len()])?;
        section(&mut page, &sample, &plot, &figures)?;
        beside.push((sample.name.clone(), adapters::pairs(&sample.bytes, rounds)?));
    }
    writeln!(page, "\n## Adapters and small blocks\n")?;
    writeln!(page, "Speed of the first way over the second, and in brackets the nanoseconds per raw byte of both.")?;
    writeln!(page, "Ours are level 0, here too.\n")?;
    page += &adapters::table(&beside);
    let path = folder.join(name).with_extension("md");
    fs::write(&path, page)?;
    println!("{}", path.display());
    Ok(())
}

fn codecs() -> Vec<Box<dyn Codec>> {
    let mut codecs = side_by_side();
    codecs.extend(by_kernel(BLOCK));
    codecs.extend(openzl_codecs::pivco(BLOCK));
    for mode in [Mode::Interleaved, Mode::SingleStream] {
        codecs.push(Box::new(Rans::new(&mode.to_string(), EncodeOptions::new().mode(mode), DecodeOptions::new())));
    }
    codecs
}

fn header(Processor { model, class }: &Processor, rounds: usize) -> String {
    let openzl = openzl_codecs::version().map_or_else(String::new, |version| {
        format!(
            "\n`openzl pivco` is OpenZL {version}'s PivCo-Huffman in blocks as long, without a check: as shipped,\n\
            which asks the processor what it can in every call (slow in a virtual machine), and its kernels\n\
            alone with the processor asked once.\n"
        )
    });
    format!(
        "# {model} ({class})\n\n\
        Made by `scripts/bench.sh`. One core, {} MiB of each sample in pieces of 1 MiB, which all codecs\n\
        take in turns; {rounds} rounds, the median of each piece, thread time. Buffers were touched before. Ratios\n\
        to memcpy and huff0 are of this run; absolute speeds are of this machine.\n\n\
        `ranstream` is level 0: blocks of 256 KiB, mode by policy, CRC-32C over every block. `pivot` is its\n\
        Huffman form. `huff0` is zstd's Huffman coder alone, without a check. The others also find repeats,\n\
        which level 0 does not: compare them by what you need.\n{openzl}",
        LEN >> 20,
    )
}

fn section(page: &mut String, sample: &Sample, plot: &str, figures: &[Figures]) -> Result<(), std::fmt::Error> {
    let of = |name: &str| figures.iter().find(|figures| figures.name == name);
    let (Some(memcpy), Some(huff0)) = (of("memcpy"), of("huff0")) else { return Ok(()) };
    writeln!(page, "\n## {}\n\n![ratio against speed]({plot})\n", sample.name)?;
    writeln!(page, "| codec | size % | decode GB/s | x huff0 | x memcpy | encode GB/s | x huff0 |")?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|---:|")?;
    for codec in figures {
        writeln!(
            page,
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            codec.name,
            100.0 * codec.ratio,
            codec.decode / 1e9,
            codec.decode / huff0.decode,
            codec.decode / memcpy.decode,
            codec.encode / 1e9,
            codec.encode / huff0.encode,
        )?;
    }
    Ok(())
}
