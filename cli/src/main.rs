//! The `rans` command: compresses, restores, tests, lists, repairs, indexes and measures files.
//!
//! | file | what it has |
//! |---|---|
//! | `arguments` | what can be asked for |
//! | `version` | what this program is, and what the environment tells it |
//! | `compress`, `decompress`, `test`, `list` | one operation each |
//! | `recover`, `index`, `bench`, `manual` | the same |
//! | `transfer` | what becomes of each input: shared by `compress` and `decompress` |
//! | `sources`, `targets` | which files are taken, and what their outputs are called |
//! | `base` | what model files are differences from |
//! | `backend` | the device that `--backend` asks for |
//! | `kernel` | what is wrong with `RANS_KERNEL` |
//! | `input`, `output`, `standard` | files, standard streams; outputs appear when complete |
//! | `padding` | how many raw bytes a damaged file has lost |
//! | `claimed`, `trailing` | inputs that are longer or shorter than they say |
//! | `survey` | the structure of a compressed file, without its payloads |
//! | `tensors` | the tensors of a compressed model file |
//! | `report`, `bar`, `advice`, `names` | what the user is told, on standard error |
//! | `columns` | tables on standard output |

mod advice;
mod arguments;
mod backend;
mod bar;
mod base;
mod bench;
mod claimed;
mod columns;
mod compress;
mod decompress;
mod index;
mod input;
mod kernel;
mod list;
mod manual;
mod names;
mod output;
mod padding;
mod recover;
mod report;
mod sources;
mod standard;
mod survey;
mod targets;
mod tensors;
mod test;
mod trailing;
mod transfer;
mod version;

use std::{ffi::OsStr, process::ExitCode};

use crate::arguments::{Cli, FileArgs, ListArgs, SUFFIX, Task, TestArgs};

fn main() -> ExitCode {
    let cli = arguments::parse();
    if let Some(warning) = kernel::warning(&cli) {
        report::warn(warning);
    }
    let Cli { task, files } = cli;
    match task {
        None => operate(files),
        Some(Task::List(args)) => list::run(args, OsStr::new(SUFFIX)),
        Some(Task::Test(args)) => test::run(args, OsStr::new(SUFFIX)),
        Some(Task::Recover(args)) => recover::run(&args),
        Some(Task::Index(args)) => index::run(&args),
        Some(Task::Bench(args)) => bench::run(&args),
        Some(Task::Completions { shell }) => manual::completions(shell),
        Some(Task::Man { subcommand }) => manual::page(subcommand.as_deref()),
    }
}

/// What was asked for by flags.
fn operate(args: FileArgs) -> ExitCode {
    let FileArgs { inputs, operation, source, output, limits, backend, threads, voice, about, base, .. } = args;
    if about.version {
        version::run(voice.verbose)
    } else if operation.list {
        let (json, verbose, quiet) = (operation.json, voice.verbose, voice.quiet);
        let args = ListArgs { inputs, json, verbose, tensors: false, quiet, force: output.force, source };
        list::run(args, &output.suffix)
    } else if operation.test {
        let args = TestArgs { inputs, force: output.force, source, base, limits, backend, threads, voice };
        test::run(args, &output.suffix)
    } else if operation.decompress {
        let options = limits.options(threads);
        let (range, pass) = (&args.range, &args.pass);
        let terms = decompress::Terms { options, base, backend: backend.name, range, pass };
        decompress::run(inputs, &source, terms, &output, voice)
    } else {
        compress::run(inputs, &source, &args.encode, base, threads, &output, voice)
    }
}
