//! Times that can be compared, also on a machine that others use.
//!
//! The sample is coded in pieces which all codecs take in turns, so that a slow moment falls on all
//! alike. The time is that of the thread, which does not run while others do; where codecs have
//! threads, it is the time on the wall. Each piece counts with the median of its rounds. Buffers
//! were touched before, so no page fault is timed, and each codec finds its output in the caches as
//! far as it fits. A piece that is too short to be timed is coded several times in a row; one that
//! takes a codec long is coded once.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use crate::peers::Codec;

/// One codec on one sample.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The codec.
    pub name: String,
    /// Coded bytes per raw byte.
    pub ratio: f64,
    /// Raw bytes per second.
    pub encode: f64,
    /// Raw bytes per second.
    pub decode: f64,
}

/// Which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// What the calling thread was given.
    Thread,
    /// What passed. The machine must be idle.
    Wall,
}

impl Clock {
    /// How long `work` takes.
    pub fn time(self, work: &mut dyn FnMut()) -> Duration {
        match self {
            Self::Thread => {
                let start = ThreadTime::now();
                work();
                start.elapsed()
            }
            Self::Wall => {
                let start = Instant::now();
                work();
                start.elapsed()
            }
        }
    }
}

/// Bytes that a codec gets at a time: long enough for whole blocks of every order-0 codec, short
/// enough for fair turns.
const PIECE: usize = 1 << 20;

/// Bytes that a codec goes through, at the least, between two looks at the clock.
const TIMED: usize = 1 << 20;

/// Seconds a raw byte from which a piece is coded in the first round alone: 10 MB/s. It takes so
/// long that memory which is touched for the first time does not show.
const SLOW: f64 = 1e-7;

/// One codec's times, by piece and round.
#[derive(Debug, Clone, Default)]
struct Times {
    encode: Vec<Vec<f64>>,
    decode: Vec<Vec<f64>>,
    is_slow: Vec<bool>,
    coded_len: usize,
}

/// Runs every codec over `raw` in pieces of 1 MiB, `rounds` times.
///
/// # Panics
///
/// When a codec does not restore a piece.
#[must_use]
pub fn in_turns(codecs: &mut [Box<dyn Codec>], raw: &[u8], rounds: usize) -> Vec<Figures> {
    in_pieces(codecs, raw, PIECE, rounds, Clock::Thread)
}

/// Runs every codec over `raw` in pieces of `piece_len` bytes, `rounds` times. A codec that looks
/// for matches sees no further than its piece.
///
/// # Panics
///
/// When a codec does not restore a piece, and when `piece_len` or `rounds` is 0.
#[must_use]
pub fn in_pieces(
    codecs: &mut [Box<dyn Codec>],
    raw: &[u8],
    piece_len: usize,
    rounds: usize,
    clock: Clock,
) -> Vec<Figures> {
    let pieces: Vec<&[u8]> = raw.chunks(piece_len).collect();
    let mut back = vec![0; piece_len.min(raw.len())];
    let mut coded = Vec::new();
    let mut all = vec![Times::default(); codecs.len()];
    for times in &mut all {
        (times.encode, times.decode) = (vec![Vec::new(); pieces.len()], vec![Vec::new(); pieces.len()]);
        times.is_slow = vec![false; pieces.len()];
    }
    for round in 0..=rounds {
        for (index, piece) in pieces.iter().enumerate() {
            for (codec, times) in codecs.iter_mut().zip(&mut all) {
                if times.is_slow[index] {
                    continue;
                }
                let back = &mut back[..piece.len()];
                let (encode, decode) = run(&mut **codec, piece, &mut coded, back, clock);
                if round == 0 {
                    assert!(back == *piece, "{} does not restore its input", codec.name());
                    times.coded_len += coded.len();
                    times.is_slow[index] = encode > SLOW * piece.len() as f64;
                }
                if times.is_slow[index] {
                    times.encode[index].push(encode);
                    times.decode[index].extend((0..rounds).map(|_| decode_piece(&mut **codec, &coded, back, clock)));
                } else if round > 0 {
                    times.encode[index].push(encode);
                    times.decode[index].push(decode);
                }
            }
        }
    }
    let speed = |times: &mut [Vec<f64>]| raw.len() as f64 / times.iter_mut().map(|piece| median(piece)).sum::<f64>();
    codecs
        .iter()
        .zip(&mut all)
        .map(|(codec, times)| Figures {
            name: codec.name().to_owned(),
            ratio: times.coded_len as f64 / raw.len() as f64,
            encode: speed(&mut times.encode),
            decode: speed(&mut times.decode),
        })
        .collect()
}

/// Seconds to code and to decode one piece.
fn run(codec: &mut dyn Codec, raw: &[u8], coded: &mut Vec<u8>, back: &mut [u8], clock: Clock) -> (f64, f64) {
    let encode = timed(clock, repeats(raw), || codec.encode(raw, coded));
    (encode, decode_piece(codec, coded, back, clock))
}

/// Seconds to decode one piece.
fn decode_piece(codec: &mut dyn Codec, coded: &[u8], back: &mut [u8], clock: Clock) -> f64 {
    // The codec before may have left more or less of it in the caches, which for bytes that are
    // only copied is a third of the time.
    back.fill(0);
    timed(clock, repeats(back), || codec.decode(coded, back))
}

/// How many times in a row a piece is coded.
fn repeats(piece: &[u8]) -> usize {
    TIMED.div_ceil(piece.len())
}

/// Seconds for one of them.
fn timed(clock: Clock, repeats: usize, mut work: impl FnMut()) -> f64 {
    clock.time(&mut || (0..repeats).for_each(|_| work())).as_secs_f64() / repeats as f64
}

/// # Panics
///
/// Without a time.
#[must_use]
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Of ratios, each of which counts alike.
#[must_use]
pub fn geometric_mean(ratios: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = ratios.len() as f64;
    (ratios.map(f64::ln).sum::<f64>() / count).exp()
}
