//! Completions and manual pages, made from the arguments when they are asked for.

use std::{io, process::ExitCode};

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::{
    advice::explain,
    arguments::{Cli, usage_error},
    output::print,
    report,
    version::VARIABLES,
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
    sections(&Man::new(command.disable_help_flag(true)), subcommand.is_none(), &mut page).map_err(explain)?;
    Ok(page)
}

/// The sections of a page in the order that man-pages(7) asks for.
fn sections(man: &Man, is_whole: bool, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if is_whole {
        man.render_subcommands_section(page)?;
    }
    status().to_writer(page)?;
    environment().to_writer(page)?;
    if is_whole {
        man.render_extra_section(page)?;
        man.render_version_section(page)?;
    }
    Ok(())
}

fn status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    let lines = [
        ("0", "All went well. Warnings and notes do not change that."),
        (
            "1",
            "A file failed, is damaged, became shorter while it was read, or has something other than zeros behind \
             its last stream. The other files are done.",
        ),
        ("2", "The command line or RANS_OPT is wrong. Nothing is done."),
        ("128 + N", "What a shell says when signal N ended the program, as SIGPIPE does when nobody reads the output."),
    ];
    for (value, meaning) in lines {
        section.control("TP", []).text([bold(value)]).text([roman(meaning)]);
    }
    section
}

fn environment() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in VARIABLES {
        section.control("TP", []).text([bold(name)]).text([roman(meaning)]);
    }
    section
}
