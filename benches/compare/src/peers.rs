//! One way to call each library, with its default options and the reader that takes several streams
//! in a row.

use std::io::{self, ErrorKind, Read, Write};

use async_compression::tokio::{bufread::GzipDecoder, write::GzipEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What came out of a stream, and how it ended.
pub type Outcome = (Vec<u8>, Option<ErrorKind>);

pub struct Peer {
    pub name: &'static str,
    /// A whole stream.
    pub encode: fn(&[u8]) -> Vec<u8>,
    /// What is there once its writer was flushed.
    pub flush: fn(&[u8]) -> Vec<u8>,
    /// What is there once its writer was dropped.
    pub drop: fn(&[u8]) -> Vec<u8>,
    read: fn(&[u8], &mut Vec<u8>) -> io::Result<usize>,
}

impl Peer {
    pub fn decode(&self, stream: &[u8]) -> Outcome {
        let mut raw = Vec::new();
        let error = (self.read)(stream, &mut raw).err().map(|error| error.kind());
        (raw, error)
    }
}

pub fn all() -> Vec<Peer> {
    vec![ranstream(), flate2(), zstd(), async_compression(), lz4_flex(), noodles_bgzf()]
}

/// A library with std's traits: how its writer is made, and how it reads.
macro_rules! peer {
    ($name:literal, $make:expr, $read:expr) => {
        Peer {
            name: $name,
            encode: |raw| {
                let mut writer = $make(Vec::new());
                writer.write_all(raw).expect("a vector takes all");
                writer.finish().expect("it ends")
            },
            flush: |raw| {
                let mut writer = $make(Vec::new());
                writer.write_all(raw).expect("a vector takes all");
                writer.flush().expect("a vector takes all");
                // Nothing that a drop does may be seen.
                writer.get_ref().clone()
            },
            drop: |raw| {
                let mut stream = Vec::new();
                $make(&mut stream).write_all(raw).expect("a vector takes all");
                stream
            },
            read: $read,
        }
    };
}

fn ranstream() -> Peer {
    peer!("ranstream", ranstream::RansWriter::new, |stream, raw| {
        ranstream::RansReader::new(stream).read_to_end(raw)
    })
}

fn gzip<W: Write>(to: W) -> flate2::write::GzEncoder<W> {
    flate2::write::GzEncoder::new(to, flate2::Compression::default())
}

fn flate2() -> Peer {
    peer!("flate2", gzip, |stream, raw| { flate2::read::MultiGzDecoder::new(stream).read_to_end(raw) })
}

fn zstandard<W: Write>(to: W) -> zstd::Encoder<'static, W> {
    zstd::Encoder::new(to, 0).expect("level 0 is the default")
}

fn zstd() -> Peer {
    peer!("zstd", zstandard, |stream, raw| { zstd::Decoder::new(stream)?.read_to_end(raw) })
}

fn lz4_flex() -> Peer {
    peer!("lz4_flex", lz4_flex::frame::FrameEncoder::new, |stream, raw| {
        lz4_flex::frame::FrameDecoder::new(stream).read_to_end(raw)
    })
}

fn noodles_bgzf() -> Peer {
    peer!("noodles-bgzf", noodles_bgzf::io::Writer::new, |stream, raw| {
        noodles_bgzf::io::Reader::new(stream).read_to_end(raw)
    })
}

fn async_compression() -> Peer {
    Peer {
        name: "async-compression",
        encode: |raw| {
            block_on(async {
                let mut writer = GzipEncoder::new(Vec::new());
                writer.write_all(raw).await.expect("a vector takes all");
                writer.shutdown().await.expect("it ends");
                writer.into_inner()
            })
        },
        flush: |raw| {
            block_on(async {
                let mut writer = GzipEncoder::new(Vec::new());
                writer.write_all(raw).await.expect("a vector takes all");
                writer.flush().await.expect("a vector takes all");
                writer.into_inner()
            })
        },
        drop: |raw| {
            let mut stream = Vec::new();
            block_on(async { GzipEncoder::new(&mut stream).write_all(raw).await.expect("a vector takes all") });
            stream
        },
        read: |stream, raw| {
            let mut reader = GzipDecoder::new(stream);
            reader.multiple_members(true);
            block_on(reader.read_to_end(raw))
        },
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers").block_on(future)
}
