//! A file that appears under its name only when it is complete.

use std::{
    fs::{File, FileTimes, Metadata},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use super::{
    place::{Place, Readers, folder},
    sparse::SparseFile,
};
use crate::{
    advice::{because, explain},
    names::shown,
};

/// Small blocks come in small pieces.
const BUFFER: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Temporary {
    file: BufWriter<SparseFile>,
    /// Bytes taken so far.
    position: u64,
    place: Place,
    target: PathBuf,
    overwrite: bool,
}

impl Temporary {
    /// Begins a file that is to become `target`. `holes`: long runs of zeros take no room.
    pub(super) fn create(target: &Path, overwrite: bool, readers: Readers, holes: bool) -> Result<Self> {
        let (file, place) = Place::create(target, readers)
            .map_err(because(format_args!("cannot write in {}", shown(folder(target)))))?;
        let file = BufWriter::with_capacity(BUFFER, SparseFile::new(file, holes));
        Ok(Self { file, position: 0, place, target: target.to_owned(), overwrite })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Goes back to `position`: what is behind it was not meant.
    pub(super) fn rewind_to(&mut self, position: u64) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_mut().rewind_to(position)?;
        self.position = position;
        Ok(())
    }

    /// Takes over owner, permissions and times of `source`, as far as the user may and the file
    /// system can.
    pub(super) fn resemble(&mut self, source: &Metadata) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_ref().get_ref();
        let permissions = copy_permissions(file, source);
        let modified = FileTimes::new().set_modified(source.modified()?);
        file.set_times(source.accessed().map_or(modified, |accessed| modified.set_accessed(accessed)))?;
        permissions
    }

    /// The content is complete: the file gets its name. `durable`: it is on disk under that name
    /// when this returns.
    pub(super) fn commit(self, durable: bool) -> Result<()> {
        let Self { file, place, target, overwrite, .. } = self;
        let mut file =
            file.into_inner().map_err(io::IntoInnerError::into_error).and_then(SparseFile::finish).map_err(explain)?;
        // What is replaced is the last copy of something, until the new one is on disk.
        let replaces = overwrite && target.symlink_metadata().is_ok();
        if durable || replaces {
            synced(file.sync_all()).map_err(because("cannot bring it to disk"))?;
        }
        match place.give_name(&mut file, &target, overwrite) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} exists; use -f to overwrite it", shown(&target))
            }
            Err(error) => return Err(because(format_args!("cannot write {}", shown(&target)))(error)),
        }
        if durable {
            // Once more: it may be another file by now.
            synced(file.sync_all())
                .and_then(|()| sync_folder(folder(&target)))
                .map_err(because("cannot bring it to disk"))?;
        }
        Ok(())
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What came of an attempt to sync. A file system that cannot is taken as it is: nothing else would
/// ever be done there.
fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// Where a folder may be written to and not read, its entries come to disk when the system likes.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        opened => synced(opened?.sync_all()),
    }
}

#[cfg(unix)]
fn copy_permissions(file: &File, source: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    // Bits that lend the owner's rights are not for a file of other content.
    let mut mode = source.mode() & 0o777;
    if fchown(file, None, Some(source.gid())).is_err() {
        // It stays with another group, which gets no more than everybody gets.
        mode &= !0o070 | mode << 3;
    }
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    let _ = fchown(file, Some(source.uid()), None);
    Ok(())
}

#[cfg(not(unix))]
fn copy_permissions(file: &File, source: &Metadata) -> io::Result<()> {
    file.set_permissions(source.permissions())
}
