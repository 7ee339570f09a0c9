//! What a writer of tensors gives: the same bytes back, and blocks that end where tensors do.

use std::io::{self, ErrorKind, Write};

use rand::RngExt;
use ranstream::{DecodeOptions, EncodeOptions, Mode, RansWriter, decompress, format::BlockMode};
use ranstream_tensors::{Archive, Container, Profile, TensorOptions, TensorWriter};

use crate::files::{bf16, bytes, f32, model, rng, safetensors};

const PROFILES: [Profile; 3] = [Profile::Fast, Profile::Small, Profile::Device];

fn written(file: &[u8], options: TensorOptions) -> Vec<u8> {
    let mut writer = TensorWriter::new(Vec::new(), options);
    writer.write_all(file).unwrap();
    writer.finish().unwrap()
}

fn of_bytes(file: &[u8], options: EncodeOptions) -> Vec<u8> {
    let mut writer = RansWriter::with_options(Vec::new(), options);
    writer.write_all(file).unwrap();
    writer.finish().unwrap()
}

fn back(stream: &[u8]) -> Vec<u8> {
    decompress(stream, &DecodeOptions::new()).unwrap()
}

#[test]
fn every_file_comes_back_in_every_profile() {
    let file = safetensors(&model());
    for profile in PROFILES {
        let stream = written(&file, TensorOptions::new().profile(profile));
        assert!(back(&stream) == file, "{profile:?}");
        let archive = Archive::open(stream).unwrap();
        for (name, .., bytes) in model() {
            let mut out = vec![0; bytes.len()];
            archive.tensor(&name).unwrap().decode_into(&mut out).unwrap();
            assert!(out == bytes, "{profile:?}: {name}");
        }
    }
}

#[test]
fn blocks_end_where_tensors_do() {
    let entries = vec![
        ("a".to_owned(), "BF16", vec![1000, 400], bf16(400_000, 1)),
        ("b".to_owned(), "F32", vec![100, 500], f32(50_000, 2)),
        ("c".to_owned(), "F32", vec![50], f32(50, 3)),
        ("d".to_owned(), "F32", vec![60], f32(60, 4)),
        ("e".to_owned(), "I8", vec![300, 1000], bytes(300_000, 5)),
    ];
    let archive = Archive::open(written(&safetensors(&entries), TensorOptions::new())).unwrap();
    let ranges = |name: &str| {
        let tensor = archive.tensor(name).unwrap();
        tensor.bytes(0..tensor.info().len()).unwrap().coded_ranges()
    };
    for pair in ["a", "b", "c", "e"].windows(2) {
        assert!(ranges(pair[0])[0].end <= ranges(pair[1])[0].start, "{pair:?} share a block");
    }
    assert_eq!(ranges("c"), ranges("d"), "small neighbours share one");
    let modes = archive.tensor("a").unwrap().modes();
    assert_eq!(modes.len(), 1);
    assert_eq!(modes[0].0, BlockMode::Planes);
    // 256 Ki elements, rounded down to rows of 400.
    assert_eq!(modes[0].1, 2);
    let share = archive.tensor("a").unwrap().coded_share() / 800_000.0;
    assert!(share < 0.68, "{share}");
}

#[test]
fn what_is_no_model_is_the_stream_of_bytes() {
    let text = b"no model, but text that goes on for a while; ".repeat(3000);
    let file = safetensors(&model());
    let mut broken = file.clone();
    broken[20] ^= 1;
    // A header that asks for more than there is, and one that is not waited for.
    let cut = file[..300].to_vec();
    let encode = EncodeOptions::new().level(1).content_check(true);
    let short = TensorOptions::new().encode(encode.clone()).max_header_len(100);
    for (bytes, options) in [
        (&text[..], TensorOptions::new().encode(encode.clone())),
        (b"", TensorOptions::new().encode(encode.clone())),
        (b"GGU", TensorOptions::new().encode(encode.clone())),
        (b"GGUF", TensorOptions::new().encode(encode.clone())),
        (&broken, TensorOptions::new().encode(encode.clone())),
        (&cut, TensorOptions::new().encode(encode.clone())),
        (&file, short),
    ] {
        assert!(written(bytes, options) == of_bytes(bytes, encode.clone()));
    }
    let forced = encode.mode(Mode::Lanes);
    assert!(written(&file, TensorOptions::new().encode(forced.clone())) == of_bytes(&file, forced));
}

#[test]
fn how_it_is_written_makes_no_difference() {
    let (file, mut rng) = (safetensors(&model()), rng(8));
    let whole = written(&file, TensorOptions::new());
    for most in [1, 7, 5000, 100_000] {
        let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
        let mut rest = &file[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rng.random_range(1..=most).min(rest.len()));
            writer.write_all(piece).unwrap();
            rest = behind;
        }
        assert_eq!(writer.container(), Container::SafeTensors);
        assert!(writer.finish().unwrap() == whole, "pieces of {most}");
    }
    let threads = TensorOptions::new().encode(EncodeOptions::new().threads(3));
    assert!(written(&file, threads) == whole);
}

#[test]
fn what_was_flushed_can_be_read() {
    let file = safetensors(&model());
    // In the signature, the header, a sample, a tensor.
    for at in [0, 5, 100, 5000, 90_000, file.len()] {
        let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
        writer.write_all(&file[..at]).unwrap();
        writer.flush().unwrap();
        let flushed = writer.get_mut().unwrap().clone();
        let mut found = Vec::new();
        let _ = io::copy(&mut ranstream::RansReader::new(&flushed[..]), &mut found);
        assert!(found == file[..at], "{at}");
        writer.write_all(&file[at..]).unwrap();
        assert!(back(&writer.finish().unwrap()) == file, "{at}");
    }
}

/// Takes few bytes at a time, and now and then none.
#[derive(Debug)]
struct Reluctant(Vec<u8>, u32);

impl Write for Reluctant {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = buf.len().min(3000);
        self.0.extend(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_would_block_is_gone_on_with() {
    let file = safetensors(&model());
    let mut writer = TensorWriter::new(Reluctant(Vec::new(), 0), TensorOptions::new());
    let mut rest = &file[..];
    while !rest.is_empty() {
        match writer.write(rest) {
            Ok(taken) => rest = &rest[taken..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    while let Err(error) = writer.try_finish() {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    assert!(writer.get_mut().unwrap().0 == written(&file, TensorOptions::new()));
}

#[test]
fn a_tensor_that_repeats_is_found_out() {
    let wave: Vec<u8> = bf16(500, 1).into_iter().cycle().take(400_000).collect();
    let entries = vec![("wave".to_owned(), "BF16", vec![200_000], wave)];
    let archive = Archive::open(written(&safetensors(&entries), TensorOptions::new())).unwrap();
    let share = archive.tensor("wave").unwrap().coded_share() / 400_000.0;
    assert!(share < 0.05, "{share}");
}
