//! Model files that tests make, and what they are read through.

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Normal};
use ranstream::{EncodeOptions, compress};
use ranstream_tensors::ReadAt;

/// A tensor to be written: name, type, shape, bytes.
pub(crate) type Entry = (String, &'static str, Vec<u64>, Vec<u8>);

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A safetensors file of these tensors, in this order.
pub(crate) fn safetensors(entries: &[Entry]) -> Vec<u8> {
    let (mut parts, mut at) = (vec!["\"__metadata__\":{\"format\":\"pt\"}".to_owned()], 0);
    for (name, dtype, shape, bytes) in entries {
        let end = at + bytes.len();
        parts.push(format!("{name:?}:{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{at},{end}]}}"));
        at = end;
    }
    let mut json = format!("{{{}}}", parts.join(","));
    while json.len() % 8 != 0 {
        json.push(' ');
    }
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    for (.., bytes) in entries {
        file.extend(bytes);
    }
    file
}

/// Weights as they are: normal, in bf16.
pub(crate) fn bf16(elements: usize, seed: u64) -> Vec<u8> {
    let normal = Normal::new(0.0_f32, 0.03).unwrap();
    let weights = normal.sample_iter(rng(seed)).take(elements);
    weights.flat_map(|weight| ((weight.to_bits() >> 16) as u16).to_le_bytes()).collect()
}

pub(crate) fn f32(elements: usize, seed: u64) -> Vec<u8> {
    let normal = Normal::new(0.0_f32, 0.03).unwrap();
    normal.sample_iter(rng(seed)).take(elements).flat_map(f32::to_le_bytes).collect()
}

pub(crate) fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = rng(seed);
    (0..len).map(|_| rng.random_range(0..40)).collect()
}

/// A small model: tensors of several types, tiny ones among them.
pub(crate) fn model() -> Vec<Entry> {
    static MODEL: OnceLock<Vec<Entry>> = OnceLock::new();
    MODEL.get_or_init(new_model).clone()
}

fn new_model() -> Vec<Entry> {
    let mut entries = Vec::new();
    for layer in 0..3_u64 {
        entries.push((format!("layer.{layer}.weight"), "BF16", vec![100, 300], bf16(30_000, layer)));
        entries.push((format!("layer.{layer}.norm"), "F32", vec![300], f32(300, 10 + layer)));
        entries.push((format!("layer.{layer}.bias"), "F32", vec![100], f32(100, 20 + layer)));
    }
    entries.push(("empty".to_owned(), "F16", vec![0, 7], Vec::new()));
    entries.push(("scale".to_owned(), "F64", vec![], 1.5_f64.to_le_bytes().to_vec()));
    entries.push(("table".to_owned(), "I8", vec![500, 100], bytes(50_000, 30)));
    entries
}

/// With an index, in blocks that know nothing of tensors.
pub(crate) fn coded(file: &[u8], block_len: usize) -> Vec<u8> {
    compress(file, &EncodeOptions::new().level(0).block_len(block_len).index(true)).unwrap()
}

/// A source that is no memory, and counts what is read of it.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) bytes: Vec<u8>,
    pub(crate) reads: AtomicU64,
    pub(crate) read_bytes: AtomicU64,
}

impl Counted {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Reads and bytes since the last call.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.reads.swap(0, Ordering::Relaxed), self.read_bytes.swap(0, Ordering::Relaxed))
    }
}

impl ReadAt for Counted {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read_bytes.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_exact_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&self.bytes)
    }
}
