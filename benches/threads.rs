//! Two threads beside one: `threads [MIB] [ROUNDS]` prints the page's section. `scripts/bench.sh`
//! appends it, from a process that may use every core.

use std::{env, error::Error};

use ranstream_benches::{adapters, data::samples};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |index, default| env::args().nth(index).map_or(Ok(default), |text| text.parse());
    let (mib, rounds): (usize, usize) = (argument(1, 256)?, argument(2, 5)?);
    let mut beside = Vec::new();
    for sample in samples(mib << 20) {
        eprintln!("{}, two threads", sample.name);
        beside.push((sample.name, adapters::threads(&sample.bytes, 0, rounds)));
    }
    let cores = std::thread::available_parallelism()?;
    println!("\n## Threads\n");
    println!("{mib} MiB of each sample, {cores} cores, wall time; ratios and nanoseconds as above.\n");
    print!("{}", adapters::table(&beside));
    Ok(())
}
