//! Where bytes come from.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File, Metadata},
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{
    advice::{because, explain},
    names::shown,
    standard::{self, Stream},
};

/// What `-` stands for, and the absence of files.
const STDIN: &str = "-";

/// One block of the default size.
const SHORT: u64 = 256 << 10;

/// What an input is for, which decides what helps where it is no regular file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Compress,
    Decompress,
    /// To be tested or listed: there is no output.
    Look,
    /// Where neither -r nor -f helps.
    Other,
}

impl Purpose {
    /// What is said of a folder.
    fn folder(self, path: &Path) -> String {
        let advice = match self {
            Self::Compress => {
                format!("; -r takes the files in it, and tar c {0} | rans > {0}.tar.rans packs it", shown(path))
            }
            Self::Decompress | Self::Look => "; -r takes the compressed files in it".to_owned(),
            Self::Other => String::new(),
        };
        format!("is a directory{advice}")
    }

    /// What is said of a pipe or a device.
    fn special(self) -> &'static str {
        match self {
            Self::Compress | Self::Decompress => {
                "not a regular file; -f or an output named with -o reads it all the same"
            }
            Self::Look => "not a regular file; -f reads it all the same",
            Self::Other => "not a regular file",
        }
    }
}

/// An open file, or standard input.
#[derive(Debug)]
pub(crate) struct Input {
    path: PathBuf,
    /// None for standard input.
    file: Option<(File, Metadata)>,
}

impl Input {
    /// A regular file or standard input. What else has a name is refused before it is opened: a
    /// pipe would wait for a writer, a device would do what it does.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_for(path, Purpose::Other, false)
    }

    /// As [`Input::open`], for compressed data: that is not typed on a terminal. `force`: it is all
    /// the same, and may come from pipes and devices.
    pub(crate) fn open_compressed(path: &Path, purpose: Purpose, force: bool) -> Result<Self> {
        let input = Self::open_for(path, purpose, force)?;
        if input.is_stdin() && !force && io::stdin().is_terminal() {
            bail!("compressed data is not read from a terminal; name a file or use a pipe, see --help");
        }
        Ok(input)
    }

    /// As [`Input::open`]; `special`: also a pipe or a device.
    pub(crate) fn open_for(path: &Path, purpose: Purpose, special: bool) -> Result<Self> {
        if is_standard(path) {
            standard::check(Stream::Input).map_err(because("cannot read"))?;
            return Ok(Self { path: path.to_owned(), file: None });
        }
        let kind = fs::metadata(path).map_err(explain)?;
        if kind.is_dir() {
            bail!(purpose.folder(path));
        }
        if !kind.is_file() && !special && !is_open_already(path) {
            bail!(purpose.special());
        }
        let file = File::open(path).map_err(explain)?;
        let metadata = file.metadata().map_err(explain)?;
        Ok(Self { path: path.to_owned(), file: Some((file, metadata)) })
    }

    /// Its name in its folder. `None`: it is standard input.
    pub(crate) fn file_name(&self) -> Option<&OsStr> {
        if self.is_stdin() { None } else { self.path.file_name() }
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.file.is_none()
    }

    /// The file, if it is a regular one: it has a length, and can be sought in.
    pub(crate) fn regular(&self) -> Option<(&File, &Metadata)> {
        self.file.as_ref().filter(|(_, metadata)| metadata.is_file()).map(|(file, metadata)| (file, metadata))
    }

    /// Bytes of it, where the system says. Files that it makes up, as under /proc and /sys, claim
    /// none or too many, and others grow while they are read.
    pub(crate) fn len(&self) -> Option<u64> {
        self.regular().map(|(_, metadata)| metadata.len()).filter(|&len| len > 0)
    }

    /// Whether threads would cost more to start than they gain.
    pub(crate) fn is_short(&self) -> bool {
        self.len().is_some_and(|len| len <= SHORT)
    }

    /// The same file once more, with a place of its own.
    pub(crate) fn reopen(&self) -> Result<File> {
        File::open(&self.path).map_err(explain)
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

/// What the user calls an input, as it is shown.
pub(crate) fn name(path: &Path) -> String {
    if is_standard(path) { "stdin".to_owned() } else { shown(path) }
}

/// The inputs that were named, or standard input.
pub(crate) fn or_stdin(inputs: Vec<PathBuf>) -> Vec<PathBuf> {
    if inputs.is_empty() { vec![STDIN.into()] } else { inputs }
}

/// Whether a path that was given for an output or input stands for the standard stream.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// Whether a path is a number of this program's own files: `<(command)` of a shell is one, and
/// nobody names such a thing by accident.
fn is_open_already(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder)) || path == Path::new("/dev/stdin")
}
