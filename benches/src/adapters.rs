//! What the adapters cost over bare blocks, and what a second thread gains: pairs of ways to do the
//! same work.

use std::{
    cell::RefCell,
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
    let mut pairs = Vec::from(read(raw, rounds)?);
    pairs.extend(write(raw, rounds));
    pairs.extend([read_bytes(raw, rounds)?, write_bytes(raw, rounds)?, small_blocks(raw, rounds)]);
    Ok(pairs)
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

/// Ways to read a coded file, beside reading its blocks to a kept buffer and decoding them one by
/// one. The second row shows what that costs over blocks that are in memory: the copy out of the
/// page cache. The last rows stand beside that with the copies that small calls make needful, or
/// with room as large as the caller's, which is in no cache.
fn read(raw: &[u8], rounds: usize) -> io::Result<[Pair; 9]> {
    let (mut stream, mut bare) = (tempfile::tempfile()?, tempfile::tempfile()?);
    stream.write_all(&compress(raw, &EncodeOptions::new().level(0))?)?;
    let blocks: Vec<Vec<u8>> = raw.chunks(BLOCK).map(bare_block).collect();
    blocks.iter().try_for_each(|block| bare.write_all(block))?;
    let reader = || {
        (&stream).rewind().expect("a file seeks");
        RansReader::new(&stream)
    };
    let (mut back, mut other, mut kept) = (vec![0; BLOCK], vec![0; BLOCK], vec![0; 2 * BLOCK]);
    let (mut part, mut copied) = (vec![0; PART], vec![0; PART]);
    // One for all: some memory is slower than other memory.
    let whole = RefCell::new(vec![0; raw.len()]);
    let (mut kept_for_copies, mut kept_for_places, mut back_for_copies) =
        (vec![0; 2 * BLOCK], vec![0; 2 * BLOCK], vec![0; BLOCK]);
    let times = in_turn(
        rounds,
        raw.len(),
        Clock::Thread,
        [
            &mut || {
                for block in &blocks {
                    block::decode(block, &mut back).expect("a good block");
                }
            },
            &mut || {
                (&bare).rewind().expect("a file seeks");
                for block in &blocks {
                    let coded = &mut kept[..block.len()];
                    (&bare).read_exact(coded).expect("a whole file");
                    block::decode(coded, &mut other).expect("a good block");
                }
            },
            &mut || {
                let mut reader = reader();
                while reader.read(&mut part).expect("a good stream") > 0 {}
            },
            &mut || {
                (&bare).rewind().expect("a file seeks");
                for block in &blocks {
                    let coded = &mut kept_for_copies[..block.len()];
                    (&bare).read_exact(coded).expect("a whole file");
                    let len = block::decode(coded, &mut back_for_copies).expect("a good block");
                    for raw in back_for_copies[..len].chunks(PART) {
                        copied[..raw.len()].copy_from_slice(raw);
                        black_box(&copied);
                    }
                }
            },
            &mut || {
                reader().read_exact(&mut whole.borrow_mut()).expect("a good stream");
            },
            &mut || {
                (&bare).rewind().expect("a file seeks");
                for (block, place) in blocks.iter().zip(whole.borrow_mut().chunks_mut(BLOCK)) {
                    let coded = &mut kept_for_places[..block.len()];
                    (&bare).read_exact(coded).expect("a whole file");
                    block::decode(coded, place).expect("a good block");
                }
            },
            &mut || {
                let mut whole = whole.borrow_mut();
                whole.clear();
                reader().read_to_end(&mut whole).expect("a good stream");
            },
            &mut || {
                io::copy(&mut reader(), &mut io::sink()).expect("a good stream");
            },
        ],
    );
    Ok(read_pairs(times))
}

/// The ways of [`read`], side by side.
fn read_pairs([memory, file, calls, file_copied, exact, file_placed, end, copy]: [f64; 8]) -> [Pair; 9] {
    [
        Pair {
            what: "`RansReader` over a file in the page cache, 64 KiB a read / `block::decode` from memory",
            ours: calls,
            against: memory,
        },
        Pair {
            what: "`File` read to a kept buffer and `block::decode` / `block::decode` from memory",
            ours: file,
            against: memory,
        },
        Pair {
            what: "`RansReader`, 64 KiB a read / `File` read to a kept buffer and `block::decode`",
            ours: calls,
            against: file,
        },
        Pair {
            what: "`RansReader::read_exact` to a slice of all bytes / `File` read to a kept buffer and `block::decode`",
            ours: exact,
            against: file,
        },
        Pair {
            what: "`RansReader::read_to_end` to a kept vector / `File` read to a kept buffer and `block::decode`",
            ours: end,
            against: file,
        },
        Pair {
            what: "`io::copy` from `RansReader` to a sink / `File` read to a kept buffer and `block::decode`",
            ours: copy,
            against: file,
        },
        Pair {
            what: "`RansReader`, 64 KiB a read / `File` read, `block::decode` and as many copies",
            ours: calls,
            against: file_copied,
        },
        Pair {
            what: "`RansReader::read_exact` to a slice of all bytes / `File` read and `block::decode` to such a slice",
            ours: exact,
            against: file_placed,
        },
        Pair {
            what: "`RansReader::read_to_end` to a kept vector / `File` read and `block::decode` to such a slice",
            ours: end,
            against: file_placed,
        },
    ]
}

/// Ways to code to a vector, beside bare blocks, and beside those with the copies that small calls
/// make needful: to a block, and of the coded bytes to the vector.
fn write(raw: &[u8], rounds: usize) -> [Pair; 3] {
    let options = EncodeOptions::new().level(0);
    // One for all: some memory is slower than other memory.
    let out = RefCell::new(Vec::with_capacity(raw.len() * 9 / 8));
    let (mut block, mut coded) = (vec![0; BLOCK], Vec::new());
    let write = |part: usize| {
        let mut out = out.borrow_mut();
        out.clear();
        let mut writer = RansWriter::with_options(&mut *out, options.clone());
        raw.chunks(part).try_for_each(|part| writer.write_all(part)).expect("a vector takes everything");
        writer.try_finish().expect("a vector takes everything");
    };
    let [beside, beside_copies, small, large] = in_turn(
        rounds,
        raw.len(),
        Clock::Thread,
        [
            &mut || {
                let mut out = out.borrow_mut();
                out.clear();
                for raw in raw.chunks(BLOCK) {
                    block::encode(raw, &options, &mut out).expect("valid options");
                }
            },
            &mut || {
                let mut out = out.borrow_mut();
                out.clear();
                for raw in raw.chunks(BLOCK) {
                    for (to, part) in block.chunks_mut(PART).zip(raw.chunks(PART)) {
                        to[..part.len()].copy_from_slice(part);
                    }
                    coded.clear();
                    block::encode(&block[..raw.len()], &options, &mut coded).expect("valid options");
                    out.extend_from_slice(&coded);
                }
            },
            &mut || write(PART),
            &mut || write(4 * BLOCK),
        ],
    );
    [
        Pair {
            what: "`RansWriter` into a vector, 64 KiB a write / `block::encode` into a vector",
            ours: small,
            against: beside,
        },
        Pair {
            what: "`RansWriter` into a vector, 64 KiB a write / as many copies and `block::encode`",
            ours: small,
            against: beside_copies,
        },
        Pair {
            what: "`RansWriter` into a vector, 1 MiB a write / `block::encode` into a vector",
            ours: large,
            against: beside,
        },
    ]
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
    in_turn(rounds, len, clock, [&mut ours, &mut against]).into()
}

/// The median of each in nanoseconds per byte, after one round that is not counted. Every other
/// round goes from the last to the first: who comes next finds memory in the caches.
fn in_turn<const N: usize>(rounds: usize, len: usize, clock: Clock, mut ways: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [(); N].map(|()| Vec::new());
    for round in 0..=rounds {
        for turn in 0..N {
            let index = if round % 2 == 0 { turn } else { N - 1 - turn };
            let time = clock.time(&mut ways[index]);
            if round > 0 {
                times[index].push(time);
            }
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e9 / len as f64
    })
}
