//! Completions and manual pages, made from the arguments when they are asked for.

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::{
    advice::explain,
    arguments::{Cli, usage_error},
    output::print,
    report,
};

/// Prints the completion script for `shell`.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "rans", &mut script);
    report::end(print(&script))
}

/// Prints the manual page of the command or of one of its subcommands.
pub(crate) fn page(subcommand: Option<&str>) -> ExitCode {
    report::end(render(subcommand).and_then(|page| print(&page)))
}

fn render(subcommand: Option<&str>) -> Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let command = match subcommand {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => usage_error(&format!("there is no subcommand {name}")),
        },
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(explain)?;
    Ok(page)
}
