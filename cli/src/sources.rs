//! Which files are taken: those that are named, those in a list, and those in folders.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use walkdir::WalkDir;

use crate::{
    advice::{because, explain},
    arguments::SourceArgs,
    input::{self, Input, Purpose},
    names::shown,
    report::Report,
};

/// Which of the files in a folder an operation takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Taken<'a> {
    EndingIn(&'a OsStr),
    NotEndingIn(&'a OsStr),
}

impl Taken<'_> {
    fn takes(self, path: &Path) -> bool {
        match self {
            Self::EndingIn(suffix) => ends_in(path, suffix),
            Self::NotEndingIn(suffix) => !ends_in(path, suffix),
        }
    }
}

/// The files that were asked for, in order; standard input where nothing was named. What cannot be
/// looked at is reported, and the rest comes all the same.
pub(crate) fn collect(named: Vec<PathBuf>, args: &SourceArgs, taken: Taken<'_>, report: &mut Report) -> Vec<PathBuf> {
    let mut paths = named;
    for list in &args.filelist {
        match names_in(list) {
            Ok(names) => paths.extend(names),
            Err(error) => report.error(&error.context(input::name(list))),
        }
    }
    if args.filelist.is_empty() {
        paths = input::or_stdin(paths);
    }
    if args.recursive {
        paths = paths.into_iter().flat_map(|path| within(path, taken, report)).collect();
    }
    paths
}

/// Whether the name of `path` ends in `suffix`, with something before it.
pub(crate) fn ends_in(path: &Path, suffix: &OsStr) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() > suffix.len() && name.ends_with(suffix.as_encoded_bytes())
}

/// The names in a list, one on each line.
fn names_in(list: &Path) -> Result<Vec<PathBuf>> {
    let input = Input::open_for(list, Purpose::Other, true)?;
    let mut names = Vec::new();
    for line in BufReader::new(input.reader()).split(b'\n') {
        let line = line.map_err(because("cannot read the list"))?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if !line.is_empty() {
            names.push(path_of(line)?);
        }
    }
    Ok(names)
}

/// The path that `bytes` are.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all bytes are a path")]
pub(crate) fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;

    Ok(OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
pub(crate) fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    Ok(str::from_utf8(bytes).map_err(|_| anyhow!("a name that is not UTF-8"))?.into())
}

/// The regular files in a folder and in all below it, by name. Links are not followed: they could
/// lead out of it, or in a circle. What is no folder is given back as it is.
fn within(path: PathBuf, taken: Taken<'_>, report: &mut Report) -> Vec<PathBuf> {
    if input::is_standard(&path) || !path.is_dir() {
        return vec![path];
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(&path).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if !entry.file_type().is_file() => {
                if report.is_verbose() {
                    report.warning(shown(entry.path()), "not a regular file, left out");
                }
            }
            Ok(entry) if taken.takes(entry.path()) => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().map_or_else(|| shown(&path), shown);
                let error = error.into_io_error().map_or_else(|| anyhow!("it leads in a circle"), explain);
                report.error(&error.context(path));
            }
        }
    }
    files
}
