//! A file that appears under its name only when it is complete.
//!
//! Until then it lies beside its place under a name of its own. Whoever ends the program by a
//! signal leaves no trace of it; only a kill that cannot be caught leaves that file.

use std::{
    fs::{File, FileTimes, Metadata},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Result, bail};
use tempfile::{Builder, NamedTempFile};

use crate::advice::{because, explain};

#[derive(Debug)]
pub(crate) struct Temporary {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
    overwrite: bool,
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Nobody else, until the permissions of a source are taken over.
    Owner,
    /// Whoever may read any new file of the user.
    Usual,
}

/// The file that a signal removes. It is made and renamed under the lock, so that a signal comes
/// before or after.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

impl Temporary {
    /// Begins a file that is to become `target`.
    pub(crate) fn create(target: &Path, overwrite: bool, readers: Readers) -> Result<Self> {
        remove_on_signals().map_err(because("cannot handle signals"))?;
        let folder = folder(target);
        let mut builder = Builder::new();
        builder.prefix(".rans-");
        #[cfg(unix)]
        if readers == Readers::Usual {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        // Elsewhere a new file belongs to whom its folder says.
        #[cfg(not(unix))]
        let _ = readers;
        let mut unfinished = lock();
        let file =
            builder.tempfile_in(folder).map_err(because(format_args!("cannot write in {}", folder.display())))?;
        *unfinished = Some(file.path().to_owned());
        Ok(Self { file: BufWriter::new(file), target: target.to_owned(), overwrite })
    }

    /// Takes over owner, permissions and times of `source`, as far as the user may.
    pub(crate) fn resemble(&mut self, source: &Metadata) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_ref().as_file();
        copy_permissions(file, source)?;
        let modified = FileTimes::new().set_modified(source.modified()?);
        file.set_times(source.accessed().map_or(modified, |accessed| modified.set_accessed(accessed)))
    }

    /// Brings the content to disk, then gives it its name. `lasting`: the name is to be on disk,
    /// too, when this returns.
    pub(crate) fn commit(self, lasting: bool) -> Result<()> {
        let Self { file, target, overwrite } = self;
        let file = file.into_inner().map_err(|error| explain(error.into_error()))?;
        file.as_file().sync_all().map_err(explain)?;
        let mut unfinished = lock();
        let named = if overwrite { file.persist(&target) } else { file.persist_noclobber(&target) };
        match named {
            Ok(_) => {
                *unfinished = None;
                if lasting { sync_folder(folder(&target)).map_err(explain) } else { Ok(()) }
            }
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{} exists; use -f to overwrite it", target.display())
            }
            Err(error) => Err(because(format_args!("cannot write {}", target.display()))(error.error)),
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

/// On SIGINT and SIGTERM, removes the unfinished file and ends the program as the signal would
/// have. One thread waits for them from the first call on.
///
/// SIGHUP counts where standard error is a terminal: that is not so under nohup, which has it
/// ignored.
#[cfg(unix)]
fn remove_on_signals() -> io::Result<()> {
    use std::{fs, io::IsTerminal as _, sync::Once, thread};

    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
        low_level::emulate_default_handler,
    };

    static STARTED: Once = Once::new();
    let mut result = Ok(());
    STARTED.call_once(|| {
        let hangup = io::stderr().is_terminal().then_some(SIGHUP);
        result = Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup)).and_then(|mut signals| {
            thread::Builder::new().name("signals".to_owned()).spawn(move || {
                for signal in signals.forever() {
                    let unfinished = lock();
                    if let Some(path) = &*unfinished {
                        let _ = fs::remove_file(path);
                    }
                    let _ = emulate_default_handler(signal);
                }
            })?;
            Ok(())
        });
    });
    result
}

#[cfg(not(unix))]
fn remove_on_signals() -> io::Result<()> {
    Ok(())
}

fn lock() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
