//! Pipes and devices among the names of files.

use std::{fs, thread};

use super::folder::{Folder, skewed};

/// A folder with a file and with a pipe that nobody writes to: who opens it waits for ever.
fn folder() -> Folder {
    let folder = Folder::with(&[("a", &skewed(5000, 60))]);
    folder.script("mkfifo pipe pipe.rans");
    folder
}

#[test]
fn a_pipe_among_files_is_refused_at_once() {
    let folder = folder();
    for line in
        ["pipe", "-c pipe", "-d pipe.rans", "-dc pipe.rans", "-t pipe.rans", "test pipe.rans", "-l pipe", "list pipe"]
    {
        let run = folder.fail(line, "not a regular file");
        assert!(run.stdout.is_empty());
    }
    folder.fail("recover pipe -o b", "not a regular file");
    for line in ["bench pipe", "index pipe"] {
        let run = folder.fail(line, "rans: pipe: not a regular file");
        assert!(!run.stderr.contains("-f"), "rans {line}: {}", run.stderr);
    }
    let run =
        folder.fail("a pipe", "rans: pipe: not a regular file; -f or an output named with -o reads it all the same");
    assert!(run.stderr.contains("a    : "), "{}", run.stderr);
    folder.succeed("-qf a");
}

#[test]
fn a_pipe_in_the_place_of_an_output_is_refused_at_once() {
    let folder = folder();
    folder.script("mkfifo a.rans");
    folder.fail("a", "a.rans is not a regular file; -f or -o writes to it all the same");
}

#[test]
fn a_pipe_that_is_meant_is_read() {
    let folder = folder();
    let raw = folder.read("a");
    for line in ["-c -f pipe", "pipe -o -", "-q pipe -f -o b"] {
        let run = thread::scope(|scope| {
            scope.spawn(|| fs::write(folder.path("pipe"), &raw).unwrap());
            folder.succeed(line)
        });
        let coded = if run.stdout.is_empty() { folder.read("b") } else { run.stdout };
        assert!(folder.run_with("-d", &coded).stdout == raw, "rans {line}");
    }
    let coded = folder.read("b");
    for line in ["-tf pipe.rans", "test -f pipe.rans", "-lf pipe.rans", "list -f pipe.rans"] {
        thread::scope(|scope| {
            scope.spawn(|| fs::write(folder.path("pipe.rans"), &coded).unwrap());
            folder.succeed(line);
        });
    }
    let run = folder.script("$RANS -c /dev/stdin < a | $RANS -dc -f /dev/stdin");
    assert!(run.stdout == raw);
    folder.script("exec 3< a; $RANS -c /dev/fd/3 | $RANS -d | cmp - a");
}

#[test]
fn a_device_is_written_to_where_it_is_named() {
    let folder = folder();
    folder.succeed("-q a -o /dev/null");
    folder.fail("-q a -o /dev/full", "cannot write /dev/full: No space left on device");
    folder.fail("/dev/null", "not a regular file");
    assert!(folder.succeed("-c -f /dev/null").stdout.len() > 10);
}
