//! The library's table of docs/comparison.md, row by row: `cargo run --release`, 20 seconds.

mod peers;

use std::{collections::BTreeMap, fmt::Display, io::ErrorKind, panic};

use peers::{Outcome, Peer};

/// Cuts of a stream all over it, besides one before each of its last bytes: where something stands
/// there by itself, one of those is a cut between two parts.
const CUTS: usize = 200;
const LAST: usize = 100;

/// Places with flipped bits.
const PLACES: usize = 300;

/// The bits that are flipped at each place, one at a time.
const BITS: [u8; 2] = [0, 5];

fn main() {
    let raw = text(1_100_000);
    // The panics of others are counted, not shown.
    panic::set_hook(Box::new(|_| {}));
    let peers = peers::all();
    row("", &peers, |peer| peer.name.into());
    row("coded bytes", &peers, |peer| (peer.encode)(&raw).len().to_string());
    row("cut anywhere", &peers, |peer| {
        let stream = (peer.encode)(&raw);
        let all_over = (1..CUTS).map(|cut| stream.len() * cut / CUTS);
        let cuts = all_over.chain(stream.len() - LAST..stream.len());
        listed(cuts.map(|cut| ended(peer.decode(&stream[..cut]).1)))
    });
    row("empty input", &peers, |peer| ended(peer.decode(b"").1));
    let flipped: Vec<Flips> = peers.iter().map(|peer| Flips::count(peer, &raw)).collect();
    let of_flips = |name: &str, count: &dyn Fn(&Flips) -> usize| {
        print_row(name, flipped.iter().map(|flips| format!("{} of {}", count(flips), flips.all)));
    };
    of_flips("flips that give wrong bytes and no error", &|flips| flips.unseen);
    of_flips("panics on them", &|flips| flips.panics);
    of_flips("flips whose wrong bytes are given out before the error", &|flips| flips.given);
    row("garbage behind the stream", &peers, |peer| behind(peer, &raw, b"some garbage behind it"));
    row("zeros behind it", &peers, |peer| behind(peer, &raw, &[0; 1024]));
    row("two streams in a row", &peers, |peer| {
        let stream = (peer.encode)(&raw);
        let (read, error) = peer.decode(&[&stream[..], &stream].concat());
        format!("{} streams, {}", read.len() as f64 / raw.len() as f64, ended(error))
    });
    row("writer flushed: what a peer can read", &peers, |peer| share(&peer.decode(&(peer.flush)(&raw)).0, &raw));
    row("writer dropped without finish", &peers, |peer| {
        let (read, error) = peer.decode(&(peer.drop)(&raw));
        format!("{}, {}", share(&read, &raw), ended(error))
    });
}

/// Words of FORMAT.md, in an order that does not repeat: so many bytes.
fn text(len: usize) -> Vec<u8> {
    let words: Vec<&str> = include_str!("../../../FORMAT.md").split_ascii_whitespace().collect();
    let (mut text, mut state) = (String::new(), 1_u64);
    while text.len() < len {
        // A linear congruential generator, after Knuth. What comes often in the page does so here.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text += words[(state >> 33) as usize % words.len()];
        text.push(' ');
    }
    text.into_bytes()[..len].to_vec()
}

fn row(name: &str, peers: &[Peer], cell: impl Fn(&Peer) -> String) {
    print_row(name, peers.iter().map(cell));
}

fn print_row(name: impl Display, cells: impl Iterator<Item = String>) {
    println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

fn ended(error: Option<ErrorKind>) -> String {
    error.map_or("no error".into(), |kind| format!("`{kind:?}`"))
}

/// Each thing, and how often it is there.
fn listed(things: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::new();
    things.for_each(|thing| *counts.entry(thing).or_insert(0) += 1);
    counts.iter().map(|(thing, count)| format!("{thing} ({count})")).collect::<Vec<_>>().join(", ")
}

/// How much of the raw bytes was read.
fn share(read: &[u8], raw: &[u8]) -> String {
    let right = read.iter().zip(raw).take_while(|(read, raw)| read == raw).count();
    let wrong = read.len() - right;
    let behind = if wrong == 0 { String::new() } else { format!(" and {wrong} wrong bytes") };
    format!("{} %{behind}", 100 * right / raw.len())
}

/// What a reader makes of bytes behind a stream.
fn behind(peer: &Peer, raw: &[u8], tail: &[u8]) -> String {
    let (read, error) = peer.decode(&[&(peer.encode)(raw)[..], tail].concat());
    let all = if read == raw { "behind all bytes" } else { "some bytes are missing" };
    format!("{}, {all}", ended(error))
}

/// What single flipped bits do.
#[derive(Default)]
struct Flips {
    all: usize,
    unseen: usize,
    panics: usize,
    /// An error came, and wrong bytes before it.
    given: usize,
}

impl Flips {
    fn count(peer: &Peer, raw: &[u8]) -> Self {
        let stream = (peer.encode)(raw);
        let mut flips = Self::default();
        for at in (0..stream.len()).step_by(stream.len() / PLACES) {
            for bit in BITS {
                let mut damaged = stream.clone();
                damaged[at] ^= 1 << bit;
                flips.add(panic::catch_unwind(|| peer.decode(&damaged)).ok(), raw);
            }
        }
        flips
    }

    fn add(&mut self, outcome: Option<Outcome>, raw: &[u8]) {
        self.all += 1;
        match outcome {
            None => self.panics += 1,
            Some((read, None)) => self.unseen += usize::from(read != raw),
            Some((read, Some(_))) => self.given += usize::from(!raw.starts_with(&read)),
        }
    }
}
