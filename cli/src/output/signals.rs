//! What a signal that ends the program has to remove first: a file that lies under a name of its
//! own and is not finished.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The file that a signal removes.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Held while a file gets or loses its name, so that a signal comes before or after.
pub(super) struct Turn(MutexGuard<'static, Option<PathBuf>>);

impl Turn {
    /// Waits for its turn. From the first one on, signals are waited for.
    pub(super) fn wait() -> io::Result<Self> {
        remove_on_signals()?;
        Ok(Self(lock()))
    }

    /// A signal removes `path` from now on.
    pub(super) fn guard(&mut self, path: &Path) {
        *self.0 = Some(path.to_owned());
    }

    /// It removes nothing any more.
    pub(super) fn release(&mut self) {
        *self.0 = None;
    }
}

fn lock() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each signal that would end the program removes the unfinished file, and then ends the program as
/// it would have. One thread waits for them from the first call on. Those that the parent had the
/// program ignore stay ignored.
#[cfg(unix)]
fn remove_on_signals() -> io::Result<()> {
    use std::{fs, sync::Once, thread};

    use signal_hook::{iterator::Signals, low_level::emulate_default_handler};

    static STARTED: Once = Once::new();
    let mut result = Ok(());
    STARTED.call_once(|| {
        result = Signals::new(ends()).and_then(|mut signals| {
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

/// The signals that would end the program: by a user, by the system, by a limit of time or size.
#[cfg(unix)]
fn ends() -> Vec<i32> {
    use signal_hook::consts::{
        SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    };

    let all = [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ];
    all.into_iter().filter(|&signal| !is_ignored(signal)).collect()
}

/// Whether the parent had the program ignore `signal`, as nohup does.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    use std::{fs, sync::OnceLock};

    // Asking the system itself is unsafe code.
    static MASK: OnceLock<u64> = OnceLock::new();
    let mask = MASK.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    });
    mask >> (signal - 1) & 1 == 1
}

/// Nothing says so here. Under nohup standard error is no terminal.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_ignored(signal: i32) -> bool {
    use std::io::IsTerminal as _;

    signal == signal_hook::consts::SIGHUP && !io::stderr().is_terminal()
}
