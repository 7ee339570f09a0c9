//! The codecs that stand beside ours, all behind one shape.

pub(crate) mod blocks;
mod huff0;
mod lz4;
#[cfg(ranstream_openzl)]
mod openzl;

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
        Box::new(Rans::new("ranstream", ranstream::EncodeOptions::new().level(0), ranstream::DecodeOptions::new())),
        Box::new(Huff0::default()),
        Box::new(Zstd::new(1)),
        Box::new(Lz4),
        Box::new(Snap),
        Box::new(Deflate::new(1)),
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

/// LZ4 in C.
pub use lz4::Lz4;

/// OpenZL's forms of what is measured, where the programs are built with it (`Cargo.toml` says
/// how), else none.
pub mod openzl_codecs {
    use super::Codec;

    /// Its release, where it is there.
    #[must_use]
    pub fn version() -> Option<String> {
        #[cfg(ranstream_openzl)]
        return Some(super::openzl::version());
        #[cfg(not(ranstream_openzl))]
        None
    }

    /// PivCo-Huffman over blocks of `block_len` bytes: as shipped, and its kernels alone with the
    /// processor asked once.
    #[must_use]
    pub fn pivco(block_len: usize) -> Vec<Box<dyn Codec>> {
        #[cfg(ranstream_openzl)]
        return vec![
            Box::new(super::openzl::Graph::pivco(block_len)),
            Box::new(super::openzl::PivcoKernels::new(block_len)),
        ];
        #[cfg(not(ranstream_openzl))]
        {
            let _ = block_len;
            Vec::new()
        }
    }

    /// Its LZ at these levels, all of the input in one frame.
    #[must_use]
    pub fn lz(levels: &[i32]) -> Vec<Box<dyn Codec>> {
        #[cfg(ranstream_openzl)]
        return levels.iter().map(|level| Box::new(super::openzl::Graph::lz(*level)) as Box<dyn Codec>).collect();
        #[cfg(not(ranstream_openzl))]
        {
            let _ = levels;
            Vec::new()
        }
    }
}

/// Whole zstd. Its memory is kept from call to call, as ours is.
pub struct Zstd {
    name: String,
    compressor: zstd::bulk::Compressor<'static>,
    decompressor: zstd::bulk::Decompressor<'static>,
}

impl Zstd {
    /// # Panics
    ///
    /// When zstd gets no memory.
    #[must_use]
    pub fn new(level: i32) -> Self {
        Self {
            name: format!("zstd -{level}"),
            compressor: zstd::bulk::Compressor::new(level).expect("memory for zstd"),
            decompressor: zstd::bulk::Decompressor::new().expect("memory for zstd"),
        }
    }

    /// Encodes with so many threads beside the caller. It decodes with one: its frames know no
    /// other way.
    ///
    /// # Panics
    ///
    /// When zstd gets no threads.
    #[must_use]
    pub fn threads(mut self, threads: u32) -> Self {
        self.compressor.multithread(threads).expect("threads for zstd");
        self
    }
}

impl Codec for Zstd {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.clear();
        coded.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        self.compressor.compress_to_buffer(raw, coded).expect("the bound is enough");
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        self.decompressor.decompress_to_buffer(coded, raw).expect("zstd decodes its own");
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

/// Deflate: flate2 on zlib-rs. Its memory is kept from call to call, as ours is.
#[derive(Debug)]
pub struct Deflate {
    name: String,
    compress: flate2::Compress,
    decompress: flate2::Decompress,
}

impl Deflate {
    /// Without zlib's header and check.
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self {
            name: format!("zlib-rs -{level}"),
            compress: flate2::Compress::new(flate2::Compression::new(level), false),
            decompress: flate2::Decompress::new(false),
        }
    }
}

impl Codec for Deflate {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        coded.clear();
        // Level 1 writes up to 9 bits for a byte.
        coded.reserve(raw.len() + raw.len() / 8 + 64);
        self.compress.reset();
        let status = self.compress.compress_vec(raw, coded, flate2::FlushCompress::Finish);
        assert!(matches!(status, Ok(flate2::Status::StreamEnd)), "the bound is enough");
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        self.decompress.reset(false);
        let status = self.decompress.decompress(coded, raw, flate2::FlushDecompress::Finish);
        assert!(matches!(status, Ok(flate2::Status::StreamEnd)), "zlib-rs decodes its own");
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
