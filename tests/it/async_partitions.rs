//! Both flavours over links that are slow, cut, half-closed and reset: no byte wrong, no hang, the
//! right errors, and a new connection goes on.

use std::{
    io,
    sync::{Arc, Mutex},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{EncodeOptions, Error};

use crate::{
    async_network::{Fault, Network, ReadEnd, Task, WriteEnd, run},
    data,
};

const SEEDS: u64 = 40;

/// Where a task leaves what it received.
type Received = Arc<Mutex<Vec<u8>>>;

/// One flavour's tasks.
struct Tasks {
    name: &'static str,
    /// Plain bytes, in pieces by chance, then the end.
    send: fn(WriteEnd, Vec<u8>, u64) -> Task,
    /// Plain bytes until the end.
    receive: fn(ReadEnd, Received) -> Task,
    /// The two halves of a proxy.
    encode: fn(ReadEnd, WriteEnd) -> Task,
    decode: fn(ReadEnd, WriteEnd) -> Task,
    /// Asks and waits for each answer before it asks again.
    client: fn(WriteEnd, ReadEnd, u64) -> Task,
    /// Answers each request with its bytes reversed.
    server: fn(ReadEnd, WriteEnd) -> Task,
}

const REQUESTS: usize = 12;

fn requests(seed: u64) -> Vec<Vec<u8>> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..REQUESTS).map(|_| data::text(random.random_range(1..20_000))).collect()
}

macro_rules! tasks {
    ($module:ident, $close:ident, $copy_buf:path, $read_ext:path, $write_ext:path) => {{
        use ranstream::$module::{RansEncoder, RansReader, RansWriter};
        use $read_ext as _;
        use $write_ext as _;
        Tasks {
            name: stringify!($module),
            send: |mut to, raw, seed| {
                Box::pin(async move {
                    let mut random = StdRng::seed_from_u64(seed);
                    let mut rest = &raw[..];
                    while !rest.is_empty() {
                        let (piece, later) = rest.split_at(random.random_range(1..=rest.len().min(5000)));
                        to.write_all(piece).await?;
                        rest = later;
                    }
                    to.$close().await
                })
            },
            receive: |mut from, received| {
                Box::pin(async move {
                    let mut buffer = [0; 777];
                    loop {
                        match from.read(&mut buffer).await? {
                            0 => return Ok(()),
                            read => received.lock().unwrap().extend(&buffer[..read]),
                        }
                    }
                })
            },
            encode: |from, mut to| {
                Box::pin(async move {
                    let mut encoder = RansEncoder::with_options(from, EncodeOptions::new().block_len(8 << 10));
                    $copy_buf(&mut encoder, &mut to).await?;
                    to.$close().await
                })
            },
            decode: |from, mut to| {
                Box::pin(async move {
                    $copy_buf(&mut RansReader::new(from), &mut to).await?;
                    to.$close().await
                })
            },
            client: |to, from, seed| {
                Box::pin(async move {
                    let (mut writer, mut reader) = (RansWriter::new(to), RansReader::new(from));
                    for request in requests(seed) {
                        writer.write_all(&(request.len() as u32).to_le_bytes()).await?;
                        writer.write_all(&request).await?;
                        writer.flush().await?;
                        let mut answer = vec![0; request.len()];
                        reader.read_exact(&mut answer).await?;
                        answer.reverse();
                        assert!(answer == request, "a wrong answer");
                    }
                    writer.$close().await?;
                    assert_eq!(reader.read(&mut [0; 1]).await?, 0);
                    Ok(())
                })
            },
            server: |from, to| {
                Box::pin(async move {
                    let (mut reader, mut writer) = (RansReader::new(from), RansWriter::new(to));
                    for _ in 0..REQUESTS {
                        let mut len = [0; 4];
                        reader.read_exact(&mut len).await?;
                        let mut request = vec![0; u32::from_le_bytes(len) as usize];
                        reader.read_exact(&mut request).await?;
                        request.reverse();
                        writer.write_all(&request).await?;
                        writer.flush().await?;
                    }
                    assert_eq!(reader.read(&mut [0; 1]).await?, 0);
                    writer.$close().await
                })
            },
        }
    }};
}

fn flavours() -> [Tasks; 2] {
    [
        tasks!(futures, close, futures_util::io::copy_buf, futures_util::AsyncReadExt, futures_util::AsyncWriteExt),
        tasks!(tokio, shutdown, tokio::io::copy_buf, tokio::io::AsyncReadExt, tokio::io::AsyncWriteExt),
    ]
}

/// sender ─▶ encoder ═fault═▶ decoder ─▶ receiver. What came out, and how the four ended.
fn hop(flavour: &Tasks, network: &mut Network, raw: &[u8], seed: u64, fault: Fault) -> (Vec<u8>, Vec<io::Result<()>>) {
    let received = Received::default();
    let (first, hop, last) = (network.link(Fault::None), network.link(fault), network.link(Fault::None));
    let tasks = vec![
        (flavour.send)(first.0, raw.to_vec(), seed),
        (flavour.encode)(first.1, hop.0),
        (flavour.decode)(hop.1, last.0),
        (flavour.receive)(last.1, Arc::clone(&received)),
    ];
    let results = run(network, tasks);
    let received = std::mem::take(&mut *received.lock().unwrap());
    (received, results)
}

#[test]
fn cuts_and_delays_lose_nothing_through_a_pair_of_proxies() {
    let raw = data::text(120_000);
    for flavour in flavours() {
        let mut cuts = 0;
        for seed in 0..SEEDS {
            let mut network = Network::new(seed);
            let (received, results) = hop(&flavour, &mut network, &raw, seed, Fault::None);
            assert!(results.iter().all(Result::is_ok), "{}, seed {seed}: {results:?}", flavour.name);
            assert!(received == raw, "{}, seed {seed}: other bytes", flavour.name);
            cuts += network.cuts;
        }
        assert!(cuts > 1000, "only {cuts} cuts");
    }
}

#[test]
fn each_answer_comes_before_the_next_request_however_slow_the_links_are() {
    for flavour in flavours() {
        for seed in 0..SEEDS {
            let mut network = Network::new(seed);
            let (there, back) = (network.link(Fault::None), network.link(Fault::None));
            let tasks = vec![(flavour.client)(there.0, back.1, seed), (flavour.server)(there.1, back.0)];
            let results = run(&mut network, tasks);
            assert!(results.iter().all(Result::is_ok), "{}, seed {seed}: {results:?}", flavour.name);
        }
    }
}

#[test]
fn a_reset_reaches_both_sides_and_a_new_connection_sends_the_rest() {
    let raw = data::text(60_000);
    for flavour in flavours() {
        for seed in 0..SEEDS {
            let case = format!("{}, seed {seed}", flavour.name);
            let at = 1 + StdRng::seed_from_u64(seed).random_range(0..20_000);
            let mut network = Network::new(seed);
            let (mut received, results) = hop(&flavour, &mut network, &raw, seed, Fault::Reset(at));
            let kind = |index: usize| results[index].as_ref().map_err(io::Error::kind);
            assert_eq!(kind(2), Err(io::ErrorKind::ConnectionReset), "{case}");
            assert_eq!(kind(1), Err(io::ErrorKind::ConnectionReset), "{case}");
            assert!(raw.starts_with(&received) && received.len() < raw.len(), "{case}: {} bytes", received.len());

            let (rest, results) = hop(&flavour, &mut network, &raw[received.len()..], seed, Fault::None);
            assert!(results.iter().all(Result::is_ok), "{case}: {results:?}");
            received.extend(rest);
            assert!(received == raw, "{case}: other bytes");
        }
    }
}

#[test]
fn an_end_in_the_middle_is_a_truncated_stream_never_a_short_one() {
    let raw = data::text(60_000);
    for flavour in flavours() {
        for seed in 0..SEEDS {
            let case = format!("{}, seed {seed}", flavour.name);
            let at = StdRng::seed_from_u64(seed).random_range(0..20_000);
            let (received, mut results) = hop(&flavour, &mut Network::new(seed), &raw, seed, Fault::End(at));
            let error = results.swap_remove(2).expect_err(&case);
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{case}");
            assert_eq!(Error::try_from(error).unwrap(), Error::Truncated { offset: at as u64 }, "{case}");
            assert!(raw.starts_with(&received) && received.len() < raw.len(), "{case}: {} bytes", received.len());
        }
    }
}
