//! Small messages with a model that both sides share, and what that gains: `cargo run --release
//! --example message_codec --features codec -- [LEVEL]`.

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt as _};
use ranstream::{
    EncodeOptions,
    codec::MessageCodec,
    message::{self, Model},
};
use tokio_util::codec::Framed;

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = EncodeOptions::new();
    if let Some(level) = env::args().nth(1) {
        options = options.level(level.parse()?);
    }
    println!("| message | without a model | with one | encode | decode |");
    println!("|---:|---:|---:|---:|---:|");
    for len in [100, 250, 500, 1000, 2000, 4000] {
        let lines: Vec<Vec<u8>> = (0..2500).map(|number| json_line(number, len)).collect();
        let (samples, lines) = lines.split_at(500);
        let model = Model::train(1, samples)?;
        // What both sides have to be given ahead of time.
        let model = Model::load(&model.save())?;
        row(lines, &model, &options)?;
    }
    tokio::runtime::Builder::new_current_thread().build()?.block_on(connection())
}

/// One line of the table in the documentation of `ranstream::message`.
fn row(lines: &[Vec<u8>], model: &Model, options: &EncodeOptions) -> Result<(), Box<dyn Error>> {
    let (mut alone, mut frames) = (0, Vec::new());
    for line in lines {
        alone += message::encode(line, None, options, &mut Vec::new())?;
    }
    let mut encode = Vec::new();
    for line in lines {
        let mut frame = Vec::with_capacity(line.len());
        let start = Instant::now();
        message::encode(line, Some(model), options, &mut frame)?;
        encode.push(start.elapsed());
        frames.push(frame);
    }
    let models = [model.clone()];
    let (mut back, mut decode) = (vec![0; 8000], Vec::new());
    for frame in &frames {
        let start = Instant::now();
        message::decode(frame, &models, &mut back)?;
        decode.push(start.elapsed());
    }
    for (frame, line) in frames.iter().zip(lines) {
        let len = message::decode(frame, &models, &mut back)?;
        assert_eq!(back[..len], line[..], "a message came back changed");
    }
    let raw: usize = lines.iter().map(Vec::len).sum();
    let with: usize = frames.iter().map(Vec::len).sum();
    let share = |bytes: usize| format!("{} ({:.0} %)", bytes / lines.len(), 100.0 * bytes as f64 / raw as f64);
    let (encode, decode) = (median(encode), median(decode));
    println!("| {} | {} | {} | {encode:.1} µs | {decode:.1} µs |", raw / lines.len(), share(alone), share(with));
    Ok(())
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// The same through a connection: one item sent is one item received.
async fn connection() -> Result<(), Box<dyn Error>> {
    let model = Model::train(1, (0..500).map(|number| json_line(number, 100)))?;
    let codec = MessageCodec::new().send_with(model.clone()).know(model);
    let (here, there) = tokio::io::duplex(4096);
    let lines: Vec<Bytes> = (500..600).map(|number| json_line(number, 100).into()).collect();
    let mut sender = Framed::new(here, codec.clone());
    let send = async {
        for line in &lines {
            sender.feed(line.clone()).await?;
        }
        SinkExt::<Bytes>::close(&mut sender).await
    };
    let (sent, received) = tokio::join!(send, Framed::new(there, codec).try_collect::<Vec<_>>());
    sent?;
    assert_eq!(received?, lines);
    Ok(())
}

/// An event as services log it, about `len` bytes long.
fn json_line(number: u64, len: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "checkout", "session", "timeout", "payment", "retry", "queue", "worker", "cache", "reply", "update", "order",
        "region",
    ];
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut line = format!(
        r#"{{"ts":{},"id":"{:016x}","level":"{}""#,
        1_700_000_000 + number,
        random(u64::MAX),
        ["info", "warn", "error"][random(3) as usize]
    );
    while line.len() + 26 < len {
        let (key, value) = (WORDS[random(12) as usize], WORDS[random(12) as usize]);
        let field = match random(3) {
            0 => format!(r#","{key}":{}"#, random(100_000)),
            1 => format!(r#","{key}":"{value}""#),
            _ => format!(r#","{key}_{value}":{}"#, random(2) == 0),
        };
        line.push_str(&field);
    }
    line.push('}');
    line.into_bytes()
}
