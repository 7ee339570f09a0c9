//! Real sockets on loopback.

use std::time::Duration;

use ranstream::tokio::{RansReader, RansWriter};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::data;

/// A server that reads to the end of the request before it answers.
#[tokio::test]
async fn half_closed_sockets_carry_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let request = data::text(300_000);
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let (read, write) = socket.into_split();
        let mut request = Vec::new();
        RansReader::new(read).read_to_end(&mut request).await.unwrap();
        request.reverse();
        let mut writer = RansWriter::new(write);
        writer.write_all(&request).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let socket = TcpStream::connect(address).await.unwrap();
    let (read, write) = socket.into_split();
    let mut writer = RansWriter::new(write);
    writer.write_all(&request).await.unwrap();
    writer.shutdown().await.unwrap();
    let mut answer = Vec::new();
    RansReader::new(read).read_to_end(&mut answer).await.unwrap();
    answer.reverse();
    assert!(answer == request);
    server.await.unwrap();
}

/// Requests and answers of many lengths over many connections. `RANSTREAM_SOAK_SECONDS` says how long, 20 without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes as long as it is told to"]
async fn connections_echo_for_a_while() {
    let seconds = std::env::var("RANSTREAM_SOAK_SECONDS").ok().and_then(|value| value.parse().ok()).unwrap_or(20);
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (read, write) = socket.into_split();
                let mut reader = RansReader::new(read);
                let mut writer = RansWriter::new(write);
                let _ = tokio::io::copy_buf(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            });
        }
    });
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = descriptors();
    let mut rounds = 0_usize;
    while std::time::Instant::now() < end {
        let clients = (0..16).map(|client| {
            tokio::spawn(async move {
                let socket = TcpStream::connect(address).await.unwrap();
                let (read, write) = socket.into_split();
                let mut writer = RansWriter::new(write);
                let mut reader = RansReader::new(read);
                for round in 0..20 {
                    let request = data::text(1 + (client * 7919 + round * 104_729) % 60_000);
                    writer.write_all(&request).await.unwrap();
                    writer.flush().await.unwrap();
                    let mut answer = vec![0; request.len()];
                    reader.read_exact(&mut answer).await.unwrap();
                    assert!(answer == request);
                }
                writer.shutdown().await.unwrap();
                assert_eq!(reader.read(&mut [0; 1]).await.unwrap(), 0);
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        rounds += 1;
    }
    assert!(rounds > 0);
    tokio::time::timeout(Duration::from_secs(10), async {
        while descriptors() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("descriptors leak");
    server.abort();
}
