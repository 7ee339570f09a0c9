//! Files to files: names, permissions, times, what is overwritten and what is removed.

use std::{
    fs::{self, File, FileTimes},
    time::{Duration, SystemTime},
};

use super::folder::{Folder, skewed};

#[test]
fn a_file_is_restored_with_its_times_and_permissions() {
    let raw = skewed(700_000, 1);
    let folder = Folder::with(&[("data.bin", &raw)]);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_007);
    File::options()
        .write(true)
        .open(folder.path("data.bin"))
        .unwrap()
        .set_times(FileTimes::new().set_modified(time))
        .unwrap();
    set_mode(&folder, "data.bin", 0o640);

    let run = folder.succeed("-k data.bin");
    assert_eq!(folder.names(), ["data.bin", "data.bin.rans"]);
    assert!(run.stdout.is_empty());
    assert!(run.stderr.starts_with("data.bin : "), "{}", run.stderr);
    assert!(run.stderr.contains("683.59 KiB -> "), "{}", run.stderr);
    assert!(folder.read("data.bin.rans").len() < raw.len());

    fs::remove_file(folder.path("data.bin")).unwrap();
    folder.succeed("-d data.bin.rans");
    assert_eq!(folder.read("data.bin"), raw);
    for name in ["data.bin", "data.bin.rans"] {
        assert_eq!(fs::metadata(folder.path(name)).unwrap().modified().unwrap(), time, "{name}");
        assert_mode(&folder, name, 0o640);
    }
}

#[test]
fn lengths_around_the_edges_of_blocks_are_restored() {
    for len in [0, 1, 2, 999, 1000, 1001, 65_536] {
        for threads in [1, 3] {
            let raw = skewed(len, 2);
            let folder = Folder::with(&[("a", &raw)]);
            folder.succeed(&format!("-T{threads} --block-size 1000 --rm a"));
            folder.succeed(&format!("-T{threads} -d --rm a.rans"));
            assert_eq!(folder.names(), ["a"]);
            assert_eq!(folder.read("a"), raw, "{len} bytes, {threads} threads");
        }
    }
}

#[test]
fn the_source_is_removed_only_when_its_output_is_there() {
    let folder = Folder::with(&[("a", b"some bytes"), ("b.rans", b"no stream")]);
    folder.succeed("--rm a");
    assert_eq!(folder.names(), ["a.rans", "b.rans"]);

    fs::write(folder.path("a"), "what stands in the way").unwrap();
    folder.fail("-d --rm a.rans", "a exists; use -f to overwrite it");
    folder.fail("-d --rm b.rans", "not a ranstream stream");
    assert_eq!(folder.names(), ["a", "a.rans", "b.rans"]);
    assert_eq!(folder.read("a"), b"what stands in the way");

    folder.succeed("-d -f --rm a.rans");
    assert_eq!(folder.names(), ["a", "b.rans"]);
    assert_eq!(folder.read("a"), b"some bytes");
}

#[test]
fn no_source_is_removed_without_an_output_of_its_own() {
    let folder = Folder::with(&[("a", b"some bytes"), ("b", b"other bytes")]);
    folder.succeed("a b");
    let names = folder.names();
    for line in [
        "--rm -c a",
        "-dc --rm a.rans",
        "-t --rm a.rans",
        "-l --rm a.rans",
        "--rm a b -o c",
        "-d --rm --from 2 a.rans -o c",
    ] {
        folder.misuse(line);
        assert_eq!(folder.names(), names, "rans {line}");
    }
    let run = folder.succeed("--rm -o - a");
    assert!(!run.stdout.is_empty());
    assert_eq!(folder.names(), names);
}

#[test]
fn files_are_overwritten_only_when_asked() {
    let folder = Folder::with(&[("a", b"some bytes"), ("a.rans", b"precious")]);
    folder.fail("a", "a.rans exists; use -f to overwrite it");
    folder.fail("a -o a.rans", "a.rans exists; use -f to overwrite it");
    assert_eq!(folder.read("a.rans"), b"precious");
    folder.succeed("-f a");
    folder.fail("-f a -o a", "is the input itself");
    assert_eq!(folder.read("a"), b"some bytes");
    assert_eq!(folder.names(), ["a", "a.rans"]);
}

#[test]
fn files_behind_one_that_fails_are_done() {
    let folder = Folder::with(&[("a", b"first"), ("c", b"third")]);
    let run = folder.fail("a b c", "rans: b: No such file");
    assert!(run.stderr.contains("2 files"), "{}", run.stderr);
    assert_eq!(folder.names(), ["a", "a.rans", "c", "c.rans"]);

    folder.fail("-d -f a.rans b.rans c.rans", "rans: b.rans: No such file");
    assert_eq!(folder.names(), ["a", "a.rans", "c", "c.rans"]);
}

#[test]
fn several_inputs_become_one_output_or_none() {
    let folder = Folder::with(&[("a", b"first"), ("b", b"second")]);
    folder.fail("a b missing -o joined.rans", "rans: missing: No such file");
    assert_eq!(folder.names(), ["a", "b"]);
    folder.succeed("a b -o joined.rans");
    assert_eq!(folder.succeed("-dc joined.rans").stdout, b"firstsecond");
}

#[test]
fn suffixes_tell_what_a_file_is() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    folder.succeed("a");
    let run = folder.succeed("a.rans");
    assert!(run.stderr.contains("a.rans: ends in .rans, left as it is"), "{}", run.stderr);
    assert_eq!(folder.names(), ["a", "a.rans"]);
    folder.succeed("-f a.rans");
    assert_eq!(folder.names(), ["a", "a.rans", "a.rans.rans"]);

    fs::rename(folder.path("a.rans"), folder.path("a.bin")).unwrap();
    folder.fail("-d a.bin", "does not end in .rans; name the output with -o, or use -c");
    assert_eq!(folder.succeed("-dc a.bin").stdout, b"some bytes");
    folder.succeed("-d a.bin -o b");
    assert_eq!(folder.read("b"), b"some bytes");
}

#[test]
fn a_file_that_is_called_like_a_subcommand_is_a_file_when_it_comes_with_its_folder() {
    let folder = Folder::with(&[("list", b"some bytes")]);
    folder.succeed("./list");
    assert_eq!(folder.names(), ["list", "list.rans"]);
    folder.succeed("-f -- list");
    assert_eq!(folder.succeed("-dc list.rans").stdout, b"some bytes");
}

#[test]
fn a_folder_is_no_input() {
    let folder = Folder::new();
    fs::create_dir(folder.path("sub")).unwrap();
    folder.fail("sub", "rans: sub: is a directory");
    folder.fail("-d sub -o out", "rans: sub: is a directory");
    assert_eq!(folder.names(), ["sub"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    let run = folder.fail("a -o nowhere/b", "cannot write in nowhere: ");
    assert!(!run.stderr.contains("os error"), "{}", run.stderr);
}

#[test]
fn options_that_make_no_sense_are_misuse() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    for line in [
        "--nonsense a",
        "-S= a",
        "--suffix a/b a",
        "--fast=x a",
        "--no-such a",
        "--json a",
        "--from 1 a",
        "-d --from 2 --to 1 a",
        "--block-size 0 a",
        "--block-size 17M a",
        "--block-size many a",
        "--segment-size 127 a",
        "--scale-bits 8 a",
        "--scale-bits 13 a",
        "--lanes 0 a",
        "--mode zip a",
        "-T -1 a",
        "-T many a",
        "recover a",
        "man nothing",
    ] {
        let run = folder.misuse(line);
        assert!(run.stderr.starts_with("error: "), "rans {line} says: {}", run.stderr);
        assert_eq!(folder.names(), ["a"], "rans {line}");
    }
    let run = folder.misuse("--mode lanes --scale-bits 13 a");
    assert!(run.stderr.contains("--scale-bits is 13, outside 9..=12 in mode lanes"), "{}", run.stderr);
    for line in ["--help", "-h", "--version", "list --help", "recover -h"] {
        assert!(!folder.succeed(line).stdout.is_empty(), "rans {line}");
    }
}

#[test]
fn quiet_says_nothing_and_verbose_says_more() {
    let folder = Folder::with(&[("a", &skewed(2000, 3))]);
    let run = folder.succeed("-v --block-size 1000 a");
    assert!(run.stderr.contains("2 blocks, "), "{}", run.stderr);
    assert!(run.stderr.ends_with("/s)\n"), "{}", run.stderr);
    for line in ["-q -f a", "-q a.rans", "-qdf a.rans", "-qt a.rans"] {
        let run = folder.succeed(line);
        assert_eq!((run.stdout, run.stderr.as_str()), (vec![], ""), "rans {line}");
    }
    assert!(!folder.fail("-q missing", "No such file").stderr.is_empty());
}

#[cfg(unix)]
#[test]
fn an_output_that_is_no_regular_file_is_written_to_and_stays() {
    use std::{os::unix::fs::FileTypeExt, process::Command, thread};

    let folder = Folder::with(&[("a", b"some bytes")]);
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let coded = thread::scope(|scope| {
        let reader = scope.spawn(|| folder.read("pipe"));
        folder.succeed("a -o pipe");
        reader.join().unwrap()
    });
    assert!(fs::metadata(folder.path("pipe")).unwrap().file_type().is_fifo());
    assert_eq!(folder.run_with("-d", &coded).stdout, b"some bytes");
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let folder = Folder::with(&[("a", b"some bytes"), ("old", b"old")]);
    std::os::unix::fs::symlink("old", folder.path("link")).unwrap();
    folder.fail("a -o link", "link exists");
    folder.succeed("-f a -o link");
    assert!(fs::symlink_metadata(folder.path("link")).unwrap().is_symlink());
    assert_eq!(folder.succeed("-dc old").stdout, b"some bytes");
}

#[cfg(unix)]
#[test]
fn set_user_id_is_not_handed_on() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    set_mode(&folder, "a", 0o4755);
    folder.succeed("a");
    assert_mode(&folder, "a.rans", 0o755);
}

#[cfg(unix)]
fn set_mode(folder: &Folder, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(folder.path(name), PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn assert_mode(folder: &Folder, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    let found = fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(found, mode, "{name} has mode {found:o}");
}

#[cfg(not(unix))]
fn set_mode(_: &Folder, _: &str, _: u32) {}

#[cfg(not(unix))]
fn assert_mode(_: &Folder, _: &str, _: u32) {}
