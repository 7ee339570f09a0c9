//! Which kernel is the fastest on a processor, by what it says of itself.

use super::Kernel;

/// What of a processor decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processor {
    /// Made by Intel.
    intel: bool,
    /// Has AVX-VNNI: of Intel's, those from Alder Lake and Sapphire Rapids on.
    avx_vnni: bool,
    /// The kernel without gathers for the widest vectors that it has.
    widest: Kernel,
}

impl Processor {
    /// The one that this runs on. To ask it for its maker takes some microseconds in a virtual
    /// machine: ask once.
    pub(super) fn this() -> Self {
        let widest = [Kernel::Avx512, Kernel::Avx2, Kernel::Neon, Kernel::Simd128]
            .into_iter()
            .find(|kernel| kernel.is_available());
        Self { intel: is_intel(), avx_vnni: has_avx_vnni(), widest: widest.unwrap_or(Kernel::Portable) }
    }

    /// The fastest kernel that it has.
    ///
    /// | processors | how they are known | kernel |
    /// |---|---|---|
    /// | Sapphire Rapids, Emerald Rapids, later | Intel, AVX-512, AVX-VNNI | `avx512-gather` |
    /// | Ice Lake, Tiger Lake, Rocket Lake | Intel, AVX-512, no AVX-VNNI | `avx512` |
    /// | Zen 4, Zen 5 | not Intel, AVX-512 | `avx512` |
    /// | Alder Lake to Arrow Lake | Intel, AVX2, AVX-VNNI | `avx2-gather` |
    /// | Skylake and older, Zen 1 to 3 | AVX2 | `avx2` |
    /// | aarch64 | NEON | `neon` |
    /// | WebAssembly | compiled with simd128 | `simd128` |
    /// | others | | `portable` |
    ///
    /// Measured: the first row on Emerald Rapids and on a later Xeon; the fourth on both, without
    /// AVX-512; the third on Zen 4; the fifth on Zen 3, and on Zen 4 without AVX-512. The rest is
    /// inferred.
    /// AMD's gathers are as slow as that many loads and shuffles. Intel's are slow from Skylake to
    /// Rocket Lake, where microcode closes a leak through them (Gather Data Sampling,
    /// CVE-2022-40982); no processor with AVX-VNNI has that leak. A hypervisor that hides AVX-VNNI
    /// costs its guests a tenth of the speed.
    pub(super) fn fastest(self) -> Kernel {
        match self.widest {
            Kernel::Avx512 if self.intel && self.avx_vnni => Kernel::Avx512Gather,
            Kernel::Avx2 if self.intel && self.avx_vnni => Kernel::Avx2Gather,
            widest => widest,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    names_intel(std::arch::x86_64::__cpuid(0))
}

/// Whether the maker's name in the first leaf of CPUID is Intel's.
#[cfg(target_arch = "x86_64")]
fn names_intel(leaf: std::arch::x86_64::CpuidResult) -> bool {
    [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
}

#[cfg(target_arch = "x86_64")]
fn has_avx_vnni() -> bool {
    is_x86_feature_detected!("avxvnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn is_intel() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx_vnni() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_processors_gets_its_kernel() {
        let intel = |avx_vnni, widest| Processor { intel: true, avx_vnni, widest };
        let other = |avx_vnni, widest| Processor { intel: false, avx_vnni, widest };
        let cases = [
            (intel(true, Kernel::Avx512), Kernel::Avx512Gather), // Sapphire and Emerald Rapids
            (intel(false, Kernel::Avx512), Kernel::Avx512),      // Ice Lake
            (other(false, Kernel::Avx512), Kernel::Avx512),      // Zen 4
            (other(true, Kernel::Avx512), Kernel::Avx512),       // Zen 5
            (intel(true, Kernel::Avx2), Kernel::Avx2Gather),     // Alder Lake
            (intel(false, Kernel::Avx2), Kernel::Avx2),          // Haswell; Skylake-X, without VBMI
            (other(false, Kernel::Avx2), Kernel::Avx2),          // Zen 3
            (other(false, Kernel::Neon), Kernel::Neon),
            (other(false, Kernel::Simd128), Kernel::Simd128),
            (intel(false, Kernel::Portable), Kernel::Portable),
        ];
        for (processor, expected) in cases {
            assert_eq!(processor.fastest(), expected, "{processor:?}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn makers_are_told_apart_by_what_cpuid_says() {
        for (name, intel) in [(b"GenuineIntel", true), (b"AuthenticAMD", false), (b"HygonGenuine", false)] {
            let [ebx, edx, ecx] = [0, 4, 8].map(|at| u32::from_le_bytes(*name[at..].first_chunk().unwrap()));
            assert_eq!(names_intel(std::arch::x86_64::CpuidResult { eax: 0x20, ebx, ecx, edx }), intel, "{name:?}");
        }
    }

    #[test]
    fn what_is_chosen_here_is_here() {
        assert!(Processor::this().fastest().is_available());
    }
}
