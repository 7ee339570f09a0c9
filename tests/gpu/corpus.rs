//! Files of many kinds, restored by a reader with a device behind it.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
};

use rand::RngExt;
use ranstream::{DecodeOptions, EncodeOptions, RansReader, compress, gpu::Backend};

use crate::data::{bytes, rng};

/// The files of the folder that `RANS_TEST_CORPUS` names, or of the one beside the repository;
/// where there is none, files made here.
fn files() -> Vec<(String, Vec<u8>)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = env::var_os("RANS_TEST_CORPUS").map_or(beside, PathBuf::from);
    let Ok(entries) = fs::read_dir(&folder) else {
        assert!(
            env::var_os("RANS_TEST_CORPUS").is_none(),
            "RANS_TEST_CORPUS is {}, which cannot be read",
            folder.display()
        );
        println!("skipped: no folder of files, RANS_TEST_CORPUS can name one; files made here instead");
        return made();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Lengths around those of blocks and segments, many kinds of bytes in each.
fn made() -> Vec<(String, Vec<u8>)> {
    let mut rng = rng(800);
    let lens = [0, 1, 1000, 8 << 10, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3_000_000];
    lens.map(|len| {
        let mut raw = Vec::new();
        while raw.len() < len {
            let piece = rng.random_range(1..100_000).min(len - raw.len());
            raw.extend(bytes(&mut rng, piece));
        }
        (format!("{len} bytes"), raw)
    })
    .into()
}

#[test]
fn every_file_is_restored() {
    let Some(gpu) = Backend::Gpu.device() else {
        assert!(env::var_os("RANS_REQUIRE_GPU").is_none(), "RANS_REQUIRE_GPU is set, and there is no adapter");
        println!("skipped: no adapter");
        return;
    };
    println!("{}, form {}", gpu.info().name, gpu.form());
    let encode = EncodeOptions::new().level(0).segment_len(16 << 10).content_check(true);
    let decode = DecodeOptions::new().backend(Backend::Gpu);
    for (name, raw) in files() {
        let stream = compress(&raw, &encode).unwrap();
        let (before, mut back) = (gpu.tally(), Vec::new());
        let mut reader = RansReader::with_options(&stream[..], decode.clone());
        reader.read_to_end(&mut back).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(back == raw, "{name} is not what it was");
        let blocks = reader.progress().blocks();
        // No other test of this program has a stream with this backend at the same time, unless it
        // is of few blocks.
        let by_device = gpu.tally().decoded - before.decoded;
        println!("{name}: {} bytes, {} coded, {blocks} blocks, {by_device} by the device", raw.len(), stream.len());
        assert!(by_device >= blocks, "{name}: {by_device} of {blocks} blocks were decoded by the device");
    }
    assert_eq!(gpu.lost(), None);
}
