//! Each kernel beside Huff0 and memcpy, in turns: samples well beyond the caches, and one block
//! that stays in them. Prints Markdown.
//!
//! `kernels [ROUNDS [NAME...]]` takes the samples whose names contain one of the words;
//! `RANS_BENCH_CORPUS=folder` takes your files, and `RANS_BENCH_LEN=bytes` sets how long a block
//! of ours is.

use std::env;

use cpu_time::ThreadTime;
use ranstream::{DecodeOptions, EncodeOptions, Kernel, Mode};
use ranstream_benches::{
    data::samples,
    peers::{Codec, Huff0, Memcpy, Rans},
};

/// Samples are repeated to this many bytes.
const LEN: usize = 48 << 20;

/// Raw bytes of the block that stays in the caches.
const CACHED: usize = 256 << 10;

/// How often that block is gone through in a row.
const REPEATS: usize = 40;

fn main() {
    let mut args = env::args().skip(1);
    let rounds: usize = args.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(7);
    let wanted: Vec<String> = args.collect();
    let block_len = env::var("RANS_BENCH_LEN").ok().and_then(|len| len.parse().ok());
    for sample in samples(LEN) {
        if !wanted.is_empty() && !wanted.iter().any(|word| sample.name.contains(word)) {
            continue;
        }
        println!("\n{}, {rounds} rounds; GB/s, and in brackets the ratio to huff0\n", sample.name);
        println!("| codec | size % | decode 48 MiB | encode 48 MiB | decode in cache | encode in cache |");
        println!("|---|---:|---:|---:|---:|---:|");
        table(&sample.bytes[..LEN], block_len, rounds);
    }
}

fn codecs(block_len: Option<usize>) -> Vec<Box<dyn Codec>> {
    let huff0 = block_len.map_or_else(Huff0::default, Huff0::with_block_len);
    let mut codecs: Vec<Box<dyn Codec>> = vec![Box::new(Memcpy), Box::new(huff0)];
    for kernel in Kernel::all_available() {
        let mut encode = EncodeOptions::new().mode(Mode::Lanes).kernel(kernel);
        if let Some(len) = block_len {
            encode = encode.block_len(len);
        }
        codecs.push(Box::new(Rans::new(&kernel.to_string(), encode, DecodeOptions::new().kernel(kernel))));
    }
    codecs
}

/// One codec's times and buffers, over all of the sample and over its start.
#[derive(Default)]
struct Run {
    coded: Vec<u8>,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

fn table(raw: &[u8], block_len: Option<usize>, rounds: usize) {
    let mut codecs = codecs(block_len);
    let mut back = vec![0; raw.len()];
    let mut far: Vec<Run> = codecs.iter().map(|_| Run::default()).collect();
    let mut near: Vec<Run> = codecs.iter().map(|_| Run::default()).collect();
    for round in 0..=rounds {
        for ((codec, far), near) in codecs.iter_mut().zip(&mut far).zip(&mut near) {
            run(&mut **codec, raw, 1, &mut back, far, round > 0);
            run(&mut **codec, &raw[..CACHED], REPEATS, &mut back[..CACHED], near, round > 0);
        }
    }
    let speed = |times: &[f64], len: usize| len as f64 / median(times) / 1e9;
    let of = |index: usize| {
        [
            speed(&far[index].decode, raw.len()),
            speed(&far[index].encode, raw.len()),
            speed(&near[index].decode, CACHED * REPEATS),
            speed(&near[index].encode, CACHED * REPEATS),
        ]
    };
    let huff0 = of(1);
    for (index, codec) in codecs.iter().enumerate() {
        let cells: Vec<String> =
            of(index).iter().zip(huff0).map(|(ours, huff0)| format!("{ours:.2} ({:.2})", ours / huff0)).collect();
        let size = 100.0 * far[index].coded.len() as f64 / raw.len() as f64;
        println!("| {} | {size:.3} | {} |", codec.name(), cells.join(" | "));
    }
}

fn run(codec: &mut dyn Codec, raw: &[u8], repeats: usize, back: &mut [u8], run: &mut Run, counted: bool) {
    let encode = timed(repeats, || codec.encode(raw, &mut run.coded));
    let decode = timed(repeats, || codec.decode(&run.coded, back));
    if counted {
        run.encode.push(encode);
        run.decode.push(decode);
    } else {
        assert!(back == raw, "{} does not restore its input", codec.name());
    }
}

/// Seconds of this thread.
fn timed(repeats: usize, mut work: impl FnMut()) -> f64 {
    let start = ThreadTime::now();
    for _ in 0..repeats {
        work();
    }
    start.elapsed().as_secs_f64()
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
