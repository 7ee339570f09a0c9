//! How near the coded size comes to the order-0 entropy, file by file:
//!
//! ```sh
//! cargo run --release --example sizes -- FOLDER
//! ```
//!
//! Each file is coded in mode `lanes` with blocks of 256 KiB. The last column is what every block
//! takes beyond 1.002 times the least that an order-0 coder or storing it could; the promise
//! is at most 800 bytes. A file that breaks it makes the program fail.

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use ranstream::{EncodeOptions, Mode, compress};

const BLOCK_LEN: usize = 256 << 10;

/// Bytes that a block may take beyond 1.002 times its bound.
const PROMISED: f64 = 800.0;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("which folder? cargo run --release --example sizes -- FOLDER")?;
    let mut paths =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();

    println!("| file | bytes | coded | sum of min(raw, entropy) | ratio | bytes per block over 1.002 x sum |");
    println!("|---|---:|---:|---:|---:|---:|");
    let mut kept = true;
    for path in &paths {
        kept &= report(path)?;
    }
    if !kept {
        eprintln!("a block takes more than {PROMISED} bytes over 1.002 times its bound");
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a file's line. `false`: it is larger than promised.
fn report(path: &Path) -> Result<bool, Box<dyn Error>> {
    let raw = fs::read(path)?;
    let coded = compress(&raw, &EncodeOptions::new().mode(Mode::Lanes).block_len(BLOCK_LEN))?.len() as f64;
    let blocks = raw.len().div_ceil(BLOCK_LEN).max(1) as f64;
    let bound: f64 = raw.chunks(BLOCK_LEN).map(|block| order_0_entropy(block).min(block.len() as f64)).sum();
    let over = (coded - 1.002 * bound) / blocks;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    println!("| {name} | {} | {coded} | {bound:.0} | {:.5} | {over:.1} |", raw.len(), coded / bound);
    Ok(over <= PROMISED)
}

/// The bytes that an ideal coder takes which knows how often each byte value occurs in `block`, and
/// nothing else.
fn order_0_entropy(block: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in block {
        counts[usize::from(byte)] += 1;
    }
    let total = block.len() as f64;
    let bits =
        counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) * (total / f64::from(count)).log2());
    bits.sum::<f64>() / 8.0
}
