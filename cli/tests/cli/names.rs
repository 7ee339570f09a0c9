//! Names that do things to a terminal, or are no text.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

use super::folder::{Folder, skewed};

const EVIL: &[u8] = b"a\x1b[31mred\nrans: all is well\x07";
const BYTES: &[u8] = b"b\xff\xfe";

fn path(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}

fn folder() -> Folder {
    let folder = Folder::new();
    for name in [EVIL, BYTES] {
        fs::write(folder.path("").join(path(name)), skewed(70_000, 85)).unwrap();
    }
    folder
}

fn run(folder: &Folder, line: &str, names: &[&[u8]]) -> Output {
    let mut command: Command = folder.command(line);
    command.args(names.iter().map(|name| path(name))).output().unwrap()
}

fn with_suffix(name: &[u8]) -> Vec<u8> {
    [name, b".rans"].concat()
}

#[test]
fn what_is_said_holds_no_control_characters() {
    let folder = folder();
    let (evil, bytes) = (with_suffix(EVIL), with_suffix(BYTES));
    let missing = b"not\x1b[2J there".as_slice();
    for (line, names) in [
        ("-v -f", vec![EVIL, BYTES]),
        ("-v", vec![EVIL, evil.as_slice()]),
        ("-v -d -f", vec![evil.as_slice(), bytes.as_slice()]),
        ("-v -d", vec![evil.as_slice(), EVIL]),
        ("test -v", vec![evil.as_slice(), missing]),
        ("list -v", vec![evil.as_slice(), missing]),
        ("recover -f -o b", vec![evil.as_slice()]),
        ("recover -f a -o", vec![EVIL]),
        ("bench -r 1", vec![EVIL]),
        ("-f -o", vec![EVIL, missing]),
        ("--filelist", vec![missing]),
        ("--output-dir-mirror", vec![b"x\x1b[1m/..", missing, EVIL]),
        ("--mode", vec![missing]),
        ("--block-size", vec![missing]),
        ("man", vec![missing]),
        ("", vec![b"--no\x1b[31msuch\x07".as_slice()]),
    ] {
        let output = run(&folder, line, &names);
        for said in [output.stdout, output.stderr] {
            let text = String::from_utf8_lossy(&said);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "rans {line}: {text}");
            assert!(!text.contains("\nrans: all is well"), "rans {line}: {text}");
        }
    }
}

#[test]
fn a_masked_name_is_still_seen_to_be_that_name() {
    let folder = folder();
    let output = run(&folder, "", &[EVIL, BYTES]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("a\\u{1b}[31mred\\nrans: all is well\\u{7}"), "{text}");
    assert!(text.contains("\nb\\xff\\xfe "), "{text}");
}

#[test]
fn json_has_every_name_as_it_is() {
    let folder = folder();
    run(&folder, "-q", &[EVIL, BYTES]);
    let (evil, bytes) = (with_suffix(EVIL), with_suffix(BYTES));
    let output = run(&folder, "list --json", &[&evil, &bytes]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["file"].as_str().unwrap().as_bytes(), evil);
    assert!(list[0].get("file_hex").is_none());
    assert_eq!(list[1]["file"], "b\u{fffd}\u{fffd}.rans");
    assert_eq!(list[1]["file_hex"], "62fffe2e72616e73");
}
