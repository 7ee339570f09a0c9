//! Which kernels there are on this machine, and which of them is taken.

use std::sync::OnceLock;

use super::choice::Processor;
use crate::options::{Kernel, environment};
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::simd::aarch64::neon;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86_64::{avx2, avx512};

impl Kernel {
    /// Those that this processor has. Never empty.
    pub fn all_available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(_, kernel)| kernel).filter(|kernel| kernel.is_available())
    }

    /// Whether this processor has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => neon::is_available(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx2Gather => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Gather => avx512::is_available(),
            #[allow(unreachable_patterns, reason = "every architecture lacks the kernels of the others")]
            _ => false,
        }
    }

    /// What `asked` comes to here: itself where it is available, else what `RANS_KERNEL` names,
    /// else the fastest. The last two are found out once in a process.
    pub(crate) fn or_default(asked: Option<Self>) -> Self {
        static DEFAULT: OnceLock<Kernel> = OnceLock::new();
        let available = |kernel: &Self| kernel.is_available();
        asked.filter(available).unwrap_or_else(|| {
            *DEFAULT
                .get_or_init(|| environment::kernel().filter(available).unwrap_or_else(|| Processor::this().fastest()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_available_falls_back() {
        assert!(Kernel::all_available().any(|kernel| kernel == Kernel::Portable));
        for (_, kernel) in Kernel::ALL {
            let taken = Kernel::or_default(Some(kernel));
            assert_eq!(taken == kernel, kernel.is_available() || Kernel::or_default(None) == kernel);
        }
    }
}
