//! Streams through the adapters, with a device behind them.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use rand::RngExt;
use ranstream::{
    DecodeOptions, EncodeOptions, Limits, Mode, RansReader, compress, decompress,
    gpu::{Backend, Gpu},
    write::RansDecoder,
};

use crate::{
    data::{bytes, rng},
    gpu,
};

/// Many kinds of bytes, one behind the other.
fn corpus(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = rng(seed);
    let mut raw = Vec::new();
    while raw.len() < len {
        let piece = rng.random_range(1..300_000);
        raw.extend(bytes(&mut rng, piece));
    }
    raw.truncate(len);
    raw
}

fn encode_options() -> EncodeOptions {
    EncodeOptions::new().level(0).segment_len(16 << 10).content_check(true).index(true)
}

/// Reads `stream` through `gpu`; how many blocks the device decoded comes back.
fn read(gpu: &Gpu, stream: &[u8], options: &DecodeOptions) -> (std::io::Result<Vec<u8>>, u64) {
    let before = gpu.tally().decoded;
    let mut raw = Vec::new();
    let result = RansReader::with_options(stream, options.clone().gpu(gpu)).read_to_end(&mut raw);
    (result.map(|_| raw), gpu.tally().decoded - before)
}

#[test]
fn streams_of_every_mode_and_block_length_come_back() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(600, 2 << 20);
    let forms = crate::forms(gpu);
    for mode in [Mode::Auto, Mode::Lanes, Mode::Stored, Mode::SingleStream, Mode::Interleaved] {
        for block_len in [5000, 64 << 10, 1 << 20] {
            let stream = compress(&raw, &encode_options().mode(mode).block_len(block_len)).unwrap();
            for gpu in &forms {
                let (back, decoded) = read(gpu, &stream, &DecodeOptions::new());
                assert!(back.unwrap() == raw, "{mode} {block_len} {}", gpu.form());
                let chains = matches!(mode, Mode::SingleStream | Mode::Interleaved) && block_len > 64 << 10;
                assert!(decoded == raw.len().div_ceil(block_len) as u64 || chains, "{mode} {block_len}: {decoded}");
            }
        }
    }
    assert!(forms.iter().all(|gpu| gpu.lost().is_none()));
}

#[test]
fn concatenated_streams_threads_and_other_adapters() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(601, 2 << 20);
    let one = compress(&raw, &encode_options()).unwrap();
    let two = [&one[..], &one].concat();
    for threads in [1, 3] {
        let options = DecodeOptions::new().threads(threads);
        let (back, decoded) = read(gpu, &two, &options);
        assert!(back.unwrap() == raw.repeat(2));
        assert!(decoded >= 8, "{decoded}");

        assert!(decompress(&two, &options.clone().gpu(gpu)).unwrap() == raw.repeat(2));
        let mut decoder = RansDecoder::with_options(Vec::new(), options.gpu(gpu));
        two.chunks(7777).for_each(|chunk| decoder.write_all(chunk).unwrap());
        assert!(decoder.finish().unwrap() == raw.repeat(2));
    }
}

#[test]
fn a_reader_seeks_among_batches() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(602, 2 << 20);
    let stream = compress(&raw, &encode_options().block_len(64 << 10)).unwrap();
    let mut reader = RansReader::with_options(Cursor::new(stream), DecodeOptions::new().gpu(gpu));
    let mut rng = rng(603);
    for _ in 0..30 {
        let at = rng.random_range(0..raw.len() - 1000);
        reader.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut part = [0; 1000];
        reader.read_exact(&mut part).unwrap();
        assert_eq!(part[..], raw[at..at + 1000]);
    }
}

#[test]
fn damaged_streams_end_in_the_cpus_error_after_the_same_bytes() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(604, 1 << 20);
    let good = compress(&raw, &encode_options().block_len(64 << 10)).unwrap();
    let mut rng = rng(605);
    for case in 0..40 {
        let mut bad = good.clone();
        if case % 4 == 0 {
            bad.truncate(rng.random_range(0..good.len()));
        } else {
            let at = rng.random_range(0..good.len());
            bad[at] ^= 1 << rng.random_range(0..8);
        }
        let outcome = |options: DecodeOptions| {
            let mut raw = Vec::new();
            let error =
                RansReader::with_options(&bad[..], options).read_to_end(&mut raw).map_err(|error| error.to_string());
            (raw, error)
        };
        let (on_gpu, on_cpu) = (outcome(DecodeOptions::new().gpu(gpu)), outcome(DecodeOptions::new()));
        assert_eq!(on_gpu.1, on_cpu.1, "case {case}");
        assert!(on_gpu.0 == on_cpu.0, "case {case}");
    }
}

#[test]
fn memory_limits_hold_back_batches_instead_of_failing() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(606, 4 << 20);
    let stream = compress(&raw, &encode_options().block_len(256 << 10)).unwrap();
    // Room for two blocks, raw and coded.
    let options = DecodeOptions::new().limits(Limits::new().max_memory(1100 << 10));
    let (back, decoded) = read(gpu, &stream, &options);
    assert!(back.unwrap() == raw);
    assert!(decoded > 0);
}

#[test]
fn a_dropped_reader_leaves_nothing_behind() {
    let Some(gpu) = gpu() else { return };
    let stream = compress(&corpus(607, 2 << 20), &encode_options().block_len(64 << 10)).unwrap();
    for taken in [0, 1, 70_000, 1 << 20] {
        let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().gpu(gpu));
        reader.read_exact(&mut vec![0; taken]).unwrap();
    }
}

#[test]
fn several_streams_share_a_device() {
    let Some(gpu) = gpu() else { return };
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let raw = corpus(620 + seed, 1 << 20);
                let stream = compress(&raw, &encode_options().block_len(32 << 10)).unwrap();
                let (back, _) = read(gpu, &stream, &DecodeOptions::new().threads(seed as usize % 2 + 1));
                assert!(back.unwrap() == raw, "stream {seed}");
            });
        }
    });
    assert_eq!(gpu.lost(), None);
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_is_woken_when_the_device_is_done() {
    use tokio::io::AsyncReadExt;

    let Some(gpu) = gpu() else { return };
    let raw = corpus(630, 2 << 20);
    let stream = compress(&raw, &encode_options().block_len(64 << 10)).unwrap();
    let before = gpu.tally().decoded;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut back = Vec::new();
    let mut reader = ranstream::tokio::RansReader::with_options(&stream[..], DecodeOptions::new().gpu(gpu));
    runtime.block_on(reader.read_to_end(&mut back)).unwrap();
    assert!(back == raw);
    assert!(gpu.tally().decoded > before);
}

#[cfg(feature = "codec")]
#[test]
fn a_codec_cannot_wait_and_takes_no_device() {
    use futures_util::TryStreamExt;
    use ranstream::gpu::{GpuOptions, Tally};
    use tokio_util::codec::FramedRead;

    let Some(shared) = gpu() else { return };
    // One that nobody else counts on.
    let gpu = Gpu::from_wgpu(shared.device().clone(), shared.queue().clone(), &GpuOptions::new()).unwrap();
    let raw = corpus(631, 1 << 20);
    let stream = compress(&raw, &encode_options().block_len(64 << 10)).unwrap();
    let codec = ranstream::codec::RansCodec::with_options(EncodeOptions::new(), DecodeOptions::new().gpu(&gpu));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let items: Vec<_> = runtime.block_on(FramedRead::new(&stream[..], codec).try_collect()).unwrap();
    assert!(items.concat() == raw);
    assert_eq!(gpu.tally(), Tally::default());
}

#[test]
fn every_backend_gives_the_bytes() {
    // Without a device too: a backend is a wish.
    let raw = corpus(608, 3 << 20);
    let stream = compress(&raw, &encode_options()).unwrap();
    for (name, backend) in Backend::ALL {
        let mut back = Vec::new();
        RansReader::with_options(&stream[..], DecodeOptions::new().backend(backend)).read_to_end(&mut back).unwrap();
        assert!(back == raw, "{name}");
    }
}

/// Runs itself again with the switch set.
#[test]
fn the_kill_switch_keeps_streams_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let raw = corpus(609, 1 << 20);
    let stream = compress(&raw, &encode_options()).unwrap();
    let (back, decoded) = read(gpu, &stream, &DecodeOptions::new().backend(Backend::Gpu));
    assert!(back.unwrap() == raw);
    if std::env::var_os("RANS_BACKEND").is_some() {
        assert_eq!(decoded, 0);
        return;
    }
    assert!(decoded > 0);
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "streams::the_kill_switch_keeps_streams_on_the_cpu"])
        .env("RANS_BACKEND", "cpu")
        .status();
    assert!(status.unwrap().success());
}
