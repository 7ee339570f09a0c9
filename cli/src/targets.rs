//! What outputs are called, and in which folder they lie.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{advice::because, arguments::OutputArgs, names::shown, transfer::Operation};

/// The names of all outputs of one run.
#[derive(Debug)]
pub(crate) struct Targets<'a> {
    folder: Folder<'a>,
    /// What each name was given for.
    given: HashMap<PathBuf, PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Folder<'a> {
    /// Beside the source.
    Source,
    Flat(&'a Path),
    /// The folders of the sources are made there anew.
    Mirror(&'a Path),
}

impl<'a> Targets<'a> {
    pub(crate) fn new(args: &'a OutputArgs) -> Self {
        let folder = match (&args.output_dir_flat, &args.output_dir_mirror) {
            (Some(folder), _) => Folder::Flat(folder),
            (None, Some(folder)) => Folder::Mirror(folder),
            (None, None) => Folder::Source,
        };
        Self { folder, given: HashMap::new() }
    }

    /// The name of the output of `source`. Its folder is there.
    ///
    /// # Errors
    ///
    /// Also if another input of this run has that name: with `-f` it would be lost.
    pub(crate) fn target(&mut self, operation: &impl Operation, source: &Path) -> Result<PathBuf> {
        let beside = operation.target(source)?;
        let target = match self.folder {
            Folder::Source => beside,
            Folder::Flat(folder) => folder.join(beside.file_name().unwrap_or(beside.as_os_str())),
            Folder::Mirror(folder) => folder.join(below(&beside)?),
        };
        if let Some(other) = self.given.insert(target.clone(), source.to_owned()) {
            bail!("{} is the output of {} in this run; give it a name of its own", shown(&target), shown(&other));
        }
        if let Folder::Flat(_) | Folder::Mirror(_) = self.folder
            && let Some(folder) = target.parent()
        {
            fs::create_dir_all(folder).map_err(because(format_args!("cannot make the folder {}", shown(folder))))?;
        }
        Ok(target)
    }
}

/// `path` as it stands below another folder.
fn below(path: &Path) -> Result<PathBuf> {
    let mut below = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => below.push(name),
            Component::ParentDir => bail!("has .. in its path, which leads out of the folder for outputs"),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Ok(below)
}
