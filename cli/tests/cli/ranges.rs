//! Parts of what a file holds.

use super::folder::{Folder, skewed};

/// Two streams of ten blocks each.
const LEN: usize = 20_000;

fn folder(compress: &str) -> (Folder, Vec<u8>) {
    let raw = skewed(LEN, 7);
    let folder = Folder::with(&[("a", &raw[..LEN / 2]), ("b", &raw[LEN / 2..])]);
    folder.succeed(&format!("-q --block-size 1000 {compress} a b -o c.rans"));
    (folder, raw)
}

#[test]
fn a_range_is_the_bytes_from_its_first_up_to_its_last() {
    for compress in ["--index", "--no-index"] {
        let (folder, raw) = folder(compress);
        let coded = folder.read("c.rans");
        for (from, to) in
            [(0, 1), (0, LEN), (999, 1001), (1000, 2000), (4321, 17_654), (LEN - 1, LEN), (7, 7), (LEN, LEN)]
        {
            let line = format!("-dc --from {from} --to {to}");
            assert!(folder.succeed(&format!("{line} c.rans")).stdout == raw[from..to], "{from}..{to} of a file");
            assert!(folder.run_with(&line, &coded).stdout == raw[from..to], "{from}..{to} of a pipe");
        }
        assert!(folder.succeed("-dc --from 12K c.rans").stdout == raw[12 << 10..]);
        assert!(folder.succeed("-dc --to 1K c.rans").stdout == raw[..1 << 10]);
        assert!(folder.succeed("-dc --from 19K --to 1G c.rans").stdout == raw[19 << 10..]);
    }
}

#[test]
fn a_range_can_go_to_a_file() {
    let (folder, raw) = folder("");
    let run = folder.succeed("-d --from 500 --to 1500 c.rans -o part");
    assert!(folder.read("part") == raw[500..1500]);
    assert!(run.stderr.starts_with("c.rans : bytes 500..1500 ("), "{}", run.stderr);
}

#[test]
fn a_range_behind_the_end_is_an_error_that_names_the_length() {
    let (folder, _) = folder("");
    folder.fail("-dc --from 20001 c.rans", "has 20000 raw bytes (19.53 KiB), --from 20001 is behind them");
    let coded = folder.read("c.rans");
    let run = folder.run_with("-d --from 20001", &coded);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("has 20000 raw bytes"), "{}", run.stderr);
}

#[test]
fn damage_outside_a_range_does_not_matter() {
    let (folder, raw) = folder("--index");
    super::folder::flip(&folder.path("c.rans"), 100);
    folder.fail("-dc --to 500 c.rans", "payload check");
    assert!(folder.succeed("-dc --from 5000 --to 6000 c.rans").stdout == raw[5000..6000]);
}

/// Two entries of its index are wrong, and their sum is right: the golden file of that name.
#[test]
fn an_index_whose_lies_cancel_gives_no_byte_of_another_place() {
    let stream = include_bytes!("../../../tests/golden/bad-index-lies-cancel.rans");
    let folder = Folder::with(&[("a.rans", stream)]);
    folder.fail("-dc --from 6 --to 9 a.rans", "index does not agree with the stream");
    let run = folder.succeed("-dc --from 0 --to 5 a.rans");
    assert!(run.stdout == b"ggggg");
}
