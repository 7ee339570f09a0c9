//! Bytes to code: the files of `RANS_BENCH_CORPUS`, or made here.

use std::{env, fs, path::Path};

/// Some bytes with a name.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The file's name, or what was made.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The files of the folder that `RANS_BENCH_CORPUS` names; without it, four samples that are made
/// here. Each is repeated up to `min_len` bytes.
#[must_use]
pub fn samples(min_len: usize) -> Vec<Sample> {
    let folder = env::var_os("RANS_BENCH_CORPUS");
    let samples = folder.map_or_else(generated, |folder| files(Path::new(&folder)));
    samples.into_iter().map(|Sample { name, bytes }| Sample { name, bytes: repeated(&bytes, min_len) }).collect()
}

/// Every file in the folder that is not empty, by name.
///
/// # Panics
///
/// When the folder or a file in it cannot be read: a benchmark over other data than asked for is
/// worth nothing.
#[must_use]
pub fn files(folder: &Path) -> Vec<Sample> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| Sample {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        })
        .filter(|sample| !sample.bytes.is_empty())
        .collect()
}

/// Int8 gaussians of sigma 11, text, an executable, and gaussians over 16 symbols: 4 MiB each, or
/// less for the executable.
fn generated() -> Vec<Sample> {
    const LEN: usize = 4 << 20;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let gauss = (0..LEN).map(|_| random.gaussian(11.0) as i64 as u8).collect();
    let sixteen = (0..LEN).map(|_| (random.gaussian(1.6) + 8.0).clamp(0.0, 15.0) as u8).collect();
    let words: Vec<&str> = include_str!("../../FORMAT.md").split_inclusive(' ').collect();
    let text = (0..LEN / 4).flat_map(|_| words[random.below(words.len())].bytes()).take(LEN).collect();
    let exe = env::current_exe().and_then(fs::read).unwrap_or_default();
    let sample = |name: &str, bytes| Sample { name: name.into(), bytes };
    vec![sample("int8", gauss), sample("text", text), sample("exe", exe), sample("16-symbols", sixteen)]
        .into_iter()
        .filter(|sample| !sample.bytes.is_empty())
        .collect()
}

/// The bytes over and over, whole, until there are so many or more.
///
/// # Panics
///
/// Without a byte.
#[must_use]
pub fn repeated(bytes: &[u8], min_len: usize) -> Vec<u8> {
    bytes.repeat(min_len.div_ceil(bytes.len()).max(1))
}

/// Xorshift: the same bytes on every machine, and no crate for it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    /// The sum of twelve uniform numbers is close to a gaussian.
    fn gaussian(&mut self, sigma: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        ((sum - 6.0) * sigma).round()
    }
}
