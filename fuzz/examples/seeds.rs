//! Writes the seeds of every fuzz target to `fuzz/corpus`, each named by its number and target's
//! name.

use std::{fs, io, path::Path};

use ranstream_fuzz::seeds;

#[allow(dead_code, reason = "the bodies are for the targets")]
#[path = "../src/model_files.rs"]
mod model_files;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = seeds::all(&fuzz.join("../tests/golden"))?;
    for (number, seed) in all.iter().enumerate() {
        let folder = fuzz.join("corpus").join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{number:04}")), &seed.bytes)?;
    }
    let of_model_files = model_files::seeds();
    for (number, (target, bytes)) in of_model_files.iter().enumerate() {
        let folder = fuzz.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{number:04}")), bytes)?;
    }
    println!("{} seeds", all.len() + of_model_files.len());
    Ok(())
}
