//! One block through the coder: every mode, 4 KiB to 16 MiB. `RANS_BENCH_CORPUS=folder` takes your files.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ranstream::{EncodeOptions, Mode, block};
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

fn cases() -> impl Iterator<Item = (usize, Mode)> {
    SIZES.into_iter().flat_map(|size| MODES.map(|mode| (size, mode)))
}

fn block_overhead() -> usize {
    ranstream::format::BLOCK_OVERHEAD
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
    targets = encode, decode
}
criterion_main!(benches);
