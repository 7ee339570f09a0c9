//! Who decodes blocks: the device behind `--backend`, and what is said about it.

use anyhow::Result;
use ranstream::DecodeOptions;
#[cfg(feature = "gpu")]
use ranstream::gpu::{self, Gpu, GpuOptions};

#[cfg(not(feature = "gpu"))]
use crate::arguments::usage_error;
use crate::{arguments::BackendName, report::Report};

/// What decodes, once it is known.
#[derive(Debug)]
pub(crate) enum Backend {
    Cpu,
    #[cfg(feature = "gpu")]
    Auto,
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}

impl Backend {
    /// Opens the device that was asked for. Where there is none the CPU decodes, and the user is
    /// told: the output is the same.
    #[cfg(feature = "gpu")]
    pub(crate) fn open(name: BackendName, report: &Report) -> Self {
        match name {
            BackendName::Cpu => Self::Cpu,
            BackendName::Auto => Self::Auto,
            // Who asks for a GPU by name may have a reason to take one that is none.
            BackendName::Gpu => match Gpu::request(&GpuOptions::new().software(true)) {
                Ok(gpu) => {
                    if gpu.is_software() {
                        let name = &gpu.info().name;
                        report.warning(
                            "--backend gpu",
                            format_args!("{name} computes on the CPU, slower than --backend cpu"),
                        );
                    }
                    Self::Gpu(gpu)
                }
                Err(error) => {
                    report.warning("--backend gpu", format_args!("{error}; the CPU decodes"));
                    Self::Cpu
                }
            },
        }
    }

    /// Ends the program where a GPU was asked for by name.
    #[cfg(not(feature = "gpu"))]
    pub(crate) fn open(name: BackendName, _: &Report) -> Self {
        match name {
            BackendName::Cpu | BackendName::Auto => Self::Cpu,
            BackendName::Gpu => usage_error("--backend gpu: this rans was built without the feature gpu"),
        }
    }

    /// The device, for who wants that and nothing else.
    #[cfg(feature = "gpu")]
    pub(crate) fn device() -> Result<Self> {
        Ok(Self::Gpu(Gpu::request(&GpuOptions::new().software(true))?))
    }

    /// Ends the program.
    #[cfg(not(feature = "gpu"))]
    pub(crate) fn device() -> Result<Self> {
        usage_error("--gpu: this rans was built without the feature gpu")
    }

    /// What decoded, and how much of it was its own work.
    pub(crate) fn verdict(&self) -> String {
        match self {
            Self::Cpu => "the CPU".to_owned(),
            #[cfg(feature = "gpu")]
            Self::Auto => "the threads, and a device as far as it is faster".to_owned(),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => {
                let gpu::Tally { decoded, returned } = gpu.tally();
                let kind = if gpu.is_software() { ", which computes on the CPU" } else { "" };
                let lost = gpu.lost().map(|reason| format!("; {reason}")).unwrap_or_default();
                format!("{}{kind}: {decoded} blocks decoded, {returned} left to the CPU{lost}", gpu.info().name)
            }
        }
    }

    pub(crate) fn apply(&self, options: DecodeOptions) -> DecodeOptions {
        match self {
            Self::Cpu => options,
            #[cfg(feature = "gpu")]
            Self::Auto => options.backend(gpu::Backend::Auto),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => options.gpu(gpu),
        }
    }

    /// Says what became of a device, when all files are done.
    pub(crate) fn close(&self, report: &Report) {
        match self {
            Self::Cpu => {}
            #[cfg(feature = "gpu")]
            Self::Auto => {}
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => {
                if let Some(reason) = gpu.lost() {
                    report.warning("--backend gpu", format_args!("{reason}; the CPU decoded the rest"));
                }
            }
        }
        if report.is_verbose() && !matches!(self, Self::Cpu) {
            report.note("decoded by", self.verdict());
        }
    }
}
