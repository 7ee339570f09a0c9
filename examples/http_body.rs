//! A response body that is coded while it comes into being, and read by the client as it arrives:
//! `cargo run --example http_body --features tokio`.
//!
//! The server makes an event only after the client has read the one before it, so this ends only if
//! nothing is held back on the way.

// The types of the server's future, with every feature's dependencies in scope, are deeper than the
// default allows.
#![recursion_limit = "256"]

use std::{convert::Infallible, error::Error};

use futures_util::TryStreamExt as _;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    header::{CONTENT_ENCODING, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ranstream::tokio::{RansEncoder, RansReader};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, duplex},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_util::io::{ReaderStream, StreamReader};

const EVENTS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (read, has_read) = mpsc::channel(1);
    let server = tokio::spawn(async move { serve(listener, has_read).await.map_err(|error| error.to_string()) });
    let events = request(TcpStream::connect(address).await?, read).await?;
    assert_eq!(events, EVENTS);
    server.await??;
    println!("{events} events, each read before the next one was made");
    Ok(())
}

async fn serve(listener: TcpListener, has_read: mpsc::Receiver<()>) -> Result<(), Box<dyn Error>> {
    let (socket, _) = listener.accept().await?;
    let has_read = std::sync::Mutex::new(Some(has_read));
    let service = service_fn(move |_: Request<Incoming>| {
        let has_read = has_read.lock().ok().and_then(|mut receiver| receiver.take());
        async move {
            // What is written to one end is coded when it is read from the other; the encoder gives
            // what it has whenever its source pauses.
            let (source, mut live) = duplex(4096);
            tokio::spawn(async move {
                let Some(mut has_read) = has_read else { return };
                for number in 0..EVENTS {
                    let event = format!("event {number}: what happened, in as many words as it takes\n");
                    if live.write_all(event.as_bytes()).await.is_err() || has_read.recv().await.is_none() {
                        return;
                    }
                }
            });
            let body = StreamBody::new(ReaderStream::new(RansEncoder::new(source)).map_ok(Frame::data));
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("x-ranstream"));
            Ok::<_, Infallible>(response)
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await?;
    Ok(())
}

async fn request(socket: TcpStream, read: mpsc::Sender<()>) -> Result<usize, Box<dyn Error>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/events").header("host", "localhost").body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    assert_eq!(response.headers()[CONTENT_ENCODING], "x-ranstream");
    let body = response.into_body().into_data_stream().map_err(std::io::Error::other);
    let mut lines = RansReader::new(StreamReader::new(body)).lines();
    let mut events = 0;
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        events += 1;
        read.send(()).await?;
    }
    drop(sender);
    connection.await??;
    Ok(events)
}
