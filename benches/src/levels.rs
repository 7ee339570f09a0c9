//! Our levels beside zstd's, and beside others that look for matches: which codecs are measured,
//! and the page of what came out.

mod page;
#[cfg(test)]
mod tests;

pub use page::{Measured, all_cores, one_core, total};

use std::ops::RangeInclusive;

use ranstream::{DecodeOptions, EncodeOptions, Kernel};

use crate::peers::{Codec, Deflate, Lz4, Rans, Snap, Zstd, openzl_codecs};

/// All of ours.
pub const OURS: RangeInclusive<u8> = 0..=9;

/// Those of zstd that people take.
pub const ZSTD: [i32; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19];

/// On all cores: those that take longer than all others together are left out.
const QUICK: RangeInclusive<u8> = 0..=7;
const QUICK_ZSTD: RangeInclusive<i32> = 1..=9;

/// A level of ours, and the level of zstd that it stands beside.
pub const PAIRS: [(u8, i32); 3] = [(1, 1), (3, 3), (6, 9)];

/// The smallest of both, which are slow: one core and the default kernel do.
pub const SMALLEST: (u8, i32) = (9, 19);

const DEFLATE: [u32; 2] = [1, 6];

const OPENZL: [i32; 4] = [1, 3, 5, 7];

/// Each with one thread: ours by the default kernel, those of the pairs by AVX2, too, where it is
/// there.
#[must_use]
pub fn on_one_core() -> Vec<Box<dyn Codec>> {
    let mut codecs: Vec<Box<dyn Codec>> = Vec::new();
    for level in OURS {
        codecs.push(Box::new(Rans::new(&ours(level), EncodeOptions::new().level(level), DecodeOptions::new())));
    }
    if Kernel::Avx2.is_available() {
        for (level, _) in PAIRS {
            let encode = EncodeOptions::new().level(level).kernel(Kernel::Avx2);
            codecs.push(Box::new(Rans::new(&with_avx2(level), encode, DecodeOptions::new().kernel(Kernel::Avx2))));
        }
    }
    codecs.extend(ZSTD.map(|level| Box::new(Zstd::new(level)) as Box<dyn Codec>));
    codecs.extend(DEFLATE.map(|level| Box::new(Deflate::new(level)) as Box<dyn Codec>));
    codecs.push(Box::new(Lz4));
    codecs.push(Box::new(Snap));
    codecs.extend(openzl_codecs::lz(&OPENZL));
    codecs
}

/// Those that have threads, with so many.
///
/// # Panics
///
/// When zstd gets no threads.
#[must_use]
pub fn on_all_cores(threads: usize) -> Vec<Box<dyn Codec>> {
    let mut codecs: Vec<Box<dyn Codec>> = Vec::new();
    for level in QUICK {
        let encode = EncodeOptions::new().level(level).threads(threads);
        codecs.push(Box::new(Rans::new(&ours(level), encode, DecodeOptions::new().threads(threads))));
    }
    codecs.extend(QUICK_ZSTD.map(|level| Box::new(Zstd::new(level).threads(threads as u32)) as Box<dyn Codec>));
    codecs
}

fn ours(level: u8) -> String {
    format!("ours -{level}")
}

fn with_avx2(level: u8) -> String {
    format!("ours -{level}, avx2")
}

fn zstd(level: i32) -> String {
    format!("zstd -{level}")
}
