//! The files in `tests/golden`: what they hold never changes, whatever becomes of the encoder.
//!
//! `RANS_BLESS=1 cargo test --test it golden` writes the ones that are missing. A file that is
//! there is never written again: streams that were released must decode for ever, so a file goes
//! only when somebody deletes it. FORMAT.md, section 17, lists them all.

#![allow(clippy::too_many_lines, reason = "tables of files, one for each rule")]

mod bad;
mod bad_payloads;
mod bad_pivot;
mod frames;
mod good;
mod lz;
mod messages;
mod order;
mod planes;
mod predicted;
mod table;

use std::{fs, io::Read as _, path::PathBuf};

use ranstream::{DecodeOptions, Error, RansReader, decompress, stream::Decoder};

use crate::steps::{self, Cuts};

/// A stream, and what a reader of it gets.
#[derive(Debug, Clone)]
struct Golden {
    /// Its file's name, without the ending.
    name: String,
    /// What is special about it, one line.
    what: &'static str,
    stream: Vec<u8>,
    /// The raw bytes, in a bad stream those before the error.
    raw: Vec<u8>,
    error: Option<Error>,
}

#[test]
fn every_stream_decodes_to_its_bytes_and_its_error() {
    for Golden { name, stream, raw, error, .. } in all() {
        let stream = file(&format!("{name}.rans"), &stream);
        let mut read = Vec::new();
        let result = RansReader::new(&stream[..]).read_to_end(&mut read);
        assert_eq!(result.err().map(|error| Error::try_from(error).unwrap()), error, "{name}, RansReader");
        assert!(read == raw, "{name}: the raw bytes are other ones");

        let expected = error.map_or(Ok(()), Err);
        let result = decompress(&stream, &DecodeOptions::new());
        assert_eq!(result.map(|whole| assert_eq!(whole, raw, "{name}")), expected, "{name}, decompress");

        for (sizes, threads) in [(vec![1, raw.len() + 1], 1), (vec![stream.len() + 1], 1), (vec![700, 1], 0)] {
            let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
            let (good, result) = steps::decode(&mut decoder, &stream, &Cuts::new(sizes.clone()));
            assert_eq!(good, raw, "{name}, in steps of {sizes:?}");
            match (result, &expected) {
                // A wrong magic is reported with its first wrong byte.
                (Err(Error::NotAStream { .. }), Err(Error::NotAStream { .. })) => {}
                (result, expected) => assert_eq!(&result, expected, "{name}, in steps of {sizes:?}"),
            }
        }
    }
}

#[test]
fn files_are_as_they_are_made() {
    for Golden { name, stream, .. } in all() {
        assert!(file(&format!("{name}.rans"), &stream) == stream, "{name} is made otherwise than it was");
    }
}

#[test]
fn no_file_is_forgotten() {
    let mut known: Vec<String> = all().into_iter().map(|golden| golden.name + ".rans").collect();
    known.extend(frames::all().into_iter().map(|frame| frame.name));
    known.extend(messages::frames().into_iter().map(|frame| frame.name));
    known.extend(messages::models().into_iter().map(|model| model.name));
    // Unit tests of the library make these: no stream has them yet.
    known.extend(["README.md", "sections"].map(String::from));
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "nothing in the tests makes {name}");
    }
}

fn all() -> Vec<Golden> {
    let all: Vec<Golden> = [
        good::all(),
        lz::good(),
        planes::good(),
        predicted::good(),
        bad::all(),
        bad_payloads::all(),
        bad_pivot::all(),
        lz::bad(),
        planes::bad(),
        predicted::bad(),
        order::all(),
    ]
    .concat();
    let mut names: Vec<_> = all.iter().map(|golden| &golden.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two files have one name: {names:?}");
    all
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The bytes of a file. With `RANS_BLESS=1` it is made of `bytes` if it is not there.
fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = folder().join(name);
    if is_blessed() && !path.exists() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}; RANS_BLESS=1 makes it"))
}

fn is_blessed() -> bool {
    std::env::var_os("RANS_BLESS").is_some_and(|value| value == "1")
}

/// `i` with its bits stirred, 16 bits. No crate's generator: these bytes must be the same for ever.
fn stirred(i: usize) -> usize {
    let x = (i as u32).wrapping_mul(0x9E37_79B1);
    let x = (x ^ x >> 15).wrapping_mul(0x85EB_CA77);
    ((x ^ x >> 13) >> 8 & 0xFFFF) as usize
}

/// Five letters, of unequal frequency.
fn letters(len: usize) -> Vec<u8> {
    (0..len).map(|i| b"aaaaaaaabbbbccde"[stirred(i) % 16]).collect()
}

/// One byte in sixteen is another one.
fn two_symbols(len: usize) -> Vec<u8> {
    (0..len).map(|i| if stirred(i).is_multiple_of(16) { b'b' } else { b'a' }).collect()
}

/// All 256 values, small ones more often.
fn all_values(len: usize) -> Vec<u8> {
    (0..len).map(|i| if i < 256 { i as u8 } else { (stirred(i) & stirred(7 * i + 1)) as u8 }).collect()
}
