//! File systems that lack a call: strace refuses it in their place.

use std::fs;

use super::folder::{Folder, has, skewed};

/// A run under strace, which refuses what `refused` says.
fn run(folder: &Folder, refused: &[&str], line: &str) -> (Option<i32>, String) {
    let injections: Vec<_> = refused.iter().map(|what| format!("-e inject={what}")).collect();
    let script = format!("exec strace -f -qq -o /dev/null {} $RANS {line}", injections.join(" "));
    let output = folder.shell(&script).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// What a file system refuses, and the name of one that does, more or less.
const REFUSED: [(&str, &[&str]); 9] = [
    ("hard links", &["link,linkat:error=EPERM"]),
    ("links of open files", &["linkat:error=ENOENT"]),
    ("FAT: renaming without replacing, hard links", &["renameat2:error=EINVAL", "link,linkat:error=EPERM"]),
    ("renaming at all", &["rename,renameat,renameat2:error=EPERM", "link,linkat:error=EPERM"]),
    ("permissions", &["fchmod,fchmodat:error=EPERM"]),
    ("owners", &["fchown:error=EPERM"]),
    ("times", &["utimensat:error=EPERM"]),
    ("syncing", &["fsync:error=EINVAL"]),
    ("syncing, another way", &["fsync,fdatasync:error=ENOSYS"]),
];

#[test]
fn whatever_a_file_system_lacks_the_file_is_written() {
    if !has("strace") {
        return;
    }
    let raw = skewed(300_000, 100);
    for (lacks, refused) in REFUSED {
        let folder = Folder::with(&[("a", &raw), ("old", b"old"), ("gone", &raw)]);
        for (line, output) in
            [("-q a", "a.rans"), ("-q -f a -o old", "old"), ("-q --rm gone", "gone.rans"), ("-q --sync a -o b", "b")]
        {
            let (code, stderr) = run(&folder, refused, line);
            assert_eq!(code, Some(0), "without {lacks}, rans {line}: {stderr}");
            assert!(folder.succeed(&format!("-dc {output}")).stdout == raw, "without {lacks}, rans {line}");
        }
        assert_eq!(folder.names(), ["a", "a.rans", "b", "gone.rans", "old"], "without {lacks}");
        let (code, stderr) = run(&folder, refused, "-q a");
        assert_eq!(code, Some(1), "without {lacks}");
        assert!(stderr.contains("a.rans exists; use -f to overwrite it"), "without {lacks}: {stderr}");
    }
}

/// `-P` leaves calls that name the folder or the output. The first that opens one of them is the
/// one for a temporary without a name.
#[test]
fn the_same_with_a_temporary_that_has_a_name() {
    if !has("strace") {
        return;
    }
    let raw = skewed(300_000, 101);
    for (lacks, refused) in REFUSED {
        let folder = Folder::with(&[("a", &raw), ("old", b"old"), ("gone", &raw)]);
        let cases = [("-q a", "a.rans"), ("-q -f a -o old", "old"), ("-q --rm gone", "gone.rans"), ("-q a -o b", "b")];
        for (line, output) in cases {
            let unnamed = format!("openat:error=EOPNOTSUPP:when=1 -P . -P {output}");
            let (code, stderr) = run(&folder, &[&[unnamed.as_str()], refused].concat(), line);
            assert_eq!(code, Some(0), "without {lacks}, rans {line}: {stderr}");
            assert!(folder.succeed(&format!("-dc {output}")).stdout == raw, "without {lacks}, rans {line}");
        }
        assert_eq!(folder.names(), ["a", "a.rans", "b", "gone.rans", "old"], "without {lacks}");
    }
}

#[test]
fn a_disk_that_fails_costs_no_source() {
    if !has("strace") {
        return;
    }
    let raw = skewed(300_000, 102);
    for error in ["EIO", "ENOSPC", "EDQUOT"] {
        let folder = Folder::with(&[("a", &raw), ("old", b"old")]);
        for line in ["-q --rm a", "-q -f --rm a -o old", "-q --sync a -o b"] {
            let (code, stderr) = run(&folder, &[&format!("fsync:error={error}")], line);
            assert_eq!(code, Some(1), "{error}, rans {line}: {stderr}");
            assert!(stderr.contains("cannot bring it to disk"), "{error}, rans {line}: {stderr}");
            assert_eq!(folder.names(), ["a", "old"], "{error}, rans {line}");
            assert_eq!(folder.read("old"), b"old");
        }
        for call in ["write", "ftruncate"] {
            let (code, stderr) =
                run(&folder, &[&format!("{call}:error={error}:when=2+")], "-q -T1 --block-size 1000 --rm a -o b");
            if call == "write" {
                assert_eq!(code, Some(1), "{error} of {call}: {stderr}");
                assert_eq!(folder.names(), ["a", "old"], "{error} of {call}");
            }
            let _ = fs::remove_file(folder.path("b"));
            fs::write(folder.path("a"), &raw).unwrap();
        }
    }
}

#[test]
fn a_name_that_cannot_be_is_refused_before_the_work() {
    let folder = Folder::with(&[("a", &skewed(5000, 103))]);
    let long = "n".repeat(252);
    fs::write(folder.path(&long), "some bytes").unwrap();
    folder.fail(&long, "File name too long");
    folder.fail(&format!("a -o {long}mmmm"), "File name too long");
    folder.fail("a -o nowhere/b", "cannot write in nowhere");
    folder.fail("a -o a/b", "Not a directory");
}
