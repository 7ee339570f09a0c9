//! How many threads there are. A process of its own: others would be counted, too.
#![cfg(all(feature = "rayon", target_os = "linux"))]

use std::{
    fs,
    io::{Read, Write},
    time::{Duration, Instant},
};

use ranstream::{DecodeOptions, EncodeOptions, RansReader, RansWriter, compress};

/// Threads of this process that are ours.
fn ours() -> usize {
    let name = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
    fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(Result::ok)
        .map(name)
        .filter(|name| name.starts_with("ranstream"))
        .count()
}

/// Waits until there are so many threads: those of a pool that was dropped take a moment to end.
fn wait_for(threads: usize) {
    let begun = Instant::now();
    while ours() != threads {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} threads, not {threads}", ours());
        std::thread::yield_now();
    }
}

#[test]
fn threads_start_with_the_first_block_that_needs_them_and_belong_to_all_clones() {
    let (raw, options) = (vec![3; 600_000], EncodeOptions::new().level(0).threads(4));
    let writers: Vec<_> = (0..20).map(|_| RansWriter::with_options(Vec::new(), options.clone())).collect();
    assert_eq!(ours(), 0, "idle writers have no threads");

    // Short streams.
    let streams: Vec<Vec<u8>> = writers
        .into_iter()
        .map(|mut writer| {
            writer.write_all(&[3; 100]).unwrap();
            writer.flush().unwrap();
            writer.write_all(&[5; 100]).unwrap();
            writer.finish().unwrap()
        })
        .collect();
    assert_eq!(ours(), 0, "short blocks need no threads");
    let decoding = DecodeOptions::new().threads(4);
    for stream in &streams {
        let mut reader = RansReader::with_options(&stream[..], decoding.clone());
        let mut raw = Vec::new();
        reader.read_to_end(&mut raw).unwrap();
        assert_eq!(raw.len(), 200);
    }
    assert!(compress(&raw[..100_000], &options).unwrap().len() < 100);
    assert_eq!(ours(), 0, "a single block needs no threads");

    // Long ones, from clones of one value.
    let writers: Vec<_> = (0..20)
        .map(|_| {
            let mut writer = RansWriter::with_options(Vec::new(), options.clone());
            writer.write_all(&raw).unwrap();
            writer
        })
        .collect();
    let stream = writers.into_iter().map(|writer| writer.finish().unwrap()).next_back().unwrap();
    wait_for(4);
    let mut back = Vec::new();
    RansReader::with_options(&stream[..], decoding.clone()).read_to_end(&mut back).unwrap();
    assert!(back == raw);
    wait_for(8);

    // Other threads are another pool, and what is dropped ends.
    let other = options.clone().threads(2);
    compress(&raw, &other).unwrap();
    wait_for(10);
    drop((options, other));
    wait_for(4);
    drop(decoding);
    wait_for(0);

    // Far more than there are cores.
    let cores = std::thread::available_parallelism().unwrap().get();
    let many = EncodeOptions::new().level(0).threads(1024);
    assert_eq!(compress(&raw, &many), compress(&raw, &EncodeOptions::new().level(0)));
    wait_for(1024.min(4 * cores));
}
