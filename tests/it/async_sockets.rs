//! Real sockets on loopback.

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
