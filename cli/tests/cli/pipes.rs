//! Standard input and output.

use std::path::Path;

use super::folder::{Folder, has, skewed};

#[test]
fn a_pipe_is_restored() {
    let folder = Folder::new();
    let raw = skewed(1_000_000, 4);
    for compress in ["", "-", "-c", "-T1", "-T4 --block-size 10K", "--index --no-check", "--no-sampling"] {
        let coded = folder.run_with(compress, &raw).stdout;
        assert!(coded.len() < raw.len(), "rans {compress}");
        for decompress in ["-d", "-dc -", "-d -T1", "-d -o -"] {
            let run = folder.run_with(decompress, &coded);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "rans {decompress}");
            assert!(run.stdout == raw, "rans {compress} | rans {decompress}");
        }
        assert_eq!(folder.run_with("-t", &coded).code, Some(0));
    }
    assert!(folder.names().is_empty());
}

#[test]
fn an_empty_pipe_is_a_stream_and_no_stream_is_an_error() {
    let folder = Folder::new();
    let coded = folder.run_with("", b"").stdout;
    assert!(!coded.is_empty());
    let run = folder.run_with("-d", &coded);
    assert_eq!((run.code, run.stdout.len()), (Some(0), 0));
    let run = folder.run_with("-d", b"");
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stderr, "rans: stdin: empty, not a ranstream stream\n");
}

#[test]
fn several_files_to_standard_output_are_one_after_the_other() {
    let folder = Folder::with(&[("a", b"first"), ("b", b"second")]);
    let run = folder.succeed("-c a b");
    assert_eq!(folder.run_with("-d", &run.stdout).stdout, b"firstsecond");
    folder.succeed("-q a b");
    let run = folder.fail("-dc a.rans missing.rans b.rans", "missing.rans");
    assert_eq!(run.stdout, b"firstsecond");
}

#[test]
fn standard_input_to_a_named_file() {
    let folder = Folder::new();
    assert_eq!(folder.run_with("-o a.rans", b"some bytes").code, Some(0));
    assert_eq!(folder.names(), ["a.rans"]);
    assert_eq!(folder.succeed("-dc a.rans").stdout, b"some bytes");
}

#[test]
fn good_bytes_come_out_before_the_error() {
    let folder = Folder::new();
    let raw = skewed(10_000, 5);
    let mut coded = folder.run_with("--block-size 1000 --no-index", &raw).stdout;
    coded.truncate(coded.len() / 2);
    let run = folder.run_with("-d", &coded);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("`rans recover` saves the complete blocks"), "{}", run.stderr);
    assert!(run.stdout.len() >= 4000, "{} bytes", run.stdout.len());
    assert!(raw.starts_with(&run.stdout));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_met_with_silence() {
    use std::{io::Read, os::unix::process::ExitStatusExt};

    use super::folder::piped;

    let folder = Folder::with(&[("a", &skewed(2_000_000, 6))]);
    folder.succeed("-q a");
    for line in ["-c a", "-dc a.rans", "-dc --from 5 a.rans", "-dvc a.rans"] {
        let mut child = piped(&mut folder.command(line));
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 10]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(13), "rans {line}: {:?}", output.status);
        assert_eq!(str::from_utf8(&output.stderr), Ok(""), "rans {line}");
    }
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = folder.succeed(&format!("completions {shell}"));
        assert!(run.text().contains("block-size"), "{shell}");
        assert!(run.text().contains("interleaved"), "{shell}");
    }
    let page = folder.succeed("man");
    for part in ["\\-\\-block\\-size", ".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", "RANS_OPT", "RANS_KERNEL", "Examples"]
    {
        assert!(page.text().contains(part), "{part} is not in {}", page.text());
    }
    for task in ["list", "test", "recover", "index", "bench", "completions", "man"] {
        let page = folder.succeed(&format!("man {task}"));
        assert!(page.text().contains(&format!(".TH rans-{task} 1")), "{}", page.text());
        assert!(page.text().contains(".SH \"EXIT STATUS\""), "{}", page.text());
    }
}

/// `docs/magic` is what users append to theirs.
#[test]
fn file_knows_the_format_from_the_magic_entry() {
    if !has("file") {
        return;
    }
    let folder = Folder::with(&[("a", &skewed(5000, 34))]);
    folder.succeed("-q --index a");
    let magic = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/magic");
    let run = |options: &str| folder.script(&format!("file {options} -m '{}' a.rans", magic.display()));
    assert_eq!(run("-b").text().trim(), "ranstream compressed data, format version 1, with an index");
    assert_eq!(run("-b --mime-type").text().trim(), "application/vnd.ranstream");
}
