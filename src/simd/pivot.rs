//! The steps of pivot chunks, by kernel.

use super::Kernel;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::aarch64::neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::wasm32;
#[cfg(target_arch = "x86_64")]
use super::x86_64::{avx2, avx512, sse2};
use crate::pivot::Steps;

// What every processor of a kind has. A `.wasm` with vectors has no others, and does not hold what
// nobody there would ask for.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128", not(test)))))]
use crate::pivot::Portable as Everywhere;
#[cfg(target_arch = "x86_64")]
use sse2::PivotSteps as Everywhere;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(test)))]
use wasm32::PivotSteps as Everywhere;

/// The steps that a kernel takes. Where the processor lacks it, those for every processor.
pub(crate) fn pivot_steps(kernel: Kernel) -> &'static dyn Steps {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather => avx512::PivotSteps::new().map_or(&Everywhere, |steps| steps),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather => avx2::PivotSteps::new().map_or(&Everywhere, |steps| steps),
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon => neon::PivotSteps::new().map_or(&Everywhere, |steps| steps),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Kernel::Simd128 => &wasm32::PivotSteps,
        _ => &Everywhere,
    }
}
