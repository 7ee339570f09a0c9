//! Who decodes the blocks of a stream.

use std::{fmt, str::FromStr, sync::OnceLock};

use crate::gpu::{Gpu, GpuOptions, cost::SMALLEST_BATCH};

/// Raw bytes of a stream after which [`Backend::Auto`] looks for a device: opening and measuring one takes a good part of a second.
const PROBE_AFTER: u64 = 64 << 20;

/// Who decodes the blocks of a stream. It changes the speed, and nothing else: what a device cannot do, or fails to do, the CPU does.
///
/// The environment variable `RANS_BACKEND=cpu` turns the other two into [`Backend::Cpu`] (a switch for when a device is in doubt).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The CPU.
    #[default]
    Cpu,
    /// Whichever is faster, batch by batch: by what copies and kernel take on the device, which is measured once per process, against the CPU's threads. Batches below 1 MiB and the first 64 MiB
    /// of a stream stay on the CPU, and an adapter that computes on the CPU is never taken.
    Auto,
    /// A device wherever one can be opened, be it one that computes on the CPU.
    Gpu,
}

impl Backend {
    /// All backends with their names.
    pub const ALL: [(&'static str, Self); 3] = [("auto", Self::Auto), ("cpu", Self::Cpu), ("gpu", Self::Gpu)];
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown backend; the backends are auto, cpu, gpu")]
pub struct ParseBackendError;

/// Which device, once there is something for it to do.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// The caller's.
    Given(Gpu),
    /// The one that all streams of the process share.
    Shared,
    /// The same, if it is faster.
    Measured,
}

impl Choice {
    /// `None`: the CPU alone.
    pub(crate) fn new(backend: Backend, given: Option<&Gpu>) -> Option<Self> {
        if std::env::var("RANS_BACKEND").is_ok_and(|name| name == "cpu") {
            return None;
        }
        match (given, backend) {
            (Some(gpu), _) => Some(Self::Given(gpu.clone())),
            (None, Backend::Cpu) => None,
            (None, Backend::Auto) => Some(Self::Measured),
            (None, Backend::Gpu) => Some(Self::Shared),
        }
    }

    /// The device for a batch of a stream that had `before` raw bytes until then; `None`: the batch is for the CPU and its `threads`.
    pub(crate) fn device(&self, before: u64, coded_len: usize, raw_len: usize, threads: usize) -> Option<Gpu> {
        let gpu = match self {
            Self::Given(gpu) => Some(gpu.clone()),
            Self::Shared => shared(true),
            Self::Measured if before < PROBE_AFTER || raw_len < SMALLEST_BATCH => None,
            Self::Measured => {
                shared(false).filter(|gpu| gpu.cost().is_some_and(|cost| cost.prefers_gpu(coded_len, raw_len, threads)))
            }
        };
        gpu.filter(|gpu| gpu.lost().is_none())
    }
}

/// The process's device. One that was not there when it was first asked for is not looked for again.
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
    fn auto_leaves_small_batches_and_short_streams_to_the_cpu() {
        let choice = Choice::Measured;
        assert!(choice.device(PROBE_AFTER - 1, 8 << 20, 16 << 20, 1).is_none());
        assert!(choice.device(u64::MAX, 1 << 19, SMALLEST_BATCH - 1, 1).is_none());
    }

    #[test]
    fn auto_never_takes_an_adapter_that_computes_on_the_cpu() {
        let taken = Choice::Measured.device(u64::MAX, 8 << 20, 16 << 20, 1);
        assert!(taken.is_none_or(|gpu| !gpu.is_software()));
    }
}
