//! Files that have another length than they claim, or get one while they are read.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    endings::signal,
    folder::{Folder, Run, piped, skewed},
};

const LARGE: usize = 64 << 20;

fn large_file() -> (Folder, Vec<u8>) {
    let raw = skewed(1 << 20, 30).repeat(LARGE >> 20);
    (Folder::with(&[("a", &raw)]), raw)
}

/// A run on `a` to a file, stopped while it reads.
fn stopped(folder: &Folder, line: &str) -> Child {
    let child = piped(folder.command(line).stdout(Stdio::null()));
    let begun = Instant::now();
    // What it has read is where the system says that its file stands.
    while !reads(&child) {
        assert!(begun.elapsed() < Duration::from_secs(60), "rans {line} reads nothing");
        thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-STOP");
    child
}

fn reads(child: &Child) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{}/fdinfo", child.id())) else {
        // Elsewhere than on Linux: some time is enough.
        thread::sleep(Duration::from_millis(100));
        return true;
    };
    files.flatten().any(|file| {
        // Before it opens `a`, the program reads what its start needs.
        let path = file.path().to_string_lossy().replace("/fdinfo/", "/fd/");
        if !fs::read_link(path).is_ok_and(|path| path.ends_with("a")) {
            return false;
        }
        let info = fs::read_to_string(file.path()).unwrap_or_default();
        let position = info.lines().next().and_then(|line| line.strip_prefix("pos:")?.trim().parse().ok());
        position.is_some_and(|position: u64| position > 0)
    })
}

fn resumed(child: Child) -> Run {
    signal(&child, "-CONT");
    Run::new(child.wait_with_output().unwrap())
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn shorten(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[test]
fn a_log_that_grows_is_compressed_as_it_was() {
    let (folder, raw) = large_file();
    let child = stopped(&folder, "--rm -T1 --mode single a");
    append(&folder.path("a"), b"one more line\n");
    let run = resumed(child);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("rans: a: grew while it was read; its first 67108864 bytes are compressed"));
    // What was added is there and nowhere else.
    assert_eq!(folder.names(), ["a", "a.rans"]);
    assert!(folder.succeed("-dc a.rans").stdout == raw);
}

#[test]
fn a_file_that_shrinks_gives_what_was_left_of_it() {
    let (folder, raw) = large_file();
    let child = stopped(&folder, "--rm -T1 --mode single a");
    shorten(&folder.path("a"), 1000);
    let run = resumed(child);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("rans: a: became shorter while it was read"), "{}", run.stderr);
    assert_eq!(folder.names(), ["a", "a.rans"]);
    assert!(folder.succeed("-dc a.rans").stdout == raw[..1000]);
}

#[test]
fn one_of_several_that_shrinks_spares_those_before_it() {
    let (folder, raw) = large_file();
    fs::write(folder.path("b"), "first").unwrap();
    let child = stopped(&folder, "-T1 --mode single b a -o c");
    shorten(&folder.path("a"), 1000);
    let run = resumed(child);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(folder.succeed("-dc c").stdout == [b"first", &raw[..1000]].concat());
}

/// A pipe that is full holds a run back.
#[test]
fn to_standard_output_every_stream_is_whole() {
    for grows in [true, false] {
        let (folder, raw) = large_file();
        let mut child = piped(&mut folder.command("-c -T1 a"));
        let mut stdout = child.stdout.take().unwrap();
        let mut coded = vec![0; 1];
        stdout.read_exact(&mut coded).unwrap();
        if grows {
            append(&folder.path("a"), b"one more line\n");
        } else {
            shorten(&folder.path("a"), LARGE as u64 / 2);
        }
        stdout.read_to_end(&mut coded).unwrap();
        let run = Run::new(child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(i32::from(!grows)), "{}", run.stderr);
        let expected = if grows { "grew while it was read" } else { "became shorter while it was read" };
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        let back = folder.run_with("-d", &coded);
        assert_eq!(back.code, Some(0), "{}", back.stderr);
        assert!(if grows { back.stdout == raw } else { back.stdout == raw[..LARGE / 2] });
    }
}

#[test]
fn files_that_the_system_makes_up_are_compressed() {
    let folder = Folder::new();
    for path in
        ["/proc/version", "/proc/self/mounts", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/vmcoreinfo"]
    {
        let Ok(raw) = fs::read(path) else { continue };
        let run = folder.succeed(&format!("-c {path}"));
        assert_eq!(run.stderr, "", "{path}");
        assert!(folder.run_with("-d", &run.stdout).stdout == raw, "{path}");
        folder.succeed(&format!("-qf {path} -o b"));
        assert!(folder.succeed("-dc b").stdout == raw, "{path}");
    }
}
