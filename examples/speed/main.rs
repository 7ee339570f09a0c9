//! One table per input: size, encode and decode speed of every kernel and mode, against memcpy and Huff0 in the same run.
//!
//! `cargo run --release --example speed -- [--rounds N] [--best] [FILE...]`, best pinned to one core (`taskset -c 1`). Files are repeated up to 48 MiB. Two made inputs come first: gaussian
//! bytes of sigma 11, and 16 symbols.
//!
//! Inputs are coded in pieces of 2 MiB that contenders take in turns, so that a slow moment of the machine hits them alike. Each piece counts with the median of its rounds,
//! or with `--best` with the fastest, for a machine that others use too.

use std::time::Instant;

use ranstream::{DecodeOptions, EncodeOptions, Kernel, Mode, compress_into, decompress_into};

mod huff0;

const INPUT_LEN: usize = 48 << 20;
const PIECE_LEN: usize = 2 << 20;

fn main() {
    let (mut rounds, mut best, mut files) = (7, false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.next().and_then(|n| n.parse().ok()).expect("--rounds takes a number");
        } else if argument == "--best" {
            best = true;
        } else {
            files.push(argument);
        }
    }
    measure("gaussian, sigma 11", &gaussian(11.0, 256), rounds, best);
    measure("gaussian, 16 symbols", &gaussian(1.8, 16), rounds, best);
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(!bytes.is_empty(), "{file} is empty");
        let repeated: Vec<u8> = bytes.iter().copied().cycle().take(INPUT_LEN).collect();
        measure(&file, &repeated, rounds, best);
    }
}

/// Rounded gaussian numbers, wrapped to `symbols` values.
fn gaussian(sigma: f64, symbols: i64) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    (0..INPUT_LEN)
        .map(|_| {
            let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
            ((normal * sigma).round() as i64).rem_euclid(symbols) as u8
        })
        .collect()
}

/// One way to code an input.
struct Contender {
    name: String,
    coder: Coder,
    /// Per piece of the input, per round.
    encode_seconds: Vec<Vec<f64>>,
    decode_seconds: Vec<Vec<f64>>,
    coded_len: usize,
}

enum Coder {
    Memcpy(Vec<u8>),
    Huff0(huff0::Huff0),
    Ours { encode: EncodeOptions, decode: DecodeOptions, coded: Vec<u8> },
}

impl Contender {
    fn new(name: impl Into<String>, coder: Coder) -> Self {
        Self { name: name.into(), coder, encode_seconds: vec![], decode_seconds: vec![], coded_len: 0 }
    }

    fn ours(name: impl Into<String>, encode: EncodeOptions, decode: DecodeOptions) -> Self {
        Self::new(name, Coder::Ours { encode, decode, coded: Vec::new() })
    }

    /// Both ways.
    fn run(&mut self, piece: usize, raw: &[u8], back: &mut [u8]) {
        let start = Instant::now();
        let coded_len = self.encode(raw);
        self.encode_seconds[piece].push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        self.decode(back);
        self.decode_seconds[piece].push(start.elapsed().as_secs_f64());
        self.coded_len += coded_len;
        assert!(back == raw, "{} gave other bytes", self.name);
    }

    fn encode(&mut self, raw: &[u8]) -> usize {
        match &mut self.coder {
            Coder::Memcpy(copy) => {
                copy.clear();
                copy.extend_from_slice(raw);
                copy.len()
            }
            Coder::Huff0(huff0) => huff0.encode(raw),
            Coder::Ours { encode, coded, .. } => {
                coded.clear();
                compress_into(raw, coded, encode).expect("the options are valid")
            }
        }
    }

    fn decode(&mut self, raw: &mut [u8]) {
        match &mut self.coder {
            Coder::Memcpy(copy) => raw.copy_from_slice(copy),
            Coder::Huff0(huff0) => huff0.decode(raw),
            Coder::Ours { decode, coded, .. } => {
                decompress_into(coded, raw, decode).expect("it was coded just now");
            }
        }
    }
}

fn contenders() -> Vec<Contender> {
    let mut all = vec![
        Contender::new("memcpy", Coder::Memcpy(Vec::new())),
        Contender::new("Huff0, 128 KiB blocks", Coder::Huff0(huff0::Huff0::new())),
    ];
    for kernel in Kernel::all_available() {
        let encode = EncodeOptions::new().mode(Mode::Lanes).kernel(kernel);
        all.push(Contender::ours(format!("lanes, {kernel}"), encode, DecodeOptions::new().kernel(kernel)));
    }
    for (name, mode) in [("interleaved-4", Mode::Interleaved), ("single", Mode::SingleStream)] {
        all.push(Contender::ours(name, EncodeOptions::new().mode(mode), DecodeOptions::new()));
    }
    all
}

fn measure(name: &str, raw: &[u8], rounds: usize, best: bool) {
    let mut contenders = contenders();
    let mut back = vec![0; PIECE_LEN];
    for contender in &mut contenders {
        contender.encode_seconds = vec![vec![]; raw.len() / PIECE_LEN];
        contender.decode_seconds = vec![vec![]; raw.len() / PIECE_LEN];
        // Every buffer is touched before anything counts.
        contender.encode(&raw[..PIECE_LEN]);
    }
    for _ in 0..rounds {
        for contender in &mut contenders {
            contender.coded_len = 0;
        }
        for (index, piece) in raw.chunks_exact(PIECE_LEN).enumerate() {
            for contender in &mut contenders {
                contender.run(index, piece, &mut back);
            }
        }
    }
    let speed =
        |seconds: &[Vec<f64>]| raw.len() as f64 / seconds.iter().map(|piece| quantile(piece, best)).sum::<f64>() / 1e9;
    let peer = contenders.iter().position(|c| matches!(c.coder, Coder::Huff0(_))).expect("Huff0 is in the list");
    let rows: Vec<_> = contenders.iter().map(|c| (c, speed(&c.encode_seconds), speed(&c.decode_seconds))).collect();
    let (_, peer_encode, peer_decode) = rows[peer];
    let memcpy = rows[0].2;
    println!("\n{name}: {} MiB, {} of {rounds} rounds", raw.len() >> 20, if best { "best" } else { "medians" });
    println!("| coder | size % | encode GB/s | / Huff0 | decode GB/s | / Huff0 | / memcpy |");
    println!("|---|---|---|---|---|---|---|");
    for (contender, encode, decode) in rows {
        println!(
            "| {} | {:.2} | {encode:.3} | {:.2} | {decode:.3} | {:.2} | {:.3} |",
            contender.name,
            100.0 * contender.coded_len as f64 / raw.len() as f64,
            encode / peer_encode,
            decode / peer_decode,
            decode / memcpy,
        );
    }
}

/// The median, or the smallest.
fn quantile(values: &[f64], smallest: bool) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[if smallest { 0 } else { sorted.len() / 2 }]
}
