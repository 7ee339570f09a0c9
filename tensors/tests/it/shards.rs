//! Models in several files, plain and compressed side by side.

use std::fs;

use ranstream_tensors::{Shards, TensorErrorKind};
use tempfile::TempDir;

use crate::files::{coded, model, safetensors};

const INDEX: &str = "model.safetensors.index.json";

/// Three shards: one plain, one compressed, one as the caller says.
fn folder(third: &str) -> TempDir {
    let (folder, entries) = (tempfile::tempdir().unwrap(), model());
    let mut map = Vec::new();
    for (number, part) in entries.chunks(4).enumerate() {
        let (file, shard) = (safetensors(part), format!("model-0000{}-of-00003.safetensors", number + 1));
        let (name, bytes) = match (number, third) {
            (0, _) | (_, "plain") => (shard.clone(), file),
            (1, _) | (_, "coded") => (format!("{shard}.rans"), coded(&file, 3000)),
            _ => ("other".to_owned(), file),
        };
        fs::write(folder.path().join(name), bytes).unwrap();
        map.extend(part.iter().map(|(tensor, ..)| format!("{tensor:?}:{shard:?}")));
    }
    let index = format!("{{\"metadata\":{{\"total_size\":1}},\"weight_map\":{{{}}}}}", map.join(","));
    fs::write(folder.path().join(INDEX), index).unwrap();
    folder
}

#[test]
fn shards_plain_and_compressed() {
    for third in ["plain", "coded"] {
        let folder = folder(third);
        let shards = Shards::open(folder.path()).unwrap();
        assert_eq!((shards.len(), shards.shards().len()), (model().len(), 3));
        for (name, .., bytes) in model() {
            let mut out = vec![0; bytes.len()];
            shards.tensor(&name).unwrap().decode_into(&mut out).unwrap();
            assert!(out == bytes, "{name}");
        }
        let mut outs: Vec<Vec<u8>> = model().iter().map(|(.., bytes)| vec![0; bytes.len()]).collect();
        let mut places = outs.iter_mut();
        shards.decode_all(2, |_| places.next().map(|out| &mut out[..])).unwrap();
        assert!(outs.iter().zip(model()).all(|(out, (.., bytes))| *out == bytes));
    }
}

#[test]
fn a_shard_that_is_missing_costs_its_own_tensors() {
    let folder = folder("missing");
    let shards = Shards::open(folder.path()).unwrap();
    let entries = model();
    let error = shards.tensor(&entries[9].0).unwrap_err();
    assert!(matches!(&error.kind, TensorErrorKind::ShardMissing { shard } if shard.contains("00003")), "{error}");
    assert_eq!(error.tensor.as_deref(), Some(&*entries[9].0));
    let mut outs: Vec<Vec<u8>> = entries.iter().map(|(.., bytes)| vec![0; bytes.len()]).collect();
    let mut places = outs.iter_mut();
    let error = shards.decode_all(1, |_| places.next().map(|out| &mut out[..])).unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::ShardMissing { .. }) && error.others.is_empty(), "{error}");
    assert!(outs.iter().zip(&entries).take(8).all(|(out, (.., bytes))| out == bytes));
}

#[test]
fn one_file_needs_no_index() {
    for coded_too in [false, true] {
        let (folder, file) = (tempfile::tempdir().unwrap(), safetensors(&model()));
        let (name, bytes) =
            if coded_too { ("model.safetensors.rans", coded(&file, 8000)) } else { ("model.safetensors", file) };
        fs::write(folder.path().join(name), bytes).unwrap();
        let shards = Shards::open(folder.path()).unwrap();
        let mut scale = [0; 8];
        shards.tensor("scale").unwrap().decode_into(&mut scale).unwrap();
        assert_eq!(scale, 1.5_f64.to_le_bytes());
    }
    let empty = tempfile::tempdir().unwrap();
    let error = Shards::open(empty.path()).unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::ShardMissing { .. }), "{error}");
}

#[test]
fn an_index_that_is_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (index, says) in [
        ("", "EOF"),
        ("[]", "weight_map"),
        ("{}", "missing field `weight_map`"),
        ("{\"weight_map\":{\"a\":1}}", "invalid type"),
        ("{\"weight_map\":{\"a\":\"b\"}} x", "trailing"),
        ("{\"weight_map\":{\"a\":\"b\"},\"weight_map\":{}}", "duplicate field"),
        ("{\"weight_map\":{\"a\":\"b\",\"a\":\"c\"}}", "twice"),
        ("{\"weight_map\":{\"a\":\"../b\"}}", "no name of a file"),
        ("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "no name of a file"),
        ("{\"weight_map\":{\"a\":\"..\"}}", "no name of a file"),
        ("{\"weight_map\":{\"a\":\"\"}}", "no name of a file"),
    ] {
        fs::write(folder.path().join(INDEX), index).unwrap();
        let error = Shards::open(folder.path()).unwrap_err();
        assert!(matches!(error.kind, TensorErrorKind::ShardIndex { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}, not {says}");
    }
    fs::write(folder.path().join("b"), safetensors(&model())).unwrap();
    fs::write(folder.path().join(INDEX), "{\"weight_map\":{\"a\":\"b\"}}").unwrap();
    let error = Shards::open(folder.path()).unwrap().tensor("a").unwrap_err();
    assert!(matches!(error.kind, TensorErrorKind::NotInShard { .. }), "{error}");
}
