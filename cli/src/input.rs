//! Where bytes come from.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::advice::explain;

/// What `-` stands for, and the absence of files.
const STDIN: &str = "-";

/// One block of the default size.
const SHORT: u64 = 256 << 10;

/// An open file, or standard input.
#[derive(Debug)]
pub(crate) struct Input {
    path: PathBuf,
    /// None for standard input.
    file: Option<(File, Metadata)>,
}

impl Input {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if is_standard(path) {
            return Ok(Self { path: path.to_owned(), file: None });
        }
        if fs::metadata(path).map_err(explain)?.is_dir() {
            bail!("is a directory; pack it first: tar c {0} | rans > {0}.tar.rans", path.display());
        }
        let file = File::open(path).map_err(explain)?;
        let metadata = file.metadata().map_err(explain)?;
        Ok(Self { path: path.to_owned(), file: Some((file, metadata)) })
    }

    /// As [`Input::open`], for compressed data: that is not typed on a terminal.
    pub(crate) fn open_compressed(path: &Path, force: bool) -> Result<Self> {
        let input = Self::open(path)?;
        if input.is_stdin() && !force && io::stdin().is_terminal() {
            bail!("compressed data is not read from a terminal; name a file or use a pipe, see --help");
        }
        Ok(input)
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.file.is_none()
    }

    /// The file, if it is a regular one: it has a length, and can be sought in.
    pub(crate) fn regular(&self) -> Option<(&File, &Metadata)> {
        self.file.as_ref().filter(|(_, metadata)| metadata.is_file()).map(|(file, metadata)| (file, metadata))
    }

    /// Bytes of it, where the system knows. Files that it makes up, as under /proc, claim to have
    /// none.
    pub(crate) fn len(&self) -> Option<u64> {
        self.regular().map(|(_, metadata)| metadata.len()).filter(|&len| len > 0)
    }

    /// Whether threads would cost more to start than they gain.
    pub(crate) fn is_short(&self) -> bool {
        self.len().is_some_and(|len| len <= SHORT)
    }

    pub(crate) fn reader(&self) -> Box<dyn Read + '_> {
        match &self.file {
            None => Box::new(io::stdin().lock()),
            Some((file, _)) => Box::new(file),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name(&self.path))
    }
}

/// What the user calls an input.
pub(crate) fn name(path: &Path) -> String {
    if is_standard(path) { "stdin".to_owned() } else { path.display().to_string() }
}

/// The inputs that were named, or standard input.
pub(crate) fn or_stdin(inputs: Vec<PathBuf>) -> Vec<PathBuf> {
    if inputs.is_empty() { vec![STDIN.into()] } else { inputs }
}

/// Whether a path that was given for an output or input stands for the standard stream.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new(STDIN)
}
