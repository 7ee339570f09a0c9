//! Connections come and go, and the program holds what it held before: memory and descriptors. In a
//! process of its own, where nobody else opens any.
//!
//! `RANSTREAM_SOAK_SECONDS=3600 cargo test --release --features tokio --test soak -- --ignored
//! --nocapture` is the long form.

#![cfg(feature = "tokio")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use ranstream::tokio::{RansReader, RansWriter};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime,
};

/// Connections at a time.
const CLIENTS: usize = 16;

/// Bytes that memory may grow by after the first rounds: what an allocator keeps for itself differs
/// from round to round, a leak goes on.
const SLACK: usize = 8 << 20;

#[test]
fn a_few_rounds_leave_nothing_behind() {
    soak(Duration::from_secs(2));
}

/// `RANSTREAM_SOAK_SECONDS` says how long, 60 without it.
#[test]
#[ignore = "takes as long as it is told to"]
fn many_rounds_leave_nothing_behind() {
    let seconds = std::env::var("RANSTREAM_SOAK_SECONDS").ok().and_then(|value| value.parse().ok()).unwrap_or(60);
    soak(Duration::from_secs(seconds));
}

/// What the process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    /// Bytes of memory that are in use by the process.
    resident: usize,
}

impl Held {
    /// `None` where the system does not tell.
    fn now() -> Option<Self> {
        let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
        let resident = pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096;
        let descriptors = std::fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self { descriptors, resident })
    }
}

fn soak(time: Duration) {
    let end = Instant::now() + time;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener));
        // Pools start, buffers of the allocator grow to what they need.
        for _ in 0..3 {
            round(address).await;
        }
        let before = Held::now();
        let mut rounds = 0;
        while rounds < 3 || Instant::now() < end {
            round(address).await;
            rounds += 1;
        }
        let Some(before) = before else {
            return println!("skipped: this system has no /proc/self, so memory and descriptors were not looked at");
        };
        let after = settled(before).await;
        println!("{rounds} rounds of {CLIENTS} connections: {before:?}, then {after:?}");
        assert!(after.descriptors <= before.descriptors, "descriptors leak: {before:?}, then {after:?}");
        assert!(after.resident <= before.resident + SLACK, "memory leaks: {before:?}, then {after:?}");
        server.abort();
    });
}

/// What is held once the last sockets are closed, for which the server has ten seconds.
async fn settled(before: Held) -> Held {
    let start = Instant::now();
    loop {
        let held = Held::now().unwrap();
        if held.descriptors <= before.descriptors || start.elapsed() > Duration::from_secs(10) {
            return held;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn serve(listener: TcpListener) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let (read, write) = socket.into_split();
            let (mut reader, mut writer) = (RansReader::new(read), RansWriter::new(write));
            // A client that goes away in the middle is no error of the server.
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
        });
    }
}

/// Requests and answers of many lengths over [`CLIENTS`] connections. One in four goes away in the
/// middle.
async fn round(address: SocketAddr) {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(async move {
                let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
                let (mut writer, mut reader) = (RansWriter::new(write), RansReader::new(read));
                for number in 0..10 {
                    let len = 1 + (client * 7919 + number * 104_729) % 30_000;
                    let request: Vec<u8> = (0..len).map(|at| b"abcdefgh"[at * at % 7 + number % 2]).collect();
                    writer.write_all(&request).await.unwrap();
                    if client % 4 == 0 && number == 5 {
                        return;
                    }
                    writer.flush().await.unwrap();
                    let mut answer = vec![0; len];
                    reader.read_exact(&mut answer).await.unwrap();
                    assert!(answer == request);
                }
                writer.shutdown().await.unwrap();
                assert_eq!(reader.read(&mut [0; 1]).await.unwrap(), 0);
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}
