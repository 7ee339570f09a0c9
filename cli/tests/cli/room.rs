//! The room that files take on the disk, and when they are waited for to be there.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
};

use super::folder::{Folder, has, skewed};

const LEN: u64 = 64 << 20;

/// A long file with one byte in it.
fn folder() -> Folder {
    let folder = Folder::new();
    let mut file = File::create(folder.path("a")).unwrap();
    file.set_len(LEN).unwrap();
    file.seek(SeekFrom::Start(LEN / 3)).unwrap();
    file.write_all(b"x").unwrap();
    folder
}

fn room(folder: &Folder, name: &str) -> u64 {
    folder.path(name).metadata().unwrap().blocks() * 512
}

#[test]
fn zeros_take_no_room() {
    let folder = folder();
    if room(&folder, "a") > LEN / 2 {
        eprintln!("skipped: this file system has no holes");
        return;
    }
    folder.succeed("-q a");
    for threads in [1, 4] {
        folder.succeed(&format!("-q -d -T{threads} a.rans -f -o b"));
        assert_eq!(folder.path("b").metadata().unwrap().len(), LEN);
        assert!(room(&folder, "b") < 4 << 20, "{} bytes", room(&folder, "b"));
        folder.script("cmp a b");
    }
    folder.succeed("recover -q -f a.rans -o b");
    assert!(room(&folder, "b") < 4 << 20);
    folder.script("cmp a b");
    folder.succeed("-q -d --no-sparse a.rans -f -o b");
    assert!(room(&folder, "b") >= LEN, "{} bytes", room(&folder, "b"));
    folder.script("cmp a b");
}

#[test]
fn holes_end_where_the_bytes_do() {
    let folder = Folder::new();
    let page = vec![0; 4096];
    for (name, pieces) in [
        ("ends in zeros", vec![&b"x"[..], &page, &page, &page]),
        ("begins with zeros", vec![&page, &page, b"x"]),
        ("zeros alone", vec![&page[..], &page[..100]]),
        ("in between", vec![&b"xyz"[..], &page, &page, b"x", &page, b"z"]),
    ] {
        fs::write(folder.path("a"), pieces.concat()).unwrap();
        for block_size in [100, 5000, 65536] {
            folder.succeed(&format!("-qf --block-size {block_size} a"));
            folder.succeed("-qdf a.rans -o b");
            assert!(folder.read("b") == pieces.concat(), "{name}");
        }
    }
}

/// How often a run syncs, and how it went.
fn syncs(folder: &Folder, line: &str) -> usize {
    folder.script(&format!("strace -f -qq -o calls -e trace=fsync,fdatasync,sync_file_range,syncfs,sync $RANS {line}"));
    String::from_utf8(folder.read("calls")).unwrap().lines().count()
}

#[test]
fn the_disk_is_waited_for_where_something_would_be_lost() {
    if !cfg!(target_os = "linux") || !has("strace") {
        return;
    }
    let folder = Folder::new();
    let names: Vec<_> = (0..50).map(|number| format!("f{number}")).collect();
    for name in &names {
        fs::write(folder.path(name), skewed(1500, 90)).unwrap();
    }
    let all = names.join(" ");
    assert_eq!(syncs(&folder, &format!("-q {all}")), 0);
    assert_eq!(syncs(&folder, "-q -f f0 -o new"), 0, "nothing is replaced");
}

#[test]
fn what_replaces_or_removes_is_on_disk_first() {
    if !cfg!(target_os = "linux") || !has("strace") {
        return;
    }
    let folder = Folder::with(&[("a", &skewed(1500, 91)), ("b", b"b")]);
    assert_eq!(syncs(&folder, "-q a"), 0);
    assert!(syncs(&folder, "-q -f a") >= 1);
    assert!(syncs(&folder, "-q --sync b") >= 2);
    assert_eq!(syncs(&folder, "-q --sync --no-sync b -o c"), 0);
    // File and folder, before the source goes.
    let calls = "trace=fsync,unlink,unlinkat";
    folder.script(&format!("strace -f -qq -o calls -e {calls} $RANS -q --rm a -o d"));
    let calls = String::from_utf8(folder.read("calls")).unwrap();
    let lines: Vec<_> = calls.lines().collect();
    assert!(lines.len() >= 3 && lines.last().unwrap().contains("unlink"), "{calls}");
    assert!(lines[..lines.len() - 1].iter().all(|line| line.contains("fsync") && line.ends_with("= 0")), "{calls}");
}
