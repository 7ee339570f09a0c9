//! The codecs that stand beside ours, all behind one shape.

mod huff0;

use std::io::{Read, Write};

/// A way to code bytes and back.
pub trait Codec {
    /// What tables call it.
    fn name(&self) -> &str;

    /// Replaces what `coded` holds.
    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>);

    /// Fills `raw`, which is as long as what was coded.
    fn decode(&mut self, coded: &[u8], raw: &mut [u8]);
}

/// memcpy, ours with the defaults, and those that people would otherwise take.
#[must_use]
pub fn side_by_side() -> Vec<Box<dyn Codec>> {
    vec![
        Box::new(Memcpy),
        Box::new(Rans::new("ranstream", ranstream::EncodeOptions::new(), ranstream::DecodeOptions::new())),
        Box::new(Huff0::default()),
        Box::new(Zstd(1)),
        Box::new(Lz4),
        Box::new(Snap),
        Box::new(Deflate),
    ]
}

/// The bound of all: bytes are moved, nothing else.
#[derive(Debug, Default)]
pub struct Memcpy;

impl Codec for Memcpy {
    fn name(&self) -> &'static str {
        "memcpy"
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.clear();
        coded.extend_from_slice(raw);
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        raw.copy_from_slice(coded);
    }
}

/// zstd's Huffman coder alone, blocks of 128 KiB, each with its own table: the fastest order-0
/// coder in wide use.
pub use huff0::Huff0;

/// Whole zstd.
#[derive(Debug)]
pub struct Zstd(pub i32);

impl Codec for Zstd {
    fn name(&self) -> &'static str {
        if self.0 == 1 { "zstd -1" } else { "zstd" }
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.resize(zstd::zstd_safe::compress_bound(raw.len()), 0);
        let len = zstd::bulk::compress_to_buffer(raw, &mut coded[..], self.0).expect("the bound is enough");
        coded.truncate(len);
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        zstd::bulk::decompress_to_buffer(coded, raw).expect("zstd decodes its own");
    }
}

/// LZ4 in Rust.
#[derive(Debug, Default)]
pub struct Lz4;

impl Codec for Lz4 {
    fn name(&self) -> &'static str {
        "lz4_flex"
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.resize(lz4_flex::block::get_maximum_output_size(raw.len()), 0);
        let len = lz4_flex::block::compress_into(raw, coded).expect("the bound is enough");
        coded.truncate(len);
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        lz4_flex::block::decompress_into(coded, raw).expect("lz4_flex decodes its own");
    }
}

/// Snappy in Rust.
#[derive(Debug, Default)]
pub struct Snap;

impl Codec for Snap {
    fn name(&self) -> &'static str {
        "snap"
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.resize(snap::raw::max_compress_len(raw.len()), 0);
        let len = snap::raw::Encoder::new().compress(raw, coded).expect("the bound is enough");
        coded.truncate(len);
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        snap::raw::Decoder::new().decompress(coded, raw).expect("snap decodes its own");
    }
}

/// Deflate: flate2 on zlib-rs, level 1.
#[derive(Debug, Default)]
pub struct Deflate;

impl Codec for Deflate {
    fn name(&self) -> &'static str {
        "zlib-rs -1"
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.clear();
        let mut encoder = flate2::write::DeflateEncoder::new(coded, flate2::Compression::fast());
        encoder.write_all(raw).and_then(|()| encoder.try_finish()).expect("a vector takes everything");
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        flate2::read::DeflateDecoder::new(coded).read_exact(raw).expect("zlib-rs decodes its own");
    }
}

/// Ours.
#[derive(Debug)]
pub struct Rans {
    name: String,
    encode: ranstream::EncodeOptions,
    decode: ranstream::DecodeOptions,
}

impl Rans {
    /// A stream with these options, all checks that are on by default.
    #[must_use]
    pub fn new(name: &str, encode: ranstream::EncodeOptions, decode: ranstream::DecodeOptions) -> Self {
        Self { name: name.into(), encode, decode }
    }
}

impl Codec for Rans {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.clear();
        ranstream::compress_into(raw, coded, &self.encode).expect("the options are valid");
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        let len = ranstream::decompress_into(coded, raw, &self.decode).expect("ranstream decodes its own");
        assert_eq!(len, raw.len());
    }
}
