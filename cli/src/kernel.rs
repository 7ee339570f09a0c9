//! The environment variable `RANS_KERNEL`.

use std::{env, fmt};

use ranstream::Kernel;

use crate::{
    arguments::{Cli, Task},
    names::masked,
};

/// What is wrong with `RANS_KERNEL`, if the task codes anything and may say so: the library is
/// silent, and takes the fastest kernel then.
pub(crate) fn warning(cli: &Cli) -> Option<impl fmt::Display> {
    let quiet = match &cli.task {
        None => cli.files.voice.quiet,
        Some(Task::Test(args)) => args.voice.quiet,
        Some(Task::Recover(args)) => args.quiet,
        Some(Task::Bench(args)) => args.quiet,
        Some(_) => true,
    };
    if quiet {
        return None;
    }
    let name = masked(&env::var_os("RANS_KERNEL")?);
    match name.parse::<Kernel>() {
        Ok(kernel) if kernel.is_available() => None,
        Ok(_) => Some(format!("RANS_KERNEL: this processor lacks {name}; the fastest kernel is used")),
        Err(error) => Some(format!("RANS_KERNEL: {name}: {error}; the fastest one is used")),
    }
}
