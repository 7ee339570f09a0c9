//! What the adapters cost over bare blocks, and what a second thread gains: pairs of ways to do the
//! same work.

use std::{
    fmt,
    fs::File,
    hint::black_box,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    thread,
};

use ranstream::{
    DecodeOptions, EncodeOptions, Mode, RansReader, RansWriter, block, compress, compress_into, decompress_into,
};

use crate::{
    measure::Clock,
    peers::{Codec, Huff0},
};

/// Two ways to do one thing, and how fast the first is beside the second.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What both do, and how.
    pub what: &'static str,
    /// Nanoseconds per raw byte of our way.
    pub ours: f64,
    /// Nanoseconds per raw byte of what it is held against.
    pub against: f64,
}

impl Pair {
    /// Speed of ours over that of the other.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.against / self.ours
    }
}

impl fmt::Display for Pair {
    /// The ratio, and in brackets the nanoseconds per raw byte of both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}, {:.2})", self.ratio(), self.ours, self.against)
    }
}

/// Raw bytes of a default block.
const BLOCK: usize = 256 << 10;

/// Raw bytes that one call reads or writes.
const PART: usize = 64 << 10;

/// Raw bytes of the small blocks that are held against Huff0 with blocks as small.
const SMALL: usize = 16 << 10;

/// Measures every pair over `raw`, in turns, `rounds` times.
///
/// # Errors
///
/// Those of the files that it writes to the folder for temporary files.
///
/// # Panics
///
/// When a codec refuses its own output.
pub fn pairs(raw: &[u8], rounds: usize) -> io::Result<Vec<Pair>> {
    Ok(vec![
        read(raw, rounds)?,
        write(raw, rounds),
        read_bytes(raw, rounds)?,
        write_bytes(raw, rounds)?,
        small_blocks(raw, rounds),
    ])
}

/// Measures two threads beside one at a level over `raw`, in turns, `rounds` times. Wall time: the
/// process must have two cores.
///
/// # Panics
///
/// When a codec refuses its own output.
#[must_use]
pub fn threads(raw: &[u8], level: u8, rounds: usize) -> Vec<Pair> {
    let options = EncodeOptions::new().level(level);
    [threads_encode(raw, &options, rounds), threads_decode(raw, &options, rounds)].concat()
}

/// A Markdown table: a row for each pair, a column for each sample.
#[must_use]
pub fn table(beside: &[(String, Vec<Pair>)]) -> String {
    let Some((_, first)) = beside.first() else { return String::new() };
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let with = |what: &str, rest: Vec<String>| row([vec![what.to_owned()], rest].concat());
    let mut table = with("first / second", beside.iter().map(|(sample, _)| sample.clone()).collect());
    table += &format!("|---|{}\n", "---:|".repeat(beside.len()));
    for (index, pair) in first.iter().enumerate() {
        table += &with(pair.what, beside.iter().map(|(_, pairs)| pairs[index].to_string()).collect());
    }
    table
}

fn read(raw: &[u8], rounds: usize) -> io::Result<Pair> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&compress(raw, &EncodeOptions::new().level(0))?)?;
    let blocks: Vec<Vec<u8>> = raw.chunks(BLOCK).map(bare_block).collect();
    let (mut back, mut part) = (vec![0; BLOCK], vec![0; PART]);
    let (ours, against) = in_turns(
        rounds,
        raw.len(),
        Clock::Thread,
        || {
            file.rewind().expect("a file seeks");
            let mut reader = RansReader::new(&file);
            while reader.read(&mut part).expect("a good stream") > 0 {}
        },
        || {
            for block in &blocks {
                block::decode(block, &mut back).expect("a good block");
            }
        },
    );
    Ok(Pair {
        what: "`RansReader` over a file in the page cache, 64 KiB a read / `block::decode` from memory",
        ours,
        against,
    })
}

fn write(raw: &[u8], rounds: usize) -> Pair {
    let (mut out, mut bare) = (Vec::with_capacity(raw.len() * 9 / 8), Vec::with_capacity(raw.len() * 9 / 8));
    let (ours, against) = in_turns(
        rounds,
        raw.len(),
        Clock::Thread,
        || {
            out.clear();
            let mut writer = RansWriter::with_options(&mut out, EncodeOptions::new().level(0));
            raw.chunks(PART).try_for_each(|part| writer.write_all(part)).expect("a vector takes everything");
            writer.try_finish().expect("a vector takes everything");
        },
        || {
            bare.clear();
            for raw in raw.chunks(BLOCK) {
                block::encode(raw, &EncodeOptions::new().level(0), &mut bare).expect("valid options");
            }
        },
    );
    Pair { what: "`RansWriter` into a vector, 64 KiB a write / `block::encode` into a vector", ours, against }
}

fn read_bytes(raw: &[u8], rounds: usize) -> io::Result<Pair> {
    let (mut coded, mut plain) = (tempfile::tempfile()?, tempfile::tempfile()?);
    coded.write_all(&compress(raw, &EncodeOptions::new().level(0))?)?;
    plain.write_all(raw)?;
    let (ours, against) = in_turns(
        rounds,
        raw.len(),
        Clock::Thread,
        || {
            coded.rewind().expect("a file seeks");
            one_by_one(RansReader::new(&coded));
        },
        || {
            plain.rewind().expect("a file seeks");
            one_by_one(BufReader::new(&plain));
        },
    );
    Ok(Pair {
        what: "one byte a read: `RansReader` over the coded file / `BufReader` over the plain file",
        ours,
        against,
    })
}

fn write_bytes(raw: &[u8], rounds: usize) -> io::Result<Pair> {
    let (coded, plain) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let restart = |mut file: &File| file.rewind().expect("a file seeks");
    let (ours, against) = in_turns(
        rounds,
        raw.len(),
        Clock::Thread,
        || {
            restart(&coded);
            let mut writer = RansWriter::with_options(&coded, EncodeOptions::new().level(0));
            raw.iter().try_for_each(|byte| writer.write_all(&[*byte])).expect("room on the disk");
            writer.try_finish().expect("room on the disk");
        },
        || {
            restart(&plain);
            let mut writer = BufWriter::new(&plain);
            raw.iter().try_for_each(|byte| writer.write_all(&[*byte])).expect("room on the disk");
            writer.flush().expect("room on the disk");
        },
    );
    Ok(Pair { what: "one byte a write: `RansWriter` into a file / `BufWriter` into a file", ours, against })
}

fn small_blocks(raw: &[u8], rounds: usize) -> Pair {
    let options = EncodeOptions::new().level(0).mode(Mode::Lanes).block_len(SMALL);
    let ours_coded = compress(raw, &options).expect("valid options");
    let mut huff0 = Huff0::with_block_len(SMALL);
    let mut their_coded = Vec::new();
    huff0.encode(raw, &mut their_coded);
    let (mut ours_back, mut their_back) = (vec![0; raw.len()], vec![0; raw.len()]);
    let (ours, against) = in_turns(
        rounds,
        raw.len(),
        Clock::Thread,
        || {
            decompress_into(&ours_coded, &mut ours_back, &DecodeOptions::new()).expect("a good stream");
        },
        || huff0.decode(&their_coded, &mut their_back),
    );
    Pair { what: "decode, blocks of 16 KiB: `decompress_into` / huff0", ours, against }
}

fn threads_encode(raw: &[u8], options: &EncodeOptions, rounds: usize) -> [Pair; 2] {
    let (left, right) = raw.split_at(halfway(raw, options));
    let room = || Vec::with_capacity(raw.len() * 9 / 8);
    let (mut two, mut one, mut halves) = (room(), room(), [room(), room()]);
    let run = |raw: &[u8], threads, out: &mut Vec<u8>| {
        out.clear();
        compress_into(raw, out, &options.clone().threads(threads)).expect("valid options");
    };
    let (ours, against) = in_turns(rounds, raw.len(), Clock::Wall, || run(raw, 2, &mut two), || run(raw, 1, &mut one));
    let (apart, again) = in_turns(
        rounds,
        raw.len(),
        Clock::Wall,
        || {
            let [out, other] = &mut halves;
            side_by_side(|| run(left, 1, out), || run(right, 1, other));
        },
        || run(raw, 1, &mut one),
    );
    [
        Pair { what: "encode: two threads / one", ours, against },
        Pair {
            what: "encode: two streams of half the length side by side / one: what these cores have to give",
            ours: apart,
            against: again,
        },
    ]
}

fn threads_decode(raw: &[u8], options: &EncodeOptions, rounds: usize) -> [Pair; 2] {
    let (left, right) = raw.split_at(halfway(raw, options));
    let [coded, left_coded, right_coded] = [raw, left, right].map(|raw| compress(raw, options).expect("valid options"));
    let (mut back, mut other) = (vec![0; raw.len()], vec![0; raw.len()]);
    let run = |coded: &[u8], threads, back: &mut [u8]| {
        decompress_into(coded, back, &DecodeOptions::new().threads(threads)).expect("a good stream");
    };
    let (ours, against) =
        in_turns(rounds, raw.len(), Clock::Wall, || run(&coded, 2, &mut back), || run(&coded, 1, &mut other));
    let (left_back, right_back) = back.split_at_mut(left.len());
    let (apart, again) = in_turns(
        rounds,
        raw.len(),
        Clock::Wall,
        || side_by_side(|| run(&left_coded, 1, left_back), || run(&right_coded, 1, right_back)),
        || run(&coded, 1, &mut other),
    );
    [
        Pair { what: "decode: two threads / one", ours, against },
        Pair {
            what: "decode: two streams of half the length side by side / one: what these cores have to give",
            ours: apart,
            against: again,
        },
    ]
}

/// The middle, at the edge of a block where there are two: each half then has as many blocks.
fn halfway(raw: &[u8], options: &EncodeOptions) -> usize {
    let block_len = options.block_len.min(raw.len());
    (raw.len() / 2).next_multiple_of(block_len.max(1)).min(raw.len())
}

fn side_by_side(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    thread::scope(|scope| {
        scope.spawn(left);
        right();
    });
}

fn bare_block(raw: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    block::encode(raw, &EncodeOptions::new().level(0), &mut coded).expect("valid options");
    coded
}

fn one_by_one(mut reader: impl Read) {
    let mut byte = [0];
    while reader.read(&mut byte).expect("a good file") > 0 {
        black_box(byte);
    }
}

/// The medians of both in nanoseconds per byte, after one round that is not counted.
fn in_turns(rounds: usize, len: usize, clock: Clock, mut ours: impl FnMut(), mut against: impl FnMut()) -> (f64, f64) {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        let now = [clock.time(&mut ours), clock.time(&mut against)];
        if round > 0 {
            for (times, now) in times.iter_mut().zip(now) {
                times.push(now);
            }
        }
    }
    let [ours, against] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e9 / len as f64
    });
    (ours, against)
}
