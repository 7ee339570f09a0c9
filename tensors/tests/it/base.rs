//! Models over the one that they were tuned from.

use std::{
    fs, io,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rand::RngExt;
use ranstream::{Base, DecodeOptions, EncodeOptions, Error, decompress, format::BlockMode};
use ranstream_tensors::{
    Archive, BaseModel, Profile, ReadAt, Shards, TensorError, TensorErrorKind, TensorOptions, TensorWriter, Want,
};

use crate::files::{Counted, Entry, bf16, coded, model, rng, safetensors};

/// The model after some steps of training: a part of its floats has changed a little.
fn tuned(entries: &[Entry]) -> Vec<Entry> {
    let mut rng = rng(77);
    let mut entries = entries.to_vec();
    for (_, dtype, _, bytes) in &mut entries {
        let width = if *dtype == "BF16" { 2 } else { 4 };
        for element in bytes.chunks_exact_mut(width).filter(|_| rng.random_bool(0.2)) {
            element[0] = element[0].wrapping_add(1);
        }
    }
    entries
}

fn over(base: &BaseModel, file: &[u8], profile: Profile) -> Vec<u8> {
    let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new().profile(profile).base(base));
    writer.write_all(file).unwrap();
    writer.finish().unwrap()
}

fn alone(file: &[u8]) -> Vec<u8> {
    let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
    writer.write_all(file).unwrap();
    writer.finish().unwrap()
}

/// Every tensor, alone and all at once, and rows.
fn check(archive: &Archive<'_>, entries: &[Entry]) {
    for (name, _, shape, bytes) in entries {
        let tensor = archive.tensor(name).unwrap();
        let mut out = vec![0xAA; bytes.len()];
        tensor.decode_into(&mut out).unwrap();
        assert!(&out == bytes, "{name}");
        if let (Some(row_len), Some(&rows @ 1..)) = (tensor.info().row_len(), shape.first()) {
            let mut row = vec![0xAA; row_len as usize];
            tensor.rows(rows - 1..rows).unwrap().decode_into(&mut row).unwrap();
            assert!(row == bytes[bytes.len() - row.len()..], "{name}");
        }
    }
    for threads in [1, 3] {
        let mut outs: Vec<Vec<u8>> = archive.tensors().iter().map(|info| vec![0xAA; info.len() as usize]).collect();
        let mut places = outs.iter_mut();
        archive.decode_all(threads, |_| places.next().map(|out| &mut out[..])).unwrap();
        assert!(outs.iter().zip(entries).all(|(out, (.., bytes))| out == bytes), "{threads} threads");
    }
}

fn error_of(archive: &Archive<'_>, name: &str) -> TensorError {
    let tensor = archive.tensor(name).unwrap();
    tensor.decode_into(&mut vec![0; tensor.info().len() as usize]).unwrap_err()
}

#[test]
fn a_tuned_model_is_small_and_comes_back_over_a_plain_and_a_compressed_base() {
    let (old, new) = (model(), tuned(&model()));
    let (old_file, file) = (safetensors(&old), safetensors(&new));
    let compressed = alone(&old_file);
    for profile in [Profile::Fast, Profile::Small] {
        let plain = BaseModel::open(old_file.clone()).unwrap();
        let stream = over(&plain, &file, profile);
        assert!(stream.len() < alone(&file).len() / 2, "{} bytes, {profile:?}", stream.len());
        for base in [plain, BaseModel::open(Counted::new(compressed.clone())).unwrap()] {
            assert!(over(&base, &file, profile) == stream, "the same base, compressed");
            check(&Archive::open(&stream[..]).unwrap().with_base(&base), &new);
            check(&Archive::builder().base(&base).open(Counted::new(stream.clone())).unwrap(), &new);
            let back = decompress(&stream, &DecodeOptions::new().base(base.bytes().clone()));
            assert!(back.as_deref() == Ok(&file));
        }
    }
}

#[test]
fn a_base_over_a_base_serves_too() {
    let first = model();
    let (second, third) = (tuned(&first), tuned(&tuned(&first)));
    let base = BaseModel::open(safetensors(&first)).unwrap();
    let step = over(&base, &safetensors(&second), Profile::Fast);
    let base = BaseModel::new(Archive::open(step).unwrap().with_base(&base)).unwrap();
    let last = over(&base, &safetensors(&third), Profile::Fast);
    check(&Archive::open(last).unwrap().with_base(&base), &third);
}

#[test]
fn tensors_are_found_by_name_type_and_length() {
    let weights = |seed| bf16(40_000, seed);
    let entry = |name: &str, dtype, bytes: Vec<u8>| (name.to_owned(), dtype, vec![bytes.len() as u64 / 2], bytes);
    let old = [
        entry("a", "BF16", weights(1)),
        entry("b", "BF16", weights(2)),
        entry("c", "BF16", weights(3)),
        entry("longer", "BF16", weights(4)),
    ];
    let shorter = old[3].3[..79_000].to_vec();
    let new = [
        entry("added", "BF16", weights(5)),
        entry("c", "BF16", old[2].3.clone()),
        entry("b", "F16", old[1].3.clone()),
        entry("a", "BF16", old[0].3.clone()),
        entry("longer", "BF16", shorter),
    ];
    let base = BaseModel::open(safetensors(&old)).unwrap();
    let archive = Archive::open(over(&base, &safetensors(&new), Profile::Fast)).unwrap().with_base(&base);
    check(&archive, &new);
    for (name, has_base) in [("added", false), ("c", true), ("b", false), ("a", true), ("longer", false)] {
        let modes = archive.tensor(name).unwrap().modes();
        assert_eq!(modes[0].0 == BlockMode::PlanesOverBase, has_base, "{name}: {modes:?}");
    }
    // Blocks that need none decode without.
    let archive = Archive::open(over(&base, &safetensors(&new), Profile::Fast)).unwrap();
    assert!(matches!(error_of(&archive, "a").kind, TensorErrorKind::Stream(Error::NeedsBase { .. })));
    archive.tensor("b").unwrap().decode_into(&mut vec![0; 80_000]).unwrap();
}

#[test]
fn small_tensors_share_a_block_over_a_base_that_has_them_in_a_row() {
    let entry = |index: u64, seed: u64| (format!("{index}"), "BF16", vec![3000], bf16(3000, seed));
    let old: Vec<_> = (0..8).map(|index| entry(index, index)).collect();
    let swapped: Vec<_> = [1, 0, 2, 3, 4, 5, 6, 7].map(|index| old[index].clone()).into();
    let base = BaseModel::open(safetensors(&old)).unwrap();
    for (entries, len) in [(&old, 1000), (&swapped, 50_000)] {
        let stream = over(&base, &safetensors(entries), Profile::Fast);
        assert!(stream.len() < len, "{} bytes", stream.len());
        check(&Archive::open(stream).unwrap().with_base(&base), entries);
    }
}

#[test]
fn an_unrelated_base_costs_nothing() {
    let entries = vec![("w".to_owned(), "BF16", vec![200_000], bf16(200_000, 1))];
    let other = vec![("w".to_owned(), "BF16", vec![200_000], bf16(200_000, 2))];
    let file = safetensors(&entries);
    let base = BaseModel::open(safetensors(&other)).unwrap();
    let stream = over(&base, &file, Profile::Fast);
    // But the block that tells of it.
    assert!(stream.len() <= alone(&file).len() + 50, "{} bytes", stream.len());
    check(&Archive::open(stream).unwrap(), &entries);
    // Where no tensor is found, the stream is the one without.
    let unnamed = BaseModel::open(safetensors(&[("v".to_owned(), "BF16", vec![200_000], bf16(200_000, 2))])).unwrap();
    for base in [unnamed, BaseModel::open(b"no model at all".to_vec()).unwrap()] {
        assert!(over(&base, &file, Profile::Fast) == alone(&file));
    }
}

#[test]
fn a_base_of_bytes_is_taken_place_by_place() {
    let (old, new) = (safetensors(&model()), tuned(&model()));
    let file = safetensors(&new);
    let base = Base::from_bytes(old);
    let mut writer =
        TensorWriter::new(Vec::new(), TensorOptions::new().encode(EncodeOptions::new().base(base.clone())));
    writer.write_all(&file).unwrap();
    let stream = writer.finish().unwrap();
    assert!(stream.len() < alone(&file).len() / 2, "{} bytes", stream.len());
    check(&Archive::open(stream).unwrap().with_base(base), &new);
}

#[test]
fn nothing_for_devices_is_over_a_base() {
    let file = safetensors(&model());
    let base = BaseModel::open(file.clone()).unwrap();
    assert!(back(&over(&base, &file, Profile::Device)) == file);
}

fn back(stream: &[u8]) -> Vec<u8> {
    decompress(stream, &DecodeOptions::new()).unwrap()
}

#[test]
fn a_stream_tells_of_its_base() {
    let (old, file) = (safetensors(&model()), safetensors(&tuned(&model())));
    let long = "n".repeat(300);
    for (base, name) in [("the old one", "the old one"), (&long, &long[..255])] {
        let base = BaseModel::open(old.clone()).unwrap().named(base);
        let archive = Archive::open(over(&base, &file, Profile::Fast)).unwrap();
        let hint = archive.base_hint().unwrap().unwrap();
        assert_eq!((hint.len, &*hint.name), (old.len() as u64, name));
        assert_eq!(hint.hash, Base::from_bytes(old.clone()).hash().unwrap());
    }
    assert_eq!(Archive::open(alone(&file)).unwrap().base_hint().unwrap(), None);
    assert_eq!(Archive::open(&file[..]).unwrap().base_hint().unwrap(), None);
}

/// A source one of whose reads is interrupted.
struct Interrupted {
    bytes: Vec<u8>,
    next: AtomicBool,
}

impl ReadAt for Interrupted {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.next.swap(false, Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.bytes.read_exact_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&self.bytes)
    }
}

#[test]
fn a_stream_tells_of_a_base_whose_read_was_interrupted() {
    let (old, file) = (safetensors(&model()), safetensors(&tuned(&model())));
    let source = Arc::new(Interrupted { bytes: old.clone(), next: AtomicBool::new(false) });
    let base = BaseModel::open(Arc::clone(&source)).unwrap();
    source.next.store(true, Ordering::Relaxed);
    // `write_all` writes again what was interrupted.
    let stream = over(&base, &file, Profile::Fast);
    assert!(!source.next.load(Ordering::Relaxed));
    assert!(stream == over(&BaseModel::open(old).unwrap(), &file, Profile::Fast));
}

#[test]
fn a_base_that_is_wrong_missing_cut_or_broken_is_an_error_of_the_tensor() {
    let (old, new) = (safetensors(&model()), tuned(&model()));
    let base = BaseModel::open(old.clone()).unwrap();
    let stream = over(&base, &safetensors(&new), Profile::Fast);
    let name = "layer.1.weight";
    let open = || Archive::open(&stream[..]).unwrap();
    let stream_error = |archive: &Archive<'_>| {
        let error = error_of(archive, name);
        assert!(error.tensor.as_deref() == Some(name) && error.block.is_some(), "{error}");
        let TensorErrorKind::Stream(found) = error.kind else { panic!("{error}") };
        found
    };
    let at = base.archive().tensor(name).unwrap().info().range.clone();
    assert!(matches!(stream_error(&open()), Error::NeedsBase { base_offset, .. } if base_offset == at.start));
    let mut other = old.clone();
    other[at.start as usize + 9] ^= 1;
    let wrong = open().with_base(Base::from_bytes(other));
    assert!(matches!(stream_error(&wrong), Error::WrongBase { found: Some(_), .. }));
    // The tensors before it are those of the right base.
    wrong.tensor("layer.0.weight").unwrap().decode_into(&mut vec![0; 60_000]).unwrap();
    let cut = open().with_base(Base::from_bytes(old[..at.start as usize + 9].to_vec()));
    assert!(matches!(stream_error(&cut), Error::WrongBase { found: None, .. }));
    let failing = Base::new(1 << 40, |_, _| Err(io::ErrorKind::TimedOut.into()));
    let failing = stream_error(&open().with_base(failing));
    assert!(matches!(failing, Error::UnreadBase { kind: io::ErrorKind::TimedOut, .. }));
    let mut broken = coded(&old, 10_000);
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    let errors = open().with_base(&BaseModel::open(broken).unwrap());
    let mut outs: Vec<Vec<u8>> = errors.tensors().iter().map(|info| vec![0; info.len() as usize]).collect();
    let mut places = outs.iter_mut();
    let error = errors.decode_all(2, |_| places.next().map(|out| &mut out[..])).unwrap_err();
    let is_told = |error: &TensorError| error.io_kind() == io::ErrorKind::InvalidData && error.tensor.is_some();
    assert!(error.all().all(is_told), "{error}");
}

#[test]
fn a_plan_decodes_over_a_base() {
    let (old, new) = (safetensors(&model()), tuned(&model()));
    let base = BaseModel::open(old).unwrap();
    let stream = over(&base, &safetensors(&new), Profile::Fast);
    let archive = Archive::open(&stream[..]).unwrap().with_base(&base);
    let plan = archive.plan(&[Want::tensor("layer.2.weight")]).unwrap();
    let fetched: Vec<_> = plan.ranges().iter().map(|range| &stream[range.start as usize..range.end as usize]).collect();
    let mut out = vec![0; 60_000];
    plan.decode(&fetched, &mut [&mut out], 1).unwrap();
    assert!(out == new[6].3);
}

#[test]
fn each_shard_is_over_the_one_of_its_name() {
    let (old, new) = (model(), tuned(&model()));
    let (base_folder, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map = Vec::new();
    for (shard, entries) in [("1.safetensors", 0..3), ("2.safetensors", 3..6), ("3.safetensors", 6..9)] {
        let (old, file) = (safetensors(&old[entries.clone()]), safetensors(&new[entries.clone()]));
        let base = BaseModel::open(old.clone()).unwrap();
        fs::write(folder.path().join(format!("{shard}.rans")), over(&base, &file, Profile::Fast)).unwrap();
        match shard {
            "1.safetensors" => fs::write(base_folder.path().join(shard), old).unwrap(),
            "2.safetensors" => fs::write(base_folder.path().join(format!("{shard}.rans")), alone(&old)).unwrap(),
            _ => {}
        }
        map.extend(new[entries].iter().map(|(name, ..)| format!("{name:?}:{shard:?}")));
    }
    let index = format!("{{\"weight_map\":{{{}}}}}", map.join(","));
    fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    let shards = Shards::open(folder.path()).unwrap().with_base(base_folder.path());
    for (name, .., bytes) in &new[..6] {
        let mut out = vec![0; bytes.len()];
        shards.tensor(name).unwrap().decode_into(&mut out).unwrap();
        assert!(&out == bytes, "{name}");
    }
    let error = shards.tensor(&new[6].0).unwrap().decode_into(&mut vec![0; new[6].3.len()]).unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::Stream(Error::NeedsBase { .. })), "{error}");
}
