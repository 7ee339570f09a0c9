//! Each kernel of lanes and pivot beside Huff0 and memcpy, in turns: samples well beyond the
//! caches, and one block that stays in them. Prints Markdown.
//!
//! `kernels [ROUNDS [NAME...]]` takes the samples whose names contain one of the words;
//! `RANS_BENCH_CORPUS=folder` takes your files, and `RANS_BENCH_LEN=bytes` sets how long a block
//! is.

use std::env;

use ranstream_benches::{
    data::samples,
    entropy::{BLOCK, speeds},
};

fn main() {
    let mut args = env::args().skip(1);
    let rounds: usize = args.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(7);
    let wanted: Vec<String> = args.collect();
    let block_len = env::var("RANS_BENCH_LEN").ok().and_then(|len| len.parse().ok()).unwrap_or(BLOCK);
    for sample in samples(speeds::FAR) {
        if !wanted.is_empty() && !wanted.iter().any(|word| sample.name.contains(word)) {
            continue;
        }
        println!("\n{}, {rounds} rounds; GB/s, and in brackets the ratio to huff0\n", sample.name);
        print!("{}", speeds::of_one(&speeds::measure(&sample.bytes[..speeds::FAR], block_len, rounds)));
    }
}
