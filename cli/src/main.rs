//! The `rans` command: compresses, restores, tests, lists, repairs and measures files.
//!
//! | file | what it has |
//! |---|---|
//! | `arguments` | what can be asked for |
//! | `compress`, `decompress`, `test`, `list`, `recover`, `bench`, `manual` | one operation each |
//! | `transfer` | which input goes to which output: shared by `compress` and `decompress` |
//! | `backend` | the device that `--backend` asks for |
//! | `kernel` | what is wrong with `RANS_KERNEL` |
//! | `input`, `output`, `temporary` | files, standard streams, and outputs that appear only when they are complete |
//! | `survey` | the structure of a compressed file, without its payloads |
//! | `report`, `bar`, `advice` | what the user is told, on standard error |
//! | `columns` | tables on standard output |

mod advice;
mod arguments;
mod backend;
mod bar;
mod bench;
mod columns;
mod compress;
mod decompress;
mod input;
mod kernel;
mod list;
mod manual;
mod output;
mod recover;
mod report;
mod survey;
mod temporary;
mod test;
mod transfer;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Cli, FileArgs, ListArgs, Task, TestArgs};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(warning) = kernel::warning(&cli) {
        report::warn(warning);
    }
    let Cli { task, files } = cli;
    match task {
        None => operate(files),
        Some(Task::List(args)) => list::run(args),
        Some(Task::Test(args)) => test::run(args),
        Some(Task::Recover(args)) => recover::run(&args),
        Some(Task::Bench(args)) => bench::run(&args),
        Some(Task::Completions { shell }) => manual::completions(shell),
        Some(Task::Man { subcommand }) => manual::page(subcommand.as_deref()),
    }
}

/// What was asked for by flags.
fn operate(args: FileArgs) -> ExitCode {
    let FileArgs { inputs, operation, limits, backend, threads, voice, .. } = args;
    if operation.list {
        list::run(ListArgs { inputs, json: operation.json, verbose: voice.verbose })
    } else if operation.test {
        test::run(TestArgs { inputs, limits, backend, threads, voice })
    } else if operation.decompress {
        let options = limits.options(&threads);
        decompress::run(inputs, &args.range, options, backend.name, &args.output, voice)
    } else {
        compress::run(inputs, &args.encode, &threads, &args.output, voice)
    }
}
