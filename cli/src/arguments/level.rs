//! Levels, by the names that gzip and zstd gave them.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::Error};

const HEADING: &str = "Compression";

/// The flag of each level.
const FLAGS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const FAST: &str = "fast";
const BEST: &str = "best";

/// `-0` to `-9`, `--fast` and `--best`; the last one holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LevelArgs {
    level: Option<u8>,
}

impl LevelArgs {
    /// The level that was asked for, 0 to 9.
    pub(crate) fn level(self) -> Option<u8> {
        self.level
    }
}

impl Args for LevelArgs {
    fn augment_args(command: Command) -> Command {
        let names = || FLAGS.iter().chain([&FAST, &BEST]).copied();
        let flag = |name: &'static str| {
            Arg::new(name)
                .help_heading(HEADING)
                .overrides_with_all(names().filter(move |other| *other != name))
                .action(ArgAction::SetTrue)
        };
        let digits = FLAGS.iter().map(|name| {
            // One line of help for all of them.
            let help = "to -9: look for bytes that repeat, each level harder (default -3); -0 does not look; -8 and -9 are far slower than -7";
            flag(name).short(name.as_bytes()[0] as char).hide(*name != "1").help(help)
        });
        command
            .args(digits)
            .arg(
                // zstd takes a number there, and has levels below 1 for it.
                flag(FAST)
                    .long(FAST)
                    .help("Level 1")
                    .action(ArgAction::Set)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("1")
                    .value_name("N")
                    .value_parser(clap::value_parser!(u32)),
            )
            .arg(flag(BEST).long(BEST).help("Level 9"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LevelArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let digit = (0..).zip(FLAGS).find(|(_, name)| matches.get_flag(name)).map(|(level, _)| level);
        let fast = matches.contains_id(FAST).then_some(1);
        let best = matches.get_flag(BEST).then_some(9);
        Ok(Self { level: digit.or(fast).or(best) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
