//! Where bytes go.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Result, bail};

use crate::{
    advice::because,
    input::is_standard,
    temporary::{Readers, Temporary},
};

/// Standard output, a file that appears when it is complete, something else with a name, or
/// nowhere.
#[derive(Debug)]
pub(crate) enum Output {
    Stdout,
    File { path: PathBuf, file: Temporary },
    Device { path: PathBuf, file: File },
    Nowhere,
}

impl Output {
    /// Standard output for compressed data: that is not shown on a terminal.
    pub(crate) fn compressed_stdout(force: bool) -> Result<Self> {
        if !force && io::stdout().is_terminal() {
            bail!("compressed data is not written to a terminal; use -o FILE, > FILE or -f, see --help");
        }
        Ok(Self::Stdout)
    }

    /// A file called `path`, which must be none of `sources`. One that exists is overwritten only
    /// with `force`.
    pub(crate) fn create(path: &Path, sources: &[PathBuf], force: bool, readers: Readers) -> Result<Self> {
        let existing = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::File { path: path.to_owned(), file: Temporary::create(path, force, readers)? });
            }
            result => result.and_then(|_| fs::metadata(path)),
        };
        let existing = existing.map_err(because(path.display()))?;
        if existing.is_dir() {
            bail!("{} is a directory", path.display());
        }
        if !existing.is_file() {
            let file = File::options().write(true).open(path).map_err(because(path.display()))?;
            return Ok(Self::Device { path: path.to_owned(), file });
        }
        // A link stays a link, and what it leads to is replaced.
        let target = fs::canonicalize(path).map_err(because(path.display()))?;
        if sources.iter().any(|source| fs::canonicalize(source).is_ok_and(|source| source == target)) {
            bail!("{} is the input itself; write to another file", path.display());
        }
        if !force {
            bail!("{} exists; use -f to overwrite it", path.display());
        }
        Ok(Self::File { path: path.to_owned(), file: Temporary::create(&target, true, readers)? })
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Whether the user sees the bytes, so that nothing else is to be drawn between them.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_stdout() && io::stdout().is_terminal()
    }

    /// Writes all of `bytes`. On a standard output they go out at once: a reader may wait for them.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let result = match self {
            Self::Nowhere => Ok(()),
            Self::Stdout => return print(bytes),
            Self::File { file, .. } => file.write_all(bytes),
            Self::Device { file, .. } => file.write_all(bytes),
        };
        result.map_err(|error| because(format_args!("cannot write {self}"))(error))
    }

    /// Takes over permissions and times of a source, where the output is a file.
    pub(crate) fn resemble(&mut self, source: &Metadata) -> Result<()> {
        match self {
            Self::File { file, .. } => file.resemble(source).map_err(because("cannot keep permissions and times")),
            _ => Ok(()),
        }
    }

    /// The output is complete. `lasting`: something will be removed because of it.
    pub(crate) fn commit(self, lasting: bool) -> Result<()> {
        match self {
            Self::File { file, .. } => file.commit(lasting),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File { path, .. } | Self::Device { path, .. } => path.display().fmt(f),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

/// Writes all of `bytes` to standard output. When nobody reads it any more, the program ends like
/// others that SIGPIPE ends: without a word.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => end_by_broken_pipe(),
        result => result.map_err(because("cannot write to stdout")),
    }
}

/// Whether the output that was asked for is standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    is_standard(path)
}

fn end_by_broken_pipe() -> ! {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    process::exit(1)
}
