//! What one small message costs the processor, by the way it takes: `cargo run --release --example
//! small_blocks [LENGTH...]`.
//!
//! A bare block is coded to a buffer and back. A flushed stream is what an adapter runs for each
//! message that is sent and answered at once: `Encoder` cuts a block behind every message and gives
//! its buffers back, `Decoder` does the same on the other side. No socket and no runtime is in
//! these times, and no allocation for the caller's own buffers.

use std::{
    env,
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use ranstream::{
    DecodeOptions, EncodeOptions, block,
    stream::{Decoder, Encoder, Op},
};

/// Messages per figure.
const MESSAGES: usize = 20_000;

/// Messages that are timed together: the clock itself takes its time.
const BATCH: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let text = include_bytes!("../FORMAT.md");
    println!("| message | block | encode | decode | encode, flushed stream | decode |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let mut lens = env::args().skip(1).map(|len| len.parse()).collect::<Result<Vec<usize>, _>>()?;
    if lens.is_empty() {
        lens = vec![100, 250, 512, 1024, 2048, 4096];
    }
    for len in lens {
        if !(1..=8000).contains(&len) {
            return Err(format!("{len} bytes: a small message has 1 to 8000").into());
        }
        // Places that do not repeat soon, and that every run takes alike.
        let messages: Vec<&[u8]> =
            (0..MESSAGES).map(|number| number * 7919 % (text.len() - len)).map(|at| &text[at..at + len]).collect();
        let coded = blocks(&messages)?;
        let streamed = flushed_stream(&messages)?;
        println!(
            "| {len} | {} | {:.2} µs | {:.2} µs | {:.2} µs | {:.2} µs |",
            coded.len, coded.encode, coded.decode, streamed.encode, streamed.decode
        );
    }
    Ok(())
}

/// Medians in microseconds a message.
struct Costs {
    /// The median coded length.
    len: usize,
    encode: f64,
    decode: f64,
}

fn blocks(messages: &[&[u8]]) -> Result<Costs, Box<dyn Error>> {
    let options = EncodeOptions::new();
    let mut coded = vec![Vec::new(); BATCH];
    let mut back = vec![0; 8192];
    let (mut encode, mut decode, mut lens) = (Vec::new(), Vec::new(), Vec::new());
    for batch in messages.chunks_exact(BATCH) {
        let start = Instant::now();
        for (message, block) in batch.iter().zip(&mut coded) {
            block.clear();
            block::encode(message, &options, block)?;
        }
        encode.push(start.elapsed());
        let start = Instant::now();
        for block in &coded {
            black_box(block::decode(block, &mut back)?);
        }
        decode.push(start.elapsed());
        lens.extend(coded.iter().map(Vec::len));
    }
    for (message, block) in messages.iter().rev().zip(coded.iter().rev()) {
        let len = block::decode(block, &mut back)?;
        assert_eq!(&back[..len], *message, "a message came back changed");
    }
    lens.sort_unstable();
    Ok(Costs { len: lens[lens.len() / 2], encode: each(encode), decode: each(decode) })
}

fn flushed_stream(messages: &[&[u8]]) -> Result<Costs, Box<dyn Error>> {
    let mut encoder = Encoder::new(EncodeOptions::new());
    let mut decoder = Decoder::new(DecodeOptions::new());
    let (mut wire, mut back) = (vec![0; 8192], vec![0; 8192]);
    let (mut encode, mut decode, mut lens) = (Vec::new(), Vec::new(), Vec::new());
    for batch in messages.chunks_exact(BATCH) {
        let (mut encoding, mut decoding) = (Duration::ZERO, Duration::ZERO);
        for message in batch {
            let start = Instant::now();
            let sent = encoder.step(message, &mut wire, Op::Flush)?.produced;
            encoder.release_buffers();
            encoding += start.elapsed();
            let start = Instant::now();
            let received = decoder.step(&wire[..sent], &mut back, Op::Flush)?.produced;
            decoder.release_buffers();
            decoding += start.elapsed();
            assert_eq!(back[..received], **message, "a message came back changed");
            lens.push(sent);
        }
        encode.push(encoding);
        decode.push(decoding);
    }
    lens.sort_unstable();
    Ok(Costs { len: lens[lens.len() / 2], encode: each(encode), decode: each(decode) })
}

/// The median batch's time for one message.
fn each(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6 / BATCH as f64
}
