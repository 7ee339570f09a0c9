//! Pivot beside Huff0, lanes and OpenZL's PivCo-Huffman over the files of a folder: speeds, short
//! sections, sizes. `scripts/bench_pivot.sh` runs it.
//!
//! `pivot FOLDER [ROUNDS [PAGES]]` writes the page of the processor into the folder `PAGES` and
//! prints where it is; without `PAGES` it prints the page.

use std::{env, error::Error, fs, path::Path};

use ranstream::Kernel;
use ranstream_benches::{
    data::{Sample, files, repeated},
    entropy::{BLOCK, sections, sizes, speeds},
    peers::openzl_codecs,
    processor::Processor,
};

/// A shorter file is left out: it has too few sections.
const LEAST: usize = 64 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let folder = args.first().ok_or("usage: pivot FOLDER [ROUNDS [PAGES]]")?;
    let rounds = args.get(1).map_or(Ok(5), |rounds| rounds.parse())?;
    if rounds == 0 {
        return Err("at least one round".into());
    }
    let files: Vec<Sample> = files(Path::new(folder)).into_iter().filter(|file| file.bytes.len() >= LEAST).collect();
    if files.is_empty() {
        return Err(format!("{folder} has no file of {LEAST} bytes or more").into());
    }
    if openzl_codecs::version().is_none() {
        eprintln!("built without OpenZL, which is left out");
    }
    let processor = Processor::at_hand();
    let page = header(&processor, rounds) + &body(&files, rounds);
    let Some(pages) = args.get(2) else {
        print!("{page}");
        return Ok(());
    };
    let path = Path::new(pages).join(format!("pivot-{}.md", processor.page()));
    fs::write(&path, page)?;
    println!("{}", path.display());
    Ok(())
}

fn body(files: &[Sample], rounds: usize) -> String {
    let (mut of_speeds, mut of_sections, mut of_sizes) = (Vec::new(), Vec::new(), Vec::new());
    for Sample { name, bytes } in files {
        eprintln!("{name}");
        of_sizes.push((name.clone(), sizes::measure(bytes)));
        let lengths: Option<Vec<_>> =
            sections::LENGTHS.iter().map(|len| sections::measure(bytes, *len, rounds)).collect();
        of_sections.extend(lengths.map(|lengths| (name.clone(), lengths)));
        let far = repeated(bytes, speeds::FAR);
        of_speeds.push((name.clone(), speeds::measure(&far[..speeds::FAR], BLOCK, rounds)));
    }
    format!(
        "\n## Sizes\n\n`prefer ratio` and `prefer speed` are what `--prefer` gives at level 0: they should be at most\n\
        {:+.1} % over huff0, and {:+.1} % over lanes. `pivot` is forced, with both settings. Blocks of huff0\n\
        are half as long; `both 128 KiB` is what pivot, ratio, is over it in such blocks.\n\n{}\n\
        ## Short sections\n\nNanoseconds for a section; the median over the files.\n\n{}{}",
        100.0 * sizes::OVER_HUFF0,
        100.0 * sizes::OVER_LANES,
        sizes::table(&of_sizes),
        sections::tables(&of_sections),
        speeds::of_all(&of_speeds),
    )
}

fn header(Processor { model, class }: &Processor, rounds: usize) -> String {
    let kernels: Vec<String> = Kernel::all_available().map(|kernel| kernel.to_string()).collect();
    let openzl = openzl_codecs::version().map_or_else(String::new, |version| {
        format!(
            "`openzl pivco` is OpenZL {version}'s, in chunks of 32 KiB. `as shipped` is its graph by the public\n\
            interface, a frame a block, without checksums: it asks the processor what it can (CPUID) in\n\
            every call, which is slow in virtual machines. `CPUID once` are its kernels alone, chosen\n\
            before; its weights are not coded there, so it is up to 256 bytes a block larger.\n"
        )
    });
    format!(
        "# Pivot: {model} ({class})\n\n\
        Made by `scripts/bench_pivot.sh`. One core, thread time; all codecs take turns, {rounds} rounds, medians.\n\
        Blocks of 256 KiB; those of `huff0`, zstd's Huffman coder alone, are 128 KiB. Ours compute a CRC-32C\n\
        in both directions, the others nothing. `in cache` is the first block, 40 times in a row; for\n\
        48 MiB a file is repeated. `pivot` is the setting for speed, `pivot, ratio` that for size with\n\
        the default kernel. A short section of ours is a block of its own, with its header of 12 bytes\n\
        and its check. This processor can run: {}.\n{openzl}",
        kernels.join(", "),
    )
}
