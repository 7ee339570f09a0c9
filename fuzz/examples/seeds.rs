//! Writes the seeds of every fuzz target to `fuzz/corpus`, each named by its number and target's
//! name.

use std::{fs, io, path::Path};

use ranstream_fuzz::seeds;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = seeds::all(&fuzz.join("../tests/golden"))?;
    for (number, seed) in all.iter().enumerate() {
        let folder = fuzz.join("corpus").join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{number:04}")), &seed.bytes)?;
    }
    println!("{} seeds", all.len());
    Ok(())
}
