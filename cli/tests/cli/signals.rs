//! Runs that are ended from outside.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::folder::{Folder, piped, skewed};

/// So much that nobody has compressed it before the next line of a test runs.
const LARGE: usize = 64 << 20;

fn large_file() -> Folder {
    Folder::with(&[("a", &skewed(1 << 20, 16).repeat(LARGE >> 20))])
}

/// Starts a run that has `inputs` before it waits for more of its standard input.
fn start_and_wait_for_the_temporary(folder: &Folder, line: &str) -> Child {
    let before = folder.names().len();
    let child = piped(folder.command(line).stdout(Stdio::null()));
    let begun = Instant::now();
    while folder.names().len() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "rans {line} writes nothing");
        thread::sleep(Duration::from_millis(1));
    }
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_killed_run_leaves_the_source_and_no_half_file() {
    let folder = large_file();
    let mut child = start_and_wait_for_the_temporary(&folder, "--rm -T1 --mode single a");
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(folder.path("a").exists());
    assert!(!folder.path("a.rans").exists());
    assert_eq!(folder.path("a").metadata().unwrap().len(), LARGE as u64);
}

#[test]
fn an_unfinished_output_is_no_more_public_than_its_source() {
    let folder = large_file();
    fs::set_permissions(folder.path("a"), Permissions::from_mode(0o600)).unwrap();
    let mut child = start_and_wait_for_the_temporary(&folder, "-T1 --mode single a");
    child.kill().unwrap();
    child.wait().unwrap();
    let names = folder.names();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with(".rans-"), "{names:?}");
    assert_eq!(folder.path(&names[0]).metadata().unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn a_run_that_is_told_to_end_leaves_no_trace() {
    let folder = Folder::with(&[("a", &skewed(100_000, 17))]);
    for (name, number) in [("-TERM", 15), ("-INT", 2)] {
        let mut child = start_and_wait_for_the_temporary(&folder, "a - -o b.rans");
        // Open until the run has ended: at the end of its input it would be done, which may come
        // before the signal is seen.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&skewed(600_000, 18)).unwrap();
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.signal(), Some(number), "{:?}", output.status);
        assert_eq!(str::from_utf8(&output.stderr), Ok(""));
        assert_eq!(folder.names(), ["a"]);
    }
}

#[test]
fn a_source_that_changes_its_length_is_an_error() {
    let folder = large_file();
    let child = start_and_wait_for_the_temporary(&folder, "--rm -T1 --mode single a");
    signal(&child, "-STOP");
    File::options().write(true).open(folder.path("a")).unwrap().set_len(1000).unwrap();
    signal(&child, "-CONT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("rans: a: changed while it was read: 67108864 bytes long at first"), "{stderr}");
    assert_eq!(folder.names(), ["a"]);
}
