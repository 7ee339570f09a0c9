//! A pair of proxies with a compressed hop between them.
//!
//! ```text
//! client ──▶ tcp_proxy near 127.0.0.1:7001 127.0.0.1:7002
//!                   ║ compressed
//!                   ▼
//!            tcp_proxy far 127.0.0.1:7002 127.0.0.1:80 ──▶ server
//! ```
//!
//! `cargo run --release --example tcp_proxy --features tokio -- near LISTEN CONNECT`
//!
//! With `plain` in place of both `near` and `far` nothing is coded: what is left is the price of
//! two more hops. `scripts/latency.sh` measures both.
//!
//! Every socket here has `TCP_NODELAY`. Without it a sender holds a short segment back until its
//! last one is acknowledged, and a receiver that has nothing to say delays that: by 40 ms on Linux,
//! by up to 200 ms elsewhere. A coded stream has many short segments, one for each pause of its
//! source, so a second one right behind the first would wait that long. A client or server of the
//! pair that writes a request in two pieces has the same to do for its own socket, proxy or not.

use std::{env, io, process::ExitCode, time::Duration};

use ranstream::tokio::{RansEncoder, RansReader};
use tokio::{
    io::{AsyncBufRead, AsyncWrite, AsyncWriteExt as _, BufReader, copy_buf},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// A proxy that can take no connection tries again after so long. Without a pause it would take a
/// core: the connection that it cannot take is still there.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
enum Side {
    /// Takes plain connections; the hop is what it connects to.
    Near,
    /// The hop is what it takes; connects to the server.
    Far,
    /// Nothing is coded.
    Plain,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (side, listen, connect) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["near", listen, connect] => (Side::Near, listen, connect),
        ["far", listen, connect] => (Side::Far, listen, connect),
        ["plain", listen, connect] => (Side::Plain, listen, connect),
        _ => {
            eprintln!("usage: tcp_proxy near|far|plain LISTEN CONNECT");
            return ExitCode::from(2);
        }
    };
    match serve(side, listen, connect).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(side: Side, listen: &str, connect: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (taken, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if concerns_one_connection(&error) => continue,
            // Out of descriptors or memory, until other connections end: no reason to end them.
            Err(error) => {
                eprintln!("accept: {error}; trying again");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connect = connect.to_owned();
        tokio::spawn(async move {
            if let Err(error) = relay(side, taken, &connect).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Whether a peer gave up before it was taken, which the next `accept` knows nothing of.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn relay(side: Side, taken: TcpStream, connect: &str) -> io::Result<()> {
    let made = TcpStream::connect(connect).await?;
    taken.set_nodelay(true)?;
    made.set_nodelay(true)?;
    let (taken_read, taken_write) = taken.into_split();
    let (made_read, made_write) = made.into_split();
    // What one direction reports ends both: the peers see a stream without its end. An encoder
    // gives what it has whenever its source pauses, so that no request waits for the next one. A
    // reader asks for a block's header, then for the block: small ones come with one system call
    // through a `BufReader`, which large ones pass by.
    match side {
        Side::Near => tokio::try_join!(
            pump(RansEncoder::new(taken_read), made_write),
            pump(RansReader::new(BufReader::new(made_read)), taken_write),
        )?,
        Side::Far => tokio::try_join!(
            pump(RansReader::new(BufReader::new(taken_read)), made_write),
            pump(RansEncoder::new(made_read), taken_write),
        )?,
        Side::Plain => tokio::try_join!(
            pump(BufReader::new(taken_read), made_write),
            pump(BufReader::new(made_read), taken_write),
        )?,
    };
    Ok(())
}

/// Everything from `reader` to `writer`, then the end: each direction closes by itself.
async fn pump(mut reader: impl AsyncBufRead + Unpin, mut writer: impl AsyncWrite + Unpin) -> io::Result<()> {
    copy_buf(&mut reader, &mut writer).await?;
    writer.shutdown().await
}
