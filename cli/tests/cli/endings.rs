//! Runs that are ended from outside: by signals, and by limits of size, time and memory.
//!
//! Each of them with a temporary that has no name, as on most file systems of Linux, and with one
//! that has: there strace refuses the first kind.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::folder::{Folder, Run, has, piped, skewed};

/// So much that nobody has compressed it before the next line of a test runs.
const LARGE: usize = 64 << 20;

/// Every signal that ends a program and can be caught, apart from those of its own faults.
const SIGNALS: [(&str, i32); 14] = [
    ("-HUP", 1),
    ("-INT", 2),
    ("-QUIT", 3),
    ("-TRAP", 5),
    ("-ABRT", 6),
    ("-USR1", 10),
    ("-USR2", 12),
    ("-ALRM", 14),
    ("-TERM", 15),
    ("-XCPU", 24),
    ("-XFSZ", 25),
    ("-VTALRM", 26),
    ("-PROF", 27),
    ("-SYS", 31),
];

/// What is written before a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Temporary {
    /// Whatever the system has.
    Usual,
    /// One with a name.
    Named,
}

impl Temporary {
    /// Those that can be tried here.
    fn all() -> Vec<Self> {
        if cfg!(target_os = "linux") && has("strace") { vec![Self::Usual, Self::Named] } else { vec![Self::Usual] }
    }

    /// The words that run the command so, in a shell in its folder.
    fn prefix(self) -> &'static str {
        match self {
            Self::Usual => "exec $RANS",
            // The command is the shell's own process, and strace one that nobody waits for.
            Self::Named => "exec strace -D -f -e quiet=all -o /dev/null -P . -e inject=openat:error=EOPNOTSUPP $RANS",
        }
    }
}

fn large_file() -> Folder {
    Folder::with(&[("a", &skewed(1 << 20, 16).repeat(LARGE >> 20))])
}

/// Starts a run, after `before`, and waits until it has a temporary.
fn start(folder: &Folder, temporary: Temporary, before: &str, line: &str) -> Child {
    let names = folder.names().len();
    let script = format!("ulimit -c 0; {before}; {} {line}", temporary.prefix());
    let child = piped(folder.shell(&script).stdout(Stdio::null()));
    let begun = Instant::now();
    while folder.names().len() == names && !has_unnamed(&child) {
        assert!(begun.elapsed() < Duration::from_secs(60), "rans {line} writes nothing");
        thread::sleep(Duration::from_millis(1));
    }
    child
}

/// Whether a run has a file that has no name.
fn has_unnamed(child: &Child) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|path| path.to_string_lossy().contains("/#")))
}

/// Whether this process, and so every one that it starts, ignores a signal: as those do that a
/// script starts in the background.
fn is_ignored(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map_or(0, |set| u64::from_str_radix(set.trim(), 16).unwrap());
    ignored >> (number - 1) & 1 == 1
}

pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_killed_run_leaves_the_source_and_no_half_file() {
    for temporary in Temporary::all() {
        let folder = large_file();
        fs::set_permissions(folder.path("a"), Permissions::from_mode(0o600)).unwrap();
        let mut child = start(&folder, temporary, ":", "--rm -T1 --mode single a");
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert_eq!(folder.path("a").metadata().unwrap().len(), LARGE as u64);
        let names = folder.names();
        if temporary == Temporary::Usual && cfg!(target_os = "linux") {
            assert_eq!(names, ["a"]);
        } else {
            // Nobody can remove it, and it is no more public than its source.
            assert_eq!(names.len(), 2, "{names:?}");
            assert!(names[0].starts_with(".rans-"), "{names:?}");
            assert_eq!(folder.path(&names[0]).metadata().unwrap().permissions().mode() & 0o077, 0);
        }
    }
}

#[test]
fn a_run_that_is_told_to_end_leaves_no_trace() {
    let folder = Folder::with(&[("a", &skewed(100_000, 17))]);
    for temporary in Temporary::all() {
        for (name, number) in SIGNALS {
            if is_ignored(number) {
                eprintln!("skipped: who runs this test ignores {name}, so the command does as well");
                continue;
            }
            let mut child = start(&folder, temporary, ":", "a - -o b.rans");
            // Open until the run has ended: at the end of its input it would be done, which may
            // come before the signal is seen.
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(&skewed(600_000, 18)).unwrap();
            signal(&child, name);
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            assert_eq!(output.status.signal(), Some(number), "{temporary:?} {name}: {:?}", output.status);
            assert_eq!(str::from_utf8(&output.stderr), Ok(""));
            assert_eq!(folder.names(), ["a"], "{temporary:?} {name}");
        }
    }
}

#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    let folder = Folder::with(&[("a", &skewed(100_000, 19))]);
    for temporary in Temporary::all() {
        for name in ["-HUP", "-INT"] {
            let mut child = start(&folder, temporary, "trap '' HUP INT", "-q a - -f -o b.rans");
            let mut stdin = child.stdin.take().unwrap();
            signal(&child, name);
            stdin.write_all(&skewed(600_000, 20)).unwrap();
            drop(stdin);
            let run = Run::new(child.wait_with_output().unwrap());
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{temporary:?} {name}");
            assert!(folder.succeed("-dc b.rans").stdout == [skewed(100_000, 19), skewed(600_000, 20)].concat());
            fs::remove_file(folder.path("b.rans")).unwrap();
        }
    }
}

#[test]
fn a_limit_of_size_or_time_leaves_no_trace() {
    for temporary in Temporary::all() {
        let folder = Folder::with(&[("a", &skewed(4 << 20, 21))]);
        let rans = temporary.prefix();
        let size = folder.shell(&format!("ulimit -c 0; ulimit -f 1000; {rans} -q a")).status().unwrap();
        assert!(!size.success(), "{temporary:?}");
        assert_eq!(folder.names(), ["a"], "{temporary:?}");
        // The shell that reads from the endless input becomes the program.
        let time =
            folder.shell(&format!("ulimit -c 0; ulimit -S -t 1; yes | ({rans} -q -T1 --mode single -o b)")).status();
        assert!(!time.unwrap().success(), "{temporary:?}");
        assert_eq!(folder.names(), ["a"], "{temporary:?}");
    }
}

#[test]
fn a_limit_of_memory_leaves_no_trace() {
    let folder = Folder::with(&[("a", &skewed(4 << 20, 22))]);
    let mut failed = 0;
    for kibibytes in [10_000, 15_000, 20_000, 30_000, 60_000, 100_000] {
        let script = format!("ulimit -c 0; ulimit -v {kibibytes}; exec $RANS -q -T4 --block-size 1M a");
        let run = folder.shell(&script).output().unwrap();
        if run.status.success() {
            assert_eq!(folder.names(), ["a", "a.rans"]);
            fs::remove_file(folder.path("a.rans")).unwrap();
        } else {
            failed += 1;
            assert_eq!(folder.names(), ["a"], "{kibibytes} KiB");
        }
    }
    assert!(failed > 0, "no limit was too low");
}

/// The system gives no thread: the caller does the work, or nothing is left of it.
#[test]
fn threads_that_do_not_start_leave_no_trace() {
    if !has("strace") || !cfg!(target_os = "linux") {
        return;
    }
    let raw = skewed(1 << 20, 24);
    let folder = Folder::with(&[("a", &raw), ("old", b"precious")]);
    for output in ["new", "old"] {
        let refused = "strace -f -qq -o /dev/null -e inject=clone,clone3:error=EAGAIN";
        let line = format!("{refused} $RANS -q -f -T4 --block-size 64K a -o {output}");
        let run = Run::new(folder.shell(&line).output().unwrap());
        match run.code {
            Some(0) => assert!(folder.succeed(&format!("-dc {output}")).stdout == raw),
            code => {
                assert_eq!((code, folder.names()), (Some(1), vec!["a".into(), "old".into()]), "{}", run.stderr);
                assert_eq!(folder.read("old"), b"precious");
            }
        }
    }
}

#[test]
fn a_file_that_is_replaced_stays_until_its_successor_is_complete() {
    for temporary in Temporary::all() {
        let folder = Folder::with(&[("a", &skewed(100_000, 23)), ("b.rans", b"precious")]);
        let mut child = start(&folder, temporary, ":", "-f a - -o b.rans");
        // Open until the run has ended, as above: `wait` would close it.
        let stdin = child.stdin.take();
        signal(&child, "-TERM");
        assert_eq!(child.wait().unwrap().signal(), Some(15), "{temporary:?}");
        drop(stdin);
        assert_eq!(folder.names(), ["a", "b.rans"], "{temporary:?}");
        assert_eq!(folder.read("b.rans"), b"precious");
        folder.script(&format!("{} -qf a -o b.rans", temporary.prefix()));
        assert_eq!(folder.names(), ["a", "b.rans"], "{temporary:?}");
        assert!(folder.succeed("-dc b.rans").stdout == folder.read("a"));
    }
}

/// A file without a name has one of its own for a moment when it replaces another. strace makes the
/// moment long.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_between_two_names_waits_for_the_second() {
    if !has("strace") {
        return;
    }
    for name in ["-TERM", "-HUP"] {
        let folder = Folder::with(&[("a", &skewed(100_000, 24)), ("b.rans", b"old")]);
        let script = "exec strace -D -f -e quiet=all -o /dev/null \
                      -e inject=rename,renameat,renameat2:delay_enter=500000 $RANS -qf a -o b.rans";
        let child = piped(folder.shell(script).stdout(Stdio::null()));
        let begun = Instant::now();
        while folder.names().len() == 2 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never has a second name");
            thread::sleep(Duration::from_millis(1));
        }
        signal(&child, name);
        let status = child.wait_with_output().unwrap().status;
        assert_eq!(status.signal(), SIGNALS.iter().find(|signal| signal.0 == name).map(|signal| signal.1));
        assert_eq!(folder.names(), ["a", "b.rans"], "{name}");
        assert!(folder.succeed("-dc b.rans").stdout == folder.read("a"));
    }
}

/// The last way to name a file is to write it again, under its own name at once.
#[test]
fn a_signal_while_a_file_is_copied_leaves_no_half_of_it() {
    if !has("strace") || !cfg!(target_os = "linux") {
        return;
    }
    let folder = Folder::with(&[("a", &skewed(1 << 20, 25))]);
    let script = "exec strace -D -f -e quiet=all -o /dev/null -e inject=link,linkat:error=EPERM \
                  -e inject=copy_file_range,sendfile,splice:error=EINVAL -e inject=write:delay_enter=100000 \
                  $RANS -q a";
    let child = piped(folder.shell(script).stdout(Stdio::null()));
    let begun = Instant::now();
    while folder.names().len() == 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is never copied");
        thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-TERM");
    assert_eq!(child.wait_with_output().unwrap().status.signal(), Some(15));
    assert_eq!(folder.names(), ["a"]);
}
