//! The calls of the Python package, made in Rust: what `scripts/python_targets.py` holds them
//! against, in turn with them.
//!
//! The argument is a folder with the file `raw` and its streams, `0.rans` for level 0 and so on.
//! Each line of the input is a call, a level and how many times to make it; the answer is the
//! processor time of the thread for all of them, in nanoseconds.

use std::{
    collections::{HashMap, hash_map::Entry},
    env,
    error::Error,
    fs::{self, File},
    hint::black_box,
    io::{self, BufRead, Read, Seek, Write},
    path::{Path, PathBuf},
};

use cpu_time::ThreadTime;
use ranstream::{DecodeOptions, EncodeOptions, RansReader, compress_into, decompress_into};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Bytes that a stream may have beside the raw ones: far more than it has.
const OVERHEAD: usize = 64 << 10;

fn main() -> Outcome<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("which folder?")?);
    let raw = fs::read(folder.join("raw"))?;
    // Buffers that are used again are touched before the clock runs.
    let mut out = vec![1; raw.len()];
    let mut levels = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let (Some(call), Some(level), Some(times)) = (words.next(), words.next(), words.next()) else {
            return Err("a call, a level, and how many times".into());
        };
        let (level, times) = (level.parse::<u8>()?, times.parse::<u32>()?);
        let streams = match levels.entry(level) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Streams::open(&folder, level)?),
        };
        let start = ThreadTime::now();
        for _ in 0..times {
            streams.call(call, &raw, &mut out)?;
        }
        println!("{}", start.elapsed().as_nanos());
        io::stdout().flush()?;
    }
    Ok(())
}

/// What is read at one level.
struct Streams {
    level: u8,
    stream: Vec<u8>,
    reader: RansReader<File>,
}

impl Streams {
    fn open(folder: &Path, level: u8) -> Outcome<Self> {
        let path = folder.join(format!("{level}.rans"));
        let reader = RansReader::new(File::open(&path)?);
        Ok(Self { level, stream: fs::read(path)?, reader })
    }

    fn call(&mut self, call: &str, raw: &[u8], out: &mut [u8]) -> Outcome<()> {
        let options = DecodeOptions::new();
        match call {
            // As the package's own, the result is new each time, and has its room from the start.
            "compress" => {
                let options = EncodeOptions::new().level(self.level).index(true).content_check(true);
                let mut stream = Vec::with_capacity(raw.len() + OVERHEAD);
                compress_into(raw, &mut stream, &options)?;
                black_box(stream);
            }
            "decompress" => {
                let mut fresh = vec![0; raw.len()];
                decompress_into(&self.stream, &mut fresh, &options)?;
                black_box(fresh);
            }
            "decompress_into" => {
                decompress_into(&self.stream, out, &options)?;
                black_box(out);
            }
            "readinto" => {
                self.reader.rewind()?;
                self.reader.read_exact(out)?;
                black_box(out);
            }
            _ => return Err(format!("there is no call {call}").into()),
        }
        Ok(())
    }
}
