//! One stage in a loop, for a profiler: `profile STAGE SIZE ITERATIONS [--decompress]`.
//! `scripts/profile.sh` runs it.
//!
//! `rans` is a block of level 0, `lz` a block of level 3; `lz1` to `lz7` are blocks of that level.

use std::{env, error::Error, hint::black_box};

use ranstream::{EncodeOptions, block};
use ranstream_benches::data::samples;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [stage, size, iterations, rest @ ..] = &args[..] else {
        return Err("usage: profile STAGE SIZE ITERATIONS [--decompress]".into());
    };
    let options = options(stage).ok_or_else(|| format!("no stage {stage}; the stages are: rans, lz, lz1 to lz7"))?;
    let (size, iterations): (usize, usize) = (size.parse()?, iterations.parse()?);
    // Where several files are given, the longest has the most to show.
    let sample = samples(size).into_iter().max_by_key(|sample| sample.bytes.len()).ok_or("the corpus is empty")?;
    let raw = &sample.bytes[..size];
    let mut coded = Vec::new();
    block::encode(raw, &options, &mut coded)?;
    let mut back = vec![0; size];
    for _ in 0..iterations {
        if rest.iter().any(|flag| flag == "--decompress") {
            black_box(block::decode(&coded, &mut back)?);
        } else {
            coded.clear();
            black_box(block::encode(raw, &options, &mut coded)?);
        }
    }
    Ok(())
}

fn options(stage: &str) -> Option<EncodeOptions> {
    let level = match stage {
        "rans" => 0,
        "lz" => 3,
        _ => stage.strip_prefix("lz")?.parse().ok().filter(|level| (1..=7).contains(level))?,
    };
    Some(EncodeOptions::new().level(level))
}
