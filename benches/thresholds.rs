//! The sweep behind the policy's thresholds: size and decoding speed of each mode, and size at each
//! precision, by block length. Prints Markdown.
//!
//! `RANS_BENCH_CORPUS=folder` takes your files; each is sampled at 40 places.

use std::{hint::black_box, time::Instant};

use ranstream::{EncodeOptions, Mode, block};
use ranstream_benches::data::{Sample, samples};

const MODES: [Mode; 3] = [Mode::SingleStream, Mode::Interleaved, Mode::Lanes];
const PLACES: usize = 40;

fn main() {
    let samples = samples(0);
    println!(
        "Mean over {} files, {PLACES} places each. Coded size in % of raw; decoding speed in MB/s of raw bytes.\n",
        samples.len()
    );
    println!(
        "| block | single % | interleaved % | lanes % | single MB/s | interleaved MB/s | lanes MB/s | 9 bits % | 10 bits % | 11 bits % | 12 bits % |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for len in (6..=17).map(|log2| 1_usize << log2) {
        let blocks: Vec<&[u8]> = samples.iter().flat_map(|sample| places(sample, len)).collect();
        let by_mode = MODES.map(|mode| measure(&blocks, &EncodeOptions::new().mode(mode)));
        let mode = if len <= 256 { Mode::SingleStream } else { Mode::Lanes };
        let by_bits = [9, 10, 11, 12].map(|bits| measure(&blocks, &EncodeOptions::new().mode(mode).scale_bits(bits)).0);
        let sizes = by_mode.map(|(size, _)| format!("{size:.2}")).join(" | ");
        let speeds = by_mode.map(|(_, speed)| format!("{speed:.0}")).join(" | ");
        let bits = by_bits.map(|size| format!("{size:.2}")).join(" | ");
        println!("| {len} | {sizes} | {speeds} | {bits} |");
    }
}

fn places(sample: &Sample, len: usize) -> impl Iterator<Item = &[u8]> {
    let step = (sample.bytes.len() / PLACES).max(1);
    (0..PLACES).filter_map(move |place| sample.bytes.get(place * step..place * step + len))
}

/// Mean coded size in %, and decoding speed in MB/s over all blocks.
fn measure(blocks: &[&[u8]], options: &EncodeOptions) -> (f64, f64) {
    let coded: Vec<Vec<u8>> = blocks
        .iter()
        .map(|raw| {
            let mut coded = Vec::new();
            block::encode(raw, options, &mut coded).expect("the options are valid");
            coded
        })
        .collect();
    let size: f64 = blocks.iter().zip(&coded).map(|(raw, coded)| coded.len() as f64 / raw.len() as f64).sum();
    let mut back = vec![0; 1 << 17];
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            for block in &coded {
                black_box(block::decode(block, &mut back).expect("a good block"));
            }
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let raw: usize = blocks.iter().map(|raw| raw.len()).sum();
    (100.0 * size / blocks.len() as f64, raw as f64 / times[2] / 1e6)
}
