//! Coders of symbols alone, which look for no matches: lanes and pivot beside Huff0 and OpenZL's
//! PivCo-Huffman. Speeds in the caches and beyond them, short sections, sizes.

pub mod sections;
pub mod sizes;
pub mod speeds;

use ranstream::{DecodeOptions, EncodeOptions, Kernel, Mode, Prefer};

use crate::{
    measure::geometric_mean,
    peers::{Codec, Huff0, Memcpy, Rans, openzl_codecs},
};

/// Raw bytes of a default block of level 0.
pub const BLOCK: usize = 256 << 10;

/// What others are held against.
pub const HUFF0: &str = "huff0";

/// memcpy and Huff0, lanes by every kernel, pivot by every kernel that has its own, OpenZL's. Our
/// blocks and those of OpenZL are so long; those of Huff0 are 128 KiB at most.
#[must_use]
pub fn codecs(block_len: usize) -> Vec<Box<dyn Codec>> {
    let mut codecs: Vec<Box<dyn Codec>> = vec![Box::new(Memcpy), Box::new(Huff0::with_block_len(block_len))];
    codecs.extend(by_kernel(block_len));
    let ratio = EncodeOptions::new().mode(Mode::Pivot).prefer(Prefer::Ratio).block_len(block_len);
    codecs.push(Box::new(Rans::new("pivot, ratio", ratio, DecodeOptions::new())));
    codecs.extend(openzl_codecs::pivco(block_len));
    codecs
}

/// Those that differ for pivot: a kernel that gathers is the other one there.
pub fn pivot_kernels() -> impl Iterator<Item = Kernel> {
    Kernel::all_available().filter(|kernel| !kernel.to_string().ends_with("-gather"))
}

/// Lanes by every kernel, then pivot by every kernel that has its own.
pub fn by_kernel(block_len: usize) -> impl Iterator<Item = Box<dyn Codec>> {
    let lanes = Kernel::all_available().map(move |kernel| ours(Mode::Lanes, kernel, block_len));
    lanes.chain(pivot_kernels().map(move |kernel| ours(Mode::Pivot, kernel, block_len)))
}

fn ours(mode: Mode, kernel: Kernel, block_len: usize) -> Box<dyn Codec> {
    let encode = EncodeOptions::new().mode(mode).kernel(kernel).block_len(block_len);
    Box::new(Rans::new(&format!("{mode}, {kernel}"), encode, DecodeOptions::new().kernel(kernel)))
}

/// A Markdown table of ratios: a row for each sample, then the geometric mean and the least.
fn ratios(columns: &[&str], rows: &[(&str, Vec<f64>)]) -> String {
    let mut table = format!("| file | {} |\n|---|{}\n", columns.join(" | "), "---:|".repeat(columns.len()));
    let mut row = |name: &str, values: &[f64]| {
        let cells: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
        table += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    for (name, values) in rows {
        row(name, values);
    }
    let of = |column: usize| rows.iter().map(move |(_, values)| values[column]);
    let mean = |column| geometric_mean(of(column));
    row("**geometric mean**", &(0..columns.len()).map(mean).collect::<Vec<_>>());
    row("**least**", &(0..columns.len()).map(|column| of(column).fold(f64::MAX, f64::min)).collect::<Vec<_>>());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_have_their_mean_and_the_least() {
        let table = ratios(&["a", "b"], &[("x", vec![1.0, 2.0]), ("y", vec![4.0, 0.5])]);
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows[0], "| file | a | b |");
        assert_eq!(
            rows[2..],
            [
                "| x | 1.00 | 2.00 |",
                "| y | 4.00 | 0.50 |",
                "| **geometric mean** | 2.00 | 1.00 |",
                "| **least** | 1.00 | 0.50 |"
            ]
        );
    }

    #[test]
    fn every_codec_restores_what_it_codes() {
        let raw: Vec<u8> = (0..300_000_u64).map(|index| (index * index % 251 % 17) as u8).collect();
        let (mut coded, mut back) = (Vec::new(), vec![0; raw.len()]);
        for mut codec in codecs(BLOCK).into_iter().chain(sections::codecs(500)) {
            codec.encode(&raw, &mut coded);
            back.fill(0);
            codec.decode(&coded, &mut back);
            assert!(back == raw, "{}", codec.name());
        }
    }
}
