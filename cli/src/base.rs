//! What model files are differences from.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use ranstream::DecodeOptions;
use ranstream_tensors::BaseModel;

use crate::{advice::explain, arguments::BaseArgs, input::Input, names::shown, sources::path_of};

/// Where the bases of files are.
#[derive(Debug)]
pub(crate) struct Bases {
    /// A file, or a folder that has one for each input. `None`: nothing has a base.
    path: Option<PathBuf>,
    /// What the names of compressed files end in.
    suffix: OsString,
}

impl Bases {
    pub(crate) fn new(args: BaseArgs, suffix: &OsStr) -> Self {
        Self { path: args.path, suffix: suffix.to_owned() }
    }

    /// `options` with what the raw file of `input` is a difference from.
    pub(crate) fn apply(&self, options: DecodeOptions, input: &Input) -> Result<DecodeOptions> {
        Ok(match self.open(input)? {
            Some(base) => options.base(base.bytes().clone()),
            None => options,
        })
    }

    /// What the raw file of `input` is a difference from. `None`: nothing was named, or the folder
    /// has no file of its name.
    pub(crate) fn open(&self, input: &Input) -> Result<Option<BaseModel>> {
        let Some(named) = &self.path else { return Ok(None) };
        if !named.is_dir() {
            return self.model(named, input).map(Some);
        }
        let Some(name) = input.file_name() else {
            bail!("--base is a folder, and standard input has no name to look for in it");
        };
        let raw = self.raw_name(name)?;
        let mut compressed = raw.clone().into_os_string();
        compressed.push(&self.suffix);
        for name in [raw, compressed.into()] {
            let path = named.join(name);
            if path.is_file() {
                return self.model(&path, input).map(Some);
            }
        }
        Ok(None)
    }

    /// The model at `path`, plain or compressed.
    fn model(&self, path: &Path, input: &Input) -> Result<BaseModel> {
        let base = open(path).with_context(|| format!("the base {}", shown(path)))?;
        if let Some((_, metadata)) = input.regular()
            && is_same(metadata, path)
        {
            bail!("is its own base: nothing could restore it");
        }
        let name = self.raw_name(path.file_name().unwrap_or_default())?;
        Ok(base.named(name.to_string_lossy()))
    }

    /// What a file of this name is called without compression.
    fn raw_name(&self, name: &OsStr) -> Result<PathBuf> {
        let raw = name.as_encoded_bytes().strip_suffix(self.suffix.as_encoded_bytes());
        raw.map_or(Ok(name.into()), path_of)
    }
}

fn open(path: &Path) -> Result<BaseModel> {
    let file = File::open(path).map_err(explain)?;
    if !file.metadata().map_err(explain)?.is_file() {
        bail!("not a regular file");
    }
    BaseModel::open(file).map_err(|error| anyhow!("{error}"))
}

#[cfg(unix)]
fn is_same(file: &fs::Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    fs::metadata(path).is_ok_and(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &Path) -> bool {
    false
}
