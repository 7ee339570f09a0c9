//! What lies behind the last stream of a file.

use std::fs;

use super::folder::{Folder, skewed};

fn folder(trailing: &[u8]) -> (Folder, Vec<u8>, usize) {
    let raw = skewed(5000, 80);
    let folder = Folder::with(&[("a", &raw)]);
    folder.succeed("-q --block-size 1000 a");
    let coded = folder.read("a.rans");
    fs::write(folder.path("b.rans"), [&coded[..], trailing].concat()).unwrap();
    (folder, raw, coded.len())
}

#[test]
fn zeros_are_passed_over_with_a_note() {
    for len in [1, 3, 4, 19, 512, 100_000] {
        let (folder, raw, _) = folder(&vec![0; len]);
        let note = format!("b.rans : {len} zeros behind the last stream, passed over\n");
        for line in [
            "-d -f b.rans",
            "-dc b.rans",
            "-t b.rans",
            "test b.rans",
            "list b.rans",
            "-l b.rans",
            "recover -f b.rans -o b",
        ] {
            let run = folder.succeed(line);
            assert!(run.stderr.contains(&note), "rans {line}: {}", run.stderr);
        }
        assert!(folder.read("b") == raw);
        for line in [
            "-qdf b.rans",
            "-qdc b.rans",
            "-qt b.rans",
            "test -q b.rans",
            "list -q b.rans",
            "-q -l b.rans",
            "recover -qf b.rans -o b",
        ] {
            assert_eq!(folder.succeed(line).stderr, "", "rans {line}");
        }
        for line in ["-d", "-t", "list"] {
            let run = folder.run_with(line, &folder.read("b.rans"));
            assert_eq!(run.code, Some(0), "rans {line}: {}", run.stderr);
            assert!(run.stderr.contains(&format!("stdin : {len} zeros")), "rans {line}: {}", run.stderr);
        }
        assert!(folder.succeed("-dc --from 4000 --to 4500 b.rans").stdout == raw[4000..4500]);
        assert!(folder.succeed("-dc --from 4000 b.rans").stdout == raw[4000..]);
        assert!(folder.succeed("list --json b.rans").text().contains(&format!("\"trailing_zeros\": {len}")));
        folder.succeed("-q -d -f --rm b.rans");
        assert!(!folder.path("b.rans").exists());
    }
}

#[test]
fn anything_else_is_an_error_once_the_file_is_written() {
    for trailing in [&b"x"[..], b"more", &[0, 0, 0, 1], &[&vec![0; 70_000][..], b"x"].concat()] {
        let (folder, raw, len) = folder(trailing);
        let error = format!("rans: b.rans: a complete stream ends at byte {len}, and something else follows");
        for threads in [1, 3] {
            folder.fail(&format!("-d -f --rm -T{threads} b.rans"), &error);
            assert!(folder.read("b") == raw);
            assert!(folder.path("b.rans").exists(), "the source has gone");
            assert!(folder.fail(&format!("-dc -T{threads} b.rans"), &error).stdout == raw);
        }
        let run = folder.fail("-t b.rans", &error);
        assert!(!run.stderr.contains("ok"), "{}", run.stderr);
        folder.fail("list b.rans", &format!("a complete stream ends at byte {len}"));
        assert!(folder.run_with("-d", &folder.read("b.rans")).stdout == raw);
    }
}

#[test]
fn zeros_in_the_place_of_blocks_are_damage() {
    let (folder, raw, len) = folder(&[]);
    let coded = folder.read("a.rans");
    for kept in [len / 2, len - 1] {
        fs::write(folder.path("cut.rans"), [&coded[..kept], &[0; 5000]].concat()).unwrap();
        let run = folder.run("-dc cut.rans");
        assert_eq!(run.code, Some(1), "{kept} bytes are kept");
        assert!(raw.starts_with(&run.stdout));
        assert_eq!(folder.run("-t cut.rans").code, Some(1));
    }
}
