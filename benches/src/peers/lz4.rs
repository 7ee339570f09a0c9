//! LZ4, by its C library.

use std::ffi::c_int;

use lz4_sys::{LZ4_compress_default, LZ4_compressBound, LZ4_decompress_safe};

use super::Codec;

/// See [`super::Lz4`].
#[derive(Debug, Default)]
pub struct Lz4;

impl Codec for Lz4 {
    fn name(&self) -> &'static str {
        "lz4"
    }

    /// One block without a frame.
    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        let raw_len = c_int::try_from(raw.len()).expect("LZ4 takes up to 2 GB");
        // SAFETY: it takes a number and no memory.
        let bound = unsafe { LZ4_compressBound(raw_len) };
        coded.resize(bound as usize, 0);
        // SAFETY: source and destination are slices of the lengths given.
        let len = unsafe { LZ4_compress_default(raw.as_ptr().cast(), coded.as_mut_ptr().cast(), raw_len, bound) };
        assert!(len > 0, "the bound is enough");
        coded.truncate(len as usize);
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        let raw_len = c_int::try_from(raw.len()).expect("LZ4 takes up to 2 GB");
        // SAFETY: source and destination are slices of the lengths given.
        let len = unsafe {
            LZ4_decompress_safe(coded.as_ptr().cast(), raw.as_mut_ptr().cast(), coded.len() as c_int, raw_len)
        };
        assert_eq!(len, raw_len, "LZ4 decodes its own");
    }
}
