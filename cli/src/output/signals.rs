//! What a signal that ends the program has to remove first: a file that lies under a name of its
//! own and is not finished.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The file that a signal removes.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Starts the thread that does.
#[cfg(unix)]
static REMOVER: std::sync::Once = std::sync::Once::new();

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

/// Signals that would end the program wait while this lives, and end it then.
#[cfg(target_os = "linux")]
pub(super) enum Held {
    /// The thread that removes files waits for it.
    ByLock { _turn: MutexGuard<'static, Option<PathBuf>> },
    /// There is no such thread, and none is worth its time for a moment.
    ByFlags(&'static held::Flags),
}

#[cfg(target_os = "linux")]
impl Held {
    pub(super) fn begin() -> io::Result<Self> {
        if REMOVER.is_completed() {
            return Ok(Self::ByLock { _turn: lock() });
        }
        let flags = held::flags()?;
        flags.hold();
        Ok(Self::ByFlags(flags))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Held {
    fn drop(&mut self) {
        if let Self::ByFlags(flags) = self {
            flags.let_go();
        }
    }
}

/// Signals that only set a flag.
#[cfg(target_os = "linux")]
mod held {
    use std::{
        io,
        sync::{
            Arc, OnceLock,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
    };

    use signal_hook::{flag, low_level::emulate_default_handler};

    /// Once signals have handlers they keep them, so these are made once.
    static FLAGS: OnceLock<Flags> = OnceLock::new();

    #[derive(Debug)]
    pub(in crate::output) struct Flags {
        /// A signal ends the program at once.
        ends: Arc<AtomicBool>,
        /// One that came meanwhile, or 0.
        came: Arc<AtomicUsize>,
    }

    pub(super) fn flags() -> io::Result<&'static Flags> {
        if let Some(flags) = FLAGS.get() {
            return Ok(flags);
        }
        let flags = Flags { ends: Arc::new(AtomicBool::new(true)), came: Arc::default() };
        for signal in super::ends() {
            flag::register_conditional_default(signal, Arc::clone(&flags.ends))?;
            flag::register_usize(signal, Arc::clone(&flags.came), signal.unsigned_abs() as usize)?;
        }
        Ok(FLAGS.get_or_init(|| flags))
    }

    impl Flags {
        pub(super) fn hold(&self) {
            self.ends.store(false, Ordering::SeqCst);
        }

        pub(super) fn let_go(&self) {
            self.ends.store(true, Ordering::SeqCst);
            self.end_for_what_came();
        }

        fn end_for_what_came(&self) {
            if let Ok(signal @ 1..) = i32::try_from(self.came.load(Ordering::SeqCst)) {
                let _ = emulate_default_handler(signal);
            }
        }
    }

    /// Leaves all signals to what `register` sets up.
    pub(super) fn hand_over(register: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Some(flags) = FLAGS.get() else { return register() };
        flags.hold();
        let registered = register();
        flags.end_for_what_came();
        registered
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
    let mut result = Ok(());
    REMOVER.call_once(|| {
        #[cfg(target_os = "linux")]
        let started = held::hand_over(start_remover);
        #[cfg(not(target_os = "linux"))]
        let started = start_remover();
        result = started;
    });
    result
}

#[cfg(unix)]
fn start_remover() -> io::Result<()> {
    use std::{fs, thread};

    use signal_hook::{iterator::Signals, low_level::emulate_default_handler};

    let mut signals = Signals::new(ends())?;
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
}

#[cfg(not(unix))]
fn remove_on_signals() -> io::Result<()> {
    Ok(())
}

/// The signals that would end the program: by a user, by the system, by a limit of time or size.
#[cfg(unix)]
fn ends() -> Vec<i32> {
    use signal_hook::consts::{
        SIGABRT, SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGXCPU, SIGXFSZ,
    };

    let all = [
        SIGABRT, SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGXCPU, SIGXFSZ,
    ];
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
