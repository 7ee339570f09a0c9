//! One block through the coder: every mode, every kernel by name, 4 KiB to 16 MiB.
//! `RANS_BENCH_CORPUS=folder` takes your files.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ranstream::{DecodeOptions, EncodeOptions, Kernel, Mode, block, compress_into, decompress_into};
use ranstream_benches::data::samples;

const SIZES: [usize; 5] = [4 << 10, 16 << 10, 256 << 10, 1 << 20, 16 << 20];
const MODES: [Mode; 3] = [Mode::SingleStream, Mode::Interleaved, Mode::Lanes];

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for sample in samples(SIZES[4]) {
        for (size, mode) in cases() {
            let raw = &sample.bytes[..size];
            let options = EncodeOptions::new().mode(mode);
            let mut out = Vec::with_capacity(size + block_overhead());
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(format!("{mode}/{}", sample.name), size), |b| {
                b.iter(|| {
                    out.clear();
                    block::encode(raw, &options, &mut out)
                });
            });
        }
    }
    group.finish();
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for sample in samples(SIZES[4]) {
        for (size, mode) in cases() {
            let mut coded = Vec::new();
            block::encode(&sample.bytes[..size], &EncodeOptions::new().mode(mode), &mut coded).expect("valid options");
            let mut raw = vec![0; size];
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(format!("{mode}/{}", sample.name), size), |b| {
                b.iter(|| block::decode(&coded, &mut raw));
            });
        }
    }
    group.finish();
}

/// A stream of one block, by each kernel that this machine has.
fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    for sample in samples(SIZES[4]) {
        for (size, kernel) in
            SIZES.into_iter().flat_map(|size| Kernel::all_available().map(move |kernel| (size, kernel)))
        {
            let raw = &sample.bytes[..size];
            let options = EncodeOptions::new().mode(Mode::Lanes).block_len(size).kernel(kernel);
            let (mut coded, mut back) = (Vec::with_capacity(2 * size), vec![0; size]);
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(format!("encode/{kernel}/{}", sample.name), size), |b| {
                b.iter(|| {
                    coded.clear();
                    compress_into(raw, &mut coded, &options)
                });
            });
            let options = DecodeOptions::new().kernel(kernel);
            group.bench_function(BenchmarkId::new(format!("decode/{kernel}/{}", sample.name), size), |b| {
                b.iter(|| decompress_into(&coded, &mut back, &options));
            });
        }
    }
    group.finish();
}

fn cases() -> impl Iterator<Item = (usize, Mode)> {
    SIZES.into_iter().flat_map(|size| MODES.map(|mode| (size, mode)))
}

fn block_overhead() -> usize {
    ranstream::format::BLOCK_OVERHEAD
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
    targets = encode, decode, kernels
}
criterion_main!(benches);
