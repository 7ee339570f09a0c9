//! One stage in a loop, for a profiler: `profile STAGE SIZE ITERATIONS [--decompress]`.
//! `scripts/profile.sh` runs it.

use std::{env, error::Error, hint::black_box};

use ranstream::{EncodeOptions, block};
use ranstream_benches::data::samples;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [stage, size, iterations, rest @ ..] = &args[..] else {
        return Err("usage: profile STAGE SIZE ITERATIONS [--decompress]".into());
    };
    if stage != "rans" {
        return Err(format!("no stage {stage}; the stages are: rans").into());
    }
    let (size, iterations): (usize, usize) = (size.parse()?, iterations.parse()?);
    let sample = samples(size).into_iter().next().ok_or("the corpus is empty")?;
    let raw = &sample.bytes[..size];
    let mut coded = Vec::new();
    block::encode(raw, &EncodeOptions::new().level(0), &mut coded)?;
    let mut back = vec![0; size];
    for _ in 0..iterations {
        if rest.iter().any(|flag| flag == "--decompress") {
            black_box(block::decode(&coded, &mut back)?);
        } else {
            coded.clear();
            black_box(block::encode(raw, &EncodeOptions::new().level(0), &mut coded)?);
        }
    }
    Ok(())
}
