//! Where a file lies until it is complete, and how it gets its name then.
//!
//! On Linux it has no name at all, so that nothing is left of it however the program ends. Where
//! the system or the file system knows no such files, it lies beside its place under a name of its
//! own: signals remove it, and only a kill that cannot be caught leaves it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Seek},
    path::Path,
};

use tempfile::{Builder, TempPath};

#[cfg(target_os = "linux")]
use super::signals::Held;
use super::{signals::Turn, sparse::SparseFile};

/// How the names of unfinished files begin.
const PREFIX: &str = ".rans-";

/// So much of the target's own name is in that of an unfinished file: a file system that cannot
/// have the one refuses the other, before the work is done.
const NAME_PART: usize = 200;

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Nobody else, until the permissions of a source are taken over.
    Owner,
    /// Whoever may read any new file of the user.
    Usual,
}

#[derive(Debug)]
pub(super) enum Place {
    /// Nowhere that a name leads to.
    #[cfg(target_os = "linux")]
    Unnamed,
    Named(Named),
}

/// An unfinished file beside its place. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Named(Option<TempPath>);

impl Place {
    /// An empty file in the folder of `target`, to be read and written.
    pub(super) fn create(target: &Path, readers: Readers) -> io::Result<(File, Self)> {
        #[cfg(target_os = "linux")]
        if let Some(file) = linux::unnamed(folder(target), readers) {
            return Ok((file, Self::Unnamed));
        }
        let mut turn = Turn::wait()?;
        let (file, path) = named(target, readers)?;
        turn.guard(&path);
        Ok((file, Self::Named(Named(Some(path)))))
    }

    /// Gives `file`, which lies here, the name `target`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if there is such a file, without `overwrite`.
    pub(super) fn give_name(self, file: &mut File, target: &Path, overwrite: bool) -> io::Result<()> {
        let given = match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed => linux::link(file, target, overwrite),
            Self::Named(mut named) => named.rename(target, overwrite),
        };
        match given {
            // Whatever way of naming a file system lacks, it has files.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => copy(file, target, overwrite),
            given => given,
        }
    }
}

impl Named {
    fn rename(&mut self, target: &Path, overwrite: bool) -> io::Result<()> {
        let Some(path) = self.0.take() else { return Ok(()) };
        let mut turn = Turn::wait()?;
        let named = if overwrite { path.persist(target) } else { path.persist_noclobber(target) };
        let Err(error) = named else {
            turn.release();
            return Ok(());
        };
        // Kept, for it to be removed in the end.
        let path = self.0.insert(error.path);
        if overwrite || error.error.kind() == io::ErrorKind::AlreadyExists {
            return Err(error.error);
        }
        // No way to rename that spares others. A file that is made here and now is nobody else's.
        File::create_new(target)?;
        fs::rename(&*path, target).inspect_err(|_| drop(fs::remove_file(target)))?;
        turn.release();
        Ok(())
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        let turn = Turn::wait();
        drop(path);
        if let Ok(mut turn) = turn {
            turn.release();
        }
    }
}

/// The folder that `target` is in.
pub(super) fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn named(target: &Path, readers: Readers) -> io::Result<(File, TempPath)> {
    let mut end = OsString::from("-");
    let name = target.file_name().unwrap_or_default();
    // Names that are no text are left out: where they end is not known.
    let name = name.to_str().unwrap_or_default();
    let len = name.char_indices().map(|(at, _)| at).chain([name.len()]).take_while(|&at| at <= NAME_PART).last();
    end.push(&name[..len.unwrap_or(0)]);
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(&end);
    #[cfg(unix)]
    if readers == Readers::Usual {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    // Elsewhere a new file belongs to whom its folder says.
    #[cfg(not(unix))]
    let _ = readers;
    Ok(builder.tempfile_in(folder(target))?.into_parts())
}

/// The last way: a second file, which is there before it is complete.
fn copy(file: &mut File, target: &Path, overwrite: bool) -> io::Result<()> {
    let source = file.metadata()?;
    let mut options = File::options();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

        options.mode(source.mode() & 0o777);
    }
    let mut turn = Turn::wait()?;
    let copy = options.open(target)?;
    turn.guard(target);
    drop(turn);
    let mut sparse = SparseFile::new(copy, true);
    let copied = file.rewind().and_then(|()| io::copy(file, &mut sparse)).and_then(|_| sparse.finish());
    let copied = copied.inspect_err(|_| drop(fs::remove_file(target)));
    Turn::wait()?.release();
    let copy = copied?;
    // As with the file itself: what it is like matters less than that it is there.
    let _ = copy.set_permissions(source.permissions());
    if let Ok(modified) = source.modified() {
        let _ = copy.set_modified(modified);
    }
    *file = copy;
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs::{self, File},
        io,
        os::fd::AsRawFd,
        path::{Path, PathBuf},
    };

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
    use tempfile::Builder;

    use super::{Held, PREFIX, Readers, folder};

    /// A file without a name, if there is such a thing in `folder` and it can be named later.
    pub(super) fn unnamed(folder: &Path, readers: Readers) -> Option<File> {
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Usual => 0o666,
        };
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(openat(CWD, folder, flags, Mode::from_raw_mode(mode)).ok()?);
        fs::symlink_metadata(handle(&file)).ok()?;
        Some(file)
    }

    /// Gives a file its first name.
    pub(super) fn link(file: &File, target: &Path, overwrite: bool) -> io::Result<()> {
        let link = |name: &Path| linkat(CWD, handle(file), CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
        match link(target) {
            Err(error) if overwrite && error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        // A name cannot be moved from one file to another, but a file onto another.
        let _held = Held::begin()?;
        let path = Builder::new().prefix(PREFIX).make_in(folder(target), link)?.into_temp_path();
        path.persist(target).map_err(|error| error.error)
    }

    /// A name by which this program alone reaches a file.
    fn handle(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, panic::catch_unwind};

    use super::*;

    /// A panic unwinds through whoever writes a file, of either kind.
    #[test]
    fn a_panic_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let entries = || fs::read_dir(folder.path()).unwrap().count();
        for has_name in [false, true] {
            let panicked = catch_unwind(|| {
                let (mut file, _place) = if has_name {
                    let (file, path) = named(&target, Readers::Owner).unwrap();
                    (file, Place::Named(Named(Some(path))))
                } else {
                    Place::create(&target, Readers::Owner).unwrap()
                };
                file.write_all(b"half of it").unwrap();
                assert!(!has_name || entries() == 1);
                std::panic::resume_unwind(Box::new("in the middle"));
            });
            assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"in the middle"));
            assert_eq!(entries(), 0, "it had a name: {has_name}");
        }
    }
}
