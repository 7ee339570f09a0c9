//! The kernels by name.

use std::{error, fmt, str::FromStr};

/// Which vectors of the processor code symbols, copy matches and merge planes. It changes the
/// speed, and nothing else.
///
/// By default the one is used that is the fastest on processors like this one. The environment
/// variable `RANS_KERNEL` overrides that, and the option of the same name overrides both (a switch
/// for when one kernel is in doubt). Where the processor lacks what was asked for, or `RANS_KERNEL`
/// names no kernel, the default holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Scalar code for every processor. Its only `unsafe` copies matches, and in programs for
    /// browsers there is none.
    Portable,
    /// aarch64: every processor that runs it in 64-bit mode, little-endian.
    Neon,
    /// x86-64 with AVX2, BMI2 and POPCNT: Intel since 2013, AMD since 2015.
    Avx2,
    /// The same, decoding with gathers: faster on Intel since Alder Lake (2021), slower elsewhere.
    Avx2Gather,
    /// x86-64 with AVX-512 F, BW, VBMI, VBMI2 and BITALG: Intel since Ice Lake (2019), AMD since
    /// Zen 4 (2022).
    Avx512,
    /// The same, decoding with gathers: faster on Intel since Sapphire Rapids (2023), slower
    /// elsewhere.
    Avx512Gather,
    /// WebAssembly compiled with its vectors of 128 bits: browsers since 2021, Safari since 2023.
    Simd128,
}

impl Kernel {
    /// All kernels with their names, as `RANS_KERNEL` takes them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("portable", Self::Portable),
        ("neon", Self::Neon),
        ("avx2", Self::Avx2),
        ("avx2-gather", Self::Avx2Gather),
        ("avx512", Self::Avx512),
        ("avx512-gather", Self::Avx512Gather),
        ("simd128", Self::Simd128),
    ];
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, kernel)| kernel == self).map_or("unknown", |(name, _)| name);
        f.pad(name)
    }
}

/// Takes a name of [`Kernel::ALL`].
impl FromStr for Kernel {
    type Err = ParseKernelError;

    fn from_str(name: &str) -> Result<Self, ParseKernelError> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kernel)| *kernel).ok_or(ParseKernelError)
    }
}

/// A name that is not in [`Kernel::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseKernelError;

impl fmt::Display for ParseKernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kernel; the kernels are portable, neon, avx2, avx2-gather, avx512, avx512-gather, simd128")
    }
}

impl error::Error for ParseKernelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_is_found_by_its_name() {
        for (name, kernel) in Kernel::ALL {
            assert_eq!(name.parse(), Ok(kernel));
            assert_eq!(kernel.to_string(), name);
            assert!(ParseKernelError.to_string().contains(name));
        }
        assert_eq!("mmx".parse::<Kernel>(), Err(ParseKernelError));
    }
}
