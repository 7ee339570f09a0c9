//! The command line as it was given, what stands before it by the program's name and by `RANS_OPT`,
//! and what is said where it is wrong.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, IsTerminal},
    path::Path,
    process,
};

use clap::{Command, CommandFactory, FromArgMatches, error::ErrorKind, parser::ValueSource};

use super::Cli;
use crate::{names::masked, output::print, report};

/// Options that stand before those of every command line.
pub(crate) const DEFAULTS: &str = "RANS_OPT";

/// Options that are no defaults: with them every script that runs the program would do something
/// else than it says.
const NO_DEFAULTS: [&str; 16] = [
    "inputs",
    "compress",
    "decompress",
    "test",
    "list",
    "json",
    "stdout",
    "output",
    "output_dir_flat",
    "output_dir_mirror",
    "rm",
    "force",
    "filelist",
    "from",
    "to",
    "version",
];

/// What was asked for. Ends the program where that is nothing it can do, or help.
pub(crate) fn parse() -> Cli {
    let mut given = env::args_os();
    let program = given.next().unwrap_or_default();
    let given: Vec<_> = given.collect();
    let defaults = defaults().unwrap_or_else(|error| end(&error));
    let mut command = Cli::command();
    command.build();
    let mut line = vec![OsString::from("rans")];
    let task = given.first().and_then(|word| command.find_subcommand(word));
    match (by_name(&program), task) {
        (None, Some(task)) => {
            line.push(given[0].clone());
            line.extend(known_to(task, &defaults));
            line.extend_from_slice(&given[1..]);
        }
        (flags, _) => {
            line.extend(flags.map(OsString::from));
            line.extend(defaults);
            line.extend(given);
        }
    }
    command.try_get_matches_from(line).and_then(|matches| Cli::from_arg_matches(&matches)).unwrap_or_else(|error| {
        if error.use_stderr()
            && let Some(value) = env::var_os(DEFAULTS)
        {
            report::say(format_args!("rans: {DEFAULTS} is '{}'", masked(&value)));
        }
        end(&error)
    })
}

/// Prints what clap has to say, and ends the program: with status 2 where the line was wrong.
pub(super) fn end(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        // Help that was asked for.
        let text = error.render();
        let text = if io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
        let printed = print(text.as_bytes());
        process::exit(i32::from(report::end(printed) != process::ExitCode::SUCCESS));
    }
    // What was given is repeated there, and may hold what does things to a terminal.
    if env::args_os().any(|arg| masked(&arg) != arg.to_string_lossy()) {
        let text = error.render().to_string();
        for line in text.lines() {
            report::say(format_args!("{}", masked(OsStr::new(line))));
        }
    } else {
        let _ = error.print();
    }
    process::exit(2)
}

/// The flags that the program's name stands for.
fn by_name(program: &OsStr) -> Option<&'static str> {
    match Path::new(program).file_stem()?.to_str()? {
        "unrans" => Some("-d"),
        "ranscat" => Some("-dcf"),
        _ => None,
    }
}

/// The options in the environment. They are seen through here, so that an error is known to be
/// theirs.
fn defaults() -> Result<Vec<OsString>, clap::Error> {
    let Some(value) = env::var_os(DEFAULTS) else { return Ok(Vec::new()) };
    let mut command = Cli::command();
    let wrong =
        |command: &mut Command, what: &str| command.error(ErrorKind::ValueValidation, format!("{DEFAULTS}: {what}"));
    let Some(text) = value.to_str() else { return Err(wrong(&mut command, "not UTF-8")) };
    let words: Vec<_> = text.split_whitespace().map(OsString::from).collect();
    let line = [OsString::from("rans")].into_iter().chain(words.clone());
    let matches = match command.clone().try_get_matches_from(line) {
        Ok(matches) => matches,
        // --help or --version, which clap would print at once.
        Err(error) if !error.use_stderr() => {
            return Err(wrong(&mut command, "what only prints something and ends is no default"));
        }
        Err(error) => {
            let text = error.render().to_string();
            let what = text.strip_prefix("error: ").unwrap_or(&text);
            // How the program is used comes once more behind it.
            let end = ["\n\nUsage:", "\n\nFor more"].iter().filter_map(|behind| what.find(behind)).min();
            return Err(wrong(&mut command, &what[..end.unwrap_or(what.len())]));
        }
    };
    let refused = match matches.subcommand_name() {
        Some(task) => Some(format!("'{task}'")),
        None => NO_DEFAULTS.into_iter().find(|id| is_given(&matches, id)).map(|id| as_written(&command, id)),
    };
    match refused {
        Some(name) => {
            Err(wrong(&mut command, &format!("{name} is no default; only options that change how things are done are")))
        }
        None => Ok(words),
    }
}

/// One of [`NO_DEFAULTS`] as it stands on a command line.
fn as_written(command: &Command, id: &str) -> String {
    let long = command.get_arguments().find(|arg| arg.get_id() == id).and_then(clap::Arg::get_long);
    long.map_or_else(|| "a file".to_owned(), |long| format!("'--{long}'"))
}

fn is_given(matches: &clap::ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Those of the defaults that a subcommand has.
fn known_to(task: &Command, defaults: &[OsString]) -> Vec<OsString> {
    let line = [OsString::from("rans")].into_iter().chain(defaults.iter().cloned());
    let Ok(matches) = Cli::command().try_get_matches_from(line) else { return Vec::new() };
    let mut known = Vec::new();
    for arg in task.get_arguments() {
        let id = arg.get_id().as_str();
        // What the subcommand alone has is not in them.
        if !matches!(matches.try_contains_id(id), Ok(true)) || !is_given(&matches, id) {
            continue;
        }
        let Some(long) = arg.get_long() else { continue };
        if arg.get_action().takes_values() {
            for value in matches.get_raw(id).into_iter().flatten() {
                let mut word = OsString::from(format!("--{long}="));
                word.push(value);
                known.push(word);
            }
        } else {
            known.push(format!("--{long}").into());
        }
    }
    known
}
