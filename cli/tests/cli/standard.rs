//! Standard streams that are closed or full.

use super::folder::{Folder, has, skewed};

fn folder() -> Folder {
    let folder = Folder::with(&[("a", &skewed(5000, 70))]);
    folder.succeed("-q a");
    folder
}

/// Everything that writes to standard output.
const WRITERS: [&str; 11] = [
    "-c a",
    "-dc a.rans",
    "-l a.rans",
    "list --json a.rans",
    "recover a.rans -o -",
    "completions bash",
    "man",
    "man list",
    "--help",
    "--version",
    "-Vv",
];

#[test]
fn a_closed_output_is_an_error() {
    let folder = folder();
    // bench takes its time, so once is enough.
    for line in WRITERS.into_iter().chain(["bench -q -r 1 a"]) {
        let output = folder.shell(&format!("exec $RANS {line} >&-")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "rans {line}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("cannot write to stdout: it is closed"), "rans {line}: {stderr}");
    }
    // With all of them closed there is nobody to tell, but whoever asks for the status.
    for line in WRITERS {
        let status = folder.shell(&format!("exec $RANS {line} <&- >&- 2>&-")).status().unwrap();
        assert_eq!(status.code(), Some(1), "rans {line}");
    }
}

#[test]
fn a_closed_input_is_an_error() {
    let folder = folder();
    for line in ["", "-", "-d", "-t", "list", "test -", "-r -o b", "bench -", "--filelist - -c", "-c a -"] {
        let run = folder.shell(&format!("exec $RANS {line} <&-")).output().unwrap();
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "rans {line}: {stderr}");
        assert!(stderr.contains("cannot read: it is closed"), "rans {line}: {stderr}");
    }
}

#[test]
fn a_full_output_is_an_error() {
    let folder = folder();
    for line in WRITERS {
        let output = folder.shell(&format!("exec $RANS {line} > /dev/full")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "rans {line}: {stderr}");
        assert!(stderr.contains("No space left"), "rans {line}: {stderr}");
    }
}

#[test]
fn the_null_device_is_no_closed_stream() {
    let folder = folder();
    for redirection in ["> /dev/null", "<> /dev/null 1<> /dev/null", "1>> /dev/null"] {
        for line in WRITERS {
            let status = folder.shell(&format!("exec $RANS {line} {redirection}")).status().unwrap();
            assert!(status.success(), "rans {line} {redirection}");
        }
    }
    // What writes to files needs no standard stream.
    folder.script("$RANS -q -f a <&- >&- 2>&- && $RANS -t a.rans <&- >&- 2>&-");
}

/// Files of the program must not take the numbers of streams that are closed.
#[test]
fn an_output_never_holds_what_is_said() {
    let folder = folder();
    let run = folder.shell("$RANS -v -f a >&- 2>&-; $RANS -v -d -f a.rans -o b <&- >&- 2>&-").output().unwrap();
    assert!(run.status.success());
    assert!(folder.read("b") == folder.read("a"));
}

#[test]
fn a_short_file_starts_no_thread_and_waits_for_no_disk() {
    if !cfg!(target_os = "linux") || !has("strace") {
        return;
    }
    let folder = Folder::with(&[("a", b"abc")]);
    let calls = "trace=clone,clone3,fork,vfork,fsync,fdatasync,sync_file_range";
    for line in ["-q a", "-c a", "-qd a.rans -o b", "-dc a.rans", "-t a.rans", "-l a.rans"] {
        folder.script(&format!("strace -f -qq -o calls -e {calls} $RANS {line} > /dev/null 2>&1"));
        assert_eq!(String::from_utf8(folder.read("calls")).unwrap(), "", "rans {line}");
    }
}

#[test]
fn threads_far_above_the_cores_are_not_started() {
    if !cfg!(target_os = "linux") || !has("strace") {
        return;
    }
    let cores = std::thread::available_parallelism().unwrap().get();
    let folder = Folder::with(&[("a", &skewed(4 << 20, 71))]);
    for line in ["-q -T1024 a", "-q -T 1000000 -f a", "-q -p 5000 -dc a.rans"] {
        folder.script(&format!("strace -f -qq -o calls -e trace=clone,clone3 $RANS {line} > back"));
        let calls = String::from_utf8(folder.read("calls")).unwrap();
        let started = calls.lines().filter(|call| !call.contains("unfinished")).count();
        assert!((1..=16 * cores).contains(&started), "{started} threads on {cores} cores, rans {line}");
    }
    assert!(folder.read("back") == folder.read("a"));
}
