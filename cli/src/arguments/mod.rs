//! What can be asked for on the command line.
//!
//! | file | what it has |
//! |---|---|
//! | `command_line` | the line as it was given, with the program's name and `RANS_OPT` |
//! | `files`, `tasks` | what `rans` takes, and what its subcommands take |
//! | `encode`, `level`, `general`, `sizes` | groups of options, and how their values are written |

mod command_line;
mod encode;
mod files;
mod general;
mod level;
mod sizes;
mod tasks;

use clap::{CommandFactory, Parser, error::ErrorKind};

pub(crate) use self::{
    command_line::{DEFAULTS, parse},
    encode::EncodeArgs,
    files::{FileArgs, OutputArgs, PassArgs, SUFFIX, SourceArgs},
    general::{AboutArgs, BackendArgs, BackendName, BaseArgs, LimitArgs, RangeArgs, ThreadArgs, VoiceArgs},
    tasks::{BenchArgs, IndexArgs, ListArgs, RecoverArgs, Task, TestArgs},
};

const EXAMPLES: &str = "\
Examples:
  rans FILE                                 write FILE.rans beside FILE
  rans -d FILE.rans                         write FILE again
  tar c DIR | rans > DIR.tar.rans           in a pipe
  rans -dc DIR.tar.rans | tar x             and back
  rans -dc --from 10M --to 11M FILE.rans    one MiB from the middle
  rans list FILE.rans                       what is in it
  rans recover FILE.rans -o FILE            what can be saved of a damaged one
  rans index FILE.rans                      for places in one that was written to a pipe
  rans --base OLD.safetensors NEW.safetensors   a fine-tune as differences
  rans bench FILE                           how small and how fast

SIZE and POSITION are bytes, or take K, M, G, T for powers of 1024: 64K, 1M, 256KiB.
Of options that exclude each other, and of values for one option, the last counts.
The program is rans -d under the name unrans, and rans -dcf under the name ranscat.
RANS_OPT holds options that come before those on the line, separated by spaces.
Write a file that is called like a subcommand with its folder: rans ./list
The exit status is 0 if all went well, 1 if a file failed, 2 if the command line is wrong.";

/// Compresses any bytes into independently checked blocks of interleaved rANS, and restores them.
#[derive(Debug, Parser)]
#[command(
    name = "rans",
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    subcommand_help_heading = "Subcommands",
    override_usage = "rans [OPTIONS] [FILE]...\n       rans <SUBCOMMAND>",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) files: FileArgs,
}

/// Ends the program as it ends when the command line is wrong.
pub(crate) fn usage_error(message: &str) -> ! {
    command_line::end(&Cli::command().error(ErrorKind::ValueValidation, message))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::parse_from(line.split(' '))
    }

    #[test]
    fn clap_finds_no_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_first_word_may_be_a_subcommand_and_every_other_is_a_file() {
        assert!(matches!(parse("rans list").task, Some(Task::List(_))));
        assert_eq!(parse("rans ./list").files.inputs, [PathBuf::from("./list")]);
        assert_eq!(parse("rans -d list man").files.inputs, ["list", "man"].map(PathBuf::from));
        assert_eq!(parse("rans a test").files.inputs, ["a", "test"].map(PathBuf::from));
    }

    #[test]
    fn of_two_opposite_flags_the_last_holds() {
        let cases = [("", None), (" --index", Some(true)), (" --index --no-index", Some(false))];
        for (flags, index) in cases {
            assert_eq!(parse(&format!("rans{flags} a")).files.encode.index(), index);
        }
        assert!(parse("rans -k --rm a").files.output.rm);
        assert!(!parse("rans --rm -k a").files.output.rm);
        let operation = parse("rans -d -t -z -l -d a").files.operation;
        assert!(operation.decompress && !operation.compress && !operation.test && !operation.list);
        let voice = parse("rans -q -v a").files.voice;
        assert!(voice.verbose && !voice.quiet);
        let output = parse("rans -c -o b a").files.output;
        assert!(!output.stdout && output.output.is_some());
    }

    #[test]
    fn of_levels_the_last_holds() {
        let cases = [
            ("-1", Some(1)),
            ("-9 -0", Some(0)),
            ("-19", Some(9)),
            ("--best -3", Some(3)),
            ("-3 --fast", Some(1)),
            ("--fast=5 --best", Some(9)),
            ("-5c", Some(5)),
            ("-c", None),
        ];
        for (flags, level) in cases {
            assert_eq!(parse(&format!("rans {flags} a")).files.encode.level.level(), level, "{flags}");
        }
    }

    #[test]
    fn files_between_options_all_count() {
        let files = parse("rans a -T1 b -T2 c --filelist x --filelist y").files;
        assert_eq!(files.inputs, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(files.source.filelist, ["x", "y"].map(PathBuf::from));
        assert_eq!(files.threads.count(), 2);
        assert_eq!(parse("rans -p 3 a").files.threads.count(), 3);
    }
}
