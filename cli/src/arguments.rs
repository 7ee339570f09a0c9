//! What can be asked for on the command line.

use std::{ffi::OsStr, path::PathBuf};

use clap::{
    Arg, ArgAction, Args, Command, CommandFactory, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
    error::ErrorKind,
};
use clap_complete::Shell;
use parse_size::Config;
use ranstream::{DecodeOptions, EncodeOptions, Limits, MAX_BLOCK_LEN, Mode, Normalization};

const EXAMPLES: &str = "\
Examples:
  rans FILE                                 write FILE.rans beside FILE
  rans -d FILE.rans                         write FILE again
  tar c DIR | rans > DIR.tar.rans           in a pipe
  rans -dc DIR.tar.rans | tar x             and back
  rans -dc --from 10M --to 11M FILE.rans    one MiB from the middle
  rans list FILE.rans                       what is in it
  rans recover FILE.rans -o FILE            what can be saved of a damaged one
  rans bench FILE                           how small and how fast

SIZE and POSITION are bytes, or take K, M, G, T for powers of 1024: 64K, 1M, 256KiB.
Write a file that is called like a subcommand with its folder: rans ./list
The variable RANS_KERNEL names the kernel that codes blocks in lanes: portable, neon, avx2,
avx2-gather, avx512 or avx512-gather. By default the fastest one of this processor does; see bench.
The exit status is 0 if all went well, 1 if a file failed, 2 if the command line is wrong.";

/// Compresses any bytes into independently checked blocks of interleaved rANS, and restores them.
#[derive(Debug, Parser)]
#[command(
    name = "rans",
    version,
    args_conflicts_with_subcommands = true,
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

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Show what is in compressed files
    List(ListArgs),
    /// Decode compressed files and write nothing, to see whether they are whole
    Test(TestArgs),
    /// Save every complete block of a damaged file
    Recover(RecoverArgs),
    /// Measure how small and how fast each mode and kernel makes a file
    Bench(BenchArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, for man(1)
    Man {
        /// The page of this subcommand
        subcommand: Option<String>,
    },
}

/// What `rans` without a subcommand takes.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Files; none, or -, is standard input to standard output
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) operation: OperationArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) encode: EncodeArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) voice: VoiceArgs,
    #[command(flatten)]
    about: AboutArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct OperationArgs {
    /// Compress (the default)
    #[arg(short = 'z', long, group = "operation")]
    pub(crate) compress: bool,
    /// Decompress
    #[arg(short, long, group = "operation")]
    pub(crate) decompress: bool,
    /// Like `rans test`
    #[arg(short, long, group = "operation")]
    pub(crate) test: bool,
    /// Like `rans list`
    #[arg(short, long, group = "operation")]
    pub(crate) list: bool,
    /// List as JSON
    #[arg(long, requires = "list")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct OutputArgs {
    /// Write to standard output
    #[arg(short = 'c', long, conflicts_with = "output")]
    pub(crate) stdout: bool,
    /// Write to FILE; several inputs become one after the other
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Keep the source files (the default)
    #[arg(short, long, overrides_with = "rm")]
    keep: bool,
    /// Remove each source file once its output is safely on disk
    #[arg(long, overrides_with = "keep", conflicts_with_all = ["stdout", "test", "list", "from", "to"])]
    pub(crate) rm: bool,
    /// Overwrite files, compress .rans files again, use the terminal for compressed data
    #[arg(short, long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Compression")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct EncodeArgs {
    /// Code every block in this mode instead of choosing
    #[arg(long, env = "RANS_MODE", default_value = "auto", value_parser = ModeNames)]
    mode: String,
    /// Raw bytes per block, 1 to 16M (default 256K)
    #[arg(long, value_name = "SIZE", value_parser = block_size)]
    block_size: Option<usize>,
    /// Raw bytes per segment of a lanes block, 128 to 16M (default 64K)
    #[arg(long, value_name = "SIZE", value_parser = segment_size)]
    segment_size: Option<usize>,
    /// Precision of frequencies, 9 to 12; single and interleaved take up to 14 (default: by block
    /// length)
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(9..=14))]
    scale_bits: Option<u8>,
    /// States of an interleaved block, 1 to 255 (default 4)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    lanes: Option<u8>,
    /// Make frequencies as the original coder does: its payloads, byte for byte
    #[arg(long)]
    compat: bool,
    /// Count every byte of a long block, not a sample: slower, and 0.01 to 0.06 % smaller
    #[arg(long)]
    no_sampling: bool,
    /// Check the raw bytes as well as the coded ones (the default)
    #[arg(long, overrides_with = "no_check", hide = true)]
    check: bool,
    /// No XXH3-64 over all raw bytes; the coded bytes are checked in any case
    #[arg(long, overrides_with = "check")]
    no_check: bool,
    /// An index to seek by, also on standard output
    #[arg(long, overrides_with = "no_index")]
    index: bool,
    /// No index in files either; seeking hops from block to block then
    #[arg(long, overrides_with = "index")]
    no_index: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct RangeArgs {
    /// First raw byte to write
    #[arg(long, value_name = "POSITION", value_parser = size, requires = "decompress")]
    pub(crate) from: Option<u64>,
    /// First raw byte not to write
    #[arg(long, value_name = "POSITION", value_parser = size, requires = "decompress")]
    pub(crate) to: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct LimitArgs {
    #[command(flatten)]
    memory: MemoryArgs,
    /// Refuse to write more than SIZE raw bytes per file
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_output: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    /// Memory that blocks may take (default 1G)
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    memory: Option<usize>,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct BackendArgs {
    /// Who decodes blocks
    #[arg(id = "backend", long = "backend", value_enum, default_value_t = BackendName::Cpu)]
    pub(crate) name: BackendName,
}

/// In every build, so that a command line means the same or says why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// The threads and a GPU, as far as a GPU is faster; for long files
    Auto,
    /// The threads alone
    Cpu,
    /// A GPU, and the threads for what it does not do; needs a rans with the feature gpu
    Gpu,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub(crate) struct ThreadArgs {
    /// Threads that code blocks; 0 is one per core
    #[arg(short = 'T', long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub(crate) threads: u16,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "General")]
pub(crate) struct VoiceArgs {
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: time and speed, each block of a list
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// What clap would add by itself, but above everything else.
#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
struct AboutArgs {
    /// Print help
    #[arg(short, long, action = ArgAction::Help, global = true)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Compressed files; none, or -, is standard input
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List every block
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Compressed files; none, or -, is standard input
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) voice: VoiceArgs,
}

/// Saves every complete block of a damaged file, tells where the rest was lost, and ends with
/// status 1 if anything was
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The damaged file
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Where the raw bytes go, one block behind the other; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Overwrite the output
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    /// Do not say what was lost and saved
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Codes a file and back in memory, in every mode and with every kernel that this machine has, and
/// writes nothing
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Rounds, of which the median counts
    #[arg(short, long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Take no more than SIZE bytes of the file
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub(crate) max_size: u64,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Decode on a GPU, too; needs a rans with the feature gpu
    #[arg(long)]
    pub(crate) gpu: bool,
    /// Show no progress bar
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl EncodeArgs {
    /// What a stream is written with, apart from what depends on the file. Ends the program when
    /// the options do not go together.
    pub(crate) fn options(&self, threads: &ThreadArgs) -> EncodeOptions {
        let mode: Mode = self.mode.parse().unwrap_or_else(|error| {
            usage_error(&format!("invalid mode '{}', from --mode or RANS_MODE: {error}", self.mode))
        });
        let mut options = EncodeOptions::new().mode(mode).content_check(!self.no_check).threads(threads.threads.into());
        if let Some(bytes) = self.block_size {
            options = options.block_len(bytes);
        }
        if let Some(bytes) = self.segment_size {
            options = options.segment_len(bytes);
        }
        if let Some(bits) = self.scale_bits {
            options = options.scale_bits(bits);
        }
        if let Some(lanes) = self.lanes {
            options = options.interleaved_lanes(lanes.into());
        }
        options = options.sampling(!self.no_sampling);
        if self.compat {
            options = options.normalization(Normalization::Compat);
        }
        if let Err(error) = ranstream::compress(&[], &options) {
            usage_error(&error.to_string());
        }
        options
    }

    /// Whether an index is wanted, if it was said.
    pub(crate) fn index(&self) -> Option<bool> {
        (self.index || self.no_index).then_some(self.index)
    }
}

impl LimitArgs {
    pub(crate) fn options(&self, threads: &ThreadArgs) -> DecodeOptions {
        let mut limits = self.memory.limits();
        if let Some(bytes) = self.max_output {
            limits = limits.max_output(bytes);
        }
        DecodeOptions::new().limits(limits).threads(threads.threads.into())
    }
}

impl MemoryArgs {
    pub(crate) fn limits(&self) -> Limits {
        self.memory.map_or_else(Limits::new, |bytes| Limits::new().max_memory(bytes))
    }
}

/// Ends the program as clap does when the command line is wrong.
pub(crate) fn usage_error(message: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, message).exit()
}

/// Offers the modes by name, but takes any: the name may come from the environment, which must not
/// stop who only decompresses.
#[derive(Debug, Clone)]
struct ModeNames;

impl TypedValueParser for ModeNames {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Mode::ALL.iter().map(|(name, _)| PossibleValue::new(*name))))
    }
}

fn size(text: &str) -> Result<u64, String> {
    Config::new().with_binary().parse_size(text).map_err(|_| "not a size; write 4096, 64K, 1M or 256KiB".to_owned())
}

fn size_within(text: &str, min: usize, max: usize) -> Result<usize, String> {
    let bytes = usize::try_from(size(text)?).unwrap_or(usize::MAX);
    if (min..=max).contains(&bytes) { Ok(bytes) } else { Err(format!("{bytes} bytes is outside {min}..={max}")) }
}

fn block_size(text: &str) -> Result<usize, String> {
    size_within(text, 1, MAX_BLOCK_LEN)
}

fn segment_size(text: &str) -> Result<usize, String> {
    size_within(text, 128, MAX_BLOCK_LEN)
}

fn memory_size(text: &str) -> Result<usize, String> {
    size_within(text, 0, usize::MAX)
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn sizes_take_powers_of_1024() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("64K", 65536), ("1M", 1 << 20), ("256KiB", 1 << 18)] {
            assert_eq!(size(text), Ok(bytes));
        }
        assert!(size("-1").is_err());
        assert!(size("1X").is_err());
        assert_eq!(block_size("0"), Err("0 bytes is outside 1..=16777216".to_owned()));
        assert_eq!(block_size("16M"), Ok(MAX_BLOCK_LEN));
    }
}
