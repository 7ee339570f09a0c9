//! What this program is, and what the environment tells it.

use std::{env, ffi::OsStr, fmt::Write as _, process::ExitCode, thread};

use ranstream::Kernel;

use crate::{arguments, names::masked, output::print, report};

/// Variables that change what the program does, with what they are for.
pub(crate) const VARIABLES: [(&str, &str); 5] = [
    (
        arguments::DEFAULTS,
        "Options that come before those on the command line, separated by spaces; there is no quoting. Those that \
         name an operation, files or where outputs go, and --rm and -f, are refused.",
    ),
    ("RANS_MODE", "The mode to compress in, where --mode does not name one."),
    (
        "RANS_KERNEL",
        "The kernel, which codes symbols, copies matches and merges planes: portable, neon, avx2, avx2-gather, avx512, \
         avx512-gather or simd128. By default it is the fastest one of this processor. The output is the same with \
         each. One that is unknown, or that the processor lacks, is named in a warning, and the default is taken.",
    ),
    ("RANS_BACKEND", "cpu keeps blocks from a GPU, whatever --backend says."),
    ("RANS_GPU_ADAPTER", "A part of the name of the GPU to take."),
];

/// Prints the version; with `verbose` also what is chosen on this machine.
pub(crate) fn run(verbose: bool) -> ExitCode {
    let mut text = format!("rans {}\n", env!("CARGO_PKG_VERSION"));
    if verbose {
        details(&mut text);
    }
    report::end(print(text.as_bytes()))
}

fn details(text: &mut String) {
    let kernels: Vec<_> = Kernel::all_available().map(|kernel| kernel.to_string()).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let _ = writeln!(text, "kernels: {}", kernels.join(", "));
    let _ = writeln!(text, "threads by default: {threads}");
    let _ = writeln!(text, "gpu: {}", if cfg!(feature = "gpu") { "built in" } else { "not built in" });
    for (name, _) in VARIABLES {
        let value = env::var_os(name);
        let value = value.as_deref().map_or_else(|| "not set".to_owned(), |value: &OsStr| masked(value));
        let _ = writeln!(text, "{name}: {value}");
    }
}
