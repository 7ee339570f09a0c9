//! What the adapters cost over bare blocks, and what threads gain. `RANS_BENCH_CORPUS=folder` takes
//! your files.

use std::{
    io::{Read, Write},
    time::Duration,
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ranstream::{DecodeOptions, EncodeOptions, RansReader, RansWriter, block, compress};
use ranstream_benches::data::samples;

const LEN: usize = 32 << 20;
const BLOCK: usize = 256 << 10;

fn write(c: &mut Criterion) {
    let mut group = c.benchmark_group("write");
    for sample in samples(LEN) {
        let raw = &sample.bytes[..LEN];
        group.throughput(Throughput::Bytes(LEN as u64));
        let mut out = Vec::with_capacity(LEN + LEN / 8);
        group.bench_function(BenchmarkId::new("bare blocks", &sample.name), |b| {
            b.iter(|| {
                out.clear();
                raw.chunks(BLOCK)
                    .try_for_each(|raw| block::encode(raw, &EncodeOptions::new().level(0), &mut out).map(drop))
            });
        });
        for threads in threads() {
            let options = EncodeOptions::new().level(0).threads(threads);
            group.bench_function(BenchmarkId::new(format!("RansWriter, threads {threads}"), &sample.name), |b| {
                b.iter(|| {
                    out.clear();
                    let mut writer = RansWriter::with_options(&mut out, options.clone());
                    raw.chunks(64 << 10).try_for_each(|part| writer.write_all(part)).and_then(|()| writer.try_finish())
                });
            });
        }
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    for sample in samples(LEN) {
        let raw = &sample.bytes[..LEN];
        group.throughput(Throughput::Bytes(LEN as u64));
        let blocks: Vec<Vec<u8>> = raw
            .chunks(BLOCK)
            .map(|raw| {
                let mut coded = Vec::new();
                block::encode(raw, &EncodeOptions::new().level(0), &mut coded).expect("valid options");
                coded
            })
            .collect();
        let mut back = vec![0; BLOCK];
        group.bench_function(BenchmarkId::new("bare blocks", &sample.name), |b| {
            b.iter(|| blocks.iter().try_for_each(|block| block::decode(block, &mut back).map(drop)));
        });
        let stream = compress(raw, &EncodeOptions::new().level(0)).expect("valid options");
        let mut part = vec![0; 64 << 10];
        for threads in threads() {
            let options = DecodeOptions::new().threads(threads);
            group.bench_function(BenchmarkId::new(format!("RansReader, threads {threads}"), &sample.name), |b| {
                b.iter(|| {
                    let mut reader = RansReader::with_options(&stream[..], options.clone());
                    while reader.read(&mut part).expect("a good stream") > 0 {}
                });
            });
        }
    }
    group.finish();
}

/// 1, 2, 4, ... up to the cores there are.
fn threads() -> impl Iterator<Item = usize> {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    std::iter::successors(Some(1), |threads| Some(threads * 2)).take_while(move |&threads| threads <= cores)
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = write, read
}
criterion_main!(benches);
