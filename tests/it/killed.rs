//! Writers that are killed: what they had flushed is back after recovery, and nothing is wrong.
//!
//! Each child is a run of this program that writes a stream to a file and flushes now and then.
//! Behind each flush it notes in a second file how many raw bytes that made safe.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    DecodeOptions, EncodeOptions, RansReader, RansWriter,
    recover::{Found, Recovery},
};
use tempfile::TempDir;

use crate::data;

/// Tells a child where to write, and how.
const FOLDER: &str = "RANS_TEST_KILLED_FOLDER";
const SEED: &str = "RANS_TEST_KILLED_SEED";

/// More than a child comes to write.
const RAW_LEN: usize = 8 << 20;

/// A child that writes nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_a_killed_writer_flushed_is_recovered() {
    kill_children(0..40);
}

#[test]
#[ignore = "half a minute"]
fn what_two_hundred_killed_writers_flushed_is_recovered() {
    kill_children(40..240);
}

fn kill_children(seeds: std::ops::Range<u64>) {
    let raw = data::text(RAW_LEN);
    let (mut flushes, mut torn) = (0, 0);
    for seed in seeds.clone() {
        let folder = TempDir::new().unwrap();
        let stream = Files::new(folder.path());
        let mut random = StdRng::seed_from_u64(seed);
        let mut child = start(folder.path(), seed);
        stream.wait_for_notes(&mut child, random.random_range(0..30));
        thread::sleep(Duration::from_micros(random.random_range(0..3000)));
        child.kill().unwrap();
        child.wait().unwrap();

        let safe = stream.safe();
        let recovered = recovered(&stream.coded());
        assert!(recovered.len() >= safe, "seed {seed}: {} bytes of {safe} flushed ones are back", recovered.len());
        assert!(raw.starts_with(&recovered), "seed {seed}: other bytes");
        let mut read = Vec::new();
        let result =
            io::Read::read_to_end(&mut RansReader::with_options(&stream.coded()[..], DecodeOptions::new()), &mut read);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "seed {seed}");
        assert!(read == recovered, "seed {seed}: a reader gives other bytes");
        flushes += stream.notes();
        torn += usize::from(recovered.len() > safe);
    }
    println!("{} children killed, {flushes} flushes before, {torn} of them with more than was flushed", seeds.count());
    assert!(flushes > 0);
}

/// In a child, which never comes to its end. In any other run there is nothing to do.
#[test]
fn child() {
    let (Ok(folder), Ok(seed)) = (env::var(FOLDER), env::var(SEED)) else { return };
    let seed: u64 = seed.parse().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let raw = data::text(RAW_LEN);
    let options = EncodeOptions::new()
        .block_len(random.random_range(200..20_000))
        .index(seed.is_multiple_of(2))
        .content_check(seed.is_multiple_of(3))
        .threads([1, 2, 4][seed as usize % 3]);
    let files = Files::new(Path::new(&folder));
    let mut writer = RansWriter::with_options(File::create(files.stream).unwrap(), options);
    let mut notes = File::create(files.notes).unwrap();
    let mut at = 0;
    while at < raw.len() {
        let end = raw.len().min(at + random.random_range(1..30_000));
        writer.write_all(&raw[at..end]).unwrap();
        at = end;
        if random.random_ratio(1, 3) {
            writer.flush().unwrap();
            notes.write_all(&(at as u64).to_le_bytes()).unwrap();
        }
    }
    // The stream is not finished: whoever kills this one too late sees no other stream than in
    // time.
    writer.flush().unwrap();
    notes.write_all(&(at as u64).to_le_bytes()).unwrap();
    thread::sleep(PATIENCE);
}

fn start(folder: &Path, seed: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::child"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn recovered(input: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    for found in Recovery::new(input) {
        match found.unwrap() {
            Found::Block { raw: block, .. } => raw.extend(block),
            Found::Lost { place } => assert_eq!(place.end, input.len() as u64, "only the tail is torn"),
        }
    }
    raw
}

/// What a child writes.
struct Files {
    stream: PathBuf,
    notes: PathBuf,
}

impl Files {
    fn new(folder: &Path) -> Self {
        Self { stream: folder.join("stream"), notes: folder.join("notes") }
    }

    fn notes(&self) -> usize {
        fs::metadata(&self.notes).map_or(0, |notes| notes.len() as usize / 8)
    }

    fn wait_for_notes(&self, child: &mut Child, count: usize) {
        let begun = Instant::now();
        while self.notes() < count {
            assert!(begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "the child writes nothing");
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Raw bytes that the last flush made safe.
    fn safe(&self) -> usize {
        let notes = fs::read(&self.notes).unwrap_or_default();
        notes.as_chunks().0.last().map_or(0, |&last| u64::from_le_bytes(last) as usize)
    }

    /// The stream as far as it came; nothing when the child was killed before it began.
    fn coded(&self) -> Vec<u8> {
        fs::read(&self.stream).unwrap_or_default()
    }
}
