//! The one place that reads environment variables. Each is a switch for when something is in doubt:
//! it changes how the work is done, never what a stream means.

use std::{env, str::FromStr, sync::OnceLock};

use crate::options::{Kernel, Mode};

/// `RANS_MODE`: the mode in place of [`Mode::Auto`]. Read once; [`Mode::Auto`] when it is not set
/// or names none.
pub(crate) fn mode() -> Mode {
    static MODE: OnceLock<Mode> = OnceLock::new();
    *MODE.get_or_init(|| named("RANS_MODE").unwrap_or_default())
}

/// `RANS_KERNEL`: the kernel in place of the fastest one. `None` when it is not set or names none.
pub(crate) fn kernel() -> Option<Kernel> {
    named("RANS_KERNEL")
}

/// `RANS_BACKEND=cpu`: no device decodes.
#[cfg(feature = "gpu")]
pub(crate) fn cpu_only() -> bool {
    env::var("RANS_BACKEND").is_ok_and(|name| name == "cpu")
}

/// `RANS_GPU_ADAPTER`: a part of the name of the device to open.
#[cfg(feature = "gpu")]
pub(crate) fn gpu_adapter() -> Option<String> {
    env::var("RANS_GPU_ADAPTER").ok()
}

fn named<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}
