//! Who decodes the blocks of a stream.

use std::{
    error, fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use crate::{
    gpu::{Cost, Gpu, GpuOptions},
    options::environment,
};

/// Raw bytes of a stream after which [`Backend::Auto`] looks for a device: opening and measuring
/// one takes a good part of a second.
pub(crate) const PROBE_AFTER: u64 = 64 << 20;

/// Who decodes the blocks of a stream. It changes the speed, and nothing else: what a device cannot
/// do, or fails to do, the CPU does.
///
/// The environment variable `RANS_BACKEND=cpu` turns the other two into [`Backend::Cpu`] (a switch
/// for when a device is in doubt).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The CPU.
    #[default]
    Cpu,
    /// The CPU's threads and a device, which take from one queue: the threads as fast as they can,
    /// the device as much of what waits as it will have done when the threads have done the rest.
    /// That is reckoned from what copies and kernel take on the device, measured once per
    /// process, and from how fast the threads are with this stream. Less than 1 MiB and the first
    /// 64 MiB of a stream are left to the threads, and an adapter that computes on the CPU is never
    /// taken.
    Auto,
    /// A device wherever one can be opened, be it one that computes on the CPU. It takes every
    /// block, and the CPU those that it cannot do.
    Gpu,
}

impl Backend {
    /// All backends with their names.
    pub const ALL: [(&'static str, Self); 3] = [("auto", Self::Auto), ("cpu", Self::Cpu), ("gpu", Self::Gpu)];

    /// The device that the streams of this process share, if they have this backend: to see what it
    /// is, what it did, and whether it is still there. It is opened if no stream did that before.
    /// `None`: there is none for this backend, and it was not there when it was first asked for,
    /// which is not done again.
    #[must_use]
    pub fn device(self) -> Option<Gpu> {
        match self {
            Self::Cpu => None,
            Self::Auto => shared(false),
            Self::Gpu => shared(true),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, backend)| backend == self).map_or("unknown", |(name, _)| name);
        f.pad(name)
    }
}

/// Takes a name of [`Backend::ALL`].
impl FromStr for Backend {
    type Err = ParseBackendError;

    fn from_str(name: &str) -> Result<Self, ParseBackendError> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, backend)| *backend).ok_or(ParseBackendError)
    }
}

/// A name that is not in [`Backend::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseBackendError;

impl fmt::Display for ParseBackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown backend; the backends are auto, cpu, gpu")
    }
}

impl error::Error for ParseBackendError {}

/// Which device, once there is something for it to do.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// The caller's. Behind a trait, so that nobody who asks whether an adapter may be sent to
    /// another thread has to walk through all types of wgpu: `rustc` gives up on the way.
    Given(Arc<dyn Given>),
    /// The one that all streams of the process share.
    Shared,
    /// The same, if it is faster.
    Measured,
}

/// Has a device.
pub(crate) trait Given: fmt::Debug + Send + Sync {
    fn gpu(&self) -> &Gpu;
}

impl Given for Gpu {
    fn gpu(&self) -> &Gpu {
        self
    }
}

impl Choice {
    /// `None`: the CPU alone.
    pub(crate) fn new(backend: Backend, given: Option<&Gpu>) -> Option<Self> {
        if environment::cpu_only() {
            return None;
        }
        match (given, backend) {
            (Some(gpu), _) => Some(Self::Given(Arc::new(gpu.clone()))),
            (None, Backend::Cpu) => None,
            (None, Backend::Auto) => Some(Self::Measured),
            (None, Backend::Gpu) => Some(Self::Shared),
        }
    }

    /// Whether the device has to be worth it.
    pub(crate) fn is_measured(&self) -> bool {
        matches!(self, Self::Measured)
    }

    /// The device; one that has to be worth it with what it costs. `None`: there is none, or it is
    /// lost.
    pub(crate) fn open(&self) -> Option<(Gpu, Option<Cost>)> {
        let (gpu, cost) = match self {
            Self::Given(given) => (given.gpu().clone(), None),
            Self::Shared => (Backend::Gpu.device()?, None),
            Self::Measured => Backend::Auto.device().and_then(|gpu| Some((gpu.clone(), Some(gpu.cost()?))))?,
        };
        gpu.lost().is_none().then_some((gpu, cost))
    }
}

/// The process's device. One that was not there when it was first asked for is not looked for
/// again.
fn shared(software: bool) -> Option<Gpu> {
    static HARDWARE: OnceLock<Option<Gpu>> = OnceLock::new();
    static ANY: OnceLock<Option<Gpu>> = OnceLock::new();
    let request = |software| Gpu::request(&GpuOptions::new().software(software)).ok();
    let hardware = HARDWARE.get_or_init(|| request(false)).clone();
    if hardware.is_some() || !software { hardware } else { ANY.get_or_init(|| request(true)).clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_found_by_its_name() {
        for (name, backend) in Backend::ALL {
            assert_eq!(name.parse(), Ok(backend));
            assert_eq!(backend.to_string(), name);
        }
        assert_eq!("tpu".parse::<Backend>(), Err(ParseBackendError));
    }

    #[test]
    fn auto_never_takes_an_adapter_that_computes_on_the_cpu() {
        let taken = Choice::Measured.open();
        assert!(taken.is_none_or(|(gpu, cost)| !gpu.is_software() && cost.is_some()));
    }
}
