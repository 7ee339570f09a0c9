//! Who decodes the blocks of a stream.

use std::{
    collections::VecDeque,
    error, fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use crate::{
    block::Coded,
    device::{Device, Item, Launched, Load, OpenDevice},
    gpu::{
        Block, Cost, Decoder, Gpu, GpuOptions,
        decoder::{Batch, RING, UNDER_WAY},
    },
    options::DeviceChoice,
};

/// Raw bytes of a stream after which [`Backend::Auto`] looks for a device: opening and measuring
/// one takes a good part of a second.
const PROBE_AFTER: u64 = 64 << 20;

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
    /// The caller's.
    Given(Gpu),
    /// The one that all streams of the process share.
    Shared,
    /// The same, if it is faster.
    Measured,
}

impl Choice {
    /// `None`: the CPU alone.
    pub(super) fn new(backend: Backend) -> Option<Self> {
        match backend {
            Backend::Cpu => None,
            Backend::Auto => Some(Self::Measured),
            Backend::Gpu => Some(Self::Shared),
        }
    }

    pub(super) fn into_option(self) -> DeviceChoice {
        let is_given = matches!(self, Self::Given(_));
        DeviceChoice::new(Arc::new(self), is_given)
    }

    /// The device; one that has to be worth it with what it costs. `None`: there is none, or it is
    /// lost.
    fn find(&self) -> Option<(Gpu, Option<Cost>)> {
        let (gpu, cost) = match self {
            Self::Given(gpu) => (gpu.clone(), None),
            Self::Shared => (Backend::Gpu.device()?, None),
            Self::Measured => Backend::Auto.device().and_then(|gpu| Some((gpu.clone(), Some(gpu.cost()?))))?,
        };
        gpu.lost().is_none().then_some((gpu, cost))
    }
}

impl Device for Choice {
    fn probe_after(&self) -> Option<u64> {
        matches!(self, Self::Measured).then_some(PROBE_AFTER)
    }

    fn under_way(&self) -> usize {
        UNDER_WAY
    }

    fn open(&self) -> Option<Box<dyn OpenDevice>> {
        let (gpu, cost) = self.find()?;
        Some(Box::new(Serving { decoder: Decoder::new(&gpu), cost, batches: VecDeque::new() }))
    }

    fn key(&self) -> usize {
        match self {
            Self::Given(gpu) => gpu.key(),
            Self::Shared => 1,
            Self::Measured => 2,
        }
    }
}

/// A device that decodes the blocks of one stream.
struct Serving {
    decoder: Decoder,
    /// `None`: it need not be worth it.
    cost: Option<Cost>,
    batches: VecDeque<Batch>,
}

impl OpenDevice for Serving {
    fn is_lost(&self) -> bool {
        self.decoder.gpu().lost().is_some()
    }

    fn batch_len(&self) -> u64 {
        self.decoder.batch_len()
    }

    fn batches(&self) -> usize {
        RING
    }

    fn share(&self, waiting: Load, under_way: Load, seconds: f64) -> u64 {
        self.cost.map_or(waiting.raw_len, |cost| cost.share(waiting, under_way, seconds))
    }

    fn launch(&mut self, items: &[Item<'_>]) -> Launched {
        let blocks: Option<Vec<_>> = items.iter().map(|item| Block::new(Coded::new(item.header, item.body))).collect();
        match blocks.map(|blocks| self.decoder.launch(&blocks)) {
            Some(Ok((count, Some(batch)))) => {
                self.batches.push_back(batch);
                Launched::Batch(count)
            }
            Some(Ok((count, None))) => Launched::Refused(count),
            Some(Err(_)) | None => Launched::Failed,
        }
    }

    fn finish(&mut self, take: &mut dyn FnMut(usize, &[u8])) {
        if let Some(batch) = self.batches.pop_front() {
            // Where the device failed nothing is shown, which says it all.
            let _ = self.decoder.finish(batch, take);
        }
    }

    fn count(&self, decoded: usize, returned: usize) {
        self.decoder.gpu().count_decoded(decoded);
        self.decoder.gpu().count_returned(returned);
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
        let taken = Choice::Measured.find();
        assert!(taken.is_none_or(|(gpu, cost)| !gpu.is_software() && cost.is_some()));
    }
}
