//! Which kernel executes the sequences of a chunk, and the way to it.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::simd::aarch64::neon;
#[cfg(not(any(target_family = "wasm", fuzzing)))]
use crate::simd::lz_portable;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86_64::{avx2, avx512};
use crate::{
    sequences::{Expanded, Output, Repeats, Sections},
    simd::Kernel,
};

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together, and `output` may hold anything.
pub(crate) fn execute(
    kernel: Kernel,
    sections: &Sections<'_>,
    repeats: Repeats,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> Option<Repeats> {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs: `is_available` just asked it.
            unsafe { avx2::lz::execute(sections, repeats, expanded, output) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::lz::execute(sections, repeats, expanded, output) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { neon::lz::execute(sections, repeats, expanded, output) }
        }
        // A program for a browser is to be small: there the loop that checks everything is enough.
        // Fuzzers hold all kernels against that one.
        #[cfg(not(any(target_family = "wasm", fuzzing)))]
        _ => lz_portable::execute(sections, repeats, expanded, output),
        #[cfg(any(target_family = "wasm", fuzzing))]
        _ => sections.execute(repeats, expanded, output).ok(),
    }
}
