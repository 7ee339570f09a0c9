//! Where bytes go.
//!
//! | file | what it has |
//! |---|---|
//! | `temporary` | a file that appears when it is complete |
//! | `place` | where it lies until then, and how it gets its name |
//! | `sparse` | holes for zeros |
//! | `sink` | an output as a writer |
//! | `signals` | what is removed when the program is told to end |

mod place;
#[cfg_attr(not(unix), allow(dead_code, reason = "no signals there"))]
mod signals;
mod sink;
mod sparse;
mod temporary;

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Result, bail};

use self::temporary::Temporary;
pub(crate) use self::{place::Readers, sink::Sink};
use crate::{
    advice::because,
    input::is_standard,
    names::shown,
    standard::{self, Stream},
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

/// What a new file may be, and may take the place of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// It is none of these.
    pub(crate) sources: &'a [PathBuf],
    /// It may take the place of another file.
    pub(crate) force: bool,
    /// It may be a pipe or a device.
    pub(crate) special: bool,
    pub(crate) readers: Readers,
    /// Long runs of zeros take no room.
    pub(crate) holes: bool,
}

impl Output {
    /// Standard output for compressed data: that is not shown on a terminal.
    pub(crate) fn compressed_stdout(force: bool) -> Result<Self> {
        if !force && io::stdout().is_terminal() {
            bail!("compressed data is not written to a terminal; use -o FILE, > FILE or -f, see --help");
        }
        Ok(Self::Stdout)
    }

    /// A file called `path`, as `terms` allow.
    pub(crate) fn create(path: &Path, terms: &Terms<'_>) -> Result<Self> {
        let existing = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = Temporary::create(path, terms.force, terms.readers, terms.holes)?;
                return Ok(Self::File { path: path.to_owned(), file });
            }
            result => result.and_then(|_| fs::metadata(path)),
        };
        let existing = existing.map_err(because(shown(path)))?;
        if existing.is_dir() {
            bail!("{} is a directory", shown(path));
        }
        if !existing.is_file() {
            if !terms.special {
                bail!("{} is not a regular file; -f or -o writes to it all the same", shown(path));
            }
            let file = File::options().write(true).open(path).map_err(because(shown(path)))?;
            return Ok(Self::Device { path: path.to_owned(), file });
        }
        // A link stays a link, and what it leads to is replaced.
        let target = fs::canonicalize(path).map_err(because(shown(path)))?;
        if terms.sources.iter().any(|source| fs::canonicalize(source).is_ok_and(|source| source == target)) {
            bail!("{} is the input itself; write to another file", shown(path));
        }
        if !terms.force {
            bail!("{} exists; use -f to overwrite it", shown(path));
        }
        let file = Temporary::create(&target, true, terms.readers, terms.holes)?;
        Ok(Self::File { path: path.to_owned(), file })
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

    /// Where the next byte goes, if that can be gone back to.
    pub(crate) fn position(&self) -> Option<u64> {
        match self {
            Self::File { file, .. } => Some(file.position()),
            _ => None,
        }
    }

    /// Goes back to a [`position`](Self::position): what is behind it was not meant.
    pub(crate) fn rewind_to(&mut self, position: u64) -> Result<()> {
        match self {
            Self::File { file, .. } => file.rewind_to(position).map_err(because("cannot begin again")),
            _ => bail!("cannot begin again: what is written cannot be taken back"),
        }
    }

    /// The output is complete. `durable`: it is on disk when this returns.
    pub(crate) fn commit(self, durable: bool) -> Result<()> {
        match self {
            Self::File { file, .. } => file.commit(durable),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File { path, .. } | Self::Device { path, .. } => f.write_str(&shown(path)),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

/// Writes all of `bytes` to standard output. When nobody reads it any more, the program ends like
/// others that SIGPIPE ends: without a word.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    standard::check(Stream::Output).map_err(because("cannot write to stdout"))?;
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
