//! What counts when options are given twice, what the environment sets, and what the program's name
//! means.

use super::folder::{Folder, Run, skewed};

fn run_with_defaults(folder: &Folder, line: &str, defaults: &str) -> Run {
    Run::new(folder.command(line).env("RANS_OPT", defaults).output().unwrap())
}

#[test]
fn every_option_may_be_given_twice() {
    let folder = Folder::with(&[("a", &skewed(5000, 40))]);
    for line in [
        "-c -c",
        "-T4 -T1",
        "-p2 --processes 3",
        "--block-size 64K --block-size 1000",
        "--segment-size 64K --segment-size 1K",
        "--mode lanes --mode auto",
        "--lanes 3 --lanes 4",
        "--scale-bits 11 --scale-bits 12",
        "--compat --compat",
        "--check --no-check --check",
        "--index --no-index",
        "-k --rm -k",
        "-q -v -q -v",
        "-z -d -z",
        "-1 -9 --fast --best -0 -19 --fast=3",
        "-S .x --suffix .y",
        "-n -N -n --name",
        "--sync --no-sync --no-sparse --sparse",
        "--progress --no-progress",
        "-r -r",
    ] {
        let run = folder.succeed(&format!("{line} -c -f a"));
        assert!(folder.run_with("-d", &run.stdout).stdout == folder.read("a"), "rans {line}");
    }
    folder.succeed("-q a");
    for line in
        ["-d -d -c", "-dd -cc", "-t -d -c", "-d --max-output 1 --max-output 1M -c", "-d --memory 1 --memory 1G -c"]
    {
        assert!(folder.succeed(&format!("{line} a.rans")).stdout == folder.read("a"), "rans {line}");
    }
    // The last of several places.
    folder.succeed("-q -o b -o c a");
    folder.succeed("-q -c -o d a");
    assert!(!folder.succeed("-o e -c a").stdout.is_empty());
    assert_eq!(folder.names(), ["a", "a.rans", "c", "d"]);
}

#[cfg(unix)]
#[test]
fn tar_adds_its_own_options_to_a_command() {
    let folder = Folder::with(&[("a", &skewed(5000, 41))]);
    folder.script(
        "tar -I \"$RANS -T1\" -cf t.tar.rans a && tar -I \"$RANS\" -tf t.tar.rans && tar -I \"$RANS -d\" -tf t.tar.rans &&
         mkdir b && tar --use-compress-program \"$RANS -d -T1\" -xf t.tar.rans -C b && cmp a b/a",
    );
}

#[test]
fn levels_find_what_repeats() {
    let folder = Folder::with(&[("a", &skewed(5000, 42).repeat(20))]);
    let plain = folder.succeed("-0 -c a").stdout;
    assert!(folder.succeed("-3 -c a").stdout == folder.succeed("-c a").stdout, "level 3 is the default");
    for level in ["-1", "-5", "-9", "--fast", "--best"] {
        let coded = folder.succeed(&format!("{level} -c a")).stdout;
        assert!(coded.len() < plain.len() / 10, "{level}: {} and {}", coded.len(), plain.len());
        let back = folder.run_with("-dc", &coded);
        assert!(back.stdout == folder.read("a"), "{level}: {}", back.stderr);
    }
    folder.succeed("-3 a");
    assert!(folder.succeed("list -v a.rans").text().contains("lz"));
}

#[test]
fn defaults_come_from_the_environment_and_the_line_overrides_them() {
    let folder = Folder::with(&[("a", &skewed(5000, 43))]);
    let list = |name: &str| folder.succeed(&format!("list --json {name}")).text().to_owned();
    assert_eq!(run_with_defaults(&folder, "-f a", " -q  --block-size=1000 --no-check").stderr, "");
    assert!(list("a.rans").contains("\"blocks\": 5") && list("a.rans").contains("\"content_check\": null"));
    run_with_defaults(&folder, "-f --block-size 2500 a", "-q --block-size=1000");
    assert!(list("a.rans").contains("\"blocks\": 2"));
    // Subcommands take what they have, and leave the rest.
    let run = run_with_defaults(&folder, "test a.rans", "-q --block-size 1000 -T1 --max-output=4999");
    assert_eq!((run.code, run.stderr.contains("allow more with --max-output")), (Some(1), true), "{}", run.stderr);
    let run = run_with_defaults(&folder, "list a.rans", "--block-size 1000 -T1");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run_with_defaults(&folder, "test a.rans", "-q").stderr, "");
}

#[test]
fn what_is_no_default_is_refused_by_name() {
    let folder = Folder::with(&[("a", b"some bytes")]);
    for defaults in [
        "-d",
        "-t",
        "-l",
        "-c",
        "-o b",
        "--rm",
        "-f",
        "b",
        "--filelist b",
        "list",
        "--from 1 -d",
        "--nonsense",
        "--block-size many",
        "-V",
        "--help",
        "--output-dir-flat b",
    ] {
        for line in ["a", "list a", "--version"] {
            let run = run_with_defaults(&folder, line, defaults);
            assert_eq!(run.code, Some(2), "RANS_OPT='{defaults}' rans {line}: {}", run.stderr);
            assert!(run.stderr.contains("RANS_OPT"), "{}", run.stderr);
            assert_eq!(folder.names(), ["a"]);
        }
    }
    for (defaults, said) in [
        ("-c", "RANS_OPT: '--stdout' is no default"),
        ("--output-dir-flat b", "RANS_OPT: '--output-dir-flat' is no default"),
        ("b", "RANS_OPT: a file is no default"),
        ("list", "RANS_OPT: 'list' is no default"),
        ("--help", "RANS_OPT: what only prints something and ends is no default"),
        ("--nonsense", "RANS_OPT: unexpected argument '--nonsense' found"),
        ("-T many", "RANS_OPT: invalid value 'many' for '--threads <N>'"),
    ] {
        let run = run_with_defaults(&folder, "a", defaults);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(run.stderr.matches("Usage:").count(), 1, "{}", run.stderr);
    }
    let run = run_with_defaults(&folder, "-d --block-size 0 a", "-q");
    assert!(run.stderr.contains("RANS_OPT is '-q'"), "{}", run.stderr);
}

#[test]
fn the_version_says_what_is_set() {
    let folder = Folder::new();
    let version = format!("rans {}\n", env!("CARGO_PKG_VERSION"));
    for line in ["-V", "--version"] {
        assert_eq!(folder.succeed(line).text(), version);
    }
    let run = run_with_defaults(&folder, "--version -v", "-T3 --no-check");
    assert!(run.text().starts_with(&version), "{}", run.text());
    for line in ["RANS_OPT: -T3 --no-check\n", "RANS_KERNEL: not set\n", "portable", "threads by default: "] {
        assert!(run.text().contains(line), "{line} is not in {}", run.text());
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_the_program_is_a_command() {
    let raw = skewed(5000, 44);
    let folder = Folder::with(&[("a", &raw), ("list", b"some bytes")]);
    folder.succeed("-q a");
    folder.succeed("-q ./list");
    let run = folder.script(
        "ln -s $RANS unrans; ln -s $RANS ranscat; rm a list; ./unrans -q a.rans list.rans; ./ranscat a.rans ./list.rans;
         echo plain > p; ./ranscat p; ./ranscat < a.rans",
    );
    assert!(folder.read("a") == raw && folder.read("list") == b"some bytes");
    assert!(run.stdout == [&raw[..], b"some bytes", b"plain\n", &raw].concat());
}

#[test]
fn plain_bytes_pass_through_where_that_is_asked_for() {
    let folder = Folder::with(&[("a", b"plain bytes"), ("short", b"\x89R"), ("empty", b""), ("b", b"more")]);
    folder.succeed("-q b");
    assert_eq!(folder.succeed("-dcf a short empty b.rans").stdout, b"plain bytes\x89Rmore");
    assert_eq!(folder.run_with("-dcf", b"piped").stdout, b"piped");
    assert_eq!(folder.succeed("-dc --pass-through a").stdout, b"plain bytes");
    folder.fail("-dcf --no-pass-through a", "not a ranstream stream");
    folder.fail("-dc a", "not a ranstream stream");
    folder.fail("-df a -o c", "not a ranstream stream");
    // Damage is not taken for plain bytes.
    std::fs::write(folder.path("cut"), &folder.read("b.rans")[..10]).unwrap();
    folder.fail("-dcf cut", "input ends at byte 10");
}
