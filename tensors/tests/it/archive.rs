//! Every way to a tensor's bytes gives the bytes of the file.

use std::io::Write;

use rand::RngExt;
use ranstream::{EncodeOptions, block, compress};
use ranstream_tensors::{
    Archive, Container, Profile, ReadAt, Readable, TensorErrorKind, TensorOptions, TensorWriter, Want,
};

use crate::files::{Counted, coded, model, rng, safetensors};

/// The model plain, and in blocks that end anywhere, from memory and from elsewhere.
fn sources() -> Vec<(String, Box<dyn ReadAt>)> {
    let file = safetensors(&model());
    let mut sources: Vec<(String, Box<dyn ReadAt>)> = vec![
        ("plain".to_owned(), Box::new(file.clone())),
        ("plain, read".to_owned(), Box::new(Counted::new(file.clone()))),
        ("without an index".to_owned(), Box::new(compress(&file, &EncodeOptions::new().block_len(9999)).unwrap())),
        (
            "levels".to_owned(),
            Box::new(Counted::new(compress(&file, &EncodeOptions::new().level(3).block_len(30_000)).unwrap())),
        ),
        ("two streams".to_owned(), Box::new([coded(&file[..90_001], 4000), coded(&file[90_001..], 50_000)].concat())),
    ];
    for profile in [Profile::Fast, Profile::Small, Profile::Device] {
        let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new().profile(profile));
        writer.write_all(&file).unwrap();
        sources.push((format!("{profile:?}"), Box::new(Counted::new(writer.finish().unwrap()))));
    }
    for block_len in [1000, 4096, 70_000] {
        let stream = coded(&file, block_len);
        sources.push((format!("blocks of {block_len}"), Box::new(stream.clone())));
        sources.push((format!("blocks of {block_len}, read"), Box::new(Counted::new(stream))));
    }
    sources
}

#[test]
fn every_tensor_alone_and_all_at_once() {
    for (name, source) in sources() {
        let archive = Archive::open(source).unwrap();
        assert_eq!(archive.container(), Container::SafeTensors, "{name}");
        assert_eq!(archive.tensors().len(), model().len());
        for (tensor, dtype, shape, bytes) in model() {
            let found = archive.tensor(&tensor).unwrap();
            assert_eq!((found.info().dtype.to_string(), &found.info().shape), (dtype.to_owned(), &shape));
            let mut out = vec![0xAA; bytes.len()];
            found.decode_into(&mut out).unwrap();
            assert!(out == bytes, "{name}: {tensor}");
        }
        for threads in [1, 3, 0] {
            let mut outs: Vec<Vec<u8>> = archive.tensors().iter().map(|info| vec![0xAA; info.len() as usize]).collect();
            let mut places = outs.iter_mut();
            archive.decode_all(threads, |_| places.next().map(|out| &mut out[..])).unwrap();
            let expected: Vec<_> = model().into_iter().map(|(.., bytes)| bytes).collect();
            assert!(outs == expected, "{name}, {threads} threads");
        }
    }
}

#[test]
fn what_nobody_wants_is_not_decoded() {
    let (file, entries) = (safetensors(&model()), model());
    let source = Counted::new(coded(&file, 10_000));
    let archive = Archive::open(&source).unwrap();
    source.take();
    let mut out = vec![0; entries[3].3.len()];
    let mut place = Some(&mut out[..]);
    archive.decode_all(2, |info| if info.name == entries[3].0 { place.take() } else { None }).unwrap();
    assert!(out == entries[3].3);
    let coded_len = archive.tensor(&entries[3].0).unwrap().coded_len();
    assert_eq!(source.take().1, coded_len);
}

#[test]
fn rows_and_bytes_are_slices_of_the_tensor() {
    let sources: Vec<_> = sources().into_iter().map(|(_, source)| Archive::open(source).unwrap()).collect();
    let (entries, mut rng) = (model(), rng(1));
    // All of them where arithmetic is fast.
    let rounds = if cfg!(debug_assertions) { 3000 } else { 10_000 };
    for round in 0..rounds {
        let archive = &sources[round % sources.len()];
        let (name, _, shape, bytes) = &entries[rng.random_range(0..entries.len())];
        let tensor = archive.tensor(name).unwrap();
        let range = |rng: &mut rand::rngs::StdRng, len: u64| {
            let start = rng.random_range(0..=len);
            start..rng.random_range(start..=len.min(start + len / 8 + 1))
        };
        let (part, expected) = if let (Some(row_len), true) = (tensor.info().row_len(), rng.random_bool(0.5)) {
            let rows = range(&mut rng, shape[0]);
            let slice = (rows.start * row_len) as usize..(rows.end * row_len) as usize;
            (tensor.rows(rows).unwrap(), &bytes[slice])
        } else {
            let range = range(&mut rng, bytes.len() as u64);
            (tensor.bytes(range.clone()).unwrap(), &bytes[range.start as usize..range.end as usize])
        };
        let mut out = vec![0xAA; part.len() as usize];
        part.decode_into(&mut out).unwrap();
        assert!(out == expected, "{name}, {part:?}");
    }
}

#[test]
fn the_file_comes_back_whole_and_in_parts() {
    let file = safetensors(&model());
    for (name, source) in sources() {
        let archive = Archive::builder().threads(2).open(source).unwrap();
        let mut all = Vec::new();
        archive.copy_raw(0..archive.len().unwrap(), &mut all).unwrap();
        assert!(all == file, "{name}");
        let mut part = Vec::new();
        archive.copy_raw(3..100_001, &mut part).unwrap();
        assert!(part == file[3..100_001], "{name}");
        let error = archive.copy_raw(0..file.len() as u64 + 1, Vec::new()).unwrap_err();
        assert!(matches!(error.kind, TensorErrorKind::OutOfRange { .. }), "{error}");
    }
}

#[test]
fn a_plan_reads_nothing_and_needs_no_other_bytes() {
    let (file, entries) = (safetensors(&model()), model());
    for stream in [file.clone(), coded(&file, 3000), coded(&file, 100_000)] {
        let source = Counted::new(stream.clone());
        let archive = Archive::open(&source).unwrap();
        source.take();
        let wants = [Want::rows("table", 7..9), Want::tensor("layer.1.norm"), Want::rows("layer.0.weight", 0..100)];
        let plan = archive.plan(&wants).unwrap();
        let fetched: Vec<_> =
            plan.ranges().iter().map(|range| &stream[range.start as usize..range.end as usize]).collect();
        let mut outs: Vec<Vec<u8>> = plan.lens().map(|len| vec![0; len as usize]).collect();
        let mut places: Vec<&mut [u8]> = outs.iter_mut().map(|out| &mut out[..]).collect();
        plan.decode(&fetched, &mut places, 2).unwrap();
        assert!(outs[0] == entries[11].3[700..900] && outs[1] == entries[4].3 && outs[2] == entries[0].3);
        assert_eq!(source.take(), (0, 0));
        assert!(plan.ranges().windows(2).all(|pair| pair[0].end + (64 << 10) < pair[1].start));

        let mut places: Vec<&mut [u8]> = outs.iter_mut().map(|out| &mut out[..]).collect();
        let error = plan.decode(&fetched[..0], &mut places, 1).unwrap_err();
        assert!(matches!(error.kind, TensorErrorKind::RangesMissing { given: 0, .. }), "{error}");
        let error = plan.decode(&fetched, &mut places[1..], 1).unwrap_err();
        assert!(matches!(error.kind, TensorErrorKind::BufferCount { needed: 3, given: 2 }), "{error}");
    }
}

#[test]
fn wrong_questions_are_errors_that_name_the_tensor() {
    let archive = Archive::open(coded(&safetensors(&model()), 5000)).unwrap();
    let error = archive.tensor("layer").unwrap_err();
    assert_eq!(error.to_string(), "tensor \"layer\": there is no such tensor");
    let tensor = archive.tensor("table").unwrap();
    let error = tensor.rows(499..501).unwrap_err();
    assert_eq!(error.to_string(), "tensor \"table\": 499..501 is asked for, of 500");
    #[expect(clippy::reversed_empty_ranges, reason = "that is the fault")]
    let error = tensor.bytes(8..7).unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::OutOfRange { start: 8, end: 7, len: 50_000 }), "{error}");
    let error = tensor.decode_into(&mut vec![0; 49_999]).unwrap_err();
    assert_eq!(error.to_string(), "tensor \"table\": 50000 bytes go into a buffer of 49999");
    let error = archive.tensor("scale").unwrap().rows(0..1).unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::NoRows), "{error}");
    let mut short = [0; 3];
    let mut place = Some(&mut short[..]);
    let error = archive.decode_all(1, |_| place.take()).unwrap_err();
    assert!(error.tensor.is_some() && matches!(error.kind, TensorErrorKind::BufferLen { .. }), "{error}");
}

#[test]
fn blocks_that_a_device_cannot_decode_are_told() {
    let file = safetensors(&model());
    let lanes = Archive::open(coded(&file, 40_000)).unwrap();
    assert_eq!(lanes.tensor("layer.1.weight").unwrap().device_readable(), Readable::Yes);
    let stream = compress(&file, &EncodeOptions::new().level(3).block_len(40_000).index(true)).unwrap();
    let matches = Archive::open(stream).unwrap();
    assert!(matches!(matches.tensor("table").unwrap().device_readable(), Readable::Yes | Readable::Blockers(_)));
    let share: f64 = lanes.tensors().iter().map(|info| lanes.tensor(&info.name).unwrap().coded_share()).sum();
    let mut whole = Vec::new();
    block::encode(&file[file.len() - 40_000..], &EncodeOptions::new(), &mut whole).unwrap();
    assert!(share > 100_000.0 && share < file.len() as f64, "{share}");
}
