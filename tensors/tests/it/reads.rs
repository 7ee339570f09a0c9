//! How often a file is read, and how much of it.

use ranstream_tensors::Archive;

use crate::files::{Counted, Entry, bf16, coded, safetensors};

/// A thousand tensors, 2 MB in all.
fn many() -> Vec<Entry> {
    let tensor = |index| {
        let name = format!("model.layers.{index}.self_attn.q_proj.weight");
        (name, "BF16", vec![20, 50], bf16(1000, index))
    };
    (0..1000).map(tensor).collect()
}

#[test]
fn a_tensor_of_a_file_that_is_far_away_takes_tail_header_and_one_read() {
    let entries = many();
    let source = Counted::new(coded(&safetensors(&entries), 64 << 10));
    let archive = Archive::open(&source).unwrap();
    let (reads, bytes) = source.take();
    assert!(reads <= 3 && bytes <= 256 << 10, "{reads} reads of {bytes} bytes to open");
    for index in [0, 500, 999] {
        let (name, _, _, expected) = &entries[index];
        let mut out = vec![0; expected.len()];
        archive.tensor(name).unwrap().decode_into(&mut out).unwrap();
        assert!(&out == expected);
        let (reads, bytes) = source.take();
        let coded_len = archive.tensor(name).unwrap().coded_len();
        assert_eq!(reads, 1);
        assert!(bytes <= coded_len + coded_len / 10 + (64 << 10), "{bytes} bytes for {coded_len}");
    }
}

#[test]
fn a_short_file_takes_one_read() {
    let entries = vec![("a".to_owned(), "BF16", vec![1000], bf16(1000, 1))];
    for file in [safetensors(&entries), coded(&safetensors(&entries), 4096)] {
        let source = Counted::new(file);
        Archive::open(&source).unwrap();
        assert_eq!(source.take().0, 1);
    }
}

#[test]
fn neighbours_are_read_at_once_up_to_the_bound() {
    let entries = vec![("a".to_owned(), "BF16", vec![2_000_000], bf16(2_000_000, 1))];
    let source = Counted::new(coded(&safetensors(&entries), 64 << 10));
    for (read_len, most) in [(1 << 20, 5), (100 << 20, 1), (1, 62)] {
        let archive = Archive::builder().read_len(read_len).open(&source).unwrap();
        source.take();
        let mut out = vec![0; entries[0].3.len()];
        archive.tensor("a").unwrap().decode_into(&mut out).unwrap();
        assert!(out == entries[0].3);
        let (reads, bytes) = source.take();
        assert!(reads <= most && bytes <= archive.tensor("a").unwrap().coded_len(), "{reads} reads");
    }
}
