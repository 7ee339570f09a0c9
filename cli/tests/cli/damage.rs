//! Damaged files, and streams that ask for too much.

use super::folder::{Folder, cut, flip, skewed};

/// A file of ten blocks, compressed, and where its third block begins.
fn folder() -> (Folder, Vec<u8>, usize) {
    let raw = skewed(10_000, 15);
    let folder = Folder::with(&[("a", &raw)]);
    folder.succeed("-q --block-size 1000 --rm a");
    let list = folder.succeed("list -v --json a.rans");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let third = list[0]["streams"][0]["block_list"][2]["offset"].as_u64().unwrap() as usize;
    (folder, raw, third)
}

#[test]
fn a_damaged_file_is_not_decompressed_and_its_source_stays() {
    let (folder, _, third) = folder();
    flip(&folder.path("a.rans"), third + 20);
    let error = format!("block 2 at byte {third} is corrupt: payload check");
    folder.fail("-d --rm a.rans", &error);
    assert_eq!(folder.names(), ["a.rans"]);
    folder.fail("-t a.rans", &error);
    folder.fail("test a.rans", "`rans recover` saves the complete blocks");
}

#[test]
fn every_other_block_is_recovered() {
    let (folder, raw, third) = folder();
    flip(&folder.path("a.rans"), third + 20);
    let run = folder.fail("recover a.rans -o b", "lost in 1 place");
    assert!(run.stderr.contains(&format!("compressed bytes {third}..")), "{}", run.stderr);
    assert!(run.stderr.contains("behind raw byte 2000 of the output"), "{}", run.stderr);
    assert!(run.stderr.contains("9 blocks, 8.79 KiB saved to b"), "{}", run.stderr);
    assert!(folder.read("b") == [&raw[..2000], &raw[3000..]].concat());

    folder.fail("recover a.rans -o b", "b exists");
    folder.fail("recover -f a.rans -o b", "lost in 1 place");
    assert!(folder.fail("recover a.rans -q -o -", "lost in 1 place").stdout == folder.read("b"));
}

#[test]
fn a_whole_file_is_recovered_without_a_loss() {
    let (folder, raw, _) = folder();
    folder.succeed("recover a.rans -o b");
    assert!(folder.read("b") == raw);
}

#[test]
fn a_file_that_ends_between_two_blocks_is_a_loss() {
    let (folder, raw, third) = folder();
    cut(&folder.path("a.rans"), third);
    folder.fail(
        "recover a.rans -o b",
        &format!("each block in it is whole, but the stream is not: input ends at byte {third}"),
    );
    assert!(folder.read("b") == raw[..2000]);
}

#[test]
fn nothing_is_written_when_nothing_can_be_saved() {
    let folder = Folder::with(&[("text", b"no stream at all, but long enough for a header"), ("empty", b"")]);
    for input in ["text", "empty"] {
        folder.fail(&format!("recover {input} -o out"), "there is no complete block in it");
    }
    assert_eq!(folder.names(), ["empty", "text"]);
}

#[test]
fn more_than_allowed_is_refused_and_leaves_nothing_behind() {
    let (folder, raw, _) = folder();
    folder.fail("-d --max-output 9K a.rans", "allow more with --max-output");
    folder.fail("-d --memory 100 a.rans", "allow more with --memory");
    assert_eq!(folder.names(), ["a.rans"]);
    folder.succeed("-d --max-output 10000 a.rans");
    assert!(folder.read("a") == raw);
}
