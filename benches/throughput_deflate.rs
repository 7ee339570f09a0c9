//! Our levels beside what people would otherwise take, on the same bytes in the same run.
//! `RANS_BENCH_CORPUS=folder` takes your files.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ranstream_benches::{data::samples, levels::on_one_core};

const LEN: usize = 8 << 20;

fn throughput(c: &mut Criterion) {
    for sample in samples(LEN) {
        let raw = &sample.bytes[..LEN];
        let mut group = c.benchmark_group(format!("throughput/{}", sample.name));
        group.throughput(Throughput::Bytes(LEN as u64));
        for mut codec in on_one_core() {
            let mut coded = Vec::new();
            codec.encode(raw, &mut coded);
            println!("{} with {}: {:.2} %", sample.name, codec.name(), 100.0 * coded.len() as f64 / LEN as f64);
            let name = codec.name().to_owned();
            let mut back = vec![0; LEN];
            codec.decode(&coded, &mut back);
            assert!(back == raw, "{name} does not restore {}", sample.name);
            group.bench_function(BenchmarkId::new("decode", &name), |b| b.iter(|| codec.decode(&coded, &mut back)));
            group.bench_function(BenchmarkId::new("encode", &name), |b| b.iter(|| codec.encode(raw, &mut coded)));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = throughput
}
criterion_main!(benches);
