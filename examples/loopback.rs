//! What the adapters cost on a socket of this machine.
//!
//! ```text
//! loopback throughput [MIB]        one stream over loopback: tokio's adapters beside std's
//! loopback echo LISTEN             answers each 100 bytes with themselves, behind two proxies
//! loopback ping ADDRESS [COUNT]    requests of 100 bytes: median and 99th percentile
//! loopback halves ADDRESS [COUNT]  the same, each in two writes by a socket without TCP_NODELAY
//! ```
//!
//! `cargo run --release --example loopback --features tokio -- throughput`
//!
//! `scripts/latency.sh` starts the server and both kinds of pairs, pings through each and prints a
//! table. What it shows is the time from the first byte of a request to the last of its answer:
//! through five sockets instead of one, each of which wakes a process. On a virtual machine a core
//! that sleeps wakes slowly, and most of the time is that; with every program held to one core
//! nothing sleeps, and what is left is the work. The part that coding adds is the difference
//! between the coded pair and the plain one.

use std::{
    env,
    error::Error,
    io::{self, Read as _, Write as _},
    net,
    time::{Duration, Instant},
};

use ranstream::tokio::{RansReader, RansWriter};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime,
};

/// Bytes of one write and one read.
const CHUNK: usize = 64 << 10;

const REQUEST_LEN: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: usize| arguments.get(index).map_or(Ok(default), |text| text.parse());
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["throughput", ..] => throughput(number(1, 512)? << 20)?,
        ["echo", listen] => runtime().block_on(echo(listen))?,
        ["ping", address, ..] => runtime().block_on(ping(address, number(2, 10_000)?, Requests::Whole))?,
        ["halves", address, ..] => runtime().block_on(ping(address, number(2, 50)?, Requests::Halves))?,
        _ => eprintln!("usage: loopback throughput [MIB] | echo LISTEN | ping|halves ADDRESS [COUNT]"),
    }
    Ok(())
}

fn runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

/// Both ends have a thread of their own in both flavours. The better of three rounds each, in
/// turns.
fn throughput(len: usize) -> io::Result<()> {
    let raw: Vec<u8> = include_bytes!("../FORMAT.md").iter().copied().cycle().take(8 << 20).collect();
    let rounds = len.div_ceil(raw.len());
    let (mut std_best, mut tokio_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        std_best = std_best.min(std_round(&raw, rounds)?);
        tokio_best = tokio_best.min(tokio_round(&raw, rounds)?);
    }
    let speed = |time: Duration| (raw.len() * rounds) as f64 / time.as_secs_f64() / 1e6;
    let (std_speed, tokio_speed) = (speed(std_best), speed(tokio_best));
    println!("std {std_speed:.0} MB/s, tokio {tokio_speed:.0} MB/s: {:.2} times std", tokio_speed / std_speed);
    Ok(())
}

fn std_round(raw: &[u8], rounds: usize) -> io::Result<Duration> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || -> io::Result<()> {
            let mut writer = ranstream::RansWriter::new(net::TcpStream::connect(address)?);
            for _ in 0..rounds {
                for chunk in raw.chunks(CHUNK) {
                    writer.write_all(chunk)?;
                }
            }
            writer.try_finish()
        });
        let mut reader = ranstream::RansReader::new(listener.accept()?.0);
        let (mut buffer, mut total) = (vec![0; CHUNK], 0);
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                read => total += read,
            }
        }
        assert_eq!(total, raw.len() * rounds);
        Ok(start.elapsed())
    })
}

fn tokio_round(raw: &[u8], rounds: usize) -> io::Result<Duration> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            runtime().block_on(async {
                let mut writer = RansWriter::new(TcpStream::connect(address).await?);
                for _ in 0..rounds {
                    for chunk in raw.chunks(CHUNK) {
                        writer.write_all(chunk).await?;
                    }
                }
                writer.finish().await
            })
        });
        let total = runtime().block_on(async {
            let mut reader = RansReader::new(TcpListener::from_std(listener)?.accept().await?.0);
            let (mut buffer, mut total) = (vec![0; CHUNK], 0);
            loop {
                match reader.read(&mut buffer).await? {
                    0 => return io::Result::Ok(total),
                    read => total += read,
                }
            }
        })?;
        assert_eq!(total, raw.len() * rounds);
        Ok(start.elapsed())
    })
}

async fn echo(listen: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let Ok((mut socket, _)) = listener.accept().await else {
            // Out of descriptors, until other connections end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        tokio::spawn(async move {
            socket.set_nodelay(true)?;
            let mut request = [0; REQUEST_LEN];
            while socket.read_exact(&mut request).await.is_ok() {
                socket.write_all(&request).await?;
            }
            socket.shutdown().await
        });
    }
}

/// How a request is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requests {
    /// At once, as soon as it is there.
    Whole,
    /// In two pieces, the second of which waits until the first is acknowledged: Nagle's algorithm,
    /// which a socket has unless it is told otherwise. The server has nothing to answer yet, so it
    /// delays that.
    Halves,
}

async fn ping(address: &str, count: usize, requests: Requests) -> io::Result<()> {
    let mut socket = tokio::io::BufReader::new(TcpStream::connect(address).await?);
    socket.get_ref().set_nodelay(requests == Requests::Whole)?;
    let mut times = Vec::with_capacity(count);
    let mut answer = [0; REQUEST_LEN];
    // The first answers pay for connections and warm caches.
    let warm_up = count.min(100);
    for number in 0..count + warm_up {
        let request: [u8; REQUEST_LEN] = std::array::from_fn(|index| b"request"[index % 7] + (number % 10) as u8);
        let start = Instant::now();
        match requests {
            Requests::Whole => socket.write_all(&request).await?,
            Requests::Halves => {
                let (first, second) = request.split_at(REQUEST_LEN / 2);
                socket.write_all(first).await?;
                socket.write_all(second).await?;
            }
        }
        socket.read_exact(&mut answer).await?;
        assert_eq!(answer, request);
        if number >= warm_up {
            times.push(start.elapsed());
        }
    }
    socket.shutdown().await?;
    assert!(socket.fill_buf().await?.is_empty());
    times.sort_unstable();
    let micros = |share: usize| times[count * share / 100].as_secs_f64() * 1e6;
    println!("median {:.1} µs, 99th percentile {:.1} µs, {count} requests of 100 bytes", micros(50), micros(99));
    Ok(())
}
