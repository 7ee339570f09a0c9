//! A folder to run the command in, and data to run it on.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};

use tempfile::TempDir;

/// An empty folder that disappears with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One that holds `files`.
    pub fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self::new();
        for (name, bytes) in files {
            fs::write(folder.path(name), bytes).unwrap();
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Everything in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The command with the arguments of `line`, which are separated by spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rans"));
        command.args(line.split_whitespace()).current_dir(self.0.path());
        without_settings(&mut command);
        // Without it some Vulkan drivers write to standard error.
        command.env("XDG_RUNTIME_DIR", self.0.path());
        command
    }

    /// A shell in the folder that runs `script`; `$RANS` is the command there.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(self.0.path()).env("RANS", env!("CARGO_BIN_EXE_rans"));
        without_settings(&mut command);
        command
    }

    /// Runs a script, and insists that it ends with status 0.
    pub fn script(&self, script: &str) -> Run {
        let run = Run::new(self.shell(script).output().unwrap());
        assert_eq!(run.code, Some(0), "{script}: {}", run.stderr);
        run
    }

    pub fn run(&self, line: &str) -> Run {
        self.run_with(line, &[])
    }

    /// Runs with `stdin` at standard input.
    pub fn run_with(&self, line: &str, stdin: &[u8]) -> Run {
        let mut child = piped(&mut self.command(line));
        let mut pipe = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // Who does not read all of it is not to be waited for.
            scope.spawn(move || pipe.write_all(stdin));
            Run::new(child.wait_with_output().unwrap())
        })
    }

    /// Runs, and insists that all went well.
    pub fn succeed(&self, line: &str) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "rans {line}: {}", run.stderr);
        run
    }

    /// Runs, and insists on the exit status for a file that failed, and on the error.
    pub fn fail(&self, line: &str, error: &str) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, Some(1), "rans {line}: {}", run.stderr);
        assert!(run.stderr.contains(error), "rans {line} says: {}", run.stderr);
        run
    }

    /// Runs, and insists on the exit status for a command line that is wrong.
    pub fn misuse(&self, line: &str) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, Some(2), "rans {line}: {}", run.stderr);
        run
    }
}

/// The environment of whoever runs the tests changes nothing.
fn without_settings(command: &mut Command) {
    for name in ["RANS_OPT", "RANS_MODE", "RANS_KERNEL", "RANS_BACKEND"] {
        command.env_remove(name);
    }
}

/// Whether a program of the system is there. Tests that need one say so and do nothing without.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        eprintln!("skipped: {program} is not here");
    }
    found.status.success()
}

/// Starts `command` with a pipe at each end.
pub fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// The exit status, unless a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    pub fn new(output: Output) -> Self {
        Self { code: output.status.code(), stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.stdout).unwrap()
    }
}

/// `len` bytes of a skewed distribution, different for each `seed`.
pub fn skewed(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 56
    };
    (0..len).map(|_| (next() & next() & next()) as u8).collect()
}

/// Changes one bit.
pub fn flip(path: &Path, byte: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Leaves the first `len` bytes.
pub fn cut(path: &Path, len: usize) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..len]).unwrap();
}
